# make run   fetches what is missing, builds, opens the window on the built-in datasets
# make test-long  kills, full disks and faults, by the hundred; not part of make test
# make test  fetches what is missing, runs formatting, lints and all tests
.PHONY: run test test-long test-cluster setup bench pictures guide package clean

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
	@scripts/test.sh
	@scripts/deny.sh

# Kills at random moments, full disks, faults of every kind of system call, two processes: half an hour, so by itself.
test-long:
	@scripts/setup-libtorch.sh
	cargo test --test long

# Arrays of a real Slurm on loopback, with its kills; part of make test, and by itself here.
test-cluster:
	@scripts/setup-system.sh test
	@scripts/setup-libtorch.sh
	cargo test --test it -- slurm:: --nocapture

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

# The pictures of docs/guide, from the run that comes with the program.
guide:
	@scripts/setup-libtorch.sh
	scripts/guide.sh

# A tarball and a .deb with libtorch's CPU part, in target/package.
package:
	@scripts/setup-libtorch.sh
	scripts/package.sh

clean:
	cargo clean
	rm -rf .libtorch
