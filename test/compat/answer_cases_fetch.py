"""Cases of Fetch and ListOffsets."""
import gzip

from harness.messages import ZERO_ID
from harness.record_bytes import TIMESTAMP, ZSTD_ONE, batch, legacy_messages

NOBODY = "11111111-2222-3333-4444-555555555555"
BATCH = 560  # bytes of a batch with one record of 490


def cases(script):
    fetch(script)
    fetch_limits(script)
    fetch_unknown(script)
    fetch_epochs(script)
    fetch_sessions(script)
    fetch_within_sessions(script)
    fetch_old_formats(script)
    list_offsets(script)
    list_offsets_of_old_segments(script)
    list_offsets_behind_a_high_timestamp(script)


class Target:
    """A topic of three partitions: 0 and 1 with three batches of two, one and three records, 2 empty."""

    def __init__(self, script, word="read"):
        self.script, self.name = script, script.create(word, 3)
        for partition in (0, 1):
            for values in ((b"a", b"b"), (b"c",), (b"d", b"e", b"f")):
                script.produce(self.name, batch(*values), partition)
        self.id = script.id_of(self.name)

    def topic(self, *partitions):
        """Of partitions as (index, offset) or dictionaries."""
        return {"topic": self.name, "topic_id": self.id, "partitions": [
            partition if isinstance(partition, dict) else wanted(*partition) for partition in partitions]}


def wanted(index, offset, limit=1 << 20, **more):
    return {"partition": index, "fetch_offset": offset, "partition_max_bytes": limit, **more}


def ask(script, case, version, *topics, show=None, **more):
    values = {"max_wait_ms": 0, "min_bytes": 1, "max_bytes": 1 << 20, "topics": list(topics), **more}
    return script.ask(case, "Fetch", version, values, show=show)


def fetch(script):
    target = Target(script)
    for version in script.versions("Fetch"):
        for case, offset in (("from the start", 0), ("inside a batch", 1), ("the second batch", 2), ("the last record", 5), ("the end", 6),
                             ("beyond the end", 7), ("far beyond", 1 << 40), ("a negative offset", -1)):
            ask(script, case, version, target.topic((0, offset)))
        ask(script, "an empty partition", version, target.topic((2, 0)))
        ask(script, "an empty partition, beyond", version, target.topic((2, 1)))
        ask(script, "three partitions", version, target.topic((0, 0), (1, 3), (2, 0)))
        ask(script, "in another order", version, target.topic((2, 0), (1, 3), (0, 0)))
        ask(script, "nothing", version)
        ask(script, "a topic without partitions", version, target.topic())
        ask(script, "good and out of range", version, target.topic((0, 0), (1, 9)))
        ask(script, "more is wanted than there is", version, target.topic((0, 0)), min_bytes=1 << 20, max_wait_ms=30)
        ask(script, "records are waited for in vain", version, target.topic((2, 0)), max_wait_ms=30)
        ask(script, "out of range is not waited for", version, target.topic((2, 9)), max_wait_ms=15000)
        ask(script, "nothing wanted, nothing waited for", version, target.topic((2, 0)), max_wait_ms=15000, min_bytes=0)
        ask(script, "nothing named, nothing waited for", version, max_wait_ms=15000)
        ask(script, "committed records only", version, target.topic((0, 0)), isolation_level=1)
        ask(script, "a partition twice", version, target.topic((0, 0), (0, 2)))
        ask(script, "from a rack", version, target.topic((0, 0)), rack_id="a rack")
        ask(script, "an old start of the log", version, target.topic(wanted(0, 0, log_start_offset=3)))


def fetch_limits(script):
    topic = script.create("large", 3)
    for partition in range(3):
        for _ in range(3):
            script.produce(topic, batch(b"x" * 490), partition)
    found = script.id_of(topic)
    for version in script.versions("Fetch"):
        def limited(case, *partitions, **more):
            ask(script, f"limits: {case}", version, {"topic": topic, "topic_id": found, "partitions": partitions}, **more)  # noqa: B023

        limited("max_bytes 0", wanted(0, 0), max_bytes=0)
        limited("max_bytes -1", wanted(0, 0), max_bytes=-1)
        limited("partition_max_bytes 0", wanted(0, 0, 0))
        limited("partition_max_bytes -1", wanted(0, 0, -1))
        limited("partition_max_bytes below one batch", wanted(0, 0, 100))
        limited("partition_max_bytes below two batches", wanted(0, 0, BATCH + 100))
        limited("partition_max_bytes of two batches", wanted(0, 0, 2 * BATCH))
        limited("two partitions below one batch", wanted(0, 0, 100), wanted(1, 0, 100))
        limited("two partitions, the second below one batch", wanted(0, 0, BATCH), wanted(1, 0, 100))
        limited("two partitions, the first at its end", wanted(0, 3, 100), wanted(1, 0, 100))
        limited("three partitions, the first out of range", wanted(0, 9, 100), wanted(1, 0, 100), wanted(2, 0, 100))
        limited("max_bytes below one batch for three", *(wanted(index, 0) for index in range(3)), max_bytes=100)
        limited("max_bytes of one batch for three", *(wanted(index, 0, BATCH) for index in range(3)), max_bytes=BATCH)
        limited("max_bytes of two batches for three", *(wanted(index, 0, BATCH) for index in range(3)), max_bytes=2 * BATCH)
        limited("max_bytes of two and a half for three", *(wanted(index, 0, BATCH) for index in range(3)), max_bytes=2 * BATCH + 300)
        limited("max_bytes of four batches for three", *(wanted(index, 0) for index in range(3)), max_bytes=4 * BATCH)
        limited("min_bytes met by a batch above max_bytes", wanted(0, 0, 100), max_bytes=100, min_bytes=100, max_wait_ms=15000)


def fetch_unknown(script):
    target = Target(script)
    for version in script.versions("Fetch"):
        unknown = {"topic": "nowhere", "topic_id": NOBODY, "partitions": [wanted(0, 0)]}
        ask(script, "an unknown topic", version, unknown)
        ask(script, "an unknown partition", version, target.topic((3, 0)))
        ask(script, "a negative partition", version, target.topic((-1, 0)))
        ask(script, "known and unknown topics", version, target.topic((0, 0)), unknown)
        ask(script, "known and unknown partitions", version, target.topic((0, 0), (7, 0)))
        ask(script, "an unknown topic is not waited for", version, unknown, max_wait_ms=15000)
    for version in script.versions("Fetch", 13):
        ask(script, "no topic id", version, {"topic_id": ZERO_ID, "partitions": [wanted(0, 0)]})


def fetch_epochs(script):
    target = Target(script)
    for version in script.versions("Fetch", 9):
        for epoch in (-1, 0, 1):
            ask(script, f"leader epoch {epoch}", version, target.topic(wanted(0, 0, current_leader_epoch=epoch)))
    for version in script.versions("Fetch", 12):
        for case, offset, epoch in (("agrees", 3, 0), ("agrees at the end", 6, 0), ("beyond the end", 9, 0), ("an unknown epoch", 3, 5)):
            ask(script, f"last fetched epoch: {case}", version, target.topic(wanted(0, offset, last_fetched_epoch=epoch, current_leader_epoch=0)))


def fetch_sessions(script):
    target = Target(script)
    for version in script.versions("Fetch", 7):
        for case, session, epoch in (("none wanted", 0, -1), ("a new one", 0, 0), ("none, yet its second fetch", 0, 1), ("an unknown one", 7, 1),
                                     ("an unknown one begins", 7, 0), ("an unknown one ends", 7, -1)):
            ask(script, f"session: {case}", version, target.topic((0, 0)), session_id=session, session_epoch=epoch)
        forgotten = {"topic": target.name, "topic_id": target.id, "partitions": [1]}
        ask(script, "session: a partition is forgotten", version, target.topic((0, 0)), session_epoch=0, forgotten_topics_data=[forgotten])


class Session:
    """A client of the broker that keeps sessions, with a session of its own."""

    def __init__(self, script, version):
        self.script, self.version, self.id, self.epoch = script, version, 0, 0
        self.topics = {}

    def topic(self, word):
        name = self.script.create(word, 3, on=self.script.strict)
        self.topics[name] = self.script.id_of(name, on=self.script.strict)
        return name

    def produce(self, topic, partition, *values):
        data = [{"name": topic, "partition_data": [{"index": partition, "records": batch(*values)}]}]
        answer = self.script.strict.ask("Produce", 8, {"acks": -1, "timeout_ms": 10000, "topic_data": data})
        assert answer["responses"][0]["partition_responses"][0]["error_code"] == 0, answer

    def named(self, topic, *partitions):
        return {"topic": topic, "topic_id": self.topics.get(topic, NOBODY), "partitions": list(partitions)}

    def ask(self, case, *topics, forgotten=(), version=None, show=None, **more):
        values = {"max_wait_ms": 0, "min_bytes": 1, "max_bytes": 1 << 20, "session_id": self.id, "session_epoch": self.epoch,
                  "topics": list(topics), "forgotten_topics_data": list(forgotten), **more}
        answer = self.script.ask(f"within a session: {case}", "Fetch", self.version if version is None else version, values,
                                 on=self.script.strict, show=show)
        if answer["error_code"] == 0:
            self.id, self.epoch = answer["session_id"], self.epoch + 1
        return answer


def fetch_within_sessions(script):
    for version in script.versions("Fetch", 7):
        session = Session(script, version)
        topic, other = session.topic("kept"), session.topic("other")
        session.produce(topic, 0, b"a", b"b")
        session.ask("the first fetch", session.named(topic, wanted(0, 0), wanted(1, 0)), session.named(other, wanted(2, 0)))
        session.ask("records again, as the offset is the old one")
        session.ask("at the end, nothing new", session.named(topic, wanted(0, 2)))
        session.produce(other, 2, b"c")
        session.ask("records of another partition")
        session.ask("two more partitions", session.named(topic, wanted(2, 0)), session.named(other, wanted(2, 1), wanted(0, 0)))
        session.ask("an offset out of range", session.named(topic, wanted(1, 99)))
        session.ask("the offset is still out of range")
        session.ask("in range again", session.named(topic, wanted(1, 0)))
        session.ask("nothing new is waited for", max_wait_ms=30)
        session.ask("an unknown topic", {"topic": "nowhere", "topic_id": NOBODY, "partitions": [wanted(0, 0)]})
        session.ask("it is still unknown, and not waited for by itself", max_wait_ms=30)
        session.ask("an unknown partition", session.named(topic, wanted(7, 0)))
        session.ask("forgotten", forgotten=[{"topic": "nowhere", "topic_id": NOBODY, "partitions": [0]}, session.named(topic, 7, 8)])
        session.produce(topic, 0, b"d")
        session.produce(topic, 1, b"e")
        session.ask("less than all of it", max_bytes=1)
        session.ask("less than all of it, again", max_bytes=1)
        session.epoch += 1
        session.ask("an epoch too high")
        session.epoch -= 2
        session.ask("an epoch too low")
        session.epoch += 1
        session.ask("the right epoch")
        other_way = 13 if version < 13 else 12
        session.ask(f"topics by {'ids' if version < 13 else 'names'}, from version {version} on", version=other_way, show=error_only)
        session.ask("all is forgotten", forgotten=[session.named(topic, 0, 1, 2), session.named(other, 0, 2)])
        session.id = session.id or 1
        session.ask("after its end")
        session.id, session.epoch = 0, 0
        session.ask("a session of nothing")


def error_only(answer):
    return {"error_code": answer["error_code"], "session_id": answer["session_id"], "responses": len(answer["responses"])}


def fetch_old_formats(script):
    def gzipped(*values):
        plain = batch(*values)[61:]
        return batch(count=len(values), last_offset_delta=len(values) - 1, payload=gzip.compress(plain, mtime=0), attributes=1)

    zstd = batch(count=1, last_offset_delta=0, payload=ZSTD_ONE, attributes=4)
    packed, plain_then_zstd = script.create("packed"), script.create("mixed")
    as_it_is = script.create("unconverted", message_downconversion_enable="false")
    of_zstd = script.create("zstd", compression_type="zstd")
    stamped = script.create("stamped", message_timestamp_type="LogAppendTime", compression_type="uncompressed")
    for topic, batches in ((packed, (gzipped(b"a", b"b", b"c"), gzipped(b"d"))), (plain_then_zstd, (batch(b"a"), zstd, batch(b"b"))),
                           (as_it_is, (batch(b"a"),)), (of_zstd, (batch(b"a"),)), (stamped, (gzipped(b"a", b"b"),))):
        for one in batches:
            script.produce(topic, one)
    for version in script.versions("Fetch"):
        def read(case, topic, offset, show=None):
            found = {"topic": topic, "topic_id": script.id_of(topic), "partitions": [wanted(0, offset)]}
            ask(script, f"old formats: {case}", version, found, show=show)  # noqa: B023

        for topic, case in ((as_it_is, "down-conversion switched off"), (of_zstd, "compression.type=zstd")):
            read(f"{case}, from the start", topic, 0, show=without_records)
            read(f"{case}, the end", topic, 1)
            read(f"{case}, out of range", topic, 2)
        read("a batch of zstd", plain_then_zstd, 1)
        read("a batch of zstd behind another", plain_then_zstd, 0)
    for version in script.versions("Fetch", 0, 3):
        for topic, case, offsets in ((packed, "gzip", (0, 1, 3)), (stamped, "the time of the log", (0, 1))):
            for offset in offsets:
                found = {"topic": topic, "topic_id": NOBODY, "partitions": [wanted(0, offset)]}
                ask(script, f"old formats: {case}, from {offset}", version, found, show=messages_only)


def without_records(answer):
    for topic in answer["responses"]:
        for partition in topic["partitions"]:
            partition["records"] = partition["records"] and "some"
    return answer


def messages_only(answer):
    """What the messages hold, whatever the compressor made of it."""
    for topic in answer["responses"]:
        for partition in topic["partitions"]:
            partition["records"] = legacy_messages(partition["records"] or b"")
    return answer


def list_offsets(script):
    target = Target(script)
    gap = script.create("gap")
    for number in (0, 10, 5, 20):
        script.produce(gap, batch(b"x", timestamp=TIMESTAMP + number))

    def lookup(case, version, topic, *partitions, **more):
        values = {"replica_id": -1, "topics": [{"name": topic, "partitions": list(partitions)}], **more}
        script.ask(case, "ListOffsets", version, values)

    for version in script.versions("ListOffsets"):
        for timestamp in (-1, -2, -3, -4, -5, -6, -7):
            lookup(f"timestamp {timestamp}", version, target.name, at(0, timestamp))
            lookup(f"timestamp {timestamp} of an empty partition", version, target.name, at(2, timestamp))
        for timestamp in (0, TIMESTAMP, TIMESTAMP + 1, TIMESTAMP + 2, TIMESTAMP + 3, 1 << 62):
            lookup(f"by timestamp {timestamp}", version, target.name, at(0, timestamp))
        for number in (0, 1, 6, 10, 11, 20, 21):
            lookup(f"timestamps in disorder: {number}", version, gap, at(0, TIMESTAMP + number))
        lookup("timestamps in disorder: the highest", version, gap, at(0, -3))
        lookup("an unknown topic", version, "nowhere", at(0, -1))
        lookup("an unknown partition", version, target.name, at(3, -1))
        lookup("a partition twice", version, target.name, at(0, -1), at(0, -2))
        lookup("all partitions", version, target.name, at(0, -1), at(1, -2), at(2, -1))
        lookup("known and unknown", version, target.name, at(0, -1), at(9, -1))
        lookup("no partition", version, target.name)
        lookup("as a debugging replica", version, target.name, at(0, -1), replica_id=-2)
        script.ask("nothing", "ListOffsets", version, {"replica_id": -1, "topics": []})
    for version in script.versions("ListOffsets", 2):
        for timestamp in (-1, -2, TIMESTAMP + 1):
            lookup(f"committed only, timestamp {timestamp}", version, target.name, at(0, timestamp), isolation_level=1)
    for version in script.versions("ListOffsets", 4):
        for epoch in (-1, 0, 1):
            for timestamp in (-1, -2, TIMESTAMP):
                lookup(f"leader epoch {epoch}, timestamp {timestamp}", version, target.name, at(0, timestamp, current_leader_epoch=epoch))


def at(index, timestamp, **more):
    return {"partition_index": index, "timestamp": timestamp, **more}


def list_offsets_of_old_segments(script):
    topic = script.create("segments", segment_bytes=1200)
    for _ in range(7):
        script.produce(topic, batch(b"x" * 490))
    for count in (-1, 0, 1, 2, 3, 100):
        for timestamp in (-1, -2):
            values = {"replica_id": -1, "topics": [{"name": topic, "partitions": [at(0, timestamp, max_num_offsets=count)]}]}
            script.ask(f"{count} offsets of segments, timestamp {timestamp}", "ListOffsets", 0, values)
    for version in script.versions("ListOffsets", 1):
        for timestamp in (-1, -2, -4):
            values = {"replica_id": -1, "topics": [{"name": topic, "partitions": [at(0, timestamp)]}]}
            script.ask(f"several segments, timestamp {timestamp}", "ListOffsets", version, values)


def list_offsets_behind_a_high_timestamp(script):
    """Only the first segment that has had so high a timestamp is searched, though the record with it is deleted."""
    topic = script.create("descending", segment_bytes=1200)
    for number in (1000, 0, 500, 600, 1100):
        script.produce(topic, batch(b"x" * 490, timestamp=TIMESTAMP + number))
    script.main.ask("DeleteRecords", 1, {"timeout_ms": 10000, "topics": [{"name": topic, "partitions": [{"partition_index": 0, "offset": 1}]}]})
    for version in script.versions("ListOffsets", 1):
        for number in (0, 1, 400, 500, 1000, 1001, 1100, 1101):
            values = {"replica_id": -1, "topics": [{"name": topic, "partitions": [at(0, TIMESTAMP + number)]}]}
            script.ask(f"behind a high timestamp: {number}", "ListOffsets", version, values)
