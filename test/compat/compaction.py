"""Kafka's cleaner and ours leave the same of the same partitions: records, batches, transaction indexes, times of files.

    compaction.py BINARY [FIRST_SEED SEEDS] [plain]

The partitions come from a seed: keys, tombstones, transactions with aborts, all codecs, old formats, emptied batches, gaps; each is
compacted several times, at several moments and with small maps. BINARY is millrace_compact_directory. Where Kafka's cleaner fails
(a message of magic 0 or 1 at the end of a pass) nothing is compared."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
JARS = os.path.expanduser("~/.cache/lab-kafka/libs-3.9.2/*")
LINE = re.compile(r"Dumping \S*?/(\d{6}/topic-0/\S+)")


class Kafka:
    def __init__(self, folder):
        self.classes = os.path.join(folder, "classes")
        os.mkdir(self.classes)
        source = os.path.join(HERE, "java", "CompactWithKafka.java")
        subprocess.run(["javac", "-nowarn", "-cp", JARS, "-d", self.classes, source], check=True, timeout=120)
        self.logging = os.path.join(folder, "log4j.properties")
        with open(self.logging, "w", encoding="utf-8") as file:
            file.write("log4j.rootLogger=OFF\n")

    def run(self, *arguments, plain=False):
        command = ["java", "-Xmx512m", f"-Dplain={str(plain).lower()}", f"-Dlog4j.configuration=file:{self.logging}",
                   "-cp", f"{self.classes}:{JARS}", "CompactWithKafka", *map(str, arguments)]
        return subprocess.run(command, check=True, timeout=900, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout

    def dump(self, root):
        """What DumpLogSegments says of each file, without what another implementation of a codec changes."""
        files, current = {}, None
        for line in self.run("dump", root).splitlines():
            if found := LINE.match(line):
                current = files.setdefault(found.group(1), [])
                continue
            line = re.sub(r" position: \d+", "", line)
            if "compresscodec" in line and "compresscodec: none" not in line:
                line = re.sub(r" (size|crc): \d+", "", line)
            if current is not None:
                current.append(line)
        return files


def result_of(root, seed):
    with open(os.path.join(root, seed, "result"), encoding="utf-8") as file:
        return re.sub(r"(?m)^(pass \S+ \S+) \S+ \S+", r"\1", file.read())


def difference(seed, theirs, ours, dumps):
    expected, found = result_of(theirs, seed), result_of(ours, seed)
    if expected.startswith("Kafka fails"):
        return None
    if expected != found:
        return f"passes:\n{expected}and ours:\n{found}"

    def names(root, dump):
        return [name for name in sorted(dump) if name.startswith(seed) and
                (name.endswith(".log") or os.path.getsize(os.path.join(root, name)) > 0)]

    files = names(theirs, dumps[0])
    if files != names(ours, dumps[1]):
        return f"files: {files} and ours: {names(ours, dumps[1])}"
    for name in files:
        if dumps[0][name] != dumps[1][name]:
            return f"{name}: {[pair for pair in zip(dumps[0][name], dumps[1][name]) if pair[0] != pair[1]][:2]}"
        times = [os.stat(os.path.join(root, name)).st_mtime_ns // 1_000_000 for root in (theirs, ours)]
        if name.endswith(".log") and name != max(files) and os.path.getsize(os.path.join(theirs, name)) and times[0] != times[1]:
            return f"{name}: modified at {times}"
    return None


def compare(binary, first_seed, seeds, plain):
    folder = tempfile.mkdtemp(prefix="compaction-")
    kafka = Kafka(folder)
    input_root, theirs, ours = (os.path.join(folder, name) for name in ("input", "kafka", "millrace"))
    os.mkdir(input_root)
    kafka.run("generate", input_root, first_seed, seeds, plain=plain)
    for root in (theirs, ours):
        subprocess.run(["cp", "-a", input_root, root], check=True)
    kafka.run("clean", theirs)
    subprocess.run([binary, ours], check=True, timeout=900, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    dumps = kafka.dump(theirs), kafka.dump(ours)
    differences = {seed: why for seed in sorted(os.listdir(theirs)) if (why := difference(seed, theirs, ours, dumps))}
    lines = sum(len(lines) for lines in dumps[0].values())
    if not differences:
        shutil.rmtree(folder)
    return differences, lines


def main(binary, first_seed="1", seeds="100", *options):
    differences, lines = compare(binary, int(first_seed), int(seeds), "plain" in options)
    for seed, why in differences.items():
        print(f"seed {int(seed)}: {why}")
    print(f"{seeds} seeds, {lines} lines of dumps, {len(differences)} differ")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
