"""Cases of DescribeClientQuotas and AlterClientQuotas."""

import contextlib

from compat.answer_script import Connection
from harness.checks import wait_until
from harness.record_bytes import batch

EXACT, DEFAULT, ANY = 0, 1, 2
USER, CLIENT, IP = "user", "client-id", "ip"


def cases(script):
    alter_well(script)
    alter_badly(script)
    alter_addresses(script)
    describe(script)
    describe_badly(script)
    throttled(script)


def entity(**names):
    """entity(user="alice", client=None): None is the default entity."""
    return [{"entity_type": CLIENT if kind == "client" else kind, "entity_name": name} for kind, name in names.items()]


def sets(**values):
    return [{"key": key, "value": value, "remove": False} for key, value in values.items()]


def removes(*keys):
    return [{"key": key, "value": 0, "remove": True} for key in keys]


def alter(script, case, version, *entries, validate_only=False):
    script.ask(case, "AlterClientQuotas", version,
               {"entries": [{"entity": names, "ops": operations} for names, operations in entries], "validate_only": validate_only},
               show=in_order)


def in_order(answer):
    """The order of a hash table is nobody's business."""
    for key in ("entries",):
        for entry in answer[key] or []:
            entry["entity"] = sorted(entry["entity"], key=lambda part: part["entity_type"])
            if "values" in entry:
                entry["values"] = sorted(entry["values"], key=lambda value: value["key"])
        if answer[key]:
            answer[key] = [[entry] for entry in sorted(answer[key], key=str)]
    return answer


def components(*parts):
    return [{"entity_type": kind, "match_type": match, "match": name} for kind, match, name in parts]


def ask(script, case, version, *parts, strict=False, api="DescribeClientQuotas"):
    values = {"components": components(*parts), "strict": strict}
    answer = script.main.ask("DescribeClientQuotas", version, values)
    script.keep(case, api, version, in_order(answer) if isinstance(answer, dict) else answer)


def of_user(script, case, version, name):
    ask(script, f"{case}, what is described", version, (USER, EXACT if name is not None else DEFAULT, name), api="AlterClientQuotas")


def alter_well(script):
    for version in script.versions("AlterClientQuotas"):
        user = script.name("alice")
        alter(script, "a user", version, (entity(user=user), sets(producer_byte_rate=1000.0, consumer_byte_rate=2e10)))
        of_user(script, "a user", version, user)
        alter(script, "one more value", version, (entity(user=user), sets(request_percentage=12.5)))
        of_user(script, "one more value", version, user)
        alter(script, "a value replaced and one removed", version,
              (entity(user=user), sets(producer_byte_rate=1.0) + removes("consumer_byte_rate")))
        of_user(script, "a value replaced and one removed", version, user)
        alter(script, "the last values removed", version, (entity(user=user), removes("producer_byte_rate", "request_percentage")))
        of_user(script, "the last values removed", version, user)
        alter(script, "removed where nothing is", version, (entity(user=script.name("nobody")), removes("producer_byte_rate")))
        alter(script, "validate only", version, (entity(user=user), sets(producer_byte_rate=9.0)), validate_only=True)
        of_user(script, "validate only", version, user)
        alter(script, "no entry", version)
        alter(script, "no operation", version, (entity(user=user), []))
        for case, name in (("a blank, a slash and a percent sign", "a /%"), ("not ASCII", "ü€"), ("a name like the default's", "<default>"),
                           ("a distinguished name", "CN=a,O=b*+c")):
            strange = script.name(name)
            alter(script, f"a name with {case}", version, (entity(user=strange, client=strange), sets(producer_byte_rate=5.0)))
            ask(script, f"a name with {case}, what is described", version, (USER, EXACT, strange), api="AlterClientQuotas")
        for case, names in (("user and client id", entity(user=user, client="c")), ("client id and user", entity(client="c", user=user)),
                            ("user and default client id", entity(user=user, client=None)), ("default user", entity(user=None)),
                            ("default user and client id", entity(user=None, client="c")),
                            ("default user and default client id", entity(user=None, client=None)),
                            ("client id", entity(client=script.name("c"))), ("default client id", entity(client=None))):
            alter(script, f"entity: {case}", version, (names, sets(controller_mutation_rate=3.0)))
        ask(script, "entities of every kind, what is described", version, (USER, ANY, None), (CLIENT, ANY, None), api="AlterClientQuotas")
        for names in (entity(user=None), entity(user=None, client="c"), entity(user=None, client=None), entity(client=None),
                      entity(user=user, client="c"), entity(user=user, client=None)):
            script.main.ask("AlterClientQuotas", version, {"entries": [{"entity": names, "ops": removes("controller_mutation_rate")}]})
        alter(script, "two entities", version, (entity(user=script.name("a")), sets(producer_byte_rate=9.0)),
              (entity(user=script.name("b")), sets(producer_byte_rate=8.0)))
        alter(script, "one well, one badly", version, (entity(user=script.name("a")), sets(producer_byte_rate=9.0)),
              (entity(user=script.name("b")), sets(no_such_quota=8.0)))


def alter_badly(script):
    for version in script.versions("AlterClientQuotas"):
        user = script.name("bob")
        for value in (0.0, -1.0, 0.5, 1.5, 0.0000001, 1e300, 9.3e18, 9223372036854775807.0, float("inf"), 2147483648.0, 1e-300):
            for key in ("producer_byte_rate", "consumer_byte_rate", "request_percentage", "controller_mutation_rate"):
                alter(script, f"{key}={value}", version, (entity(user=user), sets(**{key: value})), validate_only=True)
        alter(script, "an unknown quota", version, (entity(user=user), sets(no_such_quota=1.0)))
        alter(script, "an unknown quota removed", version, (entity(user=user), removes("no_such_quota")))
        alter(script, "an address's quota for a user", version, (entity(user=user), sets(connection_creation_rate=1.0)))
        alter(script, "the same quota twice", version, (entity(user=user), sets(producer_byte_rate=1.0) + sets(producer_byte_rate=2.0)))
        alter(script, "the same entity twice", version, (entity(user=user), sets(producer_byte_rate=1.0)),
              (entity(user=user), sets(consumer_byte_rate=2.0)))
        alter(script, "no entity", version, ([], sets(producer_byte_rate=1.0)))
        alter(script, "an empty user", version, (entity(user=""), sets(producer_byte_rate=1.0)))
        alter(script, "an empty client id", version, (entity(client=""), sets(producer_byte_rate=1.0)))
        alter(script, "an unknown type", version, (entity(group="g"), sets(producer_byte_rate=1.0)))
        alter(script, "an unknown type and a user", version, (entity(group="g", user=user), sets(producer_byte_rate=1.0)))
        alter(script, "an empty type", version, ([{"entity_type": "", "entity_name": "a"}], sets(producer_byte_rate=1.0)))
        alter(script, "a type twice", version, (entity(user=user) + entity(user="other"), sets(producer_byte_rate=1.0)))
        alter(script, "SCRAM's configuration", version, (entity(user=user), sets(**{"SCRAM-SHA-256": 1.0})))


def alter_addresses(script):
    def described(case, version, *parts):
        ask(script, case, version, *parts, api="AlterClientQuotas")

    for version in script.versions("AlterClientQuotas"):
        alter(script, "an address", version, (entity(ip="10.1.2.3"), sets(connection_creation_rate=10.0)))
        described("an address, what is described", version, (IP, EXACT, "10.1.2.3"))
        alter(script, "an IPv6 address", version, (entity(ip="fd00::7"), sets(connection_creation_rate=10.0)))
        described("an IPv6 address, what is described", version, (IP, EXACT, "fd00::7"))
        alter(script, "the default address", version, (entity(ip=None), sets(connection_creation_rate=20.0)))
        described("addresses, what is described", version, (IP, ANY, None))
        alter(script, "addresses removed", version, (entity(ip="10.1.2.3"), removes("connection_creation_rate")),
              (entity(ip=None), removes("connection_creation_rate")), (entity(ip="fd00::7"), removes("connection_creation_rate")))
        described("addresses removed, what is described", version, (IP, ANY, None))
        alter(script, "a host that nobody knows", version, (entity(ip="no.such.host.invalid"), sets(connection_creation_rate=10.0)))
        alter(script, "no address at all", version, (entity(ip="1.2.3.4.5"), sets(connection_creation_rate=10.0)))
        alter(script, "localhost", version, (entity(ip="localhost"), sets(connection_creation_rate=10.0)), validate_only=True)
        alter(script, "an empty address", version, (entity(ip=""), sets(connection_creation_rate=10.0)))
        alter(script, "an address with a user's quota", version, (entity(ip="10.1.2.3"), sets(producer_byte_rate=10.0)))
        alter(script, "an address and a user", version, (entity(ip="10.1.2.3", user="a"), sets(connection_creation_rate=10.0)))
        alter(script, "an address and a client id", version, (entity(client="a", ip="10.1.2.3"), sets(connection_creation_rate=10.0)))
        for value in (0.0, -1.0, 1.5, 2147483647.0, 2147483648.0):
            alter(script, f"connection_creation_rate={value}", version, (entity(ip="10.1.2.3"), sets(connection_creation_rate=value)),
                  validate_only=True)


def describe(script):
    """All that is asked for here is found by names of its own."""
    alice, client = script.name("descr-alice"), script.name("descr-client")
    for number, names in enumerate((entity(user=alice), entity(user=alice, client=client), entity(user=alice, client=None),
                                    entity(client=client), entity(user=None, client=client), entity(user=None), entity(client=None),
                                    entity(user=None, client=None), entity(ip="10.9.9.9"), entity(ip=None))):
        key = "connection_creation_rate" if names[0]["entity_type"] == IP else "producer_byte_rate"
        answer = script.main.ask("AlterClientQuotas", 1, {"entries": [{"entity": names, "ops": sets(**{key: 100.0 + number})}]})
        assert all(entry["error_code"] == 0 for entry in answer["entries"]), answer
    user_parts = {"this user": (USER, EXACT, alice), "the default user": (USER, DEFAULT, None), "any user": (USER, ANY, None),
                  "another user": (USER, EXACT, script.name("stranger"))}
    client_parts = {"this client id": (CLIENT, EXACT, client), "the default client id": (CLIENT, DEFAULT, None),
                    "any client id": (CLIENT, ANY, None), "another client id": (CLIENT, EXACT, script.name("stranger"))}
    for version in script.versions("DescribeClientQuotas"):
        for strict in (False, True):
            how = "strictly " if strict else ""
            for user, user_part in user_parts.items():
                ask(script, f"{how}{user}", version, user_part, strict=strict)
                for client_id, client_part in client_parts.items():
                    ask(script, f"{how}{user} and {client_id}", version, user_part, client_part, strict=strict)
            for client_id, client_part in client_parts.items():
                ask(script, f"{how}{client_id}", version, client_part, strict=strict)
            ask(script, f"{how}client id before user", version, client_parts["this client id"], user_parts["this user"], strict=strict)
            ask(script, f"{how}an address", version, (IP, EXACT, "10.9.9.9"), strict=strict)
            ask(script, f"{how}another address", version, (IP, EXACT, "10.9.9.8"), strict=strict)
            ask(script, f"{how}the default address", version, (IP, DEFAULT, None), strict=strict)
            ask(script, f"{how}any address", version, (IP, ANY, None), strict=strict)
        ask(script, "strictly nothing", version, strict=True)
    for names in (entity(user=None, client=client), entity(user=None), entity(client=None), entity(user=None, client=None), entity(ip=None)):
        key = "connection_creation_rate" if names[0]["entity_type"] == IP else "producer_byte_rate"
        script.main.ask("AlterClientQuotas", 1, {"entries": [{"entity": names, "ops": removes(key)}]})


def describe_badly(script):
    for version in script.versions("DescribeClientQuotas"):
        for case, parts in {
                "an unknown type": [("group", EXACT, "g")], "an empty type": [("", EXACT, "g")], "a type twice": [(USER, EXACT, "a"), (USER, EXACT, "b")],
                "an unknown match": [(USER, 3, "a")], "a negative match": [(USER, -1, "a")], "exact without a name": [(USER, EXACT, None)],
                "exact with an empty name": [(USER, EXACT, "")], "default with a name": [(USER, DEFAULT, "a")], "any with a name": [(USER, ANY, "a")],
                "default with an empty name": [(USER, DEFAULT, "")],
                "an address and a user": [(IP, EXACT, "10.1.1.1"), (USER, EXACT, "a")],
                "an address and a client id": [(CLIENT, EXACT, "a"), (IP, EXACT, "10.1.1.1")],
                "an unknown type and a user": [("group", EXACT, "g"), (USER, EXACT, "a")],
                "an address that is none": [(IP, EXACT, "nonsense")]}.items():
            ask(script, case, version, *parts)


def over_quota(script, topic):
    """Kafka's brokers hear of quotas a little later than they are set."""
    with contextlib.closing(Connection(script.main.port)) as connection:
        answer = connection.ask("Produce", 8, {"acks": -1, "timeout_ms": 5000, "topic_data": [
            {"name": topic, "partition_data": [{"index": 0, "records": batch(b"a")}]}]})
    return answer["throttle_time_ms"] > 0


def throttled(script):
    """What comes instead, or besides, when the client is over a quota. Kept with AlterClientQuotas, which brings it about."""
    def limit(**quotas):
        operations = [{"key": key, "value": value or 0.0, "remove": value is None} for key, value in quotas.items()]
        answer = script.main.ask("AlterClientQuotas", 1, {"entries": [{"entity": entity(client=None), "ops": operations}]})
        assert answer["entries"][0]["error_code"] == 0, answer

    def ask(api, version, values):
        # The connection is muted afterwards, for a quarter of an hour.
        with contextlib.closing(Connection(script.main.port)) as connection:
            answer = connection.ask(api, version, values)
        if isinstance(answer, dict) and answer.get("throttle_time_ms"):
            answer["throttle_time_ms"] = "WAIT"
        if api == "CreateTopics":
            answer["topics"] = [{name: topic[name] for name in ("error_code", "error_message") if name in topic} for topic in answer["topics"]]
        for partition in [part for topic in answer.get("responses", []) if isinstance(topic, dict) for part in topic.get("partition_responses", [])]:
            partition["base_offset"] = "OFFSET"  # of as many records as were produced so far
        script.keep(f"over a quota: {api}", "AlterClientQuotas", version, answer)

    read, doomed, standing = script.create("read"), script.create("doomed", 2), script.create("standing")
    script.produce(read, batch(b"a"))
    limit(producer_byte_rate=1.0, consumer_byte_rate=1.0, controller_mutation_rate=0.001)
    wait_until(20, "the quotas", lambda: over_quota(script, read))
    for version in script.versions("Produce", 3):
        ask("Produce", version, {"acks": -1, "timeout_ms": 5000, "topic_data": [
            {"name": read, "partition_data": [{"index": 0, "records": batch(b"a")}]}]})
    read_id = script.id_of(read)
    for version in script.versions("Fetch", 4):
        ask("Fetch", version, {"max_wait_ms": 100, "min_bytes": 1, "max_bytes": 1000, "session_id": 0, "session_epoch": -1, "topics": [
            {"topic": read, "topic_id": read_id, "partitions": [{"partition": 0, "fetch_offset": 0, "partition_max_bytes": 1000}]}]})
    # The first ones overdraw.
    ask("CreateTopics", 4, {"topics": [{"name": script.name("first"), "num_partitions": 3, "replication_factor": 1}], "timeout_ms": 20000})
    for version in script.versions("CreateTopics", 5):
        ask("CreateTopics", version, {"topics": [{"name": script.name("more"), "num_partitions": 1, "replication_factor": 1}],
                                      "timeout_ms": 20000})
    for version in script.versions("CreatePartitions", 2):
        ask("CreatePartitions", version, {"topics": [{"name": standing, "count": version + 2, "assignments": None}], "timeout_ms": 20000})
    for version in script.versions("DeleteTopics", 4):
        name = doomed if version > 4 else standing
        ask("DeleteTopics", version, {"topics": [{"name": name}], "topic_names": [name], "timeout_ms": 20000})
    limit(producer_byte_rate=None, consumer_byte_rate=None, controller_mutation_rate=None)
