#!/usr/bin/env bash
# Commits per second of the Postgres store on a private, syncing server in TMPDIR, and what that server gives by itself;
# and how much later another node has a message, over a private NATS.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"

bin=$(dirname "$(compgen -G '/usr/lib/postgresql/*/bin/postgres' | sort -V | tail -1)")
cargo build --release -p chime-adapters --features postgres,nats --example postgres_commits --example cluster_hop
place=$(mktemp -d)
as=()
if [ "$(id -u)" = 0 ]; then
  chown postgres "$place"
  as=(setpriv --reuid=postgres --regid=postgres --clear-groups)
fi
(cd / && "${as[@]}" "$bin/initdb" -D "$place/data" -U chime -A trust -E UTF8 --no-locale >/dev/null)
free() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
port=$(free)
bus=$(free)
(cd / && exec "${as[@]}" "$bin/postgres" -D "$place/data" -c "port=$port" -c listen_addresses=127.0.0.1 \
  -c unix_socket_directories= -c shared_buffers=256MB -c max_wal_size=4GB >/dev/null 2>&1) &
pid=$!
nats-server -a 127.0.0.1 -p "$bus" >/dev/null 2>&1 &
nats=$!
trap 'kill -INT $pid $nats; wait $pid $nats || true; rm -rf "$place"' EXIT
until "$bin/pg_isready" -q -h 127.0.0.1 -p "$port"; do sleep 0.1; done
"$CARGO_TARGET_DIR/release/examples/postgres_commits" "postgres://chime@127.0.0.1:$port/postgres"
"$bin/createdb" -h 127.0.0.1 -p "$port" -U chime hop
"$CARGO_TARGET_DIR/release/examples/cluster_hop" "postgres://chime@127.0.0.1:$port/hop" "nats://127.0.0.1:$bus"
