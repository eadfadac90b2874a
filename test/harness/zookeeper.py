"""A ZooKeeper's znodes, read and set by hand: as little of its protocol as tests need."""
import json
import socket
import struct

CONNECT_TIMEOUT_MS = 10_000
GET, SET, CHILDREN, CLOSE = 4, 5, 8, -11
NO_NODE = -101


class ZooKeeper:
    """One session, one request at a time; a context manager."""

    def __init__(self, port, chroot=""):
        self.chroot, self.number = chroot, 0
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self._send(struct.pack(">iqiq", 0, 0, CONNECT_TIMEOUT_MS, 0) + struct.pack(">i", 16) + bytes(16) + b"\0")
        self._receive()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.number += 1
        self._send(struct.pack(">ii", self.number, CLOSE))
        self.socket.close()

    def get(self, path):
        """(data, version) of a znode, or None."""
        answer = self._ask(GET, self._path(path) + b"\0")
        if answer is None:
            return None
        size = struct.unpack_from(">i", answer)[0]
        data = answer[4:4 + max(size, 0)]
        # czxid, mzxid, ctime, mtime, version
        return data, struct.unpack_from(">i", answer, 4 + max(size, 0) + 32)[0]

    def set(self, path, data):
        self._ask(SET, self._path(path) + struct.pack(">i", len(data)) + data + struct.pack(">i", -1))

    def children(self, path):
        answer = self._ask(CHILDREN, self._path(path) + b"\0")
        if answer is None:
            return []
        names, position = [], 4
        for _ in range(struct.unpack_from(">i", answer)[0]):
            size = struct.unpack_from(">i", answer, position)[0]
            names.append(answer[position + 4:position + 4 + size].decode())
            position += 4 + size
        return sorted(names)

    def json(self, path):
        found = self.get(path)
        return json.loads(found[0]) if found and found[0] else None

    def _path(self, path):
        full = (self.chroot + path).encode()
        return struct.pack(">i", len(full)) + full

    def _ask(self, kind, body):
        self.number += 1
        self._send(struct.pack(">ii", self.number, kind) + body)
        while True:
            answer = self._receive()
            number, _, error = struct.unpack_from(">iqi", answer)
            if number == self.number:
                break
        if error == NO_NODE:
            return None
        if error != 0:
            raise OSError(f"ZooKeeper answers {error}")
        return answer[16:]

    def _send(self, data):
        self.socket.sendall(struct.pack(">i", len(data)) + data)

    def _receive(self):
        return self._exactly(struct.unpack(">i", self._exactly(4))[0])

    def _exactly(self, size):
        data = b""
        while len(data) < size:
            received = self.socket.recv(size - len(data))
            if not received:
                raise EOFError("ZooKeeper closed the connection")
            data += received
        return data
