"""Cases of AlterReplicaLogDirs, and what DescribeLogDirs shows meanwhile."""
from harness.checks import wait_until
from harness.record_bytes import batch

RATE = "replica.alter.log.dirs.io.max.bytes.per.second"


def cases(script):
    move(script)
    move_badly(script)
    move_slowly(script)


def ask(script, case, version, *directories):
    """Each is a path and (topic, partitions) of it."""
    return script.ask(case, "AlterReplicaLogDirs", version, {"dirs": [
        {"path": path, "topics": [{"name": name, "partitions": list(partitions)} for name, partitions in topics]}
        for path, *topics in directories]}, on=script.strict)


def replicas(script, topic):
    """[directory, partition, whether it is a copy, its lag, whether it has bytes]"""
    answer = script.strict.ask("DescribeLogDirs", 1, {"topics": None})
    return sorted([script.directories.index(directory["log_dir"]), found["partition_index"], found["is_future_key"], found["offset_lag"],
                   found["partition_size"] > 0]
                  for directory in answer["results"] for entry in directory["topics"] if entry["name"] == topic
                  for found in entry["partitions"])


def wait_for(script, topic, places):
    """Until partition 0 and those behind it are in these directories, and nowhere else."""
    wanted = sorted((directory, partition) for partition, directory in enumerate(places))
    wait_until(60, f"{topic} in {places}", lambda: [tuple(row[:2]) for row in replicas(script, topic)] == wanted)


def filled(script, word, partitions=1, **configs):
    topic = script.create(word, partitions, on=script.strict, **configs)
    for partition in range(partitions):
        produce(script, topic, partition, batch(b"a", b"b", b"c"))
    return topic


def produce(script, topic, partition, records):
    answer = script.strict.ask("Produce", 8, {"acks": -1, "timeout_ms": 10000, "topic_data": [
        {"name": topic, "partition_data": [{"index": partition, "records": records}]}]})
    assert answer["responses"][0]["partition_responses"][0]["error_code"] == 0, answer


def gather(script, topic, partitions, version):
    """All of them in the first directory."""
    places = script.directories
    script.strict.ask("AlterReplicaLogDirs", version, {"dirs": [{"path": places[0], "topics": [
        {"name": topic, "partitions": list(range(partitions))}]}]})
    wait_for(script, topic, [0] * partitions)


def move(script):
    here, there = script.directories
    for version in script.versions("AlterReplicaLogDirs"):
        topic = filled(script, "moving", 2)
        gather(script, topic, 2, version)
        ask(script, "to where it is", version, (here, (topic, [0])))
        script.keep("to where it is, what is shown", "AlterReplicaLogDirs", version, replicas(script, topic))
        ask(script, "to the other directory", version, (there, (topic, [0])))
        wait_for(script, topic, [1, 0])
        script.keep("to the other directory, what is shown", "AlterReplicaLogDirs", version, replicas(script, topic))
        ask(script, "one here, one there", version, (here, (topic, [0])), (there, (topic, [1])))
        wait_for(script, topic, [0, 1])
        ask(script, "a partition twice", version, (there, (topic, [0])), (here, (topic, [0])))
        wait_for(script, topic, [0, 1])
        ask(script, "a partition twice in one directory", version, (there, (topic, [1, 1])))
        ask(script, "a topic twice", version, (there, (topic, [0]), (topic, [1])))
        wait_for(script, topic, [1, 1])
        script.keep("a topic twice, what is shown", "AlterReplicaLogDirs", version, replicas(script, topic))


def move_badly(script):
    here, there = script.directories
    topic = filled(script, "standing", 2)
    gather(script, topic, 2, 1)
    long = "x" * 215 + script.name("y")
    script.create(long, 1, on=script.strict, exactly=True)
    for version in script.versions("AlterReplicaLogDirs"):
        unknown = script.name("unknown")
        ask(script, "nothing", version)
        ask(script, "no topic", version, (there,))
        ask(script, "no partition", version, (there, (topic, [])))
        ask(script, "an unknown directory", version, (there + "/none", (topic, [0])))
        ask(script, "a directory with a slash behind it", version, (there + "/", (topic, [0])))
        ask(script, "a relative directory", version, ("two", (topic, [0])))
        ask(script, "an empty path", version, ("", (topic, [0])))
        ask(script, "an unknown topic", version, (there, (unknown, [0])))
        ask(script, "an unknown topic in an unknown directory", version, ("/none", (unknown, [0])))
        ask(script, "an unknown partition", version, (there, (topic, [7, -1])))
        ask(script, "an empty name", version, (there, ("", [0])))
        ask(script, "an invalid name", version, (there, ("a b", [0])))
        ask(script, "a name that is too long", version, (there, (long, [0])))
        ask(script, "an unknown name that is too long", version, (there, ("z" * 230, [0])))
        ask(script, "good and bad ones", version, (here, (topic, [0, 9])), ("/none", (topic, [1])))
        script.keep("what is shown after all that", "AlterReplicaLogDirs", version, replicas(script, topic))


def set_rate(script, value):
    answer = script.strict.ask("IncrementalAlterConfigs", 1, {"resources": [{
        "resource_type": 4, "resource_name": "0", "configs": [
            {"name": RATE, "config_operation": 1 if value is None else 0, "value": value}]}], "validate_only": False})
    assert answer["responses"][0]["error_code"] == 0, answer


def move_slowly(script):
    """More than what is copied before the rate is looked at."""
    here, there = script.directories
    version = 2
    topic = filled(script, "large")
    gather(script, topic, 1, version)
    for _ in range(12):
        produce(script, topic, 0, batch(bytes(900_000)))
    set_rate(script, "1000")
    try:
        ask(script, "slowly", version, (there, (topic, [0])))
        shown = [[place, copy, lag > 0] for place, _, copy, lag, _ in replicas(script, topic)]
        script.keep("slowly, what is shown", "AlterReplicaLogDirs", version, shown)
        produce(script, topic, 0, batch(b"d"))
        ask(script, "slowly, the same again", version, (there, (topic, [0])))
        ask(script, "slowly, and back", version, (here, (topic, [0])))
        wait_for(script, topic, [0])
        script.keep("slowly, and back, what is shown", "AlterReplicaLogDirs", version, replicas(script, topic))
    finally:
        set_rate(script, None)
    ask(script, "without a rate", version, (there, (topic, [0])))
    wait_for(script, topic, [1])
    script.keep("without a rate, what is shown", "AlterReplicaLogDirs", version, replicas(script, topic))
