#!/usr/bin/env python3
"""Makes the golden directories with transactions anew: test/broker/log/golden/kafka_3_9_transactions_*, by a real Kafka of the lab.

    python3 -m compat.transaction_corpus     in test/; needs $KAFKA_LAB

    kafka_3_9_transactions_clean      after a clean stop
    kafka_3_9_transactions_killed     after kill -9, some appends later
    kafka_3_9_transactions_recovered  what Kafka made of the killed one, after a clean stop

Each has expected.tsv beside its files: what that Kafka answered after it had started from them (for the killed one, the recovered).
Records and markers are the same in every run: producers of the test's own numbers, markers by the request of a coordinator.
"""
import contextlib
import os
import random
import shutil
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from compat.answer_script import Connection  # noqa: E402
from harness import paths  # noqa: E402
from harness.brokers import OracleBroker  # noqa: E402
from harness.checks import wait_until  # noqa: E402
from harness.record_bytes import batch, summary  # noqa: E402

TOPIC = "transactions"
GOLDEN = os.path.join(paths.REPOSITORY, "test", "broker", "log", "golden")
SETTINGS = {"transaction.partition.verification.enable": "false", "log.retention.ms": "-1", "log.index.interval.bytes": "400",
            "producer.id.expiration.ms": str(2**31 - 1), "transaction.remove.expired.transaction.cleanup.interval.ms": "3600000"}
TRANSACTIONAL = 0x10


class Writer:
    """Producers that begin, write, commit and abort as chance has it, two of them over many segments."""

    def __init__(self, connection, seed):
        self.connection, self.random = connection, random.Random(seed)
        self.producers = {number: {"epoch": 0, "sequence": 0, "open": False} for number in range(5000, 5008)}
        self.count = 0

    def write(self, number, transactional):
        producer = self.producers[number]
        values = [b"%d of %d " % (self.count, number) + b"." * self.random.randrange(30, 90) for _ in range(self.random.randrange(1, 4))]
        self.count += 1
        records = batch(*values, key=b"k", timestamp=int(time.time() * 1000), producer=number, epoch=producer["epoch"],
                        sequence=producer["sequence"], attributes=TRANSACTIONAL if transactional else 0)
        self.produce(records, f"t{number}" if transactional else None)
        producer["sequence"] += len(values)
        producer["open"] = producer["open"] or transactional

    def write_plainly(self):
        self.count += 1
        self.produce(batch(b"%d plain" % self.count, timestamp=int(time.time() * 1000)), None)

    def produce(self, records, transactional_id):
        answer = self.connection.ask("Produce", 8, {"acks": -1, "timeout_ms": 10000, "transactional_id": transactional_id, "topic_data": [
            {"name": TOPIC, "partition_data": [{"index": 0, "records": records}]}]})
        assert answer["responses"][0]["partition_responses"][0]["error_code"] == 0, answer

    def end(self, number, commit, fence=False):
        producer = self.producers[number]
        if fence:
            producer["epoch"], producer["sequence"] = producer["epoch"] + 1, 0
        marker = {"producer_id": number, "producer_epoch": producer["epoch"], "transaction_result": commit, "coordinator_epoch": 3,
                  "topics": [{"name": TOPIC, "partition_indexes": [0]}]}
        answer = self.connection.ask("WriteTxnMarkers", 1, {"markers": [marker]})
        assert answer["markers"][0]["topics"][0]["partitions"][0]["error_code"] == 0, answer
        producer["open"] = False

    def step(self):
        number = self.random.randrange(5000, 5006)
        chance = self.random.random()
        if self.producers[number]["open"] and chance < 0.35:
            self.end(number, commit=self.random.random() < 0.45, fence=self.random.random() < 0.2)
        elif chance < 0.85:
            self.write(number, transactional=self.producers[number]["open"] or self.random.random() < 0.85)
        elif chance < 0.9 and not self.producers[number]["open"]:
            self.end(number, commit=False)  # of a transaction without records here
        else:
            self.write_plainly()


def expectations(connection):
    """What a consumer is told, line by line."""
    def fetch(offset, limit, isolation):
        wanted = {"partition": 0, "fetch_offset": offset, "partition_max_bytes": limit}
        answer = connection.ask("Fetch", 11, {"max_wait_ms": 0, "min_bytes": 1, "max_bytes": limit, "isolation_level": isolation,
                                              "topics": [{"topic": TOPIC, "partitions": [wanted]}]})
        return answer["responses"][0]["partitions"][0]

    wait_until(20, "the partition's leader", lambda: fetch(0, 1, 0)["error_code"] == 0)
    end = fetch(0, 1, 0)["high_watermark"]
    stable = fetch(0, 1, 1)["last_stable_offset"]
    yield ["offsets", end, stable]
    for isolation in (0, 1):
        wanted = {"partition_index": 0, "timestamp": -1}
        answer = connection.ask("ListOffsets", 5, {"replica_id": -1, "isolation_level": isolation,
                                                   "topics": [{"name": TOPIC, "partitions": [wanted]}]})
        yield ["latest", isolation, answer["topics"][0]["partitions"][0]["offset"]]
    for offset in range(end + 1):
        for limit in (1, 1500, 1 << 20):
            answer = fetch(offset, limit, 1)
            assert answer["error_code"] == 0, answer
            aborted = [f"{one['producer_id']}:{one['first_offset']}" for one in answer["aborted_transactions"]]
            batches = [str(one["base_offset"]) for one in summary(answer["records"]) if "base_offset" in one]
            yield ["fetch", offset, limit, " ".join(batches), " ".join(aborted)]
    answer = connection.ask("DescribeProducers", 0, {"topics": [{"name": TOPIC, "partition_indexes": [0]}]})
    for one in sorted(answer["topics"][0]["partitions"][0]["active_producers"], key=lambda one: one["producer_id"]):
        yield ["producer", one["producer_id"], one["producer_epoch"], one["last_sequence"], one["last_timestamp"],
               one["coordinator_epoch"], one["current_txn_start_offset"]]


def visible(broker):
    """The offsets that Kafka's own consumer shows."""
    shown = broker._lab("kafka-run", "kafka-console-consumer", "--bootstrap-server", broker.bootstrap, "--topic", TOPIC,
                        "--isolation-level", "read_committed", "--partition", "0", "--offset", "earliest", "--timeout-ms", "4000",
                        "--property", "print.offset=true", "--property", "print.value=true")
    for line in shown.splitlines():
        if line.startswith("Offset:"):
            offset, _, value = line.removeprefix("Offset:").partition("\t")
            yield ["visible", offset, value]


def keep(broker, name):
    """The files of the stopped broker, without those of other topics and of the process."""
    target = os.path.join(GOLDEN, f"kafka_3_9_transactions_{name}")
    shutil.rmtree(target, ignore_errors=True)
    os.makedirs(target)
    for entry in os.listdir(broker.log_folder):
        source = os.path.join(broker.log_folder, entry)
        if entry == f"{TOPIC}-0":
            shutil.copytree(source, os.path.join(target, entry))
            for index in os.listdir(os.path.join(target, entry)):
                path = os.path.join(target, entry, index)
                if name == "killed" and index.endswith(("index",)) and os.path.getsize(path) > 1 << 20:
                    os.truncate(path, 0)  # 10 MB of zeros, which recovery builds anew
        elif entry.endswith("-checkpoint"):
            with open(source, encoding="utf-8") as file:
                lines = file.read().splitlines()
            kept = [line for line in lines[2:] if line.startswith(TOPIC + " ")]
            with open(os.path.join(target, entry), "w", encoding="utf-8") as file:
                file.write("\n".join(["0", str(len(kept)), *kept]) + "\n")
        elif entry in ("meta.properties", ".kafka_cleanshutdown"):
            shutil.copy(source, target)


def write_expectations(broker, names):
    with contextlib.closing(Connection(broker.port)) as connection:
        lines = [*expectations(connection), *visible(broker)]
    for name in names:
        with open(os.path.join(GOLDEN, f"kafka_3_9_transactions_{name}", "expected.tsv"), "w", encoding="utf-8") as file:
            file.writelines("\t".join(map(str, line)) + "\n" for line in lines)


def main():
    broker = OracleBroker(SETTINGS)
    try:
        broker.start()
        with contextlib.closing(Connection(broker.port)) as connection:
            wanted = {"name": TOPIC, "num_partitions": 1, "replication_factor": 1, "configs": [{"name": "segment.bytes", "value": "6000"}]}
            wait_until(30, "the controller", lambda: connection.ask("CreateTopics", 5, {"topics": [wanted], "timeout_ms": 20000})
                       ["topics"][0]["error_code"] in (0, 36))
            wait_until(20, "the topic", lambda: connection.ask("ListOffsets", 1, {"replica_id": -1, "topics": [
                {"name": TOPIC, "partitions": [{"partition_index": 0, "timestamp": -1}]}]})["topics"][0]["partitions"][0]["error_code"] == 0)
            writer = Writer(connection, 39)
            writer.write(5006, transactional=True)  # aborted far behind
            for _ in range(130):
                writer.step()
            writer.end(5006, commit=False)
            writer.write(5007, transactional=True)
            for _ in range(40):
                writer.step()
        broker.stop()
        keep(broker, "clean")
        broker.start()
        write_expectations(broker, ["clean"])
        with contextlib.closing(Connection(broker.port)) as connection:
            writer.connection = connection
            writer.end(5007, commit=False)
            writer.write(5006, transactional=True)
            for _ in range(70):
                writer.step()
            writer.write(5001, transactional=True)
        broker.kill()
        keep(broker, "killed")
        broker.start()
        broker.stop()
        keep(broker, "recovered")
        broker.start()
        write_expectations(broker, ["killed", "recovered"])
    finally:
        broker.close()


if __name__ == "__main__":
    main()
