#!/usr/bin/env python3
"""SIGKILL of the broker under load, again and again: every record that was acknowledged is there, once from an idempotent producer, at least
once from others, in order. The page cache survives, as it does when a process dies.

    kill_under_load.py [--kills 200] [--seed N]     this build's broker (build/release)

Topics: a plain one, one with small segments, one that is compacted all the time, one with flush.messages=1. The broker is killed at random moments
after it has acknowledged again, with requests under way, which is counted; a part of the starts is killed too, while it recovers."""
import argparse
import os
import random
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from compat.answer_script import Connection  # noqa: E402
from fault.load import Producer, Read, check_all, check_compacted  # noqa: E402
from harness.brokers import MillraceBroker  # noqa: E402
from harness.checks import require, require_equal, wait_until  # noqa: E402
from harness.processes import run  # noqa: E402

SETTINGS = {"log.retention.ms": "-1", "log.cleaner.backoff.ms": "20", "log.cleaner.dedupe.buffer.size": "16777216", "log.index.interval.bytes": "500",
            "log.segment.delete.delay.ms": "200", "log.flush.offset.checkpoint.interval.ms": "300", "log.flush.scheduler.interval.ms": "200",
            "log.initial.task.delay.ms": "50"}
# Name -> partitions, configuration.
TOPICS = {
    "plain": (6, {}),
    "small": (3, {"segment.bytes": "20000"}),
    "compacted": (3, {"cleanup.policy": "compact", "segment.bytes": "20000", "min.cleanable.dirty.ratio": "0.01"}),
    "synced": (3, {"flush.messages": "1", "segment.bytes": "100000"}),
}
LOAD_S = (0.0, 0.35)      # from the first acknowledgement after a start to the kill
START_S = (0.0, 0.1)      # from a start that is killed, to the kill
KILLED_STARTS = 0.15


class Run:
    def __init__(self, kills, seed):
        self.kills, self.random = kills, random.Random(seed)
        self.broker = MillraceBroker(settings=SETTINGS)
        self.producers = []
        self.under_way = self.killed_starts = 0

    def start(self):
        self.broker.start()
        connection = Connection(self.broker.port)
        wait_until(30, "the broker's knowledge of itself", lambda: connection.ask("Metadata", 1, {"topics": []})["brokers"])
        wanted = [{"name": name, "num_partitions": partitions, "replication_factor": 1,
                   "configs": [{"name": key, "value": value} for key, value in configs.items()]} for name, (partitions, configs) in TOPICS.items()]
        answer = connection.ask("CreateTopics", 5, {"timeout_ms": 20000, "topics": wanted})
        require_equal([0] * len(TOPICS), [topic["error_code"] for topic in answer["topics"]], "the errors of CreateTopics")
        connection.close()
        for topic, (partitions, _) in TOPICS.items():
            for idempotent in (True, False):
                name = f"{'idempotent' if idempotent else 'repeating'}-{topic}"
                self.producers.append(Producer(name, self.broker.port, topic, partitions, idempotent, self.random.random()))
        for producer in self.producers:
            producer.thread.start()

    def kill_often(self):
        for kill in range(self.kills):
            before = {producer: producer.answers for producer in self.producers}
            wait_until(60, f"an answer to every producer after kill {kill}",
                       lambda: all(producer.answers > before[producer] or producer.failure for producer in self.producers), interval=0.005)  # noqa: B023
            self.require_no_failure()
            time.sleep(self.random.uniform(*LOAD_S))
            lost = sum(producer.lost for producer in self.producers)
            wait_until(20, "requests that are not answered", lambda: sum(len(producer.sent) for producer in self.producers) > 0, interval=0)
            self.broker.kill()
            wait_until(20, "the producers to see it", lambda: all(producer.connection is None or producer.failure for producer in self.producers),
                       interval=0.002)
            self.under_way += sum(producer.lost for producer in self.producers) > lost
            while self.random.random() < KILLED_STARTS:
                self.broker.start(wait=False)
                time.sleep(self.random.uniform(*START_S))
                self.broker.kill()
                self.killed_starts += 1
            self.broker.start()

    def require_no_failure(self):
        for producer in self.producers:
            if producer.failure:
                raise producer.failure

    def finish(self):
        """What is pending is acknowledged; then everything is read. The figures, for people."""
        for producer in self.producers:
            producer.writing = False
        for producer in self.producers:
            producer.thread.join(60)
        self.require_no_failure()
        require(not any(producer.thread.is_alive() for producer in self.producers), "a producer still waits for its last answers")
        again = gone = 0
        for topic in TOPICS:
            read = Read(self.read(topic))
            for producer in (each for each in self.producers if each.topic == topic):
                if topic == "compacted":
                    gone += check_compacted(producer, read)
                else:
                    again += check_all(producer, read)
        records = sum(sum(producer.next) for producer in self.producers)
        require(gone > 0, "nothing was compacted")
        require_equal(self.kills, self.under_way, "kills that hit requests under way")
        return (f"{self.kills} kills, {self.under_way} of them with requests under way ({sum(producer.lost for producer in self.producers)} in all), "
                f"{self.killed_starts} starts killed too; {records} records acknowledged, none missing; {again} twice from producers that are not "
                f"idempotent; compaction took {gone}")

    def read(self, topic):
        return run(["kcat", "-b", self.broker.bootstrap, "-C", "-t", topic, "-o", "beginning", "-e", "-q", "-f", "%p|%o|%k|%s\n"],
                   timeout=180).splitlines()

    def close(self):
        for producer in self.producers:
            producer.writing = False
            producer.pending = {}
        self.broker.close()


def kill_under_load(kills, seed=None):
    seed = random.randrange(1 << 30) if seed is None else seed
    print(f"    seed {seed}", flush=True)
    load = Run(kills, seed)
    try:
        load.start()
        load.kill_often()
        print("    " + load.finish(), flush=True)
    finally:
        load.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int)
    options = parser.parse_args()
    begin = time.monotonic()
    kill_under_load(options.kills, options.seed)
    print(f"    {time.monotonic() - begin:.0f} s")


if __name__ == "__main__":
    main()
