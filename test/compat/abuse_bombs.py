"""Batches that are small on the wire and huge behind their codec: one record whose value is zeroes. Written by hand, because a compressor
would make worse ones."""
import multiprocessing
import selectors
import struct
import zlib

from harness.messages import unsigned_varint
from harness.record_bytes import TIMESTAMP, varint
from harness.wire import crc32c

GZIP, SNAPPY, LZ4, ZSTD = 1, 2, 3, 4
XERIAL = b"\x82SNAPPY\0" + struct.pack(">ii", 1, 1)


def record_start(value_bytes, offset_delta=0):
    """Everything of one record before its value; the value and one byte for no headers follow."""
    fields = b"\0" + varint(0) + varint(offset_delta) + varint(-1) + varint(value_bytes)
    return varint(len(fields) + value_bytes + 1) + fields


def message_start(value_bytes, magic):
    """The same of a message of the old formats, whose checksum is left out: nothing looks at it before its end. One byte too much follows."""
    size = 14 + 8 * magic + value_bytes
    return struct.pack(">qiIbb", 0, size, 0, magic, 0) + (struct.pack(">q", TIMESTAMP) if magic else b"") + struct.pack(">ii", -1, value_bytes)


def gzip(start, zeroes):
    deflate = zlib.compressobj(9, zlib.DEFLATED, 31)
    out, step = [deflate.compress(start)], bytes(1 << 20)
    for _ in range(zeroes >> 20):
        out.append(deflate.compress(step))
    out.append(deflate.compress(bytes(zeroes & ((1 << 20) - 1))))
    return b"".join(out) + deflate.flush()


def snappy_block(start, zeroes):
    """Literals of the start and one zero, then copies of 64 zeroes from one byte back: 3 bytes each."""
    copies, rest = divmod(zeroes - 1, 64)
    literal = start + b"\0"
    out = [unsigned_varint(len(start) + zeroes), bytes([(len(literal) - 1) << 2]), literal, b"\xfe\x01\x00" * copies]
    if rest:
        out.append(bytes([(rest - 1) << 2 | 2, 1, 0]))
    return b"".join(out)


def snappy_raw(start, zeroes):
    return snappy_block(start, zeroes)


def snappy_xerial(start, left):
    """Blocks of 32 KiB, as Java writes them, but for their number."""
    step, out = 32 << 10, [XERIAL]
    blocks = {}
    while left > 0:
        zeroes = min(step, left)
        block = blocks.get((start, zeroes)) or snappy_block(start, zeroes)
        blocks[start, zeroes] = block
        out.append(struct.pack(">i", len(block)) + block)
        left, start = left - zeroes, b""
    return b"".join(out)


def snappy_lie(_start, _zeroes):
    """A raw block that announces 4 GiB and holds nothing."""
    return unsigned_varint(0xFFFFFFFF) + b"\0" * 16


def lz4(start, left):
    """Blocks of 4 MiB that a length of 255 per byte fills; checksums are left out, the header's is that of xxh32."""
    descriptor = bytes([0x60, 0x70])  # version 1, blocks that stand alone, of 4 MiB at most
    out = [struct.pack("<I", 0x184D2204), descriptor, bytes([xxh32(descriptor) >> 8 & 0xFF])]
    blocks = {}
    while left > 0:
        zeroes = min((4 << 20) - 64, left)
        block = blocks.get((start, zeroes)) or lz4_block(start, zeroes)
        blocks[start, zeroes] = block
        out.append(struct.pack("<I", len(block)) + block)
        left, start = left - zeroes, b""
    return b"".join(out) + struct.pack("<I", 0)


def lz4_block(start, zeroes):
    """A literal of the start and one zero, a match from one byte back, five literal zeroes as the format wants at a block's end."""
    literal, tail = start + b"\0", 12
    if zeroes <= tail + 8:
        return lz4_literal(start + bytes(zeroes))
    match = zeroes - 1 - tail - 4
    token = min(len(literal), 15) << 4 | 15
    return (bytes([token]) + (lz4_length(len(literal) - 15) if len(literal) >= 15 else b"") + literal + b"\1\0" + lz4_length(match - 15)
            + lz4_literal(bytes(tail)))


def lz4_literal(data):
    return bytes([min(len(data), 15) << 4]) + (lz4_length(len(data) - 15) if len(data) >= 15 else b"") + data


def lz4_length(rest):
    return b"\xff" * (rest // 255) + bytes([rest % 255])


def xxh32(data):
    """Of fewer than 16 bytes, with seed 0."""
    primes, mask = (2654435761, 2246822519, 3266489917, 668265263, 374761393), 0xFFFFFFFF

    def turned(value, bits):
        return (value << bits | value >> (32 - bits)) & mask

    value, position = (primes[4] + len(data)) & mask, 0
    while position + 4 <= len(data):
        value = turned((value + struct.unpack_from("<I", data, position)[0] * primes[2]) & mask, 17) * primes[3] & mask
        position += 4
    for byte in data[position:]:
        value = turned((value + byte * primes[4]) & mask, 11) * primes[0] & mask
    value = (value ^ value >> 15) * primes[1] & mask
    value = (value ^ value >> 13) * primes[2] & mask
    return value ^ value >> 16


def zstd(start, left, window_log=17):
    """A raw block for the start, then blocks that repeat a zero 128 KiB times: 4 bytes each."""
    out = [struct.pack("<I", 0xFD2FB528), bytes([0x00, (window_log - 10) << 3]), struct.pack("<I", len(start) << 3)[:3], start]
    while left > 0:
        count = min(left, 128 << 10)
        left -= count
        out.append(struct.pack("<I", count << 3 | 1 << 1 | (left == 0))[:3] + b"\0")
    return b"".join(out)


def zstd_window(start, left):
    """The largest window that Java's decoder takes, 128 MiB, of which most is used."""
    return zstd(start, left, 27)


def batch(codec, payload):
    """A batch of magic 2 with one record around compressed bytes, with a checksum that is right."""
    tail = struct.pack(">hiqqqhii", codec, 0, TIMESTAMP, TIMESTAMP, -1, -1, -1, 1) + payload
    return struct.pack(">qiibI", 0, 9 + len(tail), -1, 2, checksum(tail)) + tail


def checksum(data):
    """crc32c, eight zero bits at once: the one of the harness takes seconds for a megabyte."""
    crc = 0xFFFFFFFF
    table = TABLE
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def _table():
    rows = []
    for number in range(256):
        for _ in range(8):
            number = number >> 1 ^ 0x82F63B78 if number & 1 else number >> 1
        rows.append(number)
    return rows


TABLE = _table()
assert checksum(b"123456789") == crc32c(b"123456789")


def wrapper(codec, payload, magic):
    """A message of magic 0 or 1 whose value is a compressed message set."""
    body = struct.pack(">bb", magic, codec) + (struct.pack(">q", TIMESTAMP) if magic else b"") + struct.pack(">ii", -1, len(payload)) + payload
    body = struct.pack(">I", zlib.crc32(body)) + body
    return struct.pack(">qi", 0, len(body)) + body


def nested(codec_compress, codec, magic, depth):
    """Message sets within message sets."""
    inner = struct.pack(">bb", magic, 0) + (struct.pack(">q", TIMESTAMP) if magic else b"") + struct.pack(">ii", -1, 3) + b"abc"
    inner = struct.pack(">I", zlib.crc32(inner)) + inner
    data = struct.pack(">qi", 0, len(inner)) + inner
    for _ in range(depth):
        data = wrapper(codec, codec_compress(data), magic)
    return data


class Bombers:
    """Clients in a process of their own that send one frame again as soon as it is answered."""

    def __init__(self, connect, frame, count):
        self._answered = multiprocessing.Value("q", 0)
        self._process = multiprocessing.get_context("fork").Process(target=self._send, args=(connect, frame, count), daemon=True)
        self._process.start()

    def close(self):
        self._process.kill()
        self._process.join()

    def answered(self):
        return self._answered.value

    def _send(self, connect, frame, count):
        content = struct.pack(">i", len(frame)) + frame
        with selectors.DefaultSelector() as selector:
            for _ in range(count):
                connection = connect()
                selector.register(connection, selectors.EVENT_READ)
                connection.sendall(content)
            while True:
                for key, _ in selector.select():
                    if not key.fileobj.recv(1 << 16):
                        return
                    self._answered.value += 1
                    key.fileobj.sendall(content)
