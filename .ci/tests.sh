#!/bin/sh
# All tests in two runs side by side: those in Chromium, which wait more than they work, and the others.
# Use: .ci/tests.sh
set -u
log=$(mktemp)
trap 'rm -f "$log"' EXIT
.venv/bin/python -m pytest -m browser >"$log" 2>&1 &
browser=$!
.venv/bin/python -m pytest -m "not browser"
others_ended=$?
wait "$browser"
browser_ended=$?
echo
echo "The tests in Chromium:"
cat "$log"
[ "$others_ended" = 0 ] && [ "$browser_ended" = 0 ]
