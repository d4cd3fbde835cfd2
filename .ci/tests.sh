#!/bin/sh
# All tests in three runs side by side on two processors. The tests against mail servers and in Chromium mostly wait,
# so that their run leaves processor time to the others. The long ones run with a lower priority (nice), because the
# remaining tests measure time.
# Tests that failed beside the other runs are run once more alone, because several measure time and the machine may be
# loaded; both runs are printed, and a test that fails alone, too, fails the whole.
# Use: .ci/tests.sh [PYTHON]
set -u
python=${1:-.venv/bin/python}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
lab="lab or browser"
long="long and not (lab or browser)"
others="not (lab or browser or long)"
"$python" -m pytest -o cache_dir="$folder/lab.cache" -m "$lab" >"$folder/lab" 2>&1 &
lab_process=$!
nice "$python" -m pytest -o cache_dir="$folder/long.cache" -m "$long" >"$folder/long" 2>&1 &
long_process=$!
"$python" -m pytest -o cache_dir="$folder/others.cache" -m "$others"
others_ended=$?
wait "$long_process"
long_ended=$?
wait "$lab_process"
lab_ended=$?
echo
echo "The long tests:"
cat "$folder/long"
echo
echo "The tests against mail servers and in Chromium:"
cat "$folder/lab"

# again NAME EXPRESSION ENDED: 0 when the run ended well, or when all tests that failed pass alone. pytest's 1 is "tests failed".
again() {
	[ "$3" = 1 ] || return "$3"
	echo
	echo "Once more, alone: what failed of \"$2\""
	"$python" -m pytest -o cache_dir="$folder/$1.cache" -m "$2" --last-failed --last-failed-no-failures none
}
failed=0
again others "$others" "$others_ended" || failed=1
again long "$long" "$long_ended" || failed=1
again lab "$lab" "$lab_ended" || failed=1
exit "$failed"
