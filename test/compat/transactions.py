"""Transactions: Kafka's own programs, and what readers of committed records see while the broker is killed."""
import contextlib
import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

from compat.answer_cases_transactions import TRANSACTIONAL, Producer
from compat.answer_script import Connection
from compat.directories import copy
from compat.kafka_tools import Tools
from compat.kcat import kcat
from compat.partition_view import COMMITTED, UNCOMMITTED
from compat.topics import create_topic
from harness import paths
from harness.brokers import MillraceBroker, OracleBroker
from harness.checks import Failure, require, require_equal, wait_until
from harness.processes import Background, run
from harness.record_bytes import TIMESTAMP, batch

RECORDS = 20_000
RECORDS_PER_SECOND = 4_000
TRANSACTION_MS = 40
SECONDS_BETWEEN_KILLS = (0.4, 1.2)
UNKNOWN_PRODUCER = 9_000_000
TIMED_PRODUCERS = 16
TIMED_PARTITIONS = 3
TIMED_SECONDS = 8
TIMEOUT_MS = 200
PRODUCER_FENCED = 90


def checks(context):
    check = context.checks.check
    if not os.path.isfile(os.path.join(paths.KAFKA_LAB, "kafka-run")):
        context.checks.skip("transactions of Kafka's own programs", f"no lab at {paths.KAFKA_LAB}")
        return
    check("transactions: the lab's txn-smoke", smoke, context)
    check("transactions: kafka-transactions lists, describes, finds and aborts", administrator, Tools(context, "3.9", []))
    check("transactions: a Java producer commits, and read_committed sees each record once, in order", committed_once, context, 0)
    name = "transactions: none is open for long after its timeout, whatever its producer does"
    if context.broker.can_restart:
        check(name, none_hangs, context)
    else:
        context.checks.skip(name, "it needs a broker with settings of its own")
    if context.broker.name == "millrace":
        check("transactions: open ones go from Kafka to this broker and back to Kafka", journey, context)
    kills = context.options.kills
    name = f"transactions: {kills} times SIGKILL of the broker under a Java producer: read_committed sees each record once, in order"
    if context.broker.can_restart:
        check(name, committed_once, context, kills)
    else:
        context.checks.skip(name, "the broker is not ours to kill")


def smoke(context):
    said = run([os.path.join(paths.KAFKA_LAB, "txn-smoke"), context.bootstrap], timeout=180, merge=True)
    require("PASS" in said.splitlines()[-1], said)
    print(f"    {said.strip().splitlines()[-1]}")


def committed_once(context, kills):
    """Numbered records in transactions of TRANSACTION_MS each, none of which may fail."""
    topic = Tools(context, "3.9", []).create("transactional", "--partitions", "1")
    properties = ("acks=all", "delivery.timeout.ms=120000", "max.block.ms=120000", "reconnect.backoff.max.ms=300", "linger.ms=5",
                  f"bootstrap.servers={context.bootstrap}")
    command = [os.path.join(paths.KAFKA_LAB, "kafka-run"), "kafka-producer-perf-test", "--topic", topic, "--num-records", RECORDS,
               "--payload-monotonic", "--throughput", RECORDS_PER_SECOND, "--transactional-id", topic, "--transaction-duration-ms",
               TRANSACTION_MS, "--producer-props", *properties]
    with Background(command, context.path(f"{topic}.log")) as producer:
        wait_until(60, "the first transaction", lambda: ends_now(context, topic)[0] > 0)
        for _ in range(kills):
            time.sleep(random.uniform(*SECONDS_BETWEEN_KILLS))
            if not producer.running():
                break
            context.broker.kill()
            context.broker.start()
        code = producer.wait(180)
    require(code == 0, f"the producer ended with {code}: {producer.tail()}")
    require(f"{RECORDS} records sent" in producer.tail(), producer.tail())
    wait_until(30, "the end of the last transaction", lambda: ends_now(context, topic)[1] == 0)
    read = kcat(context, "-C", "-t", topic, "-o", "beginning", "-e", "-q", "-X", "isolation.level=read_committed", timeout=120).splitlines()
    require_equal(RECORDS, len(read), "committed records")
    require(read == [str(number) for number in range(RECORDS)], "a record is twice there or out of order")


def journey(_):
    """One producer, whose transactions with records and a group's offsets are open whenever its broker becomes another one."""
    with contextlib.ExitStack() as opened:
        def closed_at_the_end(broker):
            opened.callback(broker.close)
            return broker

        kafka = closed_at_the_end(OracleBroker({}))
        kafka.start()
        producer = Traveller(kafka.port)
        producer.begin()
        producer.go_on()
        kafka.stop()
        ours = closed_at_the_end(MillraceBroker())
        copy(kafka.log_folder, ours.log_folder)
        move(ours, "--import-znodes", kafka)
        ours.start()
        producer.arrive(ours.port)
        producer.go_on()
        producer.commit()
        producer.begin()
        producer.go_on()
        require_equal(0, ours.stop(), "the exit code")
        last = closed_at_the_end(OracleBroker({}))
        copy(ours.log_folder, last.log_folder)
        move(ours, "--export-znodes", last)
        last.start()
        producer.arrive(last.port)
        producer.go_on()
        producer.commit()


def move(ours, option, kafka):
    run([ours.binary, ours.write_settings(), option, f"127.0.0.1:{kafka.zookeeper_port}/compat"], timeout=60, merge=True)


class Traveller:
    """A producer that knows what it has written, and asks whichever broker is there."""

    def __init__(self, port):
        self.records = self.offset = 0
        self.connection = Connection(port)
        create_topic(f"127.0.0.1:{port}", "travelled", 1)
        for key_type in (0, 1):
            wait_until(60, "the coordinator", lambda wanted=key_type: self.ask("FindCoordinator", 3, {"key": "t", "key_type": wanted})[
                "error_code"] == 0)
        self.producer = Producer(SimpleNamespace(main=self.connection, name=lambda word: word), "traveller")

    def ask(self, api, version, values):
        return self.connection.ask(api, version, values)

    def arrive(self, port):
        self.connection.close()
        self.connection = self.producer.connection = Connection(port)
        wait_until(60, "the open transaction", lambda: self.producer.described()["transaction_state"] == "Ongoing")
        # Behind what was committed stands its marker.
        expected = self.offset + (self.offset > 0)
        wait_until(30, "the leader", lambda: ends(self.connection, "travelled") == (expected, self.records - self.offset))

    def begin(self):
        self.producer.add(("travelled", 0))
        wait_until(30, "the group's part", lambda: self.ask("AddOffsetsToTxn", 3, self.producer.known(group_id="g"))["error_code"] == 0)

    def go_on(self):
        values = self.producer.batch(b"r", sequence=self.records)
        wait_until(30, "a leader", lambda: produced(self.connection, self.producer.id, "travelled", 0, values))
        self.records += 1
        commit = {**self.producer.known(group_id="g", generation_id=-1, member_id=""), "topics": [{"name": "travelled", "partitions": [
            {"partition_index": 0, "committed_offset": self.records, "committed_metadata": ""}]}]}
        wait_until(30, "the group's coordinator", lambda: self.ask("TxnOffsetCommit", 3, commit)["topics"][0]["partitions"][0]["error_code"] == 0)
        require_equal(self.offset, self.committed(), "the group's offset while the transaction is open")

    def committed(self):
        answer = self.ask("OffsetFetch", 5, {"group_id": "g", "topics": [{"name": "travelled", "partition_indexes": [0]}]})
        return max(answer["topics"][0]["partitions"][0]["committed_offset"], 0)

    def commit(self):
        self.producer.end()
        self.offset = self.records
        wait_until(30, "the group's offset", lambda: self.committed() == self.offset)
        require_equal(0, ends(self.connection, "travelled")[1], "the high watermark above the last stable offset")


def none_hangs(context):
    """Producers that are late, that die, that write when their transaction is aborted already."""
    settings = {"transaction.abort.timed.out.transaction.cleanup.interval.ms": "100"}
    broker = OracleBroker(settings) if context.broker.name == "kafka" else MillraceBroker(settings=settings)
    with contextlib.closing(broker):
        broker.start()
        create_topic(broker.bootstrap, "timed", TIMED_PARTITIONS)
        with contextlib.closing(Connection(broker.port)) as connection:
            find_coordinator(connection, "any")
        with ThreadPoolExecutor(TIMED_PRODUCERS) as pool:
            counts = [sum(column) for column in zip(*pool.map(lambda number: late_producer(broker.port, number), range(TIMED_PRODUCERS)))]
        print(f"    {counts[0]} transactions, {counts[1]} refused appends, {counts[2]} aborted before their end")
        require(counts[2] > 0, "no transaction was aborted")
        with contextlib.closing(Connection(broker.port)) as connection:
            for partition in range(TIMED_PARTITIONS):
                wait_until(10, f"the end of all transactions in partition {partition}",
                           lambda: ends(connection, "timed", partition)[1] == 0)  # pylint: disable=cell-var-from-loop
            listed = connection.ask("ListTransactions", 0, {"state_filters": [], "producer_id_filters": []})["transaction_states"]
            require_equal(TIMED_PRODUCERS, len(listed), "transactional ids")
            require(all(one["transaction_state"] in ("Empty", "CompleteCommit", "CompleteAbort") for one in listed), listed)


def late_producer(port, number):
    """How many transactions it began, how often it was refused, how often it found its transaction aborted."""
    chance, name = random.Random(number), f"late-{number}"
    begun = refused = aborted = 0
    end = time.monotonic() + TIMED_SECONDS
    with contextlib.closing(Connection(port)) as connection:
        while time.monotonic() < end:
            producer = connection.ask("InitProducerId", 4, {"transactional_id": name, "transaction_timeout_ms": TIMEOUT_MS, "producer_id": -1,
                                                            "producer_epoch": -1})
            if producer["error_code"] != 0:
                time.sleep(0.02)
                continue
            known = {"transactional_id": name, "producer_id": producer["producer_id"], "producer_epoch": producer["producer_epoch"]}
            partition = chance.randrange(TIMED_PARTITIONS)
            for sequence in range(chance.randrange(1, 4)):
                if sequence == 0 or chance.random() < 0.2:
                    connection.ask("AddPartitionsToTxn", 3, {f"v3_and_below_{key}": value for key, value in {
                        **known, "topics": [{"name": "timed", "partitions": [partition]}]}.items()})
                    begun += sequence == 0
                time.sleep(chance.choice((0, 0, TIMEOUT_MS * 0.9e-3, TIMEOUT_MS * 1.1e-3)))
                records = batch(b"r", producer=known["producer_id"], epoch=known["producer_epoch"], sequence=sequence, attributes=TRANSACTIONAL)
                refused += not produced(connection, name, "timed", partition, records)
            if chance.random() < 0.7:
                aborted += connection.ask("EndTxn", 3, {**known, "committed": chance.random() < 0.5})["error_code"] == PRODUCER_FENCED
    return begun, refused, aborted


def administrator(tools):
    topic = tools.create("administered", "--partitions", "2")
    _, port = tools.context.bootstrap.rsplit(":", 1)
    with contextlib.closing(Connection(int(port))) as connection:
        name = tools.context.topic("t")
        producer = begin(connection, name, topic)
        listed = line_of(name, tools("kafka-transactions", "list"))
        require(listed[-1] == "Ongoing" and str(producer["producer_id"]) in listed, listed)
        described = line_of(name, tools("kafka-transactions", "describe", "--transactional-id", name))
        require("Ongoing" in described and f"{topic}-0" in described, described)
        producers = tools("kafka-transactions", "describe-producers", "--topic", topic, "--partition", "0")
        line_of(str(producer["producer_id"]), producers)
        # What no coordinator knows of: it never ends by itself.
        with_verification(tools, "false")
        try:
            hanging = batch(b"hangs", producer=UNKNOWN_PRODUCER, epoch=0, sequence=0, attributes=TRANSACTIONAL)
            wait_until(20, "records of a transaction that nobody verifies", lambda: produced(connection, name, topic, 1, hanging))
        finally:
            with_verification(tools, None)
        found = line_of(str(UNKNOWN_PRODUCER), tools("kafka-transactions", "find-hanging", "--topic", topic))
        require(str(producer["producer_id"]) not in found, found)
        require_equal(1, ends(connection, topic, 1)[1], "the high watermark above the last stable offset")
        tools("kafka-transactions", "abort", "--topic", topic, "--partition", "1", "--start-offset", "0")
        require_equal(0, ends(connection, topic, 1)[1], "the high watermark above the last stable offset")
        require(str(UNKNOWN_PRODUCER) not in tools("kafka-transactions", "find-hanging", "--topic", topic), "it hangs still")


def line_of(word, text):
    for line in text.splitlines():
        if word in line.split():
            return line.split()
    raise Failure(f"no {word} in {text}")


def with_verification(tools, value):
    change = ("--delete-config", "transaction.partition.verification.enable") if value is None else (
        "--add-config", f"transaction.partition.verification.enable={value}")
    tools("kafka-configs", "--alter", "--entity-type", "brokers", "--entity-default", *change)


def begin(connection, name, topic):
    """A producer with a record of TIMESTAMP in partition 0, and nothing decided."""
    def init():
        return connection.ask("InitProducerId", 4, {"transactional_id": name, "transaction_timeout_ms": 600_000, "producer_id": -1,
                                                    "producer_epoch": -1})
    find_coordinator(connection, name)
    wait_until(30, "a producer id", lambda: init()["error_code"] == 0)
    producer = init()
    added = connection.ask("AddPartitionsToTxn", 3, {
        "v3_and_below_transactional_id": name, "v3_and_below_producer_id": producer["producer_id"],
        "v3_and_below_producer_epoch": producer["producer_epoch"], "v3_and_below_topics": [{"name": topic, "partitions": [0]}]})
    require_equal(0, added["results_by_topic_v3_and_below"][0]["results_by_partition"][0]["partition_error_code"], "AddPartitionsToTxn")
    records = batch(b"open", producer=producer["producer_id"], epoch=producer["producer_epoch"], sequence=0, attributes=TRANSACTIONAL,
                    timestamp=TIMESTAMP)
    require(produced(connection, name, topic, 0, records), "the records of the transaction are refused")
    return producer


def find_coordinator(connection, name):
    wait_until(30, "the coordinator", lambda: connection.ask("FindCoordinator", 3, {"key": name, "key_type": 1})["error_code"] == 0)


def produced(connection, name, topic, partition, records):
    answer = connection.ask("Produce", 8, {"transactional_id": name, "acks": -1, "timeout_ms": 10_000, "topic_data": [
        {"name": topic, "partition_data": [{"index": partition, "records": records}]}]})
    return answer["responses"][0]["partition_responses"][0]["error_code"] == 0


def ends(connection, topic, partition=0):
    """The last stable offset, and how far the high watermark is above it."""
    def end(isolation):
        answer = connection.ask("ListOffsets", 7, {"replica_id": -1, "isolation_level": isolation, "topics": [
            {"name": topic, "partitions": [{"partition_index": partition, "timestamp": -1}]}]})
        return answer["topics"][0]["partitions"][0]["offset"]
    stable = end(COMMITTED)
    return stable, end(UNCOMMITTED) - stable


def ends_now(context, topic):
    _, port = context.bootstrap.rsplit(":", 1)
    with contextlib.closing(Connection(int(port))) as connection:
        return ends(connection, topic)
