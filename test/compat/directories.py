"""Log directories go from Kafka to this broker, back, and here again, each time opened where they are: same records, offsets, producers,
epochs, files. A topic written by Kafka with all that a directory can hold; kill -9 on either side; the znodes by the broker's own commands."""
import contextlib
import hashlib
import json
import os
import re
import shutil

from compat import old_format_clients
from compat.answer_script import Connection
from compat.directory_corpus import SETTINGS, Corpus, golden_batches, put_old_formats
from compat.files import dump_log
from compat.partition_view import Viewer, require_same, side_by_side
from harness.brokers import MillraceBroker, OracleBroker
from harness.checks import Failure, require, require_equal, wait_until
from harness.processes import run
from harness.zookeeper import ZooKeeper

CHROOT = "/compat"
INDEXES = (".index", ".timeindex")
DUMPED = (".log", ".index", ".timeindex", ".txnindex", ".snapshot")
# The gaps that compaction and messages within messages make are told at the end.
LINE = re.compile(r"(?:Dumping|Non-consecutive( offsets) in) (\S+)")
COMPLAINTS = ("Mismatches", "Found timestamp mismatch", "Indexed offset", "Found out of order", "isvalid: false", "Could not", "Exception")


def checks(context):
    names = ("a directory that Kafka left after kill -9 opens here: every answer is Kafka's, and every file after a clean stop",
             "formats 0 and 1 of a recovered directory, by every version of Fetch and by old and new clients: as from Kafka",
             "a directory that this broker left after kill -9 opens in Kafka and here: every answer is the same, and every file that recovery makes",
             "a directory that this broker closed opens in Kafka: every answer and every dump is the same",
             "Kafka gives the directory back: every answer is the same, and the commands refuse what they must")
    if not any(context.checks.selected(name) for name in names):
        return
    if not context.broker.can_restart or context.broker.name == "kafka":
        for name in names:
            context.checks.skip(name, "it is about this broker beside a Kafka of the lab")
        return
    with Journey(context) as journey:
        for name, stage in zip(names, (journey.from_kafka, journey.old_formats, journey.killed_to_kafka, journey.closed_to_kafka, journey.back)):
            journey.goes_on = journey.goes_on and context.checks.check(name, stage)
            if not journey.goes_on:
                return  # what follows is made of this


class Journey:
    """The brokers on the way, and what was seen last."""

    def __init__(self, context):
        self.context, self.goes_on = context, True
        self.open = contextlib.ExitStack()
        self.kafka = self.ours = self.corpus = self.topics = self.seen = None
        self.epochs = 0  # the highest leader epoch

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.open.close()

    def oracle(self):
        broker = OracleBroker(SETTINGS)
        self.open.callback(broker.close)
        return broker

    def view(self, broker):
        with contextlib.closing(Connection(broker.port)) as connection:
            return Viewer(connection).all(self.topics, self.epochs)

    def command(self, option, kafka, expect=0, chroot=CHROOT):
        said = run([self.ours.binary, self.ours.write_settings(), option, f"127.0.0.1:{kafka.zookeeper_port}{chroot}"], timeout=60, expect=expect, merge=True)
        return said.strip().splitlines()[-1]

    # ---- Kafka writes, is killed, and this broker opens what it left.
    def from_kafka(self):
        kafka = self.kafka = self.oracle()
        kafka.start()
        corpus = self.corpus = Corpus(kafka, "kafka", 5)
        corpus.write()
        corpus.create_old_formats()
        kafka.stop()
        put_old_formats(kafka.log_folder)
        self.next_epochs(kafka, (3, 1))
        kafka.start()
        corpus.connect()
        wait_until(30, "the partition's leader", lambda: corpus.offset("codecs", -1)[0] == 0)
        corpus.write_more()
        with contextlib.closing(Connection(kafka.port)) as connection:
            self.topics = Viewer(connection).topics()
        kafka.kill()
        ours = self.ours = MillraceBroker(settings=SETTINGS)
        self.open.callback(ours.close)
        copy(kafka.log_folder, ours.log_folder)
        refused = self.command("--import-znodes", kafka, expect=1)
        require("until its session has expired" in refused, refused)
        wait_until(30, "the end of the killed broker's session", lambda: not registered(kafka))
        said = self.command("--import-znodes", kafka)
        require(f"{len(self.topics)} topics" in said, said)
        ours.start()
        kafka.start()
        self.seen = self.view(kafka)
        require(sum(len(lines) for lines in self.seen.values()) > 1000, f"only {self.seen}")
        self.require_variety()
        require_same(self.seen, self.view(ours), "this broker")

    def next_epochs(self, kafka, steps):
        """Leader epochs end as by failovers: the next controller finds no leader."""
        with ZooKeeper(kafka.zookeeper_port, CHROOT) as zookeeper:
            for topic in zookeeper.children("/brokers/topics"):
                path = f"/brokers/topics/{topic}/partitions/0/state"
                state = zookeeper.json(path)
                state["leader"], state["leader_epoch"] = -1, state["leader_epoch"] + steps[len(topic) % len(steps)]
                zookeeper.set(path, json.dumps(state).encode())
                self.epochs = max(self.epochs, state["leader_epoch"] + 1)

    def require_variety(self):
        lines = [line for partition in self.seen.values() for line in partition]
        for what, found in (("aborted transactions", any(line[0] == "committed" and isinstance(line[-1], tuple) for line in lines)),
                            ("open transactions", any(line[0] == "offsets" and line[3] < line[2] for line in lines)),
                            ("a moved start", any(line[0] == "offsets" and line[1] == 151 for line in lines)),
                            ("epochs", len({line[3] for line in lines if line[0] == "epoch"}) > 2),
                            ("old formats", any(line[0] == "batch" and ("magic", 0) in line for line in lines)),
                            ("producers", any(line[0] == "producer" for line in lines))):
            require(found, f"the corpus has no {what}")

    # ---- Fetches of all versions, clients of all times.
    def old_formats(self):
        old_format_clients.compare(self.context, self.kafka, self.ours)
        # What recovery made of the files, on both sides.
        self.kafka.stop()
        require_equal(0, self.ours.stop(), "the exit code")
        self.require_same_files(self.kafka.log_folder, self.ours.log_folder)

    @staticmethod
    def require_same_files(expected, found, but=frozenset()):
        names = {folder: relevant(folder) for folder in (expected, found)}
        require_equal(names[expected], names[found], "the files")
        for name in set(names[expected]) - but:
            digests = [digest(os.path.join(folder, name)) for folder in (expected, found)]
            require(digests[0] == digests[1], f"{name} differs: {expected} {found}")

    # ---- This broker writes, is killed, is closed, and Kafka opens what it left.
    def killed_to_kafka(self):
        self.ours.start()
        self.kafka.close()
        corpus = Corpus(self.ours, "ours", 7, markers=False)
        self.open.callback(corpus.close)
        corpus.write()
        corpus.sequences.update(self.corpus.sequences)
        corpus.word = "kafka"  # the topics that came from there
        corpus.write_more(transactions=False)
        corpus.word = "ours"
        with contextlib.closing(Connection(self.ours.port)) as connection:
            self.topics = Viewer(connection).topics()
        self.corpus = corpus
        self.seen = self.view(self.ours)
        self.ours.kill()
        kafka = self.oracle()
        self.give(kafka)
        kafka.start()
        require_same(self.seen, self.view(kafka), "Kafka")
        kafka.stop()
        self.ours.start()
        require_same(self.seen, self.view(self.ours), "this broker after kill -9")
        # What each of them has recovered.
        require_equal(0, self.ours.stop(), "the exit code")
        # Kafka makes a compacted log's older snapshots anew, of what compaction has left; here the fuller ones stay.
        older = self.corpus.files("compacted", ".snapshot")[:-1]
        self.require_same_files(kafka.log_folder, self.ours.log_folder, {os.path.join(f"{self.corpus.name('compacted')}-0", name) for name in older})
        kafka.close()

    def give(self, kafka):
        """Kafka gets a copy of the directory, and the znodes."""
        copy(self.ours.log_folder, kafka.log_folder)
        self.command("--export-znodes", kafka)
        with ZooKeeper(kafka.zookeeper_port, CHROOT) as zookeeper:
            require_equal([], zookeeper.children("/brokers/ids"), "registered brokers")
            require(zookeeper.get("/millrace") is None, "what is our own is in Kafka's tree")
            for topic in self.topics:
                state = zookeeper.json(f"/brokers/topics/{topic}/partitions/0/state")
                epochs = os.path.join(self.ours.log_folder, f"{topic}-0", "leader-epoch-checkpoint")
                with open(epochs, encoding="utf-8") as file:
                    last = int(file.read().split()[-2])
                require(state["leader_epoch"] >= last, f"{topic}: epoch {last} is in the log, {state} in ZooKeeper")

    def closed_to_kafka(self):
        self.ours.start()
        self.corpus.connect()
        wait_until(30, "the partition's leader", lambda: self.corpus.offset("codecs", -1)[0] == 0)
        self.corpus.write_more(transactions=False)
        self.seen = self.view(self.ours)
        require_equal(0, self.ours.stop(), "the exit code")
        before = dump(self.ours.log_folder)
        kafka = self.kafka = self.oracle()
        self.give(kafka)
        kafka.start()
        require_same(self.seen, self.view(kafka), "Kafka")
        kafka.stop()
        after = dump(kafka.log_folder)
        require_equal(sorted(set(before) - strays(before)), sorted(after), "the dumped files")
        for name, lines in after.items():
            require(before[name] == lines, f"{name} differs: {[pair for pair in zip(before[name], lines) if pair[0] != pair[1]][:2]}")

    def consumed(self, broker):
        """What librdkafka makes of the records, keys, headers and times."""
        return side_by_side(lambda topic: run(["kcat", "-C", "-b", broker.bootstrap, "-t", topic, "-p", "0", "-o", "beginning", "-e", "-q",
                                               "-X", "fetch.wait.max.ms=10", "-f", r"%o|%T|%k|%K|%s|%S|%h\n"], timeout=60), list(self.topics))

    # ---- And back.
    def back(self):
        refused = self.command("--export-znodes", self.kafka, expect=1)
        require("has had a later controller" in refused, refused)
        self.next_epochs(self.kafka, (2, 5))
        self.kafka.start()
        wait_until(30, "registration", lambda: registered(self.kafka))
        refused = self.command("--import-znodes", self.kafka, expect=1)
        require("broker 0 is registered in the ZooKeeper" in refused, refused)
        self.corpus.broker = self.kafka
        self.corpus.connect()
        wait_until(30, "the partition's leader", lambda: self.corpus.offset("codecs", -1)[0] == 0)
        self.corpus.write_more(transactions=False)
        self.corpus.create("new")
        self.corpus.produce("new", next(golden_batches()))
        self.topics[self.corpus.name("new")] = 1
        self.seen, consumed = self.view(self.kafka), self.consumed(self.kafka)
        self.kafka.stop()
        shutil.rmtree(self.ours.log_folder)
        copy(self.kafka.log_folder, self.ours.log_folder)
        refused = self.command("--import-znodes", self.kafka, expect=1, chroot="/nothing")
        require("has no cluster" in refused, refused)
        self.command("--import-znodes", self.kafka)
        self.ours.start()
        require_same(self.seen, self.view(self.ours), "this broker")
        require_equal(consumed, self.consumed(self.ours), "what a consumer gets")
        refused = self.command("--export-znodes", self.kafka, expect=1)
        require("a broker runs on the metadata store" in refused, refused)


def registered(kafka):
    with ZooKeeper(kafka.zookeeper_port, CHROOT) as zookeeper:
        return zookeeper.children("/brokers/ids")


def copy(source, target):
    """With the times of the files: what has no timestamp has those."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    run(["cp", "-a", "--sparse=always", source, target])


def relevant(folder):
    """Segments, indexes, snapshots, epochs: what recovery makes or keeps."""
    return sorted(os.path.join(name, file) for name in os.listdir(folder) if os.path.isdir(os.path.join(folder, name))
                  and not name.startswith("__") for file in os.listdir(os.path.join(folder, name)))


def strays(names):
    """Snapshots of an earlier end of the log, in the middle of a segment: whoever loads the log next removes them."""
    snapshots = [name for name in names if name.endswith(".snapshot")]
    newest = {os.path.dirname(name): name for name in sorted(snapshots)}
    return {name for name in snapshots if name.replace(".snapshot", ".log") not in names and newest[os.path.dirname(name)] != name}


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def dump(folder):
    """What DumpLogSegments says of each file, and that it has nothing to complain about."""
    files = [os.path.join(folder, name) for name in relevant(folder) if name.endswith(DUMPED)]
    indexes = [name for name in files if name.endswith(INDEXES)]
    said = dump_log("--deep-iteration", "--print-data-log", "--files", ",".join(files))
    verified = dump_log("--verify-index-only", "--files", ",".join(indexes))
    for complaint in COMPLAINTS:
        at = (said + verified).find(complaint)
        if at >= 0:
            raise Failure(f"DumpLogSegments complains: {(said + verified)[max(0, at - 300):at + 500]}")
    found, current = {}, None
    for line in said.splitlines():
        if start := LINE.match(line):
            current = found.setdefault(os.path.relpath(start.group(2), folder) + (start.group(1) or ""), [])
        else:
            current.append(line.replace(folder, ""))
    return found
