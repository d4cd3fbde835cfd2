"""What is shipped to run the portal with: the image, compose.yaml, and the units of systemd."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands

from helpdesk.settings import SETTING_NAMES
from tests.portal import ROOT
from tests.test_docs import read

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load(read("deploy/compose.yaml"))  # type: ignore[no-any-return]


def test_the_containers_are_confined_and_only_the_proxy_is_reached(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert set(services) == {"prepare", "pages", "tests", "tidy", "postgresql", "valkey", "caddy"}
    for name, service in services.items():
        assert ("ports" in service) == (name == "caddy"), name
        assert "no-new-privileges:true" in service["security_opt"], name
        if name != "postgresql":  # its image begins as root, to give its volume to its user
            assert service["read_only"] is True, name
            assert service["cap_drop"] == ["ALL"], name
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert source in compose["volumes"] or (DEPLOY / source).is_file(), volume


def test_the_containers_have_settings_that_exist_and_wait_for_what_they_need(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for name in ("prepare", "pages", "tests", "tidy"):
        service = services[name]
        assert set(service["environment"]) - SETTING_NAMES == set()
        assert set(service["depends_on"]) <= set(services)
        words = " ".join(service["command"])
        assert "helpdesk.gunicorn" in words or re.search(r"manage\.py (\w+)", words)[1] in get_commands()  # type: ignore[index]
    assert services["pages"]["depends_on"] == {"prepare": {"condition": "service_completed_successfully"}}
    proxy = services["caddy"]["networks"]["default"]["ipv4_address"]
    assert services["pages"]["environment"]["TRUSTED_PROXIES"] == f"{proxy}/32"
    asked = set(re.findall(r"\$\{([A-Z_]+)", read("deploy/compose.yaml")))
    assert asked - set(re.findall(r"`?([A-Z_]+)=", read("docs/operate.md"))) - SETTING_NAMES == set()


def test_the_proxy_sends_to_services_that_exist_and_holds_no_growing_answer_back(compose: dict[str, Any]) -> None:
    text = read("deploy/Caddyfile")
    assert text.count("{") == text.count("}")
    assert set(re.findall(r"\b(\w+):8000", text)) | set(re.findall(r"dynamic a (\w+)", text)) == {"pages", "tests"}
    assert "flush_interval -1" in text
    # The same requests as nginx's configuration sends to the tests' process.
    for pattern in ("(en|ja|ru)/(test|settings)/$", "(en|ja|ru)/operators/[^/]+/$"):
        assert pattern in text
        assert pattern in read("deploy/nginx.conf")


def test_the_image_is_of_two_stages_by_a_user_without_rights_and_gets_what_it_copies() -> None:
    text = read("Dockerfile")
    assert len(re.findall(r"^FROM ", text, re.MULTILINE)) == 2
    assert re.search(r"^USER helpdesk$", text, re.MULTILINE)
    assert "HEALTHCHECK" in text
    allowed = set(re.findall(r"^!(.+)$", read(".dockerignore"), re.MULTILINE))
    for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE):
        for source in line.split()[:-1]:
            assert source in allowed, source
            assert (ROOT / source).exists(), source


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not here")
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    environment = tmp_path / "helpdesk.env"
    shutil.copy(DEPLOY / "helpdesk.env", environment)
    for unit in UNITS:
        text = unit.read_text().replace("/etc/helpdesk.env", str(environment)).replace("/srv/helpdesk", str(ROOT))
        (tmp_path / unit.name).write_text(text)
    command = ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / unit.name) for unit in UNITS)]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    ours = [line for line in checked.stderr.splitlines() if "helpdesk" in line]
    assert ours == [], checked.stderr


def test_the_units_run_commands_and_have_settings_that_exist() -> None:
    assert {unit.name for unit in UNITS} == {
        "helpdesk.service",
        "helpdesk-tests.service",
        "helpdesk-tidy.service",
        "helpdesk-tidy.timer",
    }
    for unit in UNITS:
        text = unit.read_text()
        assert set(re.findall(r"manage\.py (\w+)", text)) <= set(get_commands())
        if unit.suffix == ".service":
            assert "User=helpdesk" in text
            assert "ProtectSystem=strict" in text
    named = set(re.findall(r"^#?([A-Z_]+)=", read("deploy/helpdesk.env"), re.MULTILINE))
    assert named - SETTING_NAMES == set()
