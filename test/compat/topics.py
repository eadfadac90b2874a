"""Topics of the tests' own making, on brokers that may have come up in this moment."""
import contextlib

from compat.answer_script import Connection
from harness.checks import wait_until


def create_topic(bootstrap, name, partitions, configuration=None):
    configs = [{"name": key, "value": value} for key, value in (configuration or {}).items()]
    wanted = {"timeout_ms": 20_000, "topics": [{"name": name, "num_partitions": partitions, "replication_factor": 1, "configs": configs}]}
    with contextlib.closing(Connection(int(bootstrap.rpartition(":")[2]))) as connection:
        wait_until(30, f"the topic {name}", lambda: connection.ask("CreateTopics", 5, wanted)["topics"][0]["error_code"] == 0)
