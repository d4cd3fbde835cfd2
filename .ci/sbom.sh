#!/bin/sh
# The bill of materials of what the portal runs on, from requirements.txt: CycloneDX 1.6 JSON with versions and hashes.
# Use: .ci/sbom.sh FILE
set -eu
# It warns that a requirements file does not say which package needs which.
PYTHONWARNINGS=ignore exec "${PYTHON:-.venv/bin/python}" -m cyclonedx_py requirements --output-reproducible \
    --pyproject pyproject.toml --spec-version 1.6 --output-format JSON --output-file "$1" requirements.txt
