// A Streams application under exactly_once_v2: numbered records, a repartition, a count per key in a store with a changelog, and for each
// input one output "number count". It runs until it is ended.
//   ExactlyOnceApplication BOOTSTRAP APPLICATION-ID INPUT OUTPUT STATE-DIRECTORY KEYS
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.state.KeyValueStore;

public class ExactlyOnceApplication {
    public static void main(String[] arguments) throws InterruptedException {
        int keys = Integer.parseInt(arguments[5]);
        Properties settings = new Properties();
        settings.put("bootstrap.servers", arguments[0]);
        settings.put("application.id", arguments[1]);
        settings.put("state.dir", arguments[4]);
        settings.put("processing.guarantee", "exactly_once_v2");
        settings.put("commit.interval.ms", "50");
        settings.put("statestore.cache.max.bytes", "0"); // an output for each input
        settings.put("replication.factor", "1");
        settings.put("consumer.auto.offset.reset", "earliest");
        settings.put("consumer.session.timeout.ms", "2000");
        settings.put("consumer.heartbeat.interval.ms", "300");
        settings.put("producer.transaction.timeout.ms", "5000");
        settings.put("reconnect.backoff.max.ms", "300");

        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(arguments[2], Consumed.with(Serdes.String(), Serdes.String()))
            .groupBy((key, number) -> "key-" + Integer.parseInt(number) % keys, Grouped.with(Serdes.String(), Serdes.String()))
            .aggregate(() -> "- 0", (key, number, last) -> number + " " + (Long.parseLong(last.split(" ")[1]) + 1),
                Materialized.<String, String, KeyValueStore<Bytes, byte[]>>as("counts").withKeySerde(Serdes.String()).withValueSerde(Serdes.String()))
            .toStream().to(arguments[3], Produced.with(Serdes.String(), Serdes.String()));
        KafkaStreams streams = new KafkaStreams(builder.build(), settings);
        streams.setUncaughtExceptionHandler(error -> {
            System.out.println("REPLACED " + error);
            return StreamThreadExceptionResponse.REPLACE_THREAD;
        });
        streams.setStateListener((now, before) -> System.out.println(now));
        CountDownLatch ended = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            streams.close();
            ended.countDown();
        }));
        streams.start();
        ended.await();
    }
}
