#!/bin/sh
# Known weaknesses of all locked packages, by PyPI's advisories. Status 0: each package was looked up and none has one;
# 1: at least one has; 2: the service did not answer for each package, so nothing is known.
# Use: .ci/audit.sh [pip-audit's options, as --vulnerability-service osv]
set -u
if report=$("${PYTHON:-.venv/bin/python}" -m pip_audit --strict --disable-pip --require-hashes --progress-spinner off \
    --requirement requirements.txt --requirement requirements-dev.txt "$@" 2>&1); then
    echo "$report"
elif echo "$report" | grep -q '^Found [0-9]* known vulnerabilit'; then
    echo "$report"
    exit 1
else
    echo "Not audited, the advisory service did not answer for each package: $(echo "$report" | tail -n 1)" >&2
    exit 2
fi
