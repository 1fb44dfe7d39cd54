#!/usr/bin/env bash
# Installs what building (HDF5) and testing need and this machine lacks: with --python the Python
# packages that read our files, with --browser Chromium, in which the report of `dinv validate` is
# tested. Does nothing where everything is there, so it can be run any time.
#
#   scripts/install-dependencies.sh [--python] [--browser]
#
# Debian and Ubuntu through apt-get (with sudo unless root), macOS through Homebrew. Python
# packages go into target/venv and nowhere else.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

VENV=target/venv
REQUIREMENTS=scripts/python-requirements.txt

say() { printf '==> %s\n' "$*" >&2; }

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# Runs a command as root and says so.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    say "$*"
    "$@"
  elif have sudo; then
    say "sudo $*"
    # Without a terminal nobody can type a password: fail instead of waiting for one.
    if [ -t 0 ]; then sudo "$@"; else sudo -n "$@"; fi
  else
    die "root is needed for: $*"
  fi
}

# Installs Debian packages.
apt_install() {
  local wait=(-o DPkg::Lock::Timeout=300)
  as_root env DEBIAN_FRONTEND=noninteractive apt-get "${wait[@]}" update -q
  as_root env DEBIAN_FRONTEND=noninteractive apt-get "${wait[@]}" install -q -y \
    --no-install-recommends "$@"
}

need_rust() {
  have cargo && return
  # A fresh rustup is not on the path of the shell that installed it.
  [ -x "$HOME/.cargo/bin/cargo" ] || die "Rust is missing: see https://rustup.rs"
  die "cargo is not on the path: run '. \"\$HOME/.cargo/env\"' and start again"
}

need_hdf5() {
  # HDF5_DIR says where the library is if it is in an unusual place.
  [ -z "${HDF5_DIR:-}" ] || return 0
  if have pkg-config && { pkg-config --exists hdf5 || pkg-config --exists hdf5-serial; }; then
    return
  fi
  if [ "$(uname)" = Darwin ] && have brew; then
    # The build finds Homebrew's HDF5 without pkg-config.
    brew list --versions hdf5 >/dev/null 2>&1 && return
    say "brew install hdf5"
    brew install hdf5
  elif have apt-get; then
    apt_install libhdf5-dev pkg-config
  else
    die "HDF5 is missing: install its development files, or set HDF5_DIR"
  fi
}

need_python() {
  if [ -n "${DINV_PYTHON:-}" ]; then
    say "Python from DINV_PYTHON: $DINV_PYTHON"
    return
  fi
  # ensurepip is what Debian splits off into python3-venv.
  if ! have python3 || ! python3 -c 'import ensurepip, venv' >/dev/null 2>&1; then
    if [ "$(uname)" = Darwin ] && have brew; then
      say "brew install python"
      brew install python
    elif have apt-get; then
      apt_install python3 python3-venv
    else
      die "Python 3 with the venv module is missing"
    fi
  fi
  # The copy of the list inside the environment tells whether it is up to date.
  if [ -x "$VENV/bin/python" ] && cmp -s "$REQUIREMENTS" "$VENV/installed.txt"; then
    return
  fi
  say "Python packages of $REQUIREMENTS go to $VENV"
  rm -rf "$VENV"
  mkdir -p target
  python3 -m venv "$VENV"
  "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check -r "$REQUIREMENTS"
  cp "$REQUIREMENTS" "$VENV/installed.txt"
}

need_browser() {
  # The names under which tests look for it, unless DINV_CHROMIUM says where it is.
  if [ -n "${DINV_CHROMIUM:-}" ] || have chromium || have chromium-browser || have google-chrome; then
    return
  fi
  if [ "$(uname)" = Darwin ] && have brew; then
    say "brew install --cask chromium"
    brew install --cask chromium
  elif have apt-get; then
    apt_install chromium
  else
    die "Chromium is missing: install it, or set DINV_CHROMIUM"
  fi
}

need_rust
need_hdf5
for argument in "$@"; do
  case $argument in
    --python) need_python ;;
    --browser) need_browser ;;
    *) die "unknown argument $argument; usage: scripts/install-dependencies.sh [--python] [--browser]" ;;
  esac
done
