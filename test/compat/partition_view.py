"""All that a broker can be asked about its partitions, so that two brokers can be compared on the same directory: the bytes of every batch, offsets,
offsets by time, aborted transactions, producers, leader epochs."""
import struct
from concurrent.futures import ThreadPoolExecutor

from harness.checks import Failure, require_equal, wait_until
from harness.record_bytes import summary

READ_BYTES = 1 << 18
TIMES = 12  # looked up in each partition
EARLIEST, LATEST, NEWEST = -2, -1, -3
UNCOMMITTED, COMMITTED = 0, 1


class Viewer:
    def __init__(self, connection):
        self.connection = connection

    def topics(self):
        """Name -> number of partitions, without what the broker keeps for itself."""
        listed = self.connection.ask("Metadata", 5, {"topics": None, "allow_auto_topic_creation": False})["topics"]
        return {topic["name"]: len(topic["partitions"]) for topic in listed if not topic["is_internal"]}

    def wait_for(self, topics):
        """Until every partition is led and listed: Kafka's brokers hear of the two one after the other."""
        def led(topic, partition):
            end = self.offset(topic, partition, LATEST, COMMITTED)
            return end["error_code"] == 0 and self.fetch(topic, partition, end["offset"])["error_code"] == 0
        wait_until(40, "the partitions' leaders", lambda: all(led(topic, partition) for topic, partitions in topics.items()
                                                              for partition in range(partitions)))

    def offset(self, topic, partition, timestamp, isolation=UNCOMMITTED):
        answer = self.connection.ask("ListOffsets", 7, {"replica_id": -1, "isolation_level": isolation, "topics": [
            {"name": topic, "partitions": [{"partition_index": partition, "timestamp": timestamp}]}]})
        return answer["topics"][0]["partitions"][0]

    def fetch(self, topic, partition, offset, limit=READ_BYTES, isolation=UNCOMMITTED, version=11):
        wanted = {"partition": partition, "fetch_offset": offset, "partition_max_bytes": limit}
        request = {"replica_id": -1, "max_wait_ms": 0, "min_bytes": 1, "topics": [{"topic": topic, "partitions": [wanted]}]}
        if version >= 3:
            request["max_bytes"] = limit
        if version >= 4:
            request["isolation_level"] = isolation
        return self.connection.ask("Fetch", version, request)["responses"][0]["partitions"][0]

    def records(self, topic, partition):
        """Every batch from the first to the last, as bytes."""
        offset, end = (self.offset(topic, partition, when)["offset"] for when in (EARLIEST, LATEST))
        found = []
        while offset < end:
            answer = self.fetch(topic, partition, offset)
            require_equal(0, answer["error_code"], f"the error of a fetch of {topic} from {offset}")
            whole = list(batches(answer["records"]))
            if not whole:
                break  # compaction has removed the last records
            found += whole
            offset = last_offset(whole[-1]) + 1
        return found

    def partition(self, topic, partition):
        """One line for each fact."""
        first, end, newest = (self.offset(topic, partition, when) for when in (EARLIEST, LATEST, NEWEST))
        yield ("offsets", first["offset"], end["offset"], self.offset(topic, partition, LATEST, COMMITTED)["offset"])
        yield ("newest", newest["timestamp"], newest["offset"])
        records = self.records(topic, partition)
        for one in summary(b"".join(records)):
            yield ("batch", *one.items())
        for timestamp in some(sorted({stamp + shift for stamp in map(max_timestamp, records) for shift in (-1, 0, 1)})):
            found = self.offset(topic, partition, timestamp)
            yield ("time", timestamp, found["error_code"], found["timestamp"], found["offset"], found["leader_epoch"])
        for offset in some(range(first["offset"], end["offset"] + 1)):
            for limit in (1, 1500, READ_BYTES):
                answer = self.fetch(topic, partition, offset, limit, COMMITTED)
                aborted = sorted((one["producer_id"], one["first_offset"]) for one in answer["aborted_transactions"] or [])
                yield ("committed", offset, limit, answer["error_code"], answer["high_watermark"], answer["last_stable_offset"],
                       answer["log_start_offset"], *(one.get("base_offset") for one in summary(answer["records"])), *aborted)

    def producers(self, topic, partition):
        answer = self.connection.ask("DescribeProducers", 0, {"topics": [{"name": topic, "partition_indexes": [partition]}]})
        for one in answer["topics"][0]["partitions"][0]["active_producers"]:
            yield ("producer", *one.values())

    def epochs(self, topic, partition, last):
        """Where each leader epoch ends."""
        for epoch in range(last + 1):
            answer = self.connection.ask("OffsetForLeaderEpoch", 3, {"replica_id": -1, "topics": [
                {"topic": topic, "partitions": [{"partition": partition, "leader_epoch": epoch}]}]})
            one = answer["topics"][0]["partitions"][0]
            yield ("epoch", epoch, one["error_code"], one["leader_epoch"], one["end_offset"])

    def all(self, topics, last_epoch):
        """{topic-partition: lines}"""
        self.wait_for(topics)
        return {f"{topic}-{partition}": [*self.partition(topic, partition), *sorted(self.producers(topic, partition)),
                                         *self.epochs(topic, partition, last_epoch)]
                for topic, partitions in topics.items() for partition in range(partitions)}


def side_by_side(ask, items):
    """{item: ask(item)}, several at a time: for programs that wait more than they work."""
    with ThreadPoolExecutor(4) as pool:
        return dict(zip(items, pool.map(ask, items)))


def some(items):
    """Some of them, the first and the last among them."""
    items = list(items)
    step = max(1, len(items) // TIMES)
    return sorted({*items[::step], *items[-1:]})


def batches(data):
    position = 0
    while len(data) - position >= 17:
        end = position + 12 + struct.unpack_from(">i", data, position + 8)[0]
        if end > len(data):
            return
        yield data[position:end]
        position = end


def last_offset(one):
    base = struct.unpack_from(">q", one)[0]
    return base + struct.unpack_from(">i", one, 23)[0] if one[16] == 2 else base


def max_timestamp(one):
    """Of a batch; messages of format 0 have none, those of format 1 that hold others have theirs."""
    if one[16] == 0:
        return 0
    return struct.unpack_from(">q", one, 35 if one[16] == 2 else 18)[0]


def require_same(expected, found, whose):
    """Every line of every partition."""
    if set(expected) != set(found):
        raise Failure(f"{whose}: partitions {sorted(found)} instead of {sorted(expected)}")
    for partition, lines in expected.items():
        others = found[partition]
        for number, pair in enumerate(zip(lines, others)):
            if pair[0] != pair[1]:
                raise Failure(f"{whose}: {partition}, line {number}: {pair[1]} instead of {pair[0]}")
        if len(lines) != len(others):
            raise Failure(f"{whose}: {partition} has {len(others)} lines instead of {len(lines)}: {others[len(lines):][:2]}, {lines[len(others):][:2]}")
