"""A broker with two log directories: replicas move between them under load, and one of them runs full."""
import contextlib
import errno
import os
import random
import subprocess
import threading
import time

from compat.answer_script import Connection
from harness import paths
from harness.brokers import MillraceBroker, OracleBroker, free_port
from harness.checks import Failure, require, require_equal, wait_until
from harness.record_bytes import batch

MOVES = 12
PARTITIONS = 3
VALUE = 2000
MOVE_BYTES_PER_SECOND = 2_000_000  # so slow that kills come within moves
STORAGE_ERROR, UNKNOWN_LEADER = 56, 6
NAMES = ("replicas move between log directories under load", "replicas move on after kill -9",
         "a log directory whose disk fails under the broker goes offline alone", "a log directory without space goes offline alone",
         "a read-only log directory stops nobody else")
FAILING_DISK = os.path.join(paths.BUILD, "test", "compat", "libmillrace_failing_disk.so")


def checks(context):
    if not any(context.checks.selected(name) for name in NAMES):
        return
    if not context.broker.can_restart:
        context.checks.skip("log directories", "they need brokers of their own")
        return
    oracle = context.broker.name == "kafka"
    context.checks.check(NAMES[0], move_under_load, oracle)
    if oracle:
        return  # Kafka may refuse to start between two names of a log, and its answers while a disk fails are told elsewhere
    context.checks.check(NAMES[1], move_under_kills)
    context.checks.check(NAMES[2], fail_under_the_broker)
    if not may_mount():
        for name in NAMES[3:]:
            context.checks.skip(name, "mounting is not permitted")
        return
    context.checks.check(NAMES[3], run_full)
    context.checks.check(NAMES[4], start_read_only)


class TwoDirectories:
    """The broker, its directories, and requests to it."""

    def __init__(self, oracle=False, **settings):
        settings = {"log.segment.bytes": "200000", "num.partitions": "1", **{key.replace("_", "."): value for key, value in settings.items()}}
        self.broker = OracleBroker(settings) if oracle else MillraceBroker(settings=settings)
        self.paths = [os.path.join(self.broker.folder, "logs", name) for name in ("one", "two")]
        for path in self.paths:
            os.makedirs(path)
        self.broker.settings["log.dirs"] = ",".join(self.paths)
        self.broker.port = self.broker.port or free_port()

    def start(self):
        self.broker.start()
        with self.connection() as connection:
            wait_until(30, "the broker's knowledge of itself", lambda: connection.ask("Metadata", 1, {"topics": []})["brokers"])

    def connection(self):
        return contextlib.closing(Connection(self.broker.port))

    def create(self, topic, partitions, **configs):
        with self.connection() as connection:
            answer = connection.ask("CreateTopics", 5, {"timeout_ms": 20000, "topics": [
                {"name": topic, "num_partitions": partitions, "replication_factor": 1,
                 "configs": [{"name": key.replace("_", "."), "value": value} for key, value in configs.items()]}]})
            require_equal(0, answer["topics"][0]["error_code"], "the error of CreateTopics")
            for partition in range(partitions):
                wait_until(20, "the topic's leader", lambda index=partition: end_offset(connection, topic, index) is not None)

    def move(self, topic, partition, path):
        with self.connection() as connection:
            answer = connection.ask("AlterReplicaLogDirs", 2, {"dirs": [
                {"path": path, "topics": [{"name": topic, "partitions": [partition]}]}]})
            return answer["results"][0]["partitions"][0]["error_code"]

    def limit_moves(self, bytes_per_second):
        with self.connection() as connection:
            answer = connection.ask("IncrementalAlterConfigs", 1, {"validate_only": False, "resources": [
                {"resource_type": 4, "resource_name": "0", "configs": [
                    {"name": "replica.alter.log.dirs.io.max.bytes.per.second", "config_operation": 0, "value": str(bytes_per_second)}]}]})
            require_equal(0, answer["responses"][0]["error_code"], "the error of IncrementalAlterConfigs")

    def bytes_of(self, folder):
        """Of the segments of one partition, wherever it is."""
        return sum(os.path.getsize(os.path.join(path, folder, name)) for path in self.paths if os.path.isdir(os.path.join(path, folder))
                   for name in os.listdir(os.path.join(path, folder)) if name.endswith(".log"))

    def places(self, topic):
        """Partition -> [(directory's number, whether it is a copy)]."""
        found = {}
        with self.connection() as connection:
            for directory in connection.ask("DescribeLogDirs", 1, {"topics": None})["results"]:
                for entry in directory["topics"]:
                    for part in entry["partitions"] if entry["name"] == topic else []:
                        found.setdefault(part["partition_index"], []).append((self.paths.index(directory["log_dir"]), part["is_future_key"]))
        return found

    def wait_for(self, topic, partition, number):
        wait_until(90, f"partition {partition} in directory {number}, not {self.places(topic).get(partition)}",
                   lambda: self.places(topic).get(partition) == [(number, False)])


def end_offset(connection, topic, partition):
    answer = connection.ask("ListOffsets", 5, {"replica_id": -1, "topics": [
        {"name": topic, "partitions": [{"partition_index": partition, "timestamp": -1}]}]})
    found = answer["topics"][0]["partitions"][0]
    return found["offset"] if found["error_code"] == 0 else None


def produce(connection, topic, partition, value):
    answer = connection.ask("Produce", 8, {"acks": -1, "timeout_ms": 20000, "topic_data": [
        {"name": topic, "partition_data": [{"index": partition, "records": batch(value)}]}]})
    found = answer["responses"][0]["partition_responses"][0]
    return found["error_code"], found["base_offset"]


def numbered(number):
    return b"%09d" % number + bytes(VALUE)


def numbers_from(connection, topic, partition, offset):
    """(offset, number) of the records that one fetch brings, each a batch of its own."""
    answer = connection.ask("Fetch", 4, {
        "replica_id": -1, "max_wait_ms": 100, "min_bytes": 1, "max_bytes": 500_000, "isolation_level": 0, "topics": [
            {"topic": topic, "partitions": [{"partition": partition, "fetch_offset": offset, "partition_max_bytes": 500_000}]}]})
    found = answer["responses"][0]["partitions"][0]
    if found["error_code"] != 0:
        raise Failure(f"a fetch from {offset} of partition {partition} has error {found['error_code']}")
    records, rows = found["records"] or b"", []
    while len(records) >= 12 and len(records) >= 12 + int.from_bytes(records[8:12], "big"):
        size = 12 + int.from_bytes(records[8:12], "big")
        at = records[:size].index(bytes(VALUE)) - 9
        rows.append((int.from_bytes(records[:8], "big"), int(records[at:at + 9])))
        records = records[size:]
    return rows


class Load:
    """Sends numbers to one partition, one after another, and reads them back meanwhile."""

    def __init__(self, port, topic, partition):
        self.port, self.topic, self.partition = port, topic, partition
        self.sent, self.failure, self.over = 0, None, threading.Event()
        self.threads = [threading.Thread(target=self.guarded, args=(work,)) for work in (self.send, self.read)]
        for thread in self.threads:
            thread.start()

    def guarded(self, work):
        try:
            with contextlib.closing(Connection(self.port)) as connection:
                work(connection)
        except Exception as error:  # pylint: disable=broad-except
            self.failure = self.failure or repr(error)
            self.over.set()

    def send(self, connection):
        while not self.over.is_set():
            error, offset = produce(connection, self.topic, self.partition, numbered(self.sent))
            require_equal((0, self.sent), (error, offset), f"error and offset of send {self.sent}")
            self.sent += 1

    def read(self, connection):
        expected = 0
        while not (self.over.is_set() and expected >= self.sent):
            for offset, number in numbers_from(connection, self.topic, self.partition, expected):
                require_equal((expected, expected), (offset, number), "offset and number of a record")
                expected += 1

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join(60)
        require(self.failure is None, f"partition {self.partition}: {self.failure}")
        require(not any(thread.is_alive() for thread in self.threads), f"partition {self.partition}: not everything came back")


def move_under_load(oracle):
    two = TwoDirectories(oracle)
    try:
        two.start()
        two.create("moved", PARTITIONS)
        loads = [Load(two.broker.port, "moved", partition) for partition in range(PARTITIONS)]
        try:
            for number in range(MOVES):
                partition = number % PARTITIONS
                target = 1 - two.places("moved")[partition][0][0]
                before = loads[partition].sent
                require_equal(0, two.move("moved", partition, two.paths[target]), "the error of a move")
                two.wait_for("moved", partition, target)
                wait_until(60, "sends after the move", lambda: loads[partition].sent > before + 20 or loads[partition].failure)
        finally:
            for load in loads:
                load.over.set()
        for load in loads:
            load.end()
        read_everything(two, "moved", {load.partition: load.sent for load in loads})
    finally:
        two.broker.close()


def read_everything(two, topic, ends):
    with two.connection() as connection:
        for partition, end in ends.items():
            at = 0
            while at < end:
                rows = numbers_from(connection, topic, partition, at)
                require(rows, f"nothing at {at} of {end}")
                for offset, number in rows:
                    require_equal((at, at), (offset, number), f"offset and number of a record of partition {partition}")
                    at += 1


def move_under_kills():
    """The page cache survives: all that was acknowledged is there, in one of the two directories."""
    two, chance = TwoDirectories(), random.Random(5)
    try:
        two.start()
        two.create("killed", 1)
        two.limit_moves(MOVE_BYTES_PER_SECOND)
        sent = broken_off = 0
        for _ in range(6):
            with two.connection() as connection:
                for sent in range(sent, sent + 400):
                    require_equal((0, sent), produce(connection, "killed", 0, numbered(sent)), "error and offset of a send")
                sent += 1
            wait_until(60, "the last move's end", lambda: len(two.places("killed")[0]) == 1)
            require_equal(0, two.move("killed", 0, two.paths[1 - two.places("killed")[0][0][0]]), "the error of a move")
            time.sleep(chance.random() * two.bytes_of("killed-0") / MOVE_BYTES_PER_SECOND)  # anywhere in the move
            two.broker.kill()
            broken_off += any(name.endswith("-future") for path in two.paths for name in os.listdir(path))
            two.start()
            with two.connection() as connection:
                wait_until(30, "the leader", lambda: end_offset(connection, "killed", 0) is not None)
                require_equal(sent, end_offset(connection, "killed", 0), "the log's end")
            read_everything(two, "killed", {0: sent})
        require(broken_off > 0, "no kill came within a move")
    finally:
        two.broker.close()


def fail_under_the_broker():
    """Writes, then syncs, that fail with EIO, and a volume that has become read-only; each time another life of the same broker."""
    two = TwoDirectories()
    rules = os.path.join(two.broker.folder, "failing-disk")
    two.broker.environment = {"LD_PRELOAD": FAILING_DISK, "MILLRACE_FAILING_DISK": rules}
    try:
        two.start()
        two.create("bad", 1, flush_messages="1")
        require_equal(0, two.move("bad", 0, two.paths[1]), "the error of the move there")
        two.wait_for("bad", 0, 1)
        two.create("good", 1)
        sent = good = 0
        for error, calls in ((errno.EIO, "pwrite"), (errno.EIO, "fdatasync"), (errno.EROFS, "pwrite fdatasync")):
            with two.connection() as connection:
                for sent in range(sent, sent + 50):
                    require_equal((0, sent), produce(connection, "bad", 0, numbered(sent)), "error and offset of a send")
                sent += 1
                with open(rules + ".new", "w", encoding="utf-8") as file:
                    file.write(f"{two.paths[1]} {error} {calls}\n")
                os.replace(rules + ".new", rules)
                refused, _ = produce(connection, "bad", 0, numbered(sent))
                require(refused in (STORAGE_ERROR, UNKNOWN_LEADER), f"error {refused} of a send while {calls} fails")
                for good in range(good, good + 100):
                    require_equal((0, good), produce(connection, "good", 0, numbered(good)), "error and offset of a send to the other directory")
                good += 1
                described = connection.ask("DescribeLogDirs", 1, {"topics": None})["results"]
                require_equal({two.paths[0]: 0, two.paths[1]: STORAGE_ERROR}, {each["log_dir"]: each["error_code"] for each in described},
                              "errors of DescribeLogDirs")
            os.unlink(rules)
            with two.connection() as connection:
                refused, _ = produce(connection, "bad", 0, numbered(sent))
                require(refused in (STORAGE_ERROR, UNKNOWN_LEADER), f"error {refused} of a send to a disk that has failed before")
            two.broker.stop()
            two.start()
            with two.connection() as connection:
                wait_until(30, "the leader", lambda: end_offset(connection, "bad", 0) is not None)
                end = end_offset(connection, "bad", 0)
            # What was refused may be there: its answer was an error, not a promise.
            require(sent <= end <= sent + 1, f"{end} records of {sent}")
            read_everything(two, "bad", {0: end})
            read_everything(two, "good", {0: good})
            sent = end
    finally:
        two.broker.close()


def mount(path, options):
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", path], check=True, capture_output=True)


def unmount(path):
    subprocess.run(["umount", "-l", path], check=False, capture_output=True)


@contextlib.contextmanager
def with_volume(size):
    """A broker with two log directories, the second of which is a volume of that size."""
    two = TwoDirectories()
    try:
        mount(two.paths[1], f"size={size}")
        yield two
    finally:
        two.broker.close()
        unmount(two.paths[1])


def may_mount():
    try:
        with with_volume("1m"):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


def start_with_one_on_the_volume(two, topic):
    two.start()
    two.create(topic, 1)
    require_equal(0, two.move(topic, 0, two.paths[1]), "the error of the move there")
    two.wait_for(topic, 0, 1)


def fill(two, topic, partition):
    """Sends until one is refused; how many were not, and the error."""
    with two.connection() as connection:
        for number in range(100_000):
            error, _ = produce(connection, topic, partition, numbered(number))
            if error:
                return number, error
    raise Failure("the disk takes everything")


def run_full():
    with with_volume("8m") as two:
        start_with_one_on_the_volume(two, "full")
        two.create("good", 1)
        require_equal([(0, False)], two.places("good")[0], "where the other topic is")
        sent, error = fill(two, "full", 0)
        require(error in (STORAGE_ERROR, UNKNOWN_LEADER), f"error {error} of a send without space")
        require(sent > 1000, f"only {sent} sends")
        with two.connection() as connection:
            for number in range(200):
                require_equal((0, number), produce(connection, "good", 0, numbered(number)), "error and offset of a send to the other directory")
            described = connection.ask("DescribeLogDirs", 1, {"topics": None})["results"]
            require_equal({two.paths[0]: 0, two.paths[1]: STORAGE_ERROR}, {each["log_dir"]: each["error_code"] for each in described},
                          "errors of DescribeLogDirs")
        require_equal(STORAGE_ERROR, two.move("full", 0, two.paths[0]), "the error of a move from it")
        require_equal(STORAGE_ERROR, two.move("good", 0, two.paths[1]), "the error of a move to it")
        read_everything(two, "good", {0: 200})
        two.broker.stop()
        subprocess.run(["mount", "-o", "remount,size=64m", two.paths[1]], check=True)
        two.start()
        with two.connection() as connection:
            wait_until(30, "the leader", lambda: end_offset(connection, "full", 0) is not None)
            require(end_offset(connection, "full", 0) >= sent, f"{end_offset(connection, 'full', 0)} records of {sent}")
        read_everything(two, "full", {0: sent})
        read_everything(two, "good", {0: 200})


def start_read_only():
    with with_volume("64m") as two:
        start_with_one_on_the_volume(two, "kept")
        with two.connection() as connection:
            for number in range(100):
                require_equal((0, number), produce(connection, "kept", 0, numbered(number)), "error and offset of a send")
        two.broker.stop()
        subprocess.run(["mount", "-o", "remount,ro", two.paths[1]], check=True)
        two.start()
        two.create("new", 1)
        with two.connection() as connection:
            require_equal((0, 0), produce(connection, "new", 0, numbered(0)), "error and offset of a send to the other directory")
            error, _ = produce(connection, "kept", 0, numbered(100))
            require(error in (STORAGE_ERROR, UNKNOWN_LEADER), f"error {error} of a send to a read-only directory")
        two.broker.stop()
        subprocess.run(["mount", "-o", "remount,rw", two.paths[1]], check=True)
        two.start()
        with two.connection() as connection:
            wait_until(30, "the leader", lambda: end_offset(connection, "kept", 0) is not None)
        read_everything(two, "kept", {0: 100})
        read_everything(two, "new", {0: 1})
