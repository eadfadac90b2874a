"""librdkafka's own test suite: the tests of librdkafka.list by the lab's runner, those that measure times alone, the others side by side."""
import contextlib
import os
import time
from concurrent.futures import ThreadPoolExecutor

from harness import paths
from harness.brokers import MillraceBroker, OracleBroker
from harness.checks import require
from harness.processes import run

LIST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "librdkafka.list")
KINDS = {"full", "timed", "racy", "delayed"}
ALONE = {"timed", "racy"}
SIDE_BY_SIDE = 4
SECONDS_PER_TEST = 90
# What the suite itself gives a test on CI, which the lab's configuration takes back. 0059 has ten seconds for a binary search that may need nine
# steps of a second each, on Kafka, too.
PATIENCE = "test.timeout.multiplier=3\n"
TRIES_OF_RACY_TEST = 3
# As it is where nobody sets it: members that come within three seconds are in the group's first generation together.
DELAYED = {"num.partitions": "4", "offsets.topic.replication.factor": "1", "group.initial.rebalance.delay.ms": "3000"}


def listed_tests():
    """(test, its kinds) for what needs no more than one broker without security, in the list's order."""
    with open(LIST, encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file if line.strip() and not line.startswith("#")]
    tests = [(row[0], set(row[1].split()[1:])) for row in rows if row[1].split()[0] == "run"]
    for test, kinds in tests:
        require(kinds <= KINDS, f"{test} is of an unknown kind: {kinds - KINDS}")
    return tests


def checks(context):
    cache = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "lab-kafka")
    sources = os.path.join(os.environ.get("LAB_KAFKA_CACHE", cache), "librdkafka", "src")
    if not os.access(os.path.join(sources, "tests", "test-runner"), os.X_OK):
        context.checks.skip("librdkafka's suite", "it is not built: librdkafka-build of the lab")
        return
    libraries = os.path.join(sources, "src") + ":" + os.path.join(sources, "src-cpp")
    end = time.monotonic() + context.options.suite
    selected = [(test, kinds) for test, kinds in listed_tests() if context.checks.selected(name_of(test))]

    def check(bootstrap, test, kinds):
        if time.monotonic() > end:
            context.checks.skip(name_of(test), f"--suite {context.options.suite} seconds are over")
        else:
            context.checks.check(name_of(test), passes, context, bootstrap, test, kinds, libraries)

    for test, kinds in selected:
        if kinds & ALONE:
            check(context.bootstrap, test, kinds)
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool, contextlib.ExitStack() as opened:
        # The longest first.
        delayed = [(test, kinds) for test, kinds in selected if "delayed" in kinds]
        if delayed:
            bootstrap = delayed_broker(context, opened)
            opened.callback(pool.shutdown)
            for test, kinds in delayed:
                pool.submit(check, bootstrap, test, kinds)
        for test, kinds in selected:
            if not kinds & {*ALONE, "delayed"}:
                pool.submit(check, context.bootstrap, test, kinds)


def name_of(test):
    return f"librdkafka {test}"


def delayed_broker(context, opened):
    if not context.broker.can_restart:
        return context.bootstrap
    broker = OracleBroker(DELAYED) if context.broker.name == "kafka" else MillraceBroker(settings=DELAYED)
    opened.callback(broker.close)
    broker.start()
    return broker.bootstrap


def passes(context, bootstrap, test, kinds, libraries):
    without = ["env", "--unset=CI"] if "timed" in kinds else []
    command = [*without, os.path.join(paths.KAFKA_LAB, "librdkafka-test"), bootstrap, test]
    environment = {"LD_LIBRARY_PATH": libraries, "T": str(SECONDS_PER_TEST), "QUICK": "0" if "full" in kinds else "1",
                   "OUT": context.path(f"{test}.tsv"), "LOGS": context.path("logs")}
    if "timed" not in kinds:
        environment["CONF"] = context.path(f"{test}.conf")
        with open(environment["CONF"], "w", encoding="utf-8") as configuration:
            configuration.write(PATIENCE)
    for left in reversed(range(TRIES_OF_RACY_TEST if "racy" in kinds else 1)):
        said = run(command, timeout=SECONDS_PER_TEST + 30, expect=None, environment=environment)
        if "1 passed" in said:
            return
        with open(context.path(f"logs/{test}.log"), encoding="utf-8", errors="replace") as log:
            said += log.read()[-3000:]
        require(left > 0, said)
        print(said, flush=True)
