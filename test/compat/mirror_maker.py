"""MirrorMaker 2 of Kafka 3.9 between a Kafka and this broker, both ways at once: records, topics and the offsets of groups."""
import contextlib
import os

from compat.answer_script import Connection
from compat.topics import create_topic
from harness import paths
from harness.brokers import MillraceBroker, OracleBroker
from harness.checks import require, require_equal, wait_until
from harness.processes import Background, run

RECORDS = 3_000
PARTITIONS = 3
TOPIC = "orders"
TOPIC_RESOURCE = 2
FINISHED, HALFWAY = "finished", "halfway"
# Replicated topics have these, in words that both brokers show.
CONFIGURATION = {"retention.ms": "12345678", "segment.bytes": "1048576", "cleanup.policy": "compact,delete", "compression.type": "lz4",
                 "min.cleanable.dirty.ratio": "0.25", "message.timestamp.type": "CreateTime"}
# Everything as soon as possible, every offset noted: what is compared is where it ends.
SETTINGS = {"tasks.max": "1", "sync.group.offsets.enabled": "true", "offset.lag.max": "0", "refresh.topics.interval.seconds": "2",
            "refresh.groups.interval.seconds": "2", "sync.topic.configs.interval.seconds": "2", "emit.checkpoints.interval.seconds": "1",
            "sync.group.offsets.interval.seconds": "1", "emit.heartbeats.enabled": "false", "replication.factor": "1",
            "checkpoints.topic.replication.factor": "1", "offset-syncs.topic.replication.factor": "1", "offset.storage.replication.factor": "1",
            "status.storage.replication.factor": "1", "config.storage.replication.factor": "1", "offset.storage.partitions": "2",
            "status.storage.partitions": "1", "sync.topic.acls.enabled": "false", "dedicated.mode.enable.internal.rest": "false",
            "heartbeats.topic.replication.factor": "1", "topics": TOPIC, "groups": f"{FINISHED}, {HALFWAY}"}


def checks(context):
    name = "MirrorMaker 2 between Kafka and here, both ways: records, configurations and groups' offsets arrive"
    if not os.path.isfile(os.path.join(paths.KAFKA_LAB, "kafka-run")):
        context.checks.skip(name, f"no lab at {paths.KAFKA_LAB}")
    elif not context.broker.can_restart:
        context.checks.skip(name, "it needs brokers of its own")
    else:
        context.checks.check(name, mirrored, context)


def mirrored(context):
    with contextlib.ExitStack() as opened:
        sites = {"kafka": OracleBroker(), "here": OracleBroker() if context.broker.name == "kafka" else MillraceBroker()}
        for broker in sites.values():
            opened.callback(broker.close)
            broker.start()
        for broker in sites.values():
            fill(broker)
        opened.enter_context(Background([os.path.join(paths.KAFKA_LAB, "kafka-run"), "connect-mirror-maker", write_settings(context, sites)],
                                        context.path("mirror-maker.log")))
        directions = [(sites[source], sites[target], source) for source, target in (("kafka", "here"), ("here", "kafka"))]
        for source, target, alias in directions:
            arrives(source, target, alias, RECORDS)
        for source, _, _ in directions:
            go_on(source)
        for source, target, alias in directions:
            arrives(source, target, alias, 2 * RECORDS)


def write_settings(context, sites):
    path = context.path("mirror-maker.properties")
    lines = [f"clusters = {', '.join(sites)}", *(f"{name}.bootstrap.servers = {broker.bootstrap}" for name, broker in sites.items()),
             *(f"{name}.offset.flush.interval.ms = 1000" for name in sites),  # the last offsets are noted with it
             "kafka->here.enabled = true", "here->kafka.enabled = true", *(f"{key} = {value}" for key, value in SETTINGS.items())]
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in lines)
    return path


def fill(broker):
    """A topic with numbered records, a group that has read all of them, and one that has read half."""
    create_topic(broker.bootstrap, TOPIC, PARTITIONS, CONFIGURATION)
    with contextlib.closing(Connection(broker.port)) as connection:
        wait_until(30, "the coordinator", lambda: connection.ask("FindCoordinator", 3, {"key": FINISHED, "key_type": 0})["error_code"] == 0)
    produce(broker, 0)


def go_on(broker):
    """Another configuration, and more records."""
    change = {"validate_only": False, "resources": [{"resource_type": TOPIC_RESOURCE, "resource_name": TOPIC, "configs": [
        {"name": "retention.ms", "config_operation": 0, "value": "87654321"}]}]}
    with contextlib.closing(Connection(broker.port)) as connection:
        require_equal(0, connection.ask("IncrementalAlterConfigs", 1, change)["responses"][0]["error_code"], "IncrementalAlterConfigs")
    produce(broker, RECORDS)


def produce(broker, first):
    for partition in range(PARTITIONS):
        lines = "".join(f"key-{number}\t{broker.name}-{number}\n" for number in range(first + partition, first + RECORDS, PARTITIONS))
        run(["kcat", "-b", broker.bootstrap, "-P", "-t", TOPIC, "-p", partition, "-K", "\t", "-H", "site=" + broker.name], stdin=lines)
    end = (first + RECORDS) // PARTITIONS
    with contextlib.closing(Connection(broker.port)) as connection:
        for group, offset in ((FINISHED, end), (HALFWAY, end // 2)):
            partitions = [{"partition_index": each, "committed_offset": offset, "committed_leader_epoch": -1} for each in range(PARTITIONS)]
            commit = {"group_id": group, "generation_id_or_member_epoch": -1, "member_id": "", "group_instance_id": None,
                      "topics": [{"name": TOPIC, "partitions": partitions}]}
            wait_until(30, "the commit", lambda commit=commit: {each["error_code"] for each in connection.ask("OffsetCommit", 8, commit)[
                "topics"][0]["partitions"]} == {0})


def arrives(source, target, alias, records):
    copy = f"{alias}.{TOPIC}"
    wait_until(60, f"the records of {alias}", lambda: read(target, copy) == read(source, TOPIC), interval=0.5)
    require_equal(records, len(read(target, copy)), f"records of {alias}")
    wait_until(30, f"the configuration of {alias}", lambda: configured(target, copy) == configured(source, TOPIC))
    end = records // PARTITIONS
    wait_until(60, f"the offsets of group {FINISHED} of {alias}", lambda: committed(target, FINISHED, copy) == [end] * PARTITIONS, interval=0.5)
    # What lies further back is noted in steps: the group reads some records again, and misses none.
    wait_until(60, f"the offsets of group {HALFWAY} of {alias}", lambda: min(committed(target, HALFWAY, copy)) > 0, interval=0.5)
    halfway = committed(target, HALFWAY, copy)
    print(f"    {alias}: {records} records; half of them are {end // 2} in each partition, translated to {halfway}")
    require(max(halfway) <= end // 2, f"group {HALFWAY} of {alias} is at {halfway}")


def read(broker, topic):
    """Place, time, headers, key and value of each record, in a partition's order."""
    said = run(["kcat", "-b", broker.bootstrap, "-C", "-t", topic, "-o", "beginning", "-e", "-q", "-f", r"%p %o %T %h %k %s\n"], timeout=60)
    return sorted(said.splitlines(), key=lambda line: [int(word) for word in line.split()[:2]])


def configured(broker, topic):
    wanted = {"include_synonyms": False, "include_documentation": False, "resources": [
        {"resource_type": TOPIC_RESOURCE, "resource_name": topic, "configuration_keys": list(CONFIGURATION)}]}
    with contextlib.closing(Connection(broker.port)) as connection:
        described = connection.ask("DescribeConfigs", 3, wanted)["results"][0]["configs"]
        topics = connection.ask("Metadata", 8, {"topics": [{"name": topic}], "allow_auto_topic_creation": False})["topics"]
    return {each["name"]: each["value"] for each in described}, len(topics[0]["partitions"])


def committed(broker, group, topic):
    wanted = {"group_id": group, "topics": [{"name": topic, "partition_indexes": list(range(PARTITIONS))}]}
    with contextlib.closing(Connection(broker.port)) as connection:
        return [each["committed_offset"] for each in connection.ask("OffsetFetch", 5, wanted)["topics"][0]["partitions"]]
