"""Compacted topics on a running broker, beside Kafka where there is a lab: the same records stay on both, and what a broker that is
killed while it compacts has left."""
import os
import random
import re
import time

from compat import compaction
from compat.answer_script import Connection
from harness import paths
from harness.brokers import MillraceBroker, OracleBroker
from harness.checks import require, require_equal, wait_until
from harness.processes import run
from harness.record_bytes import batch

# The cleaner looks when it is told to look more often.
SETTINGS = {"log.cleaner.backoff.ms": "3600000", "log.cleaner.dedupe.buffer.size": "16777216", "log.segment.delete.delay.ms": "500"}
TOPIC = {"cleanup.policy": "compact", "segment.bytes": "4000", "min.cleanable.dirty.ratio": "0", "index.interval.bytes": "200"}
SEEDS = 20
CHECKPOINT_LINE = r"(?m)^{} 0 (\d+)$"


def checks(context):
    kafka = context.broker.name == "kafka"
    has_lab = os.path.isfile(os.path.join(paths.KAFKA_LAB, "kafka-run"))
    same = "compaction leaves the newest record of each key, as Kafka's does"
    killed = "SIGKILL while the broker compacts: the newest record of each key stays, and no other one when it has finished"
    passes = f"{SEEDS} seeds of partitions are compacted as by Kafka's cleaner"
    names = (same, killed, passes)
    if not context.broker.can_restart:
        for name in names:
            context.checks.skip(name, "it needs a broker with settings of its own")
        return
    brokers = [OracleBroker] if kafka else [ours, OracleBroker] if has_lab else [ours]
    context.checks.check(same, compacts, context, brokers)
    if not kafka:
        context.checks.check(killed, killed_while_compacting, context)
        if has_lab:
            context.checks.check(passes, compared_by_seed)


def ours(settings):
    return MillraceBroker(settings=settings)


def compared_by_seed():
    binary = os.path.join(os.path.dirname(os.path.dirname(paths.BROKER)), "test", "compat", "millrace_compact_directory")
    differences, lines = compaction.compare(binary, 1, SEEDS, False)
    require(not differences, f"{len(differences)} differ: {differences}")
    require(lines > 100 * SEEDS, f"only {lines} lines were compared")


class Log:
    """A compacted partition, what was written to it, and its folder."""

    def __init__(self, broker, name):
        self.broker, self.name = broker, name
        self.folder = os.path.join(broker.log_folder, f"{name}-0")
        self.written = []  # (key, value) by offset
        self.connection = Connection(broker.port)
        wait_until(30, "the broker's knowledge of itself", lambda: self.connection.ask("Metadata", 1, {"topics": []})["brokers"])

    def create(self):
        answer = self.connection.ask("CreateTopics", 5, {"timeout_ms": 20000, "topics": [
            {"name": self.name, "num_partitions": 1, "replication_factor": 1,
             "configs": [{"name": key, "value": value} for key, value in TOPIC.items()]}]})
        require_equal(0, answer["topics"][0]["error_code"], "the error of CreateTopics")
        self.wait_for_leader()

    def wait_for_leader(self):
        def error():
            answer = self.connection.ask("ListOffsets", 5, {"replica_id": -1, "topics": [
                {"name": self.name, "partitions": [{"partition_index": 0, "timestamp": -1}]}]})
            return answer["topics"][0]["partitions"][0]["error_code"]
        wait_until(30, "the topic's leader", lambda: error() == 0)

    def write(self, seed, batches):
        """The same records for the same seed: few keys, some of them deleted, some with large values."""
        source = random.Random(seed)
        stamp = int(time.time() * 1000)
        for _ in range(batches):
            key = f"key{source.randrange(30)}"
            values = [None if source.random() < 0.1 else f"{len(self.written) + number}-".ljust(source.choice((10, 100, 300)), "x")
                      for number in range(source.randrange(1, 5))]
            self.written += [(key, value) for value in values]
            data = batch(*(value if value is None else value.encode() for value in values), key=key.encode(), timestamp=stamp)
            answer = self.connection.ask("Produce", 8, {"acks": -1, "timeout_ms": 10000, "topic_data": [
                {"name": self.name, "partition_data": [{"index": 0, "records": data}]}]})
            require_equal(0, answer["responses"][0]["partition_responses"][0]["error_code"], "the error of Produce")

    def look_every(self, milliseconds):
        answer = self.connection.ask("IncrementalAlterConfigs", 1, {"validate_only": False, "resources": [
            {"resource_type": 4, "resource_name": "",
             "configs": [{"name": "log.cleaner.backoff.ms", "config_operation": 0, "value": str(milliseconds)}]}]})
        require_equal(0, answer["responses"][0]["error_code"], "the error of IncrementalAlterConfigs")

    def files(self, suffix):
        return sorted(name for name in os.listdir(self.folder) if name.endswith(suffix))

    def size_bytes(self):
        return sum(os.path.getsize(os.path.join(self.folder, name)) for name in self.files(".log"))

    def active(self):
        return int(self.files(".log")[-1].removesuffix(".log"))

    def cleaned_to(self):
        try:
            with open(os.path.join(self.broker.log_folder, "cleaner-offset-checkpoint"), encoding="utf-8") as file:
                found = re.search(CHECKPOINT_LINE.format(re.escape(self.name)), file.read())
        except FileNotFoundError:
            return None
        return int(found.group(1)) if found else None

    def read(self):
        """(offset, key, value) of what a consumer gets."""
        said = run(["kcat", "-b", self.broker.bootstrap, "-C", "-e", "-q", "-t", self.name, "-p", "0", "-o", "beginning",
                    "-f", "%o\t%k\t%S\t%s\n"], timeout=30)
        fields = (line.split("\t") for line in said.splitlines())
        return [(int(offset), key, None if size == "-1" else value) for offset, key, size, value in fields]

    def newest(self, below):
        """The records that compaction up to an offset leaves, and all behind it."""
        last = {key: offset for offset, (key, _) in enumerate(self.written[:below])}
        return [(offset, key, value) for offset, (key, value) in enumerate(self.written)
                if offset >= below or last[key] == offset]

    def wait_until_compacted(self):
        wait_until(20, f"compaction of {self.name} up to {self.active()}, not {self.cleaned_to()}",
                   lambda: self.cleaned_to() == self.active())
        wait_until(20, "the end of what was replaced", lambda: not self.files(".deleted"))
        require_equal([], self.files(".cleaned") + self.files(".swap"), "the unfinished files")


def compacts(context, brokers):
    found = []
    name = context.topic("compacted")
    for kind in brokers:
        broker = kind(SETTINGS)
        try:
            broker.start()
            log = Log(broker, name)
            log.create()
            log.write(1, 150)
            size = log.size_bytes()
            require_equal(None, log.cleaned_to(), "the checkpoint before compaction")
            require_equal(len(log.written), len(log.read()), "records before compaction")
            log.look_every(50)
            log.wait_until_compacted()
            require_equal(log.newest(log.active()), log.read(), f"records after compaction by {broker.name}")
            require(log.size_bytes() < size / 2, f"{log.size_bytes()} bytes are left of {size}")
            # While it is compacted again and again.
            log.write(2, 150)
            log.wait_until_compacted()
            require_equal(log.newest(log.active()), log.read(), f"records after more compaction by {broker.name}")
            found.append((log.active(), log.read()))
            log.connection.close()
        finally:
            broker.close()
    require_equal([found[0]] * len(found), found, "what is left on each broker")


def killed_while_compacting(context):
    broker = ours({**SETTINGS, "log.cleaner.backoff.ms": "1"})
    seed = random.randrange(1 << 30)
    moments = random.Random(seed)
    name = context.topic("killed")
    log = None
    try:
        for kill in range(12):
            broker.start()
            written = log.written if log else []
            log = Log(broker, name)
            log.written = written
            if kill == 0:
                log.create()
            log.wait_for_leader()
            wanted = set(log.newest(len(log.written)))
            require(wanted <= set(log.read()), f"the newest records after kill {kill} of seed {seed}")
            log.write(seed + kill, moments.randrange(20, 80))
            broker.kill()
            log.connection.close()
        broker.start()
        log.connection = Connection(broker.port)
        log.wait_for_leader()
        log.wait_until_compacted()
        require_equal(log.newest(log.active()), log.read(), f"records when compaction has finished, seed {seed}")
        log.connection.close()
    finally:
        broker.close()
