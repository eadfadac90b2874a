// A member of a consumer group, by either protocol: says what it is assigned and what it reads, a line each, until it is ended. SIGTERM lets it
// leave its group.
//   GroupMember BOOTSTRAP GROUP TOPICS [key=value]...    TOPICS: names with commas between them, or regex:EXPRESSION, which the broker resolves
// Ends with "failed ..." where the consumer cannot go on.
import java.time.Duration;
import java.util.Arrays;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.SubscriptionPattern;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;

public class GroupMember {
  static final String TEXT = "org.apache.kafka.common.serialization.StringDeserializer";

  public static void main(String[] arguments) throws Exception {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", arguments[0]);
    settings.put("group.id", arguments[1]);
    settings.put("key.deserializer", TEXT);
    settings.put("value.deserializer", TEXT);
    settings.put("auto.offset.reset", "earliest");
    settings.put("auto.commit.interval.ms", "100");
    settings.put("metadata.max.age.ms", "1000");
    settings.put("reconnect.backoff.max.ms", "500");
    for (int each = 3; each < arguments.length; ++each) {
      String[] pair = arguments[each].split("=", 2);
      settings.put(pair[0], pair[1]);
    }
    KafkaConsumer<String, String> consumer = new KafkaConsumer<>(settings);
    Thread reader = Thread.currentThread();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      consumer.wakeup();
      try {
        reader.join();
      } catch (InterruptedException ignored) {
        reader.interrupt();
      }
    }));
    try {
      read(consumer, arguments[2]);
    } catch (WakeupException asked) {
      consumer.close();
    } catch (Exception failure) {
      System.out.println("failed " + failure);
      System.out.flush();
      Runtime.getRuntime().halt(1);
    }
  }

  static void read(KafkaConsumer<String, String> consumer, String topics) {
    if (topics.startsWith("regex:")) {
      consumer.subscribe(new SubscriptionPattern(topics.substring("regex:".length())));
    } else {
      consumer.subscribe(Arrays.asList(topics.split(",")));
    }
    Set<String> assigned = new TreeSet<>();
    while (true) {
      Iterable<ConsumerRecord<String, String>> records = consumer.poll(Duration.ofMillis(100));
      Set<String> now = new TreeSet<>();
      for (TopicPartition partition : consumer.assignment()) now.add(partition.toString());
      if (!now.equals(assigned)) System.out.println("assigned " + String.join(" ", assigned = now));
      for (ConsumerRecord<String, String> record : records) System.out.println("record " + record.value());
    }
  }
}
