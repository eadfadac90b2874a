#!/usr/bin/env python3
"""How the broker starts, says what is wrong, stops and starts again, through the script behind `make run`.

    start_test.py BINARY [unittest arguments]
"""
import os
import pty
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import unittest.mock

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(ROOT, "test"))
from harness.brokers import free_port  # noqa: E402
from harness.checks import wait_until  # noqa: E402
from harness.wire import RawClient  # noqa: E402

BINARY = None
RUN = os.path.join(ROOT, "deploy", "local", "run")


class Broker:
    """One start of the script; the output is a file's, so that nothing blocks, or goes where it is told."""

    def __init__(self, command, output=None):
        self.output = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output or self.output,
                                        stderr=subprocess.STDOUT, start_new_session=True)

    def said(self):
        self.output.seek(0)
        return self.output.read().decode()

    def end(self, number=signal.SIGINT, seconds=20):
        """The exit code after a signal."""
        self.process.send_signal(number)
        return self.process.wait(seconds)

    def has_taken(self, number):
        """That no such signal waits for a thread of the process."""
        with open(f"/proc/{self.process.pid}/status") as status:
            pending = next((line.split()[1] for line in status if line.startswith("ShdPnd:")), "0")
        return not int(pending, 16) >> (number - 1) & 1

    def close(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.output.close()


class Start(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="millrace-start.")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.data = os.path.join(self.folder, "data")
        self.port = free_port()

    def start(self, port=None, data=None, overrides=None, output=None):
        """Through the script, or the binary itself with these overrides."""
        command = [RUN, BINARY, str(port or self.port), data or self.data]
        if overrides is not None:
            command = [BINARY]
            settings = {"listeners": f"PLAINTEXT://localhost:{self.port}", "log.dirs": f"{self.data}/log",
                        "metadata.store": f"embedded:{self.data}/metadata"} | overrides
            for key, value in settings.items():
                command += ["--override", f"{key}={value}"]
        broker = Broker(command, output)
        self.addCleanup(broker.close)
        return broker

    def serve(self, *arguments, **how):
        """A broker that answers, and a connection to it."""
        broker = self.start(*arguments, **how)
        return broker, self.connect(broker)

    def connect(self, broker):
        """A connection to it that was answered."""
        end = time.monotonic() + 30
        while broker.process.poll() is None and time.monotonic() < end:
            try:
                client = RawClient("localhost", self.port)
                self.addCleanup(client.close)
                client.metadata()
                return client
            except OSError:
                time.sleep(0.01)
        self.fail(f"no broker: {broker.said()}")

    def refuses(self, *words, **how):
        """It ends with exit code 1 and one line, which holds these words."""
        broker = self.start(**how)
        self.assertEqual(1, broker.process.wait(30), broker.said())
        lines = broker.said().strip().splitlines()
        self.assertEqual(1, len(lines), broker.said())
        for word in words:
            self.assertIn(word, lines[0])

    def test_says_where_it_serves_and_how_to_use_it(self):
        broker, _ = self.serve()
        words = (f"localhost:{self.port}", self.data, "kcat", "-P", "-C")
        end = time.monotonic() + 30  # it answers before it has said so
        while not all(word in broker.said() for word in words) and time.monotonic() < end:
            time.sleep(0.01)
        for word in words:
            self.assertIn(word, broker.said())

    def test_stops_cleanly_on_interrupt_and_on_terminate(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            broker, _ = self.serve()
            self.assertEqual(0, broker.end(number), broker.said())

    def test_stops_cleanly_when_it_is_told_to_before_it_has_said_that_it_serves(self):
        """Its output is a pipe that is full: it serves, and cannot say so."""
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        os.set_blocking(writer, False)
        filled = 0
        try:
            while True:
                filled += os.write(writer, b"x" * 4096)
        except BlockingIOError:
            os.set_blocking(writer, True)
        with unittest.mock.patch.dict(os.environ, LOG_LEVEL="error"):  # nor anything else
            broker = self.start(output=writer)
        os.close(writer)
        self.connect(broker)
        broker.process.send_signal(signal.SIGINT)
        wait_until(20, "the signal", lambda: broker.has_taken(signal.SIGINT), interval=0.01)
        while filled > 0:
            filled -= len(os.read(reader, 65536))
        self.assertEqual(0, broker.process.wait(20))

    def test_is_stopped_by_control_c_on_a_terminal_with_exit_code_0(self):
        child, terminal = pty.fork()
        if child == 0:
            os.execv(RUN, [RUN, BINARY, str(self.port), self.data])
        try:
            end = time.monotonic() + 30
            while time.monotonic() < end:
                try:
                    RawClient("localhost", self.port).close()
                    break
                except OSError:
                    time.sleep(0.02)
            os.write(terminal, b"\x03")
            self.assertEqual(0, os.waitstatus_to_exitcode(self._wait(child, 20)))
        finally:
            os.close(terminal)

    @staticmethod
    def _wait(child, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pid, status = os.waitpid(child, os.WNOHANG)
            if pid:
                return status
            time.sleep(0.02)
        os.kill(child, signal.SIGKILL)
        return os.waitpid(child, 0)[1]

    def test_keeps_records_and_identity_over_stops_and_kills(self):
        broker, client = self.serve()
        client.metadata(["kept"])  # which creates it
        cluster = client.metadata()["cluster id"]
        self.assertEqual(0, client.produce_when_created("kept"))
        starts = []
        for number, code in ((signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 0)):
            self.assertEqual(code, broker.end(number))
            begin = time.monotonic()
            broker, client = self.serve()
            starts.append(time.monotonic() - begin)
            self.assertEqual(cluster, client.metadata()["cluster id"])
        self.assertEqual(1, client.produce_when_created("kept"))
        self.assertLess(min(starts), 2.0)  # a busy machine may hold up any one of them

    def test_refuses_a_port_that_is_in_use(self):
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # free_port holds it
            taken.bind(("127.0.0.1", self.port))
            taken.listen()
            self.refuses(str(self.port), "in use")

    def test_refuses_a_second_start_on_the_same_data(self):
        self.serve()
        self.refuses(self.data, port=free_port())

    def test_refuses_a_folder_that_it_cannot_write(self):
        self.refuses("/proc/millrace", data="/proc/millrace")

    def test_refuses_the_data_of_another_cluster(self):
        for data in (self.data, self.data + "-other"):
            broker, _ = self.serve(data=data)
            self.assertEqual(0, broker.end())
        shutil.copy(os.path.join(self.data + "-other", "log", "meta.properties"), os.path.join(self.data, "log", "meta.properties"))
        self.refuses("cluster")

    def test_founds_the_cluster_of_the_id_that_it_is_given(self):
        mine, other = "A5F-wJz8TAi5RbPuisKOAw", "B5F-wJz8TAi5RbPuisKOAw"
        for _ in range(2):
            broker, client = self.serve(overrides={"broker.id": 0, "millrace.cluster.id": mine})
            self.assertEqual(mine, client.metadata()["cluster id"])
            self.assertEqual(0, broker.end(), broker.said())
        self.refuses("millrace.cluster.id", mine, other, overrides={"broker.id": 0, "millrace.cluster.id": other})
        self.refuses("broker.id is 3", "broker 0", overrides={"broker.id": 3, "millrace.cluster.id": mine})

    def test_refuses_log_directories_whose_metadata_is_gone(self):
        broker, _ = self.serve()
        self.assertEqual(0, broker.end())
        shutil.rmtree(os.path.join(self.data, "metadata"))
        self.refuses("metadata store is empty")

    def test_refuses_a_port_that_is_none(self):
        self.refuses("PORT", port="none")


if __name__ == "__main__":
    BINARY = sys.argv.pop(1)
    unittest.main()
