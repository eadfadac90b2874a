"""Asks brokers, and keeps what they answered in a form that two runs, and two brokers, have in common."""
import contextlib
import itertools
import json
import os
import re
import socket
import struct

from harness.checks import wait_until
from harness.messages import APIS, ZERO_ID, Decoder, decode_response, encode_request
from harness.record_bytes import summary

CLOSED = "the connection is closed"
NO_ANSWER = "nothing comes"
PATIENCE_S = 10
STAMP = re.compile(r"-x\d{6}")
MOMENTS = re.compile(r"within \[-?\d+, -?\d+\]")  # of the times that a record may have
BIG = 1000  # more versions than any API has

# What both brokers are set to. `strict` is the one that neither creates topics on first use nor deletes them, and has two log directories.
SETTINGS = {
    "num.partitions": "2",
    "broker.rack": "a rack",
    "log.retention.ms": "-1",  # the records of the script are years old
    "max.incremental.fetch.session.cache.slots": "0",  # Kafka answers then as a broker without sessions
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
}
STRICT_SETTINGS = {**SETTINGS, "auto.create.topics.enable": "false", "delete.topic.enable": "false",
                   "max.incremental.fetch.session.cache.slots": "1000"}


class Connection:
    """Requests on one connection that is opened again after the broker closed it."""

    def __init__(self, port):
        self.port, self.socket, self.correlation = port, None, 0

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket = None

    def send(self, frame):
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)
        self.socket.sendall(struct.pack(">i", len(frame)) + frame)

    def receive(self):
        """A frame, or None when the broker closed the connection instead."""
        try:
            return self._exactly(struct.unpack(">i", self._exactly(4))[0])
        except (EOFError, ConnectionError):
            self.close()
            return None

    def _exactly(self, size):
        data = b""
        while len(data) < size:
            received = self.socket.recv(size - len(data))
            if not received:
                raise EOFError
            data += received
        return data

    def ask(self, api, version, values, answered_in=None):
        """The answer's values, or CLOSED."""
        self.correlation += 1
        self.send(encode_request(APIS[api], version, self.correlation, values))
        frame = self.receive()
        if frame is None:
            return CLOSED
        correlation, answer = decode_response(APIS[api], version if answered_in is None else answered_in, frame)
        if correlation != self.correlation:
            raise ValueError(f"an answer to request {correlation} instead of {self.correlation}")
        return answer


class Script:
    """The brokers, and the answers so far: API -> case -> version -> answer."""

    def __init__(self, make_broker, all_settings=(SETTINGS, STRICT_SETTINGS)):
        self.brokers, self.answers, self._numbers = [], {}, itertools.count(1)
        self._ids, self.directories = {}, []
        try:
            for settings in all_settings:
                self.brokers.append(make_broker(settings))
                if settings is STRICT_SETTINGS:
                    self._use_two_directories(self.brokers[-1])
                self.brokers[-1].start()
                wait_until(30, "the broker's knowledge of itself", self._knows_itself)
        except BaseException:
            self.close()
            raise
        connections = [Connection(broker.port) for broker in self.brokers]
        self.main, self.strict = connections[0], connections[-1]

    def _use_two_directories(self, broker):
        self.directories = [os.path.join(broker.folder, "logs", name) for name in ("one", "two")]
        for directory in self.directories:
            os.makedirs(directory)
        broker.settings["log.dirs"] = ",".join(self.directories)

    def _knows_itself(self):
        with contextlib.closing(Connection(self.brokers[-1].port)) as connection:
            return connection.ask("Metadata", 1, {"topics": []})["brokers"]

    def close(self):
        for broker in self.brokers:
            broker.close()

    def name(self, word):
        """A name that no other call gets, and that answers show as `word`."""
        return f"{word}-x{next(self._numbers):06d}"

    @staticmethod
    def versions(api, lowest=0, highest=BIG):
        return [version for version in APIS[api].versions if lowest <= version <= highest]

    def create(self, word, partitions=1, on=None, exactly=False, **configs):
        """A topic that serves; keywords are its configuration, with _ for the dots."""
        on, topic = on or self.main, word if exactly else self.name(word)
        wanted = {"name": topic, "num_partitions": partitions, "replication_factor": 1,
                  "configs": [{"name": key.replace("_", "."), "value": str(value)} for key, value in configs.items()]}
        answer = on.ask("CreateTopics", 5, {"topics": [wanted], "timeout_ms": 20000})
        assert answer["topics"][0]["error_code"] == 0, answer
        wait_until(20, "the topic's leaders", lambda: self.serves(on, topic, partitions))
        return topic

    def serves(self, on, topic, partitions):
        wanted = [{"partition_index": index, "timestamp": -2} for index in range(partitions)]
        answer = on.ask("ListOffsets", 1, {"replica_id": -1, "topics": [{"name": topic, "partitions": wanted}]})
        return all(partition["error_code"] == 0 for partition in answer["topics"][0]["partitions"])

    def id_of(self, topic, on=None):
        answer = (on or self.main).ask("Metadata", 12, {"topics": [{"name": topic}], "allow_auto_topic_creation": False})
        found = answer["topics"][0]["topic_id"]
        assert found != ZERO_ID, answer
        self._ids[found] = STAMP.sub("", topic)
        return found

    def produce(self, topic, records, partition=0):
        """Sets up what a case needs; the base offset."""
        answer = self.main.ask("Produce", 8, {"acks": -1, "timeout_ms": 10000, "topic_data": [
            {"name": topic, "partition_data": [{"index": partition, "records": records}]}]})
        found = answer["responses"][0]["partition_responses"][0]
        assert found["error_code"] == 0, answer
        return found["base_offset"]

    def ask(self, case, api, version, values, on=None, show=None, answered_in=None):
        """Asks and keeps the answer; `show` takes from it what the case is about."""
        try:
            answer = (on or self.main).ask(api, version, values, answered_in)
        except TimeoutError:
            (on or self.main).close()
            answer = NO_ANSWER
        except ValueError as error:
            raise AssertionError(f"{api} version {version}, {case}: {error!r}") from error
        self.keep(case, api, version, show(answer) if show and isinstance(answer, dict) else answer)
        return answer

    def keep(self, case, api, version, answer):
        cases = self.answers.setdefault(api, {}).setdefault(case, {})
        assert version not in cases, f"{api} {case} version {version} is there twice"
        cases[version] = self.normalised(answer)

    def normalised(self, value, key=None):
        if isinstance(value, dict):
            return {name: self.normalised(item, name) for name, item in value.items()}
        if isinstance(value, list):
            items = [self.normalised(item) for item in value]
            # Kafka's order is that of its hash tables.
            return sorted(items, key=identity) if items and isinstance(items[0], dict) else items
        if isinstance(value, bytes):
            return summary(value)
        return self._normalised_leaf(value, key)

    def _normalised_leaf(self, value, key):
        if key == "port" and value in [broker.port for broker in self.brokers]:
            return "PORT"
        if key == "cluster_id" and value:
            return "CLUSTER"
        if key == "topic_id" and value != ZERO_ID:
            return f"ID of {self._ids[value]}" if value in self._ids else "ID"
        if key == "session_id" and value > 0:
            return "SESSION"
        if key == "producer_id" and value >= 0:
            return "PRODUCER"
        if key == "log_append_time_ms" and value > 0:
            return "NOW"
        if isinstance(value, str):
            for broker in self.brokers:
                value = value.replace(str(broker.port), "PORT")
            for found, topic in self._ids.items():
                value = value.replace(found, f"ID of {topic}")
            return MOMENTS.sub("within [BOUNDS]", STAMP.sub("", value))
        return value


def identity(item):
    """What sorts the answers for topics, partitions, brokers and configurations."""
    names = ("name", "topic", "topic_id", "resource_type", "resource_name", "index", "partition_index", "partition", "node_id", "broker_id",
             "api_key", "source", "group_id", "member_id", "group_instance_id")
    shown = [item[name] for name in names if name in item]
    return json.dumps([f"{part:06d}" if isinstance(part, int) else part for part in shown]) if "base_offset" not in item or shown else ""


def raw_answer(connection, frame):
    """What comes back for bytes that are no request of the schemas: CLOSED or the size of the answer."""
    connection.send(frame)
    answer = connection.receive()
    return CLOSED if answer is None else f"{len(answer)} bytes"


def api_versions_frame(correlation):
    return encode_request(APIS["ApiVersions"], 0, correlation, {})


def correlation_of(frame):
    return Decoder(frame, 0, False).take("i")
