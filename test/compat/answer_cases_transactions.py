"""Cases of transactions: their coordinator's APIs, and Produce within them. Behind those of the internal topics, which they make."""
from harness.checks import require_equal, wait_until
from harness.record_bytes import batch

TRANSACTIONAL = 0x10  # a batch's attribute
GROUP_COORDINATOR, TRANSACTION_COORDINATOR = 0, 1
COMING_SOON = (14, 15, 16)  # COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR
CONCURRENT_TRANSACTIONS = 51


def cases(script):
    for key_type in (GROUP_COORDINATOR, TRANSACTION_COORDINATOR):
        wait_until(60, "the coordinator", lambda wanted=key_type: script.main.ask("FindCoordinator", 3, {"key": "any", "key_type": wanted})[
            "error_code"] == 0)
    init_producer_id(script)
    add_partitions(script)
    add_partitions_in_batches(script)
    add_offsets(script)
    commit_offsets(script)
    end(script)
    produce(script)
    markers(script)
    describe(script)
    list_them(script)


class Producer:
    """A transactional producer, by requests whose answers no case is about."""

    def __init__(self, script, word="producer"):
        self.connection, self.id = script.main, script.name(word)
        self.init()

    def _settled(self, api, version, values, error_of=lambda answer: answer["error_code"]):
        answers = []

        def come_again():
            answers.append(self.connection.ask(api, version, values))
            return error_of(answers[-1]) not in (*COMING_SOON, CONCURRENT_TRANSACTIONS)
        wait_until(60, api, come_again)
        assert error_of(answers[-1]) == 0, (api, answers[-1])
        return answers[-1]

    def init(self):
        answer = self._settled("InitProducerId", 4, {"transactional_id": self.id, "transaction_timeout_ms": 60000, "producer_id": -1,
                                                     "producer_epoch": -1})
        self.producer, self.epoch = answer["producer_id"], answer["producer_epoch"]

    def add(self, *topics):
        self._settled("AddPartitionsToTxn", 3, self.old_adding(*topics), lambda answer: max(
            partition["partition_error_code"] for topic in answer["results_by_topic_v3_and_below"] for partition in topic["results_by_partition"]))
        return self

    def end(self, commit=True):
        self._settled("EndTxn", 3, self.ending(commit))
        wait_until(30, "the transaction's end", lambda: self.described()["transaction_state"].startswith("Complete"))
        return self

    def described(self):
        return self.connection.ask("DescribeTransactions", 0, {"transactional_ids": [self.id]})["transaction_states"][0]

    def known(self, **other):
        return {"transactional_id": self.id, "producer_id": self.producer, "producer_epoch": self.epoch, **other}

    def ending(self, commit=True, **other):
        return self.known(committed=commit, **other)

    def old_adding(self, *topics, **other):
        values = {"topics": topics_of(topics), **self.known(**other)}
        return {f"v3_and_below_{name}": value for name, value in values.items()}

    def adding(self, *topics, verify=False, **other):
        return {**self.known(**other), "verify_only": verify, "topics": topics_of(topics)}

    def batch(self, *values, sequence=0, **more):
        return batch(*values, producer=self.producer, epoch=more.pop("epoch", self.epoch), sequence=sequence, attributes=TRANSACTIONAL, **more)


def topics_of(topics):
    return [{"name": name, "partitions": list(partitions)} for name, *partitions in topics]


def strangers(producer):
    """Who is none of the producer's, and why."""
    return (("an unknown transactional id", {"transactional_id": "nobody"}), ("no transactional id", {"transactional_id": ""}),
            ("another producer id", {"producer_id": producer.producer + 100000}), ("a negative producer id", {"producer_id": -1}),
            ("an older epoch", {"producer_epoch": producer.epoch - 1}), ("a newer epoch", {"producer_epoch": producer.epoch + 1}))


def init_producer_id(script):
    def ask(case, version, transactional_id, timeout_ms=60000, producer=-1, epoch=-1):
        return script.ask(f"transactional: {case}", "InitProducerId", version, {
            "transactional_id": transactional_id, "transaction_timeout_ms": timeout_ms, "producer_id": producer, "producer_epoch": epoch})

    topic = script.create("written")
    for version in script.versions("InitProducerId"):
        Producer(script)  # from here on the coordinator has loaded
        name = script.name("t")
        first = ask("the first time", version, name)
        again = ask("again", version, name)
        assert first["producer_id"] == again["producer_id"]
        ask("an empty id", version, "")
        for timeout_ms in (0, -1, 900_001, 0x7FFFFFFF):
            ask(f"a timeout of {timeout_ms}", version, script.name("t"), timeout_ms)
        ask("the longest timeout", version, script.name("t"), 900_000)
        working = Producer(script).add((topic, 0))
        ask("with an open transaction", version, working.id)
        if version >= 3:
            with_what_is_known(script, version, ask)


def with_what_is_known(script, version, ask):
    known = Producer(script)
    ask("with what it has", version, known.id, producer=known.producer, epoch=known.epoch)
    ask("with what it had", version, known.id, producer=known.producer, epoch=known.epoch)
    known.init()
    ask("with an older epoch", version, known.id, producer=known.producer, epoch=0)
    ask("with a newer epoch", version, known.id, producer=known.producer, epoch=known.epoch + 1)
    ask("with another producer id", version, known.id, producer=known.producer + 100000, epoch=0)
    ask("with an id alone", version, known.id, producer=known.producer)
    ask("with an epoch alone", version, known.id, epoch=known.epoch)
    ask("with what nobody has", version, script.name("t"), producer=77, epoch=5)


def add_partitions(script):
    topic, other = script.create("first", 3), script.create("second")
    for version in script.versions("AddPartitionsToTxn", 0, 3):
        producer = Producer(script)

        def ask(case, *topics, **who):
            script.ask(case, "AddPartitionsToTxn", version, producer.old_adding(*topics, **who))  # pylint: disable=cell-var-from-loop

        ask("the first partition", (topic, 0))
        ask("the same partition again", (topic, 0))
        ask("of two topics", (topic, 1, 2), (other, 0))
        ask("a topic without partitions", (topic,))
        ask("no topic")
        ask("an unknown topic beside a known one", (topic, 0), ("nowhere", 0, 1))
        ask("an unknown partition beside a known one", (topic, 0, 7))
        ask("a negative partition", (topic, -1))
        ask("an empty topic", ("", 0))
        ask("a partition of the coordinators", ("__transaction_state", 0))
        for case, who in strangers(producer):
            ask(case, (topic, 0), **who)
            ask(f"{case}, an unknown topic", ("nowhere", 0), **who)
        producer.end()
        ask("after a commit", (topic, 0))


def add_partitions_in_batches(script):
    topic, other = script.create("first", 3), script.create("second")
    for version in script.versions("AddPartitionsToTxn", 4):
        one, two = Producer(script, "one"), Producer(script, "two")

        def ask(case, *transactions):
            script.ask(case, "AddPartitionsToTxn", version, {"transactions": list(transactions)}, show=by_id)  # pylint: disable=cell-var-from-loop

        ask("added", one.adding((topic, 0, 1)))
        ask("one added, one verified", one.adding((other, 0)), two.adding((topic, 0), verify=True))
        ask("verified", one.adding((topic, 0, 1, 2), (other, 0), verify=True))
        ask("verified: an unknown topic", one.adding((topic, 0), ("nowhere", 0), verify=True))
        ask("verified: no partition", one.adding((topic,), verify=True))
        for case, who in strangers(one):
            ask(f"verified: {case}", one.adding((topic, 0), verify=True, **who))
            ask(f"added: {case}", one.adding((topic, 0), **who))
        one.end()
        ask("verified: after a commit", one.adding((topic, 0), verify=True))


def by_id(answer):
    """Kafka's order is that of the answers' arrival."""
    answer["results_by_transaction"].sort(key=lambda one: one["transactional_id"])
    return answer


def add_offsets(script):
    for version in script.versions("AddOffsetsToTxn"):
        producer = Producer(script)

        def ask(case, group="g", **who):
            script.ask(case, "AddOffsetsToTxn", version, producer.known(group_id=group, **who))  # pylint: disable=cell-var-from-loop

        ask("of a group")
        ask("of the same group again")
        ask("of another group", "another")
        ask("of a group without a name", "")
        for case, who in strangers(producer):
            ask(case, **who)


def commit_offsets(script):
    topic, longest = script.create("consumed", 2), "m" * 4096
    for version in script.versions("TxnOffsetCommit"):
        producer, group = Producer(script), script.name("group")
        wait_until(60, "the group's coordinator", lambda: fetched(script, group, topic)["error_code"] == 0)  # pylint: disable=cell-var-from-loop

        def ask(case, *topics, **other):
            partition = {"committed_offset": 42, "committed_leader_epoch": 0, "committed_metadata": other.pop("metadata", "where it was")}
            values = producer.known(**{"group_id": group, "generation_id": -1, "member_id": "", **other})  # pylint: disable=cell-var-from-loop
            script.ask(case, "TxnOffsetCommit", version, {**values, "topics": [  # pylint: disable=cell-var-from-loop
                {"name": name, "partitions": [{"partition_index": index, **partition} for index in indexes]} for name, *indexes in topics]})

        ask("of a group that was not added", (topic, 0))
        script.main.ask("AddOffsetsToTxn", 3, producer.known(group_id=group))
        wait_until(30, "the group's part in the transaction", lambda: producer.described()["topics"])  # pylint: disable=cell-var-from-loop
        ask("first", (topic, 0))
        ask("again", (topic, 0))
        ask("of two partitions", (topic, 0, 1))
        ask("of no topic")
        ask("of a topic without partitions", (topic,))
        ask("an unknown topic beside a known one", (topic, 0), ("nowhere", 0))
        ask("an unknown partition beside a known one", (topic, 0, 7))
        ask("an unknown topic alone", ("nowhere", 0))
        ask("a group without a name", (topic, 0), group_id="")
        ask("the longest metadata", (topic, 0), metadata=longest)
        ask("too long metadata", (topic, 0), metadata=longest + "m")
        ask("no metadata", (topic, 0), metadata=None)
        if version >= 3:
            ask("of an unknown member", (topic, 0), member_id="somebody", generation_id=1)
            ask("of a member without a generation", (topic, 0), member_id="somebody")
            ask("of a generation without a member", (topic, 0), generation_id=1)
            ask("of a static member", (topic, 0), group_instance_id="somebody")
        ask("last", (topic, 0), metadata="the end")
        require_equal(-1, fetched(script, group, topic)["partition"]["committed_offset"], "the offset before the commit")
        producer.end()
        wait_until(30, "the commit", lambda: fetched(script, group, topic)["partition"]["committed_offset"] == 42)  # pylint: disable=cell-var-from-loop
        require_equal("the end", fetched(script, group, topic)["partition"]["metadata"], "what was committed last")
        other = script.name("group")
        script.main.ask("AddOffsetsToTxn", 3, producer.known(group_id=other))
        wait_until(30, "the group's part in the transaction", lambda: producer.described()["topics"])  # pylint: disable=cell-var-from-loop
        ask("that are aborted", (topic, 0), group_id=other)
        producer.end(False)
        require_equal(-1, fetched(script, other, topic)["partition"]["committed_offset"], "the offset after an abort")
        # Nothing ends a transaction that has records of a newer epoch: it is left.
        producer = Producer(script)
        producer.init()
        for case, who in strangers(producer):
            ask(f"before the first: {case}", (topic, 0), group_id=script.name("group"), **who)
        script.main.ask("AddOffsetsToTxn", 3, producer.known(group_id=group))
        wait_until(30, "the group's part in the transaction", lambda: producer.described()["topics"])  # pylint: disable=cell-var-from-loop
        ask("first of another producer", (topic, 0))
        for case, who in strangers(producer):
            ask(f"after the first: {case}", (topic, 0), **who)


def fetched(script, group, topic):
    answer = script.main.ask("OffsetFetch", 5, {"group_id": group, "topics": [{"name": topic, "partition_indexes": [0]}]})
    return {"error_code": answer["error_code"], "partition": answer["topics"][0]["partitions"][0] if answer["topics"] else None}


def end(script):
    topic = script.create("written")
    for version in script.versions("EndTxn"):
        producer = Producer(script)

        def ask(case, commit, **who):
            script.ask(case, "EndTxn", version, producer.ending(commit, **who))  # pylint: disable=cell-var-from-loop

        for commit, word in ((True, "commit"), (False, "abort")):
            ask(f"{word}: no transaction", commit)
            producer.add((topic, 0))
            for case, who in strangers(producer):
                ask(f"{word}: {case}", commit, **who)
            ask(word, commit)
            wait_until(30, "the end", lambda: producer.described()["transaction_state"].startswith("Complete"))  # pylint: disable=cell-var-from-loop
            ask(f"{word}: again", commit)
            ask(f"{word}: the other way afterwards", not commit)
            producer.init()


def produce(script):
    for version in script.versions("Produce", 3):
        topic = script.create("written", 3)
        producer = Producer(script)

        def ask(case, *partitions, transactional_id=None):
            script.ask(f"in a transaction: {case}", "Produce", version, {  # pylint: disable=cell-var-from-loop
                "transactional_id": producer.id if transactional_id is None else transactional_id, "acks": -1, "timeout_ms": 5000,  # pylint: disable=cell-var-from-loop
                "topic_data": [{"name": topic, "partition_data": [  # pylint: disable=cell-var-from-loop
                    {"index": index, "records": records} for index, records in partitions]}]})

        ask("a partition that was not added", (0, producer.batch(b"a")))
        producer.add((topic, 0))
        ask("another transactional id", (0, producer.batch(b"a")), transactional_id="nobody")
        ask("an empty transactional id", (0, producer.batch(b"a")), transactional_id="")
        ask("the first records", (0, producer.batch(b"a", b"b")))
        ask("more records", (0, producer.batch(b"c", sequence=2)))
        ask("the same records again", (0, producer.batch(b"c", sequence=2)))
        ask("a gap", (0, producer.batch(b"c", sequence=7)))
        ask("outside the transaction", (0, batch(b"d", producer=producer.producer, epoch=producer.epoch, sequence=3)))
        ask("one partition that was added, one that was not", (0, producer.batch(b"d", sequence=3)), (1, producer.batch(b"d")))
        ask("two producers", (0, producer.batch(b"e", sequence=4)), (1, producer.batch(b"e", epoch=producer.epoch + 1)))
        ask("an unknown partition", (9, producer.batch(b"e")))
        producer.end()
        ask("after the commit", (0, producer.batch(b"f", sequence=4)))
        old = producer.batch(b"g", sequence=4)
        producer.init()
        producer.add((topic, 0))
        ask("of an older epoch", (0, old))
        producer.end(False)


def markers(script):
    topic, other = script.create("ended", 2), script.create("also")
    number = [81000]

    def marker(*topics, producer=None, epoch=0, commit=True, coordinator=5):
        number[0] += 1
        return {"producer_id": number[0] if producer is None else producer, "producer_epoch": epoch, "transaction_result": commit,
                "topics": [{"name": name, "partition_indexes": list(indexes)} for name, *indexes in topics], "coordinator_epoch": coordinator}

    for version in script.versions("WriteTxnMarkers"):
        def ask(case, *wanted):
            script.ask(case, "WriteTxnMarkers", version, {"markers": list(wanted)}, show=by_topic)  # pylint: disable=cell-var-from-loop

        ask("no marker")
        ask("without a topic", marker())
        ask("of a producer that nobody knows", marker((topic, 0, 1), (other, 0)))
        ask("an unknown topic beside a known one", marker((topic, 0), ("nowhere", 0)))
        ask("an unknown partition alone", marker((topic, 7)))
        ask("an abort", marker((topic, 0), commit=False))
        ask("two producers", marker((topic, 0)), marker((other, 0), commit=False))
        producer = 90000 + version
        ask("epoch 3", marker((topic, 0), producer=producer, epoch=3, coordinator=7))
        ask("epoch 3 again", marker((topic, 0), producer=producer, epoch=3, coordinator=7))
        ask("an older producer epoch", marker((topic, 0), producer=producer, epoch=2, coordinator=7))
        ask("an older coordinator epoch", marker((topic, 0), producer=producer, epoch=3, coordinator=6))
        ask("both of one producer", marker((topic, 1), producer=producer, epoch=3), marker((other, 0), producer=producer, epoch=3, commit=False))
        ask("a newer producer epoch", marker((topic, 0), producer=producer, epoch=4, coordinator=7))


def by_topic(answer):
    """Kafka's order is that of its hash tables, and of a topic twice it answers once."""
    for one in answer["markers"]:
        one["producer_id"] -= 80000
        one["topics"].sort(key=lambda topic: topic["name"])
    return {"markers": sorted(answer["markers"], key=lambda one: one["producer_id"])}


def describe(script):
    topic, other = script.create("first", 3), script.create("second")

    def ask(case, *ids):
        script.ask(case, "DescribeTransactions", 0, {"transactional_ids": list(ids)}, show=started)

    producer = Producer(script)
    ask("without a transaction", producer.id)
    producer.add((topic, 2, 0), (other, 0))
    ask("an open transaction", producer.id)
    producer.end()
    ask("a transaction that has ended", producer.id)
    producer.add((topic, 1)).end(False)
    ask("a transaction that was aborted", producer.id)
    ask("nobody")
    ask("an unknown id", "nobody")
    ask("an empty id", "")
    ask("many", producer.id, "nobody", "", Producer(script, "another").id)


def started(answer):
    for state in answer["transaction_states"]:
        if state["transaction_start_time_ms"] > 0:
            state["transaction_start_time_ms"] = "NOW"
        for topic in state["topics"]:
            topic["partitions"].sort()
    answer["transaction_states"].sort(key=lambda state: state["transactional_id"])
    return answer


def list_them(script):
    topic = script.create("written")
    idle, ended = Producer(script, "idle"), Producer(script, "ended").add((topic, 0)).end()
    working = Producer(script, "working").add((topic, 0))
    ours = [idle.producer, ended.producer, working.producer]

    def listed(answer):
        mine = [state for state in answer["transaction_states"] if state["producer_id"] in ours]
        return {**answer, "transaction_states": sorted(mine, key=lambda state: state["transactional_id"]),
                "unknown_state_filters": sorted(answer["unknown_state_filters"])}

    for version in script.versions("ListTransactions"):
        def ask(case, states=(), producers=(), duration=-1):
            script.ask(case, "ListTransactions", version, {"state_filters": list(states), "producer_id_filters": list(producers),  # pylint: disable=cell-var-from-loop
                                                           "duration_filter": duration}, show=listed)
        ask("all")
        for state in ("Empty", "Ongoing", "PrepareCommit", "CompleteCommit", "Dead", "ongoing", "", "Nonsense"):
            ask(f"in state '{state}'", (state,))
        ask("in one of two states", ("Empty", "Ongoing"))
        ask("in a known and an unknown state", ("Empty", "Nonsense", "Nonsense"))
        ask("of one producer", producers=(working.producer,))
        ask("of an unknown producer", producers=(-1,))
        ask("of a producer in another state", ("Empty",), (working.producer,))
        if version >= 1:
            ask("open for long", duration=3_600_000)
            ask("open for no time at all", duration=0)
            ask("any duration", duration=-2)
    working.end()
