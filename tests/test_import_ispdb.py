"""`manage.py import_ispdb`: what is taken, what is left out and why; twice the same changes nothing; staff win."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test.utils import CaptureQueriesContext

from guides.library import ispdb_import
from guides.library.ispdb_import import FileOutcome, import_folder
from guides.library.ispdb_reading import NotAFolderError
from guides.mail.accounts import Account, Address, AuthMethod, PasswordKind, Protocol, Security, UsernameForm
from guides.models import IspdbDomain, IspdbEntry, IspdbServer
from tests.factories import make_provider
from tests.ispdb_folder import Sample, config, good, samples, server, write_folder

pytestmark = pytest.mark.django_db


def put(folder: Path, **files: str) -> Path:
    """`example_com="<xml>"` becomes `example.com.xml`."""
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / f"{name.replace('_', '.')}.xml").write_text(content, encoding="utf-8")
    return folder


def simple(*domains: str) -> str:
    return config(*good(domains[0]), domains=domains)


def account_of(domain: str) -> Account:
    account = IspdbEntry.objects.account_for(domain)
    assert account
    return account


class TestTheFolder:
    """163 files, each as the world writes them or with one of its defects."""

    @pytest.fixture
    def written(self) -> list[Sample]:
        return samples()

    def test_each_file_is_reported(self, tmp_path: Path, written: list[Sample]) -> None:
        assert len(write_folder(tmp_path)) == len({sample.name for sample in written}) == 163
        report = import_folder(tmp_path)

        assert set(report.outcomes) == {sample.name for sample in written}
        for sample in written:
            assert report.outcomes[sample.name] == (FileOutcome.REFUSED if sample.refused else FileOutcome.NEW), (
                sample.name
            )
            expected = (
                [f"refused: {sample.refused}"]
                if sample.refused
                else [f"taken: {', '.join(sample.domains)}", f"taken: {', '.join(sample.servers)}"]
            )
            assert report.lines[sample.name] == [*expected, *(f"left out: {each}" for each in sample.left_out)]
        bad = sum(bool(sample.refused) for sample in written)
        assert report.summary == f"Files: {163 - bad} new, {bad} refused"

    def test_each_domain_gives_its_servers(self, tmp_path: Path, written: list[Sample]) -> None:
        write_folder(tmp_path)
        import_folder(tmp_path)

        taken = [sample for sample in written if not sample.refused]
        assert IspdbDomain.objects.count() == sum(len(sample.domains) for sample in taken)
        for sample in taken:
            for domain in sample.domains:
                account = account_of(domain)
                said = [f"{s.protocol} {s.host}:{s.port} {s.security}" for s in account.servers]
                assert said == [line.replace("%EMAILDOMAIN%", domain) for line in sample.servers]
        assert not IspdbEntry.objects.filter(source__startswith="refused-").exists()

    def test_twice_the_same_changes_nothing(self, tmp_path: Path, written: list[Sample]) -> None:
        write_folder(tmp_path)
        import_folder(tmp_path)
        before = rows()
        report = import_folder(tmp_path)

        assert rows() == before
        assert set(report.outcomes.values()) == {FileOutcome.UNCHANGED, FileOutcome.REFUSED}


def rows() -> list[object]:
    return [list(model.objects.order_by("pk").values()) for model in (IspdbEntry, IspdbDomain, IspdbServer)]


class TestAccounts:
    def test_everything_that_a_file_says(self, tmp_path: Path) -> None:
        more = (
            '<enable visiturl="https://example.com/on"/><enable visiturl="https://example.com/later"/>'
            '<documentation url="https://example.com/help"/>'
        )
        xml = config(
            server("imap", "imap.example.com", "993", username="%EMAILLOCALPART%", auth="password-cleartext OAuth2"),
            server("smtp", "smtp.example.com", "587", "STARTTLS", username="account number"),
            domains=("example.com",),
            more=more,
            name="Anna's Mail",
        )
        import_folder(put(tmp_path / "files", example_com=xml))
        account = account_of("example.com")
        imap, smtp = account.servers

        assert (account.domain, account.provider, account.provider_name) == ("example.com", None, "Anna's Mail")
        assert account.links == {"enable_page": "https://example.com/on", "help": "https://example.com/help"}
        assert account.must_enable
        assert account.password is PasswordKind.PASSWORD
        assert (imap.protocol, imap.username_for(Address("anna", "example.com"))) == (Protocol.IMAP, "anna")
        assert imap.auth == (AuthMethod.OAUTH2, AuthMethod.PASSWORD)
        assert (smtp.security, smtp.username) == (Security.STARTTLS, UsernameForm.OTHER)

    def test_the_window_only(self, tmp_path: Path) -> None:
        xml = config(
            server("imap", "imap.example.com", "993", auth="OAuth2"),
            server("smtp", "smtp.example.com", "465", auth="OAuth2"),
        )
        import_folder(put(tmp_path / "files", example_com=xml))
        assert account_of("example.com").password is PasswordKind.OAUTH2

    def test_a_mailbox_found_by_its_exchanger_has_its_own_domain_in_the_hosts(self, tmp_path: Path) -> None:
        xml = config(server("imap", "mail.%EMAILDOMAIN%", "993"), domains=("mx.example.com",))
        import_folder(put(tmp_path / "files", mx_example_com=xml))

        account = IspdbEntry.objects.account_for("mx.example.com", mailbox_domain="customer.example")
        assert account
        assert (account.domain, account.servers[0].host) == ("customer.example", "mail.customer.example")

    def test_an_unknown_domain(self, tmp_path: Path) -> None:
        import_folder(put(tmp_path / "files", example_com=simple("example.com")))
        assert IspdbEntry.objects.account_for("example.com")
        assert IspdbEntry.objects.account_for("sub.example.com") is None
        assert IspdbEntry.objects.account_for("com") is None

    def test_a_look_up_is_two_queries_however_many_domains(
        self, tmp_path: Path, django_assert_num_queries: CaptureQueriesContext
    ) -> None:
        import_folder(
            put(tmp_path / "files", example_com=simple("example.com", *(f"d{n}.example" for n in range(500))))
        )
        with django_assert_num_queries(2):  # type: ignore[operator]
            assert IspdbEntry.objects.account_for("d77.example")
        with django_assert_num_queries(1):  # type: ignore[operator]
            assert IspdbEntry.objects.account_for("d777.example") is None

    @pytest.mark.parametrize("change", [{"security": "none"}, {"port": 0}, {"protocol": "ftp"}, {"username": "x"}])
    def test_the_database_refuses_what_no_file_may_bring(self, tmp_path: Path, change: dict[str, object]) -> None:
        import_folder(put(tmp_path / "files", example_com=simple("example.com")))
        with pytest.raises(IntegrityError), transaction.atomic():
            IspdbServer.objects.update(**change)


class TestAgain:
    def test_a_changed_file_replaces_what_it_said(self, tmp_path: Path) -> None:
        folder = put(
            tmp_path / "files", example_com=simple("example.com", "old.example"), other_net=simple("other.net")
        )
        import_folder(folder)
        entry = IspdbEntry.objects.get(source="example.com.xml")
        put(folder, example_com=simple("example.com", "new.example").replace("imap.example.com", "mail.example.com"))
        report = import_folder(folder)

        assert report.outcomes == {"example.com.xml": FileOutcome.CHANGED, "other.net.xml": FileOutcome.UNCHANGED}
        assert account_of("new.example").servers[0].host == "mail.example.com"
        assert IspdbEntry.objects.account_for("old.example") is None
        entry.refresh_from_db()
        assert entry.version == 2  # an editor who has its page open in admin is told

    def test_a_domain_moves_from_file_to_file(self, tmp_path: Path) -> None:
        folder = put(tmp_path / "files", a_net=simple("a.net", "moves.example"), b_net=simple("b.net"))
        import_folder(folder)
        put(folder, a_net=simple("a.net"), b_net=simple("b.net", "moves.example"))
        import_folder(folder)
        assert account_of("moves.example").servers[0].host == "imap.b.net"

        put(folder, a_net=simple("a.net", "moves.example"), b_net=simple("b.net"))
        import_folder(folder)
        assert account_of("moves.example").servers[0].host == "imap.a.net"

    def test_what_is_in_no_file_stays_until_it_is_pruned(self, tmp_path: Path) -> None:
        import_folder(put(tmp_path / "old", gone_net=simple("gone.net"), kept_net=simple("kept.net")))
        IspdbEntry.objects.filter(source="kept.net.xml").update(is_kept=True)
        folder = put(tmp_path / "new", example_com=simple("example.com"))

        assert import_folder(folder).left_over == ["gone.net.xml", "kept.net.xml"]
        assert IspdbEntry.objects.account_for("gone.net")
        report = import_folder(folder, prune=True)
        assert (report.outcomes["gone.net.xml"], report.left_over) == (FileOutcome.PRUNED, ["kept.net.xml"])
        assert IspdbEntry.objects.account_for("gone.net") is None

    def test_a_file_that_broke_takes_nothing_away(self, tmp_path: Path) -> None:
        folder = put(tmp_path / "files", example_com=simple("example.com"))
        import_folder(folder)
        put(folder, example_com="<html/>")
        report = import_folder(folder, prune=True)

        assert report.outcomes == {"example.com.xml": FileOutcome.REFUSED}
        assert report.lines["example.com.xml"][-1] == "what an earlier import took from it stays"
        assert IspdbEntry.objects.account_for("example.com")

    def test_all_of_it_or_nothing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        folder = put(tmp_path / "files", example_com=simple("example.com"))
        import_folder(folder)
        put(folder, example_com=simple("example.com", "more.example"), other_net=simple("other.net"))

        def power_cut(*_args: object, **_kwargs: object) -> None:
            raise RuntimeError

        with monkeypatch.context() as patch:
            patch.setattr(ispdb_import.IspdbServer.objects, "bulk_create", power_cut)
            with pytest.raises(RuntimeError), transaction.atomic():
                import_folder(folder)
        assert account_of("example.com").servers
        assert not IspdbDomain.objects.exclude(domain="example.com").exists()
        assert import_folder(folder).summary == "Files: 1 new, 1 changed"

    def test_no_folder(self, tmp_path: Path) -> None:
        with pytest.raises(NotAFolderError, match="there is no such folder"):
            import_folder(tmp_path / "nowhere")


class TestWhoWins:
    def test_staffs_changes_stay(self, tmp_path: Path) -> None:
        folder = put(
            tmp_path / "files", example_com=simple("example.com"), other_net=simple("other.net", "shared.example")
        )
        import_folder(folder)
        entry = IspdbEntry.objects.get(source="example.com.xml")
        IspdbServer.objects.filter(entry=entry, protocol="imap").update(host="right.example.com")
        IspdbDomain.objects.filter(domain="shared.example").update(entry=entry)
        IspdbEntry.objects.filter(pk=entry.pk).update(is_kept=True)
        report = import_folder(folder)

        assert report.outcomes == {"example.com.xml": FileOutcome.KEPT, "other.net.xml": FileOutcome.UNCHANGED}
        assert "left out: domain shared.example: staff gave it to example.com.xml" in report.lines["other.net.xml"]
        assert account_of("shared.example").servers[0].host == "right.example.com"

    def test_an_entry_that_staff_switched_off_is_not_used(self, tmp_path: Path) -> None:
        import_folder(put(tmp_path / "files", example_com=simple("example.com")))
        IspdbEntry.objects.update(is_used=False, is_kept=True)
        assert IspdbEntry.objects.account_for("example.com") is None

    def test_the_provider_table_is_said_to_win(self, tmp_path: Path) -> None:
        make_provider(domains=("example.com",))
        report = import_folder(put(tmp_path / "files", example_com=simple("example.com", "more.example")))
        assert report.lines["example.com.xml"][-1] == "not used while the provider table has them: example.com"


class TestCommand:
    def test_it_works(self, tmp_path: Path) -> None:
        out = StringIO()
        pop3 = server("pop3", "pop.example.com", "110", "plain")
        folder = put(tmp_path / "files", example_com=config(pop3, *good("example.com")), broken_com="<html/>")
        call_command("import_ispdb", folder, stdout=out)
        assert out.getvalue() == (
            "broken.com.xml: refused\n"
            "  refused: its root is not clientConfig\n"
            "example.com.xml: new\n"
            "  taken: example.com\n"
            "  taken: imap imap.example.com:993 tls, smtp smtp.example.com:465 tls\n"
            "  left out: incomingServer pop3: no encryption (plain)\n"
            "Files: 1 new, 1 refused\n"
        )

        out = StringIO()
        call_command("import_ispdb", put(tmp_path / "more", other_net=simple("other.net")), stdout=out)
        assert "In no file of this folder, and left as they are: example.com.xml\n" in out.getvalue()

    @pytest.mark.parametrize("folder", ["nowhere", "empty", "broken"])
    def test_nothing_to_take(self, tmp_path: Path, folder: str) -> None:
        put(tmp_path / "empty")
        put(tmp_path / "broken", broken_com="<html/>")
        err = StringIO()
        with pytest.raises(SystemExit) as stopped:
            call_command("import_ispdb", tmp_path / folder, stdout=StringIO(), stderr=err)
        assert stopped.value.code == 1
        assert err.getvalue().strip()
        assert not IspdbEntry.objects.exists()

    def test_names_of_files_are_strangers_words(self, tmp_path: Path) -> None:
        (tmp_path / "a\x1b[31m.xml").write_text(simple("example.com"))
        (tmp_path / "good.xml").write_text(simple("example.net"))
        out = StringIO()
        call_command("import_ispdb", tmp_path, stdout=out)
        assert "a?[31m.xml: refused\n  refused: its name cannot be kept\n" in out.getvalue()
        assert "\x1b" not in out.getvalue()
