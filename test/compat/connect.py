"""Kafka Connect with two workers, one of which is killed: the other goes on with its connectors, and a source that is exactly once stays so."""
import contextlib
import json
import os
import threading
import urllib.error
import urllib.request

from compat.idempotence import difference
from compat.topics import create_topic
from harness import paths
from harness.brokers import free_port
from harness.checks import require, wait_until
from harness.processes import Background, run

CONNECTORS = 3
LINES = 5
SECONDS_BETWEEN_LINES = 0.05
WORKERS = 2


def checks(context):
    name = "Kafka Connect: of two workers one is killed and comes back: sources are exactly once, sinks miss nothing"
    if os.path.isfile(os.path.join(paths.KAFKA_LAB, "kafka-run")):
        context.checks.check(name, rebalanced, context)
    else:
        context.checks.skip(name, f"no lab at {paths.KAFKA_LAB}")


class Cluster:
    """Its workers, by number."""

    def __init__(self, context):
        self.context, self.name = context, context.topic("connect")
        self.ports = [free_port() for _ in range(WORKERS)]
        self.workers = [None] * WORKERS

    def start(self, number):
        settings = {
            "bootstrap.servers": self.context.bootstrap, "group.id": self.name, "listeners": f"http://127.0.0.1:{self.ports[number]}",
            "key.converter": "org.apache.kafka.connect.storage.StringConverter",
            "value.converter": "org.apache.kafka.connect.storage.StringConverter", "plugin.discovery": "only_scan",
            **{f"{kind}.storage.topic": f"{self.name}-{kind}" for kind in ("config", "offset", "status")},
            **{f"{kind}.storage.replication.factor": "1" for kind in ("config", "offset", "status")}, "offset.storage.partitions": "3",
            "status.storage.partitions": "1", "offset.flush.interval.ms": "500", "exactly.once.source.support": "enabled",
            # Whoever dies is missed soon, and its work goes on at once.
            "session.timeout.ms": "6000", "heartbeat.interval.ms": "1000", "scheduled.rebalance.max.delay.ms": "0"}
        path = self.context.path(f"{self.name}-{number}.properties")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(f"{key}={value}\n" for key, value in settings.items())
        self.workers[number] = Background([os.path.join(paths.KAFKA_LAB, "kafka-run"), "connect-distributed", path],
                                          self.context.path(f"{self.name}-{number}.log"))

    def close(self):
        for worker in self.workers:
            if worker:
                worker.kill()

    def ask(self, number, path, body=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.ports[number]}{path}", method="GET" if body is None else "PUT",
                                         data=None if body is None else json.dumps(body).encode(), headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return json.load(answer)
        except (urllib.error.URLError, OSError):
            return None  # not up, or in a rebalance

    def tasks(self, number):
        """The worker of each running task, as worker `number` sees it."""
        found = self.ask(number, "/connectors?expand=status") or {}
        return [task["worker_id"] for each in found.values() for task in each["status"]["tasks"] if task["state"] == "RUNNING"]

    def has_shared_out(self, *numbers):
        """All tasks run, each on one of these workers, and each of those has some."""
        tasks = self.tasks(numbers[0])
        return len(tasks) == 2 * CONNECTORS and set(tasks) == {f"127.0.0.1:{self.ports[number]}" for number in numbers}


def rebalanced(context):
    cluster = Cluster(context)
    with contextlib.ExitStack() as opened:
        opened.callback(cluster.close)
        for number in range(WORKERS):
            cluster.start(number)
        wait_until(90, "the workers", lambda: all(cluster.ask(number, "/connectors") is not None for number in range(WORKERS)), interval=0.3)
        pipes = [Pipe(context, cluster, number) for number in range(CONNECTORS)]
        writing = threading.Event()
        writer = threading.Thread(target=keep_writing, args=(pipes, writing), daemon=True)
        opened.callback(writing.set)
        writer.start()
        wait_until(60, "both workers to have tasks", lambda: cluster.has_shared_out(0, 1), interval=0.3)
        wait_until(60, "the first lines in the sinks", lambda: all(pipe.sunk() for pipe in pipes))
        cluster.workers[1].kill()
        wait_until(60, "the other worker to have all tasks", lambda: cluster.has_shared_out(0), interval=0.3)
        cluster.start(1)
        wait_until(90, "both workers to have tasks again", lambda: cluster.has_shared_out(0, 1), interval=0.3)
        writing.set()
        writer.join(10)
        # A sink that writes a file says again what it had not noted yet.
        wait_until(60, "all lines in the sinks", lambda: all(pipe.sunk() >= set(pipe.lines()) for pipe in pipes))
        for pipe in pipes:
            committed = pipe.committed()
            require(committed == pipe.lines(), difference(pipe.lines(), committed))
        print(f"    {CONNECTORS} times {pipes[0].written} lines")


def keep_writing(pipes, ended):
    while not ended.wait(SECONDS_BETWEEN_LINES):
        for pipe in pipes:
            pipe.write()


class Pipe:
    """A file, a source that reads it into a topic, and a sink that writes the topic into another file."""

    def __init__(self, context, cluster, number):
        self.context, self.topic = context, f"{cluster.name}-data-{number}"
        self.input, self.output, self.written = context.path(f"{self.topic}.in"), context.path(f"{self.topic}.out"), 0
        create_topic(context.bootstrap, self.topic, 1)
        self.write()
        common = {"tasks.max": "1"}
        source = {**common, "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector", "file": self.input, "topic": self.topic,
                  "exactly.once.support": "requested", "transaction.boundary": "poll"}
        sink = {**common, "connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector", "file": self.output, "topics": self.topic,
                "consumer.override.isolation.level": "read_committed", "consumer.override.metadata.max.age.ms": "1000"}
        for kind, settings in (("source", source), ("sink", sink)):
            wait_until(60, f"connector {kind}", lambda kind=kind, settings=settings: cluster.ask(
                0, f"/connectors/{self.topic}-{kind}/config", settings), interval=0.3)

    def write(self):
        with open(self.input, "a", encoding="utf-8") as file:
            file.writelines(f"line {number}\n" for number in range(self.written, self.written + LINES))
        self.written += LINES

    def lines(self):
        return [f"line {number}" for number in range(self.written)]

    def sunk(self):
        if not os.path.exists(self.output):
            return set()
        with open(self.output, encoding="utf-8") as file:
            return set(file.read().splitlines())

    def committed(self):
        return run(["kcat", "-b", self.context.bootstrap, "-C", "-t", self.topic, "-o", "beginning", "-e", "-q", "-X",
                    "isolation.level=read_committed"]).splitlines()
