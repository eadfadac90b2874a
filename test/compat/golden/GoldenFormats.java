// What Kafka's own classes make of message sets of the old formats, and of record batches for clients that read the old formats:
//
//   java -cp 'LIBS/*' GoldenFormats.java > formats.txt
//
//   up NAME TOPIC_CODEC TIMESTAMP_TYPE INPUT OUTPUT    a produced message set, and the batch or the refusal that comes of it (LogValidator,
//                                                      at offset 0 and epoch 7, at NOW)
//   down NAME MAGIC FROM INPUT OUTPUT                  stored batches, and what a fetch from that offset on sends (LazyDownConversionRecords)
// Bytes are hex; a refusal is "!" and the class of the exception.
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.HexFormat;
import java.util.zip.CRC32;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.network.TransferableChannel;
import org.apache.kafka.common.record.CompressionType;
import org.apache.kafka.common.record.ControlRecordType;
import org.apache.kafka.common.record.EndTransactionMarker;
import org.apache.kafka.common.record.LazyDownConversionRecords;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.record.MemoryRecordsBuilder;
import org.apache.kafka.common.record.RecordBatch;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.utils.BufferSupplier;
import org.apache.kafka.common.utils.ByteBufferOutputStream;
import org.apache.kafka.common.utils.PrimitiveRef;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.server.common.MetadataVersion;
import org.apache.kafka.storage.internals.log.AppendOrigin;
import org.apache.kafka.storage.internals.log.LogValidator;

public class GoldenFormats {
  static final long NOW = 1700000000000L;
  static final long NONE = RecordBatch.NO_TIMESTAMP;
  static final TopicPartition PARTITION = new TopicPartition("events", 0);

  static final Time CLOCK = new Time() {
    public long milliseconds() { return NOW; }
    public long nanoseconds() { return NOW * 1000000; }
    public long hiResClockMs() { return NOW; }
    public void sleep(long ms) {}
    public void waitObject(Object object, java.util.function.Supplier<Boolean> condition, long deadline) {}
    public org.apache.kafka.common.utils.Timer timer(long ms) { return null; }
    public org.apache.kafka.common.utils.Timer timer(java.time.Duration duration) { return null; }
  };

  static final LogValidator.MetricsRecorder NO_METRICS = new LogValidator.MetricsRecorder() {
    public void recordInvalidMagic() {}
    public void recordInvalidOffset() {}
    public void recordInvalidSequence() {}
    public void recordInvalidChecksums() {}
    public void recordNoKeyCompactedTopic() {}
  };

  static class Sink implements TransferableChannel {
    final ByteArrayOutputStream out = new ByteArrayOutputStream();
    public boolean hasPendingWrites() { return false; }
    public long transferFrom(FileChannel file, long position, long count) { throw new UnsupportedOperationException(); }
    public long write(ByteBuffer[] buffers, int offset, int length) {
      long written = 0;
      for (int i = offset; i < offset + length; i++) written += write(buffers[i]);
      return written;
    }
    public long write(ByteBuffer[] buffers) { return write(buffers, 0, buffers.length); }
    public int write(ByteBuffer buffer) {
      byte[] bytes = new byte[buffer.remaining()];
      buffer.get(bytes);
      out.writeBytes(bytes);
      return bytes.length;
    }
    public boolean isOpen() { return true; }
    public void close() {}
  }

  static String hex(ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.remaining()];
    buffer.duplicate().get(bytes);
    return bytes.length == 0 ? "-" : HexFormat.of().formatHex(bytes);
  }

  static MemoryRecords build(int magic, CompressionType codec, TimestampType type, long baseOffset, long[] times, boolean headers) {
    MemoryRecordsBuilder builder = new MemoryRecordsBuilder(new ByteBufferOutputStream(1 << 12), (byte) magic, Compression.of(codec).build(),
        magic == 0 ? TimestampType.NO_TIMESTAMP_TYPE : type, baseOffset, type == TimestampType.LOG_APPEND_TIME ? NOW + 5 : NONE, -1, (short) -1,
        -1, false, false, magic == 2 ? 7 : -1, 1 << 20);
    for (int i = 0; i < times.length; i++) {
      byte[] key = i % 3 == 1 ? null : i % 3 == 2 ? new byte[0] : ("key-" + i).getBytes();
      byte[] value = i % 4 == 2 ? null : i % 4 == 3 ? new byte[0] : ("value-" + i + "-" + "x".repeat(i * 11 % 60)).getBytes();
      Header[] with = headers && i % 2 == 0 ? new Header[] {new RecordHeader("one", "first".getBytes())} : new Header[0];
      builder.appendWithOffset(baseOffset + i, magic == 0 ? NONE : times[i], key, value, with);
    }
    return builder.build();
  }

  static ByteBuffer joined(ByteBuffer... parts) {
    int size = 0;
    for (ByteBuffer part : parts) size += part.remaining();
    ByteBuffer all = ByteBuffer.allocate(size);
    for (ByteBuffer part : parts) all.put(part.duplicate());
    all.flip();
    return all;
  }

  static String convertedUp(ByteBuffer input, CompressionType topic, TimestampType type) {
    MemoryRecords records = MemoryRecords.readableRecords(input.duplicate());
    try {
      CompressionType source = CompressionType.NONE;
      for (RecordBatch batch : records.batches()) {
        batch.ensureValid();
        if (batch.compressionType() != CompressionType.NONE) source = batch.compressionType();
      }
      LogValidator validator = new LogValidator(records, PARTITION, CLOCK, source, Compression.of(topic == null ? source : topic).build(), false,
          (byte) 2, type, Long.MAX_VALUE, Long.MAX_VALUE, 7, AppendOrigin.CLIENT, MetadataVersion.latestProduction());
      return hex(validator.validateMessagesAndAssignOffsets(PrimitiveRef.ofLong(0), NO_METRICS, BufferSupplier.NO_CACHING).validatedRecords.buffer());
    } catch (Exception exception) {
      return "!" + exception.getClass().getSimpleName();
    }
  }

  static void up(String name, ByteBuffer input) {
    for (TimestampType type : new TimestampType[] {TimestampType.CREATE_TIME, TimestampType.LOG_APPEND_TIME})
      for (CompressionType topic : new CompressionType[] {null, CompressionType.NONE, CompressionType.LZ4})
        System.out.println("up " + name + " " + (topic == null ? "producer" : topic == CompressionType.NONE ? "uncompressed" : topic.name) + " "
            + type.name + " " + hex(input) + " " + convertedUp(input, topic, type));
  }

  static void down(String name, int magic, long from, ByteBuffer input) throws Exception {
    String output;
    try {
      LazyDownConversionRecords converted =
          new LazyDownConversionRecords(PARTITION, MemoryRecords.readableRecords(input.duplicate()), (byte) magic, from, CLOCK);
      Sink sink = new Sink();
      var send = converted.toSend();
      while (!send.completed()) send.writeTo(sink);
      output = hex(ByteBuffer.wrap(sink.out.toByteArray()));
    } catch (Exception exception) {
      output = "!" + exception.getClass().getSimpleName();
    }
    System.out.println("down " + name + " " + magic + " " + from + " " + hex(input) + " " + output);
  }

  // The same bytes with another value at `position` of the message, and the checksum that they then have.
  static ByteBuffer changed(ByteBuffer message, int position, int value) {
    ByteBuffer copy = joined(message);
    copy.put(position, (byte) value);
    CRC32 crc = new CRC32();
    crc.update(copy.array(), 16, copy.limit() - 16);
    copy.putInt(12, (int) crc.getValue());
    return copy;
  }

  public static void main(String[] arguments) throws Exception {
    System.out.println("# Made by GoldenFormats.java with the classes of Kafka 3.9.2.");
    long[] times = {NOW + 3, NOW - 1000, NOW + 2000, NOW, NOW + 1};
    long[] few = {NOW};
    for (int magic : new int[] {0, 1}) {
      for (CompressionType codec : new CompressionType[] {CompressionType.NONE, CompressionType.GZIP, CompressionType.SNAPPY, CompressionType.LZ4}) {
        String name = codec.name + "-magic-" + magic;
        ByteBuffer five = build(magic, codec, TimestampType.CREATE_TIME, 0, times, false).buffer();
        ByteBuffer one = build(magic, codec, TimestampType.CREATE_TIME, 0, few, false).buffer();
        up(name, five);
        up(name + "-other-offsets", build(magic, codec, TimestampType.CREATE_TIME, 70, times, false).buffer());
        up(name + "-twice", joined(one, one));
        up(name + "-cut", joined(one, (ByteBuffer) five.duplicate().limit(20)));
        if (magic == 1) up(name + "-append-time", build(magic, codec, TimestampType.LOG_APPEND_TIME, 0, times, false).buffer());
        if (codec != CompressionType.NONE) {
          ByteBuffer zero = joined(five);
          zero.putLong(0, 0);
          up(name + "-offset-0", zero);
          ByteBuffer small = joined(five);
          small.putLong(0, 1);
          up(name + "-offset-1", small);
          up(name + "-as-zstd", changed(five, 17, 4));
        }
      }
    }
    up("both-magics", joined(build(0, CompressionType.NONE, TimestampType.CREATE_TIME, 0, few, false).buffer(),
        build(1, CompressionType.NONE, TimestampType.CREATE_TIME, 1, few, false).buffer()));
    up("magic-1-no-time", build(1, CompressionType.GZIP, TimestampType.CREATE_TIME, 0, new long[] {NONE, NONE}, false).buffer());

    for (int magic : new int[] {0, 1}) {
      for (CompressionType codec : CompressionType.values()) {
        for (TimestampType type : new TimestampType[] {TimestampType.CREATE_TIME, TimestampType.LOG_APPEND_TIME}) {
          String name = codec.name + "-" + type.name;
          ByteBuffer first = build(2, codec, type, 10, times, true).buffer();
          ByteBuffer second = build(2, codec, type, 15, few, false).buffer();
          down(name, magic, 10, first);
          down(name + "-inside", magic, 13, joined(first, second));
          down(name + "-cut", magic, 10, joined(first, (ByteBuffer) second.duplicate().limit(second.limit() - 3)));
          down(name + "-then-zstd", magic, 10, joined(first, build(2, CompressionType.ZSTD, type, 15, few, false).buffer(), second));
        }
      }
      ByteBuffer marker = MemoryRecords.withEndTransactionMarker(5, NOW, 7, 4242, (short) 3, new EndTransactionMarker(ControlRecordType.COMMIT, 11)).buffer();
      ByteBuffer some = build(2, CompressionType.NONE, TimestampType.CREATE_TIME, 6, few, true).buffer();
      down("marker", magic, 5, marker);
      down("marker-and-records", magic, 5, joined(marker, some));
      // What a log from before 0.11 holds, alone and before batches.
      for (int stored : new int[] {0, 1}) {
        for (CompressionType codec : new CompressionType[] {CompressionType.NONE, CompressionType.GZIP, CompressionType.SNAPPY, CompressionType.LZ4}) {
          for (TimestampType type : new TimestampType[] {TimestampType.CREATE_TIME, TimestampType.LOG_APPEND_TIME}) {
            if (stored == 0 && type == TimestampType.LOG_APPEND_TIME) continue;
            String name = codec.name + "-stored-" + stored + "-" + type.name;
            ByteBuffer old = build(stored, codec, type, 10, times, false).buffer();
            ByteBuffer batch = build(2, codec, TimestampType.CREATE_TIME, 15, few, true).buffer();
            down(name, magic, 10, old);
            // Messages that are not compressed are read from the one that was asked for.
            if (codec != CompressionType.NONE) down(name + "-inside", magic, 13, old);
            down(name + "-before-batch", magic, 10, joined(old, batch));
            down(name + "-behind-batch", magic, 9, joined(build(2, codec, TimestampType.CREATE_TIME, 9, few, false).buffer(), old));
            down(name + "-cut", magic, 10, joined(old, (ByteBuffer) old.duplicate().limit(30)));
            down(name + "-other-format", magic, 9, joined(build(1 - stored, codec, TimestampType.CREATE_TIME, 9, few, false).buffer(), old));
          }
        }
      }
      down("many-small", magic, 0, build(2, CompressionType.NONE, TimestampType.CREATE_TIME, 0, new long[40], false).buffer());
    }
  }
}
