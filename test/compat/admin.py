"""Java's Admin client: the lab's admin program calls every operation of it, and each answer is that of Apache Kafka 3.9.2.

What Kafka answered is kept in golden_clients/java_admin.tsv, an operation and its normalised answer a line; `run --oracle
--record-answers` writes it anew. An operation is compared as soon as the broker advertises the API that it needs.
"""
import os
import re

from harness import paths
from harness.checks import require
from harness.processes import run

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden_clients", "java_admin.tsv")
NOT_SERVED = re.compile(r"! UnsupportedVersionException: The node does not support ([A-Z_]+)$")

OPERATIONS_SERVED = 92  # at least: one that is no longer advertised must not go unnoticed

# Without these APIs the program goes no further in its part about them: answers that are then missing.
PARTS = {
    "consumer": ("describeConsumerGroups", "listConsumerGroups", "listConsumerGroups.byState", "listConsumerGroups.byType",
                 "listConsumerGroupOffsets", "deleteConsumerGroups.active", "alterConsumerGroupOffsets.active",
                 "removeMembersFromConsumerGroup"),
    "txn": ("listTransactions", "listTransactions.byState", "listTransactions.byDuration", "describeTransactions", "describeProducers.txn",
            "listOffsets.txn", "abortTransaction", "listOffsets.afterAbort", "fenceProducers", "commitFenced"),
}

# Configurations that the lab gives its broker, and those that Kafka has not.
SET_BY_THE_LAB = ("group.initial.rebalance.delay.ms", "num.partitions", "offsets.topic.replication.factor", "transaction.state.log.min.isr",
                  "transaction.state.log.replication.factor", "zookeeper.connect", "zookeeper.connection.timeout.ms",
                  "zookeeper.session.timeout.ms")
OWN = re.compile(r"(millrace\.|metadata\.store)")

# docs/compatibility.md: the loggers are the program's own, so that Kafka's classes are none.
DIFFERENT = {"incrementalAlter.logger": "! InvalidConfigurationException: Logger kafka.server.ReplicaManager does not exist!"}
# docs/compatibility.md: groups of KIP-848 are served, as by Kafka 4.
DEFAULTS = "describeConfigs.broker.defaults"
DIFFERENT_DEFAULTS = {"group.coordinator.rebalance.protocols=classic": "group.coordinator.rebalance.protocols=classic,consumer"}


def checks(context):
    context.checks.check("Java's Admin: every operation that is served answers as Kafka's", answers_as_kafka, context)


def answers_as_kafka(context):
    said = run([os.path.join(paths.KAFKA_LAB, "admin-smoke"), context.bootstrap], timeout=240)
    answers = {operation: comparable(operation, answer) for operation, answer in map(split, said.splitlines())}
    if context.options.record_answers:
        with open(GOLDEN, "w", encoding="utf-8") as file:
            file.writelines(f"{operation}\t{answer}\n" for operation, answer in answers.items())
    with open(GOLDEN, encoding="utf-8") as file:
        golden = dict(map(split, file))
    if context.broker.name != "kafka":
        golden.update(DIFFERENT)
        golden[DEFAULTS] = ";".join(DIFFERENT_DEFAULTS.get(row, row) for row in golden[DEFAULTS].split(";"))
    not_served = out_of_scope(answers, advertised(context))
    complaints = [f"{operation}\n  Kafka: {golden.get(operation)}\n  here:  {answers.get(operation)}"
                  for operation in list(golden) + [each for each in answers if each not in golden]
                  if operation not in not_served and golden.get(operation) != answers.get(operation)]
    compared = len(golden.keys() - not_served)
    print(f"    {compared} operations compared, {len(golden) - compared} need an API that is not advertised")
    require(compared >= OPERATIONS_SERVED, f"only {compared} operations are served; there were {OPERATIONS_SERVED}")
    require(not complaints, f"{len(complaints)} answers are not Kafka's\n" + "\n".join(complaints))


def split(line):
    operation, _, answer = line.rstrip("\n").partition("\t")
    return operation, answer


def comparable(operation, answer):
    """Leaves out the configurations that have to differ."""
    for name, mark in (("describeConfigs.broker.names", ","), (DEFAULTS, ";")):
        if operation == name:
            keep = [each for each in answer.split(mark) if not OWN.match(each) and
                    (operation.endswith("names") or each.split("=")[0] not in SET_BY_THE_LAB)]
            return mark.join(keep)
    return answer


def advertised(context):
    """The APIs, named as in Java's messages about them."""
    said = run([os.path.join(paths.KAFKA_LAB, "kafka-run"), "kafka-broker-api-versions", "--bootstrap-server", context.bootstrap], timeout=60)
    names = re.findall(r"^\t(\w+)\(\d+\): (?!UNSUPPORTED)", said, re.MULTILINE)
    return {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper() for name in names}


def out_of_scope(answers, served):
    """The operations that say that the broker has no such API, and it does not advertise it."""
    missing = set()
    for operation, answer in answers.items():
        refused = NOT_SERVED.match(answer)
        if refused and refused.group(1) not in served:
            missing.add(operation)
    for part, operations in PARTS.items():
        # The producer's exception names no API: its transactions need a coordinator, which both parts look for.
        if part in answers and "UnsupportedVersionException" in answers[part] and "FIND_COORDINATOR" not in served:
            missing.update(operations, (part,))
    return missing
