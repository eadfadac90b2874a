"""Nobody may cost the broker more than a bounded amount of memory, time or files: what strangers can send, and what they can leave out.

Kafka's own answers are not compared: the broker must live, keep to its budgets, count what it refuses, and serve others as usual.
"""
import contextlib
import os
import random
import re
import struct
import time

from compat import abuse_bombs as bombs
from compat import abuse_frames as frames
from compat.abuse_broker import (ALLOWANCE_BYTES, BYTES_PER_CONNECTION, MIB, PATIENCE_S, PROBED, SANITIZED, ZSTD_WINDOW_BYTES, AbusedBroker, Probe,
                                 Watched, is_closed, receive)
from harness import paths
from harness.checks import Failure, require, require_equal, wait_until
from harness.wire import RawClient

MUTATIONS = 20_000
CONNECTIONS = 1_000
AT_ONCE = 50  # connections of one step of a long list of frames
CLOSING = struct.pack(">i", 0)  # a length that closes the connection as soon as what comes before it was taken
PIPELINED = 5_000
REFUSED_ABOVE = 64 * MIB  # of one batch: the setting of the broker
NAME = "abuse: "


def checks(context):
    seed = context.options.seed if context.options.seed is not None else time.time_ns() % 1_000_000
    together = [(NAME + name, claim) for name, claim in (
        ("lengths of 2^31-1, 0 and below are refused and counted", frame_lengths),
        ("a length that is announced costs no memory", announced_lengths),
        ("counts of INT_MAX, -1 and -2 anywhere in requests", array_counts),
        ("arrays that are larger in memory than on the wire", large_arrays),
        ("answers that are far larger than their requests", large_answers),
        ("tagged fields that repeat, go backwards and never end", tagged_fields),
        (f"{MUTATIONS} damaged requests, seed {seed}", lambda each: damaged_requests(each, seed)),
        ("a bomb in each codec", decompression_bombs),
        ("clients that never read their answers", clients_that_never_read),
        (f"{PIPELINED} requests before the first answer is read", pipelining))]
    alone = [(NAME + name, claim) for name, claim in (
        (f"{CONNECTIONS} silent and {CONNECTIONS} slow connections", silent_and_slow),
        ("connections above the caps are refused and counted", connection_caps),
        ("bombs leave their shard to others", bombs_beside_others),
        ("request memory that is used up", request_memory),
        ("a broker out of files lives and serves again", file_exhaustion),
        ("docs/protection.md names rows and counters that exist", documented_protections))]
    checker = context.checks
    if context.broker.name != "millrace":
        checker.skip("abuse", "it is about the bounds of this build's broker")
        return
    # Those that need no settings of their own share a broker, which each must leave as it was.
    with contextlib.ExitStack() as stack:
        one = Abused(stack)
        for name, claim in together:
            checker.check(name, claim, one)
    for name, claim in alone:
        checker.check(name, claim)


class Abused:
    """A broker with its probe, started when it is needed, and again after it died."""

    def __init__(self, stack, settings=None):
        self._stack, self._settings, self._broker, self.probe, self.usual_s = stack, settings, None, None, None

    @property
    def broker(self):
        if self._broker is None or not self._broker.alive():
            self._broker = self._stack.enter_context(AbusedBroker(self._settings))
            self.probe = self._stack.enter_context(contextlib.closing(Probe(self._broker.port)))
            begin = time.monotonic()
            time.sleep(1)
            self.usual_s = self.probe.seconds_since(begin)
        return self._broker

    def watched(self, budget_bytes):
        return Watched(self.broker, self.probe, budget_bytes + ALLOWANCE_BYTES, self.usual_s)


@contextlib.contextmanager
def abused(settings=None):
    with contextlib.ExitStack() as stack:
        yield Abused(stack, settings)


def served_versions(broker):
    """API key -> (lowest, highest) that ApiVersions advertises."""
    answer = broker.ask(frames.api_versions_frame())
    require(answer is not None, "ApiVersions is not answered")
    error, count = struct.unpack_from(">hi", answer, 4)
    require_equal(0, error, "error of ApiVersions")
    rows = (struct.unpack_from(">hhh", answer, 10 + 6 * number) for number in range(count))
    return {key: (lowest, highest) for key, lowest, highest in rows}


def flexible_since():
    """API key -> the first version with compact fields and tags."""
    with open(os.path.join(os.path.dirname(frames.GOLDEN), "served_versions.txt"), encoding="ascii") as file:
        rows = [line.split() for line in file if not line.startswith("#")]
    return {int(row[1]): int(row[5]) for row in rows if row[0] == "3.9.2"}


def requests_of(broker, served_only=True):
    every = frames.golden_requests()
    frames.mark_flexible(every, flexible_since())
    served = served_versions(broker)
    return [frame for frame in every
            if not served_only or (frame.key in served and served[frame.key][0] <= frame.version <= served[frame.key][1])]


def send_each(broker, contents, name_of=lambda number: f"number {number}"):
    """Every frame on a connection of its own, each followed by what closes it. The broker must take them all, and end none."""
    for first in range(0, len(contents), AT_ONCE):
        step = contents[first:first + AT_ONCE]
        with contextlib.ExitStack() as stack:
            opened = []
            for content in step:
                try:
                    connection = stack.enter_context(contextlib.closing(broker.connect(f"127.0.0.{2 + first // AT_ONCE % 50}")))
                    connection.sendall(frames.with_length(content) + CLOSING)
                    opened.append(connection)
                except ConnectionError:
                    if not broker.alive():
                        break
            stuck = [number for number, connection in enumerate(opened) if broker.alive() and not is_closed(connection)]
        if not broker.alive():
            output = broker.broker.process.tail(12)
            raise Failure(f"the broker ended:\n{output}\n{culprit(broker, step, first, name_of)}")
        require(not stuck, "\n".join(f"not closed within {PATIENCE_S} s: {described(step[number], name_of(first + number))}" for number in stuck[:3]))


def culprit(broker, contents, first, name_of):
    """Which of them ends a broker that has seen nothing else."""
    for number, content in enumerate(contents):
        with AbusedBroker(broker.settings) as fresh, contextlib.closing(fresh.connect()) as connection:
            connection.sendall(frames.with_length(content) + CLOSING)
            is_closed(connection)
            if not fresh.alive():
                return described(content, name_of(first + number))
    return f"none of them does it alone: {name_of(first)} to {name_of(first + len(contents) - 1)}"


def described(content, name):
    """In lines that are short enough to be printed whole; of a very long frame only the start."""
    text = content[:4000].hex()
    return "\n".join([f"{name}, {len(content)} bytes:", *(text[position:position + 380] for position in range(0, len(text), 380))])


# ---- frames

def frame_lengths(abused_broker):
    broker = abused_broker.broker
    lengths = (0x7FFFFFFF, -1, -0x80000000, 0, 16 * MIB + 1)
    before = broker.closed("bad_frame_length")
    with abused_broker.watched(0):
        for length in lengths * 20:
            with contextlib.closing(broker.connect()) as connection:
                connection.sendall(struct.pack(">i", length) + b"abuse")
                require(is_closed(connection), f"a frame of length {length} is waited for")
    require_equal(before + 20 * len(lengths), broker.closed("bad_frame_length"), "connections closed for their frame's length")


def announced_lengths(abused_broker):
    """16 GiB are announced, 1 KiB of each is sent: memory follows the bytes."""
    with abused_broker.watched(CONNECTIONS * BYTES_PER_CONNECTION), contextlib.ExitStack() as stack:
        for number in range(CONNECTIONS):
            connection = stack.enter_context(contextlib.closing(abused_broker.broker.connect(f"127.0.0.{2 + number % 50}")))
            connection.sendall(struct.pack(">i", 16 * MIB) + bytes(1024))
        time.sleep(0.5)


def array_counts(abused_broker):
    """Of each API the lowest, the highest and the first flexible version that is served."""
    broker = abused_broker.broker
    chosen, by_key = [], {}
    for frame in requests_of(broker):
        if frame.variant == "full":
            by_key.setdefault(frame.key, []).append(frame)
    for each in by_key.values():
        flexible = [frame for frame in each if frame.flexible]
        chosen += {id(frame): frame for frame in (each[0], each[-1], *flexible[:1])}.values()
    sent = 0
    with abused_broker.watched(broker.REQUEST_BYTES):
        for frame in chosen:
            lies = list(frames.lies_about_counts(frame, step=1 + len(frame.data) // 300))
            send_each(broker, lies, lambda _, about=frame: str(about))
            sent += len(lies)
    print(f"    {sent} requests of {len(by_key)} APIs")


def large_arrays(abused_broker):
    """A Metadata of names that are empty: two bytes on the wire, a struct in memory. Too many of them are refused; just below the bound, and with
    names that differ, each of which is looked up and answered, a request is taken where it is alone. Several of those at a time may use up the
    memory of all requests: how many are refused then is a matter of their overlap, how much memory they take is not."""
    broker = abused_broker.broker

    def refused():
        return broker.counter("millrace_request_arrays_refused_total")

    def metadata_of(count, names):
        # Version 4 can say that none of them is to be created.
        return struct.pack(">hhih", 3, 4, 1, 5) + b"abuse" + struct.pack(">i", count) + names + b"\0"

    too_many = metadata_of(6_000_000, bytes(2 * 6_000_000))
    different = b"".join(struct.pack(">h6s", 6, b"%06d" % number) for number in range(50_000))
    taken = (("200,000 empty", metadata_of(200_000, bytes(2 * 200_000))), ("50,000 different", metadata_of(50_000, different)))
    with abused_broker.watched(2 * broker.REQUEST_BYTES):
        before = refused()
        for _ in range(3):
            send_each(broker, [too_many] * 4, lambda _: "Metadata of 6,000,000 empty names")
        # The end of the frames may close a connection before a worker has come to its request.
        wait_until(PATIENCE_S, "12 refusals to be counted", lambda: refused() >= before + 12)
        require_equal(before + 12, refused(), "refusals counted")
        for name, content in taken:
            for _ in range(3):
                send_each(broker, [content] * 4, lambda _, name=name: f"Metadata of {name} names")
    for name, content in taken:
        # Workers may still be at requests whose connections are closed.
        wait_until(PATIENCE_S, f"a Metadata of {name} names to be answered", lambda content=content: broker.ask(content) is not None)
        before = refused()
        for _ in range(3):
            require(broker.ask(content) is not None, f"no answer to a Metadata of {name} names, alone")
        require_equal(before, refused(), f"refusals of Metadata of {name} names, alone")


def large_answers(abused_broker):
    """A DescribeConfigs that names one topic again and again: 13 bytes on the wire, kilobytes in the answer."""
    broker = abused_broker.broker
    resource = b"\2" + struct.pack(">h", len(PROBED)) + PROBED.encode() + struct.pack(">i", -1)
    request = struct.pack(">hhih", 32, 0, 1, 5) + b"abuse" + struct.pack(">i", 100_000) + resource * 100_000
    before = broker.counter("millrace_request_arrays_refused_total")
    at_rest = broker.resident_bytes()
    # What is made of requests may take as much as they, and a quarter more is kept for small ones.
    with abused_broker.watched(2 * broker.REQUEST_BYTES + broker.REQUEST_BYTES // 4):
        for _ in range(3):
            # The allocator keeps for a second what was freed.
            wait_until(PATIENCE_S, "memory to be given back", lambda: broker.resident_bytes() < at_rest + ALLOWANCE_BYTES or SANITIZED)
            with contextlib.ExitStack() as stack:
                connections = [stack.enter_context(contextlib.closing(broker.connect())) for _ in range(3)]
                for connection in connections:
                    connection.sendall(frames.with_length(request))
                require_equal([None] * 3, [receive(connection) for connection in connections], "answers")
    refused = broker.counter("millrace_request_arrays_refused_total") - before
    require(refused >= 9, f"{refused} refusals are counted")


def tagged_fields(abused_broker):
    broker = abused_broker.broker
    contents, names = [], []
    newest = {frame.key: frame for frame in requests_of(broker) if frame.variant == "default" and frame.flexible}
    for frame in newest.values():
        for section in frames.tag_sections():
            for content in frames.with_tags(frame, section):
                contents.append(content)
                names.append(str(frame))
    with abused_broker.watched(broker.REQUEST_BYTES):
        send_each(broker, contents, lambda number: names[number])
    print(f"    {len(contents)} requests of {len(newest)} APIs")


def damaged_requests(abused_broker, seed):
    """Every key and version in turn, and as many again of those that are served. A failure names the seed and the frame."""
    broker = abused_broker.broker
    every, served = requests_of(broker, served_only=False), requests_of(broker)
    generator = random.Random(seed)
    contents, names = [], []
    for number in range(MUTATIONS):
        source = every if number % 2 == 0 else served
        frame = source[number // 2 % len(source)]
        contents.append(frames.mutated(frame, every, generator))
        names.append(f"seed {seed}, number {number}, of {frame}")
    before = broker.requests()
    with abused_broker.watched(broker.REQUEST_BYTES):
        try:
            send_each(broker, contents, lambda number: names[number])
        except Failure as failure:
            raise Failure(f"seed {seed}: {failure}") from None
        received = broker.requests() - before
    require(received > MUTATIONS * 0.95, f"only {received} requests came through")
    print(f"    {len({(frame.key, frame.version) for frame in every})} APIs and versions, "
          f"{len({(frame.key, frame.version) for frame in served})} of them served")


# ---- records

# What a batch below max.message.bytes can become.
BOMBS = (("gzip", bombs.GZIP, bombs.gzip, 100 * MIB), ("snappy", bombs.SNAPPY, bombs.snappy_raw, 20 * MIB),
         ("snappy of xerial", bombs.SNAPPY, bombs.snappy_xerial, 20 * MIB), ("snappy that lies", bombs.SNAPPY, bombs.snappy_lie, 0),
         ("lz4", bombs.LZ4, bombs.lz4, 120 * MIB), ("zstd", bombs.ZSTD, bombs.zstd, 1900 * MIB),
         ("zstd with the largest window", bombs.ZSTD, bombs.zstd_window, 1900 * MIB))


def decompression_bombs(abused_broker):
    """One record of zeroes. Also with an offset that makes the broker write the batch anew, and in the old formats, which it converts; and
    compressed sets within sets."""
    broker = abused_broker.broker
    create(broker, "bombed")
    before = broker.counter("millrace_conversion_refused_total")
    with abused_broker.watched(broker.REQUEST_BYTES + broker.CONVERSION_BYTES + 2 * ZSTD_WINDOW_BYTES):
        for name, codec, make, size in BOMBS:
            bomb(broker, name, bombs.batch(codec, make(bombs.record_start(size), size + 1)), 8, REFUSED_ABOVE, size)
            bomb(broker, name + ", to be written anew", bombs.batch(codec, make(bombs.record_start(size, 1), size + 1)), 8, REFUSED_ABOVE, size)
            if codec != bombs.ZSTD:
                for magic in (0, 1):
                    payload = make(bombs.message_start(size, magic), size + 1)
                    bomb(broker, f"{name}, format {magic}", bombs.wrapper(codec, payload, magic), 2, 0, size)
        for depth in (2, 50):
            bomb(broker, f"gzip in gzip, {depth} deep", bombs.nested(lambda data: bombs.gzip(data, 0), bombs.GZIP, 1, depth), 2, -1, 0)
    require(broker.counter("millrace_conversion_refused_total") >= before + 10, "refusals that are not counted")
    require_equal(0, broker.counter("millrace_conversion_memory_bytes"), "bytes of conversions that are over")


def bomb(broker, name, batch, version, refused_above, size):
    begin = time.monotonic()
    error, _ = produced(broker, "bombed", batch, version)
    print(f"    {name}: {len(batch)} bytes for {size / MIB:.0f} MiB, error {error}, {time.monotonic() - begin:.2f} s")
    require(error != 0 or size <= refused_above and name != "snappy that lies", f"{name} is taken")


def bombs_beside_others():
    """Bombs within the default bounds, so that each is expanded whole, without a pause and all on one shard; a client of the partition that
    they go to and one of another. Were the shard to expand them itself, each of its other answers would wait for one bomb at least, in
    every turn; a busy machine is late in one of them."""
    turns = 3
    kinds = (("gzip", bombs.GZIP, bombs.gzip, 120 * MIB), ("snappy", bombs.SNAPPY, bombs.snappy_raw, 20 * MIB),
             ("lz4", bombs.LZ4, bombs.lz4, 120 * MIB))
    batches = [(name, bombs.batch(codec, make(bombs.record_start(size), size + 1))) for name, codec, make, size in kinds]
    with abused({"millrace.shards": "1", "millrace.decompression.max.bytes": str(128 * MIB)}) as one:
        create(one.broker, "bombed")
        for name, batch in batches:
            for left in reversed(range(turns)):
                alone_s, took = beside_bombs(one, name, batch)
                late = [f"a produce and a fetch at {where} took {usual_s * 1e3:.0f} ms, as long as a bomb of {name}"
                        for where, usual_s in took if usual_s >= alone_s]
                if not late:
                    break
                require(left > 0, "; ".join(late))


def beside_bombs(one, name, batch):
    """How long such a bomb takes alone, and what a produce and a fetch take beside many at [(partition, seconds)]."""
    bombers, seconds = 4, 3
    broker = one.broker
    begin = time.monotonic()
    require_equal(0, produced(broker, "bombed", batch)[0], f"error of {name}, which is within the bound")
    alone_s = time.monotonic() - begin
    with contextlib.ExitStack() as stack:
        stack.enter_context(Watched(broker, one.probe, broker.REQUEST_BYTES + ALLOWANCE_BYTES, alone_s))
        beside = stack.enter_context(contextlib.closing(Probe(broker.port, "127.0.0.78", "bombed")))
        sent = stack.enter_context(contextlib.closing(bombs.Bombers(broker.connect, frames.produce_frame("bombed", batch), bombers)))
        begin = time.monotonic()
        time.sleep(seconds)
        answered = sent.answered()
        took = [(where, probe.seconds_since(begin), probe.slowest_since(begin))
                for where, probe in (("the bombed partition", beside), ("another partition", one.probe))]
    print(f"    {name}: {alone_s * 1e3:.0f} ms alone, {answered} in {seconds} s; a produce and a fetch meanwhile "
          + "; ".join(f"at {where} {usual_s * 1e3:.1f} ms, slowest {slowest_s * 1e3:.0f} ms" for where, usual_s, slowest_s in took))
    require(answered > 0, "no bomb was expanded meanwhile")
    return alone_s, [(where, usual_s) for where, usual_s, _ in took]


def create(broker, topic):
    with contextlib.closing(RawClient("127.0.0.1", broker.port)) as client:
        client.metadata([topic])
        client.produce_when_created(topic)


def produced(broker, topic, batch, version=8):
    """(error code, base offset)"""
    answer = broker.ask(frames.produce_frame(topic, batch, version=version))
    require(answer is not None, "the connection was closed")
    return struct.unpack_from(">hq", answer, 4 + 4 + 2 + len(topic) + 4 + 4)


# ---- connections

def clients_that_never_read(abused_broker):
    """They ask for as much as goes into the sockets: answers of metadata that many topics make long, and records."""
    broker, clients = abused_broker.broker, 40
    value = os.urandom(900_000)
    for _ in range(4):
        require_equal(0, produced(broker, PROBED, big_batch(value))[0], "error of a large produce")
    # Names of many topics make answers of 50 KiB.
    with contextlib.closing(RawClient("127.0.0.1", broker.port, timeout=60)) as client:
        for first in range(0, 200, 20):
            client.metadata(["long-" * 45 + str(first + number) for number in range(20)])
    all_topics = struct.pack(">hhih", 3, 1, 1, 5) + b"abuse" + struct.pack(">i", -1)
    answer = broker.ask(all_topics)
    require(answer is not None and 40_000 < len(answer) < 64 * 1024, "the answers are not as long as they should be")
    metadata = frames.with_length(all_topics) * 50
    fetch = frames.with_length(frames.fetch_frame(PROBED, 16 * MIB)) * 50
    # Of each: answers up to the bound, and those of the requests that were read before it was met.
    per_client = 256 * 1024 + 16 * 64 * 1024 + 16 * 8192
    with abused_broker.watched(clients * (per_client + BYTES_PER_CONNECTION)), contextlib.ExitStack() as stack:
        for number in range(clients):
            connection = stack.enter_context(contextlib.closing(broker.connect(f"127.0.0.{2 + number}", receive_bytes=4096)))
            connection.settimeout(0.2)
            with contextlib.suppress(TimeoutError, BlockingIOError):
                for _ in range(40):
                    connection.sendall(metadata if number % 2 else fetch)
        time.sleep(1)


def big_batch(value):
    start = bombs.record_start(len(value))
    return bombs.batch(0, start + value + b"\0")


def pipelining(abused_broker):
    broker = abused_broker.broker
    requests = b"".join(frames.with_length(frames.api_versions_frame(number)) for number in range(PIPELINED))
    with abused_broker.watched(BYTES_PER_CONNECTION + 256 * 1024), contextlib.closing(broker.connect()) as connection:
        connection.sendall(requests)
        time.sleep(0.5)
        for number in range(PIPELINED):
            answer = receive(connection)
            require(answer is not None, f"closed before answer {number}")
            require_equal(number, struct.unpack_from(">i", answer)[0], "the order of answers")


def silent_and_slow():
    """Deadline and windows are shorter than those of a default configuration: nothing else differs. Of the slow ones half have made a request
    before; and some take no answers."""
    settings = {f"millrace.{name}.ms": "4000" for name in ("first.request.deadline", "read.progress.window", "write.progress.window")}
    with abused(settings) as one:
        broker = one.broker
        before = {reason: broker.closed(reason) for reason in ("no_first_request", "slow_sender", "slow_reader")}
        require_equal(0, produced(broker, PROBED, big_batch(os.urandom(900_000)))[0], "error of a large produce")
        with one.watched(2 * CONNECTIONS * BYTES_PER_CONNECTION), contextlib.ExitStack() as stack:
            deaf = [stack.enter_context(contextlib.closing(broker.connect(f"127.0.0.{60 + number}", receive_bytes=4096))) for number in range(10)]
            for connection in deaf:
                connection.sendall(frames.with_length(frames.fetch_frame(PROBED, 16 * MIB)) * 20)
            opened = [stack.enter_context(contextlib.closing(broker.connect(f"127.0.0.{2 + number % 50}"))) for number in range(2 * CONNECTIONS)]
            slow, known = opened[CONNECTIONS:], opened[CONNECTIONS + CONNECTIONS // 2:]
            for connection in known:
                connection.sendall(frames.with_length(frames.api_versions_frame()))
            for connection in known:
                require(receive(connection) is not None, "a first request is not answered")
            end = time.monotonic() + 7
            frame = frames.with_length(frames.api_versions_frame())
            for byte in frame[:-1] * 2:
                for connection in slow:
                    with contextlib.suppress(OSError):
                        connection.send(bytes([byte]))
                if byte == frame[-2] or time.monotonic() > end:
                    break
                time.sleep(0.3)
            still_open = [connection for connection in opened if not is_closed(connection)]
            require(not still_open, f"{len(still_open)} of {len(opened)} connections are still open")
            wait_until(PATIENCE_S, "those that take no answers to be closed",
                       lambda: broker.closed("slow_reader") == before["slow_reader"] + len(deaf))
        require_equal(before["no_first_request"] + CONNECTIONS + CONNECTIONS // 2, broker.closed("no_first_request"), "closed for want of a request")
        require_equal(before["slow_sender"] + CONNECTIONS // 2, broker.closed("slow_sender"), "closed for slowness")


def connection_caps():
    settings = {"max.connections": "40", "max.connections.per.ip": "15", "max.connections.per.ip.overrides": "127.0.0.9:3"}
    with abused(settings) as one:
        broker = one.broker
        with one.watched(0), contextlib.ExitStack() as stack:
            def open_from(source, count):
                """How many of them are kept open, by their answers."""
                found = []
                for _ in range(count):
                    connection = stack.enter_context(contextlib.closing(broker.connect(source)))
                    with contextlib.suppress(ConnectionError):
                        connection.sendall(frames.with_length(frames.api_versions_frame()))
                    found.append(receive(connection) is not None)
                return sum(found)
            require_equal(3, open_from("127.0.0.9", 8), "connections of an address with a cap of its own")
            require_equal(5, broker.refused("max_connections_per_ip"), "refusals counted")
            require_equal(15, open_from("127.0.0.8", 20), "connections of one address")
            require_equal(10, broker.refused("max_connections_per_ip"), "refusals counted")
            rest = open_from("127.0.0.7", 12) + open_from("127.0.0.6", 12)
            require(40 - 18 - 2 <= rest <= 40 - 18, f"{rest} more connections were taken")  # the probe has one, for a moment two
            require(broker.refused("max_connections") >= 2, "no refusal counted")
            # The probe is a client like others: what it has open it keeps, and it is served again once there is room.
        require_equal(3, open_again(broker, "127.0.0.9", 3), "connections after the others left")


def open_again(broker, source, count):
    def opened():
        with contextlib.ExitStack() as stack:
            connections = [stack.enter_context(contextlib.closing(broker.connect(source))) for _ in range(count)]
            for connection in connections:
                connection.sendall(frames.with_length(frames.api_versions_frame()))
            return sum(receive(connection) is not None for connection in connections) == count and count
    return wait_until(PATIENCE_S, "room for connections", opened)


def request_memory():
    """Frames that are begun and never ended hold the memory until they are too slow; others wait, and are served."""
    budget = 4 * MIB
    settings = {"socket.request.max.bytes": str(MIB), "millrace.request.memory.bytes": str(budget), "millrace.reserved.request.bytes": str(budget),
                "millrace.pressure.progress.window.ms": "1000"}
    with abused(settings) as one:
        broker = one.broker
        with one.watched(budget + 200 * BYTES_PER_CONNECTION), contextlib.ExitStack() as stack:
            for number in range(200):
                connection = stack.enter_context(contextlib.closing(broker.connect(f"127.0.0.{2 + number % 50}")))
                connection.settimeout(0.05)
                with contextlib.suppress(TimeoutError, ConnectionError):
                    connection.sendall(frames.with_length(frames.api_versions_frame()))
                    connection.sendall(struct.pack(">i", MIB) + bytes(MIB - 1))
            used = broker.counter('millrace_request_memory_bytes{budget="clients"}')
            require(used <= budget + MIB, f"{used} bytes of requests are in memory")  # one frame is let through (memory_budget.h)
            wait_until(PATIENCE_S, "a slow sender to be closed",
                       lambda: broker.closed("slow_sender_under_memory_pressure") > 0)
        require(broker.counter("millrace_request_memory_waits_total") > 0, "no wait was counted")


def file_exhaustion():
    """The limit is lowered under the running broker; who is connected is served on, and all are when files are free again."""
    with abused() as one:
        broker = one.broker
        with one.watched(200 * BYTES_PER_CONNECTION), contextlib.closing(RawClient("127.0.0.1", broker.port)) as client:
            client.metadata([PROBED])
            broker.limit_files(broker.open_files() + 30)
            with contextlib.ExitStack() as stack:
                for number in range(200):
                    stack.enter_context(contextlib.closing(broker.connect(f"127.0.0.{2 + number % 50}")))
                wait_until(PATIENCE_S, "a failure of accept", lambda: client.produce(PROBED)[0] == 0 and broker.has_no_files_left())
                for _ in range(20):
                    require_equal(0, client.produce(PROBED)[0], "error of a produce while files are used up")
                with contextlib.suppress(OSError):
                    client.metadata([f"unlucky-{number}" for number in range(20)])  # logs that cannot be opened
                broker.require_alive()
            wait_until(PATIENCE_S, "new connections to be served", lambda: broker.ask(frames.api_versions_frame()) is not None)
            broker.limit_files(4096)
            wait_until(2 * PATIENCE_S, "a new topic", lambda: new_topic_serves(broker))
        require(broker.counter("millrace_accept_errors_total") > 0, "no failure of accept was counted")


def new_topic_serves(broker):
    with contextlib.closing(RawClient("127.0.0.1", broker.port)) as client:
        client.metadata(["lucky"])
        return client.produce("lucky")[0] == 0


def documented_protections():
    """The page's second column names rows of the configuration, its last one counters and gauges of a broker that has just started."""
    with open(os.path.join(paths.REPOSITORY, "docs", "protection.md"), encoding="utf-8") as file:
        page = file.read()
    with open(os.path.join(paths.REPOSITORY, "docs", "configuration.md"), encoding="utf-8") as file:
        keys = set(re.findall(r"^\| `([^`]+)`", file.read(), re.MULTILINE))
    rows = [line.split("|") for line in page.splitlines() if line.startswith("| ") and "`" in line and "none is refused" not in line]
    require(len(rows) >= 10, f"only {len(rows)} protections are listed")
    with AbusedBroker() as broker:
        metrics = set(broker.metrics())
    for row in rows:
        for key in re.findall(r"`([^`]+)`", row[2]):
            require(key in keys, f"docs/protection.md names {key}, which is no row of docs/configuration.md")
        named = re.findall(r"`([^`]+)`", row[3])
        require(named, f"{row[1]} has no counter")
        for name in named:
            require(name in metrics, f"docs/protection.md names {name}, which the broker does not count")
