"""Staff's second factor: set up, asked for, recovered, enforced."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django.fixtures import Settings

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
PAGE = "/admin/two-factor/"


@pytest.fixture(autouse=True)
def anna() -> User:
    return User.objects.create_superuser("anna", password=PASSWORD)


def signed_in() -> Client:
    client = Client()
    assert client.post("/admin/login/", {"username": "anna", "password": PASSWORD})["Location"] == "/admin/"
    return client


def code(drift: int = 0) -> str:
    """What the authenticator shows now, or `drift` times 30 s later."""
    device = TOTPDevice.objects.get()
    return f"{totp(device.bin_key, step=device.step, t0=device.t0 - drift * device.step):06d}"


def set_up(client: Client) -> list[str]:
    """Set the second factor up; returns the recovery codes."""
    assert client.get(PAGE).status_code == 200
    return list(client.post(PAGE, {"code": code()}).context["recovery_codes"])


def test_it_is_set_up_with_a_code_and_asked_for_afterwards() -> None:
    here, elsewhere = signed_in(), signed_in()
    page = here.get(PAGE).content.decode()
    assert "<svg" in page
    assert "style=" not in page[page.index("<svg") : page.index("</svg>")]  # the policy allows none
    wrong = here.post(PAGE, {"code": "000000" if code() != "000000" else "000001"})
    assert wrong.status_code == 422
    assert not TOTPDevice.objects.get().confirmed
    TOTPDevice.objects.get().throttle_reset()
    assert len(set_up(here)) == 10
    assert here.get("/admin/").status_code == 200
    assert elsewhere.get("/admin/").status_code == 302  # its password is not enough any more

    later = signed_in()
    assert later.get("/admin/", follow=True).redirect_chain[-1][0] == PAGE
    assert later.get("/admin/guides/provider/").status_code == 302
    used = later.post(PAGE, {"code": code()})
    assert used.status_code == 422  # it was used to set it up
    TOTPDevice.objects.get().throttle_reset()
    assert later.post(PAGE, {"code": code(drift=1)})["Location"] == "/admin/"
    assert later.get("/admin/").status_code == 200


def test_guesses_must_wait(caplog: pytest.LogCaptureFixture) -> None:
    set_up(signed_in())
    guesser = signed_in()
    assert guesser.post(PAGE, {"code": "nonsense"}).status_code == 422
    wrong = str((int(code(1)) + 1) % 10**6).zfill(6)
    assert guesser.post(PAGE, {"code": wrong}).status_code == 422
    assert guesser.post(PAGE, {"code": code(1)}).status_code == 422  # right, but too soon
    assert caplog.text.count("wrong code, account anna, from 127.0.0.1") == 3


def test_a_recovery_code_counts_once_and_new_ones_replace_the_old() -> None:
    client = signed_in()
    first, second, *_rest = set_up(client)
    assert signed_in().post(PAGE, {"code": first.upper()}).status_code == 302
    assert signed_in().post(PAGE, {"code": first}).status_code == 422
    assert "Recovery codes left: 9" in client.get(PAGE).content.decode()
    new = client.post(PAGE).context["recovery_codes"]
    assert second not in new
    assert StaticToken.objects.count() == 10


def test_without_a_session_there_is_nothing_to_set_up() -> None:
    assert Client().get(PAGE)["Location"] == "/admin/login/"
    User.objects.create_user("bob", password=PASSWORD)
    visitor = Client()
    visitor.login(username="bob", password=PASSWORD)
    assert visitor.get(PAGE)["Location"] == "/admin/login/"


def test_it_can_be_made_a_duty(settings: Settings) -> None:
    settings.STAFF_TWO_FACTOR = True
    client = signed_in()
    assert client.get("/admin/", follow=True).redirect_chain[-1][0] == PAGE
    set_up(client)
    assert client.get("/admin/").status_code == 200
