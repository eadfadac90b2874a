"""Kafka's own command line tools: those of 3.9, and the newest Kafka 4 client's."""
import json
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor

from compat.java_clients import jars_of
from compat.kcat import kcat
from compat.kraft_broker import NEWEST
from harness import paths
from harness.checks import require, require_equal, wait_until
from harness.processes import run

PERFORMANCE_BYTES = 100


class Tools:
    """Kafka's tools of one version: tools("kafka-topics", ...) with --bootstrap-server set."""

    def __init__(self, context, version, flags):
        self.context = context
        self.version = version
        self.flags = flags

    def run(self, tool, *arguments, timeout=90, **how):
        if tool == "kafka-configs" and self.flags:
            # Kafka 4's is a part of the broker, which the lab's jars of Kafka 4 leave out.
            tool, how["environment"] = "kafka.admin.ConfigCommand", {"LAB_CP": os.path.join(jars_of(NEWEST, "kafka_2.13"), "*")}
        return run([os.path.join(paths.KAFKA_LAB, "kafka-run"), *self.flags, tool, *arguments], timeout=timeout, **how)

    def __call__(self, tool, *arguments, **named):
        return self.run(tool, "--bootstrap-server", self.context.bootstrap, *arguments, **named)

    def enough_of(self, *cases, enough):
        """All cases for 3.9's tool; for the newest one, which says the same to the broker, the first ones."""
        return cases if not self.flags else cases[:enough]

    def create(self, word, *arguments):
        topic = self.context.topic(word)
        self("kafka-topics", "--create", "--topic", topic, *arguments)
        return topic

    def end_offsets(self, topic):
        """Partition -> end offset."""
        lines = self("kafka-get-offsets", "--topic", topic).split()
        return {int(line.split(":")[1]): int(line.split(":")[2]) for line in lines}


def checks(context):
    check, records = context.checks.check, context.options.records
    for tools in (Tools(context, "3.9", []), Tools(context, "4", ["--v4"])):
        name = f"Kafka {tools.version}"
        check(f"{name}: kafka-topics creates, describes, lists and deletes", topic_life, tools)
        check(f"{name}: kafka-topics is told why it may not create", refused_topics, tools)
        check(f"{name}: kafka-console-producer and kafka-console-consumer with --partition and --offset", console, tools)
        check(f"{name}: kafka-get-offsets", get_offsets, tools)
        check(f"{name}: kafka-topics adds partitions, kafka-log-dirs shows them", grow_and_measure, tools)
        check(f"{name}: kafka-cluster and kafka-broker-api-versions", cluster, tools)
        check(f"{name}: kafka-producer-perf-test, {records:,} records of {PERFORMANCE_BYTES} B, acks=all", performance, tools, records)
        check(f"{name}: kafka-configs describes a topic and the broker", describe_configs, tools)
        check(f"{name}: kafka-configs alters topics, brokers and loggers, and takes it back", alter_configs, tools)
        check(f"{name}: kafka-configs sets, describes and removes quotas", quotas, tools)
        check(f"{name}: kafka-verifiable-producer and kafka-features", verifiable_producer, tools)
    tools = Tools(context, "3.9", [])
    check("Kafka 3.9: a producer is held to its quota", throttled_producer, tools)
    check(f"Kafka 3.9: {records:,} numbered records arrive once each, in order", numbered, tools, records)


def topic_life(tools):
    topic = tools.create("life", "--partitions", "3", "--config", "retention.ms=3600000", "--config", "max.message.bytes=2000000")
    described = tools("kafka-topics", "--describe", "--topic", topic)
    require("PartitionCount: 3" in described and "ReplicationFactor: 1" in described, described)
    require("max.message.bytes=2000000" in described and "retention.ms=3600000" in described, described)
    require_equal(3, described.count("Isr: 0"), f"partitions in the ISR of broker 0 in {described}")
    require(topic in tools("kafka-topics", "--list").split(), "the topic is not listed")
    tools("kafka-topics", "--delete", "--topic", topic)
    require(topic not in tools("kafka-topics", "--list").split(), "the deleted topic is listed")
    tools("kafka-topics", "--describe", "--topic", topic, expect=1)
    again = tools("kafka-topics", "--create", "--topic", topic)
    require("Created topic" in again, f"the name is not free after the deletion: {again}")


def refused_topics(tools):
    topic = tools.create("refused")
    for arguments, error in (
        (["--topic", topic], "TopicExistsException"),
        (["--topic", topic + "x", "--replication-factor", "3"], "InvalidReplicationFactorException"),
        (["--topic", "a b"], "InvalidTopicException"),
    ):
        said = tools("kafka-topics", "--create", *arguments, expect=1, merge=True)
        require(error in said, f"no {error} for {arguments}: {said}")


def console(tools):
    topic = tools.create("console", "--partitions", "1")
    lines = "".join(f"line {number}\n" for number in range(1000))
    tools("kafka-console-producer", "--topic", topic, stdin=lines)
    read = tools("kafka-console-consumer", "--topic", topic, "--partition", "0", "--offset", "earliest", "--max-messages", "1000",
                 "--timeout-ms", "20000")
    require(read == lines, f"other lines than were produced: {read[:200]}")
    read = tools("kafka-console-consumer", "--topic", topic, "--partition", "0", "--offset", "998", "--max-messages", "2",
                 "--timeout-ms", "20000")
    require_equal("line 998\nline 999\n", read, "the lines from offset 998")


def get_offsets(tools):
    topic = tools.create("offsets", "--partitions", "2")
    kcat(tools.context, "-P", "-t", topic, "-p", "1", stdin="a\nb\nc\n")
    require_equal({0: 0, 1: 3}, tools.end_offsets(topic), "end offsets")
    earliest = tools("kafka-get-offsets", "--topic", topic, "--time", "earliest").split()
    require_equal([f"{topic}:0:0", f"{topic}:1:0"], earliest, "earliest offsets")
    newest = tools("kafka-get-offsets", "--topic", topic, "--time", "max-timestamp").split()
    require(f"{topic}:1:" in " ".join(newest), f"no offset of the newest timestamp: {newest}")


def grow_and_measure(tools):
    topic = tools.create("growing", "--partitions", "1")
    tools("kafka-topics", "--alter", "--topic", topic, "--partitions", "3")
    described = tools("kafka-topics", "--describe", "--topic", topic)
    require_equal(3, described.count("Isr: 0"), f"partitions in the ISR of broker 0 in {described}")
    said = tools("kafka-topics", "--alter", "--topic", topic, "--partitions", "2", expect=1, merge=True)
    require("Topic currently has 3 partitions, which is higher than the requested 2." in said, said)
    kcat(tools.context, "-P", "-t", topic, "-p", "2", stdin="a\n")
    said = tools("kafka-log-dirs", "--describe", "--topic-list", topic)
    found = json.loads(said.strip().splitlines()[-1])["brokers"][0]["logDirs"][0]["partitions"]
    sizes = {part["partition"]: part["size"] for part in found}
    require_equal({f"{topic}-0", f"{topic}-1", f"{topic}-2"}, set(sizes), "partitions in the log directory")
    require(sizes[f"{topic}-2"] > 0 and sizes[f"{topic}-0"] == 0, f"sizes {sizes}")


def in_pairs(claim, cases):
    """Claims that have nothing to do with each other, two at a time: the tools' start is most of what they take."""
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(claim, *case) for case in cases]:
            done.result()


def quotas(tools):
    user, client, both = (tools.context.topic(word) for word in ("user", "client", "both"))

    def set_and_removed(entity, setting, shown):
        tools("kafka-configs", "--alter", *entity, "--add-config", setting)
        wait_until(20, shown, lambda: shown in tools("kafka-configs", "--describe", *entity))
        tools("kafka-configs", "--alter", *entity, "--delete-config", ",".join(part.split("=")[0] for part in setting.split(",")))
        wait_until(20, f"{shown} to be gone", lambda: "Quota configs" not in tools("kafka-configs", "--describe", *entity))

    in_pairs(set_and_removed, tools.enough_of(
        (["--entity-type", "clients", "--entity-name", client], "producer_byte_rate=1000,consumer_byte_rate=2000",
         f"Quota configs for client-id '{client}' are consumer_byte_rate=2000.0, producer_byte_rate=1000.0"),
        (["--entity-type", "users", "--entity-name", user, "--entity-type", "clients", "--entity-name", both], "request_percentage=12.5",
         f"Quota configs for user-principal '{user}', client-id '{both}' are request_percentage=12.5"),
        (["--entity-type", "ips", "--entity-name", "10.1.2.3"], "connection_creation_rate=9",
         "Quota configs for ip '10.1.2.3' are connection_creation_rate=9.0"), enough=1))


def throttled_producer(tools):
    """A producer of 30 MB with 2 MB/s has 20 MB, what a window of ten seconds allows, for nothing."""
    topic, client = tools.create("throttled", "--partitions", "1"), tools.context.topic("throttled")
    tools("kafka-configs", "--alter", "--entity-type", "clients", "--entity-name", client, "--add-config", "producer_byte_rate=2000000")
    started = time.monotonic()
    said = tools.run("kafka-producer-perf-test", "--topic", topic, "--num-records", 30_000, "--record-size", 1000, "--throughput", "-1",
                     "--producer-props", f"bootstrap.servers={tools.context.bootstrap}", f"client.id={client}", "acks=all", timeout=90)
    seconds = time.monotonic() - started
    print(f"    {said.strip().splitlines()[-1]}")
    require("30000 records sent" in said and 4 < seconds < 40, f"30 MB in {seconds:.1f} s: {said}")


def describe_configs(tools):
    topic = tools.create("configs", "--config", "segment.bytes=1048576")
    said = tools("kafka-configs", "--describe", "--entity-type", "topics", "--entity-name", topic)
    require("segment.bytes=1048576" in said, said)
    said = tools("kafka-configs", "--describe", "--entity-type", "topics", "--entity-name", topic, "--all")
    require("cleanup.policy=delete" in said, said)
    said = tools("kafka-configs", "--describe", "--entity-type", "brokers", "--entity-name", "0", "--all")
    require("log.segment.bytes=" in said and "listeners=" in said, said)


def alter_configs(tools):
    topic = tools.create("altered")
    listed = tools("kafka-configs", "--describe", "--entity-type", "broker-loggers", "--entity-name", "0").splitlines()
    names = [line.strip().split("=")[0] for line in listed if "sensitive=" in line]
    logger = next(name for name in names if name != "root" and name.replace(".", "").isalpha())

    def altered_and_back(kind, name, key, value):
        entity = ["--entity-type", kind, *name]
        tools("kafka-configs", "--alter", *entity, "--add-config", f"{key}={value}")
        set_to = f"{key}={value} sensitive=false"
        wait_until(20, f"{set_to} of {kind}", lambda: set_to in tools("kafka-configs", "--describe", *entity))
        tools("kafka-configs", "--alter", *entity, "--delete-config", key)
        wait_until(20, f"{set_to} of {kind} to be gone", lambda: set_to not in tools("kafka-configs", "--describe", *entity))

    in_pairs(altered_and_back, tools.enough_of(("topics", ["--entity-name", topic], "retention.ms", "1000"),
                                               ("brokers", ["--entity-name", "0"], "log.cleaner.threads", "2"),
                                               ("broker-loggers", ["--entity-name", "0"], logger, "DEBUG"),
                                               ("brokers", ["--entity-default"], "log.segment.bytes", "7000000"), enough=3))
    said = tools("kafka-configs", "--alter", "--entity-type", "brokers", "--entity-name", "0", "--add-config", "num.partitions=5",
                 expect=1, merge=True)
    require("Cannot update these configs dynamically: Set(num.partitions)" in said, said)


def verifiable_producer(tools):
    """Every record is acknowledged at an offset of its own."""
    topic = tools.create("verifiable", "--partitions", "1")
    said = tools.run("kafka-verifiable-producer", "--bootstrap-server", tools.context.bootstrap, "--topic", topic, "--max-messages", 100)
    offsets = [int(offset) for offset in re.findall(r'"offset":(\d+)', said)]
    require_equal(list(range(100)), sorted(offsets), "offsets of the acknowledged records")
    require("Feature: " not in tools.run("kafka-features", "--bootstrap-server", tools.context.bootstrap, "describe"), "features of KRaft")


def cluster(tools):
    said = tools.run("kafka-cluster", "cluster-id", "--bootstrap-server", tools.context.bootstrap)
    require(said.startswith("Cluster ID: ") and len(said.split()[-1]) == 22, said)
    said = tools("kafka-broker-api-versions")
    require(tools.context.bootstrap in said and "Produce(0)" in said, said)


def performance(tools, records):
    topic = tools.create("performance", "--partitions", "1")
    said = tools.run("kafka-producer-perf-test", "--topic", topic, "--num-records", records, "--record-size", PERFORMANCE_BYTES,
                     "--throughput", "-1", "--producer-props", f"bootstrap.servers={tools.context.bootstrap}", "acks=all", timeout=180)
    require(f"{records} records sent" in said, said)
    print(f"    {said.strip().splitlines()[-1]}")
    require_equal({0: records}, tools.end_offsets(topic), "end offsets")
    sizes = kcat(tools.context, "-C", "-t", topic, "-o", "beginning", "-e", "-q", "-f", r"%o %S\n", timeout=180)
    expected = "".join(f"{offset} {PERFORMANCE_BYTES}\n" for offset in range(records))
    require(sizes == expected, f"not {records} records of {PERFORMANCE_BYTES} B with successive offsets: {sizes[-100:]}")


def numbered(tools, records):
    topic = tools.create("numbered", "--partitions", "1")
    tools.run("kafka-producer-perf-test", "--topic", topic, "--num-records", records, "--payload-monotonic", "--throughput", "-1",
              "--producer-props", f"bootstrap.servers={tools.context.bootstrap}", "acks=all", "compression.type=lz4", timeout=180)
    read = kcat(tools.context, "-C", "-t", topic, "-o", "beginning", "-e", "-q", timeout=180).splitlines()
    require_equal(records, len(read), "records")
    require(read == [str(number) for number in range(records)], "a number is lost, twice there or out of order")
