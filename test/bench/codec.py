"""The codec alone, in the program that is built for it."""
import os

from harness import paths
from harness.processes import run

BINARY = os.path.join(paths.BUILD, "test", "bench", "millrace_codec_bench")
GOAL_US = 10
WITH_GOAL = "Produce"  # a hundred partitions


def measure(table, runs):
    found = {}
    for _ in range(runs):
        for line in run([BINARY], timeout=120).splitlines():
            what, microseconds = line.split("\t")
            found.setdefault(what, []).append(float(microseconds))
    for what, values in found.items():
        table.row(what, values, "us", GOAL_US if what.startswith(WITH_GOAL) else None)
