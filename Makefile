# make run   fetches what is missing, builds, opens the window on the built-in datasets
# make test  fetches what is missing, runs formatting, lints and all tests
.PHONY: run test setup bench pictures clean

# One profile for all, so that nothing is built twice; see Cargo.toml.
run:
	@scripts/setup-system.sh window
	@scripts/setup-libtorch.sh
	cargo run --bin reid-workbench

test:
	@scripts/setup-system.sh test
	@scripts/setup-libtorch.sh
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings
	cargo test
	@if command -v cargo-deny >/dev/null 2>&1; then cargo deny check licenses bans sources; else echo "cargo-deny is not installed; licences and duplicates were not checked"; fi

setup:
	@scripts/setup-system.sh window
	@scripts/setup-libtorch.sh

bench:
	@scripts/setup-libtorch.sh
	cargo bench --profile dev

# The pictures of README and docs/pictures, from a demo run of its own (about five minutes).
pictures:
	@scripts/setup-libtorch.sh
	scripts/pictures.sh

clean:
	cargo clean
	rm -rf .libtorch
