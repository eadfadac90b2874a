"""Cases of CreateTopics and DeleteTopics."""

NOBODY = "11111111-2222-3333-4444-555555555555"


def cases(script):
    create_well(script)
    create_badly(script)
    create_with_names(script)
    create_with_configs(script)
    create_with_assignments(script)
    delete(script)
    delete_by_id(script)


def wanted(name, partitions=1, replication=1, assignments=(), configs=()):
    return {"name": name, "num_partitions": partitions, "replication_factor": replication,
            "assignments": [{"partition_index": index, "broker_ids": list(brokers)} for index, brokers in assignments],
            "configs": [{"name": key, "value": value} for key, value in configs]}


def create(script, case, version, *topics, timeout=20000, **more):
    script.ask(case, "CreateTopics", version, {"topics": list(topics), "timeout_ms": timeout, **more}, show=without_configs)


def without_configs(answer):
    """Every configuration of a new topic is compared once, in one case of its own."""
    for topic in answer["topics"]:
        if topic.get("configs"):
            topic["configs"] = [config for config in topic["configs"] if config["config_source"] == 1]
    return answer


def create_well(script):
    for version in script.versions("CreateTopics"):
        create(script, "one partition", version, wanted(script.name("one")))
        create(script, "two topics", version, wanted(script.name("one")), wanted(script.name("two"), 2))
        create(script, "sizes left to the broker", version, wanted(script.name("open"), -1, -1))
        create(script, "partitions left to the broker", version, wanted(script.name("open"), -1, 1))
        create(script, "with configs", version, wanted(script.name("set"), configs=[("retention.ms", "1000"), ("cleanup.policy", "compact")]))
        create(script, "no topic at all", version)
        create(script, "time limit 0", version, wanted(script.name("hasty")), timeout=0)
        create(script, "time limit -1", version, wanted(script.name("hasty")), timeout=-1)
    for version in script.versions("CreateTopics", 1):
        topic = script.name("tried")
        create(script, "validate only", version, wanted(topic, 3, configs=[("retention.ms", "1000")]), validate_only=True)
        create(script, "validate only, then create", version, wanted(topic, 3))
        create(script, "validate only, time limit 0", version, wanted(script.name("tried")), validate_only=True, timeout=0)
        create(script, "validate only an existing topic", version, wanted(topic), validate_only=True)
    for version in script.versions("CreateTopics", 5):
        script.ask("every configuration", "CreateTopics", version,
                   {"topics": [wanted(script.name("all"), configs=[("segment.bytes", "5000000")])], "timeout_ms": 20000})


def create_badly(script):
    existing = script.create("existing")
    for version in script.versions("CreateTopics"):
        create(script, "existing", version, wanted(existing))
        create(script, "existing, with a bad size", version, wanted(existing, 0, 9))
        for partitions in (0, -2):
            create(script, f"{partitions} partitions", version, wanted(script.name("bad"), partitions))
        for replication in (0, -2, 2, 9):
            create(script, f"replication factor {replication}", version, wanted(script.name("bad"), 1, replication))
        create(script, "partitions and replication factor both bad", version, wanted(script.name("bad"), 0, 9))
        twice = script.name("twice")
        create(script, "the same topic twice", version, wanted(twice), wanted(twice, 2))
        create(script, "one good, one bad", version, wanted(script.name("good")), wanted(script.name("bad"), 0), wanted(existing))
    for version in script.versions("CreateTopics", 1):
        create(script, "validate only, replication factor 9", version, wanted(script.name("bad"), 1, 9), validate_only=True)


def create_with_names(script):
    for version in script.versions("CreateTopics"):
        for case, name in (("empty", ""), ("a dot", "."), ("two dots", ".."), ("a blank", "a b"), ("not ASCII", "ä"), ("250 letters", "y" * 250)):
            create(script, f"the name is {case}", version, wanted(name))
        create(script, "a bad name and a bad size", version, wanted("a b", 0, 9))
        create(script, "a bad name and a bad config", version, wanted("a b", configs=[("no.such.key", "1")]))
        create(script, "249 letters", version, wanted(script.name("z" * 241)))
        dotted = script.create("dot.ted")
        create(script, "a name that collides", version, wanted(dotted.replace(".", "_")))
        create(script, "a name that collides, with a bad config", version, wanted(dotted.replace(".", "_"), configs=[("no.such.key", "1")]))
    create(script, "the cluster metadata topic", 7, wanted("__cluster_metadata"))


def create_with_configs(script):
    bad = [("no.such.key", "1"), ("retention.ms", "often"), ("retention.ms", "-2"), ("retention.ms", None), ("cleanup.policy", "shred"),
           ("segment.bytes", "1"), ("segment.bytes", ""), ("segment.bytes", "99999999999"), ("min.insync.replicas", "0"),
           ("compression.type", "rar"), ("message.timestamp.type", "Never"), ("preallocate", "perhaps"), ("min.cleanable.dirty.ratio", "1.5"),
           ("min.cleanable.dirty.ratio", "much"), ("cleanup.policy", ""), ("", "1"), ("compression.gzip.level", "77"),
           ("leader.replication.throttled.replicas", "everywhere"), ("remote.storage.enable", "true"), ("max.message.bytes", "-1"),
           ("message.format.version", "0.9.0"), ("local.retention.ms", "99999999999"), ("retention.ms", " 1000 "), ("segment.bytes", "1_000")]
    for version in script.versions("CreateTopics"):
        for key, value in bad:
            create(script, f"config {key}={value}", version, wanted(script.name("bad"), configs=[(key, value)]))
        create(script, "two bad configs", version, wanted(script.name("bad"), configs=[("no.such.key", "1"), ("retention.ms", "often")]))
        create(script, "two null configs", version, wanted(script.name("bad"), configs=[("retention.ms", None), ("segment.bytes", None)]))
        create(script, "a config twice", version, wanted(script.name("set"), configs=[("retention.ms", "1"), ("retention.ms", "2")]))
        create(script, "a bad config and a bad size", version, wanted(script.name("bad"), 0, configs=[("no.such.key", "1")]))


def create_with_assignments(script):
    bad = {"twice the same broker": [(0, [0, 0])], "an unknown broker": [(0, [7])], "a known and an unknown broker": [(0, [0, 7])],
           "a gap": [(0, [0]), (2, [0])], "not from 0": [(1, [0])], "a partition twice": [(0, [0]), (0, [0])],
           "a negative partition": [(-1, [0])], "a negative broker": [(0, [-1])], "sizes that differ": [(0, [0]), (1, [0, 1])],
           "one without a replica": [(0, [0]), (1, [])]}
    for version in script.versions("CreateTopics"):
        create(script, "assigned", version, wanted(script.name("assigned"), -1, -1, [(0, [0]), (1, [0])]))
        create(script, "assigned, in another order", version, wanted(script.name("assigned"), -1, -1, [(1, [0]), (0, [0])]))
        create(script, "assigned, with partitions", version, wanted(script.name("bad"), 1, -1, [(0, [0])]))
        create(script, "assigned, with a replication factor", version, wanted(script.name("bad"), -1, 1, [(0, [0])]))
        for case, assignments in bad.items():
            create(script, f"assigned: {case}", version, wanted(script.name("bad"), -1, -1, assignments), timeout=200)


def delete(script):
    def ask(case, version, *topics, on=None, timeout=20000):
        key = {"topics": [{"name": name} for name in topics]} if version >= 6 else {"topic_names": list(topics)}
        script.ask(case, "DeleteTopics", version, {**key, "timeout_ms": timeout}, on=on)

    standing = script.create("standing", on=script.strict)
    for version in script.versions("DeleteTopics"):
        topic = script.create("doomed")
        if version >= 6:
            script.id_of(topic)
        ask("one", version, topic)
        ask("one that is gone already", version, topic)
        ask("two", version, script.create("doomed"), script.create("doomed-too", 3))
        ask("known and unknown", version, script.create("doomed"), script.name("unknown"))
        twice = script.create("doomed")
        ask("the same twice", version, twice, twice)
        ask("an invalid name", version, "a b")
        ask("an empty name", version, "")
        ask("no topic at all", version)
        ask("time limit 0", version, script.create("doomed"), timeout=0)
        ask("time limit -1", version, script.create("doomed"), timeout=-1)
        ask("time limit 0 and an unknown topic", version, script.create("doomed"), script.name("unknown"), timeout=0)
        ask("deletion is switched off", version, standing, on=script.strict)
        ask("deletion is switched off, unknown topic", version, script.name("unknown"), on=script.strict)


def delete_by_id(script):
    def ask(case, *topics):
        script.ask(case, "DeleteTopics", 6, {"topics": list(topics), "timeout_ms": 20000})

    topic = script.create("doomed")
    found = script.id_of(topic)
    ask("by id", {"name": None, "topic_id": found})
    ask("by an unknown id", {"name": None, "topic_id": NOBODY})
    topic = script.create("doomed")
    found = script.id_of(topic)
    ask("by name and id", {"name": topic, "topic_id": found})
    ask("by neither", {"name": None})
    ask("by name and, again, by id", {"name": topic}, {"name": None, "topic_id": found})
    other = script.create("doomed")
    ask("an id twice", *[{"name": None, "topic_id": script.id_of(other)}] * 2)
