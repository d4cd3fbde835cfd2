"""Staff sign in with their organisation's account: a small OpenID Connect provider on loopback."""

from __future__ import annotations

import json
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.urls import clear_url_caches
from pytest_django.fixtures import Settings

from helpdesk import urls
from helpdesk.env import all_or_none

pytestmark = pytest.mark.django_db
KEY = rsa.generate_private_key(65537, 2048)


class Provider:
    """Answers as an organisation's provider does; a test may change what it says."""

    def __init__(self) -> None:
        self.claims: dict[str, Any] = {}
        self.user = {"sub": "7", "email": "Anna@example.net", "email_verified": True}
        self.key = KEY
        self.challenge = ""
        self.nonce = ""
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                digest = sha256(form["code_verifier"][0].encode()).digest()
                is_right = (
                    urlsafe_b64encode(digest).rstrip(b"=").decode() == provider.challenge
                    and form["client_secret"] == ["s3cret"]
                    and form["code"] == ["the-code"]
                )
                token = {"access_token": "access", "id_token": provider.id_token(), "token_type": "Bearer"}
                self.say(token if is_right else {"error": "invalid_grant"}, 200 if is_right else 400)

            def do_GET(self) -> None:
                if self.path == "/keys":
                    public = jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
                    self.say({"keys": [public | {"kid": "1", "alg": "RS256"}]})
                else:
                    self.say(provider.user if self.headers["Authorization"] == "Bearer access" else {})

            def say(self, answer: Any, status: int = 200) -> None:
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def id_token(self) -> str:
        now = int(time.time())
        claims = {"iss": self.url, "aud": "portal", "sub": "7", "iat": now, "exp": now + 60, "nonce": self.nonce}
        return jwt.encode(claims | self.claims, self.key, "RS256", {"kid": "1"})


@pytest.fixture
def provider(settings: Settings) -> Iterator[Provider]:
    running = Provider()
    settings.OIDC_ISSUER = running.url
    settings.OIDC_RP_CLIENT_ID, settings.OIDC_RP_CLIENT_SECRET = "portal", "s3cret"
    settings.OIDC_OP_AUTHORIZATION_ENDPOINT = f"{running.url}/authorize"
    settings.OIDC_OP_TOKEN_ENDPOINT = f"{running.url}/token"
    settings.OIDC_OP_USER_ENDPOINT = f"{running.url}/user"
    settings.OIDC_OP_JWKS_ENDPOINT = f"{running.url}/keys"
    settings.AUTHENTICATION_BACKENDS = [
        "django.contrib.auth.backends.ModelBackend",
        "helpdesk.single_sign_on.StaffBackend",
    ]
    added = urls.single_sign_on()
    urls.urlpatterns[:0] = added
    clear_url_caches()
    yield running
    del urls.urlpatterns[: len(added)]
    clear_url_caches()
    running.server.shutdown()
    running.server.server_close()


@pytest.fixture(autouse=True)
def anna() -> User:
    return User.objects.create_superuser("anna", "anna@example.net", "correct horse battery")


def sign_in(provider: Provider) -> Client:
    """Follow the way of a browser: to the provider, and back with a code."""
    client = Client()
    to_provider = urlsplit(client.get("/admin/oidc/authenticate/")["Location"])
    assert f"{to_provider.scheme}://{to_provider.netloc}" == provider.url
    asked = {name: values[0] for name, values in parse_qs(to_provider.query).items()}
    assert asked["redirect_uri"] == "http://testserver/admin/oidc/callback/"
    assert (asked["client_id"], asked["code_challenge_method"]) == ("portal", "S256")
    provider.nonce = asked["nonce"]
    provider.challenge = asked["code_challenge"]
    client.get("/admin/oidc/callback/", {"state": asked["state"], "code": "the-code"})
    return client


def is_in(client: Client) -> bool:
    return client.get("/admin/guides/provider/").status_code == 200


def test_staff_sign_in_without_a_password_or_a_code_here(provider: Provider, settings: Settings) -> None:
    assert b"/admin/oidc/authenticate/" in Client().get("/admin/login/").content
    settings.STAFF_TWO_FACTOR = True
    assert is_in(sign_in(provider))


@pytest.mark.parametrize(
    "change",
    [
        {"claims": {"iss": "https://other.example"}},
        {"claims": {"aud": "another-client"}},
        {"claims": {"aud": ["another-client"]}},
        {"claims": {"exp": 1}},
        {"claims": {"nonce": "another"}},
        {"claims": {"sub": "8"}},
        {"key": rsa.generate_private_key(65537, 2048)},
        {"user": {"sub": "7", "email": "anna@example.net", "email_verified": False}},
        {"user": {"sub": "7", "email": "anna@example.net"}},
        {"user": {"sub": "7", "email": "bob@example.net", "email_verified": True}},
        {"user": {}},
    ],
)
def test_what_is_not_right_is_refused(
    provider: Provider, change: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    for name, value in change.items():
        setattr(provider, name, value)
    client = sign_in(provider)
    assert not is_in(client)
    assert "did not work" in client.get("/admin/login/").content.decode()
    assert "Staff sign-in refused" in caplog.text
    assert User.objects.count() == 1


def test_an_account_without_rights_stays_outside(provider: Provider, anna: User) -> None:
    anna.is_staff = False
    anna.save()
    assert not is_in(sign_in(provider))


def test_a_provider_that_is_away_is_no_fault_of_ours(provider: Provider, settings: Settings) -> None:
    settings.OIDC_OP_TOKEN_ENDPOINT = "http://127.0.0.1:9/"
    assert not is_in(sign_in(provider))


def test_a_state_that_was_never_given_is_refused(provider: Provider) -> None:
    client = Client()
    client.get("/admin/oidc/authenticate/")
    assert client.get("/admin/oidc/callback/", {"state": "invented", "code": "the-code"}).status_code == 400


def test_a_password_brings_no_code_with_it(provider: Provider) -> None:
    guesser = Client()
    form = {"username": "anna", "password": "wrong"}
    assert guesser.post("/admin/login/?state=x&code=the-code", form).status_code == 200
    assert not is_in(guesser)


def test_half_of_the_settings_stop_the_start() -> None:
    assert all_or_none(OIDC_ISSUER="https://id.example.net", OIDC_CLIENT_ID="portal")
    assert not all_or_none(OIDC_ISSUER="", OIDC_CLIENT_ID="")
    with pytest.raises(ImproperlyConfigured, match=r"^OIDC_CLIENT_ID: missing"):
        all_or_none(OIDC_ISSUER="https://id.example.net", OIDC_CLIENT_ID="")
