"""Cases of the classic group protocol and of committed offsets."""
import re

from harness.checks import wait_until

MEMBER = re.compile(r"-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
LONG_MS = 60000
PROTOCOLS = [{"name": "range", "metadata": b"one"}, {"name": "sticky", "metadata": b"two"}]


def cases(script):
    wait_until(30, "the group coordinator", lambda: served(script))
    join_group(script)
    sync_group(script)
    heartbeat(script)
    leave_group(script)
    offset_commit(script)
    offset_fetch(script)
    offset_delete(script)
    list_groups(script)
    describe_groups(script)
    delete_groups(script)


def served(script):
    found = script.main.ask("FindCoordinator", 1, {"key": "any", "key_type": 0})
    beat = script.main.ask("Heartbeat", 0, {"group_id": "any", "generation_id": 0, "member_id": "nobody"})
    return found["error_code"] == 0 and beat["error_code"] == 25


def shown(value):
    """Without what is random in a member's id."""
    if isinstance(value, dict):
        return {name: shown(item) for name, item in value.items()}
    if isinstance(value, list):
        return [shown(item) for item in value]
    return MEMBER.sub("-UUID", value) if isinstance(value, str) else value


def ask(script, case, api, version, values):
    return script.ask(case, api, version, values, show=shown)


def joining(group, member="", **more):
    return {"group_id": group, "session_timeout_ms": LONG_MS, "rebalance_timeout_ms": LONG_MS, "member_id": member,
            "protocol_type": "consumer", "protocols": PROTOCOLS, **more}


def join(script, group, member="", version=3, **more):
    answer = script.main.ask("JoinGroup", version, joining(group, member, **more))
    assert answer["error_code"] == 0, answer
    return answer["member_id"], answer["generation_id"]


def stable(script, word, instance=None, **more):
    """A group of one member that has its assignment: the group, the member, the generation."""
    group = script.name(word)
    if instance:
        more.update(group_instance_id=instance)
    member, generation = join(script, group, version=5 if instance else 3, **more)
    answer = script.main.ask("SyncGroup", 3, {"group_id": group, "generation_id": generation, "member_id": member, "group_instance_id": instance,
                                              "assignments": [{"member_id": member, "assignment": b"all"}]})
    assert answer["error_code"] == 0, answer
    return group, member, generation


def emptied(script, word):
    """A group whose only member has left."""
    group, member, _ = stable(script, word)
    assert script.main.ask("LeaveGroup", 0, {"group_id": group, "member_id": member})["error_code"] == 0
    return group


def join_group(script):
    for version in script.versions("JoinGroup"):
        def tell(case, values, version=version):
            return ask(script, case, "JoinGroup", version, values)

        tell("no group id", joining(""))
        for session in (0, 5999, 1800001):
            tell(f"a session of {session} ms", joining(script.name("group"), session_timeout_ms=session))
        tell("no rebalance timeout", joining(script.name("group"), rebalance_timeout_ms=-1))
        tell("no protocols", joining(script.name("group"), protocols=[]))
        tell("no protocol type", joining(script.name("group"), protocol_type=""))
        tell("an unknown member", joining(script.name("group"), "nobody"))
        tell("an unknown member of a known group", joining(stable(script, "group")[0], "nobody"))
        tell("another protocol type", joining(stable(script, "group")[0], protocol_type="connect"))
        tell("another protocol", joining(stable(script, "group")[0], protocols=[{"name": "other", "metadata": b""}]))
        group = script.name("group")
        first = tell("a new member", joining(group))
        if first["error_code"]:
            tell("with the id that it was given", joining(group, first["member_id"]))
        group, member, _ = stable(script, "group")
        tell("the leader again", joining(group, member))
        tell("a group that is empty", joining(emptied(script, "group")))
        if version >= 5:
            static(script, tell)
        if version >= 8:
            tell("a reason", joining(script.name("group"), reason="because"))


def static(script, tell):
    tell("a new static member", joining(script.name("group"), group_instance_id="one"))
    tell("an unknown static member with an id", joining(script.name("group"), "nobody", group_instance_id="one"))
    group, member, _ = stable(script, "group", "one")
    tell("a static member with another's id", joining(group, "nobody", group_instance_id="one"))
    tell("a static member with its id", joining(group, member, group_instance_id="one"))
    group, member, _ = stable(script, "group", "one")
    tell("a static member is there again", joining(group, group_instance_id="one"))
    tell("its earlier incarnation", joining(group, member, group_instance_id="one"))


def sync_group(script):
    def syncing(group, member, generation, **more):
        return {"group_id": group, "generation_id": generation, "member_id": member, "protocol_type": "consumer", "protocol_name": "range",
                "assignments": [], **more}

    for version in script.versions("SyncGroup"):
        def tell(case, *values, version=version, **more):
            return ask(script, case, "SyncGroup", version, syncing(*values, **more))

        group, member, generation = stable(script, "group")
        tell("no group id", "", "nobody", 1)
        tell("an unknown group", script.name("group"), "nobody", 1)
        tell("an unknown member", group, "nobody", generation)
        tell("no member", group, "", generation)
        for wrong in (generation - 1, generation + 1, -1):
            tell(f"generation {wrong} of {generation}", group, member, wrong)
        tell("a stable group", group, member, generation)
        tell("another protocol type", group, member, generation, protocol_type="connect")
        tell("another protocol", group, member, generation, protocol_name="sticky")
        tell("no protocol type", group, member, generation, protocol_type=None)
        tell("no protocol", group, member, generation, protocol_name=None)
        tell("an empty group", emptied(script, "group"), "nobody", 2)
        group = script.name("group")
        member, generation = join(script, group)
        tell("the leader's assignments", group, member, generation, assignments=[
            {"member_id": member, "assignment": b"mine"}, {"member_id": "nobody", "assignment": b"nobody's"}])
        group = script.name("group")
        member, generation = join(script, group)
        tell("an assignment for nobody", group, member, generation)
        if version >= 3:
            group, member, generation = stable(script, "group", "one")
            tell("a static member", group, member, generation, group_instance_id="one")
            tell("a static member with another's id", group, "nobody", generation, group_instance_id="one")
            tell("an unknown static member", group, member, generation, group_instance_id="two")


def heartbeat(script):
    for version in script.versions("Heartbeat"):
        def tell(case, group, member, generation, version=version, **more):
            return ask(script, case, "Heartbeat", version, {"group_id": group, "member_id": member, "generation_id": generation, **more})

        group, member, generation = stable(script, "group")
        tell("no group id", "", "nobody", 1)
        tell("an unknown group", script.name("group"), "nobody", 1)
        tell("an unknown member", group, "nobody", generation)
        tell("a member", group, member, generation)
        for wrong in (generation - 1, generation + 1, -1):
            tell(f"generation {wrong} of {generation}", group, member, wrong)
        tell("an empty group", emptied(script, "group"), "nobody", 2)
        group = script.name("group")
        member, generation = join(script, group)
        tell("before the assignment", group, member, generation)
        if version >= 3:
            group, member, generation = stable(script, "group", "one")
            tell("a static member", group, member, generation, group_instance_id="one")
            tell("a static member with another's id", group, "nobody", generation, group_instance_id="one")
            tell("an unknown static member", group, member, generation, group_instance_id="two")


def leave_group(script):
    for version in script.versions("LeaveGroup"):
        def tell(case, group, *members, version=version):
            values = {"group_id": group, "members": [{"member_id": member, "group_instance_id": instance} for member, instance in members]}
            if version < 3:
                values["member_id"] = members[0][0]
            return ask(script, case, "LeaveGroup", version, values)

        tell("no group id", "", ("nobody", None))
        tell("an unknown group", script.name("group"), ("nobody", None))
        group, member, _ = stable(script, "group")
        tell("an unknown member", group, ("nobody", None))
        tell("no member", group, ("", None))
        tell("a member", group, (member, None))
        tell("a member again", group, (member, None))
        if version >= 3:
            group, member, _ = stable(script, "group", "one")
            tell("nobody", group)
            tell("an unknown static member", group, (member, "two"))
            tell("a static member with another's id", group, ("nobody", "one"))
            tell("two members", group, ("nobody", None), (member, None))
            group, member, _ = stable(script, "group", "one")
            tell("a static member by its name", group, ("", "one"))
            tell("a static member that has gone", group, ("", "one"))
            group, member, _ = stable(script, "group", "one")
            tell("a member twice", group, (member, "one"), (member, "one"))


def committing(group, *topics, **more):
    return {"group_id": group, "generation_id_or_member_epoch": -1, **more, "topics": [
        {"name": name, "partitions": [{"partition_index": index, "committed_offset": offset, "committed_metadata": metadata}
                                      for index, offset, metadata in partitions]} for name, *partitions in topics]}


def commit(script, group, *topics, **more):
    answer = script.main.ask("OffsetCommit", 7, committing(group, *topics, **more))
    assert all(partition["error_code"] == 0 for topic in answer["topics"] for partition in topic["partitions"]), answer


def offset_commit(script):
    one, two = script.create("one", 2), script.create("two")
    for version in script.versions("OffsetCommit"):
        def tell(case, *values, version=version, **more):
            return ask(script, case, "OffsetCommit", version, committing(*values, **more))

        tell("a group without members", script.name("group"), (one, (0, 5, "text")))
        tell("no group id", "", (one, (0, 5, "")))
        tell("nothing", script.name("group"))
        tell("a topic without partitions", script.name("group"), (one,))
        tell("an unknown topic without partitions", script.name("group"), ("nowhere",))
        tell("an unknown topic", script.name("group"), ("nowhere", (0, 5, ""), (1, 5, "")))
        tell("an unknown partition", script.name("group"), (one, (2, 5, "")))
        tell("known and unknown ones", script.name("group"), (one, (0, 5, ""), (7, 5, "")), ("nowhere", (0, 5, "")), (two, (0, 5, "")))
        tell("a partition twice", script.name("group"), (one, (0, 5, ""), (0, 6, "")))
        tell("a topic twice", script.name("group"), (one, (0, 5, "")), (one, (1, 6, "")))
        tell("a negative offset", script.name("group"), (one, (0, -1, "")))
        tell("no metadata", script.name("group"), (one, (0, 5, None)))
        tell("metadata as long as may be", script.name("group"), (one, (0, 5, "m" * 4096)))
        tell("metadata that is too long", script.name("group"), (one, (0, 5, "m" * 4097), (1, 5, "")))
        if version >= 1:
            of_members(script, tell, version, one)


def of_members(script, tell, version, topic):
    def by(member, generation, **more):
        return {"member_id": member, "generation_id_or_member_epoch": generation, **more}

    tell("a generation of an unknown group", script.name("group"), (topic, (0, 5, "")), **by("nobody", 1))
    tell("a generation of an empty group", emptied(script, "group"), (topic, (0, 5, "")), **by("nobody", 2))
    tell("an empty group", emptied(script, "group"), (topic, (0, 5, "")))
    tell("a member of no generation of an unknown group", script.name("group"), (topic, (0, 5, "")), **by("nobody", -1))
    group, member, generation = stable(script, "group")
    tell("a member", group, (topic, (0, 5, "")), **by(member, generation))
    tell("no member of a group that has some", group, (topic, (0, 5, "")))
    tell("an unknown member", group, (topic, (0, 5, "")), **by("nobody", generation))
    for wrong in (generation - 1, generation + 1, -1):
        tell(f"generation {wrong} of {generation}", group, (topic, (0, 5, "")), **by(member, wrong))
    group = script.name("group")
    member, generation = join(script, group)
    tell("before the assignment", group, (topic, (0, 5, "")), **by(member, generation))
    if version >= 7:
        group, member, generation = stable(script, "group", "one")
        tell("a static member", group, (topic, (0, 5, "")), **by(member, generation, group_instance_id="one"))
        tell("a static member with another's id", group, (topic, (0, 5, "")), **by("nobody", generation, group_instance_id="one"))
        tell("an unknown static member", group, (topic, (0, 5, "")), **by(member, generation, group_instance_id="two"))


def offset_fetch(script):
    one, two = script.create("one", 2), script.create("two")
    group, other = script.name("group"), script.name("other")
    commit(script, group, (one, (0, 5, "text"), (1, 6, "")), (two, (0, 7, None)))
    commit(script, other, (two, (0, 8, "")))
    for wanted in (group, other):  # version 0 is of an older time: its offsets are elsewhere
        script.main.ask("OffsetCommit", 0, committing(wanted, (one, (0, 15, "old"))))

    def wanting(topics):
        return None if topics is None else [{"name": name, "partition_indexes": list(indexes)} for name, *indexes in topics]

    for version in script.versions("OffsetFetch"):
        def tell(case, *groups, version=version, **more):
            if version >= 8:
                values = {"groups": [{"group_id": wanted, "topics": wanting(topics)} for wanted, topics in groups]}
            elif len(groups) == 1:
                values = {"group_id": groups[0][0], "topics": wanting(groups[0][1])}
            else:
                return
            ask(script, case, "OffsetFetch", version, {**values, **more})

        tell("offsets", (group, [(one, 0, 1), (two, 0)]))
        tell("no offset there", (other, [(one, 0, 1)]))
        tell("an unknown group", (script.name("group"), [(one, 0)]))
        tell("no group id", ("", [(one, 0)]))
        tell("an unknown topic", (group, [("nowhere", 0)]))
        tell("an unknown partition", (group, [(one, 2, -1)]))
        tell("a partition twice", (group, [(one, 0, 0)]))
        tell("a topic twice", (group, [(one, 0), (one, 1)]))
        tell("a topic without partitions", (group, [(one,)]))
        tell("no topics", (group, []))
        if version >= 2:
            tell("all topics", (group, None))
            tell("all topics of an unknown group", (script.name("group"), None))
        if version >= 7:
            tell("what is stable", (group, [(one, 0)]), require_stable=True)
        tell("two groups", (group, [(one, 0)]), (other, None))
        tell("a group twice", (group, [(one, 0)]), (group, [(one, 1)]))
        if version >= 8:
            tell("no groups")


def offset_delete(script):
    one, two = script.create("one", 2), script.create("two")

    def tell(case, group, *topics):
        ask(script, case, "OffsetDelete", 0, {"group_id": group, "topics": [
            {"name": name, "partitions": [{"partition_index": index} for index in indexes]} for name, *indexes in topics]})

    group = script.name("group")
    commit(script, group, (one, (0, 5, ""), (1, 6, "")), (two, (0, 7, "")))
    tell("no group id", "", (one, 0))
    tell("an unknown group", script.name("group"), (one, 0))
    tell("an unknown group and an unknown topic", script.name("group"), ("nowhere", 0))
    tell("an unknown topic", group, ("nowhere", 0))
    tell("an unknown partition", group, (one, 0, 7))
    tell("no topics", group)
    tell("a topic without partitions", group, (one,))
    tell("an offset that is not there", group, (one, 0))
    tell("a partition twice", group, (one, 0, 0))
    tell("a topic twice", group, (one, 0), (one, 0))
    tell("the rest", group, (one, 1), (two, 0))
    tell("a group without offsets", group, (one, 1))
    tell("a group with members of an unreadable subscription", stable(script, "group")[0], (one, 0))
    tell("a group that does not consume", stable(script, "group", protocol_type="connect")[0], (one, 0))
    subscription = b"\0\0\0\0\0\1" + len(one).to_bytes(2, "big") + one.encode() + b"\xff\xff\xff\xff"
    group = stable(script, "group", protocols=[{"name": "range", "metadata": subscription}])[0]
    tell("topics that are subscribed to and others", group, (one, 0), (two, 0))


def list_groups(script):
    topic = script.create("topic")
    stable(script, "listed-stable")
    emptied(script, "listed-empty")
    join(script, script.name("listed-completing"))
    commit(script, script.name("listed-offsets"), (topic, (0, 5, "")))
    stable(script, "listed-connect", protocol_type="connect")

    def mine(answer):
        return shown({**answer, "groups": [group for group in answer["groups"] if group["group_id"].startswith("listed-")]})

    for version in script.versions("ListGroups"):
        def tell(case, version=version, **values):
            script.ask(case, "ListGroups", version, values, show=mine)

        tell("all")
        if version >= 4:
            for states in (["Stable"], ["stable", "EMPTY"], ["CompletingRebalance"], ["Dead"], ["Nowhere"], [""]):
                tell(f"in state {states}", states_filter=states)
        if version >= 5:
            for types in (["classic"], ["Classic"], ["consumer"], ["classic", "consumer"], ["Nothing"], [""]):
                tell(f"of type {types}", types_filter=types)
            tell("of a type in a state", states_filter=["Stable"], types_filter=["classic"])


def describe_groups(script):
    topic = script.create("topic")
    known, empty, joined, other = stable(script, "known")[0], emptied(script, "empty"), script.name("joined"), script.name("offsets")
    member = join(script, joined)
    assert member
    commit(script, other, (topic, (0, 5, "")))
    named = stable(script, "named", "one")[0]
    for version in script.versions("DescribeGroups"):
        def tell(case, *groups, version=version, **more):
            ask(script, case, "DescribeGroups", version, {"groups": list(groups), **more})

        tell("a stable group", known)
        tell("a static member", named)
        tell("an empty group", empty)
        tell("a group before its assignment", joined)
        tell("a group of offsets", other)
        tell("an unknown group", script.name("group"))
        tell("no group id", "")
        tell("nothing")
        tell("a group twice", known, known)
        tell("several", known, script.name("group"), empty)
        if version >= 3:
            tell("what the client may do", known, script.name("group"), include_authorized_operations=True)


def delete_groups(script):
    topic = script.create("topic")
    for version in script.versions("DeleteGroups"):
        def tell(case, *groups, version=version):
            ask(script, case, "DeleteGroups", version, {"groups_names": list(groups)})

        other = script.name("offsets")
        commit(script, other, (topic, (0, 5, "")))
        tell("a group of offsets", other)
        tell("a group that was deleted", other)
        tell("an empty group", emptied(script, "group"))
        tell("a group with members", stable(script, "group")[0])
        tell("an unknown group", script.name("group"))
        tell("no group id", "")
        tell("nothing")
        group = emptied(script, "group")
        tell("a group twice", group, group)
        tell("several", emptied(script, "empty"), stable(script, "stable")[0], script.name("unknown"))
