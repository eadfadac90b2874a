"""Records as a producer would encode them, with every field of the batch in the test's hand, and what a fetch returned, in short."""
import struct
import zlib

from harness.wire import crc32c

TIMESTAMP = 1_600_000_000_000
HEADER_BYTES = 61  # of a batch of magic 2
GZIP = 1


def varint(value):
    value = (value << 1) ^ (value >> 63)
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def batch(*values, key=None, timestamp=TIMESTAMP, producer=-1, epoch=-1, sequence=-1, attributes=0, count=None, last_offset_delta=None,
          base_offset=0, magic=2, crc_error=0, offset_step=1, payload=None):
    """A batch of magic 2 with one record for each of `values`; record n is n milliseconds younger than the first."""
    body = b""
    for number, value in enumerate(values):
        keyed = varint(-1) if key is None else varint(len(key)) + key
        valued = varint(-1) if value is None else varint(len(value)) + value
        record = b"\0" + varint(number) + varint(number * offset_step) + keyed + valued + b"\0"
        body += varint(len(record)) + record
    last = len(values) - 1 if last_offset_delta is None else last_offset_delta
    tail = struct.pack(">hiqqqhii", attributes, last, timestamp, timestamp + max(len(values) - 1, 0), producer, epoch, sequence,
                       len(values) if count is None else count) + (body if payload is None else payload)
    return struct.pack(">qiibI", base_offset, 9 + len(tail), -1, magic, crc32c(tail) ^ crc_error) + tail


def message(value, magic=1, key=None, timestamp=TIMESTAMP, offset=0, attributes=0, crc_error=0):
    """A message set of one message of magic 0 or 1."""
    def sized(data):
        return struct.pack(">i", -1) if data is None else struct.pack(">i", len(data)) + data
    body = struct.pack(">bb", magic, attributes) + (struct.pack(">q", timestamp) if magic > 0 else b"") + sized(key) + sized(value)
    body = struct.pack(">I", zlib.crc32(body) ^ crc_error) + body
    return struct.pack(">qi", offset, len(body)) + body


# One record "x" of 8 bytes, in a frame of zstd that holds it as it is.
ZSTD_ONE = bytes.fromhex("28b52ffd2008410000") + bytes.fromhex("0e00000001027800")


def legacy_messages(data):
    """The messages of magic 0 and 1 in `data`, those inside messages of gzip too (other codecs are left closed), and whether more follows.
    Times of now are shown as such."""
    found, position = [], 0
    while len(data) - position >= 12:
        offset, size = struct.unpack_from(">qi", data, position)
        if position + 12 + size > len(data):
            break
        body = data[position + 12:position + 12 + size]
        position += 12 + size
        crc, magic, attributes = struct.unpack_from(">IbB", body)
        one = {"offset": offset, "magic": magic, "attributes": attributes, "checksum": crc == zlib.crc32(body[4:])}
        at = 6
        if magic > 0:
            timestamp = struct.unpack_from(">q", body, at)[0]
            one["timestamp"], at = "now" if timestamp > TIMESTAMP + (1 << 32) else timestamp, at + 8
        for name in ("key", "value"):
            length, at = struct.unpack_from(">i", body, at)[0], at + 4
            one[name] = None if length < 0 else body[at:at + length]
            at += max(length, 0)
        if attributes & 7 == GZIP:
            one["value"] = legacy_messages(zlib.decompress(one["value"], 47))
        elif attributes & 7:
            one["value"] = "compressed"
        for name in ("key", "value"):
            if isinstance(one[name], bytes):
                one[name] = one[name].decode("latin-1")
        found.append(one)
    return [*found, "more"] if position < len(data) else found


def summary(records):
    """What a fetch returned: each whole batch with its checksum over all bytes, and how many bytes a cut one has."""
    found, position = [], 0
    while len(records) - position >= 17:
        base, size = struct.unpack_from(">qi", records, position)
        magic, end = records[position + 16], position + 12 + size
        if end > len(records):
            break
        one = {"base_offset": base, "magic": magic, "bytes": 12 + size, "crc": f"{zlib.crc32(records[position:end]):08x}"}
        if magic == 2:
            one["records"] = struct.unpack_from(">i", records, position + 57)[0]
        found.append(one)
        position = end
    if position < len(records):
        found.append({"cut_after_bytes": len(records) - position})
    return found
