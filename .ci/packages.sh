#!/bin/sh
# Debian or Ubuntu packages that the tests need: installs what is missing when it may, else names it and fails.
# Use: .ci/packages.sh PACKAGE...
set -eu
missing=""
for package in "$@"; do
    dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    as_root=""
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root="sudo"
else
    echo "These packages are missing:$missing" >&2
    echo "Install them, then try again:  sudo apt-get install --no-install-recommends$missing" >&2
    exit 1
fi
echo "Installing what the tests need:$missing"
$as_root apt-get update -q >/dev/null
# shellcheck disable=SC2086  # a list of words on purpose
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing >/dev/null
