"""Starts the real server, makes tokens, and waits for things with a deadline.

The binary is named by E2E_DOORWARD. Every server gets a port and a data directory of its own.
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
"""Seconds. python-engineio may miss its own signal to stop writing when two of its threads disconnect
at once, as happens when a CONNECT is refused while connect() waits; it then ends after 30 seconds."""

WATCH = 1.5
"""Seconds in which a client that wants to come back would have done so.

The clients of these tests wait 50 ms before they try again. Nothing happens in this time, so there
is no event to wait for.
"""

RECONNECT = {"reconnection_delay": 0.05, "randomization_factor": 0}
"""Options of a client whose second attempt, if there were one, falls into WATCH."""


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

    def start(self):
        """Starts the server and waits until it says that it listens."""
        self.data_dir = tempfile.mkdtemp(prefix="doorward-e2e-")
        command = [self.binary, "serve", "--listen", "localhost:0", "--data-dir", self.data_dir]
        self._child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        found = queue.Queue()
        threading.Thread(target=self._read, args=(found,), daemon=True).start()
        try:
            self.url = found.get(timeout=DEADLINE)
        except queue.Empty:
            self._child.kill()
            raise AssertionError("the server did not say that it listens") from None
        if self.url is None:
            raise AssertionError(f"the server ended with {self._child.wait()}")
        return self

    def stop(self):
        """Ends the server as an operator would, and removes its data."""
        self._child.terminate()
        try:
            code = self._child.wait(timeout=DEADLINE)
        finally:
            self._child.kill()
            shutil.rmtree(self.data_dir, ignore_errors=True)
        if code != 0:
            raise AssertionError(f"the server ended with {code} after SIGTERM, not with 0")

    def token(self, sub="alice", ttl="5m"):
        """Makes an access token with the server's own command."""
        command = [self.binary, "token", "--sub", sub, "--ttl", ttl, "--data-dir", self.data_dir]
        made = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=True)
        return made.stdout.strip()

    def revoke(self, sub):
        """Ends a user's sockets with the server's own command."""
        command = [self.binary, "revoke", "--user", sub, "--data-dir", self.data_dir]
        subprocess.run(command, capture_output=True, timeout=DEADLINE, check=True)

    def expired_token(self):
        """A token whose time is over. The wall clock is the thing waited for, so it is polled."""
        token = self.token(ttl="1s")
        claims = token.split(".")[1]
        padded = claims + "=" * (-len(claims) % 4)
        expiry = json.loads(base64.urlsafe_b64decode(padded))["exp"]
        while time.time() <= expiry:
            time.sleep(0.05)
        return token

    def _read(self, found):
        # The pipe is read to its end: a server that cannot write would stand still.
        with self._child.stdout as lines:
            for line in lines:
                match = re.search(r"listening on (http://localhost:\d+)", line)
                if match:
                    found.put(match.group(1))
        found.put(None)
