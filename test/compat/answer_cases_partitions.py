"""Cases of CreatePartitions and DescribeLogDirs."""
from harness.checks import wait_until
from harness.record_bytes import batch


def cases(script):
    create_partitions(script)
    create_partitions_badly(script)
    create_partitions_with_assignments(script)
    describe_log_dirs(script)


def wanted(name, count, assignments=None):
    return {"name": name, "count": count,
            "assignments": None if assignments is None else [{"broker_ids": list(brokers)} for brokers in assignments]}


def grow(script, case, version, *topics, timeout=20000, validate_only=False):
    return script.ask(case, "CreatePartitions", version, {"topics": list(topics), "timeout_ms": timeout, "validate_only": validate_only})


def keep_partitions(script, case, version, topic):
    """What Metadata shows afterwards."""
    answer = script.main.ask("Metadata", 7, {"topics": [{"name": topic}], "allow_auto_topic_creation": False})
    partitions = sorted(answer["topics"][0]["partitions"], key=lambda partition: partition["partition_index"])
    script.keep(case, "CreatePartitions", version, [[partition["partition_index"], partition["error_code"], partition["leader_id"],
                                                     partition["leader_epoch"], partition["replica_nodes"], partition["isr_nodes"]]
                                                    for partition in partitions])


def create_partitions(script):
    for version in script.versions("CreatePartitions"):
        topic = script.create("growing")
        grow(script, "from 1 to 3", version, wanted(topic, 3))
        keep_partitions(script, "from 1 to 3, what Metadata shows", version, topic)
        if version == 0:
            script.keep("from 1 to 3, the first offset of the new one", "CreatePartitions", version, script.produce(topic, batch(b"a"), 2))
        other = script.create("other", 2)
        grow(script, "two topics", version, wanted(topic, 4), wanted(other, 5))
        grow(script, "no topic at all", version)
        grow(script, "validate only", version, wanted(topic, 9), validate_only=True)
        keep_partitions(script, "validate only, what Metadata shows", version, topic)
        grow(script, "validate only, time limit 0", version, wanted(topic, 9), timeout=0, validate_only=True)
        for limit in (0, -1):
            hasty = script.create("hasty")
            grow(script, f"time limit {limit}", version, wanted(hasty, 2), timeout=limit)
            wait_until(20, "the new partition", lambda topic=hasty: script.serves(script.main, topic, 2))


def create_partitions_badly(script):
    topic, other = script.create("standing", 3), script.create("other", 1)
    for version in script.versions("CreatePartitions"):
        for count in (3, 2, 1, 0, -1, -3):
            grow(script, f"from 3 to {count}", version, wanted(topic, count))
            grow(script, f"from 3 to {count}, validate only", version, wanted(topic, count), validate_only=True)
        for case, name in (("an unknown topic", script.name("unknown")), ("an empty name", ""), ("an invalid name", "a b")):
            grow(script, case, version, wanted(name, 3))
            grow(script, f"{case}, time limit 0", version, wanted(name, 3), timeout=0)
        grow(script, "a topic twice", version, wanted(topic, 4), wanted(topic, 5))
        grow(script, "a topic twice, alike", version, wanted(topic, 4), wanted(topic, 4))
        grow(script, "a topic twice, and another that is well", version, wanted(topic, 4), wanted(topic, 5), wanted(other, version + 2))
        grow(script, "one well, one badly, time limit 0", version, wanted(script.create("hasty"), 2), wanted(topic, 1), timeout=0)


def create_partitions_with_assignments(script):
    topic = script.create("standing", 1)
    bad = {"too few": [[0]], "too many": [[0], [0], [0]], "an unknown broker": [[0], [7]], "two unknown brokers": [[8], [7]],
           "a negative broker": [[0], [-1]], "a broker twice": [[0, 0], [0]], "no replica": [[0], []], "another replication factor": [[0], [0, 7]],
           "an empty list": []}
    for version in script.versions("CreatePartitions"):
        for case, assignments in bad.items():
            grow(script, f"assigned: {case}", version, wanted(topic, 3, assignments))
            grow(script, f"assigned, validate only: {case}", version, wanted(topic, 3, assignments), validate_only=True)
        grow(script, "assigned, and no more than there are", version, wanted(topic, 1, [[0]]))
        grow(script, "assigned, validate only", version, wanted(topic, 3, [[0], [0]]), validate_only=True)
        assigned = script.create("assigned")
        grow(script, "assigned", version, wanted(assigned, 3, [[0], [0]]))
        keep_partitions(script, "assigned, what Metadata shows", version, assigned)


def describe_log_dirs(script):
    topic, empty = script.create("measured", 2), script.create("empty")
    for _ in range(2):
        script.produce(topic, batch(b"a", b"b", b"c"), 1)
    unknown = script.name("unknown")

    def chosen(*names):
        def show(answer):
            for directory in answer["results"]:
                directory["log_dir"] = directory["log_dir"].startswith("/")
                directory["topics"] = [entry for entry in directory["topics"] if entry["name"] in names]
                for name in ("total_bytes", "usable_bytes"):
                    if directory.get(name, 0) > 0:
                        directory[name] = "BYTES"
            return answer
        return show

    def ask(case, version, topics):
        values = {"topics": None if topics is None else [{"topic": name, "partitions": list(partitions)} for name, partitions in topics]}
        script.ask(case, "DescribeLogDirs", version, values, show=chosen(topic, empty, unknown))

    for version in script.versions("DescribeLogDirs"):
        ask("all topics", version, None)
        ask("two topics", version, [(topic, [0, 1]), (empty, [0])])
        ask("one partition", version, [(topic, [1])])
        ask("a partition twice", version, [(topic, [1, 1])])
        ask("a topic twice", version, [(topic, [0]), (topic, [1])])
        ask("an unknown partition", version, [(topic, [1, 7, -1])])
        ask("an unknown topic", version, [(unknown, [0])])
        ask("no partition", version, [(topic, [])])
        ask("no topic", version, [])
