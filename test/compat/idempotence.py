"""An idempotent producer keeps its promise while the broker is killed: every record exactly once, in order."""
import os
import random
import threading
import time

from compat.kafka_tools import Tools
from compat.kcat import kcat, read_all
from harness import paths
from harness.checks import require
from harness.processes import Background

RECORDS_PER_SECOND = 20_000
SECONDS_BETWEEN_KILLS = (0.3, 2.5)


def checks(context):
    kills = context.options.kills
    name = f"{kills} times SIGKILL of the broker under an idempotent producer: every record once, in order"
    if not context.broker.can_restart:
        context.checks.skip(name, "the broker is not ours to kill")
        return
    for codec in ("none", "zstd"):
        context.checks.check(f"{name} (kcat, {codec})", killed_under_producer, context, kills, kcat_producer(context.bootstrap, codec, "-p", "0"))
    if os.path.isfile(os.path.join(paths.KAFKA_LAB, "kafka-run")):
        context.checks.check(f"{name} (Java)", killed_under_producer, context, kills, java_producer(context))


def kcat_producer(bootstrap, codec, *options):
    # -E: a broker that is down for a moment is no reason to give up.
    return ["kcat", "-b", bootstrap, "-P", *options, "-z", codec, "-E", "-X", "enable.idempotence=true", "-X", "linger.ms=5",
            "-X", "reconnect.backoff.max.ms=500", "-X", "message.timeout.ms=120000", "-t"]


def java_producer(context):
    properties = ("linger.ms=5", "delivery.timeout.ms=120000", "reconnect.backoff.max.ms=500", "retries=2147483647", "acks=all",
                  "max.block.ms=120000")
    return [os.path.join(paths.KAFKA_LAB, "kafka-run"), "kafka-console-producer", "--bootstrap-server", context.bootstrap,
            *(word for each in properties for word in ("--producer-property", each)), "--topic"]


class FedProducer:
    """A program that produces the lines of its standard input, fed with 0, 1, 2, ... at a steady rate. A context manager."""

    def __init__(self, command, log, records_per_second):
        read_end, write_end = os.pipe()
        self._records_per_second, self._feeding, self._fed = records_per_second, threading.Event(), 0
        self._feeding.set()
        self._producer = Background(command, log, stdin=read_end)
        os.close(read_end)
        self._feeder = threading.Thread(target=self._feed, args=(write_end,), daemon=True)
        self._feeder.start()

    def _feed(self, write_end):
        try:
            with os.fdopen(write_end, "w") as pipe:
                while self._feeding.is_set():
                    step = self._records_per_second // 100
                    pipe.write("".join(f"{each}\n" for each in range(self._fed, self._fed + step)))
                    pipe.flush()
                    self._fed += step
                    time.sleep(0.01)
        except BrokenPipeError:
            pass  # the producer's end says why

    def require_running(self):
        require(self._producer.running(), f"the producer gave up: {self._producer.tail()}")

    def end(self):
        """How many records it has produced."""
        self._feeding.clear()
        code = self._producer.wait(120)
        self._feeder.join(30)
        require(code == 0, f"the producer ended with {code}: {self._producer.tail()}")
        return self._fed

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._feeding.clear()
        self._producer.kill()


def killed_under_producer(context, kills, command):
    """`command` reads lines and produces them to partition 0 of the topic whose name is put behind it."""
    topic = Tools(context, "3.9", []).create("killed", "--partitions", "1") if command[0] != "kcat" else context.topic("killed")
    kcat(context, "-P", "-t", topic, "-p", "0", stdin="before\n")
    with FedProducer([*command, topic], context.path(f"{topic}.log"), RECORDS_PER_SECOND) as producer:
        for _ in range(kills):
            time.sleep(random.uniform(*SECONDS_BETWEEN_KILLS))
            context.broker.kill()
            context.broker.start()
            producer.require_running()
        time.sleep(0.5)
        records = producer.end()
    read = read_all(context, topic, "-p", "0").splitlines()
    expected = ["before"] + [str(number) for number in range(records)]
    require(read == expected, difference(expected, read))
    print(f"    {records} records")


def difference(expected, read):
    missing, extra = len(set(expected) - set(read)), len(read) - len(set(read))
    first = next((place for place, pair in enumerate(zip(expected, read)) if pair[0] != pair[1]), min(len(expected), len(read)))
    return (f"{len(expected)} records acknowledged, {len(read)} read: {missing} missing, {extra} read twice; "
            f"first difference at offset {first}: {read[first:first + 3]} instead of {expected[first:first + 3]}")
