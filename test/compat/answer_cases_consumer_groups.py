"""Cases of the consumer groups of KIP-848, and of what the other APIs of groups say about them."""
import re
import uuid

from compat import answer_cases_groups
from compat.answer_cases_groups import emptied, joining, stable
from compat.answer_script import BIG
from harness.checks import wait_until

APIS = ("ConsumerGroupDescribe", "ConsumerGroupHeartbeat", "DeleteGroups", "DescribeGroups", "Heartbeat", "JoinGroup", "LeaveGroup", "ListGroups",
        "OffsetCommit", "OffsetDelete", "OffsetFetch", "SyncGroup")
JOINING, LEAVING, LEAVING_STATIC = 0, -1, -2
TIMEOUT_MS = 300_000
MEMBER = re.compile(r"[\w-]{22}|-UUID")
FIRST_BY_MEMBER_EPOCH = 9  # of OffsetCommit and OffsetFetch


def cases(script):
    wait_until(60, "the group coordinator", lambda: served(script))
    topic, other = script.create("topic", 2), script.create("other", 1)
    script.id_of(topic)
    script.id_of(other)
    invalid_heartbeats(script, topic)
    heartbeats(script, topic)
    static_members(script, topic)
    classic_groups(script, topic)
    describe(script, topic)
    classic_requests(script, topic)
    offset_commit(script, topic)
    offset_fetch(script, topic)
    lists(script, topic)
    deletions(script, topic, other)


def served(script):
    found = script.main.ask("FindCoordinator", 1, {"key": "any", "key_type": 0})
    return found["error_code"] == 0 and script.main.ask("ListGroups", 4, {})["error_code"] == 0 and script.main.ask(
        "ConsumerGroupDescribe", 0, {"group_ids": ["any"]})["groups"][0]["error_code"] == 69


def shown(value, name=None):
    """Without what is random in a member's id; those that the broker makes have nothing else."""
    if isinstance(value, dict):
        return {name: shown(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [shown(item) for item in value]
    value = answer_cases_groups.shown(value)
    return "ID" if name == "member_id" and value and MEMBER.fullmatch(value) else value


def ask(script, case, api, version, values):
    return script.ask(case, api, version, values, show=shown)


def entering(group, *topics, member=None, **more):
    """A member's first heartbeat."""
    return {"group_id": group, "member_id": f"member-{uuid.uuid4()}" if member is None else member, "member_epoch": JOINING,
            "rebalance_timeout_ms": TIMEOUT_MS, "subscribed_topic_names": list(topics), "topic_partitions": [], **more}


def beating(group, member, epoch, **more):
    return {"group_id": group, "member_id": member, "member_epoch": epoch, **more}


def enter(script, group, *topics, **more):
    """The member and its epoch, with the partitions that it was given."""
    answer = script.main.ask("ConsumerGroupHeartbeat", 1, entering(group, *topics, **more))
    assert answer["error_code"] == 0, answer
    return answer["member_id"], answer["member_epoch"]


def group_of_one(script, topic, word="group", **more):
    """A group whose member has all partitions."""
    group = script.name(word)
    member, epoch = enter(script, group, topic, **more)
    return group, member, epoch


def left_by_all(script, topic, word="group"):
    group, member, _ = group_of_one(script, topic, word)
    assert script.main.ask("ConsumerGroupHeartbeat", 1, beating(group, member, LEAVING))["error_code"] == 0
    return group


def invalid_heartbeats(script, topic):
    for version in script.versions("ConsumerGroupHeartbeat"):
        def tell(case, values, version=version):
            return ask(script, case, "ConsumerGroupHeartbeat", version, values)

        group = script.name("group")
        for blank in ("", " "):
            tell(f"group id '{blank}'", entering(blank, topic))
            tell(f"instance id '{blank}'", entering(group, topic, instance_id=blank))
            tell(f"rack id '{blank}'", entering(group, topic, rack_id=blank))
            tell(f"member id '{blank}' of a member", beating(group, blank, 1))
        tell("no member id", entering(script.name("group"), topic, member=""))
        tell("no rebalance timeout", entering(group, topic, rebalance_timeout_ms=-1))
        tell("no partitions", entering(group, topic, topic_partitions=None))
        tell("partitions of a new member", entering(group, topic, topic_partitions=[{"topic_id": str(uuid.UUID(int=5)), "partitions": [0]}]))
        tell("no subscription", entering(group, subscribed_topic_names=None))
        tell("an unknown assignor", entering(group, topic, server_assignor="mine"))
        tell("no assignor's name", entering(group, topic, server_assignor=""))
        tell("an epoch below all", beating(group, "m", -3))
        tell("no instance leaves for a while", beating(group, "m", LEAVING_STATIC))
        if version >= 1:
            tell("a regular expression that is none", entering(group, subscribed_topic_names=None, subscribed_topic_regex="(["))


def heartbeats(script, topic):
    for version in script.versions("ConsumerGroupHeartbeat"):
        def tell(case, values, version=version):
            return ask(script, case, "ConsumerGroupHeartbeat", version, values)

        tell("a new member", entering(script.name("group"), topic))
        for assignor in ("uniform", "range"):
            tell(f"by assignor {assignor}", entering(script.name("group"), topic, server_assignor=assignor))
        tell("a topic that is not there", entering(script.name("group"), "nowhere"))
        tell("no topics", entering(script.name("group")))
        for epoch in (JOINING + 1, LEAVING):
            tell(f"epoch {epoch} in an unknown group", beating(script.name("group"), "nobody", epoch))
        group, member, epoch = group_of_one(script, topic)
        tell("a member", beating(group, member, epoch))
        tell("an unknown member", beating(group, "nobody", epoch))
        tell("an unknown member leaves", beating(group, "nobody", LEAVING))
        tell("an epoch to come", beating(group, member, epoch + 1))
        tell("an epoch of long ago", beating(group, member, epoch + 5))
        tell("the same again in full", entering(group, topic, member=member))
        tell("another subscription", beating(group, member, epoch, subscribed_topic_names=[]))
        tell("it leaves", beating(group, member, LEAVING))
        tell("it has left", beating(group, member, epoch))
        tell("another comes", entering(group, topic))


def static_members(script, topic):
    for version in script.versions("ConsumerGroupHeartbeat"):
        def tell(case, values, version=version):
            return ask(script, case, "ConsumerGroupHeartbeat", version, values)

        group, member, epoch = group_of_one(script, topic, instance_id="one")
        tell("another member of its instance id", entering(group, topic, instance_id="one"))
        tell("a static member", beating(group, member, epoch, instance_id="one"))
        tell("another's id with its instance id", beating(group, "nobody", epoch, instance_id="one"))
        tell("an unknown instance id", beating(group, member, epoch, instance_id="two"))
        tell("an unknown instance id leaves", beating(group, member, LEAVING_STATIC, instance_id="two"))
        tell("a static member leaves for a while", beating(group, member, LEAVING_STATIC, instance_id="one"))
        tell("a static member that is away", beating(group, member, epoch, instance_id="one"))
        tell("a static member comes again", entering(group, topic, instance_id="one"))
        tell("its earlier incarnation", beating(group, member, epoch, instance_id="one"))
        tell("its earlier incarnation leaves", beating(group, member, LEAVING, instance_id="one"))


def classic_groups(script, topic):
    """Members of the new protocol in groups of the classic one."""
    for version in script.versions("ConsumerGroupHeartbeat"):
        def tell(case, values, version=version):
            return ask(script, case, "ConsumerGroupHeartbeat", version, values)

        tell("a classic group that is empty", entering(emptied(script, "group"), topic))
        tell("a classic group with members of unreadable subscriptions", entering(stable(script, "group")[0], topic))
        tell("a classic group that does not consume", entering(stable(script, "group", protocol_type="connect")[0], topic))
        group, member, _ = stable(script, "group")
        tell("a member of a classic group", beating(group, member, 1))
        tell("a member of a classic group leaves", beating(group, member, LEAVING))


def describe(script, topic):
    group, _, _ = group_of_one(script, topic, rack_id="a rack", instance_id="one", server_assignor="range")
    pattern = script.name("group")
    reader, _ = enter(script, pattern, subscribed_topic_regex=f"{topic}.*")
    wait_until(20, "the expression's topics", lambda: has_partitions(script, pattern, reader))
    empty, classic = left_by_all(script, topic, "empty"), stable(script, "group")[0]
    for version in script.versions("ConsumerGroupDescribe"):
        def tell(case, *groups, version=version, **more):
            ask(script, case, "ConsumerGroupDescribe", version, {"group_ids": list(groups), **more})

        tell("a group", group)
        tell("a group without members", empty)
        tell("a classic group", classic)
        tell("an unknown group", "unknown")
        tell("no group id", "")
        tell("nothing")
        tell("a group twice", group, group)
        tell("several", group, "unknown", empty)
        tell("what the client may do", group, "unknown", include_authorized_operations=True)
        tell("a regular expression", pattern)


def has_partitions(script, group, member):
    """Kafka resolves expressions in the background, and says so with a later heartbeat."""
    found = script.main.ask("ConsumerGroupDescribe", 1, {"group_ids": [group]})["groups"][0]["members"][0]
    script.main.ask("ConsumerGroupHeartbeat", 1, beating(group, member, found["member_epoch"]))
    return found["assignment"]["topic_partitions"] and found["assignment"] == found["target_assignment"]


def classic_requests(script, topic):
    """What members of the classic protocol hear of groups of the new one, and who asks about those."""
    group, member, epoch = group_of_one(script, topic)
    empty = left_by_all(script, topic)
    for version in script.versions("JoinGroup", 2):
        ask(script, "a member of an unreadable subscription", "JoinGroup", version, joining(group))
        ask(script, "a member that does not consume", "JoinGroup", version, joining(group, protocol_type="connect"))
        ask(script, "a member's id of the new protocol", "JoinGroup", version, joining(group, member))
    for version in script.versions("SyncGroup"):
        names = {"protocol_type": "consumer", "protocol_name": "range"} if version >= 5 else {}
        ask(script, "a member of the new protocol", "SyncGroup", version, {"group_id": group, "generation_id": epoch, "member_id": member, **names})
        ask(script, "an unknown member", "SyncGroup", version, {"group_id": group, "generation_id": epoch, "member_id": "nobody", **names})
    for version in script.versions("Heartbeat"):
        ask(script, "a member of the new protocol", "Heartbeat", version, {"group_id": group, "generation_id": epoch, "member_id": member})
        ask(script, "an unknown member", "Heartbeat", version, {"group_id": group, "generation_id": epoch, "member_id": "nobody"})
    for version in script.versions("DescribeGroups"):
        ask(script, "a group of the new protocol", "DescribeGroups", version, {"groups": [group]})
        ask(script, "an empty one", "DescribeGroups", version, {"groups": [empty]})
    for version in script.versions("LeaveGroup"):
        for case, leaver in (("an unknown member", "nobody"), ("a member of the new protocol", member)):
            ask(script, case, "LeaveGroup", version, {"group_id": group, **({"member_id": leaver} if version < 3 else {"members": [{"member_id": leaver}]})})


def committing(group, topic, member, epoch, **more):
    partition = {"partition_index": 0, "committed_offset": 5, "committed_metadata": ""}
    return {"group_id": group, "member_id": member, "generation_id_or_member_epoch": epoch,
            "topics": [{"name": topic, "partitions": [partition]}], **more}


def offset_commit(script, topic):
    for version in script.versions("OffsetCommit", 2, FIRST_BY_MEMBER_EPOCH):
        def tell(case, *values, version=version, **more):
            return ask(script, case, "OffsetCommit", version, committing(values[0], topic, *values[1:], **more))

        group, member, epoch = group_of_one(script, topic)
        tell("a member", group, member, epoch)
        for case, wrong in (("the epoch before", epoch - 1), ("an epoch to come", epoch + 1), ("no epoch", -1)):
            tell(case, group, member, wrong)
        tell("an unknown member", group, "nobody", epoch)
        tell("no member of a group that has some", group, "", -1)
        empty = left_by_all(script, topic)
        tell("a group that is empty", empty, "", -1)
        tell("a member that has left", empty, "nobody", epoch)
        if version >= 7:
            group, member, epoch = group_of_one(script, topic, instance_id="one")
            tell("a static member", group, member, epoch, group_instance_id="one")
            tell("a static member by another name", group, member, epoch, group_instance_id="two")


def offset_fetch(script, topic):
    group, member, epoch = group_of_one(script, topic)
    answer = script.main.ask("OffsetCommit", FIRST_BY_MEMBER_EPOCH, committing(group, topic, member, epoch))
    assert answer["topics"][0]["partitions"][0]["error_code"] == 0, answer
    empty = left_by_all(script, topic)
    wanted = [{"name": topic, "partition_indexes": [0, 1]}]
    for version in script.versions("OffsetFetch", 1, FIRST_BY_MEMBER_EPOCH):
        if version < 8:
            ask(script, "a group", "OffsetFetch", version, {"group_id": group, "topics": wanted})
            continue

        def tell(case, *groups, version=version, topics=None, **more):
            ask(script, case, "OffsetFetch", version, {"groups": [{"group_id": each, "topics": topics, **more} for each in groups]})

        tell("a group", group, topics=wanted)
        tell("all topics", group)
        tell("an empty group", empty, topics=wanted)
        if version < FIRST_BY_MEMBER_EPOCH:
            continue
        for case, said in (("a member", (member, epoch)), ("an unknown member", ("nobody", epoch)), ("an old epoch", (member, epoch - 1)),
                           ("an epoch to come", (member, epoch + 1)), ("a member without an epoch", (member, -1)), ("no member's epoch", (None, epoch))):
            tell(case, group, topics=wanted, member_id=said[0], member_epoch=said[1])
            tell(f"all topics: {case}", group, member_id=said[0], member_epoch=said[1])
        tell("a member of an empty group", empty, topics=wanted, member_id="nobody", member_epoch=1)
        tell("a member of an unknown group", "unknown", topics=wanted, member_id="nobody", member_epoch=1)


def lists(script, topic):
    group = script.name("listed-stable")
    enter(script, group, topic)
    empty = script.name("listed-empty")
    member, _ = enter(script, empty, topic)
    assert script.main.ask("ConsumerGroupHeartbeat", 1, beating(empty, member, LEAVING))["error_code"] == 0
    stable(script, "listed-classic")

    def mine(answer):
        return shown({**answer, "groups": [each for each in answer["groups"] if each["group_id"].startswith("listed-")]})

    for version in script.versions("ListGroups", 0, BIG):
        def tell(case, version=version, **values):
            script.ask(case, "ListGroups", version, values, show=mine)

        tell("all")
        if version >= 4:
            for states in (["Stable"], ["stable", "EMPTY"], ["Assigning", "Reconciling"], ["Nowhere"]):
                tell(f"in state {states}", states_filter=states)
        if version >= 5:
            for types in (["classic"], ["consumer"], ["Consumer"], ["classic", "consumer"], ["Nothing"]):
                tell(f"of type {types}", types_filter=types)
            tell("of a type in a state", states_filter=["Empty"], types_filter=["consumer"])


def deletions(script, topic, other):
    for version in script.versions("DeleteGroups"):
        group, _, _ = group_of_one(script, topic)
        empty = left_by_all(script, topic)
        ask(script, "a group with members", "DeleteGroups", version, {"groups_names": [group]})
        ask(script, "a group without members", "DeleteGroups", version, {"groups_names": [empty]})
        ask(script, "a group that was deleted", "DeleteGroups", version, {"groups_names": [empty]})
    group, member, epoch = group_of_one(script, topic)
    for name in (topic, other):
        answer = script.main.ask("OffsetCommit", FIRST_BY_MEMBER_EPOCH, committing(group, name, member, epoch))
        assert answer["topics"][0]["partitions"][0]["error_code"] == 0, answer
    wanted = [{"name": name, "partitions": [{"partition_index": 0}]} for name in (topic, other)]
    ask(script, "topics that are subscribed to and others", "OffsetDelete", 0, {"group_id": group, "topics": wanted})
    ask(script, "a group without members", "OffsetDelete", 0, {"group_id": left_by_all(script, topic), "topics": wanted})
