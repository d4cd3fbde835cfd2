"""`make audit` and `make sbom`: known weaknesses of the locked packages, and the list of them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from packaging.requirements import Requirement

from tests.portal import ROOT, free_port

WEAKNESS = {
    "id": "PYSEC-2026-1",
    "aliases": [],
    "summary": "invented",
    "affected": [{"package": {"name": "nh3", "ecosystem": "PyPI"}, "ranges": []}],
}


def locked() -> dict[str, tuple[Requirement, set[str]]]:
    """Each package of requirements.txt, with the SHA-256 sums of its files."""
    blocks = re.findall(r"(?m)^([a-z0-9].*?) \\\n((?:    --hash.*\n)+)", (ROOT / "requirements.txt").read_text())
    pins = [(Requirement(pin), set(re.findall(r"sha256:([0-9a-f]{64})", sums))) for pin, sums in blocks]
    return {pin.name: (pin, sums) for pin, sums in pins}


def run(script: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHON": sys.executable}
    command = [ROOT / ".ci" / script, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)


def test_the_bill_of_materials_holds_every_locked_package(tmp_path: Path) -> None:
    made = run("sbom.sh", tmp_path / "sbom.json")
    assert (made.returncode, made.stdout + made.stderr) == (0, "")
    bill = json.loads((tmp_path / "sbom.json").read_text())
    assert (bill["bomFormat"], bill["specVersion"], bill["metadata"]["component"]["name"]) == (
        "CycloneDX",
        "1.6",
        "helpdesk",
    )
    listed = {
        each["name"]: (
            f"=={each['version']}",
            {hashed["content"] for reference in each["externalReferences"] for hashed in reference["hashes"]},
        )
        for each in bill["components"]
    }
    assert len(locked()) > 30
    assert listed == {name: (str(pin.specifier), sums) for name, (pin, sums) in locked().items()}
    assert all(each["purl"].startswith(f"pkg:pypi/{each['name']}@{each['version']}") for each in bill["components"])


@contextmanager
def advisories(weak: str = "") -> Iterator[tuple[str, set[str]]]:
    """A service that speaks OSV's query; one package has a weakness. Yields its URL and the packages asked for."""
    asked = set()

    class Service(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            name = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["package"]["name"]
            asked.add(name)
            body = json.dumps({"vulns": [WEAKNESS]} if name == weak else {}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1/query", asked
        finally:
            server.shutdown()


def audit(url: str) -> subprocess.CompletedProcess[str]:
    return run("audit.sh", "--vulnerability-service", "osv", "--osv-url", url)


def test_the_audit_looks_every_locked_package_up() -> None:
    with advisories() as (url, asked):
        result = audit(url)
    assert result.returncode == 0, result.stderr
    assert "No known vulnerabilities found" in result.stdout
    for_this_python = {name for name, (pin, _sums) in locked().items() if not pin.marker or pin.marker.evaluate()}
    assert asked >= for_this_python | {"pytest", "pip-audit"}


def test_the_audit_fails_on_a_weakness_and_names_it() -> None:
    with advisories(weak="nh3") as (url, _asked):
        result = audit(url)
    assert result.returncode == 1, result.stderr
    assert "PYSEC-2026-1" in result.stdout


def test_an_audit_without_an_answer_is_no_pass() -> None:
    result = audit(f"http://127.0.0.1:{free_port()}/v1/query")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("Not audited, the advisory service did not answer")
    assert result.stderr.count("\n") == 1
