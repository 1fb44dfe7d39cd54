#!/usr/bin/env bash
# Installs what is missing, builds the program, inverts the hidden layers of a network trained on
# MNIST for one test image, draws the trajectory, and prints where both files are.
#
#   scripts/demo.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/install-dependencies.sh

cargo build --release --locked
# CARGO_TARGET_DIR may point elsewhere.
dinv=${CARGO_TARGET_DIR:-target}/release/dinv
folder=target/demo
result=$folder/mnist_layer_inversion.h5
picture=$folder/mnist_layer_inversion.png
mkdir -p "$folder"

"$dinv" run models/mnist_layer_inversion.toml --output "$result" --force
"$dinv" plot "$result" --output "$picture" --force

printf '\nResult:  %s\nPicture: %s\n' "$PWD/$result" "$PWD/$picture"
printf 'Look at the result with: %s inspect %s\n' "$dinv" "$result"
