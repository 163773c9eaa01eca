# Needs Rust and make. The tests need PostgreSQL, Chromium and npm, which they install on Debian as root (tests/setup). `make bench` also uses hyperfine, ripgrep, valgrind and Hyperscan where they are at hand.

.PHONY: check test bench dev rule rules-page frequency

# All that CI runs.
check:
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	cargo check --locked --no-default-features
	$(MAKE) test

test:
	cargo test --locked

# Speed against peers, measured in the same run.
bench:
	benches/run

# Diagnose a log with the rules as they are on disk: make dev LOG=build.log
dev:
	cargo run --quiet -- --rules rules $(if $(LOG),$(LOG),examples/bazel-in-nix-unknown-host.log)

# A new rule from the scaffold: make rule ID=nix/build/hash-mismatch
rule:
	cargo run --quiet -- rules new $(ID)
	@echo "write it, then: make check"

# The page of all rules, rules/README.md, and what is confused in the labelled logs where they are at hand.
rules-page:
	cargo run --release --quiet -- rules list --format markdown > target/rules.md
	mv target/rules.md rules/README.md
	WHYRED_CONFUSION=rules/README.md cargo test --release --quiet --test corpus what_is_confused

# Anew the table of what ordinary logs hold: make frequency LOGS="a.log folder"
frequency:
	cargo run --release --example frequency -- src/engine/frequency.bin $(LOGS)
