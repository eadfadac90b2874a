"""Kafka Streams under exactly_once_v2 while its instances and the broker are killed: committed output has each input once."""
import contextlib
import os
import random
import time

from compat.idempotence import FedProducer, kcat_producer
from compat.topics import create_topic
from harness import paths
from harness.brokers import MillraceBroker, OracleBroker
from harness.checks import Failure, require_equal, wait_until
from harness.processes import Background, run

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "java", "ExactlyOnceApplication.java")
JARS = os.path.expanduser("~/.cache/lab-kafka/libs-3.9.2/*")
INSTANCES = 2
PARTITIONS = 2
KEYS = 7
RECORDS_PER_SECOND = 500
SECONDS_BETWEEN_KILLS = (0.5, 2.5)
# Members that died are missed soon, and what they left open is aborted soon.
SETTINGS = {"group.min.session.timeout.ms": "1000", "group.initial.rebalance.delay.ms": "0", "offsets.topic.num.partitions": "5",
            "transaction.state.log.num.partitions": "5", "transaction.abort.timed.out.transaction.cleanup.interval.ms": "500"}


def checks(context):
    kills = context.options.kills
    name = f"Streams: {kills} times SIGKILL of an instance and {kills} times of the broker: exactly_once_v2 counts each record once"
    if not os.path.isfile(os.path.join(paths.KAFKA_LAB, "kafka-run")):
        context.checks.skip(name, f"no lab at {paths.KAFKA_LAB}")
    elif not context.broker.can_restart:
        context.checks.skip(name, "it needs a broker with settings of its own")
    else:
        context.checks.check(name, counted_once, context, kills)


class Application:
    """Instances of the program, each with a directory for its state that outlives it."""

    def __init__(self, context, broker):
        self.context, self.broker = context, broker
        self.classes = context.path("streams")
        run(["javac", "-nowarn", "-cp", JARS, "-d", self.classes, SOURCE], timeout=120, merge=True)
        self.instances = [None] * INSTANCES

    def start(self, number):
        state = self.context.path(f"streams-state-{number}")
        logging = f"-Dlog4j.configuration=file:{os.path.join(paths.KAFKA_LAB, 'lib', 'tools-log4j.properties')}"
        command = ["java", "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", logging, "-cp", f"{self.classes}:{JARS}",
                   "ExactlyOnceApplication", self.broker.bootstrap, "application", "input", "output", state, KEYS]
        self.instances[number] = Background(command, self.context.path(f"streams-{number}.log"))

    def kill(self, number):
        if not self.instances[number].running():
            raise Failure(f"an instance ended by itself: {self.instances[number].tail()}")
        self.instances[number].kill()

    def close(self):
        for instance in self.instances:
            if instance:
                instance.kill()

    def replaced_threads(self):
        return sum(instance.output().count("REPLACED") for instance in self.instances)


def counted_once(context, kills):
    with contextlib.ExitStack() as opened:
        broker = OracleBroker(SETTINGS) if context.broker.name == "kafka" else MillraceBroker(settings=SETTINGS)
        opened.callback(broker.close)
        broker.start()
        for topic in ("input", "output"):
            create_topic(broker.bootstrap, topic, PARTITIONS)
        application = Application(context, broker)
        opened.callback(application.close)
        for number in range(INSTANCES):
            application.start(number)
        command = [*kcat_producer(broker.bootstrap, "lz4"), "input"]
        producer = opened.enter_context(FedProducer(command, context.path("streams-input.log"), RECORDS_PER_SECOND))
        read_output(broker, "-c", 1)
        for number in range(kills):
            time.sleep(random.uniform(*SECONDS_BETWEEN_KILLS))
            application.kill(number % INSTANCES)
            application.start(number % INSTANCES)
            time.sleep(random.uniform(*SECONDS_BETWEEN_KILLS))
            broker.kill()
            broker.start()
        records = producer.end()
        wait_until(60, "the output of all records", lambda: len(committed(broker)) >= records, interval=0.5)
        output = committed(broker)
        print(f"    {records} records, {application.replaced_threads()} threads replaced")
        require_equal(list(range(records)), sorted(number for _, number, _ in output), "the numbers in the output")
        for key in range(KEYS):
            counts = [count for name, _, count in output if name == f"key-{key}"]
            require_equal(list(range(1, len(counts) + 1)), counts, f"how key {key} is counted")


def read_output(broker, *until):
    """What is committed, by a consumer that ends where `until` says. kcat's end of the partitions (-e) is one that nothing has followed for half a
    second: it does not come while output does."""
    return run(["kcat", "-b", broker.bootstrap, "-C", "-t", "output", "-o", "beginning", "-q", "-f", r"%k %s\n", "-X",
                "isolation.level=read_committed", *until], timeout=60)


def committed(broker):
    """(key, number, count) of each output, a key's in their order, when no more comes."""
    said = read_output(broker, "-e")
    return [(key, int(number), int(count)) for key, number, count in (line.split() for line in said.splitlines())]
