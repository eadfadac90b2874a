"""Frames that no client sends, made from the golden frames of Kafka's own classes: lies about counts, tagged fields without an end, and
seeded damage. Nothing here knows a schema: what may be a count is tried at every byte."""
import os
import struct

from harness.messages import unsigned_varint

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden", "frames.txt")
API_VERSIONS, PRODUCE, FETCH = 18, 0, 1

# A count of four bytes, and the same as a compact one (KIP-482: the number plus one), of INT_MAX, -1 and -2.
CLASSIC_COUNTS = tuple(struct.pack(">i", count) for count in (0x7FFFFFFF, -1, -2))
COMPACT_COUNTS = (b"\x80\x80\x80\x80\x08", b"\x00", b"\xff\xff\xff\xff\x0f")

INTERESTING = tuple(struct.pack(form, number) for form, numbers in (
    (">b", (-1, 0, 1, 0x7F, -0x80)),
    (">h", (-1, 0, 0x7FFF, -0x8000)),
    (">i", (-1, -2, 0, 1, 0x7FFFFFFF, -0x80000000, 1 << 20, 1 << 28)),
    (">q", (-1, -2, 0, 1, 0x7FFFFFFFFFFFFFFF, -0x8000000000000000))) for number in numbers) + COMPACT_COUNTS


class Frame:
    """A request without its length: key, version and the variant that the golden file calls it."""

    def __init__(self, key, version, variant, data):
        self.key, self.version, self.variant, self.data = key, version, variant, data
        client_id = struct.unpack_from(">h", data, 8)[0]
        self.header_bytes = 10 + max(client_id, 0)  # without the tags of a flexible header
        self.flexible = False

    def __repr__(self):
        return f"key {self.key} version {self.version} {self.variant}"


def golden_requests():
    """All of them, in the file's order; `flexible` is told by the response-free rule that a default frame ends in an empty tag section."""
    frames = []
    with open(GOLDEN, encoding="ascii") as file:
        for line in file:
            if line.startswith("#"):
                continue
            key, kind, version, variant, content = line.split()
            if kind == "request":
                frames.append(Frame(int(key), int(version), variant, bytes.fromhex(content)))
    return frames


def mark_flexible(frames, flexible_since):
    """`flexible_since`: API key -> first flexible version."""
    for frame in frames:
        frame.flexible = frame.version >= flexible_since.get(frame.key, 0x7FFF)


def lies_about_counts(frame, step=1):
    """The frame with INT_MAX, -1 and -2 at every place of its body where a count may be."""
    for counts, width in ((CLASSIC_COUNTS, 4), (COMPACT_COUNTS, 1)):
        if width == 1 and not frame.flexible:
            continue
        for position in range(frame.header_bytes, len(frame.data) - width + 1, step):
            for count in counts:
                yield frame.data[:position] + count + frame.data[position + width:]


def tag_sections():
    """Tag sections that announce more than there is, repeat themselves, go backwards or are just long."""
    huge = unsigned_varint(0xFFFFFFFF)
    yield huge
    yield unsigned_varint(0x7FFFFFFF) + b"\0\0" * 1000
    yield unsigned_varint(1) + b"\x64" + huge
    yield unsigned_varint(1) + b"\x64" + unsigned_varint(0x7FFFFFFF) + b"x" * 100
    yield unsigned_varint(1000) + b"\x64\0" * 1000
    yield unsigned_varint(2) + b"\x65\0\x64\0"
    yield b"\xff" * 16
    yield unsigned_varint(20_000) + b"".join(unsigned_varint(100 + tag) + b"\0" for tag in range(20_000))
    for tag in range(8):  # a known tag with what it cannot hold
        yield unsigned_varint(1) + bytes([tag]) + unsigned_varint(5) + b"\xff\xff\xff\xff\x0f"


def with_tags(frame, section):
    """The section in place of the header's tags, and of those at the body's end. For flexible frames at their defaults."""
    yield frame.data[:frame.header_bytes] + section + frame.data[frame.header_bytes + 1:]
    yield frame.data[:-1] + section


def mutated(frame, others, random):
    """One to four damages."""
    data = bytearray(frame.data)
    for _ in range(random.choice((1, 1, 1, 2, 3, 4))):
        if not data:
            data = bytearray(b"\0")
        # Mostly behind the header, or hardly anything would reach a handler.
        first = min(frame.header_bytes, len(data) - 1) if random.random() < 0.9 else 0
        position = random.randrange(first, len(data))
        _damage(data, position, others, random)
    return bytes(data)


def _damage(data, position, others, random):
    kind = random.randrange(8)
    length = min(random.choice((1, 2, 4, 8, 16, 64)), len(data) - position)
    if kind == 0:
        data[position] ^= 1 << random.randrange(8)
    elif kind == 1:
        data[position] = random.randrange(256)
    elif kind == 2:
        number = random.choice(INTERESTING)
        data[position:position + len(number)] = number
    elif kind == 3:
        data[position:position] = random.choice(INTERESTING)
    elif kind == 4:
        del data[position:position + length]
    elif kind == 5:
        data[position:position] = data[position:position + length] * random.choice((1, 1, 1, 2, 40))
    elif kind == 6:
        del data[position:]
    else:
        other = random.choice(others).data
        start = random.randrange(len(other))
        data[position:position + length] = other[start:start + random.choice((4, 16, 64))]


def produce_frame(topic, records, acks=-1, version=8, correlation=1):
    """A Produce of one partition in a version without compact fields; `records` are its bytes as they stand."""
    name = topic.encode()
    header = struct.pack(">hhih", PRODUCE, version, correlation, 5) + b"abuse"
    transactional_id = struct.pack(">h", -1) if version >= 3 else b""
    body = transactional_id + struct.pack(">hiih", acks, 10_000, 1, len(name)) + name
    return header + body + struct.pack(">iii", 1, 0, len(records)) + records


def fetch_frame(topic, max_bytes=1 << 20, offset=0, correlation=1):
    """A Fetch of partition 0, version 4, that does not wait."""
    name = topic.encode()
    header = struct.pack(">hhih", FETCH, 4, correlation, 5) + b"abuse"
    body = struct.pack(">iiiibih", -1, 0, 0, max_bytes, 0, 1, len(name)) + name
    return header + body + struct.pack(">iiqi", 1, 0, offset, max_bytes)


def api_versions_frame(correlation=1):
    return struct.pack(">hhih", API_VERSIONS, 0, correlation, 5) + b"abuse"


def with_length(data):
    return struct.pack(">i", len(data)) + data
