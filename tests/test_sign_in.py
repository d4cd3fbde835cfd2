"""Staff's sign-in: limits on wrong passwords, a log line for each, and sessions that end."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from helpdesk.env import Env
from tests.portal import free_port

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def anna() -> User:
    return User.objects.create_superuser("anna", password=PASSWORD)


def sign_in(password: str, name: str = "anna", ip: str = "192.0.2.1", path: str = "/admin/login/") -> str:
    """Where a sign-in leads, or the words of its refusal."""
    response = Client(REMOTE_ADDR=ip).post(path, {"username": name, "password": password})
    if response.status_code == 302:
        return response["Location"]
    return " ".join(response.context["form"].non_field_errors())


def test_ten_wrong_passwords_from_one_address(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "helpdesk.sign_in"):
        for number in range(10):
            assert "correct" in sign_in("wrong", f"name{number}")
        assert "Too many attempts" in sign_in(PASSWORD)
    assert sign_in(PASSWORD, ip="192.0.2.2") == "/admin/"
    assert sum(record.levelno == logging.WARNING for record in caplog.records) == 11
    text = caplog.text
    assert "account unknown, from 192.0.2.1" in text
    assert "too many attempts, account anna" in text
    assert "name3" not in text  # it may be a password in the wrong field
    assert PASSWORD not in text


def test_guesses_at_one_account_do_not_lock_its_owner_out() -> None:
    assert sign_in(PASSWORD, ip="192.0.2.99") == "/admin/"
    for number in range(10):
        assert "correct" in sign_in("wrong", ip=f"198.51.100.{number}")
    assert "Too many attempts" in sign_in(PASSWORD, ip="198.51.100.77")
    assert sign_in(PASSWORD, ip="192.0.2.99") == "/admin/"


def test_right_passwords_are_not_counted() -> None:
    for _ in range(12):
        assert sign_in(PASSWORD) == "/admin/"


def test_without_the_cache_nobody_signs_in(settings: Settings) -> None:
    settings.CACHES = settings.CACHES | {"default": Env({"URL": f"redis://127.0.0.1:{free_port()}/0"}).cache("URL")}
    assert "not possible" in sign_in(PASSWORD)


def test_a_foreign_next_leads_to_the_staffs_pages() -> None:
    assert sign_in(PASSWORD, path="/admin/login/?next=https://evil.example/") == "/admin/"


def test_a_session_ends_twelve_hours_after_its_sign_in() -> None:
    client = Client()
    client.post("/admin/login/", {"username": "anna", "password": PASSWORD})
    (session,) = Session.objects.all()
    left = session.expire_date - timezone.now()
    assert timedelta(hours=11, minutes=59) < left <= timedelta(hours=12)
    used = client.session
    used["something"] = 1
    used.save()
    assert Session.objects.get().expire_date == session.expire_date


def test_a_changed_password_ends_the_other_sessions(anna: User) -> None:
    here, there = Client(), Client()
    for client in (here, there):
        client.post("/admin/login/", {"username": "anna", "password": PASSWORD})
        assert client.get("/admin/").status_code == 200
    changed = {"old_password": PASSWORD, "new_password1": "another long pass", "new_password2": "another long pass"}
    assert here.post("/admin/password_change/", changed).status_code == 302
    assert here.get("/admin/").status_code == 200
    assert there.get("/admin/").status_code == 302
