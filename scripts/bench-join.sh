#!/usr/bin/env bash
# How long the unmodified client in a real browser takes to hear a meeting, with a release server. ROUNDS joins (20).
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"
"$root/scripts/setup.sh" test
cargo build --release -p chime-server --bin chime-server
export CHIME_SERVER_BIN=$CARGO_TARGET_DIR/release/chime-server
cd "$js_dir" && exec node --no-warnings join-times.mjs "${ROUNDS:-20}"
