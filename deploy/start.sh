#!/bin/sh
# Starts one node. Its first start takes the signing key that all nodes have in common.
set -eu
data=/var/lib/doorward
key=${DOORWARD_FIRST_KEY:-/run/secrets/token-key.pem}
if [ ! -e "$data/token-key.pem" ] && [ -e "$key" ]; then
    install -m 600 "$key" "$data/token-key.pem"
fi
exec doorward serve --data-dir "$data" "$@"
