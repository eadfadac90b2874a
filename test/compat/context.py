"""What every compatibility check is given."""
import itertools
import os
import time


class Context:
    """The broker, where checks are counted, a folder for files, and names that no run has used before."""

    def __init__(self, broker, checks, folder, options):
        self.broker = broker
        self.checks = checks
        self.folder = folder
        self.options = options
        self._stamp = f"{time.time_ns() // 1_000_000:x}"
        self._numbers = itertools.count(1)

    @property
    def bootstrap(self):
        return self.broker.bootstrap

    def topic(self, word):
        return f"{word}-{self._stamp}-{next(self._numbers)}"

    def path(self, name):
        return os.path.join(self.folder, name)
