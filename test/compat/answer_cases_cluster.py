"""Cases of ApiVersions, Metadata, DescribeCluster, DescribeConfigs and InitProducerId, and of requests that nobody serves."""
import struct

from compat.answer_script import CLOSED, raw_answer
from harness.checks import wait_until
from harness.messages import APIS, encode_request

CLIENT = {"client_software_name": "raw", "client_software_version": "1.0"}
NOT_ON_ZOOKEEPER = ("ConsumerGroupDescribe", "ConsumerGroupHeartbeat")  # answer_cases_consumer_groups.py has them
NOBODY = "11111111-2222-3333-4444-555555555555"


def cases(script):
    api_versions(script)
    unserved(script)
    metadata_of_topics(script)
    metadata_of_the_cluster(script)
    metadata_creates(script)
    describe_cluster(script)
    describe_configs_of_topics(script)
    describe_configs_of_brokers(script)
    init_producer_id(script)


def api_versions(script):
    for version in script.versions("ApiVersions"):
        script.ask("the APIs and features", "ApiVersions", version, CLIENT)
    for version in script.versions("ApiVersions", 3):
        for name, software, number in (("no name", "", "1.0"), ("no version", "raw", ""), ("a blank in the name", "r w", "1.0"),
                                       ("a blank in the version", "raw", "1 0"), ("a dash in front", "-raw", "1.0"),
                                       ("all that is allowed", "a.B-9", "0.x-y.9"), ("not ASCII", "räw", "1.0")):
            values = {"client_software_name": software, "client_software_version": number}
            script.ask(f"client software: {name}", "ApiVersions", version, values)
    for version in (5, 99, 0x7FFF):
        script.ask("a version above all", "ApiVersions", version, CLIENT, answered_in=0)
    script.keep("a version below all", "ApiVersions", -1, raw_answer(script.main, struct.pack(">hhih", 18, -1, 1, -1)))


def unserved(script):
    for name, api in APIS.items():
        if name == "ApiVersions" or name in NOT_ON_ZOOKEEPER:
            continue
        too_high = api.versions.highest + 1
        script.ask("a version above all", name, too_high, {})
        script.keep("a version below all", name, -1, raw_answer(script.main, struct.pack(">hhih", api.key, -1, 1, -1)))
        frame = encode_request(api, api.versions.highest, 1, {})
        script.keep("a body that ends too early", name, api.versions.highest, raw_answer(script.main, frame[:-2]))
    for name, key in (("an API key above all", 1000), ("an API key below all", -1)):
        script.keep(name, "Other", 0, raw_answer(script.main, struct.pack(">hhih", key, 0, 1, -1)))
    script.keep("a frame without a header", "Other", 0, raw_answer(script.main, b"\0"))
    script.keep("an empty frame", "Other", 0, raw_answer(script.main, b""))
    script.keep("ApiVersions without a client id closes", "Other", 0, raw_answer(script.main, struct.pack(">hhih", 18, 0, 1, -1)) == CLOSED)
    frame = encode_request(APIS["Metadata"], 1, 1, {"topics": []})
    script.keep("bytes after the body close", "Other", 0, raw_answer(script.main, frame + b"more") == CLOSED)


def metadata_of_topics(script):
    known, other = script.create("known", 2, on=script.strict), script.create("other", on=script.strict)
    known_id = script.id_of(known, script.strict)

    def ask(case, version, *topics, **more):
        values = {"topics": list(topics), **more}
        script.ask(case, "Metadata", version, values, on=script.strict)

    for version in script.versions("Metadata"):
        ask("two topics", version, {"name": known}, {"name": other})
        ask("an unknown topic", version, {"name": script.name("unknown")})
        ask("a topic twice", version, {"name": other}, {"name": other})
        ask("known and unknown", version, {"name": known}, {"name": script.name("unknown")}, {"name": "a b"})
        for case, name in (("empty", ""), ("a dot", "."), ("two dots", ".."), ("a blank", "a b"), ("a slash", "a/b"), ("249 letters", "y" * 249),
                           ("250 letters", "y" * 250), ("an internal topic", "__consumer_offsets")):
            ask(f"the name is {case}", version, {"name": name})
    for version in script.versions("Metadata", 8):
        ask("a topic's operations", version, {"name": known}, {"name": script.name("unknown")}, include_topic_authorized_operations=True)
    for version in script.versions("Metadata", 10):
        ask("by id", version, {"name": None, "topic_id": known_id})
        ask("by name and id", version, {"name": known, "topic_id": known_id})
        ask("an unknown id", version, {"name": None, "topic_id": NOBODY})
        ask("neither name nor id", version, {"name": None})
        ask("one by id, one by name", version, {"name": None, "topic_id": known_id}, {"name": other})


def metadata_of_the_cluster(script):
    for version in script.versions("Metadata"):
        script.ask("brokers and no topic" if version else "all topics", "Metadata", version, {"topics": []}, on=script.strict)
        if version:
            script.ask("all topics", "Metadata", version, {"topics": None}, on=script.strict)
    for version in script.versions("Metadata", 8):
        script.ask("all topics with their operations", "Metadata", version, {"topics": None, "include_topic_authorized_operations": True},
                   on=script.strict)
    for version in script.versions("Metadata", 8, 10):
        script.ask("the cluster's operations", "Metadata", version, {"topics": [], "include_cluster_authorized_operations": True},
                   on=script.strict)


def metadata_creates(script):
    def topics(answer):
        return answer["topics"]

    for version in script.versions("Metadata"):
        script.ask("a topic that is created on first use", "Metadata", version, {"topics": [{"name": script.name("first-use")}]}, show=topics)
        script.ask("an invalid name is not created", "Metadata", version, {"topics": [{"name": "a b"}]}, show=topics)
    for version in script.versions("Metadata", 4):
        script.ask("a topic that is not to be created", "Metadata", version,
                   {"topics": [{"name": script.name("no-use")}], "allow_auto_topic_creation": False}, show=topics)
    script.create("a.b_c")
    for version in script.versions("Metadata"):
        colliding = script.create(f"collides.{version:02}").replace(".", "_")
        script.ask("a name that collides is not created", "Metadata", version, {"topics": [{"name": colliding}]},
                   show=lambda answer: [topic["error_code"] for topic in answer["topics"]])


def describe_cluster(script):
    for version in script.versions("DescribeCluster"):
        script.ask("without operations", "DescribeCluster", version, {})
        script.ask("with operations", "DescribeCluster", version, {"include_cluster_authorized_operations": True})
    for kind in (0, 2, 3, -1):
        script.ask(f"endpoint type {kind}", "DescribeCluster", 1, {"endpoint_type": kind})


TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP = 2, 4, 8, 16, 32


def describe_configs_of_topics(script):
    topic = script.create("configured", segment_bytes=1048576, cleanup_policy="compact,delete")
    some = ["segment.bytes", "cleanup.policy", "retention.ms", "max.message.bytes", "min.insync.replicas", "compression.type",
            "follower.replication.throttled.replicas", "message.timestamp.type", "preallocate", "min.cleanable.dirty.ratio"]

    def ask(case, version, name=topic, keys=None, show=None, **flags):
        resource = {"resource_type": TOPIC, "resource_name": name, "configuration_keys": keys}
        script.ask(case, "DescribeConfigs", version, {"resources": [resource], **flags}, show=show)

    for version in script.versions("DescribeConfigs"):
        ask("topic: all keys", version)
        ask("topic: an empty list of keys", version, keys=[], show=lambda answer: len(answer["results"][0]["configs"]))
        ask("topic: some keys", version, keys=some)
        ask("topic: unknown keys", version, keys=["no.such.key", "segment.bytes", "segment.bytes"])
        ask("topic: unknown", version, name=script.name("unknown"))
        for case, name in (("empty", ""), ("a blank", "a b"), ("250 letters", "y" * 250)):
            ask(f"topic: the name is {case}", version, name=name)
        two = [{"resource_type": TOPIC, "resource_name": name, "configuration_keys": ["segment.bytes"]} for name in (topic, topic)]
        script.ask("topic: the same twice", "DescribeConfigs", version, {"resources": two})
        script.ask("nothing", "DescribeConfigs", version, {"resources": []})
    for version in script.versions("DescribeConfigs", 1):
        ask("topic: some keys with synonyms", version, keys=some, include_synonyms=True)
    for version in script.versions("DescribeConfigs", 3):
        ask("topic: some keys with documentation", version, keys=some[:3], include_documentation=True)
        ask("topic: some keys with everything", version, keys=some[:3], include_documentation=True, include_synonyms=True)


def describe_configs_of_brokers(script):
    some = ["broker.id", "listeners", "advertised.listeners", "num.partitions", "log.retention.ms", "log.retention.hours", "log.segment.bytes",
            "message.max.bytes", "ssl.keystore.password", "broker.rack", "compression.type", "log.cleaner.threads", "min.insync.replicas",
            "auto.create.topics.enable"]

    def ask(case, version, name, kind=BROKER, keys=None, show=None, **flags):
        resource = {"resource_type": kind, "resource_name": name, "configuration_keys": keys}
        script.ask(case, "DescribeConfigs", version, {"resources": [resource], **flags}, show=show)

    def without_listeners(answer):
        for config in answer["results"][0]["configs"]:
            if config["name"].endswith("listeners") or config["name"] == "broker.rack":
                config["value"] = config["value"] and "LISTENERS"
        return answer

    for version in script.versions("DescribeConfigs"):
        ask("broker: some keys", version, "0", keys=some)
        ask("broker: an unknown key", version, "0", keys=["no.such.key"])
        ask("broker: an empty list of keys has them all", version, "0", keys=[], show=lambda answer: len(answer["results"][0]["configs"]) > 100)
        ask("broker: no list of keys has them all", version, "0", show=lambda answer: len(answer["results"][0]["configs"]) > 100)
        ask("broker: defaults of all", version, "")
        ask("broker: some defaults of all", version, "", keys=some)
        ask("broker: another", version, "9")
        ask("broker: no number", version, "nil")
        ask("broker loggers", version, "0", BROKER_LOGGER, show=lambda answer: answer["results"][0]["error_code"])
        ask("broker loggers: another broker", version, "9", BROKER_LOGGER)
        ask("broker loggers: no broker", version, "", BROKER_LOGGER)
        for name, kind in (("unknown", 0), ("any", 1), ("client metrics", CLIENT_METRICS), ("group", GROUP), ("99", 99), ("-1", -1)):
            ask(f"a resource of type {name}", version, "a-name", kind)
    for version in script.versions("DescribeConfigs", 1):
        ask("broker: some keys with synonyms", version, "0", keys=some, include_synonyms=True, show=without_listeners)
    for version in script.versions("DescribeConfigs", 3):
        ask("broker: some keys with documentation", version, "0", keys=some[3:6], include_documentation=True)


def init_producer_id(script):
    # The first may be told to come again while the broker fetches a block of ids.
    some = {"transactional_id": None, "transaction_timeout_ms": 60000}
    wait_until(20, "a producer id", lambda: script.main.ask("InitProducerId", 1, some)["error_code"] == 0)
    for version in script.versions("InitProducerId"):
        for case, values in (("without a transactional id", {"transactional_id": None, "transaction_timeout_ms": 60000}),
                             ("without a transactional id, timeout 0", {"transactional_id": None, "transaction_timeout_ms": 0}),
                             ("without a transactional id, timeout -1", {"transactional_id": None, "transaction_timeout_ms": -1}),
                             ("an empty transactional id", {"transactional_id": "", "transaction_timeout_ms": 60000})):
            script.ask(case, "InitProducerId", version, values)
        script.ask("with a transactional id", "InitProducerId", version, {"transactional_id": "some", "transaction_timeout_ms": 60000})
    for version in script.versions("InitProducerId", 3):
        for case, producer, epoch in (("an id and an epoch", 5, 0), ("an id without an epoch", 5, -1), ("an epoch without an id", -1, 0)):
            script.ask(f"without a transactional id, {case}", "InitProducerId", version,
                       {"transactional_id": None, "transaction_timeout_ms": 60000, "producer_id": producer, "producer_epoch": epoch})
