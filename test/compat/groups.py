"""Consumer groups of the classic protocol with unmodified clients: kcat's balanced consumer, Kafka's console consumer, kafka-consumer-groups;
what a restart of the broker keeps of them."""
import contextlib
import os
import re
import shutil
import signal

from compat.answer_cases_groups import MEMBER
from compat.answer_script import Connection
from compat.kafka_tools import Tools
from compat.kcat import kcat
from compat.topics import create_topic
from harness import paths
from harness.checks import require, require_equal, wait_until
from harness.processes import Background

RECORDS = 2_000
PARTITIONS = 4


def checks(context):
    check = context.checks.check
    if shutil.which("kcat"):
        check("kcat: two members of a group share a topic, and one takes over from the other", shares_a_topic, context)
        check("kcat: a member that is killed is missed after its session, and nothing is lost", survives_a_member, context)
        check("kcat: a static member that comes back in time makes no rebalance", static_member, context)
    for tools in tool_versions(context):
        name = f"Kafka {tools.version}"
        check(f"{name}: kafka-console-consumer goes on where its group was", goes_on, tools)
        check(f"{name}: kafka-consumer-groups lists, describes, resets and deletes", group_life, tools)
        check(f"{name}: kafka-consumer-groups is told what it may not do", refused, tools)
    name = "groups and offsets are there after the broker's"
    if context.broker.can_restart and shutil.which("kcat"):
        check(f"{name} restart", restarted, context, context.broker.stop)
        check(f"{name} kill -9", restarted, context, context.broker.kill)
    else:
        context.checks.skip(f"{name} restart", "the broker is not ours to stop")


def tool_versions(context):
    if not os.path.isfile(os.path.join(paths.KAFKA_LAB, "kafka-run")):
        return []
    return [Tools(context, "3.9", []), Tools(context, "4", ["--v4"])]


def filled(context, first=0, topic=None):
    """A topic with numbered records in all its partitions."""
    if topic is None:
        topic = context.topic("grouped")
        create_topic(context.bootstrap, topic, PARTITIONS)
    for partition in range(PARTITIONS):
        numbers = range(first + partition, first + RECORDS, PARTITIONS)
        kcat(context, "-P", "-t", topic, "-p", str(partition), stdin="".join(f"{number}\n" for number in numbers))
    return topic


class Member:
    """A kcat that reads in a group; its records, one a line, and what it says about the group."""

    def __init__(self, context, group, topic, name, *options):
        self.events_path = context.path(f"{name}.events")
        with open(self.events_path, "wb"):
            pass
        settings = ("session.timeout.ms=6000", "heartbeat.interval.ms=500", "auto.commit.interval.ms=100", "auto.offset.reset=earliest",
                    "reconnect.backoff.max.ms=500", f"client.id={name}")
        # -E: a broker that is down for a moment is no reason to give up.
        self.output = Background(["sh", "-c", 'exec kcat "$@" 2>"$0"', self.events_path, "-b", context.bootstrap, "-u", "-E",
                                  *(word for each in settings for word in ("-X", each)), *options, "-G", group, topic],
                                 context.path(f"{name}.records"))

    def records(self):
        return [int(line) for line in self.output.output().split("\n")[:-1]]

    def partitions(self):
        """Those of its last assignment."""
        with open(self.events_path, encoding="utf-8") as file:
            assigned = [line for line in file if "rebalanced" in line]
        if not assigned or "revoked" in assigned[-1]:
            return set()
        return {int(number) for number in re.findall(r"\[(\d+)\]", assigned[-1])}

    def rebalances(self):
        with open(self.events_path, encoding="utf-8") as file:
            return sum("rebalanced" in line and "assigned" in line for line in file)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.output.kill()


def share(*members):
    parts = [member.partitions() for member in members]
    return all(parts) and sum(len(part) for part in parts) == PARTITIONS and set().union(*parts) == set(range(PARTITIONS))


def has_all(members, count):
    return len({number for member in members for number in member.records()}) == count


def shares_a_topic(context):
    topic, group = filled(context), context.topic("group")
    with Member(context, group, topic, "first-" + group) as first:
        wait_until(30, "all records", lambda: has_all([first], RECORDS))
        with Member(context, group, topic, "second-" + group) as second:
            wait_until(30, "both members to have partitions", lambda: share(first, second))
            filled(context, RECORDS, topic)
            wait_until(30, "the new records", lambda: has_all([first, second], 2 * RECORDS))
            require(second.records(), "the second member has read nothing")
            read = sorted(first.records() + second.records())
            require_equal(list(range(2 * RECORDS)), read, "records, each once")
            second.output.signal(signal.SIGTERM)  # it leaves, and nobody waits for its session
            wait_until(5, "the first member to have all partitions", lambda: share(first))


def survives_a_member(context):
    topic, group = filled(context), context.topic("group")
    with Member(context, group, topic, "first-" + group) as first, Member(context, group, topic, "second-" + group) as second:
        wait_until(30, "both members to have partitions", lambda: share(first, second))
        second.output.kill()
        filled(context, RECORDS, topic)
        wait_until(30, "the first member to have all partitions", lambda: share(first))
        wait_until(30, "all records", lambda: has_all([first, second], 2 * RECORDS))


def static_member(context):
    topic, group = filled(context), context.topic("group")
    static = ("-X", "group.instance.id=one")
    with Member(context, group, topic, "first-" + group) as first, Member(context, group, topic, "second-" + group, *static) as second:
        wait_until(30, "both members to have partitions", lambda: share(first, second))
        before, mine = first.rebalances(), second.partitions()
        second.output.kill()
        with Member(context, group, topic, "third-" + group, *static) as third:
            wait_until(30, "the same partitions", lambda: third.partitions() == mine)
            filled(context, RECORDS, topic)
            wait_until(30, "all records", lambda: has_all([first, second, third], 2 * RECORDS))
        require_equal(before, first.rebalances(), "rebalances that the other member has seen")


def goes_on(tools):
    context = tools.context
    topic, group = tools.create("console", "--partitions", "1"), context.topic("group")

    def consume(count, *more):
        return tools("kafka-console-consumer", "--topic", topic, "--group", group, "--max-messages", count, "--timeout-ms", "30000", *more)

    kcat(context, "-P", "-t", topic, stdin="a\nb\nc\n")
    require_equal("a\nb\n", consume(2, "--from-beginning"), "the first records")
    kcat(context, "-P", "-t", topic, stdin="d\n")
    require_equal("c\nd\n", consume(2, "--from-beginning"), "the others")


class Groups:
    """kafka-consumer-groups about one topic, its output without what differs from run to run."""

    def __init__(self, tools):
        self.tools, self.context = tools, tools.context
        self.topic = filled(self.context)
        self.group = self.context.topic("group")

    def __call__(self, *arguments, expect=None):
        text = self.tools("kafka-consumer-groups", *arguments, merge=True, expect=expect)
        for name, word in ((self.topic, "TOPIC"), (self.group, "GROUP"), (self.context.bootstrap, "ADDRESS")):
            text = text.replace(name, word)
        lines = [" ".join(line.split()) for line in MEMBER.sub("-UUID", text).split("\n")]
        return sorted(line for line in lines if line)

    def has(self, line, *arguments):
        lines = self(*arguments)
        # 3.9's tool forgets the end of some lines.
        require(any(line in each for each in lines), f"no line '{line}' in {lines}")


def group_life(tools):
    groups = Groups(tools)
    with Member(groups.context, groups.group, groups.topic, "member-" + groups.group) as member:
        wait_until(30, "all records", lambda: has_all([member], RECORDS))
        name = "member-GROUP"
        each = RECORDS // PARTITIONS
        wait_until(15, "all offsets", lambda: f"GROUP TOPIC 3 {each} {each} 0 {name}-UUID /127.0.0.1 {name}" in described(groups, member))
        assigned = "- TOPIC:0,1,2,3 - -" if tools.flags else "(0,1,2,3)"
        groups.has(f"GROUP {name}-UUID /127.0.0.1 {name} {PARTITIONS} {assigned}", *members_of(groups))
        groups.has("GROUP Stable", *listing(groups))
        require(any("Stable" in line and line.endswith(" 1") for line in groups("--describe", "--group", groups.group, "--state")), "no state")
        member.output.signal(signal.SIGTERM)
        member.output.wait(20)
    groups.has("GROUP Empty", *listing(groups))
    groups.has("GROUP TOPIC 1 7", "--reset-offsets", "--group", groups.group, "--topic", f"{groups.topic}:1", "--to-offset", "7", "--execute")
    groups.has(f"GROUP TOPIC 1 7 {each} {each - 7} - - -", "--describe", "--group", groups.group)
    groups.has("GROUP TOPIC 2 0", "--reset-offsets", "--group", groups.group, "--all-topics", "--to-earliest", "--execute")
    groups.has("TOPIC 3 Successful", "--delete-offsets", "--group", groups.group, "--topic", f"{groups.topic}:3")
    groups.has("Deletion of requested consumer groups ('GROUP') was successful.", "--delete", "--group", groups.group)
    require("GROUP" not in groups("--list"), "the group is still listed")


def described(groups, member):
    """With the member's client id as its group's name shows it."""
    require(member.output.running(), "the member has ended")
    return groups("--describe", "--group", groups.group)


def members_of(groups):
    return ("--describe", "--group", groups.group, "--members", "--verbose")


def listing(groups):
    return ("--list", "--state", "Stable,Empty")


def refused(tools):
    groups = Groups(tools)
    with Member(groups.context, groups.group, groups.topic, "member-" + groups.group) as member:
        wait_until(30, "all records", lambda: has_all([member], RECORDS))
        require(any("GroupNotEmptyException" in line for line in groups("--delete", "--group", groups.group)), "a group with members was deleted")
        reset = groups("--reset-offsets", "--group", groups.group, "--topic", groups.topic, "--to-earliest", "--execute")
        require(any("Assignments can only be reset if the group 'GROUP' is inactive" in line for line in reset), f"a group with members was reset: {reset}")
        deleted = groups("--delete-offsets", "--group", groups.group, "--topic", groups.topic)
        require(sum("GroupSubscribedToTopicException" in line or "subscribed" in line for line in deleted) > 0, f"offsets in use were deleted: {deleted}")
    nobody = groups("--describe", "--group", groups.context.topic("nobody"))
    require(any("does not exist" in line or "not found" in line for line in nobody), f"an unknown group is described: {nobody}")


def restarted(context, end):
    topic, group = filled(context), context.topic("group")
    with Member(context, group, topic, "before-" + group) as member:
        wait_until(30, "all records", lambda: has_all([member], RECORDS))
        wait_until(15, "the last commit", lambda: committed(context, group, topic) == [RECORDS // PARTITIONS] * PARTITIONS)
        end()
        context.broker.start()
        filled(context, RECORDS, topic)
        wait_until(60, "the new records", lambda: has_all([member], 2 * RECORDS))
        require_equal(list(range(2 * RECORDS)), sorted(member.records()), "records, each once")


def committed(context, group, topic):
    with contextlib.closing(Connection(int(context.bootstrap.rpartition(":")[2]))) as connection:
        wanted = [{"name": topic, "partition_indexes": list(range(PARTITIONS))}]
        answer = connection.ask("OffsetFetch", 5, {"group_id": group, "topics": wanted})
        return [partition["committed_offset"] for partition in answer["topics"][0]["partitions"]] if answer["topics"] else []
