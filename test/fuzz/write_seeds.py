#!/usr/bin/env python3
"""Writes what the fuzz targets start from: write_seeds.py REPOSITORY SEEDS_DIR

The golden frames, batches and log files in the forms of the targets, and the inputs that earlier runs found worth keeping: corpus/TARGET.txt,
one in hexadecimal per line (keep_corpus.py).
"""
import hashlib
import pathlib
import sys

CODECS = 5
BATCH_HEADER_BYTES = 61
# The files of log_files_fuzzer.cpp by their number there.
LOG_FILES = (".snapshot", ".index", ".timeindex", "-offset-checkpoint", "leader-epoch-checkpoint", "meta.properties", ".kafka_cleanshutdown",
             "partition.metadata")


def lines(path):
    return [line.split() for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]


def write(folder, seeds):
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        (folder / hashlib.sha1(seed).hexdigest()).write_bytes(seed)


def frame_seeds(frames):
    keys = sorted({int(frame[0]) for frame in frames})
    for key, kind, version, _, content in frames:
        # The forms of frame_decoder_fuzzer.cpp: APIs count from 0 by ascending key, versions from the lowest, which is 0 so far.
        yield (b"\0" if kind == "request" else bytes([1, keys.index(int(key)), int(version)])) + bytes.fromhex(content)


def generator_seeds(frames):
    """Each API, kind and version once, with fields of every length."""
    keys = sorted({int(frame[0]) for frame in frames})
    for key, kind, version in sorted({(int(frame[0]), frame[1], int(frame[2])) for frame in frames}):
        head = bytes([keys.index(key), 0 if kind == "request" else 1, version, version // 2, 0])
        yield head + bytes((7 * number + version) % 256 for number in range(96))
    # What is mutated never gets much longer than the longest.
    yield bytes(5) + bytes(number * number % 251 for number in range(2000))


def compression_seeds(batches):
    """The records of golden batches as streams of every codec, and as plain bytes."""
    for batch in batches:
        stream = batch[BATCH_HEADER_BYTES:]
        codec = batch[22] & 7
        yield bytes([codec, 1, 0, len(stream) % 251]) + stream
        for other in range(CODECS):
            yield bytes([other, 0, len(stream) % 24, 3]) + stream[:512]


def produced_seeds(records):
    """To topics that keep the producer's codec, and to others; and fields of message sets."""
    for number, each in enumerate(records):
        for codec in (5, number % CODECS):
            yield bytes([codec, number % 2, 0, number % 8]) + each
    for number in range(64):
        yield bytes([number % 6, 0, 1, 0, number % 2, number // 2 % 4, number // 8, 1 + number % 5]) + bytes((7 * place) % 200 for place in range(120))


def log_file_seeds(folder):
    for path in sorted(folder.rglob("*")):
        for number, ending in enumerate(LOG_FILES):
            if path.is_file() and path.name.endswith(ending) and path.stat().st_size < 65536:
                yield bytes([number]) + path.read_bytes()


def varint(data, position):
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), position


def records_of(batch):
    """Key and value, or None, of each record of an uncompressed batch."""
    position = BATCH_HEADER_BYTES
    while position < len(batch):
        size, position = varint(batch, position)
        end, position = position + size, position + 1  # the attributes
        for _ in range(2):  # timestamp and offset
            _, position = varint(batch, position)
        fields = []
        for _ in range(2):
            size, position = varint(batch, position)
            fields.append(None if size < 0 else batch[position:position + size])
            position += max(size, 0)
        yield fields
        position = end


def coordinator_seeds(kind, batches):
    """The whole partition, and each record of it alone, in the form of coordinator_records_fuzzer.cpp."""
    def sized(data):
        return len(data or b"").to_bytes(2, "big") + (data or b"")
    everything = bytes([kind])
    for batch in batches:
        attributes, producer = batch[22], batch[50] & 0xF
        for key, value in records_of(batch):
            is_marker, is_commit = attributes >> 5 & 1, attributes >> 5 & 1 and key[3] == 1
            flags = (value is not None) | (attributes >> 4 & 1) << 1 | is_marker << 2 | bool(is_commit) << 3 | producer << 4
            record = bytes([flags]) + sized(key) + sized(value)
            everything += record
            yield bytes([kind]) + record
    yield everything


def main():
    repository, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    golden = repository / "test" / "compat" / "golden"
    frames = lines(golden / "frames.txt")
    batches = [bytes.fromhex(words[2]) for words in lines(golden / "batches.txt") if words[0] == "batch"]
    write(out / "frame_decoder", frame_seeds(frames + lines(golden / "conversation.txt")))
    write(out / "message_generator", generator_seeds(frames))
    write(out / "batch_reader", batches)
    formats = [words for words in lines(golden / "formats.txt") if words[0] == "up"]
    write(out / "produced_records", produced_seeds(batches + [bytes.fromhex(words[4]) for words in formats]))
    write(out / "compression", compression_seeds(batches))
    write(out / "log_files", log_file_seeds(repository / "test" / "broker" / "log" / "golden"))
    for kind, name in enumerate(("consumer_offsets.txt", "transaction_state.txt")):
        write(out / "coordinator_records", coordinator_seeds(kind, [bytes.fromhex(words[-1]) for words in lines(golden / name)
                                                                      if len(words) == 1 or words[0] == "batch"]))
    for kept in sorted((repository / "test" / "fuzz" / "corpus").glob("*.txt")):
        write(out / kept.stem, (bytes.fromhex(words[0]) for words in lines(kept)))


if __name__ == "__main__":
    main()
