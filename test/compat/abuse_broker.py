"""A broker that is abused: its memory, its counters, and a client beside the abuse whose produce and fetch are timed."""
import contextlib
import multiprocessing
import os
import re
import resource
import socket
import statistics
import struct
import time
import urllib.request

from compat.abuse_frames import fetch_frame, produce_frame, with_length
from harness import paths
from harness.brokers import MillraceBroker, free_port
from harness.checks import Failure, require, wait_until
from harness.wire import RawClient, record_batch

MIB = 1 << 20
PATIENCE_S = 15
SAMPLE_PAUSE_S = 0.005
FEWEST_SAMPLES = 20
SLOWER_AT_MOST = 25  # times the median of before: machines of CI are busy, and the abuser shares their cores
PROBED = "probed"

BYTES_PER_CONNECTION = 16 << 10  # an idle one
ZSTD_WINDOW_BYTES = 128 * MIB  # the largest that clients may use; while a batch is read
SANITIZED = bool(os.environ.get("MILLRACE_SANITIZE"))  # such a build keeps freed memory for a while, and shadows of all
# A broker at rest, whose shards share a thread, answers in less; but 25 times less than this is the time that a machine whose cores are all busy
# with the abuser takes to run anybody.
LEAST_USUAL_S = 0.00016
ACCEPT_LIMIT = os.path.join(paths.BUILD, "test", "compat", "libmillrace_accept_limit.so")
ALLOWANCE_BYTES = 32 * MIB  # the allocator's own, code that is used for the first time, topics that frames create


class AbusedBroker:
    """Settings are small enough that breaking one shows; `budget_bytes` is what memory may grow by, of whatever kind."""

    REQUEST_BYTES = 48 * MIB
    CONVERSION_BYTES = 64 * MIB
    SETTINGS = {
        "auto.create.topics.enable": "true",
        "num.partitions": "1",
        "socket.request.max.bytes": str(16 * MIB),
        "millrace.request.memory.bytes": str(REQUEST_BYTES),
        "millrace.request.arrays.max.bytes": str(16 * MIB),
        "millrace.output.max.bytes.per.connection": str(256 << 10),
        "millrace.decompression.max.bytes": str(64 * MIB),
        "millrace.conversion.memory.bytes": str(CONVERSION_BYTES),
    }

    def __init__(self, settings=None):
        self.settings, self.file_limit = settings, None
        self.http_port = free_port()
        self.broker = MillraceBroker(
            settings={**self.SETTINGS, "millrace.http.port": str(self.http_port), "millrace.http.address": "127.0.0.1", **(settings or {})},
            environment={"LD_PRELOAD": ACCEPT_LIMIT} if SANITIZED else None)
        self.port = self.broker.port
        # Where sanitizers need descriptors of their own, accept alone is limited (accept_limit.cpp).
        self.accept_limit = os.path.join(self.broker.folder, "accept-limit") if SANITIZED else None
        if SANITIZED:
            self.broker.environment["MILLRACE_ACCEPT_LIMIT"] = self.accept_limit

    def __enter__(self):
        self.broker.start()
        client = RawClient("127.0.0.1", self.port)
        client.metadata([PROBED])
        client.produce_when_created(PROBED)
        client.close()
        return self

    def __exit__(self, *_):
        self.broker.close()

    @property
    def pid(self):
        return self.broker.pid

    def alive(self):
        return self.broker.process.running()

    def require_alive(self):
        require(self.alive(), f"the broker ended with {self.broker.process.process.returncode}:\n{self.broker.process.tail(40)}")

    def connect(self, source="127.0.0.1", receive_bytes=None):
        connection = socket.socket()
        connection.settimeout(PATIENCE_S)
        if receive_bytes:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        # Ended by a reset: tens of thousands of connections would use up the ports otherwise.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.bind((source, 0))
        connection.connect(("127.0.0.1", self.port))
        return connection

    def ask(self, frame, source="127.0.0.1"):
        """The answer's bytes behind its length; None where the broker closes the connection."""
        with contextlib.closing(self.connect(source)) as connection:
            connection.sendall(with_length(frame))
            return receive(connection)

    # ---- memory

    def _status(self, name):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            return int(re.search(rf"^{name}:\s+(\d+) kB", file.read(), re.MULTILINE)[1]) << 10

    def resident_bytes(self):
        return self._status("VmRSS")

    def peak_bytes(self):
        return self._status("VmHWM")

    def forget_peak(self):
        with open(f"/proc/{self.pid}/clear_refs", "w", encoding="ascii") as file:
            file.write("5")

    def open_files(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def has_no_files_left(self):
        return self.open_files() >= self.file_limit

    def limit_files(self, count):
        """The soft limit: the hard one could not be raised again."""
        self.file_limit = count
        if self.accept_limit:
            with open(self.accept_limit + ".new", "w", encoding="ascii") as file:
                file.write(str(count))
            os.replace(self.accept_limit + ".new", self.accept_limit)
            return
        hard = resource.prlimit(self.pid, resource.RLIMIT_NOFILE)[1]
        resource.prlimit(self.pid, resource.RLIMIT_NOFILE, (min(count, hard), hard))

    # ---- counters

    def metrics(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}/metrics", timeout=PATIENCE_S) as answer:
            text = answer.read().decode()
        return {name: float(value) for name, value in re.findall(r"^([a-zA-Z_]\S*) (\S+)$", text, re.MULTILINE)}

    def counter(self, name):
        return self.metrics().get(name, 0.0)

    def requests(self):
        """That were received, over all shards."""
        return sum(value for name, value in self.metrics().items() if name.startswith("millrace_network_requests_total"))

    def closed(self, reason):
        return self.counter(f'millrace_connections_closed_total{{reason="{reason}"}}')

    def refused(self, reason):
        return self.counter(f'millrace_connections_refused_total{{reason="{reason}"}}')


def receive(connection):
    head = exactly(connection, 4)
    return None if head is None else exactly(connection, struct.unpack(">i", head)[0])


def exactly(connection, size):
    data = bytearray()
    try:
        while len(data) < size:
            received = connection.recv(min(size - len(data), 1 << 20))
            if not received:
                return None
            data += received
    except ConnectionError:
        return None
    return bytes(data)


def is_closed(connection):
    """Whether the broker closes it within the patience; what it says before is read."""
    try:
        while connection.recv(1 << 16):
            pass
    except ConnectionError:
        pass
    except TimeoutError:
        return False
    return True


class Probe:
    """A client in a process of its own, so that nothing but the broker and the machine delays it: a produce and a fetch on one connection,
    and on a new one each time that this is done, over and over."""

    def __init__(self, port, source="127.0.0.77", topic=PROBED):
        self._ours, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("fork").Process(target=_probe, args=(port, source, topic, theirs), daemon=True)
        self._process.start()
        theirs.close()
        self._samples = []
        self._failure = None

    def close(self):
        self._process.kill()
        self._process.join()

    def _gather(self):
        while self._failure is None and self._ours.poll():
            sample = self._ours.recv()
            if isinstance(sample, str):
                self._failure = sample
            else:
                self._samples.append(sample)
        require(self._failure is None, f"a normal produce or fetch failed: {self._failure}")

    def seconds_since(self, begin):
        """The median of those that began after `begin` (time.monotonic), waiting for the fewest."""
        def enough():
            self._gather()
            found = [seconds for start, seconds in self._samples if start >= begin]
            return len(found) >= FEWEST_SAMPLES and found
        return statistics.median(wait_until(4 * PATIENCE_S, "enough produces and fetches", enough))

    def slowest_since(self, begin):
        self._gather()
        return max(seconds for start, seconds in self._samples if start >= begin)


def _probe(port, source, topic, pipe):
    try:
        produce, fetch = with_length(produce_frame(topic, record_batch(b"0123456789"))), with_length(fetch_frame(topic, 4096))
        while True:
            with contextlib.closing(socket.socket()) as connection:
                connection.settimeout(PATIENCE_S)
                connection.bind((source, 0))
                connection.connect(("127.0.0.1", port))
                for _ in range(10):
                    begin = time.monotonic()
                    for frame in (produce, fetch):
                        connection.sendall(frame)
                        if receive(connection) is None:
                            raise OSError("the connection was closed")
                    pipe.send((begin, time.monotonic() - begin))
                    time.sleep(SAMPLE_PAUSE_S)
    except Exception as error:  # pylint: disable=broad-except
        with contextlib.suppress(OSError):
            pipe.send(repr(error))


class Watched:
    """A stretch of abuse: afterwards the broker lives, its memory has grown by less than `budget_bytes`, and the probe took its usual time."""

    def __init__(self, broker, probe, budget_bytes, usual_s):
        self.broker, self.probe, self.budget_bytes, self.usual_s = broker, probe, budget_bytes, usual_s

    def __enter__(self):
        self.broker.forget_peak()
        self.before_bytes = self.broker.resident_bytes()
        self.begin = time.monotonic()
        return self

    def __exit__(self, kind, *_):
        self.broker.require_alive()
        if kind is not None:
            return
        seconds = self.probe.seconds_since(self.begin)
        grown = self.broker.peak_bytes() - self.before_bytes
        print(f"    memory +{grown / MIB:.1f} MiB of {self.budget_bytes / MIB:.0f} allowed; produce and fetch {seconds * 1e3:.2f} ms "
              f"(before {self.usual_s * 1e3:.2f}), slowest {self.probe.slowest_since(self.begin) * 1e3:.0f} ms", flush=True)
        require(grown <= self.budget_bytes or SANITIZED, f"memory grew by {grown} bytes, {self.budget_bytes} are allowed")
        usual_s = max(self.usual_s, LEAST_USUAL_S)
        if seconds > SLOWER_AT_MOST * usual_s:
            # The machine may have become busy with something else: what it takes at rest now counts as usual too.
            time.sleep(0.5)
            begin = time.monotonic()
            time.sleep(1)
            usual_s = max(usual_s, self.probe.seconds_since(begin))
        require(seconds <= SLOWER_AT_MOST * usual_s, f"a produce and a fetch took {seconds * 1e3:.2f} ms, {usual_s * 1e3:.2f} ms at rest")
