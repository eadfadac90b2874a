#!/usr/bin/env python3
"""Millrace and real Kafka 3.9 under the same load, in turns, in one run: what a request and a gigabyte cost each broker.

    beside_kafka.py [--turns N] [--requests-only | --throughput-only] [--connections "10 50"] [--seconds S] [--megabytes M]

Needs the Kafka lab ($KAFKA_LAB) with librdkafka built. Small requests come from the lab's bench-requests: one record of 100 bytes
each, acks=1, one request in flight on each connection. Throughput is rdkafka_performance as the lab's bench-throughput runs it:
records of 100 and of 1024 bytes, batches of up to 256 KiB, four partitions; they are read back by assigned partitions, from the page cache
and, when it has forgotten them, from the disk. What is compared is the broker's CPU time, user and system, of /proc/PID/stat: the median over the turns, and the median of the ratios of each turn.
Both brokers are up all the time and only one is under load. Both get `--nice`, and so do the clients.
"""
import argparse
import contextlib
import mmap
import os
import statistics
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from harness import paths  # noqa: E402
from harness.brokers import MillraceBroker, OracleBroker  # noqa: E402
from harness.checks import Failure  # noqa: E402
from harness.processes import run  # noqa: E402

CACHE = os.environ.get("LAB_KAFKA_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "lab-kafka")
PERFORMANCE = os.path.join(CACHE, "librdkafka", "src", "examples", "rdkafka_performance")
PRODUCER = ["-X", "linger.ms=5", "-X", "batch.size=262144", "-X", "batch.num.messages=100000", "-X", "log_level=2",
            "-X", "queue.buffering.max.messages=1000000", "-X", "queue.buffering.max.kbytes=262144"]
CONSUMER = ["-X", "fetch.message.max.bytes=4194304", "-X", "queued.max.messages.kbytes=262144", "-X", "log_level=2"]
PARTITIONS = 4
REQUESTS_GOAL = 4
THROUGHPUT_GOALS = {"produce 100 B": 1 / 0.2, "produce 1024 B": 1 / 0.35, "consume": 1 / 0.35, "consume from disk": 1 / 0.7}


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def requests_per_cpu_second(broker, connections, seconds):
    output = run([os.path.join(paths.KAFKA_LAB, "bench-requests"), broker.bootstrap, broker.pid, "--runs", 1, "--seconds", seconds,
                  "--conns", connections, "--depths", 1], timeout=600)
    rows = [line.split("\t") for line in output.splitlines()[1:]]
    return {int(row[0]): float(row[4]) for row in rows}


def make_topic(broker, topic):
    run([os.path.join(paths.KAFKA_LAB, "kafka-run"), "kafka-topics", "--bootstrap-server", broker.bootstrap, "--create", "--topic", topic,
         "--partitions", PARTITIONS, "--replication-factor", 1], timeout=60)
    time.sleep(1)


def delete_topic(broker, topic):
    run([os.path.join(paths.KAFKA_LAB, "kafka-run"), "kafka-topics", "--bootstrap-server", broker.bootstrap, "--delete", "--topic", topic],
        timeout=60, expect=None)


def congestion_control():
    with open("/proc/sys/net/ipv4/tcp_congestion_control", encoding="ascii") as file:
        return file.read().strip()


def own_memory():
    """Free pages that the machine really has: a virtual machine gives free memory back to its host after a while, and who uses it next pays
    for each page again. Without this, whoever comes first in a turn pays most."""
    size_bytes = min(4 << 30, os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2)
    with contextlib.suppress(OSError), mmap.mmap(-1, size_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE):
        pass


def cost_of(broker, arguments):
    """Broker CPU seconds that a run of rdkafka_performance took."""
    own_memory()
    before = cpu_seconds(broker.pid)
    run([PERFORMANCE, "-b", broker.bootstrap, *arguments], timeout=600, merge=True)
    return cpu_seconds(broker.pid) - before


def forget_pages(folder):
    """The page cache has nothing of the folder's files any more."""
    for path, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError), open(os.path.join(path, name), "rb") as file:
                os.fdatasync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read_bytes(pid):
    """What the process has brought from the disk."""
    with open(f"/proc/{pid}/io", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("read_bytes:"))


def throughput(broker, turn, megabytes):
    """Broker CPU seconds a gigabyte, by what is done and how large records are."""
    costs = {}
    for record_bytes, acks_name, acks in ((100, "1", 1), (100, "all", -1), (1024, "all", -1)):
        messages = megabytes * 1_000_000 // record_bytes
        gigabytes = messages * record_bytes / 1e9
        topic = f"beside-{os.getpid()}-{turn}-{record_bytes}-{acks_name}"
        make_topic(broker, topic)
        produce = ["-P", "-t", topic, "-s", record_bytes, "-c", messages, "-a", acks, *PRODUCER]
        costs[f"produce {record_bytes} B, acks={acks_name}"] = cost_of(broker, produce) / gigabytes
        if acks == -1:
            assigned = [word for index in range(PARTITIONS) for word in ("-p", index)]
            consume = ["-C", "-t", topic, *assigned, "-o", "beginning", "-c", messages, *CONSUMER]
            costs[f"consume, {record_bytes} B"] = cost_of(broker, consume) / gigabytes
            forget_pages(broker.log_folder)
            before = read_bytes(broker.pid)
            costs[f"consume from disk, {record_bytes} B"] = cost_of(broker, consume) / gigabytes
            if read_bytes(broker.pid) - before < messages * record_bytes:
                raise Failure(f"{broker.name}: only {read_bytes(broker.pid) - before:,} bytes came from the disk")
        delete_topic(broker, topic)
    return costs


def show(what, kafka, millrace, better, goal):
    """`better`: whether more or less is better."""
    ratios = [ours / theirs if better == "more" else theirs / ours for theirs, ours in zip(kafka, millrace) if theirs and ours]
    ratio = statistics.median(ratios)
    verdict = "" if goal is None else f"  goal {goal:.3g}: {'met' if ratio >= goal else 'MISSED'}"
    print(f"{what:52} {statistics.median(kafka):12.4g} {statistics.median(millrace):12.4g} {min(ratios):7.2f} {ratio:7.2f} {max(ratios):7.2f}{verdict}",
          flush=True)
    return goal is None or ratio >= goal


def settle(broker, nice):
    """Every thread of the broker at that nice value."""
    for thread in os.listdir(f"/proc/{broker.pid}/task"):
        try:
            os.setpriority(os.PRIO_PROCESS, int(thread), nice)
        except (ProcessLookupError, PermissionError):
            pass


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--connections", default="10 50")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--warm-up", type=int, default=15, help="seconds of load on each connection count before the first turn")
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--nice", type=int, default=0)
    parser.add_argument("--requests-only", action="store_true")
    parser.add_argument("--throughput-only", action="store_true")
    options = parser.parse_args()
    if options.nice:
        os.setpriority(os.PRIO_PROCESS, 0, options.nice)
    brokers = {"kafka": OracleBroker(), "millrace": MillraceBroker()}
    met = True
    try:
        for broker in brokers.values():
            broker.start()
            settle(broker, options.nice)
        print(f"# {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the beginning, {options.turns} turns, nice {options.nice}, "
              f"congestion control {congestion_control()}")
        print(f"{'what':52} {'Kafka':>12} {'Millrace':>12} {'ratio: min':>7} {'median':>7} {'max':>7}")
        if not options.throughput_only:
            requests_per_cpu_second(brokers["kafka"], options.connections, options.warm_up)
            found = {name: [] for name in brokers}
            for _ in range(options.turns):
                for name, broker in brokers.items():
                    found[name].append(requests_per_cpu_second(broker, options.connections, options.seconds))
            for connections in map(int, options.connections.split()):
                by = {name: [turn[connections] for turn in turns] for name, turns in found.items()}
                met &= show(f"produce requests a CPU second, {connections} connections", by["kafka"], by["millrace"], "more", REQUESTS_GOAL)
        if not options.requests_only:
            throughput(brokers["kafka"], "warm", options.megabytes)
            found = {name: [] for name in brokers}
            for turn in range(options.turns):
                for name, broker in brokers.items():
                    found[name].append(throughput(broker, turn, options.megabytes))
            for what in found["kafka"][0]:
                by = {name: [turn[what] for turn in turns] for name, turns in found.items()}
                met &= show(f"{what}, CPU seconds a GB", by["kafka"], by["millrace"], "less", THROUGHPUT_GOALS[what.split(",")[0]])
        print(f"# load {os.getloadavg()[0]:.1f} at the end")
    finally:
        for broker in brokers.values():
            broker.close()
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
