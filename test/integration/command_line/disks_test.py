#!/usr/bin/env python3
"""What becomes of a broker one of whose disks is full, read-only or not there: small file systems in memory, in a mount namespace of
this process's own, so that nothing of them stays.

    disks_test.py BINARY [unittest arguments]
"""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(ROOT, "test"))
from compat.answer_script import Connection  # noqa: E402
from harness.brokers import free_port  # noqa: E402
from harness.record_bytes import batch  # noqa: E402

BINARY = None
STORAGE_ERROR, LEADER_NOT_AVAILABLE = 56, 5
PATIENCE_S = 60


def wait_until(what, condition):
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what} did not come")


class Disks(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="millrace-disks.")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.good, self.small = os.path.join(self.folder, "good"), os.path.join(self.folder, "small")
        os.mkdir(self.small)
        self.port, self.http = free_port(), free_port()
        self.process = None

    def mount(self, megabytes=24):
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", self.small], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", self.small], check=False)

    def remount(self, how):
        subprocess.run(["mount", "-o", f"remount,{how}", self.small], check=True)

    def start(self, directories):
        self.output = os.path.join(self.folder, "output")
        settings = {"broker.id": "0", "listeners": f"PLAINTEXT://127.0.0.1:{self.port}", "log.dirs": ",".join(directories),
                    "metadata.store": f"embedded:{self.folder}/metadata", "log.index.size.max.bytes": "65536",
                    "millrace.http.address": "127.0.0.1", "millrace.http.port": str(self.http)}
        command = [BINARY]
        for key, value in settings.items():
            command += ["--override", f"{key}={value}"]
        with open(self.output, "w", encoding="utf-8") as output:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        self.addCleanup(self.end)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)

    def said(self):
        with open(self.output, encoding="utf-8") as file:
            return file.read()

    def serve(self, directories):
        self.start(directories)
        wait_until("the broker", lambda: self.process.poll() is not None or "bootstrap" in self.said())
        self.assertIsNone(self.process.poll(), self.said())
        connection = Connection(self.port)
        self.addCleanup(connection.close)
        return connection

    def create(self, connection, topic, partitions):
        answer = connection.ask("CreateTopics", 5, {"topics": [
            {"name": topic, "num_partitions": partitions, "replication_factor": 1}], "timeout_ms": 20000})
        self.assertEqual(0, answer["topics"][0]["error_code"], answer)

    @staticmethod
    def produce(connection, partition, *values, topic="t"):
        """The error, and the base offset."""
        answer = connection.ask("Produce", 8, {"acks": -1, "timeout_ms": 10000, "topic_data": [
            {"name": topic, "partition_data": [{"index": partition, "records": batch(*values)}]}]})
        found = answer["responses"][0]["partition_responses"][0]
        return found["error_code"], found["base_offset"]

    @staticmethod
    def end_of(connection, partition, topic="t"):
        answer = connection.ask("ListOffsets", 5, {"replica_id": -1, "topics": [
            {"name": topic, "partitions": [{"partition_index": partition, "timestamp": -1}]}]})
        found = answer["topics"][0]["partitions"][0]
        return found["error_code"], found["offset"]

    @staticmethod
    def fetch_error(connection, partition, topic="t"):
        answer = connection.ask("Fetch", 11, {"replica_id": -1, "max_wait_ms": 0, "min_bytes": 1, "max_bytes": 100, "session_epoch": -1,
                                              "topics": [{"topic": topic, "partitions": [
                                                  {"partition": partition, "fetch_offset": 0, "partition_max_bytes": 10,
                                                   "current_leader_epoch": -1}]}]})
        return answer["responses"][0]["partitions"][0]["error_code"]

    def on_small_disk(self, topic="t"):
        return sorted(int(name.rsplit("-", 1)[1]) for name in os.listdir(os.path.join(self.small, "log"))
                      if name.startswith(topic + "-"))

    def partitions(self, connection, topic="t"):
        answer = connection.ask("Metadata", 12, {"topics": [{"name": topic}], "allow_auto_topic_creation": False})
        return {found["partition_index"]: found for found in answer["topics"][0]["partitions"]}

    def test_one_that_is_full_goes_offline_alone_under_load(self):
        self.mount()
        directories = [self.good, os.path.join(self.small, "log")]
        connection = self.serve(directories)
        self.create(connection, "t", 4)
        bad, also_bad = self.on_small_disk()
        good, also_good = sorted({0, 1, 2, 3} - {bad, also_bad})
        self.assertEqual((0, 0), self.produce(connection, also_bad, b"of the other log on that disk"))

        acknowledged, failures, over = [], [], threading.Event()

        def load():
            other = Connection(self.port)
            while not over.is_set():
                error, offset = self.produce(other, good, b"x" * 1000)
                (failures if error else acknowledged).append(error or offset)
            other.close()

        loader = threading.Thread(target=load)
        loader.start()
        try:
            kept = 0
            for _ in range(100):
                error, offset = self.produce(connection, bad, b"y" * 500_000)
                if error:
                    break
                kept = offset + 1
            self.assertEqual(STORAGE_ERROR, error)
            before = len(acknowledged)
            wait_until("more load on the good disk", lambda: failures or len(acknowledged) > before + 100)
        finally:
            over.set()
            loader.join()
        self.assertEqual([], failures)
        self.assertEqual(list(range(len(acknowledged))), acknowledged)

        for partition in (bad, also_bad):
            self.assertEqual(STORAGE_ERROR, self.produce(connection, partition, b"late")[0])
            self.assertEqual(STORAGE_ERROR, self.end_of(connection, partition)[0])
            self.assertEqual(STORAGE_ERROR, self.fetch_error(connection, partition))
        # What Kafka 3.9.2 answered in the same state.
        partitions = self.partitions(connection)
        for partition in (bad, also_bad):
            found = partitions[partition]
            self.assertEqual((LEADER_NOT_AVAILABLE, -1, [0], [0], [0]),
                             (found["error_code"], found["leader_id"], found["replica_nodes"], found["isr_nodes"], found["offline_replicas"]))
        for partition in (good, also_good):
            self.assertEqual((0, 0, []), (partitions[partition]["error_code"], partitions[partition]["leader_id"],
                                          partitions[partition]["offline_replicas"]))
        described = {found["log_dir"]: found for found in connection.ask("DescribeLogDirs", 4, {"topics": None})["results"]}
        self.assertEqual({"error_code": STORAGE_ERROR, "log_dir": directories[1], "topics": [], "total_bytes": -1, "usable_bytes": -1},
                         described[directories[1]])
        self.assertEqual({good, also_good},
                         {found["partition_index"] for found in described[self.good]["topics"][0]["partitions"]})

        self.create(connection, "new", 3)
        self.assertEqual([], self.on_small_disk("new"))
        self.assertEqual((0, 0), self.produce(connection, 2, b"first", topic="new"))
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/metrics", timeout=10) as answer:
            metrics = answer.read().decode()
        self.assertIn("\nmillrace_offline_log_directories 1", metrics)
        self.assertIn(f'\nmillrace_log_directory_offline{{directory="{directories[1]}"}} 1', metrics)

        self.assertEqual(0, self.stop(), self.said())
        told = [line for line in self.said().splitlines() if " error " in line or " warning " in line]
        self.assertEqual(1, len(told), "\n".join(told))
        self.assertIn("No space left on device", told[0])

        # A larger disk: what was acknowledged is there, and goes on.
        self.remount("size=64m")
        connection = self.serve(directories)
        self.assertEqual((0, kept), self.end_of(connection, bad))
        self.assertEqual((0, 1), self.end_of(connection, also_bad))
        self.assertEqual((0, len(acknowledged)), self.end_of(connection, good))
        self.assertEqual((0, kept), self.produce(connection, bad, b"again"))
        self.assertEqual(0, self.stop(), self.said())

    def test_one_that_is_read_only_or_no_directory_does_not_stop_the_start(self):
        self.mount()
        directories = [self.good, os.path.join(self.small, "log")]
        connection = self.serve(directories)
        self.create(connection, "t", 2)
        bad = self.on_small_disk()[0]
        self.assertEqual((0, 0), self.produce(connection, bad, b"kept"))
        self.assertEqual(0, self.stop())

        self.remount("ro")
        connection = self.serve(directories)
        self.assertEqual(STORAGE_ERROR, self.produce(connection, bad, b"no")[0])
        self.assertEqual(LEADER_NOT_AVAILABLE, self.partitions(connection)[bad]["error_code"])
        self.assertEqual((0, 0), self.produce(connection, 1 - bad, b"yes"))
        self.assertEqual(0, self.stop(), self.said())
        self.assertIn("Read-only file system", self.said())

        self.remount("rw")
        os.rename(directories[1], directories[1] + ".away")
        with open(directories[1], "w", encoding="utf-8") as file:
            file.write("no directory")
        connection = self.serve(directories)
        self.assertEqual(STORAGE_ERROR, self.produce(connection, bad, b"no")[0])
        self.assertEqual([f"t-{1 - bad}"], [name for name in os.listdir(self.good) if name.startswith("t-")], "not made a second time")
        self.assertEqual(0, self.stop(), self.said())

        os.unlink(directories[1])
        os.rename(directories[1] + ".away", directories[1])
        connection = self.serve(directories)
        self.assertEqual((0, 1), self.end_of(connection, bad))
        self.assertEqual(0, self.stop(), self.said())

    def test_the_last_one_takes_the_process_along(self):
        self.mount()
        connection = self.serve([os.path.join(self.small, "log")])
        self.create(connection, "t", 1)
        try:
            for _ in range(100):
                self.produce(connection, 0, b"y" * 500_000)
        except (OSError, EOFError, TypeError):
            pass
        self.assertEqual(1, self.process.wait(PATIENCE_S))
        last = self.said().strip().splitlines()[-1]
        self.assertIn("none of the log directories can be used", last)
        self.assertIn("No space left on device", last)
        # And none at the start.
        self.remount("ro")
        self.start([os.path.join(self.small, "log")])
        self.assertEqual(1, self.process.wait(PATIENCE_S))
        self.assertIn("none of the log directories can be used", self.said().strip().splitlines()[-1])


if __name__ == "__main__":
    if os.environ.get("MILLRACE_DISKS_MOUNTS") != "own":
        os.environ["MILLRACE_DISKS_MOUNTS"] = "own"
        own = ["unshare", "--mount", "--propagation", "private"]
        if os.geteuid() != 0:
            own += ["--map-root-user"]
        os.execvp(own[0], [*own, sys.executable, os.path.abspath(__file__), *sys.argv[1:]])
    BINARY = os.path.abspath(sys.argv.pop(1))
    unittest.main()
