"""Writes what a log directory can hold to a running broker, the same to Kafka and to ours: every codec, transactions (where the broker takes
their markers), a compacted topic that the cleaner has cleaned, idempotent producers, headers, nulls, a log start that DeleteRecords has
moved, log append time. Messages of formats 0 and 1 are put below a broker that is stopped."""
import os
import random
import re
import shutil
import time

from compat.answer_script import Connection
from compat.transaction_corpus import Writer
from harness import paths
from harness.checks import require_equal, wait_until
from harness.record_bytes import batch

SETTINGS = {
    "log.retention.ms": "-1", "log.index.interval.bytes": "300", "log.cleaner.backoff.ms": "100", "log.segment.delete.delay.ms": "100",
    "log.cleaner.dedupe.buffer.size": "16777216",  # what one thread has to have, and soon filled with zeros
    "log.flush.start.offset.checkpoint.interval.ms": "100", "producer.id.expiration.ms": str(2**31 - 1),
    "transaction.partition.verification.enable": "false", "transaction.remove.expired.transaction.cleanup.interval.ms": "3600000",
    "log.initial.task.delay.ms": "100", "log.retention.check.interval.ms": "200", "auto.create.topics.enable": "false",
}
OLD_FORMATS = ("v0", "v1", "mixed", "appendtime")
OLD_FORMATS_GOLDEN = os.path.join(paths.REPOSITORY, "test", "broker", "log", "golden", "kafka_3_9_old_formats_killed")
SMALL = {"segment.bytes": "6000", "segment.index.bytes": "12000"}
NEVER_AGAIN = "1"  # a dirty ratio that is never exceeded


class Corpus:
    """The topics of one broker; `word` begins their names. The same seed writes the same, but for the times."""

    def __init__(self, broker, word, seed, markers=True):
        self.broker, self.word, self.markers = broker, word, markers
        self.random = random.Random(seed)
        self.sequences = {}
        self.connection = Connection(broker.port)
        wait_until(30, "the broker's knowledge of itself", lambda: self.connection.ask("Metadata", 1, {"topics": []})["brokers"])
        self.writer = Writer(self.connection, seed)

    def connect(self):
        """Again, after a restart."""
        self.connection.close()
        self.connection = Connection(self.broker.port)
        self.writer.connection = self.connection

    def close(self):
        self.connection.close()

    def name(self, kind):
        return kind if kind in OLD_FORMATS or kind == "transactions" else f"{self.word}-{kind}"

    def create(self, kind, **configs):
        wanted = [{"name": key.replace("_", "."), "value": str(value)} for key, value in configs.items()]
        wanted += [{"name": key, "value": value} for key, value in SMALL.items()]
        request = {"timeout_ms": 20000, "topics": [{"name": self.name(kind), "num_partitions": 1, "replication_factor": 1, "configs": wanted}]}
        # A controller that is not yet there is no reason to fail.
        wait_until(30, f"topic {kind}", lambda: self.connection.ask("CreateTopics", 5, request)["topics"][0]["error_code"] in (0, 36))
        wait_until(20, f"the leader of {kind}", lambda: self.offset(kind, -1)[0] == 0)

    def offset(self, kind, timestamp):
        answer = self.connection.ask("ListOffsets", 5, {"replica_id": -1, "topics": [
            {"name": self.name(kind), "partitions": [{"partition_index": 0, "timestamp": timestamp}]}]})
        found = answer["topics"][0]["partitions"][0]
        return found["error_code"], found["offset"]

    def produce(self, kind, records, version=8):
        answer = self.connection.ask("Produce", version, {"acks": -1, "timeout_ms": 10000, "topic_data": [
            {"name": self.name(kind), "partition_data": [{"index": 0, "records": records}]}]})
        found = answer["responses"][0]["partition_responses"][0]
        require_equal(0, found["error_code"], f"the error of Produce to {kind}: {found}")

    def set_config(self, kind, key, value):
        answer = self.connection.ask("IncrementalAlterConfigs", 1, {"validate_only": False, "resources": [
            {"resource_type": 2, "resource_name": self.name(kind), "configs": [{"name": key, "config_operation": 0, "value": value}]}]})
        require_equal(0, answer["responses"][0]["error_code"], "the error of IncrementalAlterConfigs")

    def write(self):
        """Everything that a broker takes from clients."""
        for kind, configs in (("codecs", {}), ("stamped", {"message_timestamp_type": "LogAppendTime"}), ("idempotent", {}), ("trimmed", {}),
                              ("compacted", {"cleanup_policy": "compact", "min_cleanable_dirty_ratio": "0"}), ("retained", {}), ("empty", {})):
            self.create(kind, **configs)
        self.write_codecs()
        self.write_idempotently(60)
        self.trim()
        self.retain()
        self.compact()
        if self.markers:
            self.create("transactions")
            self.begin_transactions()

    def write_more(self, transactions=True):
        """To what is there, after a restart."""
        self.write_codecs(rounds=2)
        self.write_idempotently(30)
        if transactions:
            for _ in range(30):
                self.writer.step()

    def write_codecs(self, rounds=4):
        for _ in range(rounds):
            for records in golden_batches():
                self.produce("codecs", records)
                self.produce("stamped", records)
            self.produce("codecs", batch(None, b"", b"no key", timestamp=self.now()))
            self.produce("codecs", batch(b"empty key", key=b"", timestamp=self.now() - 5000))

    def write_idempotently(self, count):
        for _ in range(count):
            number = self.random.randrange(7000, 7003)
            producer = (self.name("idempotent"), number)
            sequence = self.sequences.get(producer, 0)
            values = [b"%d from %d " % (sequence, number) + b"." * self.random.randrange(80) for _ in range(self.random.randrange(1, 5))]
            self.produce("idempotent", batch(*values, key=b"key", timestamp=self.now(), producer=number, epoch=2, sequence=sequence))
            self.sequences[producer] = sequence + len(values)

    def trim(self):
        """The log begins in the middle of a batch."""
        for number in range(120):
            self.produce("trimmed", batch(b"%d" % number, b"x" * 90, b"y" * 30, timestamp=self.now()))
        self.connection.ask("DeleteRecords", 1, {"timeout_ms": 10000, "topics": [
            {"name": self.name("trimmed"), "partitions": [{"partition_index": 0, "offset": 151}]}]})
        require_equal((0, 151), self.offset("trimmed", -2), "the start of the trimmed log")
        wait_until(20, "the checkpoint of log starts", lambda: self.checkpoint("log-start-offset-checkpoint", "trimmed") == 151)
        wait_until(20, "the end of what was deleted", lambda: not self.files("trimmed", ".deleted"))

    def retain(self):
        """The oldest segments are too much, until there is room for all that is left."""
        for number in range(200):
            self.produce("retained", batch(b"%d" % number, b"x" * 100, timestamp=self.now()))
        self.set_config("retained", "retention.bytes", "15000")
        wait_until(20, "retention", lambda: 0 < self.offset("retained", -2)[1] == self.first("retained"))
        self.set_config("retained", "retention.bytes", "-1")
        wait_until(20, "the end of what was deleted", lambda: not self.files("retained", ".deleted"))

    def compact(self):
        """Keys that come again and some that are deleted, by plain and idempotent producers; then the cleaner leaves them alone."""
        for number in range(160):
            key = b"key %d" % self.random.randrange(25)
            value = None if self.random.random() < 0.15 else b"%d " % number + b"v" * self.random.randrange(120)
            producer = {"producer": 7100, "epoch": 0, "sequence": number - number // 3 - 1} if number % 3 else {}
            self.produce("compacted", batch(value, key=key, timestamp=self.now(), **producer))
        wait_until(30, "the cleaner", lambda: self.checkpoint("cleaner-offset-checkpoint", "compacted") == self.active("compacted"))
        wait_until(20, "the end of what was replaced", lambda: not self.files("compacted", ".deleted"))
        self.set_config("compacted", "min.cleanable.dirty.ratio", NEVER_AGAIN)

    def begin_transactions(self):
        self.writer.write(5006, transactional=True)  # aborted far behind
        for _ in range(70):
            self.writer.step()
        self.writer.end(5006, commit=False)
        self.writer.write(5007, transactional=True)  # left open
        for _ in range(10):
            self.writer.step()

    def folder(self, kind):
        return os.path.join(self.broker.log_folder, f"{self.name(kind)}-0")

    def files(self, kind, suffix):
        return sorted(name for name in os.listdir(self.folder(kind)) if name.endswith(suffix))

    def first(self, kind):
        return int(self.files(kind, ".log")[0].removesuffix(".log"))

    def active(self, kind):
        return int(self.files(kind, ".log")[-1].removesuffix(".log"))

    def checkpoint(self, name, kind):
        try:
            with open(os.path.join(self.broker.log_folder, name), encoding="utf-8") as file:
                found = re.search(rf"(?m)^{re.escape(self.name(kind))} 0 (\d+)$", file.read())
        except FileNotFoundError:
            return None
        return int(found.group(1)) if found else None

    def create_old_formats(self):
        for kind in OLD_FORMATS:
            self.create(kind, cleanup_policy="delete")

    @staticmethod
    def now():
        return int(time.time() * 1000)


def put_old_formats(log_folder):
    """The broker is stopped, and has such topics without records."""
    for kind in OLD_FORMATS:
        folder = os.path.join(log_folder, f"{kind}-0")
        for name in os.listdir(folder):
            if name != "partition.metadata":
                os.remove(os.path.join(folder, name))
        for name in os.listdir(os.path.join(OLD_FORMATS_GOLDEN, f"{kind}-0")):
            shutil.copy(os.path.join(OLD_FORMATS_GOLDEN, f"{kind}-0", name), folder)
    forget(log_folder, OLD_FORMATS)


def forget(log_folder, topics):
    """What the checkpoints say of these topics: their files are others than those that were flushed."""
    for name in os.listdir(log_folder):
        if not name.endswith("-checkpoint"):
            continue
        path = os.path.join(log_folder, name)
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
        kept = [line for line in lines[2:] if line.split(" ")[0] not in topics]
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(["0", str(len(kept)), *kept]) + "\n")


def golden_batches():
    """Batches as Kafka's own classes have made them: every codec, null and empty keys and values, headers."""
    with open(os.path.join(paths.REPOSITORY, "test", "compat", "golden", "batches.txt"), encoding="ascii") as file:
        for line in file:
            words = line.split()
            if words[0] == "batch" and words[1].endswith("-create-time"):
                yield bytes(8) + bytes.fromhex(words[2])[8:]  # a producer counts from 0
