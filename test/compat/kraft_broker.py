"""A Kafka of the newest release, which has no ZooKeeper: what the lab's Kafka 3.9 cannot answer, it can. One node, broker and controller."""
import os
import shutil
import tempfile

from compat.java_clients import jars_of
from harness.brokers import free_port, port_open
from harness.checks import wait_until
from harness.processes import Background, run

NEWEST = "4.3.1"  # the version behind the lab's --v4, too
CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qg"
JAVA = ("java", "-Xmx512m")


class KRaftBroker:
    """Started from its jars, with a folder of its own that goes when the broker is closed."""

    name = "kafka"
    can_restart = True

    def __init__(self, settings=None):
        self.folder = tempfile.mkdtemp(prefix="millrace-kraft.")
        self.log_folder = os.path.join(self.folder, "log")
        self.port, controller_port = free_port(), free_port()
        self.bootstrap = f"127.0.0.1:{self.port}"
        self.settings = {
            "process.roles": "broker,controller",
            "node.id": "0",
            "controller.quorum.voters": f"0@127.0.0.1:{controller_port}",
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://127.0.0.1:{controller_port}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "log.dirs": self.log_folder,
            "offsets.topic.replication.factor": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            # It gathers changes of a group for a second before it assigns anew.
            "group.consumer.min.assignment.interval.ms": "0",
            "group.consumer.assignment.interval.ms": "0",
            **(settings or {}),
        }
        self.process = None

    def _command(self, name, *arguments):
        return [*JAVA, "-cp", os.path.join(jars_of(NEWEST, "kafka_2.13"), "*"), name, *arguments]

    def start(self):
        properties = os.path.join(self.folder, "server.properties")
        with open(properties, "w", encoding="utf-8") as file:
            file.writelines(f"{key}={value}\n" for key, value in self.settings.items())
        run(self._command("kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", properties, "--ignore-formatted"), timeout=60, merge=True)
        self.process = Background(self._command("kafka.Kafka", properties), os.path.join(self.folder, "output"))
        wait_until(60, "Kafka without ZooKeeper", self._serving)

    def _serving(self):
        if not self.process.running():
            raise RuntimeError(f"it ended with {self.process.process.returncode}:\n{self.process.tail()}")
        return port_open("127.0.0.1", self.port)

    def kill(self):
        self.process.kill()

    def stop(self):
        return self.process.stop()

    def output(self):
        return self.process.tail(15) if self.process else ""

    def close(self):
        if self.process:
            self.process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
