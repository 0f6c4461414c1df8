"""Tests python-socketio's client with threads: admitted once, or refused once and disconnected."""

import queue
import threading
import time
import unittest

import socketio

from doorward import DEADLINE, RECONNECT, WATCH, Doorward


def make_client():
    """Creates a client that records its refusals and attempts.

    `attempts` counts the transports that it opens, `refusals` holds the data of every refusal, and
    `gone` is set after the transport has closed.
    """
    client = socketio.Client(**RECONNECT)
    client.attempts = 0
    client.refusals = []
    client.gone = threading.Event()
    open_transport = client.eio.connect

    def counted(*args, **options):
        client.attempts += 1
        return open_transport(*args, **options)

    client.eio.connect = counted
    on_end = client.eio.handlers["disconnect"]

    def ended(*args):
        on_end(*args)
        client.gone.set()

    client.eio.on("disconnect", ended)
    client.on("connect_error", client.refusals.append)
    return client


class ClientTest(unittest.TestCase):
    """Tests share one server; each has its own client."""

    @classmethod
    def setUpClass(cls):
        cls.server = Doorward().start()
        cls.addClassCleanup(cls.server.stop)

    def setUp(self):
        self.client = make_client()
        self.addCleanup(self.client.shutdown)

    def connect(self, auth, wait=True):
        self.client.connect(
            self.server.url,
            auth=auth,
            wait=wait,
            wait_timeout=DEADLINE,
        )

    def test_a_good_token_gets_its_echo(self):
        self.connect({"token": self.server.token()})

        for value in ["hello", "grüße, 你好", 12, None, [1, "two"], {"a": {"b": []}}, "x" * 10240]:
            self.assertEqual(self.client.call("echo", value, timeout=DEADLINE), value)

    def test_each_way_of_connecting_gets_its_echo(self):
        # The first one has the default options of the client.
        for transports, expected in [(None, "websocket"), (["polling"], "polling"), (["websocket"], "websocket")]:
            with self.subTest(transports=transports):
                client = make_client()
                self.addCleanup(client.shutdown)
                auth = {"token": self.server.token()}
                client.connect(self.server.url, auth=auth, transports=transports, wait_timeout=DEADLINE)
                for value in ["hello", "grüße, 你好", b"\x00\xff", "x" * 10240]:
                    self.assertEqual(client.call("echo", value, timeout=DEADLINE), value)
                self.assertEqual(client.transport(), expected)
                client.disconnect()

    def test_each_way_of_connecting_is_on_the_next_process_by_itself(self):
        for transports in [None, ["polling"], ["websocket"]]:
            with self.subTest(transports=transports):
                first, second = Doorward().start(), Doorward()
                client = socketio.Client(**RECONNECT)
                self.addCleanup(client.shutdown)
                connects, refusals = queue.Queue(), queue.Queue()
                client.on("connect", lambda: connects.put(client.sid))
                client.on("connect_error", refusals.put)
                client.connect(first.url, auth={"token": first.token()}, transports=transports, wait_timeout=DEADLINE)
                before = connects.get(timeout=DEADLINE)

                first.terminate()
                second.start(listen=first.url.removeprefix("http://"), data_dir=first.data_dir)
                self.addCleanup(second.stop)
                self.assertNotEqual(connects.get(timeout=DEADLINE), before)
                self.assertEqual(client.call("echo", "next", timeout=DEADLINE), "next")
                client.disconnect()
                while not refusals.empty():
                    error = refusals.get()
                    # An answer of Socket.IO has no code; that of a transport is a text, or has one.
                    self.assertTrue(not isinstance(error, dict) or "code" in error, error)

    def test_whoami_returns_the_user(self):
        self.connect({"token": self.server.token("bob")})

        answer = self.client.call("whoami", timeout=DEADLINE)

        self.assertEqual(answer["user"], "bob")
        self.assertRegex(answer["connectedAt"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")

    def test_the_public_id_is_not_the_id_of_the_transport(self):
        self.connect({"token": self.server.token()})

        self.assertTrue(self.client.get_sid())
        self.assertNotEqual(self.client.get_sid(), self.client.eio.sid)

    def test_an_unknown_event_is_answered_with_an_error(self):
        self.connect({"token": self.server.token()})

        answer = self.client.call("no-such-event", timeout=DEADLINE)

        self.assertEqual(answer["status"], "error")
        self.assertEqual(answer["code"], "unknown_event")

    def test_a_wrong_token_raises_while_connect_waits(self):
        self.assert_raises_once({"token": "not.a.token"}, "unauthenticated", "after_login")

    def test_a_missing_token_raises_while_connect_waits(self):
        self.assert_raises_once(None, "unauthenticated", "after_login")

    def test_an_expired_token_raises_while_connect_waits(self):
        auth = {"token": self.server.expired_token()}

        self.assert_raises_once(auth, "token_expired", "after_refresh")

    def test_a_wrong_token_is_refused_once_without_waiting(self):
        self.assert_connect_is_refused_once({"token": "not.a.token"}, "unauthenticated", "after_login")

    def test_a_missing_token_is_refused_once_without_waiting(self):
        self.assert_connect_is_refused_once(None, "unauthenticated", "after_login")

    def test_an_expired_token_is_refused_once_without_waiting(self):
        auth = {"token": self.server.expired_token()}

        self.assert_connect_is_refused_once(auth, "token_expired", "after_refresh")

    def test_a_reconnecting_client_that_is_refused_retries_until_shutdown(self):
        client = socketio.Client()
        refusals = queue.Queue()
        client.on("connect_error", refusals.put)
        client.connect(self.server.url, auth={"token": self.server.token(ttl="3s")})

        for _ in range(2):
            self.assertEqual(refusals.get(timeout=DEADLINE)["data"]["code"], "token_expired")
        client.shutdown()

        # It was between two attempts, so shutdown() does not wait for it.
        self.assertFalse(client._reconnect_task.is_alive())
        self.assertTrue(refusals.empty())

    def test_a_client_whose_user_is_revoked_does_not_reconnect(self):
        client = socketio.Client()
        ended = queue.Queue()
        client.on("session_ended", ended.put)
        client.connect(self.server.url, auth={"token": self.server.token("carol")})

        self.server.revoke("carol")
        client.wait()

        self.assertEqual(ended.get(timeout=DEADLINE)["code"], "revoked")
        self.assertIsNone(client._reconnect_task)

    def assert_raises_once(self, auth, code, retry):
        with self.assertRaises(socketio.exceptions.ConnectionError):
            self.connect(auth, wait=True)

        self.assert_refused_once(code, retry)

    def assert_connect_is_refused_once(self, auth, code, retry):
        self.connect(auth, wait=False)

        self.assert_refused_once(code, retry)

    def assert_refused_once(self, code, retry):
        self.assertTrue(self.client.gone.wait(DEADLINE), "the transport is still open")
        time.sleep(WATCH)
        self.assertEqual(self.client.attempts, 1)
        self.assertEqual(len(self.client.refusals), 1)
        refusal = self.client.refusals[0]
        self.assertEqual(refusal["message"], "Unauthorized")
        self.assertEqual(refusal["data"]["code"], code)
        self.assertEqual(refusal["data"]["retry"], retry)
        self.assertIsInstance(refusal["data"]["id"], str)
        self.assertEqual(self.client.eio.state, "disconnected")
        self.assertFalse(self.client.namespaces)


if __name__ == "__main__":
    unittest.main()
