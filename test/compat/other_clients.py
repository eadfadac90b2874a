"""Clients of other languages than Java and C, without groups and transactions: kafkajs and kafka-python.

They come from their package registries, once, into the user's cache. Python's `venv` is needed, and Node.js with npm is taken from
there too where the machine has none.
"""
import os

from compat.kcat import CODECS, kcat, read_all
from compat.registries import node_package, python_environment
from harness.checks import require, require_equal, wait_until
from harness.processes import run

FOLDER = os.path.dirname(os.path.abspath(__file__))
SOURCES = os.path.join(FOLDER, "clients")
KAFKAJS_GOLDEN = os.path.join(FOLDER, "golden_clients", "kafkajs.tsv")
KAFKAJS = ("kafkajs@2.2.4", "kafkajs-snappy@1.1.0", "lz4js@0.2.0", "@bokuweb/zstd-wasm@0.0.27")
KAFKAJS_RECORDS = 1000
# Version -> records, and how often it may try: 3.0.12's consumer has been seen to stop for good with a real Kafka.
KAFKA_PYTHON = {"2.0.2": (20_000, 1), "3.0.12": (5_000, 2)}
PYTHON_CODECS = ("python-snappy==0.7.3", "lz4==4.4.5", "zstandard==0.25.0")


def checks(context):
    context.checks.check("kafkajs 2.2.4: admin, and produce with every codec", kafkajs, context)
    for version, (records, attempts) in KAFKA_PYTHON.items():
        context.checks.check(f"kafka-python {version}: {records:,} records with each acks and each codec, read back",
                             kafka_python, context, version, records, attempts)


def kafkajs(context):
    modules, node = node_package(*KAFKAJS)
    topic = context.topic("kafkajs")
    said = run([node, os.path.join(SOURCES, "kafkajs_client.js"), context.bootstrap, topic, KAFKAJS_RECORDS], timeout=120,
               environment={"NODE_PATH": os.path.join(modules, "node_modules"), "KAFKAJS_NO_PARTITIONER_WARNING": "1"})
    answers = said.replace(topic, "<T>")
    if context.options.record_answers:
        with open(KAFKAJS_GOLDEN, "w", encoding="utf-8") as file:
            file.write(answers)
    with open(KAFKAJS_GOLDEN, encoding="utf-8") as file:
        golden = file.read()
    unlike = [f"Kafka: {left}\nhere:  {right}" for left, right in zip(golden.splitlines(), answers.splitlines()) if left != right]
    require(golden == answers, "answers are not Kafka's\n" + "\n".join(unlike or [answers]))
    expected = [f"key {number}|{'' if number % 100 == 99 else f'value {number}'}|number={number}|{1_700_000_000_000 + number}"
                for number in range(KAFKAJS_RECORDS)]
    # The first five partitions are those of the codecs; one of an idempotent producer; one of a producer with acks 1, then 0.
    for partition, times in enumerate((*(1 for _ in CODECS), 1, 2)):
        what = f"{times * KAFKAJS_RECORDS} records of partition {partition}"
        end = wait_until(60, what, lambda: ended(context, topic, partition, times))  # pylint: disable=cell-var-from-loop
        require_equal(times * KAFKAJS_RECORDS, end, f"records of partition {partition}")
        read = read_all(context, topic, "-p", str(partition), "-f", r"%k|%s|%h|%T\n").splitlines()
        require(read == expected * times, f"other records than were produced in partition {partition}: {read[:2]}, {read[-2:]}")


def ended(context, topic, partition, times):
    """The end of the partition as soon as it is `times` as far as one producer brings it: nobody waits for acks 0."""
    end = int(kcat(context, "-Q", "-t", f"{topic}:{partition}:-1").split()[-1])
    return end if end >= times * KAFKAJS_RECORDS else None


def kafka_python(context, version, records, attempts):
    programs = python_environment(f"kafka-python=={version}", *PYTHON_CODECS)
    for left in reversed(range(attempts)):
        said = run([os.path.join(programs, "python"), os.path.join(SOURCES, "python_client.py"), context.bootstrap,
                    context.topic("python"), records], timeout=240, merge=True, expect=None)
        if said.rstrip().endswith("done"):
            return
        require(left > 0, said)
        print(f"    once more: {said.rstrip().splitlines()[-1]}")
