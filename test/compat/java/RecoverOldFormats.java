// Log files of message formats 0 and 1 as old brokers wrote them, and what Kafka's own recovery makes of them:
//
//   RecoverOldFormats INPUT OUTPUT    INPUT/<partition>/<offset>.log, as a kill leaves them; OUTPUT/<partition>/ the indexes after Kafka's
//                                     recovery, and OUTPUT/expected.tsv:
//
//   log PARTITION FILE BYTES                        how long the log files are then
//   time PARTITION TIMESTAMP OFFSET TIMESTAMP       the first record that is as young, -1 without one
//
// The partitions: each format alone, plain and with each codec; all formats one after another, as upgrades leave them; times of the
// broker; ends that are torn in several ways. Records come from a seed, so that every run gives the same bytes.

import java.io.*;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.function.Supplier;
import kafka.log.*;
import kafka.server.BrokerTopicStats;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.record.*;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.server.util.Scheduler;
import org.apache.kafka.storage.internals.log.*;
import scala.Option;

public class RecoverOldFormats {
    static final long START = 1_500_000_000_000L;
    static final Compression[] CODECS = {Compression.NONE, Compression.gzip().build(), Compression.snappy().build(), Compression.lz4().build()};

    static class FixedTime implements Time {
        public long milliseconds() { return START; }
        public long nanoseconds() { return System.nanoTime(); }
        public void sleep(long ms) { throw new IllegalStateException("nobody sleeps here"); }
        public void waitObject(Object o, Supplier<Boolean> c, long d) { throw new IllegalStateException(); }
    }

    static class IdleScheduler implements Scheduler {
        final ScheduledExecutorService never = Executors.newScheduledThreadPool(1);
        public void startup() {}
        public void shutdown() {}
        public void resizeThreadPool(int size) {}
        public ScheduledFuture<?> schedule(String name, Runnable task, long delay, long period) { return never.schedule(task, 365, TimeUnit.DAYS); }
    }

    // The log of one partition while it is written.
    static class Writer {
        final Random random;
        final Map<Long, ByteArrayOutputStream> segments = new TreeMap<>();
        ByteArrayOutputStream segment;
        long offset = 0;

        Writer(long seed) { random = new Random(seed); roll(); }

        void roll() { segments.put(offset, segment = new ByteArrayOutputStream()); }

        void set(int magic, Compression codec, TimestampType type) {
            MemoryRecordsBuilder builder = MemoryRecords.builder(ByteBuffer.allocate(4096), (byte) magic, codec, type, offset, START + 5_000_000);
            for (int count = 1 + random.nextInt(4); count > 0; --count) {
                byte[] key = random.nextInt(4) == 0 ? null : ("key" + random.nextInt(9)).getBytes(StandardCharsets.UTF_8);
                byte[] value = random.nextInt(9) == 0 ? null : ("value " + offset + ".".repeat(random.nextInt(60))).getBytes(StandardCharsets.UTF_8);
                long time = magic == 0 ? RecordBatch.NO_TIMESTAMP : START + offset * 1000 - random.nextInt(3000);
                builder.appendWithOffset(offset++, time, key, value);
            }
            ByteBuffer bytes = builder.build().buffer();
            segment.write(bytes.array(), bytes.arrayOffset() + bytes.position(), bytes.remaining());
            if (random.nextInt(12) == 0) offset += random.nextInt(3);  // as compaction leaves it
        }

        void sets(int magic, int count, TimestampType type) {
            for (; count > 0; --count) set(magic, CODECS[random.nextInt(CODECS.length)], type);
        }

        void save(Path directory) throws IOException {
            Files.createDirectories(directory);
            for (var entry : segments.entrySet())
                Files.write(directory.resolve(String.format("%020d.log", entry.getKey())), entry.getValue().toByteArray());
        }
    }

    // Changes the end of the newest segment.
    interface Damage { byte[] of(byte[] whole, int lastMessage); }

    static Writer torn(long seed, int magic, Damage damage) {
        Writer writer = new Writer(seed);
        writer.sets(magic, 20, TimestampType.CREATE_TIME);
        writer.roll();
        writer.sets(magic, 15, TimestampType.CREATE_TIME);
        int last = writer.segment.size();
        writer.set(magic, CODECS[1], TimestampType.CREATE_TIME);
        byte[] changed = damage.of(writer.segment.toByteArray(), last);
        writer.segment.reset();
        writer.segment.writeBytes(changed);
        return writer;
    }

    static Map<String, Writer> partitions() {
        Map<String, Writer> all = new TreeMap<>();
        for (int magic = 0; magic < 2; ++magic) {
            Writer writer = new Writer(10 + magic);
            for (int segment = 0; segment < 3; ++segment) {
                if (segment > 0) writer.roll();
                writer.sets(magic, 40, TimestampType.CREATE_TIME);
            }
            all.put("v" + magic + "-0", writer);
            all.put("v" + magic + "cut-0", torn(20 + magic, magic, (whole, last) -> Arrays.copyOf(whole, whole.length - 5)));
            all.put("v" + magic + "prefix-0", torn(30 + magic, magic, (whole, last) -> Arrays.copyOf(whole, last + 9)));
            all.put("v" + magic + "zeros-0", torn(40 + magic, magic, (whole, last) -> Arrays.copyOf(Arrays.copyOf(whole, last + 14), whole.length + 300)));
            all.put("v" + magic + "crc-0", torn(50 + magic, magic, (whole, last) -> { whole[last + 30] ^= 1; return whole; }));
        }
        Writer mixed = new Writer(60);
        for (int magic : new int[] {0, 1, 0, 1, 2}) mixed.sets(magic, 12, TimestampType.CREATE_TIME);
        mixed.roll();
        mixed.sets(1, 10, TimestampType.CREATE_TIME);
        mixed.sets(2, 20, TimestampType.CREATE_TIME);
        all.put("mixed-0", mixed);
        Writer appended = new Writer(70);
        appended.sets(1, 30, TimestampType.LOG_APPEND_TIME);
        all.put("appendtime-0", appended);
        return all;
    }

    static void recover(Path directory, PrintStream expected) throws Exception {
        LogConfig config = new LogConfig(Map.of("index.interval.bytes", "300"));
        UnifiedLog log = UnifiedLog.apply(directory.toFile(), config, 0, 0, new IdleScheduler(), new BrokerTopicStats(false), new FixedTime(),
            5 * 60 * 1000, new ProducerStateManagerConfig(86_400_000, false), 600_000, new LogDirFailureChannel(10), false, Option.empty(), true,
            new ConcurrentHashMap<>(), false, LogOffsetsListener.NO_OP_OFFSETS_LISTENER);
        String name = directory.getFileName().toString();
        for (long time = START - 5000; time < START + log.logEndOffset() * 1000 + 5000; time += 1700) {
            Optional<FileRecords.TimestampAndOffset> found = Optional.empty();
            for (LogSegment segment : log.logSegments())
                if (found.isEmpty() && segment.largestTimestamp() >= time) found = segment.findOffsetByTimestamp(time, 0);
            expected.println("time\t" + name + "\t" + time + "\t" + found.map(at -> at.offset + "\t" + at.timestamp).orElse("-1\t-1"));
        }
        log.close();
        File[] files = directory.toFile().listFiles();
        Arrays.sort(files);
        for (File file : files) {
            if (file.getName().endsWith(".log")) expected.println("log\t" + name + "\t" + file.getName() + "\t" + file.length());
            if (!file.getName().endsWith("index")) file.delete();
        }
    }

    public static void main(String[] args) {
        int status = 1;
        try {
            Files.createDirectories(Paths.get(args[1]));
            PrintStream expected = new PrintStream(new FileOutputStream(Paths.get(args[1], "expected.tsv").toFile()));
            for (var entry : partitions().entrySet()) {
                entry.getValue().save(Paths.get(args[0], entry.getKey()));
                Path recovered = Paths.get(args[1], entry.getKey());
                entry.getValue().save(recovered);
                recover(recovered, expected);
            }
            status = 0;
        } catch (Throwable failure) {
            failure.printStackTrace();
        }
        System.exit(status);
    }
}
