// Kafka's own cleaner on directories of its own making, as the measure of another one.
//
//   CompactWithKafka generate ROOT FIRST_SEED SEEDS    ROOT/<seed>/topic-0 (a partition) and ROOT/<seed>/plan
//   CompactWithKafka clean ROOT                        makes the plan's passes, writes ROOT/<seed>/result
//   CompactWithKafka dump ROOT                         DumpLogSegments --deep-iteration of all of them to standard output
//
// A plan: "config KEY VALUE" lines, then "pass NOW MAP_BYTES CAP": at NOW, with a map of so many bytes, not above offset CAP.

import java.io.*;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.function.Supplier;
import kafka.log.*;
import kafka.server.BrokerTopicStats;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.*;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.server.util.Scheduler;
import org.apache.kafka.storage.internals.log.*;
import org.apache.kafka.storage.internals.utils.Throttler;
import scala.Option;

public class CompactWithKafka {
    static final long START = 1_700_000_000_000L;

    static class FixedTime implements Time {
        long now;
        FixedTime(long now) { this.now = now; }
        public long milliseconds() { return now; }
        public long nanoseconds() { return System.nanoTime(); }
        public void sleep(long ms) { throw new IllegalStateException("nobody sleeps here"); }
        public void waitObject(Object o, Supplier<Boolean> c, long d) { throw new IllegalStateException(); }
    }

    // Does nothing that it is asked to do later: what is measured happens at once.
    static class IdleScheduler implements Scheduler {
        final ScheduledExecutorService never = Executors.newScheduledThreadPool(1);
        public void startup() {}
        public void shutdown() {}
        public void resizeThreadPool(int size) {}
        public ScheduledFuture<?> schedule(String name, Runnable task, long delay, long period) { return never.schedule(task, 365, TimeUnit.DAYS); }
    }

    static Scheduler scheduler = new IdleScheduler();

    public static void main(String[] args) {
        int status = 1;
        try {
            run(args);
            status = 0;
        } catch (Throwable failure) {
            failure.printStackTrace();
        }
        System.out.flush();
        System.exit(status);
    }

    static void run(String[] args) throws Exception {
        Path root = Paths.get(args[1]);
        if (args[0].equals("generate")) {
            long first = Long.parseLong(args[2]);
            for (long seed = first; seed < first + Long.parseLong(args[3]); ++seed) new Generator(root, seed).run();
        } else if (args[0].equals("clean")) {
            for (Path directory : sorted(root)) {
                try {
                    clean(directory);
                } catch (IllegalStateException failure) {
                    // Where a message of magic 0 or 1 stands at the end of a pass: "Empty batches are only supported for magic v2 and above".
                    Files.writeString(directory.resolve("result"), "Kafka fails: " + failure.getMessage());
                }
            }
        } else {
            List<String> files = new ArrayList<>();
            for (Path directory : sorted(root))
                for (Path file : sorted(directory.resolve("topic-0")))
                    if (file.toString().endsWith(".log") || file.toString().endsWith(".txnindex")) files.add(file.toString());
            kafka.tools.DumpLogSegments.main(new String[] {"--deep-iteration", "--print-data-log", "--files", String.join(",", files)});
        }
    }

    static List<Path> sorted(Path directory) throws IOException {
        try (var files = Files.list(directory)) { return files.sorted().toList(); }
    }

    static UnifiedLog open(Path directory, Map<String, String> config, Time time) throws Exception {
        File[] left = directory.toFile().listFiles((d, name) -> name.endsWith(".deleted"));
        for (File file : left) file.delete();
        return UnifiedLog.apply(directory.toFile(), new LogConfig(config), 0, 0, scheduler, new BrokerTopicStats(false), time, 5 * 60 * 1000,
            new ProducerStateManagerConfig(86_400_000, false), 600_000, new LogDirFailureChannel(10), true, Option.empty(), true,
            new ConcurrentHashMap<>(), false, LogOffsetsListener.NO_OP_OFFSETS_LISTENER);
    }

    static void clean(Path directory) throws Exception {
        Map<String, String> config = new HashMap<>();
        StringBuilder result = new StringBuilder();
        Option<Object> checkpoint = Option.empty();
        for (String line : Files.readAllLines(directory.resolve("plan"))) {
            String[] words = line.split(" ");
            if (words[0].equals("config")) { config.put(words[1], words[2]); continue; }
            long now = Long.parseLong(words[1]);
            FixedTime time = new FixedTime(now);
            UnifiedLog log = open(directory.resolve("topic-0"), config, time);
            log.updateHighWatermark(Math.min(log.logEndOffset(), Long.parseLong(words[3])));
            OffsetsToClean offsets = LogCleanerManager.cleanableOffsets(log, checkpoint, now);
            LogToClean todo = new LogToClean(new TopicPartition("topic", 0), log, offsets.firstDirtyOffset(), offsets.firstUncleanableDirtyOffset(), false);
            result.append("pass " + todo.firstDirtyOffset() + " " + todo.firstUncleanableOffset() + " " + todo.cleanBytes() + " " + todo.cleanableBytes());
            if (todo.cleanableBytes() > 0) {
                Cleaner cleaner = new Cleaner(0, new SkimpyOffsetMap(Integer.parseInt(words[2])), 64 * 1024, 1 << 20, 0.9,
                    new Throttler(Double.MAX_VALUE, Long.MAX_VALUE, "throttler", "entries", time), time, partition -> scala.runtime.BoxedUnit.UNIT);
                var done = cleaner.doClean(todo, now);
                checkpoint = Option.apply(done._1());
                CleanerStats stats = done._2();
                result.append(" end " + done._1() + " read " + stats.messagesRead() + " written " + stats.messagesWritten() + " invalid " + stats.invalidMessagesRead());
            }
            result.append("\n");
            log.close();
        }
        File[] left = directory.resolve("topic-0").toFile().listFiles((d, name) -> name.endsWith(".deleted"));
        for (File file : left) file.delete();
        Files.writeString(directory.resolve("result"), result);
    }

    static class Generator {
        final Path directory;
        final Random random;
        final Map<String, String> config = new LinkedHashMap<>();
        final FixedTime time = new FixedTime(START);
        final Map<Long, Integer> sequences = new HashMap<>();
        final Map<Long, Short> epochs = new HashMap<>();
        final Set<Long> open = new TreeSet<>();
        UnifiedLog log;
        long at = START;
        int keys;

        Generator(Path root, long seed) {
            directory = root.resolve(String.format("%06d", seed));
            random = new Random(seed);
        }

        int below(int bound) { return random.nextInt(bound); }

        void run() throws Exception {
            Files.createDirectories(directory.resolve("topic-0"));
            config.put("cleanup.policy", "compact");
            config.put("segment.bytes", String.valueOf(5000 + below(5000)));
            config.put("segment.index.bytes", String.valueOf(below(3) == 0 ? 3000 : 10_000));
            // One entry for a segment: where a pass begins in the middle of one, Kafka takes transactions for aborted whose abort marker its
            // index lets it step over, so that it maps fewer keys and keeps more.
            config.put("index.interval.bytes", "1000000");
            config.put("delete.retention.ms", String.valueOf(new int[] {0, 10_000, 100_000}[below(3)]));
            config.put("min.compaction.lag.ms", String.valueOf(below(4) == 0 ? 50_000 : 0));
            keys = 3 + below(60);
            log = open(directory.resolve("topic-0"), config, time);
            int legacy = below(4) == 0 ? 30 + below(60) : 0;
            int batches = 120 + below(300);
            for (int number = 0; number < legacy; ++number) { step(); append(old(below(2))); }
            for (int number = 0; number < batches; ++number) {
                step();
                append(next());
                if (below(40) == 0) log.roll(Option.empty());
            }
            if (below(3) > 0) for (long producer : new ArrayList<>(open)) append(end(producer));
            log.roll(Option.empty());
            long end = log.logEndOffset();
            log.close();
            long age = 0;
            for (Path file : sorted(directory.resolve("topic-0"))) {
                if (file.toString().endsWith(".log")) age += 20_000;
                if (file.toString().endsWith(".log")) file.toFile().setLastModified(START + age);
            }
            StringBuilder plan = new StringBuilder();
            for (var entry : config.entrySet()) plan.append("config " + entry.getKey() + " " + entry.getValue() + "\n");
            long now = at + below(50_000);
            int passes = 1 + below(5);
            for (int pass = 0; pass < passes; ++pass) {
                int slots = below(2) == 0 ? 1000 : 3 + below(50);
                long cap = pass + 1 == passes || below(2) == 0 ? Long.MAX_VALUE : (long) (random.nextDouble() * end);
                plan.append("pass " + now + " " + slots * 24 + " " + cap + "\n");
                now += new int[] {1, 10_000, 100_000, 90_000_000}[below(4)];
            }
            Files.writeString(directory.resolve("plan"), plan);
        }

        void step() { at += below(3) == 0 ? 0 : below(2000); time.now = at; }

        void append(MemoryRecords records) {
            if (records == null) return;
            log.appendAsFollower(records, 0);
        }

        long offset() { return log.logEndOffset() + (below(12) == 0 ? below(20) : 0); }

        Compression codec(boolean old) {
            // Rewritten batches have other sizes with another implementation of a codec, and sizes decide about the groups.
            if (Boolean.getBoolean("plain")) return Compression.NONE;
            return Compression.of(CompressionType.values()[below(2) == 0 ? 0 : below(old ? 4 : 5)]).build();
        }

        SimpleRecord record(boolean old) {
            byte[] key = below(30) == 0 ? null : ("key" + below(keys)).getBytes(StandardCharsets.UTF_8);
            if (below(200) == 0) key = new byte[0];
            byte[] value = below(6) == 0 ? null : new byte[below(30) == 0 ? below(600) : below(60)];
            if (value != null) random.nextBytes(value);
            Header[] headers = new Header[old ? 0 : Math.max(0, below(5) - 3)];
            for (int number = 0; number < headers.length; ++number) headers[number] = new RecordHeader("h" + number, below(2) == 0 ? null : new byte[] {1, 2});
            return new SimpleRecord(below(40) == 0 ? 0 : at - below(500), key, value, headers);
        }

        SimpleRecord[] records(boolean old) {
            SimpleRecord[] made = new SimpleRecord[1 + (below(3) == 0 ? 0 : below(8))];
            for (int number = 0; number < made.length; ++number) made[number] = record(old);
            return made;
        }

        // With gaps between the records, as an earlier compaction leaves them.
        MemoryRecords fill(MemoryRecordsBuilder builder, long base, SimpleRecord[] records, boolean gaps) {
            long next = base;
            for (SimpleRecord record : records) {
                builder.appendWithOffset(next, record);
                next += 1 + (gaps && below(4) == 0 ? below(3) : 0);
            }
            return builder.build();
        }

        MemoryRecords old(int magic) {
            Compression codec = codec(true);
            TimestampType type = magic > 0 && below(4) == 0 ? TimestampType.LOG_APPEND_TIME : TimestampType.CREATE_TIME;
            long base = log.logEndOffset();
            var builder = MemoryRecords.builder(ByteBuffer.allocate(64 * 1024), (byte) magic, codec, type, base, at);
            return fill(builder, base, records(true), false);
        }

        MemoryRecords next() {
            switch (below(10)) {
                case 0: case 1: case 2: return plain();
                case 3: case 4: return produced(10 + below(4), false);
                case 5: case 6: case 7: return produced(100 + below(4), true);
                case 8: return open.isEmpty() ? plain() : end(open.iterator().next());
                default: return below(3) == 0 ? end(100 + below(6)) : below(2) == 0 ? emptied(20 + below(3)) : plain();
            }
        }

        MemoryRecords plain() {
            TimestampType type = below(5) == 0 ? TimestampType.LOG_APPEND_TIME : TimestampType.CREATE_TIME;
            long base = offset();
            return fill(MemoryRecords.builder(ByteBuffer.allocate(64 * 1024), (byte) 2, codec(false), type, base, at, 0), base, records(false), true);
        }

        MemoryRecords produced(long producer, boolean transactional) {
            short epoch = epochs.computeIfAbsent(producer, id -> (short) 0);
            int sequence = sequences.getOrDefault(producer, 0);
            long base = offset();
            SimpleRecord[] records = records(false);
            sequences.put(producer, sequence + records.length);
            if (transactional) open.add(producer);
            var builder = new MemoryRecordsBuilder(ByteBuffer.allocate(64 * 1024), (byte) 2, codec(false), TimestampType.CREATE_TIME, base, at, producer,
                epoch, sequence, transactional, false, 0, 64 * 1024);
            return fill(builder, base, records, false);
        }

        MemoryRecords end(long producer) {
            open.remove(producer);
            if (below(5) == 0) {
                epochs.merge(producer, (short) 1, (a, b) -> (short) (a + b));
                sequences.remove(producer);
            }
            short epoch = epochs.computeIfAbsent(producer, id -> (short) 0);
            ControlRecordType type = below(2) == 0 ? ControlRecordType.ABORT : ControlRecordType.COMMIT;
            return MemoryRecords.withEndTransactionMarker(offset(), at, 0, producer, epoch, new EndTransactionMarker(type, 0));
        }

        MemoryRecords emptied(long producer) {
            long base = offset();
            int sequence = sequences.getOrDefault(producer, 0);
            sequences.put(producer, sequence + 3);
            ByteBuffer buffer = ByteBuffer.allocate(DefaultRecordBatch.RECORD_BATCH_OVERHEAD);
            DefaultRecordBatch.writeEmptyHeader(buffer, (byte) 2, producer, (short) 0, sequence, base, base + 2, 0, TimestampType.CREATE_TIME, at, false, false);
            buffer.flip();
            return MemoryRecords.readableRecords(buffer);
        }
    }
}
