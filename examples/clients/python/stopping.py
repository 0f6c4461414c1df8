"""Connects with one token, and stops when the server refuses it, also on a reconnect.

    pip install "python-socketio[client]"
    TOKEN=$(doorward token --sub alice) python stopping.py [http://localhost:3000]
"""

import os
import sys

import socketio

client = socketio.Client()


# #region stopping
@client.event
def connect_error(error):
    if isinstance(error, dict) and "code" not in error:  # Otherwise a transport has failed.
        print(f"refused: {error['message']}")
        client.shutdown()  # Otherwise a reconnecting client retries every five seconds.
# #endregion


url = sys.argv[1] if len(sys.argv) > 1 else "http://localhost:3000"
try:
    client.connect(url, auth={"token": os.environ.get("TOKEN")})
    print(f"connected as {client.call('whoami')['user']}")
    client.wait()
except socketio.exceptions.ConnectionError as error:
    sys.exit(f"not connected: {error}")
