#!/bin/sh
# Makes .venv with a Python that is new enough; says which package is missing otherwise.
# Use: .ci/python.sh  (PYTHON= names an interpreter)
set -eu
found=""
for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
    if command -v "$candidate" >/dev/null 2>&1 &&
        "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        found="$candidate"
        break
    fi
done
if [ -z "$found" ]; then
    echo "No Python 3.11 or newer was found. On Debian 12 or Ubuntu 24.04:  sudo apt-get install python3 python3-venv" >&2
    exit 1
fi
if ! "$found" -c 'import ensurepip, venv' 2>/dev/null; then
    version=$("$found" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    package="python3-venv"
    [ "$(command -v "$found")" = "/usr/bin/python3" ] || package="python$version-venv"
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "Installing $package"
        apt-get update -q >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -q -y "$package" >/dev/null || true
    fi
    if ! "$found" -c 'import ensurepip, venv' 2>/dev/null; then
        echo "Python's venv module is missing. Install it, then try again:  sudo apt-get install $package" >&2
        exit 1
    fi
fi
[ -x .venv/bin/python ] && .venv/bin/python -c '' 2>/dev/null || { rm -rf .venv; "$found" -m venv .venv; }
