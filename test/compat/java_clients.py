"""Kafka's Java client in the versions that are still met, the oldest first: every codec, read back by offset and by time.

0.10.2 speaks message format v1 and needs it converted on both ways; 0.11 is the first with batches of format v2. (Older consumers
look for their group's coordinator before they read.) The jars come from the package registry through Maven, once.
"""
import os
import shutil

from compat.topics import create_topic
from harness.checks import Failure, require
from harness.processes import run

VERSIONS = ("0.10.2.2", "0.11.0.3", "1.1.1", "2.8.2", "3.9.1", "4.1.0")
PARTITIONS = 4
SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clients")
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "millrace-kafka-clients")


def checks(context):
    missing = [tool for tool in ("mvn", "javac", "java") if shutil.which(tool) is None]
    for version in VERSIONS:
        name = f"kafka-clients {version}: every codec, read back, found by time"
        if missing:
            context.checks.skip(name, f"no {' and no '.join(missing)}")
        else:
            context.checks.check(name, produces_and_reads, context, version)


def produces_and_reads(context, version):
    jars = os.path.join(jars_of(version), "*")
    classes = context.path(f"client-{version}")
    run(["javac", "--release", "8", "-nowarn", "-cp", jars, "-d", classes, os.path.join(SOURCES, "AnyClient.java")], timeout=120, merge=True)
    topic = context.topic("client")
    create_topic(context.bootstrap, topic, PARTITIONS, {"retention.ms": "-1"})  # the records are years old
    said = run(["java", "-Xmx256m", "-cp", f"{classes}:{jars}", "AnyClient", context.bootstrap, topic], timeout=120, merge=True)
    require(said.rstrip().endswith("done"), said)


def jars_of(version, artifact="kafka-clients"):
    folder = os.path.join(CACHE, version if artifact == "kafka-clients" else f"{artifact}-{version}")
    if not os.path.isdir(folder):
        part = f"{folder}.part.{os.getpid()}"
        try:
            run(["mvn", "-B", "-q", "-f", os.path.join(SOURCES, "pom.xml"), f"-Dclient={version}", f"-Dartifact={artifact}",
                 "dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={part}"], timeout=300, merge=True)
        except Failure:
            shutil.rmtree(part, ignore_errors=True)
            raise
        os.rename(part, folder)
    return folder
