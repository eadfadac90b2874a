"""Cases of Produce."""
import gzip

from compat.answer_script import CLOSED, api_versions_frame, correlation_of
from harness.messages import APIS, encode_request
from harness.record_bytes import batch, message, varint

ONE = batch(b"one")


def cases(script):
    well(script)
    acknowledgements(script)
    unknown_targets(script)
    bad_batches(script)
    topic_limits(script)
    old_formats(script)
    compressed(script)
    sequences(script)
    transactions(script)


def request(topic, records, acks=-1, partition=0, transactional_id=None):
    return {"transactional_id": transactional_id, "acks": acks, "timeout_ms": 5000,
            "topic_data": [{"name": topic, "partition_data": [{"index": partition, "records": records}]}]}


def ask(script, case, version, topic, records, **more):
    return script.ask(case, "Produce", version, request(topic, records, **more))


def well(script):
    for version in script.versions("Produce"):
        topic = script.create("good", 2)
        ask(script, "the first record", version, topic, ONE)
        ask(script, "three records more", version, topic, batch(b"a", b"b", b"c"))
        ask(script, "a batch that does not begin at offset 0", version, topic, batch(b"a", b"b", base_offset=77))
        ask(script, "no value, a key", version, topic, batch(None, key=b"key"))
        both = [{"index": 0, "records": ONE}, {"index": 1, "records": ONE}]
        script.ask("two partitions", "Produce", version, {"acks": 1, "timeout_ms": 5000, "topic_data": [{"name": topic, "partition_data": both}]})
        script.ask("nothing", "Produce", version, {"acks": 1, "timeout_ms": 5000, "topic_data": []})
        script.ask("a topic without partitions", "Produce", version, {"acks": 1, "timeout_ms": 5000, "topic_data": [
            {"name": topic, "partition_data": []}]})
        stamped = script.create("stamped", message_timestamp_type="LogAppendTime")
        ask(script, "the broker sets the timestamp", version, stamped, ONE)


def acknowledgements(script):
    topic = script.create("good")
    lonely = script.create("lonely", min_insync_replicas=2)
    for version in script.versions("Produce"):
        for acks in (1, -1):
            script.ask(f"acks={acks}", "Produce", version, request(topic, ONE, acks=acks), show=without_offsets)
            script.ask(f"acks={acks} with too few replicas in sync", "Produce", version, request(lonely, ONE, acks=acks), show=without_offsets)
        for acks in (2, -2, 0x7FFF):
            ask(script, f"acks={acks}", version, topic, ONE, acks=acks)
            ask(script, f"acks={acks} for an unknown topic", version, "nowhere", ONE, acks=acks)
        for case, target, records in (("acks=0", topic, ONE), ("acks=0 for an unknown topic", "nowhere", ONE),
                                      ("acks=0, corrupt", topic, batch(b"one", crc_error=1))):
            script.keep(case, "Produce", version, unanswered(script.main, version, request(target, records, acks=0)))


def without_offsets(answer):
    for topic in answer["responses"]:
        for partition in topic["partition_responses"]:
            partition["base_offset"] = min(partition["base_offset"], 0)
    return answer


def unanswered(connection, version, values):
    """Whether the next request on the connection is the first that is answered."""
    connection.send(encode_request(APIS["Produce"], version, 1001, values))
    try:
        connection.send(api_versions_frame(1002))
        frame = connection.receive()
    except ConnectionError:
        connection.close()
        frame = None
    return CLOSED if frame is None else f"the next answer is to request {correlation_of(frame)}"


def unknown_targets(script):
    topic = script.create("good", 2)
    for version in script.versions("Produce"):
        ask(script, "an unknown topic", version, "nowhere", ONE)
        ask(script, "an invalid topic name", version, "a b", ONE)
        ask(script, "an unknown partition", version, topic, ONE, partition=2)
        ask(script, "a negative partition", version, topic, ONE, partition=-1)
        mixed = [{"name": "nowhere", "partition_data": [{"index": 0, "records": ONE}]},
                 {"name": script.create("mixed"), "partition_data": [{"index": 0, "records": ONE}, {"index": 5, "records": ONE}]}]
        script.ask("known and unknown", "Produce", version, {"acks": -1, "timeout_ms": 5000, "topic_data": mixed})


def bad_batches(script):
    for version in script.versions("Produce"):
        topic = script.create("good")
        if version in (0, 11):  # Kafka does not answer, which takes its time
            ask(script, "null instead of records", version, topic, None)
        for case, records in {
            "no bytes": b"",
            "half a header": ONE[:30],
            "a cut batch": ONE[:-1],
            "a wrong checksum": batch(b"one", crc_error=1),
            "two batches": ONE + batch(b"two"),
            "a batch and half of another": ONE + batch(b"two")[:40],
            "magic 3": batch(b"one", magic=3),
            "a negative count": batch(b"one", count=-1),
            "a count above the records": batch(b"one", count=2),
            "a count below the records": batch(b"one", b"two", count=1),
            "no record": batch(count=0),
            "a last offset below the records": batch(b"one", b"two", last_offset_delta=0),
            "offsets that are not consecutive": batch(b"one", b"two", offset_step=2, last_offset_delta=2),
            "a control batch": batch(b"\0\0\0\0\0\0", key=b"\0\0\0\1", attributes=0x20),
            "a record longer than the batch": batch(count=1, last_offset_delta=0, payload=varint(100) + b"\0\0\0"),
            "bytes after the records": batch(count=1, last_offset_delta=0, payload=b"\x0e\0\0\0\x01\x02a\0more"),
            "codec 5": batch(b"one", attributes=5),
            "delete horizon": batch(b"one", attributes=0x40),
            "unused attribute bits": batch(b"one", attributes=0x80),
            "gzip that is none": batch(count=1, last_offset_delta=0, payload=b"no gzip", attributes=1),
        }.items():
            ask(script, case, version, topic, records)


def topic_limits(script):
    small, compacted = script.create("small", max_message_bytes=100), script.create("compacted", cleanup_policy="compact")
    segment = script.create("segment", segment_bytes=200)
    past = script.create("past", message_timestamp_before_max_ms=1000)
    future = script.create("future", message_timestamp_after_max_ms=1000)
    stamped = script.create("stamped", message_timestamp_type="LogAppendTime", message_timestamp_before_max_ms=1000)
    for version in script.versions("Produce"):
        ask(script, "larger than max.message.bytes", version, small, batch(b"x" * 100))
        ask(script, "larger than segment.bytes", version, segment, batch(b"x" * 300))
        ask(script, "compacted: no key", version, compacted, batch(b"a", b"b"))
        ask(script, "older than message.timestamp.before.max.ms", version, past, batch(b"a", b"b"))
        ask(script, "younger than message.timestamp.after.max.ms", version, future, batch(b"a", b"b", timestamp=9_000_000_000_000))
        ask(script, "a negative timestamp", version, small, batch(b"a", timestamp=-7))
        script.ask("an old timestamp that the broker replaces", "Produce", version, request(stamped, ONE), show=without_offsets)


def old_formats(script):
    for version in script.versions("Produce"):
        topic = script.create("good")
        for magic in (0, 1):
            ask(script, f"magic {magic}", version, topic, message(b"old", magic))
            ask(script, f"magic {magic}, two messages", version, topic, message(b"old", magic) + message(b"older", magic, offset=1))
            ask(script, f"magic {magic}, a wrong checksum", version, topic, message(b"old", magic, crc_error=1))
    for version in script.versions("Produce", 0, 2):
        old_sets(script, version)
        old_sets_of_topics(script, version)


def wrapped(inner, magic, codec=1, **more):
    return message(None if inner is None else gzip.compress(inner, mtime=0), magic, attributes=codec, **more)


def old_sets(script, version):
    topic = script.create("good")
    for magic in (0, 1):
        one, two = message(b"old", magic), message(b"older", magic, offset=1)
        for case, records in {
            "and another magic": one + message(b"new", 1 - magic),
            "and a batch": one + batch(b"new"),
            "cut behind the first": one + two[:-1],
            "cut": one[:-1],
            "no sensible size": one[:8] + b"\0\0\0\x0d" + one[12:],
            "gzip": wrapped(one + two, magic, offset=1),
            "gzip, offset 0": wrapped(one + two, magic),
            "gzip, offsets of somewhere": wrapped(message(b"old", magic, offset=70) + message(b"older", magic, offset=71), magic, offset=71),
            "gzip, an offset below those inside": wrapped(message(b"old", magic, offset=70), magic, offset=69),
            "gzip, twice": wrapped(one, magic) + wrapped(one, magic),
            "gzip behind a plain one": one + wrapped(one, magic),
            "gzip, cut inside": wrapped(one + two[:-1], magic),
            "gzip, a wrong checksum inside": wrapped(one + message(b"older", magic, offset=1, crc_error=1), magic, offset=1),
            "gzip, another magic inside": wrapped(message(b"old", 1 - magic), magic),
            "gzip within gzip": wrapped(wrapped(one, magic), magic),
            "gzip of nothing": wrapped(b"", magic),
            "gzip of null": wrapped(None, magic),
            "zstd": message(ZSTD, magic, attributes=4),
        }.items():
            ask(script, f"magic {magic}: {case}", version, topic, records)


def old_sets_of_topics(script, version):
    small, compacted = script.create("small", max_message_bytes=100), script.create("compacted", cleanup_policy="compact")
    stamped, past = script.create("stamped", message_timestamp_type="LogAppendTime"), script.create("past", message_timestamp_before_max_ms=1000)
    recoded, plain = script.create("recoded", compression_type="gzip"), script.create("plain", compression_type="uncompressed")
    for magic in (0, 1):
        one = message(b"old", magic)
        for case, topic, records in (
                ("larger than max.message.bytes", small, message(b"x" * 100, magic)),
                ("larger than max.message.bytes together", small, message(b"x" * 20, magic) * 3),
                ("compacted: no key", compacted, one),
                ("gzip, compacted: no key", compacted, wrapped(one, magic)),
                ("compacted: a key", compacted, message(b"old", magic, key=b"key")),
                ("the broker sets the timestamp", stamped, one),
                ("older than message.timestamp.before.max.ms", past, one),
                ("gzip, older than message.timestamp.before.max.ms", past, wrapped(one, magic)),
                ("time of the log, from the producer", small, message(b"old", magic, attributes=8)),
                ("time of the log, from the producer, to a log of its own time", stamped, message(b"old", magic, attributes=8)),
                ("two for a topic of gzip", recoded, one + one),
                ("gzip for a topic without", plain, wrapped(one + one, magic)),
                ("no time", small, message(b"old", magic, timestamp=-1))):
            ask(script, f"magic {magic}: {case}", version, topic, records)


def gzipped(*values):
    plain = batch(*values)[61:]
    return batch(count=len(values), last_offset_delta=len(values) - 1, payload=gzip.compress(plain, mtime=0), attributes=1)


# One record "x" of 8 bytes, in a frame of zstd that holds it as it is.
ZSTD = bytes.fromhex("28b52ffd2008410000") + bytes.fromhex("0e00000001027800")


def compressed(script):
    for version in script.versions("Produce"):
        topic = script.create("good")
        ask(script, "gzip", version, topic, gzipped(b"one", b"two"))
        ask(script, "zstd", version, topic, batch(count=1, last_offset_delta=0, payload=ZSTD, attributes=4))
        compacted = script.create("compacted", cleanup_policy="compact")
        ask(script, "gzip, compacted: no key", version, compacted, gzipped(b"one", b"two"))


def sequences(script):
    for version in script.versions("Produce"):
        topic = script.create("good")

        def send(case, *values, sequence, producer=4711, epoch=0):
            ask(script, f"sequences: {case}", version, topic, batch(*values, producer=producer, epoch=epoch, sequence=sequence))  # noqa: B023

        send("the first", b"a", b"b", sequence=0)
        send("the first again", b"a", b"b", sequence=0)
        send("the next", b"c", sequence=2)
        send("the first a third time", b"a", b"b", sequence=0)
        send("a gap", b"d", sequence=9)
        send("half of the first", b"a", sequence=0)
        send("a higher epoch", b"e", sequence=0, epoch=1)
        send("the old epoch", b"f", sequence=3, epoch=0)
        send("a higher epoch that does not begin at 0", b"g", sequence=5, epoch=2)
        send("an unknown producer that does not begin at 0", b"h", sequence=5, producer=4712)
        send("a producer id without a sequence", b"i", sequence=-1, producer=4713)
        send("a producer id without an epoch", b"j", sequence=0, epoch=-1, producer=4714)
        for number in range(3, 8):
            script.produce(topic, batch(b"z", producer=4715, epoch=0, sequence=number - 3))
        script.produce(topic, batch(b"z", producer=4715, epoch=0, sequence=5))
        send("older than the last five", b"z", sequence=0, producer=4715)


TRANSACTIONAL = 0x10


def transactions(script):
    topic = script.create("good")
    in_transaction = batch(b"a", producer=4716, epoch=0, sequence=0, attributes=TRANSACTIONAL)
    for version in script.versions("Produce", 3):
        ask(script, "a transactional batch without a transactional id", version, topic, in_transaction)
        ask(script, "a transactional batch of a transaction that nobody began", version, topic, in_transaction, transactional_id="some")
        script.ask("a transactional id and a batch that is not transactional", "Produce", version,
                   request(topic, ONE, transactional_id="some"), show=without_offsets)
