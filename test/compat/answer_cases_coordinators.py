"""Cases of FindCoordinator."""
from harness.checks import wait_until

GROUP, TRANSACTION, SHARE, UNKNOWN = 0, 1, 2, 7
FIRST_VERSION_WITH_MANY_KEYS = 4


def cases(script):
    # Who asks first makes the topics, and is told by some brokers to come again.
    for key_type in (GROUP, TRANSACTION):
        wait_until(20, "the topic of the coordinators", lambda wanted=key_type: script.main.ask(
            "FindCoordinator", 1, {"key": "first", "key_type": wanted})["error_code"] == 0)
    for version in script.versions("FindCoordinator"):
        for name, key_type in (("a group", GROUP), ("a transaction", TRANSACTION), ("a share group", SHARE), ("an unknown type", UNKNOWN)):
            if version == 0 and key_type != GROUP:
                continue
            for case, key in (("", "orders"), (" with an empty id", ""), (" with a long id", "i" * 1000), (" with an id of many scripts", "ü-注-😀")):
                ask(script, f"the coordinator of {name}{case}", version, key_type, [key])
        if version >= FIRST_VERSION_WITH_MANY_KEYS:
            ask(script, "many coordinators", version, GROUP, ["a", "b", "a"])
            ask(script, "no coordinator", version, GROUP, [])


def ask(script, case, version, key_type, keys):
    values = {"coordinator_keys": keys} if version >= FIRST_VERSION_WITH_MANY_KEYS else {"key": keys[0]}
    script.ask(case, "FindCoordinator", version, values | ({"key_type": key_type} if version > 0 else {}))
