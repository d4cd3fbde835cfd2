"""`own_domain` and `dns_records`: from a domain to what is served and published for it."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.test import Client
from pytest_django.fixtures import Settings

from guides.mail.accounts import UsernameForm
from guides.models import Provider
from guides.services import own_domain
from tests.factories import make_provider

pytestmark = pytest.mark.django_db

SERVERS = ("--imap", "mail.example.org:993:tls", "--smtp", "mail.example.org:587:starttls")


def fails(command: str, *arguments: str) -> int | str | None:
    with pytest.raises(SystemExit) as stopped:
        call_command(command, *arguments)
    return stopped.value.code


def servers_of(domain: str) -> list[tuple[str, str, int, str, str]]:
    account = Provider.objects.for_domain(domain).with_settings().get().account(domain)
    return [(s.protocol.value, s.host, s.port, s.security.value, s.username.value) for s in account.servers]


class TestOwnDomain:
    def test_a_new_domain_is_served_at_once(self, client: Client, capsys: pytest.CaptureFixture[str]) -> None:
        call_command("own_domain", "Example.ORG", *SERVERS, "--username", "local_part", "--name", "Our <mail>")
        said = capsys.readouterr().out
        assert "example.org is the operator's own: Our <mail> (example-org)" in said
        assert "mail.example.org:587 starttls" in said
        assert servers_of("example.org") == [
            ("imap", "mail.example.org", 993, "tls", "local_part"),
            ("smtp", "mail.example.org", 587, "starttls", "local_part"),
        ]
        answer = client.get("/mail/config-v1.1.xml", headers={"host": "autoconfig.example.org"})
        assert answer.status_code == 200
        assert b"Our &lt;mail&gt;" in answer.content

    def test_a_second_run_changes_nothing_but_what_it_names(self) -> None:
        call_command("own_domain", "example.org", *SERVERS, "--name", "Ours")
        call_command("own_domain", "example.org", "--smtp", "out.example.org:465:tls")
        call_command("own_domain", "example.org")
        provider = Provider.objects.get()
        assert (provider.name, provider.is_own) == ("Ours", True)
        assert [row[:4] for row in servers_of("example.org")] == [
            ("imap", "mail.example.org", 993, "tls"),
            ("smtp", "out.example.org", 465, "tls"),
        ]

    def test_a_known_provider_of_one_domain_is_marked(self) -> None:
        make_provider(name="Example Mail")
        call_command("own_domain", "example.net")
        provider = Provider.objects.get()
        assert (provider.name, provider.is_own, provider.version) == ("Example Mail", True, 2)
        assert len(servers_of("example.net")) == 3

    def test_a_domain_among_others_gets_an_entry_of_its_own(self) -> None:
        make_provider(domains=("example.net", "ours.net"), password="app_password")
        call_command("own_domain", "ours.net", "--name", "Ours")
        ours, others = Provider.objects.get(is_own=True), Provider.objects.get(is_own=False)
        assert [row.domain for row in ours.domains.all()] == ["ours.net"]
        assert [row.domain for row in others.domains.all()] == ["example.net"]
        assert (ours.name, ours.slug, ours.password) == ("Ours", "ours-net", "app_password")
        assert servers_of("ours.net") == servers_of("example.net")

    def test_slugs_are_unique(self) -> None:
        make_provider("example-org")
        call_command("own_domain", "example.org", *SERVERS)
        assert Provider.objects.get(is_own=True).slug == "example-org-2"

    def test_user_name_alone(self) -> None:
        make_provider()
        call_command("own_domain", "example.net", "--username", "local_part")
        assert {row[4] for row in servers_of("example.net")} == {"local_part"}

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("localhost", *SERVERS), "not a domain"),
            (("127.0.0.1", *SERVERS), "not a domain"),
            (("example.org", "--imap", "mail.example.org:993:tls"), "--smtp too"),
            (("example.org", "--smtp", "mail.example.org:465:tls"), "--imap or --pop3 too"),
            (("example.org", "--imap", "mail.example.org:993", *SERVERS[2:]), "SECURITY is tls or starttls"),
            (("example.org", "--imap", "mail.example.org:993:none", *SERVERS[2:]), "SECURITY is tls or starttls"),
            (("example.org", "--imap", "mail.example.org:0:tls", *SERVERS[2:]), "HOST:PORT:SECURITY"),
            (("example.org", "--imap", "mail.example.org:99999:tls", *SERVERS[2:]), "HOST:PORT:SECURITY"),
            (("example.org", "--imap", "10.0.0.1:993:tls", *SERVERS[2:]), "ip_literal"),
            (("example.org", "--imap", "mail.lan:993:tls", *SERVERS[2:]), "suffix"),
            (("example.org", *SERVERS, "--name", "x" * 101), "longer than 100"),
        ],
    )
    def test_a_wrong_call_changes_nothing(
        self, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
    ) -> None:
        assert fails("own_domain", *arguments) == 2
        assert words in capsys.readouterr().err
        assert not Provider.objects.exists()

    def test_incomplete_changes_are_taken_back(self) -> None:
        provider = make_provider()
        provider.servers.filter(protocol="smtp").delete()
        with pytest.raises(own_domain.IncompleteError):
            own_domain.make_own(own_domain.Change("example.net", username=UsernameForm.LOCAL_PART))
        assert not Provider.objects.get().is_own
        assert {row[4] for row in servers_of("example.net")} == {"address"}


class TestDnsRecords:
    def test_it_works(self, capsys: pytest.CaptureFixture[str], settings: Settings, client: Client) -> None:
        settings.BASE_URL, settings.ALLOWED_HOSTS = "https://help.example.org", ["help.example.org"]
        make_provider("own", domains=("example.org",), is_own=True)
        call_command("dns_records", "example.org")
        lines = [line for line in capsys.readouterr().out.splitlines() if not line.startswith(";")]
        digest = next(line for line in lines if "UAAC1" in line)
        assert [line for line in lines if line is not digest] == [
            "autoconfig.example.org. 3600 IN CNAME help.example.org.",
            "autodiscover.example.org. 3600 IN CNAME help.example.org.",
            "_autodiscover._tcp.example.org. 3600 IN SRV 0 1 443 help.example.org.",
            "ua-auto-config.example.org. 3600 IN CNAME help.example.org.",
            'example.org. 3600 IN TXT "mailconf=https://help.example.org/v1.1/example.org"',
            "_imaps._tcp.example.org. 3600 IN SRV 0 1 993 imap.example.org.",
            "_imap._tcp.example.org. 3600 IN SRV 0 0 0 .",
            "_pop3s._tcp.example.org. 3600 IN SRV 10 1 995 pop3.example.org.",
            "_pop3._tcp.example.org. 3600 IN SRV 0 0 0 .",
            "_submissions._tcp.example.org. 3600 IN SRV 0 1 465 smtp.example.org.",
            "_submission._tcp.example.org. 3600 IN SRV 0 0 0 .",
        ]
        import base64
        import hashlib

        body = client.get(
            "/.well-known/user-agent-configuration.json", headers={"host": "ua-auto-config.example.org"}
        ).content
        expected = base64.b64encode(hashlib.sha256(body).digest()).decode()
        assert digest == f'_ua-auto-config.example.org. 3600 IN TXT "v=UAAC1; a=sha256; d={expected}"'

    def test_without_the_portals_name_only_srv(self, capsys: pytest.CaptureFixture[str]) -> None:
        make_provider()
        call_command("dns_records", "example.net")
        said = capsys.readouterr()
        assert "CNAME" not in said.out
        assert said.out.count("SRV ") == 7  # six records and the words above them
        assert "BASE_URL names no host" in said.err
        assert "not marked as own" in said.err

    def test_what_pacc_cannot_say_is_left_out(self, capsys: pytest.CaptureFixture[str], settings: Settings) -> None:
        settings.BASE_URL = "https://help.example.org"
        make_provider(username="local_part", is_own=True)
        call_command("dns_records", "example.net")
        out = capsys.readouterr().out
        assert "ua-auto-config" not in out
        assert "autoconfig.example.net" in out

    def test_unknown_and_impossible_domains(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert fails("dns_records", "example.org") == 1
        assert "own_domain" in capsys.readouterr().err
        assert fails("dns_records", "127.0.0.1") == 2
