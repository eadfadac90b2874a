"""Cases of DeleteRecords, and what Fetch and ListOffsets answer afterwards."""
from harness.record_bytes import batch


def cases(script):
    delete_records(script)
    delete_records_badly(script)
    delete_records_of_compacted_topics(script)
    read_below_the_start(script)


def ask(script, case, version, *topics, timeout=10000):
    return script.ask(case, "DeleteRecords", version, {"timeout_ms": timeout, "topics": [
        {"name": name, "partitions": [{"partition_index": index, "offset": offset} for index, offset in partitions]}
        for name, partitions in topics]})


def filled(script, word, partitions=1, **configs):
    """Three batches, with the offsets 0, 1 to 3, and 4."""
    topic = script.create(word, partitions, **configs)
    for index in range(partitions):
        for records in (batch(b"a"), batch(b"b", b"c", b"d"), batch(b"e")):
            script.produce(topic, records, index)
    return topic


def offset_of(script, topic, timestamp):
    answer = script.main.ask("ListOffsets", 5, {"replica_id": -1, "topics": [
        {"name": topic, "partitions": [{"partition_index": 0, "timestamp": timestamp}]}]})
    found = answer["topics"][0]["partitions"][0]
    return [found["error_code"], found["timestamp"], found["offset"], found["leader_epoch"]]


def delete_records(script):
    for version in script.versions("DeleteRecords"):
        topic = filled(script, "shrinking")
        ask(script, "nothing, at the start", version, (topic, [(0, 0)]))
        ask(script, "within a batch", version, (topic, [(0, 2)]))
        ask(script, "below the start", version, (topic, [(0, 1)]))
        ask(script, "the same again", version, (topic, [(0, 2)]))
        ask(script, "above the high watermark", version, (topic, [(0, 6)]))
        ask(script, "up to the high watermark, by its number", version, (topic, [(0, 5)]))
        ask(script, "up to the high watermark, by -1, of nothing", version, (topic, [(0, -1)]))
        script.produce(topic, batch(b"f"))
        ask(script, "up to the high watermark, by -1", version, (topic, [(0, -1)]))
        for limit in (0, -1):
            other = filled(script, "hasty")
            ask(script, f"time limit {limit}", version, (other, [(0, 3)]), timeout=limit)
        empty = script.create("empty")
        ask(script, "of an empty partition, by -1", version, (empty, [(0, -1)]))
        ask(script, "of an empty partition, 0", version, (empty, [(0, 0)]))
        ask(script, "of an empty partition, 1", version, (empty, [(0, 1)]))
        wide, other = filled(script, "wide", 3), filled(script, "other")
        ask(script, "of several partitions", version, (wide, [(0, 1), (1, 4), (2, 9)]), (other, [(0, 3)]))


def delete_records_badly(script):
    topic = filled(script, "standing", 2)
    for version in script.versions("DeleteRecords"):
        for offset in (-2, -3, -9223372036854775808, 9223372036854775807):
            ask(script, f"offset {offset}", version, (topic, [(0, offset)]))
        ask(script, "an unknown topic", version, (script.name("unknown"), [(0, 0), (1, -1)]))
        ask(script, "an empty name", version, ("", [(0, 0)]))
        ask(script, "an invalid name", version, ("a b", [(0, 0)]))
        ask(script, "an unknown partition", version, (topic, [(2, 0), (-1, 0)]))
        ask(script, "no topic", version)
        ask(script, "no partition", version, (topic, []))
        ask(script, "good and bad ones", version, (topic, [(1, 1), (7, 0), (0, 99)]))
        twice = filled(script, "twice")
        ask(script, "a partition twice", version, (twice, [(0, 3), (0, 1)]))
        again = filled(script, "again")
        ask(script, "a topic twice", version, (again, [(0, 1)]), (again, [(0, 4)]))
        apart = filled(script, "apart", 2)
        ask(script, "a topic twice with a partition each", version, (apart, [(0, 1)]), (apart, [(1, 4)]))


def delete_records_of_compacted_topics(script):
    for version in script.versions("DeleteRecords"):
        for policy in ("compact", "compact,delete"):
            topic = script.create("compacted", cleanup_policy=policy)
            for value in (b"a", b"b"):
                script.produce(topic, batch(value, key=b"k"))
            for offset in (1, -1, -2, 5):
                ask(script, f"cleanup.policy={policy}, offset {offset}", version, (topic, [(0, offset)]))


def read_below_the_start(script):
    topic = filled(script, "deleted")
    for offset in (0, 2, 4, 5):
        script.main.ask("DeleteRecords", 2, {"timeout_ms": 10000, "topics": [
            {"name": topic, "partitions": [{"partition_index": 0, "offset": offset}]}]})
        name = f"after records below {offset} were deleted"
        for word, timestamp in (("the earliest", -2), ("the latest", -1), ("the largest timestamp", -3), ("timestamp 0", 0)):
            if timestamp != -3:
                script.keep(f"{name}, {word}", "DeleteRecords", 2, offset_of(script, topic, timestamp))
        for start in range(7):
            answer = script.main.ask("Fetch", 11, {
                "replica_id": -1, "max_wait_ms": 0, "min_bytes": 0, "max_bytes": 1000000, "isolation_level": 0, "session_id": 0,
                "session_epoch": -1, "topics": [{"topic": topic, "partitions": [
                    {"partition": 0, "current_leader_epoch": -1, "fetch_offset": start, "log_start_offset": -1,
                     "partition_max_bytes": 1000000}]}], "forgotten_topics_data": [], "rack_id": ""})
            found = answer["responses"][0]["partitions"][0]
            script.keep(f"{name}, a fetch from {start}", "DeleteRecords", 2,
                        [found["error_code"], found["high_watermark"], found["log_start_offset"], found["records"]])
