"""A broker as a process: start to first acknowledged produce, and memory when idle."""
import time

from harness.brokers import MillraceBroker, OracleBroker, port_open
from harness.checks import wait_until
from harness.first_produce import wait_for_first_produce
from harness.processes import run

TOPIC = "bench-start"
FIRST_PRODUCE_GOAL_S = 0.5
IDLE_MEMORY_GOAL_MIB = 30


def memory_mib(smaps_rollup):
    """(PSS, RSS) of the text of /proc/PID/smaps_rollup."""
    fields = dict(line.split(":", 1) for line in smaps_rollup.splitlines() if line[:4] in ("Pss:", "Rss:"))
    return tuple(int(fields[name].split()[0]) / 1024 for name in ("Pss", "Rss"))


def idle_memory(pid, seconds):
    time.sleep(seconds)
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return memory_mib(file.read())


def starts(broker, runs):
    """Seconds from the start to the first acknowledged produce, each after a clean stop; the topic is made first."""
    broker.start()
    wait_until(60, "the broker", lambda: port_open("127.0.0.1", broker.port))
    run(["kcat", "-b", broker.bootstrap, "-P", "-t", TOPIC, "-p", "0", "-X", "message.timeout.ms=30000"], stdin="first\n")
    values = []
    for _ in range(runs):
        broker.stop()
        wait_until(60, "the port to be free", lambda: not port_open("127.0.0.1", broker.port))
        time.sleep(1)
        begin = time.monotonic()
        broker.start(wait=False)
        values.append(wait_for_first_produce("127.0.0.1", broker.port, TOPIC) - begin)
    return values


def measure_millrace(table, options):
    broker = MillraceBroker()
    try:
        table.row("start to first acknowledged produce", starts(broker, options.runs), "s", FIRST_PRODUCE_GOAL_S)
        pss, rss = idle_memory(broker.pid, options.idle)
        table.row("broker, idle, PSS", [pss], "MiB")
        table.row("broker, idle, RSS", [rss], "MiB", IDLE_MEMORY_GOAL_MIB)
    finally:
        broker.close()


def measure_kafka(table, options):
    broker = OracleBroker()
    try:
        table.row("Kafka 3.9: start to first acknowledged produce", starts(broker, min(3, options.runs)), "s")
        pss, rss = idle_memory(broker.pid, options.idle)
        table.row("Kafka 3.9: broker, idle, PSS", [pss], "MiB")
        table.row("Kafka 3.9: broker, idle, RSS", [rss], "MiB")
    finally:
        broker.close()
