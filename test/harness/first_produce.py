"""The moment of the first acknowledged produce, by a raw socket: a client library would round it up to its retry timer."""
import socket
import struct
import time

from harness.checks import Failure


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0x82F63B78 if crc & 1 else crc >> 1
    return crc ^ 0xFFFFFFFF


def produce_request(topic):
    """Produce v8, acks=all, one record of 10 bytes to partition 0."""
    now, name = int(time.time() * 1000), topic.encode()
    body = b"\0\0\0\1" + bytes([20]) + b"x" * 10 + b"\0"
    record = bytes([len(body) * 2]) + body
    tail = struct.pack(">hiqqqhii", 0, 0, now, now, -1, -1, -1, 1) + record
    batch = struct.pack(">qiibI", 0, 9 + len(tail), -1, 2, crc32c(tail)) + tail
    request = struct.pack(">hhih", 0, 8, 7, 5) + b"first" + struct.pack(">hhiih", -1, -1, 10000, 1, len(name)) + name
    request += struct.pack(">iii", 1, 0, len(batch)) + batch
    return struct.pack(">i", len(request)) + request


def error_code(response, topic):
    return struct.unpack(">h", response[4 + 4 + 4 + 2 + len(topic.encode()) + 4 + 4:][:2])[0]


def ask(connection, topic):
    connection.sendall(produce_request(topic))
    response = b""
    while len(response) < 4 or len(response) < 4 + struct.unpack(">i", response[:4])[0]:
        received = connection.recv(4096)
        if not received:
            raise OSError("closed")
        response += received
    return error_code(response, topic)


def wait_for_first_produce(address, port, topic, seconds=60):
    """The monotonic time of the first acknowledged produce; a try every few milliseconds."""
    end, connection = time.monotonic() + seconds, None
    while time.monotonic() < end:
        try:
            if connection is None:
                connection = socket.create_connection((address, port), timeout=0.5)
                connection.settimeout(12)
            if ask(connection, topic) == 0:
                return time.monotonic()
        except OSError:
            connection = None
        time.sleep(0.005)
    raise Failure(f"no acknowledged produce in {seconds} s")
