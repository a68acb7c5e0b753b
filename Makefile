# Two commands: `make run` starts the server, `make test` runs every test. The others are their parts.
# Caches live in $XDG_CACHE_HOME/chime (or ~/.cache/chime); set CARGO_TARGET_DIR to build elsewhere.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.NOTPARALLEL:
.PHONY: run test setup lint test-rust test-sdk bench load faults fuzz deny deb config-reference alerts

ENV := . scripts/env.sh
DATA ?= ./data
HTTP ?= 127.0.0.1:8080
HTTPS ?= 127.0.0.1:8443
ARGS ?=

run:
	@scripts/setup.sh run
	@$(ENV); cargo build --release -p chime-server --bin chime-server
	@$(ENV); exec "$$CARGO_TARGET_DIR/release/chime-server" serve --data-dir $(DATA) \
	    --http-listen $(HTTP) --https-listen $(HTTPS) $(ARGS)

test: setup lint test-rust test-sdk

setup:
	@scripts/setup.sh test

lint:
	@$(ENV); cargo fmt --all --check
	@$(ENV); cargo clippy --workspace --all-targets -- -D warnings
	@$(ENV); RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

test-rust:
	@scripts/test-rust.sh

test-sdk:
	@scripts/setup.sh test
	@scripts/test-sdk.sh $(SUITES)

bench:
	@$(ENV); cargo bench -p chime-benches

# LOAD: a scenario of chime-load with its options; its --help lists them. `nodes` and `export` start Postgres and
# nats-server, which `make setup` installs.
LOAD ?= deliver
load:
	@$(ENV); cargo build --release -p chime-server -p chime-benches
	@$(ENV); exec "$$CARGO_TARGET_DIR/release/chime-load" $(LOAD)

# ROUNDS: kills of each set-up; other faults get a share. FAULTS: parts of names of faults, all if empty.
ROUNDS ?= 100
FAULTS ?=
faults:
	@scripts/setup.sh test
	@scripts/faults.sh $(ROUNDS) $(FAULTS)

fuzz:
	@scripts/fuzz.sh

# Licences, bans and sources of all dependencies; advisories too where their list can be fetched (ADVISORIES=1).
deny:
	@$(ENV); command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
	@$(ENV); cargo deny check licenses bans sources $(if $(ADVISORIES),advisories)

# A Debian package of the server, in CARGO_TARGET_DIR/debian.
deb:
	@scripts/setup.sh run
	@$(ENV); command -v cargo-deb >/dev/null || cargo install --locked cargo-deb
	@$(ENV); cargo deb -p chime-server --locked

# docs/configuration.md from what the server knows.
config-reference:
	@$(ENV); cargo build -p chime-server --bin chime-server
	@$(ENV); "$$CARGO_TARGET_DIR/debug/chime-server" config schema | scripts/config-reference.py > docs/configuration.md.new
	@mv docs/configuration.md.new docs/configuration.md

# The alert rules: syntax, and what each of them fires for. Needs promtool, from Debian's package `prometheus`.
alerts:
	@command -v promtool >/dev/null || { echo "alerts: missing: promtool (apt install prometheus)" >&2; exit 1; }
	@cd deploy/prometheus; promtool check config prometheus.yml; promtool test rules alerts-test.yml
