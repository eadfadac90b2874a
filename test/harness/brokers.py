"""One broker to test against: ours, a real Kafka of the lab (the oracle), or one that runs already.

All have: bootstrap, start(), kill(), stop(), can_restart, log_folder (or None).
"""
import os
import shutil
import socket
import tempfile

from harness import paths
from harness.checks import Failure, wait_until
from harness.processes import Background, run


HELD = []  # sockets, as long as this process lives


def free_port(address="127.0.0.1"):
    """A port that nobody else is given, not even while what listens to it is stopped: it stays bound here. Whoever allows that addresses are
    used again, as brokers do, can listen to it."""
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind((address, 0))
    HELD.append(holder)
    return holder.getsockname()[1]


def port_open(address, port):
    try:
        with socket.create_connection((address, port), timeout=1):
            return True
    except OSError:
        return False


class LocalBroker:
    """A broker that is a process of this one's, with a port, and a folder of its own that goes when the broker is closed. Who derives from it
    fills `settings`, the rows of server.properties."""

    can_restart = True

    def __init__(self, prefix):
        self.folder = tempfile.mkdtemp(prefix=prefix)
        self.log_folder = os.path.join(self.folder, "log")
        self.port = free_port()
        self.bootstrap = f"127.0.0.1:{self.port}"
        self.settings = {
            # As the lab's brokers have it: there is one broker, and nobody waits for members of a group that will not come.
            "offsets.topic.replication.factor": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            "log.dirs": self.log_folder,
        }
        self.process = None

    @property
    def pid(self):
        return self.process.pid

    def write_settings(self):
        """The path of server.properties."""
        properties = os.path.join(self.folder, "server.properties")
        with open(properties, "w", encoding="utf-8") as file:
            file.writelines(f"{key}={value}\n" for key, value in self.settings.items())
        return properties

    def run(self, command, environment=None):
        self.process = Background(command, os.path.join(self.folder, "output"), environment=environment)

    def wait_until_serving(self, seconds):
        wait_until(seconds, "the broker", self._serving)

    def _serving(self):
        if not self.process.running():
            raise RuntimeError(f"the broker ended with {self.process.process.returncode}:\n{self.process.tail()}")
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


class MillraceBroker(LocalBroker):
    """The binary of this build."""

    name = "millrace"

    def __init__(self, binary=paths.BROKER, settings=None, environment=None):
        if not os.path.isfile(binary):
            raise Failure(f"no {binary}: make release")
        super().__init__("millrace-broker.")
        self.binary, self.environment = binary, environment
        self.settings.update({
            "broker.id": "0",
            "listeners": f"PLAINTEXT://{self.bootstrap}",
            "metadata.store": "embedded:" + os.path.join(self.folder, "metadata"),
            **(settings or {}),
        })

    def start(self, wait=True):
        self.run([self.binary, self.write_settings()], self.environment)
        if wait:
            self.wait_until_serving(30)


class OracleBroker:
    """A real Kafka in ZooKeeper mode, by the lab's scripts."""

    name = "kafka"
    can_restart = True

    def __init__(self, settings=None):
        self.folder = tempfile.mkdtemp(prefix="millrace-oracle.")
        self.log_folder = os.path.join(self.folder, "broker", "data")
        self.port, self.zookeeper_port = free_port(), free_port()
        self.bootstrap = f"127.0.0.1:{self.port}"
        self.settings = {"zookeeper.session.timeout.ms": "6000", **(settings or {})}
        self._lab("zk-up", "--port", self.zookeeper_port, "--dir", os.path.join(self.folder, "zookeeper"))

    @staticmethod
    def _lab(script, *arguments):
        return run([os.path.join(paths.KAFKA_LAB, script), *arguments], timeout=150)

    @property
    def pid(self):
        with open(os.path.join(self.folder, "broker", "broker.pid"), encoding="utf-8") as file:
            return int(file.read())

    def start(self, wait=True):
        self._lab("kafka-up", "--id", 0, "--port", self.port, "--zk", f"127.0.0.1:{self.zookeeper_port}/compat",
                  "--dir", os.path.join(self.folder, "broker"), "--heap", "512m", *([] if wait else ["--no-wait"]),
                  "--conf", *(f"{key}={value}" for key, value in self.settings.items()))

    def kill(self):
        self._lab("kafka-down", "--kill", os.path.join(self.folder, "broker"))

    def stop(self):
        self._lab("kafka-down", os.path.join(self.folder, "broker"))
        return 0

    def close(self):
        self.kill()
        self._lab("zk-up", "--down", "--dir", os.path.join(self.folder, "zookeeper"))
        shutil.rmtree(self.folder, ignore_errors=True)


class RunningBroker:
    """A broker that somebody else started and will stop."""

    name = "running"
    can_restart = False
    log_folder = None

    def __init__(self, bootstrap):
        self.bootstrap = bootstrap

    def output(self):
        return ""

    def close(self):
        pass
