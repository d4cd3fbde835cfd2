#!/bin/sh
# Tests with each Python and Django that the portal supports, as far as they are installed; says what was skipped.
# Each pair has a virtual environment of its own, `.venv-PYTHON-djangoVERSION`, which the next run uses again.
# Use: .ci/matrix.sh    (FULL=1: all tests, some 15 minutes for each pair, instead of `make quick`'s)
set -u
failed=""

find_python() {  # prints the path of this version; pyenv puts programs on PATH that only say that there is none
    for candidate in "$(command -v "python$1")" "$HOME/.pyenv/versions/$1".*/bin/python; do
        if "$candidate" -c "import venv, ensurepip" 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

install() {  # PYTHON FOLDER DJANGO
    # What was installed from other requirements is made anew.
    cmp -s requirements-dev.txt "$2/.installed" && return
    rm -rf "$2"
    "$1" -m venv "$2" || return
    "$2/bin/pip" --disable-pip-version-check --quiet install --require-hashes -r requirements-dev.txt || return
    # The lock file pins the Django that is shipped. Another one has no hash there, and is only tested with.
    [ "$3" = 5.2 ] ||
        "$2/bin/pip" --disable-pip-version-check --quiet install "Django~=$3.0" || return
    cp requirements-dev.txt "$2/.installed"
}

for version in 3.11 3.12 3.13 3.14; do
    if ! python=$(find_python "$version"); then
        echo "Python $version: skipped, neither on PATH nor in ~/.pyenv/versions, or without its venv module"
        continue
    fi
    for django in 5.2 6.1; do
        name="Python $version, Django $django"
        if [ "$version$django" = 3.116.1 ]; then
            echo "$name: skipped, Django 6 wants Python 3.12 or newer"
            continue
        fi
        folder=".venv-$version-django$django"
        echo "$name:"
        if ! install "$python" "$folder" "$django"; then
            failed="$failed
$name: could not be installed"
            continue
        fi
        if [ -n "${FULL:-}" ]; then
            .ci/tests.sh "$folder/bin/python"
        else
            .ci/quick.sh "$folder/bin/python"
        fi || failed="$failed
$name: failed"
    done
done
[ -z "$failed" ] || { echo "$failed" >&2; exit 1; }
