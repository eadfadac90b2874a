"""The moment of the first acknowledged produce, by a raw socket: a client library would round it up to its retry timer."""
import time

from harness.checks import Failure
from harness.wire import RawClient


def wait_for_first_produce(address, port, topic, seconds=60):
    """The monotonic time of the first acknowledged produce; a try every few milliseconds."""
    end, client = time.monotonic() + seconds, None
    while time.monotonic() < end:
        try:
            client = client or RawClient(address, port)
            if client.produce(topic)[0] == 0:
                return time.monotonic()
        except OSError:
            client = None
        time.sleep(0.005)
    raise Failure(f"no acknowledged produce in {seconds} s")
