#!/bin/sh
# The tests that say within a minute whether a change broke something: one file or two of each part, and none that
# needs another server or Chromium.
# Use: .ci/quick.sh [PYTHON]
set -eu
exec "${1:-.venv/bin/python}" -m pytest -q -p no:cacheprovider -m "not (lab or browser or long)" \
    tests/test_accounts.py \
    tests/test_admin.py \
    tests/test_autoconfig.py \
    tests/test_rate_limits.py \
    tests/test_docs.py \
    tests/test_env.py \
    tests/test_health.py \
    tests/test_markup_compile.py \
    tests/test_middleware.py \
    tests/test_models.py \
    tests/test_page_errors.py \
    tests/test_page_guides.py \
    tests/test_page_home.py \
    tests/test_page_settings.py \
    tests/test_redact.py \
    tests/test_secret.py \
    tests/test_tables.py \
    tests/test_translations.py
