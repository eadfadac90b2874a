"""Other programs with a bound on their time: a command that ends, and one that runs beside the test.

Each gets a process group of its own and is ended with it; nothing is ended by name.
"""
import os
import signal
import subprocess
import tempfile

from harness.checks import Failure


def _end_group(process, number):
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass


def run(command, timeout=60, stdin=None, environment=None, expect=0, merge=False):
    """Standard output of a command that ends with the exit code `expect` (None: any) within `timeout` seconds.

    `stdin` is text, an open file, or nothing. `merge`: standard error too."""
    command = [str(word) for word in command]
    is_file = hasattr(stdin, "fileno")
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(
            command, stdout=out, stderr=out if merge else err, start_new_session=True,
            stdin=stdin if is_file else subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
            env={**os.environ, **(environment or {})},
        )
        try:
            process.communicate(stdin.encode() if isinstance(stdin, str) else None, timeout=timeout)
        except subprocess.TimeoutExpired:
            _end_group(process, signal.SIGKILL)
            process.wait()
            raise Failure(f"not done in {timeout} s: {' '.join(command)}\n{_text(out)}{_text(err)}") from None
        finally:
            if process.poll() is None:
                _end_group(process, signal.SIGKILL)
                process.wait()
        if expect is not None and process.returncode != expect:
            raise Failure(f"exit code {process.returncode}: {' '.join(command)}\n{_text(out)}{_text(err)}")
        return _text(out)


def _text(file):
    file.seek(0)
    return file.read().decode(errors="replace")


class Background:
    """A program that runs beside the test, with its output in a file. A context manager: it is ended at the end."""

    def __init__(self, command, log, stdin=None, environment=None):
        self.log = log
        with open(log, "ab") as output:
            self.process = subprocess.Popen(
                [str(word) for word in command], stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
                stdin=subprocess.DEVNULL if stdin is None else stdin, env={**os.environ, **(environment or {})},
            )

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        return self.process.poll() is None

    def signal(self, number):
        if self.running():
            self.process.send_signal(number)

    def wait(self, timeout):
        """The exit code."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Failure(f"process {self.pid} still runs after {timeout} s: {self.tail()}") from None

    def stop(self, timeout=30):
        """SIGTERM; the exit code. SIGKILL and a Failure where that does not end it."""
        self.signal(signal.SIGTERM)
        try:
            return self.wait(timeout)
        finally:
            _end_group(self.process, signal.SIGKILL)
            self.process.wait()

    def kill(self):
        _end_group(self.process, signal.SIGKILL)
        self.process.wait()

    def output(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def tail(self, lines=15):
        return "\n".join(self.output().splitlines()[-lines:])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
