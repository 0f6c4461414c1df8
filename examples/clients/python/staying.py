"""Reconnects when waiting or another token helps, and stops when only a person can help.

    pip install "python-socketio[asyncio-client]"
    TOKENS=http://localhost:4000/token python staying.py [http://localhost:3000]

TOKENS is the route of your application that answers with an access token.
"""

import asyncio
import contextlib
import os
import random
import sys

import aiohttp
import socketio


async def fresh_token(http):
    async with http.get(os.environ["TOKENS"], raise_for_status=True) as answer:
        return (await answer.text()).strip()


# #region staying
async def stay(http, url, connected):
    """Returns the reason when only a person can help. To end it, cancel its task."""
    failures = 0
    while True:
        why = {"code": "no_answer", "retry": "later"}  # A transport that closes gives no reason.
        client = socketio.AsyncClient(reconnection=False, handle_sigint=False, http_session=http)

        @client.event
        def connect_error(error):
            nonlocal why
            if isinstance(error, dict) and "code" not in error:  # Otherwise a transport has failed.
                why = error.get("data", {"code": error["message"]})

        @client.event
        def session_ended(ended):
            nonlocal why
            why = ended

        @client.on("auth:expiring")
        async def refresh(_):
            with contextlib.suppress(aiohttp.ClientError):  # Then it ends, and reconnects with a new token.
                await client.emit("auth:refresh", {"token": await fresh_token(http)})

        @client.event
        def disconnect(reason):
            nonlocal why
            if reason != client.reason.TRANSPORT_ERROR and why["code"] == "no_answer":
                why = {"code": reason}

        try:
            auth = {"token": await fresh_token(http)}
            await client.connect(url, auth=auth, wait_timeout=10)
            failures = 0
            await connected(client)
            await client.wait()
        except (socketio.exceptions.ConnectionError, aiohttp.ClientError):
            pass
        finally:
            await client.shutdown()

        if why.get("retry") not in ("after_refresh", "later"):
            return why["code"]
        print(f"not now: {why['code']}", flush=True)
        pause = min(2**failures, 60) * random.uniform(1, 1.25)
        failures += 1
        await asyncio.sleep(max(pause, why.get("retryAfter", 0)))
# #endregion


async def greet(client):
    print(f"connected as {(await client.call('whoami'))['user']}", flush=True)


async def main():
    url = sys.argv[1] if len(sys.argv) > 1 else "http://localhost:3000"
    async with aiohttp.ClientSession() as http:
        print(f"stopped: {await stay(http, url, greet)}")


try:
    asyncio.run(main())
except KeyboardInterrupt:
    pass
