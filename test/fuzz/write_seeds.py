#!/usr/bin/env python3
"""Writes the golden frames and batches as seeds of the fuzz targets: write_seeds.py GOLDEN_DIR SEEDS_DIR"""
import hashlib
import pathlib
import sys


def lines(path):
    return [line.split() for line in path.read_text(encoding="ascii").splitlines() if not line.startswith("#")]


def write(folder, seeds):
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        (folder / hashlib.sha1(seed).hexdigest()).write_bytes(seed)


def frame_seeds(frames):
    keys = sorted({int(frame[0]) for frame in frames})
    for key, kind, version, _, content in frames:
        # The forms of frame_decoder_fuzzer.cpp: APIs count from 0 by ascending key, versions from the lowest, which is 0 so far.
        yield (b"\0" if kind == "request" else bytes([1, keys.index(int(key)), int(version)])) + bytes.fromhex(content)


def main():
    golden, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    write(out / "frame_decoder", frame_seeds(lines(golden / "frames.txt") + lines(golden / "conversation.txt")))
    write(out / "batch_reader", [bytes.fromhex(words[2]) for words in lines(golden / "batches.txt") if words[0] == "batch"])


if __name__ == "__main__":
    main()
