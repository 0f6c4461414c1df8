"""Uses the features of the framework with python-socketio; `e2e/features.rs` is the server."""

import os
import pathlib
import queue
import re
import subprocess
import unittest

import socketio

from doorward import DEADLINE


class Features(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        program = pathlib.Path(os.environ["E2E_DOORWARD"]).parent / "examples/features"
        environment = {**os.environ, "NO_COLOR": "1", "RUST_LOG": "info", "LISTEN": "localhost:0"}
        cls.server = subprocess.Popen([program], env=environment, stdout=subprocess.PIPE, text=True)
        cls.addClassCleanup(cls.end)
        for line in cls.server.stdout:
            found = re.search(r"Listening\..*address=127\.0\.0\.1:(\d+)", line)
            if found:
                cls.url = f"http://localhost:{found.group(1)}"
                return
        raise AssertionError("the server did not print its address")

    @classmethod
    def end(cls):
        cls.server.terminate()
        cls.server.wait(DEADLINE)
        cls.server.stdout.close()

    def connected(self):
        client = socketio.Client(reconnection=False)
        client.connect(
            self.url,
            auth={"token": "x"},
            namespaces=["/features"],
            wait_timeout=DEADLINE,
        )
        self.addCleanup(client.disconnect)
        return client

    def ask(self, client, event, data=None):
        return client.call(event, data, namespace="/features", timeout=DEADLINE)

    def test_bytes_work_in_both_directions(self):
        client = self.connected()

        self.assertEqual(self.ask(client, "reverse", b"\x01\x02\xff"), b"\xff\x02\x01")
        self.assertEqual(self.ask(client, "reverse", "text")["code"], "bad_payload")

    def test_the_server_asks_and_the_client_answers(self):
        client = self.connected()
        client.on("question", lambda question: {"asked": question}, namespace="/features")

        self.assertEqual(self.ask(client, "ask-me", 7), {"asked": 7})

    def test_rooms_and_streams_reach_the_client(self):
        alice, bob = self.connected(), self.connected()
        said, counted = queue.Queue(), queue.Queue()
        bob.on("said", said.put, namespace="/features")
        bob.on("count", counted.put, namespace="/features")

        for client in (alice, bob):
            self.assertIsNone(self.ask(client, "join", "room:1"))
        self.assertEqual(self.ask(alice, "join", "room:closed")["code"], "forbidden")
        self.assertEqual(self.ask(alice, "say", ("room:1", {"text": "hello"})), 1)
        self.assertIsNone(self.ask(bob, "count", 3))
        # Handlers run in their own threads, so they may finish shortly after the answer.
        self.assertEqual(said.get(timeout=DEADLINE), {"text": "hello"})
        self.assertEqual(sorted(counted.get(timeout=DEADLINE) for _ in range(3)), [1, 2, 3])


if __name__ == "__main__":
    unittest.main()
