"""The four parts of compose.yaml from Debian's packages: proxy, pages, tests, PostgreSQL and Redis (docs/operate.md)."""

from __future__ import annotations

from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

import psycopg
import pytest

from benchmarks.proxy import two_processes
from tests.lab import Lab
from tests.lab.postgresql import PostgreSQL
from tests.test_backup import Installation

pytestmark = [pytest.mark.lab, pytest.mark.long]


def test_pages_tests_and_backup_work_through_the_proxy(tmp_path: Path, lab: Lab) -> None:
    anna, ports = lab.people["anna"], lab.ports
    form = {
        "address": anna.address,
        "password": anna.password,
        "imap_host": "imap.lab.test",
        "imap_port": str(ports.imaps),
        "imap_security": "tls",
        "smtp_host": "smtp.lab.test",
        "smtp_port": str(ports.submissions),
        "smtp_security": "tls",
    }
    token = "a-token-for-prometheus-0123456789"
    with PostgreSQL() as server:
        url = server.create("portal")
        installation = Installation(tmp_path / "data", url)
        installation.manage("prepare")
        shared = {"DATABASE_URL": url, "METRICS_TOKEN": token, "TRUSTED_PROXIES": "127.0.0.1", **lab.environment()}
        with two_processes(tmp_path / "data", **shared) as (proxy, pages, tests):
            connection = HTTPConnection("127.0.0.1", proxy.port, timeout=120)
            connection.request("GET", "/ja/guides/thunderbird/?at=mail.ru")
            assert connection.getresponse().status == 200
            connection.close()
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            connection.request("POST", "/en/test/", urlencode(form), headers)
            page = connection.getresponse().read().decode()
            connection.close()
            assert "verdict" in page
            assert proxy.get("/readyz").status == pages.get("/readyz").status == 200

            asked = {"Authorization": f"Bearer {token}"}
            counted = 'helpdesk_tests_total{cause="none",outcome="ok"} 1.0'
            assert counted in tests.get("/metrics", asked).text()
            assert counted not in pages.get("/metrics", asked).text()

            installation.manage("backup", str(tmp_path / "backup.zip"))
            installation.manage("restore", "--replace", str(tmp_path / "backup.zip"))
            assert proxy.get("/ja/guides/thunderbird/?at=mail.ru").status == 200
        with psycopg.connect(url) as connected:
            assert connected.execute("SELECT count(*) FROM guides_guide").fetchone() != (0,)
