#!/usr/bin/env bash
# Rust: all tests of the workspace, documentation examples included.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"

# What the sinks of streaming export are tested against is there after setup: without it their tests fail.
export CHIME_TEST_SERVERS=1 PATH=$PATH:$venv_servers/bin

if cargo nextest --version >/dev/null 2>&1; then
  cargo nextest run --workspace
  cargo test --workspace --doc
else
  cargo test --workspace
fi
