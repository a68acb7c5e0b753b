#!/usr/bin/env bash
# Every fuzz target, or those named, for FUZZ_SECONDS (20) each. Installs cargo-fuzz when it is missing; needs a C++
# compiler. What a target finds stays in the cache, from where it is read at the next run; what breaks one is printed.
#
# No sanitizer: the workspace forbids unsafe code, so that what can go wrong is a panic or a failed claim, which need
# none; and the stable toolchain serves.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root/tests"

if ! cargo fuzz --version >/dev/null 2>&1; then
  echo "fuzz: installing cargo-fuzz" >&2
  cargo install --locked --quiet cargo-fuzz || {
    echo "fuzz: missing: cargo-fuzz, which could not be installed (cargo install cargo-fuzz)" >&2
    exit 1
  }
fi
command -v c++ >/dev/null || { echo "fuzz: missing: a C++ compiler (apt install g++)" >&2; exit 1; }

export RUSTC_BOOTSTRAP=1
CARGO_TARGET_DIR=$CARGO_TARGET_DIR/fuzz
kept=$cache/fuzz
options=(--fuzz-dir fuzz --sanitizer none)
targets=("$@")
if [ "${#targets[@]}" -eq 0 ]; then mapfile -t targets < <(cargo fuzz list --fuzz-dir fuzz); fi
cargo fuzz build "${options[@]}"
failed=()
for target in "${targets[@]}"; do
  echo "== $target"
  mkdir -p "$kept/$target" "$kept/artifacts"
  cargo fuzz run "${options[@]}" "$target" "$kept/$target" "fuzz/seeds/$target" -- \
    "-max_total_time=${FUZZ_SECONDS:-20}" -rss_limit_mb=2048 -timeout=10 -print_final_stats=1 -verbosity=0 \
    "-artifact_prefix=$kept/artifacts/$target-" || failed+=("$target")
done
if [ "${#failed[@]}" -gt 0 ]; then
  echo "fuzz: failed: ${failed[*]}; the inputs are in $kept/artifacts" >&2
  exit 1
fi
echo "fuzz: ${#targets[@]} targets, nothing found"
