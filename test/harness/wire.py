"""Kafka's protocol by hand, as little of it as tests need where a client library would hide what happens: versions without flexible
fields, one connection, one request at a time."""
import socket
import struct
import time


def _crc_of_byte(crc):
    for _ in range(8):
        crc = (crc >> 1) ^ 0x82F63B78 if crc & 1 else crc >> 1
    return crc


CRC_TABLE = [_crc_of_byte(byte) for byte in range(256)]


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def text(value):
    return struct.pack(">h", -1) if value is None else struct.pack(">h", len(value.encode())) + value.encode()


def record_batch(value):
    """One record without a key, in a batch without compression."""
    now = int(time.time() * 1000)
    body = b"\0\0\0\1" + bytes([len(value) * 2]) + value + b"\0"
    tail = struct.pack(">hiqqqhii", 0, 0, now, now, -1, -1, -1, 1) + bytes([len(body) * 2]) + body
    return struct.pack(">qiibI", 0, 9 + len(tail), -1, 2, crc32c(tail)) + tail


class Reader:
    def __init__(self, data):
        self.data, self.position = data, 0

    def take(self, form):
        value = struct.unpack_from(">" + form, self.data, self.position)
        self.position += struct.calcsize(">" + form)
        return value[0] if len(value) == 1 else value

    def text(self):
        length = self.take("h")
        return None if length < 0 else self.take(f"{length}s").decode()

    def array(self, read):
        return [read() for _ in range(self.take("i"))]


class RawClient:
    """A connection to one broker. OSError where it fails or is closed."""

    def __init__(self, address, port, timeout=12):
        self.connection = socket.create_connection((address, port), timeout=timeout)
        self.correlation = 0

    def close(self):
        self.connection.close()

    def ask(self, api_key, version, body):
        self.correlation += 1
        request = struct.pack(">hhi", api_key, version, self.correlation) + text("raw") + body
        self.connection.sendall(struct.pack(">i", len(request)) + request)
        reader = Reader(self._receive(struct.unpack(">i", self._receive(4))[0]))
        if reader.take("i") != self.correlation:
            raise OSError("an answer to another request")
        return reader

    def _receive(self, size):
        data = b""
        while len(data) < size:
            received = self.connection.recv(size - len(data))
            if not received:
                raise OSError("closed by the broker")
            data += received
        return data

    def metadata(self, topics=()):
        """Metadata v2 of these topics, which creates them where the broker does so; no topic: of the cluster alone."""
        reader = self.ask(3, 2, struct.pack(">i", len(topics)) + b"".join(text(topic) for topic in topics))
        brokers = reader.array(lambda: (reader.take("i"), reader.text(), reader.take("i"), reader.text()))
        return {"brokers": [f"{broker[1]}:{broker[2]}" for broker in brokers], "cluster id": reader.text(), "controller": reader.take("i")}

    def produce(self, topic, value=b"0123456789"):
        """Produce v8 with acks=all to partition 0: (error code, base offset)."""
        batch = record_batch(value)
        reader = self.ask(0, 8, struct.pack(">hhii", -1, -1, 10000, 1) + text(topic) + struct.pack(">iii", 1, 0, len(batch)) + batch)
        reader.take("i")
        reader.text()
        reader.take("ii")
        return reader.take("h"), reader.take("q")

    def produce_when_created(self, topic, seconds=10):
        """The base offset of the first produce that is acknowledged."""
        end = time.monotonic() + seconds
        while True:
            error, offset = self.produce(topic)
            if error == 0:
                return offset
            if time.monotonic() > end:
                raise AssertionError(f"produce is answered with error {error}")
            time.sleep(0.02)
