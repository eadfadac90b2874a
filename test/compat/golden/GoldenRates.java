import org.apache.kafka.common.metrics.*;
import org.apache.kafka.common.metrics.stats.*;
import java.util.*;
import java.util.concurrent.TimeUnit;
/** Rates and token buckets of Kafka's own classes over random events; golden data of broker/security. */
public class GoldenRates {
  public static void main(String[] arguments) {
    Random random = new Random(42);
    for (int run = 0; run < 20; run++) {
      int samples = 1 + random.nextInt(12);
      long sampleMs = run % 3 == 0 ? 1000 : 100 + random.nextInt(2000);
      double limit = 1 + random.nextInt(5000);
      MetricConfig config = new MetricConfig().samples(samples).timeWindow(sampleMs, TimeUnit.MILLISECONDS).quota(Quota.upperBound(limit));
      Rate rate = new Rate();
      TokenBucket bucket = new TokenBucket();
      long now = 1_000_000_000L + random.nextInt(100000);
      System.out.println("run\t" + samples + "\t" + sampleMs + "\t" + limit);
      for (int event = 0; event < 50; event++) {
        now += switch (random.nextInt(5)) { case 0 -> 0; case 1 -> random.nextInt(5); case 2 -> random.nextInt(700);
          case 3 -> sampleMs; default -> random.nextInt((int) (sampleMs * samples * 3 / 2)); };
        double value = random.nextInt(20) == 0 ? -random.nextInt(1000) : random.nextInt((int) (limit * 4) + 1);
        rate.record(config, value, now);
        bucket.record(config, value, now);
        double measured = rate.measure(config, now);
        long window = rate.windowSize(config, now);
        long throttle = measured <= limit ? 0 : Math.round((measured - limit) / limit * window);
        double tokens = bucket.measure(config, now);
        long debt = tokens >= 0 ? 0 : Math.round(-tokens / limit * 1000);
        System.out.println(now + "\t" + value + "\t" + measured + "\t" + throttle + "\t" + tokens + "\t" + debt);
      }
    }
  }
}
