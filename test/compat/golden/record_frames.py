#!/usr/bin/env python3
"""Records what Kafka clients and real brokers say to each other, in the format of frames.txt.

    record_frames.py --forward 19092=127.0.0.1:19093 [--forward LISTEN=HOST:PORT...] --out conversation.txt [--keys 0,1,2,3,18]

Start it, then the brokers with advertised.listeners=PLAINTEXT://127.0.0.1:19092, so that clients and other brokers come back through
here; run clients against port 19092; stop it with SIGTERM. Every frame is forwarded unchanged. Of each API key, kind and version the
first few different frames are kept, as header and body, without the length in front. What --with FILE has is kept.
"""
import argparse
import asyncio
import collections
import functools
import signal
import struct


class Recorder:
    def __init__(self, keys, limit, limit_bytes):
        self.keys, self.limit, self.limit_bytes = keys, limit, limit_bytes
        self.kept = collections.defaultdict(dict)

    @staticmethod
    def content(kind, frame):
        # The first eight (response: four) bytes are key, version and correlation id: frames that differ only there are one.
        return frame[8:] if kind == "request" else frame[4:]

    def keep(self, key, kind, version, frame):
        bucket = self.kept[(key, kind, version)]
        if (self.keys is None or key in self.keys) and len(frame) <= self.limit_bytes and len(bucket) < self.limit:
            bucket.setdefault(self.content(kind, frame), frame)

    def read(self, path):
        with open(path, encoding="ascii") as earlier:
            for line in earlier:
                if not line.startswith("#"):
                    key, kind, version, _, content = line.split()
                    frame = bytes.fromhex(content)
                    self.kept[(int(key), kind, int(version))][self.content(kind, frame)] = frame

    def lines(self):
        for (key, kind, version), bucket in sorted(self.kept.items()):
            for frame in bucket.values():
                yield f"{key} {kind} {version} conversation {frame.hex()}\n"


async def read_frame(reader):
    length = await reader.readexactly(4)
    return length, await reader.readexactly(struct.unpack(">i", length)[0])


async def forward_requests(recorder, reader, writer, waiting):
    while True:
        length, frame = await read_frame(reader)
        key, version, correlation = struct.unpack(">hhi", frame[:8])
        recorder.keep(key, "request", version, frame)
        waiting[correlation] = (key, version)
        writer.write(length + frame)
        await writer.drain()


async def forward_responses(recorder, reader, writer, waiting):
    while True:
        length, frame = await read_frame(reader)
        key, version = waiting.pop(struct.unpack(">i", frame[:4])[0])
        recorder.keep(key, "response", version, frame)
        writer.write(length + frame)
        await writer.drain()


async def serve(arguments):
    recorder = Recorder(arguments.keys and {int(key) for key in arguments.keys.split(",")}, arguments.limit, arguments.limit_bytes)
    if arguments.earlier:
        recorder.read(arguments.earlier)

    async def connection(host, port, reader, writer):
        upstream = None
        try:
            from_broker, upstream = await asyncio.open_connection(host, int(port))
            waiting = {}
            ways = [asyncio.create_task(forward_requests(recorder, reader, upstream, waiting)),
                    asyncio.create_task(forward_responses(recorder, from_broker, writer, waiting))]
            _, pending = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in pending:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        except (OSError, asyncio.CancelledError):
            pass  # a side that went away, or the end of the recording
        finally:
            for side in (writer, upstream):
                if side is not None:
                    side.close()

    servers = []
    for forward in arguments.forward:
        listen, _, address = forward.partition("=")
        host, port = address.rsplit(":", 1)
        servers.append(await asyncio.start_server(functools.partial(connection, host, port), "127.0.0.1", int(listen)))
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    await stopped.wait()
    for server in servers:
        server.close()
    with open(arguments.out, "w", encoding="ascii") as out:
        out.write("# Recorded by record_frames.py between unmodified clients and brokers of Apache Kafka 3.9.2: key, kind, version, variant, header and body.\n")
        out.writelines(recorder.lines())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--forward", action="append", required=True, metavar="LISTEN=HOST:PORT")
    parser.add_argument("--out", required=True)
    parser.add_argument("--with", dest="earlier", metavar="FILE")
    parser.add_argument("--keys", help="all when not given")
    parser.add_argument("--limit", type=int, default=6, help="frames kept of each key, kind and version")
    parser.add_argument("--limit-bytes", type=int, default=6000, help="longer frames are not kept")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
