"""Cases of DescribeProducers and OffsetForLeaderEpoch."""
from harness.record_bytes import TIMESTAMP, batch


def cases(script):
    describe_producers(script)
    offset_for_leader_epoch(script)


def describe_producers(script):
    topic, other = script.create("written", 2), script.create("plain")
    for number, epoch, sequence, values in ((7001, 0, 0, (b"a", b"b")), (7001, 0, 2, (b"c",)), (7000, 3, 5, (b"d",)), (7000, 4, 0, (b"e", b"f"))):
        script.produce(topic, batch(*values, producer=number, epoch=epoch, sequence=sequence, timestamp=TIMESTAMP + number + sequence))
    script.produce(other, batch(b"a"))

    def ask(case, *topics):
        for version in script.versions("DescribeProducers"):
            script.ask(case, "DescribeProducers", version, {"topics": [{"name": name, "partition_indexes": list(indexes)}
                                                                       for name, *indexes in topics]}, show=in_order)

    ask("two producers", (topic, 0))
    ask("no producers", (topic, 1))
    ask("records without a producer", (other, 0))
    ask("two topics", (topic, 1, 0), (other, 0))
    ask("a partition twice", (topic, 0, 0))
    ask("a topic twice", (topic, 0), (topic, 1))
    ask("an unknown partition", (topic, 2), (other, 0))
    ask("a negative partition", (topic, -1))
    ask("an unknown topic", ("nowhere", 0, 1))
    ask("a topic without partitions", (topic,))
    ask("an unknown topic without partitions", ("nowhere",))
    ask("nothing")
    for case, name in (("a blank", "a b"), ("nothing", ""), ("two dots", ".."), ("250 letters", "y" * 250)):
        ask(f"a name that cannot be: {case}", (name, 0))


def in_order(answer):
    """Kafka's order is that of a hash table; numbers that a producer is known by do not sort."""
    for topic in answer["topics"]:
        for partition in topic["partitions"]:
            partition["active_producers"] = [dict(one, producer_id=one["producer_id"] - 7002)
                                             for one in sorted(partition["active_producers"], key=lambda one: one["producer_id"])]
    return answer


def offset_for_leader_epoch(script):
    topic = script.create("led", 2)
    for values in ((b"a", b"b"), (b"c",)):
        script.produce(topic, batch(*values))

    def ask(case, version, *topics, **more):
        script.ask(case, "OffsetForLeaderEpoch", version, {"topics": [{"topic": name, "partitions": [
            {"partition": index, "leader_epoch": epoch, "current_leader_epoch": current} for index, epoch, current in partitions]}
            for name, *partitions in topics], **more})

    for version in script.versions("OffsetForLeaderEpoch"):
        for epoch in (-2, -1, 0, 1, 0x7FFFFFFF):
            ask(f"epoch {epoch}", version, (topic, (0, epoch, -1)))
            ask(f"epoch {epoch} of an empty partition", version, (topic, (1, epoch, -1)))
        for current in (-2, 0, 1):
            ask(f"the leader's epoch is {current}", version, (topic, (0, 0, current)))
        ask("an unknown topic", version, ("nowhere", (0, 0, -1)))
        ask("an unknown partition", version, (topic, (2, 0, -1), (0, 0, -1)))
        ask("a negative partition", version, (topic, (-1, 0, -1)))
        ask("a name that cannot be", version, ("a b", (0, 0, -1)))
        ask("a partition twice", version, (topic, (0, 0, -1), (0, 1, -1)))
        ask("a topic twice", version, (topic, (0, 0, -1)), (topic, (1, 0, -1)))
        ask("a topic without partitions", version, (topic,))
        ask("nothing", version)
        for replica in (-1, 0, 5):
            ask(f"from replica {replica}", version, (topic, (0, 0, -1)), replica_id=replica)
