"""Producers that never give up: numbered records to many partitions, one batch of each partition in flight, sent again after every lost connection,
and what has to be read afterwards."""
import random
import socket
import struct
import threading
import time

from harness.checks import Failure, require
from harness.messages import APIS, decode_response, encode_request
from harness.record_bytes import batch

PARTITIONS_IN_FLIGHT = 6
KEYS = 40
DUPLICATE_SEQUENCE = 46
# Not (yet) the leader, not (yet) known, not now.
TRY_AGAIN = {3, 5, 6, 7}
PATIENCE_S = 60


class Batch:
    def __init__(self, numbers, records):
        self.numbers, self.records = numbers, records


class Frames:
    """A connection that carries several requests at a time."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = self.socket.makefile("rb")

    def send(self, frame):
        self.socket.sendall(struct.pack(">i", len(frame)) + frame)

    def receive(self):
        return self._exactly(struct.unpack(">i", self._exactly(4))[0])

    def _exactly(self, size):
        data = self.reader.read(size)
        if len(data) < size:
            raise EOFError
        return data

    def close(self):
        self.reader.close()
        self.socket.close()


class Producer:
    """A thread with a connection of its own. It writes `number` of `producer` to each partition, counted from 0."""

    def __init__(self, name, port, topic, partitions, idempotent, seed):
        self.name, self.port, self.topic, self.idempotent = name, port, topic, idempotent
        self.random = random.Random(seed)
        self.next = [0] * partitions
        self.acknowledged = [-1] * partitions  # the last number
        self.newest = [{} for _ in range(partitions)]  # key -> the last number
        self.pending = {}                      # partition -> Batch, in the order of sending
        self.sent = []                         # partitions whose batches are on the connection
        self.lost = 0                          # requests that were on a connection when it broke
        self.answers = 0
        self.writing = True                    # false: only what is pending is brought to its end
        self.failure = None
        self.connection, self.correlation, self.id = None, 0, -1
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        try:
            while self.writing or self.pending:
                try:
                    self.turn()
                except (OSError, EOFError):
                    self.disconnect()
                    time.sleep(0.002)
        except Exception as error:  # pylint: disable=broad-except
            self.failure = error

    def disconnect(self):
        self.lost += len(self.sent)
        if self.connection:
            self.connection.close()
        self.connection, self.sent = None, []

    def turn(self):
        if self.connection is None:
            self.connect()
        idle = [each for each in range(len(self.next)) if each not in self.pending]
        while self.writing and idle and len(self.pending) < PARTITIONS_IN_FLIGHT:
            partition = idle.pop(self.random.randrange(len(idle)))
            self.pending[partition] = self.make(partition)
            self.send(partition)
        if self.sent:
            self.take_answer()

    def connect(self):
        self.connection = Frames(self.port)
        if self.idempotent and self.id < 0:
            self.ask("InitProducerId", 1, {"transactional_id": None, "transaction_timeout_ms": 1000})
            answer = self.answer("InitProducerId", 1)
            if answer["error_code"] != 0:
                raise OSError("no producer id yet")
            self.id = answer["producer_id"]
        for partition in list(self.pending):
            self.send(partition)

    def make(self, partition):
        first = self.next[partition]
        numbers = range(first, first + self.random.randrange(1, 5))
        self.next[partition] = numbers[-1] + 1
        self.newest[partition][key_of(self.name, first)] = numbers[-1]
        values = [f"{self.name} {number} ".encode() + b"." * self.random.randrange(60) for number in numbers]
        producer = {"producer": self.id, "epoch": 0, "sequence": first} if self.idempotent else {}
        return Batch(numbers, batch(*values, key=key_of(self.name, first), timestamp=int(time.time() * 1000), **producer))

    def send(self, partition):
        self.ask("Produce", 8, {"acks": -1, "timeout_ms": 10000, "topic_data": [
            {"name": self.topic, "partition_data": [{"index": partition, "records": self.pending[partition].records}]}]})
        self.sent.append(partition)

    def take_answer(self):
        found = self.answer("Produce", 8)["responses"][0]["partition_responses"][0]
        partition = self.sent.pop(0)
        require(found["index"] == partition, f"an answer for partition {found['index']}, not {partition}")
        self.answers += 1
        if found["error_code"] in TRY_AGAIN:
            self.send(partition)
            return
        if found["error_code"] not in (0, DUPLICATE_SEQUENCE):
            raise Failure(f"{self.name} partition {partition} from {self.pending[partition].numbers}: error {found}")
        self.acknowledged[partition] = self.pending.pop(partition).numbers[-1]

    def ask(self, api, version, values):
        self.correlation += 1
        self.connection.send(encode_request(APIS[api], version, self.correlation, values))

    def answer(self, api, version):
        return decode_response(APIS[api], version, self.connection.receive())[1]


def key_of(name, number):
    return f"{name} key {number % KEYS}".encode()


class Read:
    """A topic's records, [partition][producer] -> [(number, key)] in the order of offsets."""

    def __init__(self, lines):
        self.found = {}
        last = {}
        for line in lines:
            partition, offset, key, value = line.split("|", 3)
            require(last.get(partition, -1) < int(offset), f"offset {offset} behind {last.get(partition)} of partition {partition}")
            last[partition] = int(offset)
            name, number, _ = value.split(" ", 2)
            self.found.setdefault(int(partition), {}).setdefault(name, []).append((int(number), key))

    def of(self, partition, name):
        return self.found.get(partition, {}).get(name, [])


def check_all(producer, read):
    """Every record that was sent is there, in order; the number of those that are there again."""
    again = 0
    for partition, end in enumerate(producer.next):
        numbers = [number for number, _ in read.of(partition, producer.name)]
        once = list(dict.fromkeys(numbers))
        where = f"{producer.name} in partition {partition} of {producer.topic}"
        require(producer.acknowledged[partition] == end - 1, f"{where}: {producer.acknowledged[partition]} of {end} were acknowledged")
        require(once == list(range(end)), f"{where}: {missing(once, end)}")
        require(not producer.idempotent or numbers == once, f"{where}: {len(numbers) - len(once)} records are there twice")
        again += len(numbers) - len(once)
    return again


def missing(numbers, end):
    lost = sorted(set(range(end)) - set(numbers))
    return f"of {end} records {len(lost)} are missing, such as {lost[:10]}" if lost else f"the order is {numbers[:20]}…"


def check_compacted(producer, read):
    """The newest record of each key is there, and what is there is in order."""
    gone = 0
    for partition, end in enumerate(producer.next):
        found = read.of(partition, producer.name)
        numbers = [number for number, _ in found]
        where = f"{producer.name} in partition {partition} of {producer.topic}"
        require(producer.acknowledged[partition] == end - 1, f"{where}: {producer.acknowledged[partition]} of {end} were acknowledged")
        if producer.idempotent:
            require(numbers == sorted(set(numbers)), f"{where}: records are there twice, or in another order")
        newest = {}
        for number, key in found:
            newest[key] = max(number, newest.get(key, -1))
        expected = {key.decode(): number for key, number in producer.newest[partition].items()}
        require(newest == expected, f"{where}: {[(key, expected[key], newest.get(key)) for key in expected if newest.get(key) != expected[key]][:5]}")
        gone += end - len(numbers)
    return gone
