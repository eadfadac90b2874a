"""Named checks with a PASS, FAIL or SKIP line each, and the closing count that CI reads.

A check is a callable that raises Failure (or anything else) when what its name says does not hold.
"""
import sys
import threading
import time
import traceback


class Failure(Exception):
    """A check's claim does not hold; the text says what was found instead."""


class Checks:
    """Several threads may check at once."""

    def __init__(self, only=(), on_failure=None):
        """`only`: words, one of which a check's name must contain to be run. `on_failure(name)` collects logs."""
        self.only = tuple(word.lower() for word in only)
        self.on_failure = on_failure
        self.passed = self.failed = self.skipped = 0
        self._reporting = threading.Lock()

    def selected(self, name):
        return not self.only or any(word in name.lower() for word in self.only)

    def check(self, name, claim, *arguments):
        """Runs one check; its result where it returns one, else whether it passed."""
        if not self.selected(name):
            return None
        begin = time.monotonic()
        try:
            result = claim(*arguments)
        except Exception as error:  # pylint: disable=broad-except
            with self._reporting:
                self.failed += 1
                self._line("FAIL", name, begin)
                text = str(error) if isinstance(error, Failure) else traceback.format_exc()
                for line in text.splitlines()[-40:]:
                    print("    " + line[:400], flush=True)
                if self.on_failure:
                    self.on_failure(name)
            return False
        with self._reporting:
            self.passed += 1
            self._line("PASS", name, begin)
        return True if result is None else result

    def skip(self, name, reason):
        if self.selected(name):
            with self._reporting:
                self.skipped += 1
                print(f"SKIP {name}: {reason}", flush=True)

    def finish(self):
        """Prints the closing line; the exit code of the script."""
        if self.passed + self.failed + self.skipped == 0:
            print("no check has such a name", file=sys.stderr)
            self.failed += 1
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped", flush=True)
        return 1 if self.failed else 0

    @staticmethod
    def _line(word, name, begin):
        print(f"{word} {name} ({time.monotonic() - begin:.1f} s)", flush=True)


def require(condition, message):
    if not condition:
        raise Failure(message)


def require_equal(expected, actual, what):
    if expected != actual:
        raise Failure(f"{what}: expected {expected!r}, got {actual!r}")


def wait_until(seconds, what, condition, interval=0.1):
    """Calls `condition` until it gives something true, which is returned. A Failure inside counts as not yet."""
    end = time.monotonic() + seconds
    last = None
    while True:
        try:
            if value := condition():
                return value
        except Failure as error:
            last = error
        if time.monotonic() >= end:
            raise Failure(f"waited {seconds} s for {what}" + (f": {last}" if last else ""))
        time.sleep(interval)
