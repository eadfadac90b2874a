#!/usr/bin/env python3
"""Groups and transactions of Millrace and of real Kafka 3.9 under the same load, in turns, in one run.

    coordinators_beside_kafka.py [--turns N] [--commits N] [--transactions N] [--members N] [--groups N]

Needs the Kafka lab ($KAFKA_LAB). Raw requests, so that it is the brokers that are compared:
- offset commits a CPU second of the broker: 20 connections, one commit of one partition in flight on each;
- transactions a second of one producer, each with one batch of ten records, one request in flight;
- the CPU time for the members of one group to join and to hear their assignment, each on a connection of its own;
- the memory for groups with ten offsets each, and how long after a restart the last of them can be asked for.
The first two are beside Kafka, the last two have bounds of their own.
"""
import argparse
import contextlib
import os
import selectors
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from bench.beside_kafka import cpu_seconds, own_memory, show  # noqa: E402
from harness.brokers import MillraceBroker, OracleBroker  # noqa: E402
from harness.checks import Failure, wait_until  # noqa: E402
from harness.messages import APIS, decode_response, encode_request  # noqa: E402
from harness.record_bytes import batch  # noqa: E402

SETTINGS = {
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "num.partitions": "1",
}
CONNECTIONS = 20
RECORDS_A_TRANSACTION = 10
COMMIT, FETCH, JOIN, SYNC = 8, 7, 5, 3  # versions
TRANSACTIONAL = 0x10
TOPIC_ALREADY_EXISTS, CONCURRENT_TRANSACTIONS, MEMBER_ID_REQUIRED = 36, 51, 79
GOALS = {"commits": 4, "transactions": 2, "join_cpu_s": 0.5, "groups_mib": 100, "reload_s": 0.5}


def frame_of(api, version, values):
    body = encode_request(APIS[api], version, 0, values)
    return struct.pack(">i", len(body)) + body


class Connection:
    """One request at a time."""

    def __init__(self, broker):
        self.socket = socket.create_connection(("127.0.0.1", broker.port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self):
        self.socket.close()

    def send(self, frame):
        self.socket.sendall(frame)

    def receive(self):
        size, = struct.unpack(">i", self._exactly(4))
        return self._exactly(size)

    def _exactly(self, size):
        data = self.socket.recv(size)
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                raise EOFError("the broker closed the connection")
            data += more
        return data

    def ask(self, api, version, values):
        self.send(frame_of(api, version, values))
        return decode_response(APIS[api], version, self.receive())[1]


@contextlib.contextmanager
def connected(broker, count=1):
    connections = [Connection(broker) for _ in range(count)]
    try:
        yield connections
    finally:
        for connection in connections:
            connection.close()


def require(is_so, what):
    if not is_so:
        raise Failure(what)


def prepare(broker):
    """The topics are there, and every coordinator answers."""
    with connected(broker) as (connection,):
        topics = [{"name": "orders", "num_partitions": 10, "replication_factor": 1}]
        # A Kafka that has just started does not know itself yet.
        wait_until(30, "the topic", lambda: connection.ask("CreateTopics", 5, {"topics": topics, "timeout_ms": 20000})
                   ["topics"][0]["error_code"] in (0, TOPIC_ALREADY_EXISTS))
        for key_type in (0, 1):
            wait_until(30, "the coordinators", lambda wanted=key_type: connection.ask(
                "FindCoordinator", 1, {"key": "first", "key_type": wanted})["error_code"] == 0)
        wait_until(30, "the groups", lambda: committed_error(connection.ask("OffsetCommit", COMMIT, commit("ready", 0))) == 0)
        wait_until(30, "the transactions", lambda: connection.ask("InitProducerId", 3, initialise("ready"))["error_code"] == 0)


def commit(group, offset, partitions=1):
    return {"group_id": group, "generation_id_or_member_epoch": -1, "topics": [{"name": "orders", "partitions": [
        {"partition_index": index, "committed_offset": offset} for index in range(partitions)]}]}


def committed_error(answer):
    return next((partition["error_code"] for topic in answer["topics"] for partition in topic["partitions"] if partition["error_code"]), 0)


def initialise(transactional_id):
    return {"transactional_id": transactional_id, "transaction_timeout_ms": 60000, "producer_id": -1, "producer_epoch": -1}


def exchange(connections, frames, count):
    """`count` requests over the connections, one in flight on each; the last answer of each."""
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        answers, sent, heard = {}, 0, 0
        for connection in connections:
            connection.send(frames[sent % len(frames)])
            sent += 1
        while heard < count:
            for key, _ in selector.select(timeout=60):
                answers[key.data] = key.data.receive()
                heard += 1
                if sent < count:
                    key.data.send(frames[sent % len(frames)])
                    sent += 1
    return answers


def commits_per_cpu_second(broker, count):
    frames = [frame_of("OffsetCommit", COMMIT, commit(f"group-{number}", number)) for number in range(CONNECTIONS)]
    own_memory()
    with connected(broker, CONNECTIONS) as connections:
        exchange(connections, frames, count // 10)
        before = cpu_seconds(broker.pid)
        answers = exchange(connections, frames, count)
        took = cpu_seconds(broker.pid) - before
    for answer in answers.values():
        require(committed_error(decode_response(APIS["OffsetCommit"], COMMIT, answer)[1]) == 0, "a commit was refused")
    return count / took


def transactions_per_second(broker, count):
    own_memory()
    with connected(broker) as (connection,):
        producer = connection.ask("InitProducerId", 3, initialise("bench"))
        require(producer["error_code"] == 0, f"no producer id: {producer}")
        who = {"producer_id": producer["producer_id"], "producer_epoch": producer["producer_epoch"]}
        add = frame_of("AddPartitionsToTxn", 3, {
            "v3_and_below_transactional_id": "bench", "v3_and_below_producer_id": who["producer_id"],
            "v3_and_below_producer_epoch": who["producer_epoch"], "v3_and_below_topics": [{"name": "orders", "partitions": [0]}]})
        end = frame_of("EndTxn", 3, {"transactional_id": "bench", "committed": True, **who})
        produce = [frame_of("Produce", 8, {"transactional_id": "bench", "acks": -1, "timeout_ms": 10000, "topic_data": [
            {"name": "orders", "partition_data": [{"index": 0, "records": batch(
                *[b"v" * 100] * RECORDS_A_TRANSACTION, timestamp=int(time.time() * 1000), producer=who["producer_id"],
                epoch=who["producer_epoch"], sequence=number * RECORDS_A_TRANSACTION, attributes=TRANSACTIONAL)}]}]})
            for number in range(count)]
        begin = time.monotonic()
        for frame in produce:
            run_transaction(connection, add, frame, end)
        return count / (time.monotonic() - begin)


def run_transaction(connection, add, produce, end):
    while True:
        connection.send(add)
        answer = decode_response(APIS["AddPartitionsToTxn"], 3, connection.receive())[1]
        error = answer["results_by_topic_v3_and_below"][0]["results_by_partition"][0]["partition_error_code"]
        if error == 0:
            break
        require(error == CONCURRENT_TRANSACTIONS, f"the partition was not added: {answer}")
    connection.send(produce)
    answer = decode_response(APIS["Produce"], 8, connection.receive())[1]
    require(answer["responses"][0]["partition_responses"][0]["error_code"] == 0, f"nothing was produced: {answer}")
    connection.send(end)
    answer = decode_response(APIS["EndTxn"], 3, connection.receive())[1]
    require(answer["error_code"] == 0, f"the transaction was not committed: {answer}")


def join(member_id):
    return frame_of("JoinGroup", JOIN, {"group_id": "many", "session_timeout_ms": 60000, "rebalance_timeout_ms": 60000, "member_id": member_id,
                                        "protocol_type": "consumer", "protocols": [{"name": "range", "metadata": b"\0" * 30}]})


def cpu_of_joining(broker, count):
    """Each member asks for its id, joins with it, and syncs; they are all of one generation at the end."""
    with connected(broker, count) as connections:
        before = cpu_seconds(broker.pid)
        ids = []
        for connection in connections:
            connection.send(join(""))
            answer = decode_response(APIS["JoinGroup"], JOIN, connection.receive())[1]
            require(answer["error_code"] == MEMBER_ID_REQUIRED, f"no member id: {answer}")
            ids.append(answer["member_id"])
        for connection, member_id in zip(connections, ids):
            connection.send(join(member_id))
        members = gather(connections, ids)
        leader = next(number for number, answer in enumerate(members) if answer["member_id"] == answer["leader"])
        sync_all(connections, members, leader)
        return cpu_seconds(broker.pid) - before


def gather(connections, ids):
    """The answers of the generation that has everybody: who joined an earlier one joins again."""
    answers = [None] * len(connections)
    by_socket = {connection.socket: number for number, connection in enumerate(connections)}
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection.socket, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select(timeout=60):
                number = by_socket[key.fileobj]
                answers[number] = decode_response(APIS["JoinGroup"], JOIN, connections[number].receive())[1]
                require(answers[number]["error_code"] == 0, f"a member could not join: {answers[number]}")
            known = [answer["generation_id"] for answer in answers if answer]
            newest = max(known, default=0)
            if len(known) == len(answers) and all(generation == newest for generation in known):
                return answers
            for number, answer in enumerate(answers):
                if answer and answer["generation_id"] == newest and len(known) < len(answers) or answer and answer["generation_id"] < newest:
                    answers[number] = None
                    connections[number].send(join(ids[number]))


def sync_all(connections, members, leader):
    generation = members[leader]["generation_id"]
    assignments = [{"member_id": answer["member_id"], "assignment": b"\0" * 30} for answer in members]
    for number, connection in enumerate(connections):
        connection.send(frame_of("SyncGroup", SYNC, {"group_id": "many", "generation_id": generation, "member_id": members[number]["member_id"],
                                                     "assignments": assignments if number == leader else []}))
    for connection in connections:
        answer = decode_response(APIS["SyncGroup"], SYNC, connection.receive())[1]
        require(answer["error_code"] == 0 and len(answer["assignment"]) == 30, f"a member got no assignment: {answer}")


def resident_mib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:")) / 1024


def memory_and_reload(broker, groups):
    """Mebibytes beside those of a broker without the groups, and seconds from the first answer after a restart to that of every coordinator."""
    before = resident_mib(broker.pid)
    with connected(broker, CONNECTIONS) as connections:
        exchange(connections, [frame_of("OffsetCommit", COMMIT, commit(f"many-{number}", number, 10)) for number in range(groups)], groups)
    took_mib = resident_mib(broker.pid) - before
    broker.kill()
    broker.start()
    begin = time.monotonic()
    with connected(broker) as (connection,):
        for number in range(groups - 100, groups):
            while True:
                answer = connection.ask("OffsetFetch", FETCH, {"group_id": f"many-{number}", "topics": None})
                if answer["error_code"] == 0:
                    break
                time.sleep(0.005)
            require(sum(len(topic["partitions"]) for topic in answer["topics"]) == 10, f"offsets are missing: {answer}")
    return took_mib, time.monotonic() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--commits", type=int, default=40_000)
    parser.add_argument("--transactions", type=int, default=2_000)
    parser.add_argument("--members", type=int, default=1_000)
    parser.add_argument("--groups", type=int, default=10_000)
    options = parser.parse_args()
    brokers = {"kafka": OracleBroker(SETTINGS), "millrace": MillraceBroker(settings=SETTINGS)}
    met = True
    try:
        for broker in brokers.values():
            broker.start()
            prepare(broker)
        print(f"# {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the beginning, {options.turns} turns")
        print(f"{'what':52} {'Kafka':>12} {'Millrace':>12} {'ratio: min':>7} {'median':>7} {'max':>7}")
        for what, measure, count, goal in (("offset commits a CPU second", commits_per_cpu_second, options.commits, GOALS["commits"]),
                                           ("transactions a second of one producer", transactions_per_second, options.transactions,
                                            GOALS["transactions"])):
            measure(brokers["kafka"], count)  # Java compiles what it runs often
            found = {name: [] for name in brokers}
            for _ in range(options.turns):
                for name, broker in brokers.items():
                    found[name].append(measure(broker, count))
            met &= show(what, found["kafka"], found["millrace"], "more", goal)
        ours = brokers["millrace"]
        met &= bound(f"CPU seconds for {options.members:,} members to join", cpu_of_joining(ours, options.members), GOALS["join_cpu_s"])
        took_mib, reload_s = memory_and_reload(ours, options.groups)
        met &= bound(f"MiB for {options.groups:,} groups of 10 offsets", took_mib, GOALS["groups_mib"])
        met &= bound("seconds until they are served after kill -9", reload_s, GOALS["reload_s"])
    finally:
        for broker in brokers.values():
            broker.close()
    return 0 if met else 1


def bound(what, found, most):
    print(f"{what:52} {'':12} {found:12.4g}   at most {most:g}: {'met' if found <= most else 'MISSED'}", flush=True)
    return found <= most


if __name__ == "__main__":
    sys.exit(main())
