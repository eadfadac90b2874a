// What an application does with Kafka's Java client, written so that every version of it from 0.10.2 to the newest compiles it:
// produce with every codec that the version has and read everything back, by offset, from the end, and by time.
//
//   AnyClient BOOTSTRAP TOPIC    (a topic that the broker creates on first use); prints a line for each step, ends with "done"
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.utils.AppInfoParser;

public class AnyClient {
  static final int RECORDS = 500;
  static final long FIRST_TIMESTAMP = 1600000000000L;
  static final String BYTES = "org.apache.kafka.common.serialization.ByteArray";

  static String bootstrap;
  static String topic;
  static int partitions;
  static final List<List<byte[]>> produced = new ArrayList<>();

  public static void main(String[] arguments) throws Exception {
    bootstrap = arguments[0];
    topic = arguments[1];
    // Not by a producer: one of 1.1 that is closed while it awaits its producer id sleeps for half a minute.
    try (KafkaConsumer<byte[], byte[]> first = consumer()) {
      partitions = first.partitionsFor(topic).size();
    }
    for (int partition = 0; partition < partitions; ++partition) produced.add(new ArrayList<byte[]>());
    List<String> codecs = new ArrayList<>(Arrays.asList("none", "gzip", "snappy", "lz4"));
    if (!older(2, 1)) codecs.add("zstd");
    for (String codec : codecs)
      for (String acks : new String[] {"all", "1"}) produce(codec, acks);
    System.out.println("produced " + codecs + " with " + AppInfoParser.getVersion());
    consume();
    find();
    System.out.println("done");
    System.exit(0);
  }

  static boolean older(int major, int minor) {
    String[] parts = AppInfoParser.getVersion().split("\\.");
    int mine = Integer.parseInt(parts[0]);
    return mine < major || (mine == major && Integer.parseInt(parts[1]) < minor);
  }

  static KafkaProducer<byte[], byte[]> producer(String codec, String acks) {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", bootstrap);
    properties.put("key.serializer", BYTES + "Serializer");
    properties.put("value.serializer", BYTES + "Serializer");
    properties.put("compression.type", codec);
    properties.put("acks", acks);
    properties.put("linger.ms", "5");
    if (!older(0, 11)) properties.put("enable.idempotence", acks.equals("all") ? "true" : "false");
    properties.put("max.in.flight.requests.per.connection", "1");
    return new KafkaProducer<>(properties);
  }

  static void produce(String codec, String acks) throws Exception {
    try (KafkaProducer<byte[], byte[]> producer = producer(codec, acks)) {
      List<Future<RecordMetadata>> answers = new ArrayList<>();
      List<Long> expected = new ArrayList<>();
      for (int number = 0; number < RECORDS; ++number) {
        int partition = number % partitions;
        List<byte[]> mine = produced.get(partition);
        byte[] key = number % 7 == 0 ? null : ("key " + number).getBytes("UTF-8");
        byte[] value = number % 11 == 0 ? null : value(codec, number);
        expected.add((long) mine.size());
        answers.add(producer.send(
            new ProducerRecord<byte[], byte[]>(topic, partition, FIRST_TIMESTAMP + mine.size(), key, value)));
        mine.add(value);
      }
      for (int number = 0; number < RECORDS; ++number) {
        RecordMetadata answer = answers.get(number).get();
        if (answer.offset() != expected.get(number))
          throw new AssertionError(codec + " record " + number + " got offset " + answer.offset() + ", not " + expected.get(number));
      }
    }
  }

  static byte[] value(String codec, int number) {
    byte[] bytes = new byte[number % 50 == 0 ? 20000 : 30 + number % 100];
    Arrays.fill(bytes, (byte) ('a' + number % 26));
    byte[] head = (codec + " " + number).getBytes();
    System.arraycopy(head, 0, bytes, 0, head.length);
    return bytes;
  }

  static KafkaConsumer<byte[], byte[]> consumer() {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", bootstrap);
    properties.put("key.deserializer", BYTES + "Deserializer");
    properties.put("value.deserializer", BYTES + "Deserializer");
    properties.put("enable.auto.commit", "false");
    properties.put("auto.offset.reset", "none");
    properties.put("max.partition.fetch.bytes", "60000");
    return new KafkaConsumer<>(properties);
  }

  static List<TopicPartition> all() {
    List<TopicPartition> all = new ArrayList<>();
    for (int partition = 0; partition < partitions; ++partition) all.add(new TopicPartition(topic, partition));
    return all;
  }

  // poll(long) has gone with 4.0, poll(Duration) came with 2.0.
  @SuppressWarnings("unchecked")
  static ConsumerRecords<byte[], byte[]> poll(KafkaConsumer<byte[], byte[]> consumer) throws Exception {
    try {
      return (ConsumerRecords<byte[], byte[]>)
          KafkaConsumer.class.getMethod("poll", Duration.class).invoke(consumer, Duration.ofMillis(200));
    } catch (NoSuchMethodException older) {
      return (ConsumerRecords<byte[], byte[]>) KafkaConsumer.class.getMethod("poll", long.class).invoke(consumer, 200L);
    }
  }

  static void consume() throws Exception {
    try (KafkaConsumer<byte[], byte[]> consumer = consumer()) {
      consumer.assign(all());
      long total = 0;
      long[] next = new long[partitions];
      for (TopicPartition each : all()) {
        consumer.seek(each, 0L);
        total += produced.get(each.partition()).size();
      }
      long read = 0;
      long end = System.currentTimeMillis() + 60000;
      while (read < total && System.currentTimeMillis() < end) {
        for (ConsumerRecord<byte[], byte[]> record : poll(consumer)) {
          int partition = record.partition();
          if (record.offset() != next[partition])
            throw new AssertionError("offset " + record.offset() + " of partition " + partition + ", not " + next[partition]);
          if (!Arrays.equals(record.value(), produced.get(partition).get((int) next[partition])))
            throw new AssertionError("another value at offset " + record.offset() + " of partition " + partition);
          if (record.timestamp() != FIRST_TIMESTAMP + record.offset())
            throw new AssertionError("timestamp " + record.timestamp() + " at offset " + record.offset());
          ++next[partition];
          ++read;
        }
      }
      if (read != total) throw new AssertionError("read " + read + " of " + total + " records");
      System.out.println("read " + read + " records");
    }
  }

  static void find() throws Exception {
    try (KafkaConsumer<byte[], byte[]> consumer = consumer()) {
      Map<TopicPartition, Long> times = new LinkedHashMap<>();
      for (TopicPartition each : all()) times.put(each, FIRST_TIMESTAMP + 7);
      Map<TopicPartition, Long> begin = consumer.beginningOffsets(all());
      Map<TopicPartition, Long> end = consumer.endOffsets(all());
      for (Map.Entry<TopicPartition, OffsetAndTimestamp> found : consumer.offsetsForTimes(times).entrySet()) {
        TopicPartition partition = found.getKey();
        require(begin.get(partition) == 0L, "beginning " + begin);
        require(end.get(partition) == produced.get(partition.partition()).size(), "end " + end);
        require(found.getValue().offset() == 7L && found.getValue().timestamp() == FIRST_TIMESTAMP + 7,
                "offset by time " + found.getValue());
      }
      require(consumer.partitionsFor(topic).size() == partitions, "partitions " + consumer.partitionsFor(topic));
      System.out.println("found offsets by time");
    }
  }

  static void require(boolean holds, String found) {
    if (!holds) throw new AssertionError(found);
  }
}
