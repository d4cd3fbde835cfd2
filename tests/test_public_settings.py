"""Facts of public tables: how tables that disagree are merged, what the portal ships, and who wins over it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from guides.library.ispdb_import import FileOutcome, import_folder
from guides.library.public_settings import SHIPPED_TABLES, load_public_settings
from guides.library.public_tables import PublicEntry, merged
from guides.library.reading import SHIPPED, read_library
from guides.mail.accounts import Account, Address, Protocol
from guides.mail.discovery.findings import ConfigSource, Discovery, Finding, Trust
from guides.mail.discovery.merge import merge
from guides.models import IspdbDomain, IspdbEntry
from guides.services import discovering
from tests.factories import make_provider
from tests.ispdb_folder import config, server
from tests.tables import each_row

SMTP = "smtp.example.com:465:tls"
IMAP = "imap.example.com:993:tls"
OTHER = "imap.other.com:993:tls"


def merge_one(**tables: object) -> PublicEntry:
    (entry,) = merged({"example.com": {name.replace("_", "-"): said for name, said in tables.items()}})
    return entry


def servers_of(entry: PublicEntry) -> list[str]:
    return [f"{s.protocol} {s.host}:{s.port}:{s.security}" for s in entry.servers]


class TestMerging:
    def test_tables_that_agree(self) -> None:
        entry = merge_one(ispdb={"imap": [IMAP], "smtp": [SMTP]}, fairemail={"imap": [IMAP], "smtp": [SMTP]})
        assert servers_of(entry) == [f"imap {IMAP}", f"smtp {SMTP}"]
        assert (entry.sources, entry.doubts, entry.is_doubtful) == (("ispdb", "fairemail"), (), False)

    def test_an_old_table_loses_and_is_named(self) -> None:
        entry = merge_one(fairemail={"imap": [IMAP], "smtp": [SMTP]}, k9={"imap": [OTHER], "smtp": [SMTP]})
        assert servers_of(entry) == [f"imap {IMAP}", f"smtp {SMTP}"]
        assert (entry.doubts, entry.is_doubtful) == ((f"k9: imap {OTHER}",), False)

    def test_newer_tables_that_contradict_each_other_are_doubtful(self) -> None:
        said = {"imap": [OTHER], "smtp": [SMTP]}
        entry = merge_one(ispdb={"imap": [IMAP], "smtp": [SMTP]}, provider_db=said, fairemail=said)
        assert servers_of(entry)[0] == f"imap {OTHER}"  # two against one
        assert (entry.doubts, entry.is_doubtful) == ((f"ispdb: imap {IMAP}",), True)

    def test_what_only_old_tables_know_is_doubtful(self) -> None:
        assert merge_one(mailspring={"imap": [IMAP], "smtp": [SMTP]}).is_doubtful

    def test_a_user_name_comes_from_a_table_that_names_one(self) -> None:
        entry = merge_one(
            provider_db={"imap": [IMAP]},
            ispdb={"imap": ["imap.old.com:993:tls"]},
            k9={"imap": [f"{IMAP}:local_part"]},
            fairemail={"imap": [IMAP]},
        )
        assert [server.username for server in entry.servers] == ["local_part"]

    def test_tls_on_587_where_a_table_has_nothing_else(self) -> None:
        entry = merge_one(ispdb={"imap": [IMAP], "smtp": ["smtp.example.com:587:tls"]})
        assert servers_of(entry) == [f"imap {IMAP}", "smtp smtp.example.com:587:tls"]
        finding = Finding(ConfigSource.ISPDB, Account("example.com", servers=entry.servers), Trust.MEDIUM)
        assert [remark.kind for remark in merge("example.com", [finding]).warnings] == ["unusual_port"]

    def test_only_unencrypted_servers_are_told_and_not_handed_on(self) -> None:
        entry = merge_one(ispdb={"pop3": ["pop.example.com:110:none:local_part"], "smtp": ["smtp.example.com:25:none"]})
        assert entry.servers == ()
        assert entry.doubts == (
            "ispdb: pop3 pop.example.com:110:none:local_part",
            "ispdb: smtp smtp.example.com:25:none",
        )

    @each_row(
        "text",
        [
            "imap.example.com:993:starttls", "127.0.0.1:993:tls", "smtp.example.com:465:none",
            "imap.example.com:x:tls", "imap.example.com", "", "imap.example.com:993:tls:address none", "a b.example.com:993:tls",
        ],
    )  # fmt: skip
    def test_a_bad_server_is_none(self, text: str) -> None:
        assert merged({"example.com": {"mailcore": {"imap": [text]}}}) == []

    def test_domains_that_are_none_or_known_are_left_out(self) -> None:
        said = {"ispdb": {"imap": [IMAP], "smtp": [SMTP]}}
        facts = dict.fromkeys(["*.example.com", "gmail", "known.example", "b.example", "a.example"], said)
        assert [entry.domains for entry in merged(facts, without=["known.example"])] == [("a.example", "b.example")]


@pytest.fixture
def shipped(db: None, settings: Settings) -> None:
    settings.DNS_SERVERS = (("127.0.0.1", 9),)  # no network at all
    load_public_settings()


def account(domain: str) -> Account:
    found = IspdbEntry.objects.account_for(domain)
    assert found
    return found


@pytest.mark.usefixtures("shipped")
class TestShipped:
    def test_all_of_the_file_is_there_and_loads_once(self) -> None:
        entries = json.loads(SHIPPED_TABLES.read_text(encoding="utf-8"))["entries"]
        domains = [domain for entry in entries for domain in entry["domains"]]
        assert len(domains) == len(set(domains)) == IspdbDomain.objects.count() > 300
        assert set(load_public_settings().outcomes.values()) == {FileOutcome.UNCHANGED}
        assert not IspdbEntry.objects.filter(sources="").exists()

    def test_it_holds_no_domain_of_the_provider_table(self) -> None:
        library, _ = read_library(SHIPPED)
        known = {domain for provider in library.providers for domain in provider.domains}
        assert not known & set(IspdbDomain.objects.values_list("domain", flat=True))

    def test_a_template_of_a_user_name_is_filled(self) -> None:
        imap = account("iijmio-mail.jp").servers[0]
        assert imap.username_for(Address("anna", "iijmio-mail.jp")) == "anna.iijmio-mail.jp"

    def test_an_import_takes_domains_and_loading_leaves_them(self, tmp_path: Path) -> None:
        xml = config(
            server("imap", "own.example.com", "993"), server("smtp", "own.example.com", "465"), domains=("talk21.com",)
        )
        (tmp_path / "talk21.com.xml").write_text(xml)
        import_folder(tmp_path, prune=True)
        load_public_settings()
        assert account("talk21.com").best(Protocol.IMAP).host == "own.example.com"  # type: ignore[union-attr]
        (tmp_path / "talk21.com.xml").unlink()
        import_folder(tmp_path, prune=True)
        load_public_settings()
        assert account("talk21.com").best(Protocol.IMAP).host == "mail.btinternet.com"  # type: ignore[union-attr]

    def test_what_staff_changed_stays(self) -> None:
        entry = IspdbEntry.objects.find("talk21.com")
        assert entry
        IspdbEntry.objects.filter(pk=entry.pk).update(is_kept=True, is_used=False)
        load_public_settings()
        assert IspdbEntry.objects.account_for("talk21.com") is None

    def test_the_provider_table_wins(self) -> None:
        make_provider("own", domains=["talk21.com"])
        found = discovering.at_hand("talk21.com")
        assert found
        assert found.account.provider == "own"


@pytest.mark.usefixtures("shipped")
class TestOffline:
    """What a newcomer without a network is told."""

    def look(self, domain: str) -> Discovery:
        return discovering.thoroughly(domain)

    def test_settings_with_sources(self) -> None:
        found = self.look("talk21.com")
        assert found.winner
        assert (found.winner.source, found.winner.trust) == (ConfigSource.ISPDB, Trust.MEDIUM)
        assert "thunderbird/autoconfig" in found.winner.origin
        assert found.account.best(Protocol.SMTP).host == "mail.btinternet.com"  # type: ignore[union-attr]

    def test_clear_text_only_is_said(self) -> None:
        found = self.look("bay.wind.ne.jp")
        assert not found.found
        assert [remark.kind for remark in found.warnings] == ["clear_text_only"]
        assert any(
            "pop3 bay.wind.ne.jp:110:none" in each.detail for finding in found.findings for each in finding.skipped
        )

    def test_old_facts_are_doubtful(self) -> None:
        found = self.look("traceroute.dk")
        assert found.winner
        assert found.winner.trust is Trust.LOW
        assert "low_trust" in [remark.kind for remark in found.warnings]
