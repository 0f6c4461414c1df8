"""Tests python-socketio's client with asyncio: admitted once, or refused once and disconnected."""

import asyncio
import unittest

import socketio

from doorward import DEADLINE, RECONNECT, WATCH, Doorward


class AsyncClientTest(unittest.IsolatedAsyncioTestCase):
    """Tests share one server; each has its own client."""

    @classmethod
    def setUpClass(cls):
        cls.server = Doorward().start()
        cls.addClassCleanup(cls.server.stop)

    async def asyncSetUp(self):
        self.client = socketio.AsyncClient(**RECONNECT)
        self.addAsyncCleanup(self.client.shutdown)
        self.attempts = 0
        self.refusals = []
        self.gone = asyncio.Event()
        self.client.on("connect_error", self.refusals.append)
        self.count_attempts()
        self.notice_the_end()

    def count_attempts(self):
        open_transport = self.client.eio.connect

        async def counted(*args, **options):
            self.attempts += 1
            return await open_transport(*args, **options)

        self.client.eio.connect = counted

    def notice_the_end(self):
        on_end = self.client.eio.handlers["disconnect"]

        async def ended(*args):
            await on_end(*args)
            self.gone.set()

        self.client.eio.on("disconnect", ended)

    async def good(self, sub="alice"):
        return {"token": await asyncio.to_thread(self.server.token, sub)}

    async def expired(self):
        return {"token": await asyncio.to_thread(self.server.expired_token)}

    async def connect(self, auth, wait=True):
        await self.client.connect(
            self.server.url,
            auth=auth,
            wait=wait,
            wait_timeout=DEADLINE,
        )

    async def test_a_good_token_gets_its_echo(self):
        await self.connect(await self.good())

        for value in ["hello", "grüße, 你好", 12, None, [1, "two"], {"a": {"b": []}}, "x" * 10240]:
            self.assertEqual(await self.client.call("echo", value, timeout=DEADLINE), value)

    async def test_whoami_returns_the_user(self):
        await self.connect(await self.good("bob"))

        answer = await self.client.call("whoami", timeout=DEADLINE)

        self.assertEqual(answer["user"], "bob")

    async def test_a_wrong_token_raises_while_connect_waits(self):
        with self.assertRaises(socketio.exceptions.ConnectionError):
            await self.connect({"token": "not.a.token"})

        await self.assert_refused_once("unauthenticated", "after_login")

    async def test_an_expired_token_raises_while_connect_waits(self):
        auth = await self.expired()

        with self.assertRaises(socketio.exceptions.ConnectionError):
            await self.connect(auth)

        await self.assert_refused_once("token_expired", "after_refresh")

    async def test_a_wrong_token_is_refused_once_without_waiting(self):
        await self.connect({"token": "not.a.token"}, wait=False)

        await self.assert_refused_once("unauthenticated", "after_login")

    async def test_a_missing_token_is_refused_once_without_waiting(self):
        await self.connect(None, wait=False)

        await self.assert_refused_once("unauthenticated", "after_login")

    async def test_an_expired_token_is_refused_once_without_waiting(self):
        await self.connect(await self.expired(), wait=False)

        await self.assert_refused_once("token_expired", "after_refresh")

    async def test_shutdown_stops_a_reconnecting_client_that_is_refused(self):
        client = socketio.AsyncClient()
        refusals = []

        @client.event
        async def connect_error(error):
            refusals.append(error)
            await client.shutdown()

        token = await asyncio.to_thread(self.server.token, "alice", "3s")
        await client.connect(self.server.url, auth={"token": token})
        await asyncio.wait_for(client.wait(), DEADLINE)

        self.assertEqual([refusal["data"]["code"] for refusal in refusals], ["token_expired"])

    async def assert_refused_once(self, code, retry):
        await asyncio.wait_for(self.gone.wait(), DEADLINE)
        await asyncio.sleep(WATCH)
        self.assertEqual(self.attempts, 1)
        self.assertEqual(len(self.refusals), 1)
        refusal = self.refusals[0]
        self.assertEqual(refusal["message"], "Unauthorized")
        self.assertEqual(refusal["data"]["code"], code)
        self.assertEqual(refusal["data"]["retry"], retry)
        self.assertIsInstance(refusal["data"]["id"], str)
        self.assertEqual(self.client.eio.state, "disconnected")
        self.assertFalse(self.client.namespaces)


if __name__ == "__main__":
    unittest.main()
