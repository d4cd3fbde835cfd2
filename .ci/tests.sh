#!/bin/sh
# All tests in three runs side by side. Those that wait, for mail servers and Chromium, leave much of the two
# processors free; what takes long gets what the others leave, so that nobody who watches a clock waits for it.
# Use: .ci/tests.sh
set -u
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
.venv/bin/python -m pytest -m "lab or browser" >"$folder/lab" 2>&1 &
lab=$!
nice .venv/bin/python -m pytest -m "long and not (lab or browser)" >"$folder/long" 2>&1 &
long=$!
.venv/bin/python -m pytest -m "not (lab or browser or long)"
others_ended=$?
wait "$long"
long_ended=$?
wait "$lab"
lab_ended=$?
echo
echo "The tests that take long:"
cat "$folder/long"
echo
echo "The tests that wait for mail servers and Chromium:"
cat "$folder/lab"
[ "$others_ended" = 0 ] && [ "$long_ended" = 0 ] && [ "$lab_ended" = 0 ]
