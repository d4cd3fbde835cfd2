"""Staff's passwords and sessions: what Django does, held to it."""

from __future__ import annotations

import logging

import pytest
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client

pytestmark = pytest.mark.django_db
PASSWORD = " Пароль, 長い " + "x" * 100 + " "


@pytest.fixture(autouse=True)
def anna() -> User:
    return User.objects.create_superuser("anna", password=PASSWORD)


@pytest.fixture
def staff() -> Client:
    client = Client()
    response = client.post("/admin/login/?next=/admin/", {"username": "anna", "password": PASSWORD})
    assert response["Location"] == "/admin/"
    return client


def _is_signed_in(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


def test_a_long_password_is_taken_as_typed() -> None:
    for changed in (PASSWORD.strip(), PASSWORD.lower(), PASSWORD[:72], PASSWORD[:-2]):
        client = Client()
        client.post("/admin/login/", {"username": "anna", "password": changed})
        assert not _is_signed_in(client)


@pytest.mark.parametrize("password", ["elevenchars", "password1234", "annaannaanna"])
def test_short_common_and_own_names_are_refused(password: str, anna: User) -> None:
    anna.username = "annaanna"
    with pytest.raises(ValidationError):
        validate_password(password, anna)


def test_the_field_is_masked_and_open_to_password_managers() -> None:
    page = Client().get("/admin/login/").content.decode()
    field = page[page.index('name="password"') - 200 : page.index('name="password"') + 200]
    assert 'type="password"' in field
    assert 'autocomplete="current-password"' in field
    assert "onpaste" not in page


def test_a_sign_in_begins_a_session_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    client = Client(REMOTE_ADDR="192.0.2.1")
    client.cookies["session"] = "chosenbyastranger0000000000000000"
    with caplog.at_level(logging.INFO, "helpdesk.sign_in"):
        client.post("/admin/login/", {"username": "anna", "password": PASSWORD})
    key = client.cookies["session"].value
    assert key != "chosenbyastranger0000000000000000"
    assert len(key) == 32  # of 36 characters, from Django's generator: 165 bits
    assert caplog.messages == ["Staff signed in: account anna, from 192.0.2.1"]


def test_signing_out_ends_the_session_on_the_server(staff: Client) -> None:
    assert 'action="/admin/logout/"' in staff.get("/admin/").content.decode()
    other = Client()
    other.cookies["session"] = staff.cookies["session"].value
    assert _is_signed_in(other)
    staff.post("/admin/logout/")
    assert not _is_signed_in(other)


def test_a_disabled_account_has_no_session(staff: Client, anna: User) -> None:
    User.objects.filter(pk=anna.pk).update(is_active=False)
    assert not _is_signed_in(staff)


def test_a_new_password_needs_the_old_one(staff: Client, anna: User) -> None:
    new = "another long password"
    form = {"old_password": "wrong", "new_password1": new, "new_password2": new}
    assert staff.post("/admin/password_change/", form).status_code == 200
    assert staff.post("/admin/password_change/", form | {"old_password": PASSWORD}).status_code == 302
    anna.refresh_from_db()
    assert anna.check_password(new)


def test_staff_see_only_what_they_may(anna: User) -> None:
    User.objects.create_user("boris", password=PASSWORD, is_staff=True)
    client = Client()
    client.post("/admin/login/", {"username": "boris", "password": PASSWORD})
    assert _is_signed_in(client)
    for path in ("/admin/auth/user/", f"/admin/auth/user/{anna.pk}/change/", "/admin/guides/provider/"):
        assert client.get(path).status_code == 403
    assert client.post("/admin/guides/provider/add/", {"name": "x"}).status_code == 403


def test_browsers_do_not_keep_staffs_pages(staff: Client) -> None:
    for path in ("/admin/", "/admin/guides/provider/", "/admin/auth/user/"):
        assert "no-store" in staff.get(path)["Cache-Control"]
