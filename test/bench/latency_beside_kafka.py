#!/usr/bin/env python3
"""Millrace and real Kafka 3.9 at half of the rate that Kafka can take: how long a record takes from its producer to its consumer.

    latency_beside_kafka.py [--turns N] [--seconds S] [--rate MESSAGES_PER_SECOND] [--nice N]

Needs the Kafka lab ($KAFKA_LAB) with librdkafka built. The load is the lab's e2e-probe: records of 100 bytes at a fixed rate whatever comes back,
acks=all, no linger, four partitions; latency counts from the instant at which a record was to be sent. Kafka's rate is looked for first: the
largest at which the probe keeps its pace and half of the records take less than 50 ms. Then both brokers take half of it, in turns.
"""
import argparse
import os
import statistics
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from bench.beside_kafka import CACHE, delete_topic, make_topic, settle  # noqa: E402
from harness import paths  # noqa: E402
from harness.brokers import MillraceBroker, OracleBroker  # noqa: E402
from harness.checks import Failure  # noqa: E402
from harness.processes import run  # noqa: E402

PROBE = os.path.join(CACHE, "bin", "e2e-probe")
RECORD_BYTES = 100
WARM_UP_S = 2
SLOWEST_MEDIAN_US = 50_000
PACE = 0.97  # of the rate that was asked for
GOAL = 1 / 3
PARTS = ("p50", "p99", "p99.9")


def build_probe():
    """As the lab's benches do it, but with curl, which librdkafka takes where it was built on a machine that has it."""
    source, library = os.path.join(paths.KAFKA_LAB, "c", "e2e-probe.c"), os.path.join(CACHE, "librdkafka", "src", "src")
    if os.path.exists(PROBE) and os.path.getmtime(PROBE) > os.path.getmtime(source):
        return
    include = os.path.join(CACHE, "bin", "inc")
    os.makedirs(include, exist_ok=True)
    if not os.path.exists(os.path.join(include, "librdkafka")):
        os.symlink(library, os.path.join(include, "librdkafka"))
    with open(os.path.join(library, "librdkafka.a"), "rb") as file:
        curl = ["-lcurl"] if b"curl_easy_init" in file.read() else []
    run(["gcc", "-O2", "-o", PROBE, source, f"-I{include}", os.path.join(library, "librdkafka.a"),
         *(f"-l{name}" for name in ("m", "z", "zstd", "lz4", "ssl", "crypto", "sasl2", "dl", "pthread", "rt")), *curl], timeout=120)


def latencies(broker, topic, rate, seconds, expect=None):
    """{part: microseconds}, and messages a second as they were sent. `expect` 0: every message has to arrive."""
    output = run([PROBE, broker.bootstrap, topic, rate, RECORD_BYTES, seconds, "all", WARM_UP_S], timeout=60 + 3 * seconds, expect=expect)
    rows = {fields[0]: fields for fields in (line.split("\t") for line in output.splitlines())}
    if "e2e" not in rows:
        raise Failure(f"e2e-probe says:\n{output}")
    real_rate = float(output.rpartition("real rate")[2].split("/")[0])
    return dict(zip(PARTS, map(float, rows["e2e"][3:6]))), real_rate


def measured(broker, topic, rate, seconds):
    """{part: microseconds} of a turn in which everything was sent in time and arrived."""
    found, real_rate = latencies(broker, topic, rate, seconds, expect=0)
    if real_rate < PACE * rate:
        raise Failure(f"{broker.name}: only {real_rate:,.0f}/s were sent of {rate:,}/s")
    return found


def is_taken(broker, topic, rate, seconds):
    found, real_rate = latencies(broker, topic, rate, seconds)
    print(f"# Kafka at {rate:,}/s: {real_rate:,.0f}/s sent, p50 {found['p50'] / 1e3:.1f} ms", flush=True)
    return real_rate >= PACE * rate and found["p50"] < SLOWEST_MEDIAN_US


def largest_rate(broker, topic, seconds):
    low, high = 5_000, None
    while high is None or high > 1.2 * low:
        rate = 2 * low if high is None else (low + high) // 2
        if is_taken(broker, topic, rate, seconds):
            low = rate
        else:
            high = rate
    return low


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--rate", type=int, help="instead of half of what Kafka takes")
    parser.add_argument("--nice", type=int, default=0)
    options = parser.parse_args()
    if options.nice:
        os.setpriority(os.PRIO_PROCESS, 0, options.nice)
    build_probe()
    brokers = {"kafka": OracleBroker(), "millrace": MillraceBroker()}
    topic = f"latency-{os.getpid()}"
    try:
        for broker in brokers.values():
            broker.start()
            settle(broker, options.nice)
            make_topic(broker, topic)
        latencies(brokers["kafka"], topic, 5_000, options.seconds)  # Java warms up
        rate = options.rate or largest_rate(brokers["kafka"], topic, options.seconds) // 2
        found = {name: [] for name in brokers}
        print(f"# {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {rate:,} records a second, {options.turns} turns of {options.seconds} s")
        for _ in range(options.turns):
            for name, broker in brokers.items():
                found[name].append(measured(broker, topic, rate, options.seconds))
        for broker in brokers.values():
            delete_topic(broker, topic)
    finally:
        for broker in brokers.values():
            broker.close()
    met = True
    print(f"{'producer to consumer, ms':28} {'Kafka':>10} {'Millrace':>10} {'ratio: min':>10} {'median':>8} {'max':>8}")
    for part in PARTS:
        theirs, ours = ([turn[part] / 1e3 for turn in found[name]] for name in ("kafka", "millrace"))
        ratios = [mine / his for his, mine in zip(theirs, ours)]
        ratio = statistics.median(ratios)
        goal = "" if part == "p50" else f"  goal {GOAL:.2f}: {'met' if ratio <= GOAL else 'MISSED'}"
        met &= part == "p50" or ratio <= GOAL
        print(f"{part:28} {statistics.median(theirs):10.2f} {statistics.median(ours):10.2f} {min(ratios):10.2f} {ratio:8.2f} {max(ratios):8.2f}{goal}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
