"""The consumer groups of KIP-848 with unmodified clients: Kafka 4's consumer, its tools; what a restart of the broker keeps of them, what becomes of
groups that change their protocol, and of those that go back to Kafka 3.9.

With --oracle the broker is a Kafka 4, which has no ZooKeeper.
"""
import contextlib
import os
import shutil
import signal
import time

from compat.answer_script import Connection
from compat.context import Context
from compat.groups import PARTITIONS, RECORDS, committed, filled, has_all, share
from compat.java_clients import SOURCES, VERSIONS, jars_of
from compat.kafka_tools import Tools
from compat.kraft_broker import KRaftBroker
from harness import paths
from harness.brokers import MillraceBroker, OracleBroker
from harness.checks import Failure, require, require_equal, wait_until
from harness.processes import Background, run
from harness.zookeeper import ZooKeeper

# Members hear of changes soon, and those that died are missed soon.
SETTINGS = {"num.partitions": "4", "offsets.topic.num.partitions": "5", "group.consumer.min.heartbeat.interval.ms": "300",
            "group.consumer.heartbeat.interval.ms": "300", "group.consumer.min.session.timeout.ms": "5000",
            "group.consumer.session.timeout.ms": "5000"}
CLIENT = VERSIONS[-1]
PATIENCE_S = 30


def checks(outer):
    check = outer.checks.check
    names = ("Kafka 4's consumers share a topic; one comes, one goes, one is killed",
             "Kafka 4's consumer reads what its regular expression finds, topics that come later too",
             "a static member of Kafka 4 that comes back has its partitions again, and nobody else notices",
             "Kafka 4's kafka-consumer-groups lists, describes, resets and deletes a group of the new protocol",
             "groups of the new protocol are there after the broker's kill -9",
             "a group without members goes from the classic protocol to the new one and back, with its offsets",
             "a group that is read goes from the classic protocol to the new one and back, member by member",
             "consumers of the new protocol are told when the broker does not offer it",
             "a group of the new protocol is converted, and Kafka 3.9 goes on where it was")
    missing = [tool for tool in ("mvn", "javac", "java", "kcat") if shutil.which(tool) is None]
    if missing or not outer.broker.can_restart or not os.path.isfile(os.path.join(paths.KAFKA_LAB, "kafka-run")):
        for name in names:
            outer.checks.skip(name, f"it needs Kafka's clients, its tools and a broker of its own{': no ' + ', '.join(missing) if missing else ''}")
        return
    if not any(outer.checks.selected(name) for name in names):
        return
    is_oracle = outer.broker.name == "kafka"
    with contextlib.ExitStack() as opened:
        broker = KRaftBroker(SETTINGS) if is_oracle else MillraceBroker(settings=SETTINGS)
        opened.callback(broker.close)
        broker.start()
        context = Context(broker, outer.checks, outer.folder, outer.options)
        for name, claim in zip(names, (shared, by_expression, static_member, tools_life, killed, changes_protocol, migrates)):
            check(name, claim, context)
        for name, claim in zip(names[7:], (not_offered, handed_back)):
            if is_oracle:
                outer.checks.skip(name, "it is about this broker")
            else:
                check(name, claim, context)


def classes(context):
    folder = context.path("group-member")
    if not os.path.isdir(folder):
        run(["javac", "-nowarn", "-cp", os.path.join(jars_of(CLIENT), "*"), "-d", folder, os.path.join(SOURCES, "GroupMember.java")],
            timeout=120, merge=True)
    return folder


class Member:
    """A consumer of Kafka 4 in a group; by the new protocol where nothing else is said."""

    def __init__(self, context, group, topics, name, *settings, protocol="consumer"):
        command = ["java", "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp",
                   f"{classes(context)}:{os.path.join(jars_of(CLIENT), '*')}", "GroupMember", context.bootstrap, group, topics,
                   f"group.protocol={protocol}", f"client.id={name}", *settings]
        self.output = Background(command, context.path(f"{name}-{time.monotonic_ns()}.lines"))

    def lines(self, word):
        lines = self.output.output().split("\n")[:-1]
        failed = [line for line in lines if line.startswith("failed")]
        if failed:
            raise Failure(failed[0])
        return [line.removeprefix(word + " ") for line in lines if line.split(" ")[0] == word]

    def records(self):
        return [int(record) for record in self.lines("record")]

    def assignments(self):
        return [set(line.removeprefix("assigned").split()) for line in self.lines("assigned")]

    def partitions(self):
        """The numbers of those that it has now."""
        assigned = self.assignments()
        return {int(each.rpartition("-")[2]) for each in assigned[-1]} if assigned else set()

    def leave(self):
        self.output.signal(signal.SIGTERM)
        self.output.wait(20)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.output.kill()


def topic_and_group(context):
    return filled(context), context.topic("group")


def shared(context):
    topic, group = topic_and_group(context)
    with Member(context, group, topic, "first") as first:
        wait_until(PATIENCE_S, "all records", lambda: has_all([first], RECORDS))
        with Member(context, group, topic, "second") as second:
            wait_until(PATIENCE_S, "both members to have partitions", lambda: share(first, second))
            with Member(context, group, topic, "third", "group.remote.assignor=range") as third:
                wait_until(PATIENCE_S, "all three to have partitions", lambda: share(first, second, third))
                filled(context, RECORDS, topic)
                wait_until(PATIENCE_S, "the new records", lambda: has_all([first, second, third], 2 * RECORDS))
                third.leave()
            wait_until(PATIENCE_S, "the two to have all partitions again", lambda: share(first, second))
            filled(context, 2 * RECORDS, topic)
            wait_until(PATIENCE_S, "newer records", lambda: has_all([first, second, third], 3 * RECORDS))
            read = sorted(first.records() + second.records() + third.records())
            require_equal(list(range(3 * RECORDS)), read, "records, each once")
            second.output.kill()
        wait_until(PATIENCE_S, "the end of the killed member's session", lambda: share(first))


def by_expression(context):
    word = context.topic("found")
    topics = [filled(context, topic=None)]
    assert word not in topics[0]
    first, second = (created(context, f"{word}-{name}") for name in ("one", "two"))
    group = context.topic("group")
    with Member(context, group, f"regex:{word}-.*", "finder") as member:
        def finds(*expected):
            return lambda: {each.rpartition("-")[0] for each in (member.assignments() or [set()])[-1]} == set(expected)

        wait_until(PATIENCE_S, "the topics that are there", finds(first, second))
        third = created(context, f"{word}-three")
        wait_until(PATIENCE_S + 60, "the topic that came later", finds(first, second, third))


def created(context, name):
    with contextlib.closing(connection_to(context)) as connection:
        answer = connection.ask("CreateTopics", 5, {"topics": [{"name": name, "num_partitions": 2, "replication_factor": 1}], "timeout_ms": 20000})
        require_equal(0, answer["topics"][0]["error_code"], "the error of a topic's creation")
    return name


def connection_to(context):
    return Connection(int(context.bootstrap.rpartition(":")[2]))


def static_member(context):
    topic, group = topic_and_group(context)
    with Member(context, group, topic, "first") as first, Member(context, group, topic, "second", "group.instance.id=one") as second:
        wait_until(PATIENCE_S, "both members to have partitions", lambda: share(first, second))
        before, mine = first.assignments(), second.partitions()
        second.leave()
        with Member(context, group, topic, "third", "group.instance.id=one") as third:
            wait_until(PATIENCE_S, "the same partitions", lambda: third.partitions() == mine)
            filled(context, RECORDS, topic)
            wait_until(PATIENCE_S, "all records", lambda: has_all([first, second, third], 2 * RECORDS))
            require_equal(before, first.assignments(), "assignments that the other member has seen")


def tools_life(context):
    tools = Tools(context, "4", ["--v4"])
    topic, group = topic_and_group(context)

    def ask(*arguments, expect=None):
        said = tools("kafka-consumer-groups", *arguments, merge=True, expect=expect)
        return [" ".join(line.split()) for line in said.replace(topic, "TOPIC").replace(group, "GROUP").split("\n")]

    def has(line, *arguments):
        said = ask(*arguments)
        require(any(line in each for each in said), f"no line '{line}' in {said}")

    each = RECORDS // PARTITIONS
    with Member(context, group, topic, "described") as member:
        wait_until(PATIENCE_S, "all records", lambda: has_all([member], RECORDS))
        wait_until(PATIENCE_S, "all offsets", lambda: committed(context, group, topic) == [each] * PARTITIONS)
        has(f"GROUP TOPIC 3 0 {each} {each} 0 ", "--describe", "--group", group, "--offsets", "--verbose")
        has(f"/127.0.0.1 described {PARTITIONS}", "--describe", "--group", group, "--members")
        has("TOPIC:0,1,2,3", "--describe", "--group", group, "--members", "--verbose")
        state = ask("--describe", "--group", group, "--state", "--verbose")
        require(any("uniform Stable" in line and line.endswith(" 1") for line in state), f"the state is {state}")
        has("GROUP Consumer", "--list", "--type", "consumer")
        require(not any("GROUP Classic" in line for line in ask("--list", "--type", "classic")), "it is listed as a classic group")
        has("GROUP Consumer Stable", "--list", "--type", "consumer", "--state", "stable")
        has("GroupNotEmptyException", "--delete", "--group", group)
        has("inactive", "--reset-offsets", "--group", group, "--topic", topic, "--to-earliest", "--execute")
        member.leave()
    has("GROUP Consumer Empty", "--list", "--type", "consumer", "--state")
    has("GROUP TOPIC 1 7", "--reset-offsets", "--group", group, "--topic", f"{topic}:1", "--to-offset", "7", "--execute")
    with Member(context, group, topic, "again") as member:
        wait_until(PATIENCE_S, "the records from there on", lambda: len(member.records()) == each - 7)
        member.leave()
    has("TOPIC 3 Successful", "--delete-offsets", "--group", group, "--topic", f"{topic}:3")
    has("Deletion of requested consumer groups ('GROUP') was successful.", "--delete", "--group", group)
    require(not any("GROUP" in line for line in ask("--list")), "the group is still listed")


def killed(context):
    topic, group = topic_and_group(context)
    with Member(context, group, topic, "first") as first, Member(context, group, topic, "second") as second:
        wait_until(PATIENCE_S, "both members to have partitions", lambda: share(first, second))
        wait_until(PATIENCE_S, "all records", lambda: has_all([first, second], RECORDS))
        wait_until(PATIENCE_S, "the last commit", lambda: committed(context, group, topic) == [RECORDS // PARTITIONS] * PARTITIONS)
        before = [first.assignments(), second.assignments()]
        context.broker.kill()
        context.broker.start()
        filled(context, RECORDS, topic)
        wait_until(2 * PATIENCE_S, "the new records", lambda: has_all([first, second], 2 * RECORDS))
        require_equal(list(range(2 * RECORDS)), sorted(first.records() + second.records()), "records, each once")
        require_equal(before, [first.assignments(), second.assignments()], "assignments, as nobody has left")


def changes_protocol(context):
    topic, group = topic_and_group(context)
    for turn, protocol in enumerate(("classic", "consumer", "classic", "consumer")):
        filled(context, turn * RECORDS + RECORDS, topic)
        first = 0 if turn == 0 else RECORDS * (turn + 1)
        with Member(context, group, topic, f"{protocol}-{turn}", protocol=protocol) as member:
            expected = list(range(first, RECORDS * (turn + 2)))
            wait_until(PATIENCE_S, f"the records of turn {turn}", lambda: len(member.records()) >= len(expected))  # pylint: disable=cell-var-from-loop
            require_equal(expected, sorted(member.records()), f"records of turn {turn}, {protocol}")
            member.leave()


def migrates(context):
    """As an application is rolled, here in both directions; each member reads with its own protocol beside the others."""
    topic, group = topic_and_group(context)
    with contextlib.ExitStack() as opened:
        def member(name, protocol):
            return opened.enter_context(Member(context, group, topic, name, protocol=protocol))

        members, readers, round_number = [member("one", "classic"), member("two", "classic")], [], 0
        readers += members
        wait_until(PATIENCE_S, "two classic members to share", lambda: share(*members))
        for protocol in ("consumer", "classic"):
            for name in ("one", "two"):
                members.pop(0).leave()
                members.append(member(f"{name}-{protocol}", protocol))
                readers.append(members[-1])
                wait_until(PATIENCE_S, f"{name} to share as {protocol}", lambda: share(*members))
                round_number += 1
                filled(context, round_number * RECORDS, topic)
                wait_until(PATIENCE_S, "the new records", lambda: has_all(readers, (round_number + 1) * RECORDS))  # pylint: disable=cell-var-from-loop
        read = sorted(record for reader in readers for record in reader.records())
        require_equal(list(range((round_number + 1) * RECORDS)), read, "records, each once")


def not_offered(context):
    with contextlib.ExitStack() as opened:
        broker = MillraceBroker(settings={**SETTINGS, "group.coordinator.rebalance.protocols": "classic"})
        opened.callback(broker.close)
        broker.start()
        other = Context(broker, context.checks, context.folder, context.options)
        topic, group = topic_and_group(other)
        with Member(other, group, topic, "refused") as member:
            wait_until(PATIENCE_S, "the refusal", lambda: not member.output.running())
            require("does not support the new CONSUMER group protocol" in member.output.output(), member.output.output())
        with Member(other, group, topic, "taken", protocol="classic") as member:
            wait_until(PATIENCE_S, "all records", lambda: has_all([member], RECORDS))


def handed_back(context):
    each = RECORDS // PARTITIONS
    with contextlib.ExitStack() as opened:
        ours = MillraceBroker(settings=SETTINGS)
        opened.callback(ours.close)
        ours.start()
        here = Context(ours, context.checks, context.folder, context.options)
        topic, group = topic_and_group(here)
        member = opened.enter_context(Member(here, group, topic, "before"))
        wait_until(PATIENCE_S, "the last commit", lambda: committed(here, group, topic) == [each] * PARTITIONS)
        member.output.kill()  # the group keeps it until its session ends
        require_equal(0, ours.stop(), "the exit code")
        command = [ours.binary, ours.write_settings()]
        said = run([*command, "--convert-groups-to-classic"], timeout=60, merge=True)
        require("1 groups of the consumer protocol are classic groups now" in said, said)
        said = run([*command, "--convert-groups-to-classic"], timeout=60, merge=True)
        require("0 groups of the consumer protocol" in said, f"the second time: {said}")
        kafka = OracleBroker({"offsets.topic.num.partitions": SETTINGS["offsets.topic.num.partitions"], "num.partitions": "4"})
        opened.callback(kafka.close)
        os.makedirs(os.path.dirname(kafka.log_folder), exist_ok=True)
        run(["cp", "-a", "--sparse=always", ours.log_folder, kafka.log_folder])
        run([*command, "--export-znodes", f"127.0.0.1:{kafka.zookeeper_port}/compat"], timeout=60, merge=True)
        kafka.start()
        there = Context(kafka, context.checks, context.folder, context.options)
        with ZooKeeper(kafka.zookeeper_port, "/compat") as zookeeper:
            require(zookeeper.get("/millrace") is None, "what is our own is in Kafka's tree")
        wait_until(PATIENCE_S, "the offsets", lambda: committed(there, group, topic) == [each] * PARTITIONS)
        said = Tools(there, "3.9", [])("kafka-consumer-groups", "--describe", "--group", group, merge=True, expect=None)
        lines = [" ".join(line.split()) for line in said.split("\n")]
        require(any(f"{group} {topic} 3 {each} {each} 0 - - -" in line for line in lines), f"Kafka says {lines}")
        filled(there, RECORDS, topic)
        with Member(there, group, topic, "after", protocol="classic") as later:
            wait_until(PATIENCE_S, "the new records", lambda: has_all([later], RECORDS))
            require_equal(list(range(RECORDS, 2 * RECORDS)), sorted(later.records()), "what the member of Kafka 3.9's group reads")
