#!/bin/sh
# All tests in three runs side by side on two processors. The tests against mail servers and in Chromium mostly wait,
# so that their run leaves processor time to the others. The long ones run with a lower priority (nice), because the
# remaining tests measure time.
# Use: .ci/tests.sh [PYTHON]
set -u
python=${1:-.venv/bin/python}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$python" -m pytest -m "lab or browser" >"$folder/lab" 2>&1 &
lab=$!
nice "$python" -m pytest -m "long and not (lab or browser)" >"$folder/long" 2>&1 &
long=$!
"$python" -m pytest -m "not (lab or browser or long)"
others_ended=$?
wait "$long"
long_ended=$?
wait "$lab"
lab_ended=$?
echo
echo "The long tests:"
cat "$folder/long"
echo
echo "The tests against mail servers and in Chromium:"
cat "$folder/lab"
[ "$others_ended" = 0 ] && [ "$long_ended" = 0 ] && [ "$lab_ended" = 0 ]
