"""kcat (librdkafka 2.0): produce and consume with each codec, keys, headers, nulls, large records, offsets by time."""
import contextlib
import json
import shutil

from compat.answer_script import Connection
from harness.brokers import MillraceBroker, OracleBroker
from harness.checks import require, require_equal, wait_until
from harness.processes import Background, run

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
# Clients that know no ApiVersions speak as to a broker of their time: message format 0, and format 1.
OLD_BROKERS = ("0.9.0", "0.10.0")
LINES = 20_000


def kcat(context, *arguments, stdin=None, timeout=60, expect=0):
    return run(["kcat", "-b", context.bootstrap, *arguments], timeout=timeout, stdin=stdin, expect=expect)


def read_all(context, topic, *arguments, timeout=120):
    """Every record from the beginning to the end of the topic."""
    return kcat(context, "-C", "-t", topic, "-o", "beginning", "-e", "-q", *arguments, timeout=timeout)


def checks(context):
    if not shutil.which("kcat"):
        context.checks.skip("kcat", "it is not installed")
        return
    check = context.checks.check
    check("kcat lists the broker", lists_the_broker, context)
    for codec in CODECS:
        check(f"kcat produces and consumes with codec {codec}", round_trip, context, codec)
    for version in OLD_BROKERS:
        for codec in ("none", "gzip", "snappy"):
            check(f"kcat, as to a broker of {version}, produces and consumes with codec {codec}", old_round_trip, context, version, codec)
    check("kcat keeps keys, headers, empty and null values", keeps_every_part, context)
    check("kcat produces and consumes records of 900 KB", large_records, context)
    check("kcat is refused a record above max.message.bytes", refused_large_record, context)
    check("kcat produces with acks 0, 1 and all", each_acks, context)
    check("kcat finds offsets by time", offsets_by_time, context)
    check("kcat asks for an offset out of range and is told so", out_of_range, context)
    name = "kcat waits for a topic that is not created on first use"
    if context.broker.can_restart:
        check(name, created_after_the_first_record, context)
    else:
        context.checks.skip(name, "it needs a broker with settings of its own")


def lists_the_broker(context):
    metadata = json.loads(kcat(context, "-L", "-J"))
    require_equal(1, len(metadata["brokers"]), "brokers")
    require_equal(context.bootstrap, metadata["brokers"][0]["name"], "the address of the broker")


def round_trip(context, codec):
    topic = context.topic(codec)
    lines = "".join(f"record {number} of {codec}, which repeats and repeats and repeats\n" for number in range(LINES))
    kcat(context, "-P", "-t", topic, "-p", "0", "-z", codec, stdin=lines)
    require(read_all(context, topic, "-p", "0") == lines, f"other records than the {LINES} that were produced")


def old_round_trip(context, version, codec):
    """What is produced in an old format is read in it and in the new one, and what is produced in the new one is read in the old one."""
    topic = context.topic("old")
    old = ("-X", "api.version.request=false", "-X", f"broker.version.fallback={version}")
    first = "".join(f"record {number} of {codec}, which repeats and repeats and repeats\n" for number in range(LINES // 10))
    second = first.replace("record", "other record")
    kcat(context, "-P", "-t", topic, "-p", "0", "-z", codec, *old, stdin=first)
    kcat(context, "-P", "-t", topic, "-p", "0", "-z", codec, stdin=second)
    for arguments in ((), old):
        require(read_all(context, topic, "-p", "0", *arguments) == first + second, f"other records than were produced, with {arguments}")


def keeps_every_part(context):
    topic = context.topic("parts")
    kcat(context, "-P", "-t", topic, "-p", "0", "-K:", "-H", "one=1", "-H", "two=zwei", stdin="key:value\n")
    kcat(context, "-P", "-t", topic, "-p", "0", "-K:", "-Z", stdin="gone:\n")
    kcat(context, "-P", "-t", topic, "-p", "0", "-K:", stdin="empty:\n")
    read = read_all(context, topic, "-p", "0", "-f", r"%o|%k|%K|%s|%S|%h\n").splitlines()
    require_equal(["0|key|3|value|5|one=1,two=zwei", "1|gone|4||-1|", "2|empty|5||0|"], read, "the records")


def large_records(context):
    topic, size = context.topic("large"), 900_000
    path = context.path("large")
    with open(path, "w", encoding="ascii") as file:
        file.write("".join(letter * size + "\n" for letter in "abcdefgh"))
    kcat(context, "-P", "-t", topic, "-p", "0", "-l", path)
    with open(path, encoding="ascii") as file:
        require(read_all(context, topic, "-p", "0") == file.read(), "other records than were produced")


def refused_large_record(context):
    topic, path = context.topic("refused"), context.path("refused")
    kcat(context, "-P", "-t", topic, "-p", "0", stdin="first\n")
    with open(path, "w", encoding="ascii") as file:
        file.write("x" * 1_500_000 + "\n")
    kcat(context, "-P", "-t", topic, "-p", "0", "-X", "message.max.bytes=2000000", "-l", path, expect=1)
    require_equal("first\n", read_all(context, topic, "-p", "0"), "the records")


def each_acks(context):
    topic = context.topic("acks")
    for acks in ("0", "1", "all"):
        kcat(context, "-P", "-t", topic, "-p", "0", "-X", f"acks={acks}", stdin=f"acks {acks}\n")
    require_equal("acks 0\nacks 1\nacks all\n", read_all(context, topic, "-p", "0"), "the records")


def offsets_by_time(context):
    topic = context.topic("times")
    kcat(context, "-P", "-t", topic, "-p", "0", stdin="one\ntwo\n")
    stamps = [int(line) for line in read_all(context, topic, "-p", "0", "-f", r"%T\n").split()]
    for when, offset in ((-2, 0), (-1, 2), (stamps[0], 0), (stamps[0] + 3_600_000, -1)):
        require_equal(f"{topic} [0] offset {offset}", kcat(context, "-Q", "-t", f"{topic}:0:{when}").strip(), f"offset at {when}")
    require_equal("one\ntwo\n", kcat(context, "-C", "-t", topic, "-p", "0", "-o", f"s@{stamps[0]}", "-e", "-q"), "from the first's time")
    require_equal("two\n", kcat(context, "-C", "-t", topic, "-p", "0", "-o", "-1", "-e", "-q"), "the last record")


def out_of_range(context):
    topic = context.topic("range")
    kcat(context, "-P", "-t", topic, "-p", "0", stdin="only\n")
    kcat(context, "-C", "-t", topic, "-p", "0", "-o", "77", "-e", "-X", "auto.offset.reset=error", expect=1)


def created_after_the_first_record(context):
    """What librdkafka's 0111_delay_create_topics shows with three brokers: the record waits in the client for the topic."""
    settings, topic = {"auto.create.topics.enable": "false"}, context.topic("late")
    make = OracleBroker if context.broker.name == "kafka" else lambda settings: MillraceBroker(settings=settings)
    with contextlib.closing(make(settings)) as broker, contextlib.closing(Connection(broker.port)) as connection:
        broker.start()
        with open(context.path("late"), "w+", encoding="ascii") as line:
            line.write("hello\n")
            line.seek(0)
            command = ["kcat", "-b", broker.bootstrap, "-P", "-t", topic, "-X", "debug=topic,metadata"]
            with Background(command, context.path("late.log"), stdin=line) as producer:
                missing = "UNKNOWN_TOPIC_OR_PART"
                wait_until(30, "the producer to ask for the topic in vain",
                           lambda: missing in producer.output() or "Unknown topic or partition" in producer.output())
                listed = connection.ask("Metadata", 4, {"topics": None, "allow_auto_topic_creation": True})["topics"]
                require_equal([], [each["name"] for each in listed if each["name"] == topic], "topics that were created on first use")
                answer = connection.ask("CreateTopics", 4, {"timeout_ms": 20000, "topics": [
                    {"name": topic, "num_partitions": 1, "replication_factor": 1}]})
                require_equal(0, answer["topics"][0]["error_code"], f"the creation's error in {answer}")
                require_equal(0, producer.wait(60), f"the producer's exit code: {producer.tail()}")
        read = run(["kcat", "-b", broker.bootstrap, "-C", "-t", topic, "-o", "beginning", "-e", "-q"], timeout=60)
        require_equal("hello\n", read, "the records")
