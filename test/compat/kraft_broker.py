"""A Kafka of the newest release, which has no ZooKeeper: what the lab's Kafka 3.9 cannot answer, it can. One node, broker and controller."""
import os

from compat.java_clients import jars_of
from harness.brokers import LocalBroker, free_port
from harness.processes import run

NEWEST = "4.3.1"  # the version behind the lab's --v4, too
CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qg"
JAVA = ("java", "-Xmx512m")


class KRaftBroker(LocalBroker):
    """Started from its jars."""

    name = "kafka"

    def __init__(self, settings=None):
        super().__init__("millrace-kraft.")
        controller_port = free_port()
        self.settings.update({
            "process.roles": "broker,controller",
            "node.id": "0",
            "controller.quorum.voters": f"0@127.0.0.1:{controller_port}",
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://127.0.0.1:{controller_port}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            # It gathers changes of a group for a second before it assigns anew.
            "group.consumer.min.assignment.interval.ms": "0",
            "group.consumer.assignment.interval.ms": "0",
            **(settings or {}),
        })

    def _command(self, name, *arguments):
        return [*JAVA, "-cp", os.path.join(jars_of(NEWEST, "kafka_2.13"), "*"), name, *arguments]

    def start(self):
        properties = self.write_settings()
        run(self._command("kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", properties, "--ignore-formatted"), timeout=60, merge=True)
        self.run(self._command("kafka.Kafka", properties))
        self.wait_until_serving(60)
