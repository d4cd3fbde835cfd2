# Two commands matter: `make run` and `make test`. Each does all its own set-up.

SHELL := /bin/sh
PYTHON_IN_VENV := .venv/bin/python
PIP := .venv/bin/pip --disable-pip-version-check --quiet
TEST_PACKAGES := chromium dovecot-core dovecot-imapd dovecot-pop3d postfix gettext fonts-noto-core fonts-noto-cjk libxml2-utils nginx-light postgresql redis-server
BENCH_PACKAGES := wrk nginx-light redis-server dovecot-core dovecot-imapd dovecot-pop3d postfix

export PYTHONDONTWRITEBYTECODE ?=

.PHONY: help run test quick test-matrix test-clients slow check bench fuzz lock audit sbom messages clean

help:  ## say what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

.venv/.made: .ci/python.sh
	@.ci/python.sh
	@touch $@

.venv/.run: .venv/.made requirements.txt
	@echo "Installing Python packages into .venv"
	@$(PIP) install --require-hashes -r requirements.txt
	@touch $@

.venv/.dev: .venv/.run requirements-dev.txt
	@$(PIP) install --require-hashes -r requirements-dev.txt
	@touch $@

run: .venv/.run  ## a portal on http://127.0.0.1:8000/ from nothing (PORT= moves it)
	@$(PYTHON_IN_VENV) manage.py prepare
	@exec .venv/bin/gunicorn --config python:helpdesk.gunicorn

test: .venv/.dev  ## everything from nothing to a tested tree
	@.ci/packages.sh $(TEST_PACKAGES)
	@$(PYTHON_IN_VENV) manage.py compile_translations
	@$(MAKE) --no-print-directory check
	@.ci/tests.sh

quick: .venv/.dev  ## the tests of a minute, for while you work
	@$(PYTHON_IN_VENV) manage.py compile_translations
	@.ci/quick.sh

test-matrix: .venv/.dev  ## quick, or all tests with FULL=1, on each Python and Django that is installed
	@[ -z "$(FULL)" ] || .ci/packages.sh $(TEST_PACKAGES)
	@$(PYTHON_IN_VENV) manage.py compile_translations
	@FULL=$(FULL) .ci/matrix.sh

bench: .venv/.dev  ## ratios of speed, written to benchmarks/results/ (about 30 minutes)
	@.ci/packages.sh $(BENCH_PACKAGES)
	@$(PYTHON_IN_VENV) -m benchmarks.run

slow: .venv/.dev  ## 400 slow or unfinished connections of six kinds, to the default set-up and the proxy (ten minutes)
	@.ci/packages.sh nginx-light redis-server
	@$(PYTHON_IN_VENV) manage.py compile_translations
	@$(PYTHON_IN_VENV) -m pytest -s tests/check_slow_connections.py

test-clients: .venv/.dev  ## real mail clients read what the portal publishes (as root)
	@.ci/packages.sh thunderbird
	@$(PYTHON_IN_VENV) manage.py compile_translations
	@$(PYTHON_IN_VENV) -m pytest tests/clients/check_thunderbird.py

check: .venv/.dev  ## style, types, floors, migrations, deployment settings
	@.venv/bin/ruff check --quiet .
	@.venv/bin/ruff format --check --quiet .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-logo
	@$(PYTHON_IN_VENV) manage.py makemigrations --check --dry-run
	@BASE_URL=https://help.example.net SECRET_KEY=$$($(PYTHON_IN_VENV) -c 'import secrets; print(secrets.token_urlsafe(64))') \
		$(PYTHON_IN_VENV) manage.py check --deploy --fail-level WARNING

.venv-fuzz/.made: .venv/.run requirements.txt
	@$(PYTHON_IN_VENV) -m venv .venv-fuzz
	@.venv-fuzz/bin/pip --disable-pip-version-check --quiet install --require-hashes -r requirements.txt
	@.venv-fuzz/bin/pip --disable-pip-version-check --quiet install 'atheris>=2.3,<4'
	@touch $@

fuzz: .venv-fuzz/.made .venv/.dev  ## fuzz what reads a mail server's words, for SECONDS (60), run every processor bomb and 50,000 random requests
	@.venv-fuzz/bin/python -m tests.fuzz $(or $(SECONDS),60)
	@BOMBS=all $(PYTHON_IN_VENV) -m pytest -q tests/test_bombs.py
	@REQUESTS=50000 SEED=$$(date +%s) $(PYTHON_IN_VENV) -m pytest -q tests/test_random_requests.py

lock: .venv/.dev  ## pin the newest packages that requirements*.in allow
	@.venv/bin/uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --quiet -o requirements.txt requirements.in
	@.venv/bin/uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --quiet -o requirements-dev.txt requirements-dev.in

audit: .venv/.dev  ## known weaknesses of all locked packages, by PyPI's advisories (needs pypi.org)
	@.ci/audit.sh

sbom: .venv/.dev  ## what the portal is made of, as CycloneDX JSON: sbom.cdx.json
	@.ci/sbom.sh sbom.cdx.json

messages: .venv/.dev  ## collect translatable strings into locale/
	@.ci/packages.sh gettext
	@$(PYTHON_IN_VENV) manage.py makemessages --locale ja --locale ru --no-wrap --no-location --ignore .venv --ignore tests --ignore benchmarks --ignore data
	@$(PYTHON_IN_VENV) manage.py compile_translations

clean:  ## remove what was made, but never data/
	@rm -rf .venv .venv-* .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find locale -name '*.mo' -delete
