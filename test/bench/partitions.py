#!/usr/bin/env python3
"""What many partitions cost one broker: memory, open files, CPU when nobody asks for anything, seconds to stop and to start.

    partitions.py [--counts "10 100 1000 10000"] [--with-50000] [--kinds "written empty"] [--kafka] [--idle SECONDS] [--settle SECONDS]
                  [--results FILE] [--plot FILE]

For each count a fresh broker gets topics of 100 partitions by CreateTopics, and (`written`) one batch of one record of 50 bytes in every
partition. Then it stops cleanly, starts, stops without having been written to, starts, gets one more batch in every partition, is killed
with SIGKILL and starts again. A start ends when Metadata shows a leader for every partition. CPU seconds are those of the broker's threads,
user and system; memory and files are taken after --settle seconds, idle CPU over --idle seconds behind that.

--kafka measures a Kafka of the lab ($KAFKA_LAB) too. --results keeps a line of JSON for each run; --plot draws what --results has.
Exit code 1 where a goal for 10,000 partitions is missed.
"""
import argparse
import json
import os
import struct
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from bench import scale_plot  # noqa: E402
from bench.on_this_machine import memory_mib  # noqa: E402
from harness.brokers import MillraceBroker, OracleBroker  # noqa: E402
from harness.checks import Failure, require, wait_until  # noqa: E402
from harness.wire import RawClient, record_batch, text  # noqa: E402

PER_TOPIC = 100
PRODUCED_TOGETHER = 500  # partitions in one request
LIMIT_S = 600
KAFKA_SESSION_S = 8  # after SIGKILL a Kafka cannot come back before its session has ended
GOALS = {"memory_mib": 150, "files": 8000, "idle_cpu_percent": 1, "clean_start_s": 3, "killed_start_s": 10}
COLUMNS = [("broker", 9, "{}"), ("kind", 8, "{}"), ("partitions", 10, "{}"), ("create_s", 9, "{:.2f}"), ("create_cpu_s", 13, "{:.2f}"),
           ("memory_mib", 11, "{:.1f}"), ("files", 7, "{}"), ("idle_cpu_percent", 17, "{:.3f}"), ("stop_s", 7, "{:.2f}"),
           ("clean_start_s", 14, "{:.2f}"), ("clean_start_cpu_s", 18, "{:.2f}"), ("restarted_mib", 14, "{:.1f}"),
           ("unchanged_stop_s", 17, "{:.2f}"), ("killed_start_s", 15, "{:.2f}"), ("killed_start_cpu_s", 19, "{:.2f}"),
           ("metadata_ms", 12, "{:.1f}")]


def cpu_seconds(pid):
    """Of all threads that live, to the nanosecond; those that have ended are missed."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as file:
                total += int(file.read().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            pass
    return total / 1e9


def process_cpu_seconds(pid):
    """Of the process, threads that have ended too, to a clock tick."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return memory_mib(file.read())[1]


class Cluster:
    """One broker and the topics that a run makes on it."""

    def __init__(self, broker, count):
        self.broker, self.count, self.client = broker, count, None
        self.topics = [(f"scale-{number:04d}", min(PER_TOPIC, count - number * PER_TOPIC)) for number in range(-(-count // PER_TOPIC))]

    def connect(self):
        self.client = RawClient("127.0.0.1", self.broker.port, timeout=LIMIT_S)

    def create(self):
        for name, partitions in self.topics:
            body = struct.pack(">i", 1) + text(name) + struct.pack(">ihiiib", partitions, 1, 0, 0, 60_000, 0)
            reader = self.client.ask(19, 1, body)
            for topic, error, message in reader.array(lambda: (reader.text(), reader.take("h"), reader.text())):
                require(error == 0, f"CreateTopics of {topic}: error {error} {message}")

    def write(self):
        batch = record_batch(b"x" * 50)
        every = [(name, index) for name, partitions in self.topics for index in range(partitions)]
        for begin in range(0, len(every), PRODUCED_TOGETHER):
            by_topic = {}
            for name, index in every[begin:begin + PRODUCED_TOGETHER]:
                by_topic.setdefault(name, []).append(index)
            body = struct.pack(">hhii", -1, -1, 60_000, len(by_topic))
            for name, indexes in by_topic.items():
                body += text(name) + struct.pack(">i", len(indexes))
                body += b"".join(struct.pack(">ii", index, len(batch)) + batch for index in indexes)
            reader = self.client.ask(0, 3, body)
            answers = reader.array(lambda: (reader.text(), reader.array(lambda: reader.take("ihqq"))))
            errors = {partition[1] for _, partitions in answers for partition in partitions}
            require(errors == {0}, f"Produce is answered with the errors {errors}")

    def led(self):
        """How many partitions have a leader, and when the answer was there."""
        reader = self.client.ask(3, 1, struct.pack(">i", -1))
        answered = time.monotonic()

        def partition():
            error, _, leader = reader.take("hii")
            reader.array(lambda: reader.take("i"))
            reader.array(lambda: reader.take("i"))
            return error == 0 and leader >= 0
        reader.array(lambda: (reader.take("i"), reader.text(), reader.take("i"), reader.text()))
        reader.take("i")
        topics = reader.array(lambda: (reader.take("h"), reader.text(), reader.take("b"), reader.array(partition)))
        return sum(sum(partitions) for _, name, _, partitions in topics if name.startswith("scale-")), answered

    def wait_for_leaders(self):
        """The moment at which every partition has a leader."""
        end = time.monotonic() + LIMIT_S
        while time.monotonic() < end:
            try:
                self.client = self.client or RawClient("127.0.0.1", self.broker.port, timeout=LIMIT_S)
                led, answered = self.led()
                if led == self.count:
                    return answered
            except OSError:
                self.client = None
            time.sleep(0.01)
        raise Failure(f"not every partition of {self.count} has a leader after {LIMIT_S} s")

    def start(self):
        """Seconds to serving, and the broker's CPU seconds until then."""
        self.client = None
        begin = time.monotonic()
        self.broker.start(wait=False)
        served = self.wait_for_leaders()
        return served - begin, process_cpu_seconds(self.broker.pid)

    def stop(self):
        self.client.close()
        begin = time.monotonic()
        if self.broker.name == "millrace":
            self.broker.process.stop(timeout=LIMIT_S)
        else:
            self.broker.stop()
        return time.monotonic() - begin


def measure(broker, kind, count, options):
    """One row."""
    cluster, row = Cluster(broker, count), {"broker": broker.name, "kind": kind, "partitions": count}
    pause = KAFKA_SESSION_S if broker.name == "kafka" else 0
    broker.start()
    cluster.connect()
    wait_until(30, "the broker's knowledge of itself", lambda: cluster.client.metadata()["brokers"])
    before, begin = process_cpu_seconds(broker.pid), time.monotonic()
    cluster.create()
    row["create_s"] = cluster.wait_for_leaders() - begin
    row["create_cpu_s"] = process_cpu_seconds(broker.pid) - before
    if kind == "written":
        cluster.write()
    time.sleep(options.settle)
    row["memory_mib"], row["files"] = memory(broker.pid), len(os.listdir(f"/proc/{broker.pid}/fd"))
    row["idle_cpu_percent"] = idle_percent(broker, options)
    begin = time.monotonic()
    cluster.led()
    row["metadata_ms"] = (cluster.led()[1] - begin) * 1000
    row["stop_s"] = cluster.stop()
    row["clean_start_s"], row["clean_start_cpu_s"] = cluster.start()
    time.sleep(options.settle)
    row["restarted_mib"] = memory(broker.pid)
    row["unchanged_stop_s"] = cluster.stop()
    cluster.start()
    if kind == "written":
        cluster.write()
    broker.kill()
    time.sleep(pause)
    row["killed_start_s"], row["killed_start_cpu_s"] = cluster.start()
    row["load"] = os.getloadavg()[0]
    return row


def idle_percent(broker, options):
    before, begin = cpu_seconds(broker.pid), time.monotonic()
    time.sleep(options.idle)
    return (cpu_seconds(broker.pid) - before) / (time.monotonic() - begin) * 100


def show(row):
    print(" ".join(f"{form.format(row[name]):>{width}}" for name, width, form in COLUMNS), flush=True)


def missed_goals(row):
    if row["broker"] != "millrace" or row["partitions"] != 10_000:
        return []
    return [f"{name} of {row['kind']} partitions: {row[name]:.2f}, goal {goal}" for name, goal in GOALS.items() if row[name] >= goal]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", default="10 100 1000 10000")
    parser.add_argument("--with-50000", action="store_true")
    parser.add_argument("--kinds", default="written empty")
    parser.add_argument("--kafka", action="store_true", help="only Kafka")
    parser.add_argument("--idle", type=float, default=30)
    parser.add_argument("--settle", type=float, default=10)
    parser.add_argument("--results")
    parser.add_argument("--plot")
    options = parser.parse_args()
    counts = [*map(int, options.counts.split()), *([50_000] if options.with_50000 else [])]
    missed = []
    print(f"# {os.cpu_count()} cores, {os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') >> 30} GiB of memory, "
          f"load {os.getloadavg()[0]:.1f} at the beginning")
    print(" ".join(f"{name:>{width}}" for name, width, _ in COLUMNS))
    for kind in options.kinds.split():
        for count in counts:
            broker = OracleBroker() if options.kafka else MillraceBroker()
            try:
                row = measure(broker, kind, count, options)
            finally:
                broker.close()
            show(row)
            missed += missed_goals(row)
            if options.results:
                with open(options.results, "a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")
    if options.plot and options.results:
        with open(options.results, encoding="utf-8") as file:
            scale_plot.draw([json.loads(line) for line in file], options.plot)
    for line in missed:
        print(f"# MISSED {line}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
