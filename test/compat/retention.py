"""Segments go by retention.ms, retention.bytes and DeleteRecords, while the broker runs, as on Kafka: what stays is asked from both."""
import json
import os
import time

from compat.answer_script import Connection
from harness import paths
from harness.brokers import MillraceBroker, OracleBroker
from harness.checks import require_equal, wait_until
from harness.processes import run
from harness.record_bytes import batch

# A look every half second; every batch of the checks makes a segment of its own.
SETTINGS = {"log.retention.check.interval.ms": "500", "log.initial.task.delay.ms": "100", "log.cleaner.backoff.ms": "500",
            "log.segment.delete.delay.ms": "1000", "log.flush.start.offset.checkpoint.interval.ms": "500"}
BATCHES = 6


def checks(context):
    names = ("retention.ms, retention.bytes and DeleteRecords take segments away as on Kafka",)
    if not any(context.checks.selected(name) for name in names):
        return
    if not context.broker.can_restart:
        context.checks.skip(names[0], "it needs a broker with settings of its own")
        return
    context.checks.check(names[0], segments_go, context)


class Log:
    """One partition of a topic, and its folder."""

    def __init__(self, context, broker, connection, word, **configs):
        self.connection, self.name = connection, context.topic(word)
        self.folder = os.path.join(broker.log_folder, f"{self.name}-0")
        wanted = [{"name": key.replace("_", "."), "value": str(value)} for key, value in configs.items()]
        answer = connection.ask("CreateTopics", 5, {"timeout_ms": 20000, "topics": [
            {"name": self.name, "num_partitions": 1, "replication_factor": 1,
             "configs": [{"name": "segment.bytes", "value": str(len(self.records()))}] + wanted}]})
        require_equal(0, answer["topics"][0]["error_code"], "the error of CreateTopics")
        wait_until(20, "the topic's leader", lambda: self.offset(-2)[0] == 0)

    @staticmethod
    def records():
        return batch(b"a", b"b", key=b"k", timestamp=int(time.time() * 1000) - 1000)

    def produce(self, count=BATCHES):
        for _ in range(count):
            answer = self.connection.ask("Produce", 8, {"acks": -1, "timeout_ms": 10000, "topic_data": [
                {"name": self.name, "partition_data": [{"index": 0, "records": self.records()}]}]})
            require_equal(0, answer["responses"][0]["partition_responses"][0]["error_code"], "the error of Produce")

    def offset(self, timestamp):
        answer = self.connection.ask("ListOffsets", 5, {"replica_id": -1, "topics": [
            {"name": self.name, "partitions": [{"partition_index": 0, "timestamp": timestamp}]}]})
        found = answer["topics"][0]["partitions"][0]
        return found["error_code"], found["offset"]

    def alter(self, key, value):
        answer = self.connection.ask("IncrementalAlterConfigs", 1, {"validate_only": False, "resources": [
            {"resource_type": 2, "resource_name": self.name,
             "configs": [{"name": key, "config_operation": 0, "value": str(value)}]}]})
        require_equal(0, answer["responses"][0]["error_code"], "the error of IncrementalAlterConfigs")

    def segments(self):
        return sorted(int(name.removesuffix(".log")) for name in os.listdir(self.folder) if name.endswith(".log"))

    def becomes(self, start, segments):
        wait_until(20, f"the log of {self.name} from {start} in {segments}, not {self.offset(-2)} in {self.segments()}",
                   lambda: self.offset(-2) == (0, start) and self.segments() == segments)
        wait_until(20, f"the end of what was deleted in {sorted(os.listdir(self.folder))}",
                   lambda: not [name for name in os.listdir(self.folder) if name.endswith(".deleted")])


def segments_go(context):
    kind = OracleBroker if context.broker.name == "kafka" else lambda settings: MillraceBroker(settings=settings)
    broker = kind(SETTINGS)
    broker.start()
    connection = Connection(broker.port)
    try:
        wait_until(30, "the broker's knowledge of itself", lambda: connection.ask("Metadata", 1, {"topics": []})["brokers"])

        def log(word, **configs):
            made = Log(context, broker, connection, word, **configs)
            made.produce()
            return made

        by_age, by_size, by_word, kept = log("by-age"), log("by-size"), log("by-word"), log("kept")
        compacted = log("compacted", cleanup_policy="compact", retention_ms=1)
        both = log("both", cleanup_policy="compact,delete", retention_ms=1)
        end, every_segment = 2 * BATCHES, list(range(0, 2 * BATCHES, 2))
        kept.becomes(0, every_segment)
        by_age.alter("retention.ms", 1)
        by_age.becomes(end, [end])
        by_size.alter("retention.bytes", 2 * len(Log.records()) + 1)
        by_size.becomes(end - 6, every_segment[-3:])
        by_size.alter("cleanup.policy", "compact")
        delete(context, broker, by_word, 5)
        by_word.becomes(5, every_segment[2:])
        delete(context, broker, by_word, -1)
        by_word.becomes(end, every_segment[-1:])
        both.becomes(end, [end])
        require_equal((0, 0), compacted.offset(-2), "the start of a log that is only compacted")
        broker.kill()
        connection.close()
        broker.start()
        wait_until(30, "the topics' leaders", lambda: by_word.offset(-2)[0] == 0)
        for each, start in ((by_age, end), (by_size, end - 6), (by_word, end), (kept, 0)):
            require_equal((0, start), each.offset(-2), f"the start of {each.name} after kill -9")
            require_equal((0, end), each.offset(-1), f"the end of {each.name} after kill -9")
    finally:
        connection.close()
        broker.close()


def delete(context, broker, log, offset):
    """With Kafka's tool where there is a lab."""
    wanted = {"version": 1, "partitions": [{"topic": log.name, "partition": 0, "offset": offset}]}
    tool = os.path.join(paths.KAFKA_LAB, "kafka-run")
    if not os.path.isfile(tool):
        log.connection.ask("DeleteRecords", 2, {"timeout_ms": 10000, "topics": [
            {"name": log.name, "partitions": [{"partition_index": 0, "offset": offset}]}]})
        return
    path = context.path(f"{log.name}.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(wanted, file)
    said = run([tool, "kafka-delete-records", "--bootstrap-server", broker.bootstrap, "--offset-json-file", path], timeout=90, merge=True)
    expected = log.offset(-1)[1] if offset == -1 else offset
    require_equal(f"partition: {log.name}-0\tlow_watermark: {expected}", said.strip().splitlines()[-1], "the last line of kafka-delete-records")
