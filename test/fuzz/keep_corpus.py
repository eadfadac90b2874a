#!/usr/bin/env python3
"""Keeps what runs have learned: keep_corpus.py BUILD_DIR TARGET...

Of the inputs in BUILD_DIR/test/fuzz/corpus/TARGET those that reach code which the seeds do not reach, the small ones first, as lines of
corpus/TARGET.txt.
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile

LIMIT_BYTES = 40_000  # of one target
FOLDER = pathlib.Path(__file__).resolve().parent / "corpus"


def keep(build, target):
    fuzz = build / "test" / "fuzz"
    with tempfile.TemporaryDirectory() as merged:
        # What is there already stays: the seeds come first.
        shutil.copytree(fuzz / "seeds" / target, merged, dirs_exist_ok=True)
        before = {path.name for path in pathlib.Path(merged).iterdir()}
        subprocess.run([fuzz / f"{target}_fuzzer", "-merge=1", "-max_len=65536", merged, fuzz / "corpus" / target], check=True,
                       stderr=subprocess.DEVNULL)
        found = sorted((path.read_bytes() for path in pathlib.Path(merged).iterdir() if path.name not in before), key=lambda each: (len(each), each))
    old = FOLDER / f"{target}.txt"
    kept = {bytes.fromhex(line) for line in old.read_text(encoding="ascii").split()} if old.exists() else set()
    size = sum(map(len, kept))
    for content in found:
        if size + len(content) > LIMIT_BYTES:
            break
        size += len(content)
        kept.add(content)
    FOLDER.mkdir(exist_ok=True)
    old.write_text("".join(each.hex() + "\n" for each in sorted(kept, key=lambda each: (len(each), each)) if each), encoding="ascii")
    print(f"{target}: {len(found)} inputs found, {len(kept)} kept, {size} bytes")


def main():
    for target in sys.argv[2:]:
        keep(pathlib.Path(sys.argv[1]), target)


if __name__ == "__main__":
    main()
