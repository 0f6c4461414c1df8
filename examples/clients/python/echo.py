"""Connects with an access token, asks who it is, and gets an echo.

    pip install "python-socketio[client]"
    TOKEN=$(doorward token --sub alice) python echo.py [http://localhost:3000]
"""

import os
import sys

import socketio

url = sys.argv[1] if len(sys.argv) > 1 else "http://localhost:3000"

with socketio.SimpleClient() as client:
    try:
        client.connect(url, auth={"token": os.environ.get("TOKEN")})
    except socketio.exceptions.ConnectionError as error:
        sys.exit(f"not connected: {error}")
    print(f"connected as {client.call('whoami')['user']}")
    print(f"echo: {client.call('echo', 'hello')}")
