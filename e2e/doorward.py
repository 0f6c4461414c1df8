"""Starts the real server, makes tokens, and waits for things with a deadline.

E2E_DOORWARD is the path of the binary. Every server has its own port and data directory.
"""

import base64
import json
import os
import queue
import re
import shutil
import subprocess
import tempfile
import threading
import time

DEADLINE = 50
"""Seconds until a wait fails. python-engineio may miss its own signal to stop writing if two of its threads
disconnect at once, as after a refused CONNECT while connect() waits. It then takes 30 seconds to end."""

WATCH = 1.5
"""Seconds within which a client that reconnects would have done so.

The clients of these tests wait 50 ms before they retry. Nothing happens in this time, so there is no
event to wait for.
"""

RECONNECT = {"reconnection_delay": 0.05, "randomization_factor": 0}
"""Options of a client whose second attempt, if any, happens within WATCH."""


class Doorward:
    """A running server; use it with `with`, or `start` and `stop`."""

    def __init__(self):
        self.binary = os.environ["E2E_DOORWARD"]
        self.data_dir = None
        self.url = None
        self._child = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def start(self, listen="localhost:0", data_dir=None):
        """Starts the server and waits until it prints its address."""
        self.data_dir = data_dir or tempfile.mkdtemp(prefix="doorward-e2e-")
        command = [self.binary, "serve", "--listen", listen, "--data-dir", self.data_dir]
        self._child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        found = queue.Queue()
        threading.Thread(target=self._read, args=(found,), daemon=True).start()
        try:
            self.url = found.get(timeout=DEADLINE)
        except queue.Empty:
            self._child.kill()
            raise AssertionError("the server did not print its address") from None
        if self.url is None:
            raise AssertionError(f"the server ended with {self._child.wait()}")
        return self

    def terminate(self):
        """Sends SIGTERM and waits until the server has exited."""
        self._child.terminate()
        self._child.wait(timeout=DEADLINE)

    def stop(self):
        """Stops the server as an operator would, and removes its data."""
        self._child.terminate()
        try:
            code = self._child.wait(timeout=DEADLINE)
        finally:
            self._child.kill()
            shutil.rmtree(self.data_dir, ignore_errors=True)
        if code != 0:
            raise AssertionError(f"the server ended with {code} after SIGTERM, not with 0")

    def token(self, sub="alice", ttl="5m"):
        """Creates an access token with the command of the server."""
        command = [self.binary, "token", "--sub", sub, "--ttl", ttl, "--data-dir", self.data_dir]
        made = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=True)
        return made.stdout.strip()

    def revoke(self, sub):
        """Revokes a user with the command of the server."""
        command = [self.binary, "revoke", "--user", sub, "--data-dir", self.data_dir]
        subprocess.run(command, capture_output=True, timeout=DEADLINE, check=True)

    def expired_token(self):
        """Returns an expired token. Polls, because only the wall clock makes it expire."""
        token = self.token(ttl="1s")
        claims = token.split(".")[1]
        padded = claims + "=" * (-len(claims) % 4)
        expiry = json.loads(base64.urlsafe_b64decode(padded))["exp"]
        while time.time() <= expiry:
            time.sleep(0.05)
        return token

    def _read(self, found):
        # Reads to the end: a server that cannot write to its pipe would block.
        with self._child.stdout as lines:
            for line in lines:
                match = re.search(r"listening on (http://localhost:\d+)", line)
                if match:
                    found.put(match.group(1))
        found.put(None)
