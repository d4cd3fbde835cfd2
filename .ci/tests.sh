#!/bin/sh
# All tests in two runs side by side: those that wait, for mail servers (hostile ones, too) and Chromium, and the others.
# Use: .ci/tests.sh
set -u
log=$(mktemp)
trap 'rm -f "$log"' EXIT
.venv/bin/python -m pytest -m "lab or browser or hostile" >"$log" 2>&1 &
lab=$!
.venv/bin/python -m pytest -m "not (lab or browser or hostile)"
others_ended=$?
wait "$lab"
lab_ended=$?
echo
echo "The tests that wait for mail servers and Chromium:"
cat "$log"
[ "$others_ended" = 0 ] && [ "$lab_ended" = 0 ]
