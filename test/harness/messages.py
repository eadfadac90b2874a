"""Requests and answers of Kafka's protocol as plain dictionaries, in every version, by the schemas of messages.txt.

What a request leaves out has its default; what a version does not have is not sent. Of an answer everything is returned, tagged
fields only where they were sent, and bytes that are left over are an error: a test sees what is on the wire.
"""
import os
import struct
import uuid

NUMBERS = {"int8": "b", "int16": "h", "int32": "i", "int64": "q", "float64": "d", "bool": "?"}
ZERO_ID = "00000000-0000-0000-0000-000000000000"
API_VERSIONS = 18  # its answers' header never has tags


class Range:
    """Versions, of the form "3", "3-7" or "3+"."""

    def __init__(self, text):
        first, _, last = text.partition("-")
        self.lowest = int(first.rstrip("+"))
        self.highest = 0x7FFF if text.endswith("+") else int(last or first)

    def __contains__(self, version):
        return self.lowest <= version <= self.highest

    def __iter__(self):
        return iter(range(self.lowest, self.highest + 1))


class Field:
    def __init__(self, words):
        self.name, kind, *rest = words
        self.is_array = kind.startswith("[]")
        self.kind = kind.removeprefix("[]")
        self.versions, self.nullable, self.tag, self.fields = Range("0+"), None, None, []
        default = ""
        for word in rest:
            if word.startswith("null:"):
                self.nullable = Range(word.removeprefix("null:"))
            elif word.startswith("tag:"):
                self.tag = int(word.removeprefix("tag:"))
            elif word.startswith("="):
                default = word[1:]
            else:
                self.versions = Range(word)
        self.default = self._default(default)

    def _default(self, text):
        if self.is_array:
            return None if text == "null" else []
        if self.kind == "bool":
            return text == "true"
        if self.kind == "float64":
            return float(text or "0")
        if self.kind in NUMBERS:
            return int(text or "0", 0)
        if text == "null":
            return None
        return {"{}": {}, "uuid": ZERO_ID, "records": None, "bytes": b""}.get(self.kind, "")

    def may_be_null(self, version):
        return self.nullable is not None and version in self.nullable


class Api:
    def __init__(self, name, key, versions, flexible=""):
        self.name, self.key, self.versions, self.flexible = name, int(key), Range(versions), Range(flexible.removeprefix("flexible:")) if flexible else ()
        self.request, self.response = [], []


def read_schemas(path):
    apis, stack = {}, []
    with open(path, encoding="utf-8") as file:
        lines = [line.rstrip("\n") for line in file if not line.startswith("#")]
    for line in lines:
        depth, words = len(line) - len(line.lstrip(" ")), line.split()
        if depth == 0:
            api = apis[words[0]] = Api(*words)
        elif depth == 1:
            stack = [getattr(api, words[0])]
        else:
            field = Field(words)
            del stack[depth - 1:]
            stack[-1].append(field)
            stack.append(field.fields)
    return apis


APIS = read_schemas(os.path.join(os.path.dirname(os.path.abspath(__file__)), "messages.txt"))


def unsigned_varint(value):
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


class Encoder:
    def __init__(self, version, flexible):
        self.version, self.flexible = version, flexible

    def presence(self, field, value):
        """A single structure that may be null has a byte before it that says whether it is there; those of an array never are null."""
        if field.is_array or not field.may_be_null(self.version):
            return b""
        return struct.pack(">b", -1 if value is None else 1)

    def structure(self, fields, values):
        unknown = set(values) - {field.name for field in fields}
        assert not unknown, f"no such fields: {unknown}"
        here = [field for field in fields if self.version in field.versions]
        plain = b"".join(self.value(field, values.get(field.name, field.default)) for field in here if field.tag is None)
        return plain + (self.tags(here, values) if self.flexible else b"")

    def tags(self, fields, values):
        tagged = [(field.tag, self.value(field, values[field.name])) for field in fields if field.tag is not None and field.name in values]
        return unsigned_varint(len(tagged)) + b"".join(
            unsigned_varint(tag) + unsigned_varint(len(data)) + data for tag, data in sorted(tagged))

    def length(self, count, form):
        return unsigned_varint(count + 1) if self.flexible else struct.pack(form, count)

    def value(self, field, value):
        if field.is_array:
            if value is None:
                return self.length(-1, ">i")
            return self.length(len(value), ">i") + b"".join(self.single(field, item) for item in value)
        return self.single(field, value)

    def single(self, field, value):
        if field.kind in NUMBERS:
            return struct.pack(">" + NUMBERS[field.kind], value)
        if field.kind == "uuid":
            return uuid.UUID(value).bytes
        if field.kind == "{}":
            return self.presence(field, value) + (b"" if value is None else self.structure(field.fields, value))
        form = ">i" if field.kind in ("records", "bytes") else ">h"
        if value is None:
            return self.length(-1, form)
        data = value.encode() if isinstance(value, str) else value
        return self.length(len(data), form) + data


class Decoder:
    def __init__(self, data, version, flexible):
        self.data, self.position, self.version, self.flexible = data, 0, version, flexible

    def take(self, form):
        size = struct.calcsize(">" + form)
        return struct.unpack(">" + form, self.bytes(size))[0]

    def bytes(self, size):
        if size > len(self.data) - self.position:
            raise ValueError(f"the answer ends {size - len(self.data) + self.position} bytes too early")
        self.position += size
        return self.data[self.position - size:self.position]

    def unsigned_varint(self):
        value = shift = 0
        while True:
            byte = self.take("B")
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def length(self, form):
        return self.unsigned_varint() - 1 if self.flexible else self.take(form)

    def structure(self, fields):
        here = [field for field in fields if self.version in field.versions]
        values = {field.name: self.value(field) for field in here if field.tag is None}
        if self.flexible:
            tagged = {field.tag: field for field in here if field.tag is not None}
            for _ in range(self.unsigned_varint()):
                tag, size = self.unsigned_varint(), self.unsigned_varint()
                end = self.position + size
                values[tagged[tag].name] = self.value(tagged[tag])
                if self.position != end:
                    raise ValueError(f"tag {tag} is not {size} bytes long")
        return values

    def value(self, field):
        if not field.is_array:
            return self.single(field)
        count = self.length("i")
        return None if count < 0 else [self.single(field) for _ in range(count)]

    def single(self, field):
        if field.kind in NUMBERS:
            return self.take(NUMBERS[field.kind])
        if field.kind == "uuid":
            return str(uuid.UUID(bytes=self.bytes(16)))
        if field.kind == "{}":
            if not field.is_array and field.may_be_null(self.version) and self.take("b") < 0:
                return None
            return self.structure(field.fields)
        count = self.length("i" if field.kind in ("records", "bytes") else "h")
        if count < 0:
            return None
        data = self.bytes(count)
        return data.decode() if field.kind == "string" else data


def encode_request(api, version, correlation, values, client_id="raw"):
    """Header and body, without the length before them. A version above those that are known is encoded as the highest."""
    known = min(version, api.versions.highest)
    flexible = known in api.flexible
    header = struct.pack(">hhih", api.key, version, correlation, len(client_id)) + client_id.encode() + (b"\0" if flexible else b"")
    return header + Encoder(known, flexible).structure(api.request, values)


def decode_response(api, version, data):
    """(correlation id, values) of header and body."""
    flexible = version in api.flexible
    decoder = Decoder(data, version, flexible)
    correlation = decoder.take("i")
    if flexible and api.key != API_VERSIONS and decoder.unsigned_varint() != 0:
        raise ValueError("tags in the answer's header")
    values = decoder.structure(api.response)
    if decoder.position != len(data):
        raise ValueError(f"{len(data) - decoder.position} bytes after the answer")
    return correlation, values
