"""Kafka's verifiable producer and consumers: what was acknowledged is consumed by each group once, while members come and go and the broker is
killed."""
import contextlib
import json
import os

from compat.kafka_tools import Tools
from harness import paths
from harness.checks import require, require_equal, wait_until
from harness.processes import Background

RECORDS_PER_SECOND = 2_000
PARTITIONS = 4
# Not the cooperative one: while its members go on during a rebalance the program's commits are refused, which it takes for good.
STRATEGIES = {name: f"org.apache.kafka.clients.consumer.{name}Assignor" for name in ("Range", "Sticky")}


def checks(context):
    name = "Kafka 3.9: what kafka-verifiable-producer was told is stored, each group of kafka-verifiable-consumers reads once"
    if os.path.isfile(os.path.join(paths.KAFKA_LAB, "kafka-run")):
        context.checks.check(name, consumed_once_per_group, context)
    else:
        context.checks.skip(name, f"no lab at {paths.KAFKA_LAB}")


class Program:
    """One of the two, and the events that it prints."""

    def __init__(self, context, tool, name, *arguments):
        command = [os.path.join(paths.KAFKA_LAB, "kafka-run"), tool, "--bootstrap-server", context.bootstrap, *arguments]
        self.output = Background(command, context.path(f"{name}.log"), environment={"KAFKA_HEAP_OPTS": "-Xmx96M"})

    def events(self, *names):
        lines = self.output.output().split("\n")[:-1]
        return [json.loads(line) for line in lines if any(f'"name":"{name}"' in line for name in names)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.output.kill()


class Consumer(Program):
    def __init__(self, context, topic, group, number):
        strategy = STRATEGIES[group.split("-")[0]]
        super().__init__(context, "kafka-verifiable-consumer", f"{group}.{number}", "--topic", topic, "--group-id", group, "--verbose",
                         "--session-timeout", "10000", "--reset-policy", "earliest", "--assignment-strategy", strategy)

    def records(self):
        return [((event["partition"], event["offset"]), event["value"]) for event in self.events("record_data")]

    def partitions(self):
        owned = set()
        for event in self.events("partitions_assigned", "partitions_revoked"):
            named = {partition["partition"] for partition in event["partitions"]}
            owned = owned | named if event["name"] == "partitions_assigned" else owned - named
        return owned

    def leave(self):
        self.output.stop()
        require(self.events("shutdown_complete"), self.output.tail())


def consumed_once_per_group(context):
    topic = Tools(context, "3.9", []).create("verifiable", "--partitions", PARTITIONS)
    groups = {context.topic(word): [] for word in STRATEGIES}
    with contextlib.ExitStack() as running:
        def join(group):
            groups[group].append(running.enter_context(Consumer(context, topic, group, len(groups[group]))))

        def all_read(what, *members):
            def shared():
                owned = [[group[member].partitions() for member in members] for group in groups.values()]
                return all(all(each) and sum(map(len, each)) == PARTITIONS for each in owned)
            wait_until(60, what, shared)

        for group in groups:
            join(group)
            join(group)
        producer = running.enter_context(Program(context, "kafka-verifiable-producer", topic, "--topic", topic, "--throughput",
                                                 RECORDS_PER_SECOND, "--acks", -1))
        wait_until(60, "the first records", lambda: all(member.records() for group in groups.values() for member in group))
        for group in groups:
            join(group)
            groups[group][0].leave()
        all_read("the second and the third member to have all partitions", 1, 2)
        if context.broker.can_restart:
            context.broker.kill()
            context.broker.start()
        before = len(producer.events("producer_send_success"))
        wait_until(60, "the producer to go on", lambda: len(producer.events("producer_send_success")) > before + RECORDS_PER_SECOND)
        producer.output.stop()
        acknowledged = {(event["partition"], event["offset"]): event["value"] for event in producer.events("producer_send_success")}
        for group, members in groups.items():
            wait_until(60, f"group {group} to read all", lambda members=members: acknowledged.keys() <= {
                place for member in members for place, _ in member.records()})
            members[1].leave()
            members[2].leave()
    refused = len(producer.events("producer_send_error"))
    print(f"    {len(acknowledged)} records acknowledged, {refused} not")
    for group, members in groups.items():
        read = [record for member in members for record in member.records()]
        require_equal(len(dict(read)), len(read), f"records that group {group} has read, each once")
        require(acknowledged.items() <= dict(read).items(), f"group {group} has read other values")
