"""librdkafka's own test suite: the tests of librdkafka.list, one by one, by the lab's runner."""
import os
import time

from harness import paths
from harness.checks import require
from harness.processes import run

LIST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "librdkafka.list")
SECONDS_PER_TEST = 90
TRIES_OF_RACY_TEST = 3


def listed_tests():
    """(test, "", "full", "timed" or "racy") for what needs no more than this broker serves, in the list's order."""
    with open(LIST, encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file if line.strip() and not line.startswith("#")]
    return [(row[0], row[1].removeprefix("run").strip()) for row in rows if row[1] in ("run", "run full", "run timed", "run racy")]


def checks(context):
    cache = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "lab-kafka")
    sources = os.path.join(os.environ.get("LAB_KAFKA_CACHE", cache), "librdkafka", "src")
    if not os.access(os.path.join(sources, "tests", "test-runner"), os.X_OK):
        context.checks.skip("librdkafka's suite", "it is not built: librdkafka-build of the lab")
        return
    libraries = os.path.join(sources, "src") + ":" + os.path.join(sources, "src-cpp")
    end = time.monotonic() + context.options.suite
    for test, how in listed_tests():
        name = f"librdkafka {test}"
        if time.monotonic() > end:
            context.checks.skip(name, f"--suite {context.options.suite} seconds are over")
        else:
            context.checks.check(name, passes, context, test, how, libraries)


def passes(context, test, how, libraries):
    without = ["env", "--unset=CI"] if how == "timed" else []
    command = [*without, os.path.join(paths.KAFKA_LAB, "librdkafka-test"), context.bootstrap, test]
    environment = {"LD_LIBRARY_PATH": libraries, "T": str(SECONDS_PER_TEST), "QUICK": "0" if how == "full" else "1",
                   "OUT": context.path("librdkafka.tsv"), "LOGS": context.path("logs")}
    for left in reversed(range(TRIES_OF_RACY_TEST if how == "racy" else 1)):
        said = run(command, timeout=SECONDS_PER_TEST + 30, expect=None, environment=environment)
        if "1 passed" in said:
            return
        with open(context.path(f"logs/{test}.log"), encoding="utf-8", errors="replace") as log:
            said += log.read()[-3000:]
        require(left > 0, said)
        print(said, flush=True)
