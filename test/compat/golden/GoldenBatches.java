// Record batches made by Kafka's own classes, and what is in them:
//
//   java -cp 'LIBS/*' GoldenBatches.java > batches.txt
//
// "batch NAME HEX" opens a batch; then, for magic 2, "header" with its fields and one "record" line per record:
//   header BASE_OFFSET LAST_OFFSET EPOCH ATTRIBUTES BASE_TIMESTAMP MAX_TIMESTAMP PRODUCER_ID PRODUCER_EPOCH BASE_SEQUENCE LAST_SEQUENCE COUNT
//   record OFFSET TIMESTAMP KEY VALUE [NAME=VALUE...]        hex, "null", "-" for empty
// Message sets of magic 0 and 1 have the batch line only.
import java.nio.ByteBuffer;
import java.util.HexFormat;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.CompressionType;
import org.apache.kafka.common.record.ControlRecordType;
import org.apache.kafka.common.record.DefaultRecordBatch;
import org.apache.kafka.common.record.EndTransactionMarker;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.record.MemoryRecordsBuilder;
import org.apache.kafka.common.record.Record;
import org.apache.kafka.common.record.RecordBatch;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.utils.ByteBufferOutputStream;

public class GoldenBatches {
  static final long NOW = 1700000000000L;
  static final long NONE = RecordBatch.NO_TIMESTAMP;

  static String hex(ByteBuffer buffer) {
    if (buffer == null) return "null";
    byte[] bytes = new byte[buffer.remaining()];
    buffer.duplicate().get(bytes);
    return bytes.length == 0 ? "-" : HexFormat.of().formatHex(bytes);
  }

  static void print(String name, MemoryRecords records) {
    System.out.println("batch " + name + " " + hex(records.buffer()));
    for (RecordBatch batch : records.batches()) {
      if (batch.magic() < 2) continue;
      short attributes = ((DefaultRecordBatch) batch).sizeInBytes() > 0 ? records.buffer().getShort(records.buffer().position() + 21) : 0;
      long baseTimestamp = records.buffer().getLong(records.buffer().position() + 27);
      System.out.println("header " + batch.baseOffset() + " " + batch.lastOffset() + " " + batch.partitionLeaderEpoch() + " " + attributes + " "
          + baseTimestamp + " " + batch.maxTimestamp() + " " + batch.producerId() + " " + batch.producerEpoch() + " "
          + batch.baseSequence() + " " + batch.lastSequence() + " " + batch.countOrNull());
      for (Record record : batch) {
        StringBuilder line = new StringBuilder("record " + record.offset() + " " + record.timestamp() + " " + hex(record.key()) + " " + hex(record.value()));
        for (Header header : record.headers()) {
          line.append(' ').append(HexFormat.of().formatHex(header.key().getBytes())).append('=');
          line.append(hex(header.value() == null ? null : ByteBuffer.wrap(header.value())));
        }
        System.out.println(line);
      }
    }
  }

  static void fill(MemoryRecordsBuilder builder, byte magic, long baseOffset, int count) {
    for (int i = 0; i < count; i++) {
      long offset = baseOffset + i;
      byte[] key = i % 4 == 1 ? null : i % 4 == 3 ? new byte[0] : ("key-" + i).getBytes();
      byte[] value = i % 5 == 2 ? null : i % 5 == 4 ? new byte[0] : ("value-" + i + "-" + "x".repeat(i * 7 % 300)).getBytes();
      Header[] headers = {};
      if (magic == 2 && i % 3 == 1) headers = new Header[] {new RecordHeader("one", "first".getBytes()), new RecordHeader("two", null), new RecordHeader("", new byte[0])};
      builder.appendWithOffset(offset, NOW + (i % 7) * 1000L - 2000, key, value, headers);
    }
  }

  static MemoryRecords build(byte magic, Compression compression, TimestampType type, long baseOffset, long producerId, short epoch, int sequence,
                             boolean transactional, long deleteHorizon, int count) {
    MemoryRecordsBuilder builder = new MemoryRecordsBuilder(new ByteBufferOutputStream(1 << 16), magic, compression, type, baseOffset,
        type == TimestampType.LOG_APPEND_TIME ? NOW + 5 : NONE, producerId, epoch, sequence, transactional, false, 17, 1 << 16, deleteHorizon);
    fill(builder, magic, baseOffset, count);
    return builder.build();
  }

  public static void main(String[] arguments) {
    System.out.println("# Made by GoldenBatches.java with the classes of kafka-clients 3.9.2.");
    for (CompressionType codec : CompressionType.values()) {
      Compression compression = Compression.of(codec).build();
      print(codec.name + "-create-time", build((byte) 2, compression, TimestampType.CREATE_TIME, 1000, -1, (short) -1, -1, false, NONE, 50));
      print(codec.name + "-append-time", build((byte) 2, compression, TimestampType.LOG_APPEND_TIME, 7, -1, (short) -1, -1, false, NONE, 3));
      print(codec.name + "-transactional", build((byte) 2, compression, TimestampType.CREATE_TIME, 1L << 40, 4242, (short) 3, 2147483645, true, NONE, 5));
      print(codec.name + "-delete-horizon", build((byte) 2, compression, TimestampType.CREATE_TIME, 5, -1, (short) -1, -1, false, NOW + 86400000, 4));
      if (codec != CompressionType.ZSTD) {
        print(codec.name + "-magic-1", build((byte) 1, compression, TimestampType.CREATE_TIME, 3, -1, (short) -1, -1, false, NONE, 3));
        print(codec.name + "-magic-0", build((byte) 0, compression, TimestampType.NO_TIMESTAMP_TYPE, 3, -1, (short) -1, -1, false, NONE, 3));
      }
    }
    for (ControlRecordType type : new ControlRecordType[] {ControlRecordType.COMMIT, ControlRecordType.ABORT}) {
      print("control-" + type.name().toLowerCase(), MemoryRecords.withEndTransactionMarker(99, NOW, 17, 4242, (short) 3, new EndTransactionMarker(type, 11)));
    }
    ByteBuffer empty = ByteBuffer.allocate(DefaultRecordBatch.RECORD_BATCH_OVERHEAD);
    DefaultRecordBatch.writeEmptyHeader(empty, (byte) 2, 4242, (short) 3, 12, 500, 509, 17, TimestampType.CREATE_TIME, NOW, true, false);
    empty.flip();
    print("emptied-by-compaction", MemoryRecords.readableRecords(empty));
  }
}
