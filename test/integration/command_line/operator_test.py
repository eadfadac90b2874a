#!/usr/bin/env python3
"""How the operator's binary says what is wrong.

    operator_test.py BINARY [unittest arguments]
"""
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(ROOT, "test"))
from harness.brokers import free_port  # noqa: E402

BINARY = None


class Operator(unittest.TestCase):
    def refuses(self, *arguments, words, code=1):
        done = subprocess.run([BINARY, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        said = done.stdout + done.stderr
        self.assertEqual(code, done.returncode, said)
        for word in words:
            self.assertIn(word, said)
        return said

    def kubeconfig(self, text):
        file = tempfile.NamedTemporaryFile("w", suffix=".kubeconfig")
        self.addCleanup(file.close)
        file.write(text)
        file.flush()
        return file.name

    # The binary has Asio twice, its own and that of cpprest's library: the first connection shows whether they keep apart.
    def test_check_names_the_server_that_does_not_answer(self):
        port = free_port()
        name = self.kubeconfig(f"""apiVersion: v1
kind: Config
current-context: here
contexts: [{{name: here, context: {{cluster: here, user: me}}}}]
clusters: [{{name: here, cluster: {{server: "http://127.0.0.1:{port}"}}}}]
users: [{{name: me, user: {{}}}}]
""")
        self.refuses("--kubeconfig", name, "check", words=[f"127.0.0.1:{port}"])

    def test_names_the_kubeconfig_that_is_not_there(self):
        self.refuses("--kubeconfig", "/nowhere/config", "check", words=["/nowhere/config"])

    def test_names_the_context_that_is_not_there(self):
        self.refuses("--kubeconfig", self.kubeconfig("apiVersion: v1\nkind: Config\n"), "--context", "absent", "check", words=["absent"])

    def test_names_the_flag_that_it_does_not_know(self):
        done = subprocess.run([BINARY, "--colour"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        self.assertNotEqual(0, done.returncode)
        self.assertIn("--colour", done.stdout + done.stderr)


if __name__ == "__main__":
    BINARY = sys.argv.pop(1)
    unittest.main()
