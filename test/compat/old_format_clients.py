"""Formats 0, 1 and 2 of one directory as two brokers serve them: by each version of Fetch, bytes and conversions, and by clients that ask for
them. Compressed messages that were made for the answer may have other bytes: what is in them is compared through the clients."""
import contextlib
import os

from compat.answer_script import Connection
from compat.directory_corpus import OLD_FORMATS
from compat.java_clients import SOURCES, jars_of
from compat.kcat import OLD_BROKERS
from compat.partition_view import EARLIEST, LATEST, READ_BYTES, Viewer, batches, side_by_side, some
from harness.checks import Failure, require, require_equal
from harness.processes import run
from harness.record_bytes import legacy_messages, summary

JAVA_VERSIONS = ("0.10.2.2", "0.11.0.3", "4.1.0")
NEWEST_BY_NAME = 12  # later versions of Fetch ask by topic ids; their records are the same
CONVERTED = 3        # up to it answers have messages of format 0 or 1
FOR_OLD_CLIENTS = (*OLD_FORMATS, "kafka-compacted", "kafka-idempotent", "kafka-trimmed")
# Batches of zstd are refused to old clients, and those of 0.10 end at a marker that nothing follows, whoever serves it.
TOPICS = (*FOR_OLD_CLIENTS, "kafka-codecs", "transactions")


def compare(context, kafka, ours):
    found = {}
    for broker in (kafka, ours):
        with contextlib.closing(Connection(broker.port)) as connection:
            found[broker.name] = dict(fetched(Viewer(connection)))
    require(len(found["kafka"]) > 1000, f"only {len(found['kafka'])} fetches")
    for case, answer in found["kafka"].items():
        require_equal(answer, found["millrace"][case], f"the answer to {case}")
    for version in JAVA_VERSIONS:
        compile_reader(context, version)
        same_lines(version, *side_by_side(lambda broker: java_reads(context, version, broker), (kafka, ours)).values())  # noqa: B023
    for version in (*OLD_BROKERS, None):
        same_lines(f"kcat {version}", *(kcat_reads(version, broker) for broker in (kafka, ours)))


def fetched(viewer):
    for topic in TOPICS:
        first, end = (viewer.offset(topic, 0, when)["offset"] for when in (EARLIEST, LATEST))
        for version in range(NEWEST_BY_NAME + 1):
            for offset in some(range(first, end)):
                for limit in (1, 700, READ_BYTES):
                    answer = viewer.fetch(topic, 0, offset, limit, version=version)
                    yield (f"Fetch {version} of {topic} from {offset}, {limit} bytes", (answer["error_code"], shown(answer["records"] or b"", version)))


def shown(records, version):
    """Bytes as they are; of conversions what the messages say."""
    if version > CONVERTED or any(one[16] == 2 for one in batches(records)):
        return summary(records)
    messages = legacy_messages(records)
    # How many fit is a matter of how well they were compressed.
    return messages if not any(has_other_codec(one) for one in messages) else messages[:1]


def has_other_codec(one):
    return isinstance(one, dict) and one["value"] == "compressed"


def classes_and_jars(context, version):
    return context.path(f"reader-{version}"), os.path.join(jars_of(version), "*")


def compile_reader(context, version):
    classes, jars = classes_and_jars(context, version)
    run(["javac", "--release", "8", "-nowarn", "-cp", jars, "-d", classes, os.path.join(SOURCES, "ReadAll.java")], timeout=120, merge=True)


def java_reads(context, version, broker):
    classes, jars = classes_and_jars(context, version)
    topics = TOPICS if version == JAVA_VERSIONS[-1] else FOR_OLD_CLIENTS
    return run(["java", "-Xmx256m", "-cp", f"{classes}:{jars}", "ReadAll", broker.bootstrap, *topics], timeout=120).splitlines()


def kcat_reads(version, broker):
    old = ["-X", "api.version.request=false", "-X", f"broker.version.fallback={version}"] if version else []
    found = side_by_side(lambda topic: run(["kcat", "-C", "-b", broker.bootstrap, "-t", topic, "-p", "0", "-o", "beginning", "-e", "-q",
                                            "-X", "fetch.wait.max.ms=10", *old, "-f", topic + r" %o|%T|%k|%K|%s|%S|%h\n"], timeout=60),
                         FOR_OLD_CLIENTS if version else TOPICS)
    return [line for lines in found.values() for line in lines.splitlines()]


def same_lines(who, expected, found):
    require(len(expected) > 500, f"{who} has read only {len(expected)} lines from Kafka")
    for pair in zip(expected, found):
        if pair[0] != pair[1]:
            raise Failure(f"{who} reads {pair[1]!r} instead of {pair[0]!r}")
    require_equal(len(expected), len(found), f"how many lines {who} reads")
