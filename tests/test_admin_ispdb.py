"""Imported autoconfig files in the admin: staff see them, put them right, and an import leaves that alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from guides.library.ispdb_import import FileOutcome, import_folder
from guides.models import IspdbEntry
from tests.ispdb_folder import config, server
from tests.test_admin import errors_of, fields_of, page_of

pytestmark = pytest.mark.django_db

XML = config(server("imap", "mail.%EMAILDOMAIN%", "993"), server("smtp", "smtp.example.com", "465"))


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("alice"))
    return client


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "example.com.xml").write_text(XML)
    import_folder(tmp_path)
    return tmp_path


@pytest.fixture
def entry(folder: Path) -> IspdbEntry:
    return IspdbEntry.objects.get(source="example.com.xml")


@pytest.mark.parametrize("language", ["ja", "en", "ru"])
def test_lists_forms_and_searches_open(staff: Client, entry: IspdbEntry, language: str) -> None:
    changelist = reverse("admin:guides_ispdbentry_changelist")
    for url in (changelist, f"{changelist}?q=smtp.example", reverse("admin:guides_ispdbentry_add"), page_of(entry)):
        response = staff.get(url, headers={"Accept-Language": language})
        assert response.status_code == 200
    assert "example.com.xml" in staff.get(f"{changelist}?q=smtp.example").content.decode()
    assert "example.com.xml" not in staff.get(f"{changelist}?q=nobody").content.decode()


def test_a_page_that_is_saved_unchanged_changes_nothing(staff: Client, entry: IspdbEntry, folder: Path) -> None:
    response = staff.post(page_of(entry), fields_of(staff.get(page_of(entry))))
    assert response.status_code == 302, errors_of(response)
    assert import_folder(folder).outcomes == {"example.com.xml": FileOutcome.UNCHANGED}


@pytest.mark.parametrize(
    "change",
    [
        {"servers-1-host": "right.example.com"},
        {"domains-TOTAL_FORMS": "2", "domains-1-domain": "More.Example"},
        {"name": "X"},
    ],
)
def test_what_staff_change_stays(staff: Client, entry: IspdbEntry, folder: Path, change: dict[str, str]) -> None:
    response = staff.post(page_of(entry), {**fields_of(staff.get(page_of(entry))), **change})
    assert response.status_code == 302, errors_of(response)
    entry.refresh_from_db()
    assert entry.is_kept
    assert import_folder(folder).outcomes == {"example.com.xml": FileOutcome.KEPT}


def test_staff_may_let_the_next_import_have_it_again(staff: Client, entry: IspdbEntry, folder: Path) -> None:
    IspdbEntry.objects.update(name="X", is_kept=True)
    data = fields_of(staff.get(page_of(entry)))
    del data["is_kept"]
    assert staff.post(page_of(entry), data).status_code == 302
    assert import_folder(folder).outcomes == {"example.com.xml": FileOutcome.CHANGED}


def test_a_host_may_hold_the_domain_and_nothing_else_that_is_no_name(staff: Client, entry: IspdbEntry) -> None:
    data = fields_of(staff.get(page_of(entry)))
    assert data["servers-0-host"] == "mail.%EMAILDOMAIN%"
    for host in ("%EMAILADDRESS%", "mail %EMAILDOMAIN%", "127.0.0.1", "%EMAILDOMAIN"):
        assert "This is no domain name." in errors_of(staff.post(page_of(entry), {**data, "servers-0-host": host}))
    assert staff.post(page_of(entry), {**data, "servers-0-host": "imap.%EMAILDOMAIN%"}).status_code == 302
    account = IspdbEntry.objects.account_for("example.com")
    assert account
    assert account.servers[0].host == "imap.example.com"


def test_a_server_without_encryption_cannot_be_entered(staff: Client, entry: IspdbEntry) -> None:
    data = fields_of(staff.get(page_of(entry)))
    assert staff.post(page_of(entry), {**data, "servers-0-security": "none"}).status_code == 200


def test_the_second_saver_is_told(staff: Client, entry: IspdbEntry) -> None:
    first, second = (fields_of(staff.get(page_of(entry))) for _ in range(2))
    assert staff.post(page_of(entry), {**first, "name": "First"}).status_code == 302
    response = staff.post(page_of(entry), {**second, "name": "Second"})
    assert response.status_code == 200
    assert "First" in response.content.decode()
    entry.refresh_from_db()
    assert entry.name == "First"
