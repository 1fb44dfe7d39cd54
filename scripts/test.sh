#!/usr/bin/env bash
# Installs what is missing and runs the whole test suite, documentation tests and examples
# included. Arguments go to `cargo test`.
#
#   scripts/test.sh [--test cli] [-- filter]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/install-dependencies.sh --python

# The interoperability tests read our files with this interpreter.
export DINV_PYTHON=${DINV_PYTHON:-$PWD/target/venv/bin/python}

# One profile for everything: the release build of the dependencies is the cheapest one that runs
# the numerical tests in seconds. `diffsol` adds the independent solver used for cross-checks.
cargo test --release --locked --features diffsol "$@"
