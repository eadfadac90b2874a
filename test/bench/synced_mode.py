#!/usr/bin/env python3
"""Millrace's synced mode and real Kafka 3.9 with flush.messages=1 under the same load on the same disk, in turns, in one run.

    synced_mode.py [--turns N] [--cases "PRODUCERSxPARTITIONS ..."] [--megabytes M] [--batch-bytes B] [--record-bytes B]

Needs the Kafka lab ($KAFKA_LAB) with librdkafka built. Each producer is a process of rdkafka_performance with acks=1 that sends its share of
M megabytes as fast as it is answered, in batches of up to B bytes. What is compared is the time until the last answer: the median over the
turns, and the median of the ratios of each turn. Only one broker has load at a time. What a disk can do is said too: syncs a second of one
block, and of one batch, one after the other.
"""
import argparse
import mmap
import os
import subprocess
import statistics
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from bench.beside_kafka import PERFORMANCE, cpu_seconds, delete_topic  # noqa: E402
from harness import paths  # noqa: E402
from harness.brokers import MillraceBroker, OracleBroker  # noqa: E402
from harness.checks import Failure  # noqa: E402
from harness.processes import run  # noqa: E402

GOAL = 3
SYNCED = {"log.flush.interval.messages": "1"}


def make_topic(broker, topic, partitions):
    run([os.path.join(paths.KAFKA_LAB, "kafka-run"), "kafka-topics", "--bootstrap-server", broker.bootstrap, "--create", "--topic", topic,
         "--partitions", partitions, "--replication-factor", 1], timeout=60)


def syncs_per_second(size, seconds=2):
    """Of writes past the page cache over what is there, each with its sync."""
    with tempfile.NamedTemporaryFile() as file:
        descriptor = os.open(file.name, os.O_RDWR | os.O_DIRECT)
        try:
            room = mmap.mmap(-1, 1 << 20)
            for position in range(0, 16 << 20, 1 << 20):
                os.pwrite(descriptor, room, position)
            os.fdatasync(descriptor)
            block, count, began = memoryview(room)[:size], 0, time.monotonic()
            while time.monotonic() - began < seconds:
                os.pwrite(descriptor, block, count * size % (16 << 20) // size * size)
                os.fdatasync(descriptor)
                count += 1
            return count / (time.monotonic() - began)
        finally:
            os.close(descriptor)


def megabytes_per_second(broker, topic, producers, partitions, options):
    make_topic(broker, topic, partitions)
    messages = options.megabytes * 1_000_000 // options.record_bytes // producers
    command = [PERFORMANCE, "-P", "-b", broker.bootstrap, "-t", topic, "-s", options.record_bytes, "-c", messages, "-a", 1,
               "-X", f"linger.ms={options.linger_ms}", "-X", f"batch.size={options.batch_bytes}", "-X", "log_level=2",
               "-X", "queue.buffering.max.messages=100000", "-X", "message.timeout.ms=600000", "-X", "sticky.partitioning.linger.ms=0"]
    cpu, began = cpu_seconds(broker.pid), time.monotonic()
    clients = [subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(producers)]
    for client in clients:
        _, error = client.communicate(timeout=900)
        if client.returncode != 0:
            raise Failure(f"a producer ended with {client.returncode}: {error.decode()[-500:]}")
    took = time.monotonic() - began
    used = cpu_seconds(broker.pid) - cpu
    delete_topic(broker, topic)
    return messages * producers * options.record_bytes / 1e6 / took, used / (messages * producers * options.record_bytes / 1e9)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--cases", default="1x1 4x12 8x100")
    parser.add_argument("--megabytes", type=int, default=50)
    parser.add_argument("--batch-bytes", type=int, default=16384)
    parser.add_argument("--record-bytes", type=int, default=1024)
    parser.add_argument("--linger-ms", type=int, default=5)
    options = parser.parse_args()
    brokers = {"kafka": OracleBroker(SYNCED), "millrace": MillraceBroker(settings=SYNCED)}
    met = True
    try:
        for broker in brokers.values():
            broker.start()
        print(f"# {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the beginning, {options.turns} turns of {options.megabytes} MB, "
              f"records of {options.record_bytes} bytes in batches of up to {options.batch_bytes}")
        print(f"# the disk alone: {syncs_per_second(4096):.0f} syncs a second of 4 KiB, {syncs_per_second(options.batch_bytes // 4096 * 4096):.0f} of a batch")
        for name, broker in brokers.items():  # Java compiles what is used often
            megabytes_per_second(broker, f"synced-{os.getpid()}-warm-{name}", 4, 12, options)
        print(f"{'producers x partitions':24} {'Kafka MB/s':>12} {'Millrace MB/s':>14} {'ratio: min':>10} {'median':>7} {'max':>7}   CPU s/GB")
        for case in options.cases.split():
            producers, partitions = map(int, case.split("x"))
            found = {name: [] for name in brokers}
            for turn in range(options.turns):
                for name, broker in brokers.items():
                    found[name].append(megabytes_per_second(broker, f"synced-{os.getpid()}-{case}-{turn}", producers, partitions, options))
            speed = {name: [one[0] for one in turns] for name, turns in found.items()}
            cpu = {name: statistics.median(one[1] for one in turns) for name, turns in found.items()}
            ratios = [ours / theirs for theirs, ours in zip(speed["kafka"], speed["millrace"])]
            ratio = statistics.median(ratios)
            met &= ratio >= GOAL
            print(f"{case:24} {statistics.median(speed['kafka']):12.1f} {statistics.median(speed['millrace']):14.1f} {min(ratios):10.2f} {ratio:7.2f} "
                  f"{max(ratios):7.2f}   {cpu['kafka']:.2f} / {cpu['millrace']:.2f}  goal {GOAL}: {'met' if ratio >= GOAL else 'MISSED'}", flush=True)
        print(f"# load {os.getloadavg()[0]:.1f} at the end")
    finally:
        for broker in brokers.values():
            broker.close()
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
