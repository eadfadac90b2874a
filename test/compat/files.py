"""Kafka's DumpLogSegments reads the files that the broker wrote."""
import glob
import os
import re

from compat.kafka_tools import Tools
from compat.kcat import CODECS
from harness import paths
from harness.checks import require, require_equal
from harness.processes import run

LINES = 5000  # of each codec


def checks(context):
    if context.broker.log_folder:
        context.checks.check("kafka-dump-log reads segments and indexes without a complaint", dump, context)
    else:
        context.checks.skip("kafka-dump-log", "the broker's files are not here")


def dump(context):
    tools = Tools(context, "3.9", [])
    topic = tools.create("dump", "--partitions", "1", "--config", "segment.bytes=60000")
    for codec in CODECS:
        # Kafka's producer: librdkafka sends no lz4 to a broker that has no FindCoordinator.
        tools.run("kafka-producer-perf-test", "--topic", topic, "--num-records", LINES, "--payload-monotonic", "--throughput", "-1",
                  "--producer-props", f"bootstrap.servers={context.bootstrap}", f"compression.type={codec}", "batch.size=1000")
    folder = os.path.join(context.broker.log_folder, f"{topic}-0")
    logs = sorted(glob.glob(os.path.join(folder, "*.log")))
    require(len(logs) >= 3, f"not several segments in {folder}: {sorted(os.listdir(folder))}")
    # The active segment's indexes are preallocated, with nothing but zeros at their end.
    indexes = [log.removesuffix("log") + kind for log in logs[:-1] for kind in ("index", "timeindex")]
    said = dump_log("--index-sanity-check", "--files", ",".join(indexes))
    require_equal(len(indexes), said.count("passed sanity check"), f"indexes that passed in {said}")
    said = dump_log("--files", ",".join(indexes))
    for complaint in ("Mismatches", "Found timestamp mismatch", "Indexed offset", "Found out of order"):
        require(complaint not in said, f"{complaint}: {said[-1500:]}")
    said = dump_log("--deep-iteration", "--files", ",".join(logs))
    require("isvalid: false" not in said and "Found" not in said, said[-1500:])
    for codec in CODECS:
        require(f"compresscodec: {codec} " in said, f"no batch of codec {codec}")
    offsets = [int(offset) for offset in re.findall(r"^\| offset: (\d+)", said, re.MULTILINE)]
    require(offsets == list(range(LINES * len(CODECS))), f"not {LINES * len(CODECS)} records with successive offsets: {said[-500:]}")


def dump_log(*arguments):
    return run([os.path.join(paths.KAFKA_LAB, "kafka-run"), "kafka-dump-log", *arguments], timeout=120, merge=True)
