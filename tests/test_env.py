"""The readers of the environment: each takes what makes sense, and stops the start with one clear line else."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from helpdesk.env import Env


def env(**values: str) -> Env:
    return Env(values)


def complaint(reader: str, *args: object, **values: str) -> str:
    with pytest.raises(ImproperlyConfigured) as caught:
        getattr(env(**values), reader)("NAME", *args)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("NAME")
    return message


def test_text() -> None:
    assert env().text("NAME") == ""
    assert env().text("NAME", "default") == "default"
    assert env(NAME=" value ").text("NAME", "default") == "value"
    assert env(NAME="").text("NAME", "default") == ""


def test_a_secret_can_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(" s3cret\n")
    assert env(NAME_FILE=str(file)).text("NAME", "default") == "s3cret"
    message = complaint("text", NAME="s3cret", NAME_FILE=str(file))
    assert "keep one" in message
    assert "s3cret" not in message
    assert "cannot read" in complaint("text", NAME_FILE=str(tmp_path / "missing"))
    file.write_bytes(b"\xff\xfe\xfd")
    assert "cannot read" in complaint("text", NAME_FILE=str(file))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", True),
        ("TRUE", True),
        ("yes", True),
        ("on", True),
        ("0", False),
        ("False", False),
        ("off", False),
        ("", False),
    ],
)
def test_flag(text: str, expected: bool) -> None:
    assert env(NAME=text).flag("NAME") is expected


def test_flag_defaults_and_nonsense() -> None:
    assert env().flag("NAME", True) is True
    assert env().flag("NAME") is False
    assert "neither on nor off" in complaint("flag", NAME="maybe")


def test_number() -> None:
    assert env().number("NAME", 5) == 5
    assert env(NAME=" 7 ").number("NAME", 5) == 7
    assert "not a whole number" in complaint("number", 5, NAME="7.5")
    assert "not a whole number" in complaint("number", 5, NAME="many")
    assert "not between 1 and 9" in complaint("number", 5, 1, 9, NAME="0")
    assert "not between 1 and 9" in complaint("number", 5, 1, 9, NAME="10")
    assert "not between" in complaint("number", 5, NAME="-1")


def test_items() -> None:
    assert env().items("NAME") == []
    assert env(NAME="a, b ,,c").items("NAME") == ["a", "b", "c"]
    assert env().items("NAME", "x,y") == ["x", "y"]


def test_networks() -> None:
    assert env().networks("NAME") == ()
    assert env(NAME="10.0.0.0/8, fd00::/8,127.0.0.1").networks("NAME") == (
        ipaddress.ip_network("10.0.0.0/8"),
        ipaddress.ip_network("fd00::/8"),
        ipaddress.ip_network("127.0.0.1/32"),
    )
    assert env(NAME="::ffff:10.0.0.0/104,::fffe:0:0/95").networks("NAME") == (
        ipaddress.ip_network("10.0.0.0/8"),
        ipaddress.ip_network("::fffe:0:0/95"),
    )
    assert "not a network" in complaint("networks", NAME="10.0.0.1/8")  # bits below the mask
    assert "not a network" in complaint("networks", NAME="office")


def test_ports() -> None:
    assert env().ports("NAME") == frozenset()
    assert env(NAME="10143,20000-20002").ports("NAME") == {10143, 20000, 20001, 20002}
    for text in ("imap", "1-x", "-", "1-2-3", "-5"):
        assert "not a port" in complaint("ports", NAME=text)
    for text in ("0", "70000", "20-10", "1-65536"):
        assert "not within" in complaint("ports", NAME=text)


def test_servers() -> None:
    assert env().servers("NAME", 53) == ()
    assert env(NAME="127.0.0.1:5353, 9.9.9.9,[::1]:54,[2620:fe::fe]").servers("NAME", 53) == (
        ("127.0.0.1", 5353),
        ("9.9.9.9", 53),
        ("::1", 54),
        ("2620:fe::fe", 53),
    )
    for text in ("dns.example.com", "127.0.0.1:x", "127.0.0.1:70000", "[::1"):
        assert "not an IP address" in complaint("servers", 53, NAME=text)


def test_url() -> None:
    assert env().url("NAME") == ""
    assert env(NAME="https://help.example.com/").url("NAME") == "https://help.example.com"
    assert env(NAME="mailto:help@example.com").url("NAME", "", ("mailto",)) == "mailto:help@example.com"
    for text in (
        "help.example.com",
        "ftp://example.com",
        "https://",
        "javascript:alert(1)",
        "mailto:x@example.com",
        "http://[::1",
    ):
        assert "not an address" in complaint("url", NAME=text)


def test_file(tmp_path: Path) -> None:
    assert env().file("NAME") is None
    file = tmp_path / "ca.pem"
    file.touch()
    assert env(NAME=str(file)).file("NAME") == file
    assert "is not a file" in complaint("file", NAME=str(tmp_path))
    assert "is not a file" in complaint("file", NAME=str(tmp_path / "missing"))


def test_database(tmp_path: Path) -> None:
    default = env().database("NAME", tmp_path / "a#b?.sqlite3")
    assert default["ENGINE"] == "django.db.backends.sqlite3"
    assert default["NAME"] == f"file:{tmp_path}/a%23b%3F.sqlite3?mode=rw"
    given = env(NAME="sqlite:////srv/data/portal.sqlite3").database("NAME", tmp_path)["NAME"]
    assert given == "file:/srv/data/portal.sqlite3?mode=rw"
    postgres = env(NAME="postgres://portal:p%40ss@db.example.com:5433/help%20desk").database("NAME", tmp_path)
    assert postgres == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "help desk",
        "USER": "portal",
        "PASSWORD": "p@ss",
        "HOST": "db.example.com",
        "PORT": "5433",
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": 3},
    }
    bounded = env(NAME="postgres://db.example.com/portal").database("NAME", tmp_path, pool_size=7)["OPTIONS"]
    assert isinstance(bounded, dict)
    assert (bounded["pool"]["min_size"], bounded["pool"]["max_size"]) == (1, 7)
    assert bounded["options"] == "-c statement_timeout=3s"
    assert "mysql" in complaint("database", tmp_path, NAME="mysql://root:s3cret@db/portal")
    for text in ("mysql://root:s3cret@db/portal", "postgres://root:s3cret@db:70000/x", "postgres://root:s3cret@[db/x"):
        assert "s3cret" not in complaint("database", tmp_path, NAME=text)


def test_cache() -> None:
    assert str(env().cache("NAME")["BACKEND"]).endswith("LocMemCache")
    redis = env(NAME="redis://cache.example.com:6379/1").cache("NAME")
    assert str(redis["BACKEND"]).endswith("RedisCache")
    assert redis["LOCATION"] == "redis://cache.example.com:6379/1"
    assert "redis://" in complaint("cache", NAME="memcached://127.0.0.1")


def test_names_come_from_the_process_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_NAME_OF_A_TEST", "x")
    assert Env().text("PORTAL_NAME_OF_A_TEST") == "x"
