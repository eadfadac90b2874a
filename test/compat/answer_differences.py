"""Where Millrace answers differently from Kafka on purpose, or not yet alike: docs/compatibility.md tells users. What is not listed
here is a bug. Each is as narrow as it can be, and one that makes no difference any more fails the check."""
import fnmatch

from harness.messages import ZERO_ID

ALL = range(-1, 0x8000)


class Difference:
    """In the cases of `api` whose name matches one of the patterns, and in these versions, Millrace answers
    `change(Kafka's answer, its own, version)`, which says as little as it can by its own."""

    def __init__(self, api, cases, change, versions=ALL):
        self.api, self.cases, self.versions, self.change = api, cases if isinstance(cases, tuple) else (cases,), versions, change
        self.used = False

    def applied(self, api, case, version, kafka, ours):
        matches = api == self.api and version in self.versions and any(fnmatch.fnmatchcase(case, pattern) for pattern in self.cases)
        if not matches or isinstance(ours, str):
            return kafka
        changed = self.change(kafka, ours, version)
        self.used = self.used or changed != kafka
        return changed

    def __str__(self):
        return f"{self.api} {', '.join(self.cases)}"


def copied(value):
    if isinstance(value, dict):
        return {name: copied(item) for name, item in value.items()}
    return [copied(item) for item in value] if isinstance(value, list) else value


def every(*path):
    """Makes a change of one thing a change of an answer: of every item of these arrays."""
    def make(change):
        def apply(kafka, ours, version):
            if not isinstance(kafka, dict):
                return kafka
            kafka = copied(kafka)
            pairs = [(kafka, ours)]
            for name in path:
                pairs = [pair for left, right in pairs for pair in zip(left[name], right[name])]
            for left, right in pairs:
                change(left, right, version)
            return kafka
        return apply
    return make


def fields(**values):
    """Sets those fields that the version has."""
    def change(item, _, __):
        item.update({name: value for name, value in values.items() if name in item})
    return change


def first_of(path, change):
    """Changes the first item of one array."""
    def apply(kafka, ours, version):
        kafka = copied(kafka)
        change(kafka[path][0], ours[path][0], version)
        return kafka
    return apply


SERVED = (*range(4), *range(8, 17), *range(18, 29), 32, 33, 34, 35, 37, 42, 44, 47, 48, 49, 57, 60, 61, 65, 66, 68, 69)
CONSUMER_GROUPS = (68, 69)  # Kafka with ZooKeeper advertises version 0 and answers UNSUPPORTED_VERSION


def served_only(kafka, _, __):
    served = [dict(api) for api in kafka["api_keys"] if api["api_key"] in SERVED]
    for api in served:
        if api["api_key"] in CONSUMER_GROUPS:
            api["max_version"] = 1
    return {**kafka, "api_keys": served}


def created_at_once(topic, _, version):
    partition = {"error_code": 0, "leader_id": 0, "replica_nodes": [0], "isr_nodes": [0]}
    if version >= 7:
        partition["leader_epoch"] = 0
    if version >= 5:
        partition["offline_replicas"] = []
    topic.update(error_code=0, partitions=[{**partition, "partition_index": index} for index in range(2)])
    if version >= 10:
        topic["topic_id"] = "ID"


def own(*names):
    """These fields are Millrace's own."""
    def change(item, ours, _):
        item.update({name: ours[name] for name in names if name in item})
    return change


def says_more(item, ours, _):
    """A refusal says what is wrong where Kafka only gives the code."""
    if item["error_code"] != 0 and item.get("error_message") is None and ours.get("error_message"):
        item["error_message"] = ours["error_message"]


def refused_assignment(message):
    return first_of("topics", fields(error_code=39, error_message=message, num_partitions=-1, replication_factor=-1, topic_id=ZERO_ID))


def old_offsets(*offsets):
    return first_of("topics", lambda topic, _, __: topic["partitions"][0].update(old_style_offsets=list(offsets)))


ALTERING = ("AlterConfigs", "IncrementalAlterConfigs")
ALTERED_IN_OTHER_WORDS = tuple(f"broker: {what}" for what in (
    "log.cleaner.threads is '0'", "log.cleaner.dedupe.buffer.size is '1'", "max.connections.per.ip is '0'",
    "max.connections.per.ip.overrides is *", "log.retention.ms is '0'", "listeners is *", "advertised.listeners is *",
    "listener.security.protocol.map is *", "metric.reporters is *", "principal.builder.class is *"))

every_topic, every_append = every("topics"), every("responses", "partition_responses")
every_resource, every_config = every("results"), every("results", "configs")
every_fetch = every("responses", "partitions")

DIFFERENCES = [
    # Kafka leaves a request without groups unanswered.
    Difference("OffsetFetch", "no groups", lambda _, ours, __: {**ours, "groups": []}),

    # What is served is what is advertised; security and what several brokers say to each other come later.
    Difference("ApiVersions", ("the APIs and features", "client software: all that is allowed"), served_only),

    # Kafka answers LEADER_NOT_AVAILABLE and is asked again.
    Difference("Metadata", "a topic that is created on first use", lambda kafka, ours, version: every_topic(created_at_once)(
        {"topics": kafka}, {"topics": ours}, version)["topics"]),

    # Kafka forgets to answer.
    Difference("AlterConfigs", "the same resource twice", lambda _, ours, __: ours),
    # The texts where Kafka has those of Java's exceptions or of its own classes. Codes are Kafka's.
    *(Difference(api, ALTERED_IN_OTHER_WORDS, every("responses")(own("error_message"))) for api in ALTERING),

    # Kafka fails: the name is no znode's.
    Difference("CreatePartitions", "an empty name*", every("results")(fields(error_code=3, error_message="The topic '' does not exist."))),

    # Kafka fails without a word.
    Difference("DescribeClientQuotas", ("an unknown match", "a negative match", "exact without a name"), lambda kafka, ours, _: {
        **kafka, "error_code": 42, "error_message": ours["error_message"]}),
    Difference("AlterClientQuotas", "SCRAM's configuration", lambda kafka, *_: {**kafka, "entries": [[{
        **kafka["entries"][0][0], "error_code": 42, "error_message": "Invalid configuration key SCRAM-SHA-256"}]]}),

    # Kafka makes topics that nobody can lead, takes the last of two lists for one partition, and fails at negative numbers.
    Difference("CreateTopics", ("assigned: an unknown broker", "assigned: a known and an unknown broker"), refused_assignment(
        "Partition 0 is assigned to broker 7, which is not a live broker of this cluster.")),
    Difference("CreateTopics", "assigned: a negative broker", refused_assignment(
        "Partition 0 is assigned to broker -1, which is not a live broker of this cluster.")),
    Difference("CreateTopics", ("assigned: a negative partition", "assigned: a partition twice"), refused_assignment(
        "partitions should be a consecutive 0-based integer sequence")),
    # Kafka shows its data structure.
    Difference("CreateTopics", "assigned: twice the same broker", first_of("topics", fields(
        error_message="Duplicate replica assignment found for partition 0."))),

    # Kafka speaks of rights: TOPIC_AUTHORIZATION_FAILED.
    Difference("DeleteTopics", "by neither", first_of("responses", fields(
        error_code=42, error_message="Neither topic name nor id were specified."))),

    # The texts are Millrace's own. Version 0 says which values are defaults, where Kafka says of none that it is.
    Difference("DescribeConfigs", "*: some keys with *", every_config(own("documentation")), range(3, 5)),
    Difference("DescribeConfigs", ("topic: *", "broker: *"), every_config(own("is_default")), range(0, 1)),
    # Kafka has no words for these.
    Difference("DescribeConfigs", "a resource of type *", every_resource(own("error_message"))),

    # Kafka answers the last entry; no client names a partition twice.
    Difference("Fetch", "a partition twice", lambda _, ours, __: ours),
    # Kafka fails; a negative limit is none at all, as 0 is.
    Difference("Fetch", ("limits: max_bytes -1", "limits: partition_max_bytes -1"), lambda _, ours, __: ours),
    # Followers alone send it, and there are none yet.
    Difference("Fetch", ("last fetched epoch: beyond the end", "last fetched epoch: an unknown epoch"), lambda _, ours, __: ours,
               range(12, 18)),

    # Version 0: Kafka tells where segments begin and when they were written; Millrace the one offset that is asked for.
    Difference("ListOffsets", "* offsets of segments, timestamp -1", lambda kafka, ours, version: kafka if kafka["topics"][0][
        "partitions"][0]["error_code"] else old_offsets(*kafka["topics"][0]["partitions"][0]["old_style_offsets"][:1])(kafka, ours, version),
               range(0, 1)),
    Difference("ListOffsets", ("by timestamp *", "timestamps in disorder: *"), lambda _, ours, __: ours, range(0, 1)),

    # A refusal says what is wrong, also where Kafka gives the code alone, or in other words.
    Difference("Produce", "*", every_append(says_more), range(8, 12)),
    Difference("Produce", "magic 3", every_append(own("error_message")), range(8, 12)),
    Difference("Produce", "*compacted: no key", every_append(own("error_message", "record_errors")), range(8, 12)),
    # Kafka does not answer at all.
    Difference("Produce", "null instead of records", lambda _, ours, __: ours),
    # Batches that no client makes: Kafka fails with UNKNOWN_SERVER_ERROR, or says INVALID_RECORD of what has no sensible header.
    Difference("Produce", ("codec 5", "a negative count", "no record"), every_append(own("error_code", "log_start_offset"))),
    Difference("Produce", "gzip that is none", every_append(fields(error_code=87))),
]

# Against Kafka 4, which has the groups of KIP-848.

EPOCHS = ("member_epoch", "group_epoch", "assignment_epoch")


def younger(value):
    """4.3's first group epoch with topics in it is 2, that of 4.0 and of Millrace 1."""
    if isinstance(value, dict):
        return {name: item - 1 if name in EPOCHS and item >= 2 else younger(item) for name, item in value.items()}
    return [younger(item) for item in value] if isinstance(value, list) else value


def everything_of(*names):
    """These fields of the whole answer are Millrace's own."""
    return lambda kafka, ours, _: {**kafka, **{name: ours[name] for name in names if name in kafka}}


CONSUMER_GROUP_DIFFERENCES = [
    Difference("ConsumerGroupHeartbeat", "*", lambda kafka, *_: younger(kafka)),
    Difference("ConsumerGroupDescribe", "*", lambda kafka, *_: younger(kafka)),
    # They name epochs.
    Difference("ConsumerGroupHeartbeat", ("an epoch to come", "an epoch of long ago", "a static member that is away"), everything_of("error_message")),
    Difference("ConsumerGroupHeartbeat", "a regular expression that is none", everything_of("error_message")),
    Difference("ConsumerGroupHeartbeat", "epoch -1 in an unknown group", everything_of("error_message")),
    # The configuration of groups is theirs.
    Difference("ConsumerGroupDescribe", "what the client may do", every("groups")(lambda group, _, __: group.update(
        authorized_operations=group["authorized_operations"] & ~0xC00) if group["authorized_operations"] > 0 else None)),
    # Kafka fails.
    Difference("OffsetFetch", ("no member's epoch", "all topics: no member's epoch"), every("groups")(fields(error_code=25))),

    # Kafka fails, and forgets whom it answers.
    Difference("JoinGroup", "a member's id of the new protocol", everything_of("member_id")),
]
