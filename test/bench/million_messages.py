"""One million messages of 100 bytes with acks=all, by kafka-python and by librdkafka's rdkafka_performance, and all read back:
seconds of each, Millrace and Kafka in turns.

The clocks of a client run from its first record to its last acknowledgement, and from its first poll to its last record: start and
connection are left out by kafka-python, and counted by rdkafka_performance, whose whole process is measured. What was read is
compared: each record by kafka-python, and rdkafka_performance's by kcat afterwards, beside the clock.
"""
import contextlib
import os
import shutil
import subprocess
import time

from compat.registries import python_environment
from harness import paths
from harness.brokers import MillraceBroker, OracleBroker
from harness.checks import Failure, require
from harness.processes import run

BYTES = 100
LIMIT_S = 600
CLIENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "million_client.py")
KAFKA_PYTHON = "kafka-python==2.0.2"
CACHE = os.environ.get("LAB_KAFKA_CACHE", os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "lab-kafka"))
PERFORMANCE = os.path.join(CACHE, "librdkafka", "src", "examples", "rdkafka_performance")


def measure(table, turns, records, with_kafka):
    kinds = {"Millrace": MillraceBroker}
    if with_kafka:
        kinds["Kafka 3.9"] = lambda: OracleBroker()  # pylint: disable=unnecessary-lambda
    clients = available_clients(table)
    seconds = {}
    for turn in range(turns):
        for kind, make in list(kinds.items())[::1 if turn % 2 == 0 else -1]:
            table.note(f"turn {turn + 1}: {kind}, load {os.getloadavg()[0]:.1f}")
            with contextlib.closing(make()) as broker:
                broker.start()
                for name, work in clients.items():
                    for what, value in work(broker, f"million-{name}-{turn}", records).items():
                        seconds.setdefault((name, what, kind), []).append(value)
                        table.note(f"  {name} {what}: {value:.2f} s")
    for (name, what, kind), values in sorted(seconds.items()):
        table.row(f"{kind}: {records:,} x {BYTES} B, {name} {what}", values, "s")


def available_clients(table):
    clients = {}
    try:
        programs = python_environment(KAFKA_PYTHON)
        clients["kafka-python"] = lambda *arguments: kafka_python(programs, *arguments)
    except Failure as error:
        table.note(f"kafka-python is not measured: {error}")
    if os.access(PERFORMANCE, os.X_OK) and shutil.which("kcat"):
        clients["rdkafka_performance"] = rdkafka_performance
    else:
        table.note(f"rdkafka_performance is not measured: no {PERFORMANCE} (librdkafka-build of the lab), or no kcat")
    return clients


def create(broker, topic):
    run(["kcat", "-b", broker.bootstrap, "-L", "-t", topic, "-X", "allow.auto.create.topics=true"], timeout=60)


def kafka_python(programs, broker, topic, records):
    def seconds(mode):
        return float(run([os.path.join(programs, "python"), CLIENT, mode, broker.bootstrap, topic, records, BYTES], timeout=LIMIT_S, merge=True))
    create(broker, topic)
    return {"produce": seconds("produce"), "consume": seconds("consume")}


def rdkafka_performance(broker, topic, records):
    def seconds(*arguments):
        begin = time.monotonic()
        said = run([PERFORMANCE, *arguments, "-b", broker.bootstrap, "-t", topic, "-p", "0", "-c", records], timeout=LIMIT_S, merge=True)
        return time.monotonic() - begin, said
    create(broker, topic)
    produced, said = seconds("-P", "-s", BYTES, "-a", "-1", "-X", "linger.ms=5")
    require(f"{records} messages produced" in said and f"{records} delivered" in said, said[-600:])
    consumed, said = seconds("-C", "-o", "beginning")
    require(f"{records} messages (" in said, said[-600:])
    compare(broker, topic, records)
    return {"produce": produced, "consume": consumed}


def compare(broker, topic, records):
    """Every record is the same bytes, and they are as many as were sent."""
    command = ["kcat", "-b", broker.bootstrap, "-C", "-t", topic, "-p", "0", "-o", "beginning", "-e", "-q", "-f", r"%o %s\n"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as reader:
        count, first = 0, None
        for line in reader.stdout:
            offset, _, payload = line.rstrip(b"\n").partition(b" ")
            first = payload if first is None else first
            require(int(offset) == count and payload == first and len(payload) == BYTES, f"record {count} is {line[:200]!r}")
            count += 1
    require(count == records, f"{count} records were read, not {records}")


def measure_as_asked(table, options):
    with_kafka = not options.no_kafka and os.path.isfile(os.path.join(paths.KAFKA_LAB, "kafka-up"))
    measure(table, min(options.runs, 3), options.records, with_kafka)
