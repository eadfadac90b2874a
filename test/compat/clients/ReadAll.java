// Reads topics of one partition from the beginning to the end with Kafka's Java client, in any version from 0.10.2 to the newest, and prints what
// an application gets: a line for each record, and the offsets that the consumer is told.
//
//   ReadAll BOOTSTRAP TOPIC...    ends with "done"
import java.time.Duration;
import java.util.Collections;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.common.TopicPartition;

public class ReadAll {
  static final String BYTES = "org.apache.kafka.common.serialization.ByteArrayDeserializer";

  public static void main(String[] arguments) throws Exception {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", arguments[0]);
    properties.put("key.deserializer", BYTES);
    properties.put("value.deserializer", BYTES);
    properties.put("enable.auto.commit", "false");
    properties.put("auto.offset.reset", "none");
    properties.put("max.partition.fetch.bytes", "3000");
    properties.put("fetch.max.wait.ms", "10");
    try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(properties)) {
      for (int topic = 1; topic < arguments.length; ++topic) read(consumer, new TopicPartition(arguments[topic], 0));
    }
    System.out.println("done");
    System.exit(0);
  }

  static void read(KafkaConsumer<byte[], byte[]> consumer, TopicPartition partition) throws Exception {
    consumer.assign(Collections.singletonList(partition));
    long begin = consumer.beginningOffsets(Collections.singletonList(partition)).get(partition);
    long end = consumer.endOffsets(Collections.singletonList(partition)).get(partition);
    System.out.println(partition + " from " + begin + " to " + end);
    consumer.seek(partition, begin);
    long limit = System.currentTimeMillis() + 30000;
    while (consumer.position(partition) < end) {
      if (System.currentTimeMillis() > limit) throw new AssertionError(partition + " ends at " + consumer.position(partition));
      for (ConsumerRecord<byte[], byte[]> record : poll(consumer)) {
        System.out.println(record.offset() + " " + record.timestamp() + " " + record.timestampType() + " " + text(record.key()) + " " + text(record.value()));
        if (record.offset() % 50 != 0 || record.timestamp() < 0) continue;
        Map<TopicPartition, OffsetAndTimestamp> found = consumer.offsetsForTimes(Collections.singletonMap(partition, record.timestamp()));
        System.out.println("  at that time: " + found.get(partition));
      }
    }
  }

  // poll(long) has gone with 4.0, poll(Duration) came with 2.0.
  @SuppressWarnings("unchecked")
  static ConsumerRecords<byte[], byte[]> poll(KafkaConsumer<byte[], byte[]> consumer) throws Exception {
    try {
      return (ConsumerRecords<byte[], byte[]>)
          KafkaConsumer.class.getMethod("poll", Duration.class).invoke(consumer, Duration.ofMillis(100));
    } catch (NoSuchMethodException older) {
      return (ConsumerRecords<byte[], byte[]>) KafkaConsumer.class.getMethod("poll", long.class).invoke(consumer, 100L);
    }
  }

  static String text(byte[] bytes) throws Exception {
    return bytes == null ? "null" : "'" + new String(bytes, "ISO-8859-1").replace("\n", "\\n") + "'";
  }
}
