"""`load_content`: files in, every fault with its line, and hands off what staff changed."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from guides import models
from guides.library import loading
from guides.library.entries import LibraryError
from guides.library.loading import EntryOutcome, Origin, load_folder
from guides.library.reading import SHIPPED
from guides.mail.accounts import AuthMethod, PasswordKind, Protocol
from tests.factories import make_guide_text, make_provider
from tests.library_files import STEPS, spoil, text, write_library

pytestmark = [pytest.mark.django_db, pytest.mark.long]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_library(tmp_path / "library")


@pytest.fixture
def shipped(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small library in the place of the portal's own, as `make run` loads it."""
    monkeypatch.setattr(loading, "SHIPPED", root)
    return root


def faults_of(root: Path) -> list[str]:
    with pytest.raises(LibraryError) as caught:
        load_folder(root)
    return [f"{Path(fault.file).relative_to(root)}:{fault.line}: {fault.what}" for fault in caught.value.faults]


def counts(root: Path, **options: bool) -> dict[str, int]:
    return {verdict.value: count for verdict, count in load_folder(root, **options).counts.items()}


class TestLoading:
    def test_everything_arrives(self, root: Path) -> None:
        assert counts(root) == {"created": 12}

        provider = models.Provider.objects.for_domain("example.org").get()
        account = provider.account("example.org")
        assert account.password is PasswordKind.APP_PASSWORD
        best = account.best(Protocol.IMAP)
        assert best is not None
        assert best.auth == (AuthMethod.OAUTH2, AuthMethod.APP_PASSWORD)
        assert account.best(Protocol.POP3) is None
        assert provider.sources == "a\nb: c"
        assert provider.doubts == "POP3: not known"
        assert provider.texts.get().password_name == "app password"
        assert provider.texts.get().username_name == "mailbox number"

        guide = models.Guide.objects.get(slug="bird")
        assert guide.client is not None
        assert guide.client.aliases == "鳥, Птица"
        assert guide.client.versions.get(is_default=True).slug == "new"
        assert {each.language: each.title for each in guide.texts.all()} == {"en": "Bird", "ja": "鳥"}
        assert all(each.compiled for each in models.GuideText.objects.all())

        article = models.ErrorArticle.objects.get(slug="full")
        assert [each.name for each in article.classes.all()] == ["mbox.overquota"]
        quota, full = article.patterns.order_by("-name")
        assert (quota.provider, quota.protocol, quota.stage) == (provider, "smtp", "envelope")
        assert (full.provider, full.owner) == (None, "recipient")

    def test_a_second_run_changes_nothing(self, root: Path) -> None:
        load_folder(root)
        before = list(models.GuideText.objects.values_list("pk", "version", "updated_at"))

        assert counts(root) == {"unchanged": 12}
        assert list(models.GuideText.objects.values_list("pk", "version", "updated_at")) == before

    def test_the_order_of_domains_is_no_change(self, root: Path) -> None:
        load_folder(root)
        spoil(root, "providers/example.yaml", "[example.net, example.org]", "[example.org, example.net]")

        assert counts(root) == {"unchanged": 12}

    def test_a_file_that_changed_changes_its_row(self, root: Path) -> None:
        load_folder(root)
        pk, version = models.GuideText.objects.values_list("pk", "version").get(guide__slug="bird", language="en")
        spoil(root, "guides/bird/en.md", "Old words.", "Older words.")
        spoil(root, "providers/example.yaml", "example.org]", "example.com]")

        assert counts(root) == {"updated": 2, "unchanged": 10}
        text_row = models.GuideText.objects.get(pk=pk)
        assert "Older words." in text_row.body
        assert "Older words." in str(text_row.compiled)
        assert text_row.version == version + 1
        assert set(models.ProviderDomain.objects.values_list("domain", flat=True)) == {"example.net", "example.com"}

    def test_a_domain_moves_to_another_provider(self, root: Path) -> None:
        load_folder(root)
        spoil(root, "providers/example.yaml", ", example.org]", "]")
        (root / "providers/another.yaml").write_text("slug: another\nname: Another\ndomains: [example.org]\n")

        assert counts(root) == {"created": 1, "updated": 1, "unchanged": 11}
        assert models.Provider.objects.for_domain("example.org").get().slug == "another"

    def test_folders_may_be_missing(self, tmp_path: Path) -> None:
        assert counts(tmp_path) == {}
        (tmp_path / "providers").mkdir()
        (tmp_path / "README.md").write_text("For people.")
        assert counts(tmp_path) == {}

    def test_a_folder_may_refer_to_what_the_database_holds(self, root: Path, tmp_path: Path) -> None:
        load_folder(root)
        pack = tmp_path / "pack"
        (pack / "guides/imap").mkdir(parents=True)
        (pack / "guides/imap/guide.yaml").write_text("kind: topic\n")
        (pack / "guides/imap/en.md").write_text(text("IMAP", "::: if provider:example\nA word.\n::: end\n\n" + STEPS))

        assert counts(pack) == {"created": 1, "unchanged": 1}

    def test_a_library_written_on_windows(self, root: Path) -> None:
        load_folder(root)
        for path in root.rglob("*.*"):
            path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))

        assert counts(root) == {"unchanged": 12}

    def test_python_modules_beside_the_content_are_left_alone(self, root: Path) -> None:
        (root / "reading.py").write_text("")
        (root / "__pycache__").mkdir()

        assert counts(root) == {"created": 12}

    def test_a_withdrawn_pattern_goes(self, root: Path) -> None:
        load_folder(root)
        spoil(root, "errors/full/article.yaml", "name: full", "name: full-mailbox")

        assert counts(root) == {"created": 1, "unchanged": 11, "withdrawn": 1}
        assert set(models.ErrorPattern.objects.values_list("name", flat=True)) == {"quota", "full-mailbox"}


class TestStaff:
    """What staff made, changed or deleted stays so."""

    def test_a_changed_text_is_kept_and_named(self, shipped: Path) -> None:
        load_folder(shipped)
        make_change(models.GuideText.objects.get(language="ja"), title="小鳥")

        report = load_folder(shipped)
        assert report.counts == {EntryOutcome.UNCHANGED: 11, EntryOutcome.KEPT: 1}
        assert report.notes == ["guides/bird/ja.md: kept as staff changed it"]

        spoil(shipped, "guides/bird/ja.md", "title: 鳥", "title: 大鳥")
        report = load_folder(shipped)
        assert report.notes == [
            "guides/bird/ja.md: kept as staff changed it, and its file has news (--overwrite takes the file)"
        ]
        assert models.GuideText.objects.get(language="ja").title == "小鳥"

        assert load_folder(shipped, overwrite=True).counts[EntryOutcome.UPDATED] == 1
        assert models.GuideText.objects.get(language="ja").title == "大鳥"

    def test_a_change_that_was_taken_back_is_none(self, shipped: Path) -> None:
        load_folder(shipped)
        make_change(models.GuideText.objects.get(language="ja"), title="小鳥")
        make_change(models.GuideText.objects.get(language="ja"), title="鳥")
        spoil(shipped, "guides/bird/ja.md", "title: 鳥", "title: 大鳥")

        assert counts(shipped) == {"unchanged": 11, "updated": 1}

    def test_a_changed_part_keeps_the_whole_entry(self, shipped: Path) -> None:
        load_folder(shipped)
        provider = models.Provider.objects.get()
        models.ProviderDomain.objects.create(provider=provider, domain="staff.example")

        assert counts(shipped) == {"unchanged": 11, "kept": 1}
        assert provider.domains.count() == 3

    def test_what_staff_made_stays(self, shipped: Path) -> None:
        load_folder(shipped)
        make_provider("own", domains=("own.example",))
        make_guide_text(models.Guide.objects.get(slug="imap"), "en")
        article = models.ErrorArticle.objects.get()
        models.ErrorPattern.objects.create(
            article=article, name="own", pattern="own words", example="own words", cause="unknown.unknown"
        )

        assert counts(shipped) == {"unchanged": 12}
        assert models.Provider.objects.filter(slug="own").exists()
        assert article.patterns.count() == 3

    def test_what_staff_deleted_does_not_come_back(self, shipped: Path) -> None:
        load_folder(shipped)
        models.Guide.objects.get(slug="bird").delete()
        models.ErrorPattern.objects.get(name="full").delete()

        report = load_folder(shipped)
        assert report.counts == {EntryOutcome.UNCHANGED: 8, EntryOutcome.DELETED: 4}
        assert report.notes == [
            "guides/bird/guide.yaml: not loaded, because staff deleted it",
            "patterns/full: not loaded, because staff deleted it",
        ]
        assert not models.Guide.objects.filter(slug="bird").exists()

        assert counts(shipped, overwrite=True) == {"unchanged": 8, "created": 4}

    def test_a_deleted_provider_takes_its_patterns_along(self, shipped: Path) -> None:
        load_folder(shipped)
        models.Provider.objects.get().delete()

        report = load_folder(shipped)
        assert report.counts == {EntryOutcome.UNCHANGED: 9, EntryOutcome.DELETED: 3}
        assert not models.ErrorPattern.objects.filter(name="quota").exists()

    def test_a_domain_that_staff_gave_to_another_provider_stays_there(self, shipped: Path) -> None:
        make_provider("own", domains=("example.org",))

        report = load_folder(shipped)
        note = "providers/example.yaml: staff gave example.org to another entry; left there"
        assert report.notes == [note]
        assert models.Provider.objects.for_domain("example.org").get().slug == "own"
        assert load_folder(shipped).counts == {EntryOutcome.UNCHANGED: 12}

    def test_a_class_that_staff_gave_to_another_article_stays_there(self, shipped: Path) -> None:
        own = models.ErrorArticle.objects.create(slug="own")
        models.ArticleClass.objects.create(article=own, name="mbox.overquota")

        load_folder(shipped)
        assert models.ArticleClass.objects.get().article == own

    def test_a_guide_that_staff_wrote_about_a_client_stays_the_only_one(self, shipped: Path) -> None:
        client = models.MailClient.objects.create(slug="bird", name="Bird")
        models.Guide.objects.create(slug="own", client=client)

        report = load_folder(shipped, overwrite=True)
        assert report.counts[EntryOutcome.KEPT] == 1
        assert report.counts[EntryOutcome.DELETED] == 2  # its texts
        assert not models.Guide.objects.filter(slug="bird").exists()

    def test_a_version_that_staff_removed_stops_no_start(self, shipped: Path) -> None:
        load_folder(shipped)
        models.ClientVersion.objects.get(slug="old").delete()
        make_change(models.GuideText.objects.get(guide__slug="bird", language="en"), title="Our bird")

        report = load_folder(shipped)
        assert report.counts == {EntryOutcome.UNCHANGED: 10, EntryOutcome.KEPT: 2}
        assert any("shown as before, but its text has a fault" in note for note in report.notes)

    def test_the_shipped_library_does_not_undo_an_operators_folder(self, shipped: Path, tmp_path: Path) -> None:
        load_folder(shipped)
        folder = write_library(tmp_path / "folder")
        spoil(folder, "guides/bird/ja.md", "title: 鳥", "title: 小鳥")

        assert counts(folder) == {"unchanged": 11, "updated": 1}
        assert counts(shipped) == {"unchanged": 11, "kept": 1}
        spoil(folder, "guides/bird/ja.md", "title: 小鳥", "title: 大鳥")
        assert counts(folder) == {"unchanged": 11, "updated": 1}
        assert models.GuideText.objects.get(language="ja").title == "大鳥"

    def test_an_older_compiled_form_is_made_anew(self, shipped: Path) -> None:
        load_folder(shipped)
        kept = models.GuideText.objects.get(language="ja")
        make_change(kept, title="小鳥")
        right = kept.compiled
        models.GuideText.objects.update(compiled=["old form"])

        load_folder(shipped)
        assert models.GuideText.objects.get(language="ja").compiled == right
        assert not models.GuideText.objects.filter(compiled=["old form"]).exists()


def make_change(row: models.GuideText, **values: str) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    row.save()


FAULTS = [
    # (file, words to replace, their replacement, the fault that must be named with its line)
    ("providers/example.yaml", "name: Example", "name: [Example]", "2: name: a single value is expected"),
    ("providers/example.yaml", "name: Example\n", "", "1: name: a value is missing"),
    ("providers/example.yaml", "name: Example", "name: Example\nname: Again", "3: name: named twice"),
    ("providers/example.yaml", "name: Example", "nmae: Example", "2: nmae: unknown; the keys here are slug, name,"),
    ("providers/example.yaml", "slug: example", "slug: other", "1: slug: “other” must be the name of the file"),
    ("providers/example.yaml", "app_password\n", "app-password\n", "3: password: “app-password” is none of password,"),
    ("providers/example.yaml", "^[a-z]{16}$", "^(?=a)", "4: password_pattern: RE2 cannot read it:"),
    ("providers/example.yaml", "2026-11-24", "2026-13-40", "5: checked_on: a date such as 2026-11-24 is expected"),
    ("providers/example.yaml", "2026-11-24", "24.11.2026", "5: checked_on: a date such as 2026-11-24 is expected"),
    ("providers/example.yaml", '"https:', '"http:', "6: links.help: Enter a valid URL."),
    ("providers/example.yaml", "{help:", "{halp:", "6: halp: unknown; the keys here are signup,"),
    ("providers/example.yaml", "example.org]", "Example.org]", "7: domains: “Example.org” must be written example.org"),
    (
        "providers/example.yaml",
        "example.org]",
        "例え.テスト]",
        "7: domains: “例え.テスト” must be written xn--r8jz45g.xn--",
    ),
    ("providers/example.yaml", "example.org]", "192.0.2.1]", "7: domains: “192.0.2.1” is no domain"),
    ("providers/example.yaml", "example.org]", "example.net]", "7: domains: example.net is named twice"),
    ("providers/example.yaml", "[example.net, example.org]", "example.net", "7: domains: a list is expected"),
    ("providers/example.yaml", "993", "70000", "10: port: 70000 is not between 1 and 65535"),
    ("providers/example.yaml", "993", "'993'", "10: port: a whole number is expected, not “993”"),
    ("providers/example.yaml", "[mx.example.net]", "[co.jp]", "8: mx_suffixes: “co.jp” is a public suffix"),
    ("providers/example.yaml", "imap.example.net", "imap", "10: host: “imap” is no domain"),
    ("providers/example.yaml", "imap.example.net", "127.0.0.1", "10: host: “127.0.0.1” is no domain"),
    ("providers/example.yaml", "security: tls, auth", "security: ssl, auth", "10: security: “ssl” is none of tls,"),
    ("providers/example.yaml", "[oauth2, password]", "[]", "10: auth: at least one of password, oauth2"),
    ("providers/example.yaml", "[oauth2, password]", "[app_password]", "10: auth: “app_password” is none of password,"),
    ("providers/example.yaml", "app_password\n", "oauth2\n", "10: auth: a provider with “password: oauth2” takes no"),
    (
        "providers/example.yaml",
        "protocol: smtp, host: smtp.example.net, port: 465",
        "protocol: imap, host: imap.example.net, port: 993",
        "11: servers: imap imap.example.net:993 stands here twice",
    ),
    ("providers/example.yaml", "links: {", "links: {{", "7: not YAML: while parsing a flow mapping"),
    (
        "clients/bird.yaml",
        "platforms: [Windows",
        "platforms: ['Windows, 10'",
        "4: platforms: “Windows, 10” must be one name",
    ),
    ("clients/bird.yaml", "default: true", "default: maybe", "7: default: true or false is expected, not “maybe”"),
    ("clients/bird.yaml", ", default: true", "", "6: versions: exactly one of them is the default"),
    ("clients/bird.yaml", "slug: old", "slug: new", "7: versions: new stands here twice"),
    ("clients/bird.yaml", "aliases:", "help_url: http://bird.example/\naliases:", "3: help_url: Enter a valid URL."),
    ("clients/bird.yaml", "aliases:", "protocols: []\naliases:", "3: protocols: at least one of imap, pop3"),
    ("guides/bird/guide.yaml", "client: bird", "client: cat", "2: client: there is no mail client “cat”"),
    ("guides/bird/guide.yaml", "client: bird\n", "", "1: client: a guide of kind client names one"),
    ("guides/bird/guide.yaml", "position: 10", "position: -1", "3: position: a whole number is expected, not “-1”"),
    ("guides/bird/guide.yaml", "kind: client\nclient: bird\nposition: 10\n", "", "1: the file says nothing"),
    (
        "guides/bird/guide.yaml",
        "kind: client\nclient: bird\nposition: 10\n",
        "- kind\n",
        "1: “key: value” lines are expected here",
    ),
    (
        "guides/bird/en.md",
        "::: if version:old",
        "::: if version:older",
        "6: “version:older” is not a word for conditions",
    ),
    ("guides/bird/en.md", "{{ incoming.host }}", "{{ incoming.hots }}", "12: “incoming.hots” is not a placeholder"),
    ("guides/bird/en.md", "title: Bird", "titel: Bird", "2: title: a value is missing"),
    ("guides/bird/en.md", "title: Bird", f"title: {'B' * 201}", "2: title: Ensure this value has at most 200"),
    ("guides/bird/en.md", "---\n", "", "1: a text starts with a head between two lines"),
    ("guides/imap/ru.md", "::: step", "step", "9: There is no open block"),
    ("errors/full/article.yaml", "[mbox.overquota]", "[mbox.fullish]", "3: classes: “mbox.fullish” is no class"),
    (
        "errors/full/article.yaml",
        "cause: mbox.overquota",
        "cause: mbox.fullish",
        "8: cause: “mbox.fullish” is no class",
    ),
    ("errors/full/article.yaml", "provider: example", "provider: other", "9: provider: there is no provider “other”"),
    ("errors/full/article.yaml", "'(?i)quota exceeded'", "'(?!quota)'", "6: pattern: RE2 has no look-ahead"),
    ("errors/full/article.yaml", '"552 5.2.2 Quota', '"552 5.2.2 Kuota', "7: example: the pattern does not find it"),
    ("errors/full/article.yaml", "name: full", "name: quota", "12: the pattern quota already stands in"),
    ("errors/full/article.yaml", "owner: visitor", "owner: user", "1: owner: “user” is none of visitor, admin"),
]


class TestFaults:
    @pytest.mark.parametrize(("name", "old", "new", "fault"), FAULTS, ids=[f"{f[0]}-{f[3]}" for f in FAULTS])
    def test_a_fault_is_named_with_its_line(self, root: Path, name: str, old: str, new: str, fault: str) -> None:
        spoil(root, name, old, new)

        assert any(each.startswith(f"{name}:{fault}") for each in faults_of(root)), faults_of(root)
        assert not models.Provider.objects.exists()

    def test_the_same_without_a_fault_loads(self, root: Path) -> None:
        assert counts(root) == {"created": 12}

    def test_all_faults_are_named_at_once(self, root: Path) -> None:
        spoil(root, "providers/example.yaml", "993", "0")
        spoil(root, "guides/bird/en.md", "{{ incoming.host }}", "{{ nothing }}")
        spoil(root, "errors/full/article.yaml", "owner: visitor", "owner: user")

        assert {fault.partition(":")[0] for fault in faults_of(root)} >= {
            "providers/example.yaml",
            "guides/bird/en.md",
            "errors/full/article.yaml",
        }

    def test_a_domain_of_two_providers(self, root: Path) -> None:
        (root / "providers/second.yaml").write_text("slug: second\nname: Second\ndomains:\n  - example.org\n")

        (fault,) = faults_of(root)
        assert fault.startswith("providers/second.yaml:4: the domain example.org already stands in")
        assert fault.endswith("providers/example.yaml:7")

    def test_two_guides_about_a_client(self, root: Path) -> None:
        (root / "guides/finch").mkdir()
        (root / "guides/finch/guide.yaml").write_text("kind: client\nclient: bird\n")

        (fault,) = faults_of(root)
        assert fault.startswith("guides/finch/guide.yaml:2: a guide about the client bird already stands in")

    @pytest.mark.parametrize(
        "name",
        [
            "guides/bird/jp.md",
            "guides/bird/picture.png",
            "guides/stray.md",
            "providers/example.md",
            "clients/bird.json",
            "notes/a.md",
        ],
    )
    def test_a_file_that_nothing_would_read(self, root: Path, name: str) -> None:
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("x")

        (fault,) = faults_of(root)
        assert fault.startswith(name.split("/")[0])
        assert "no file of the library" in fault

    def test_a_text_without_its_entry(self, root: Path) -> None:
        (root / "guides/lost").mkdir()
        (root / "guides/lost/en.md").write_text(text("Lost"))
        (root / "providers/lost.en.md").write_text(text("Lost"))

        assert faults_of(root) == [
            "guides/lost/guide.yaml:1: the file is missing",
            "providers/lost.en.md:1: there is no lost.yaml beside it",
        ]

    def test_a_file_that_is_not_utf_8(self, root: Path) -> None:
        (root / "guides/bird/ja.md").write_bytes("---\ntitle: 鳥\n---\n".encode("shift_jis"))

        assert faults_of(root) == ["guides/bird/ja.md:2: the file is not UTF-8"]

    def test_a_published_text_without_a_body(self, root: Path) -> None:
        (root / "guides/imap/ru.md").write_text(text("IMAP", ""))
        assert faults_of(root) == ["guides/imap/ru.md:3: status: a published text needs a body"]

        (root / "guides/imap/ru.md").write_text(text("IMAP", "", status="draft"))
        assert counts(root) == {"created": 12}

    def test_a_fault_changes_nothing_that_was_loaded(self, root: Path) -> None:
        load_folder(root)
        spoil(root, "guides/bird/ja.md", "title: 鳥", "title: 大鳥")
        spoil(root, "errors/full/article.yaml", "owner: visitor", "owner: user")

        faults_of(root)
        assert models.GuideText.objects.get(language="ja").title == "鳥"


class TestCommand:
    def test_it_reports(self, root: Path) -> None:
        out = StringIO()
        call_command("load_content", str(root), stdout=out)
        assert out.getvalue() == "Library: 12 created.\n"

    def test_it_names_all_faults_and_fails(self, root: Path) -> None:
        spoil(root, "providers/example.yaml", "993", "0")
        err = StringIO()
        with pytest.raises(SystemExit) as caught:
            call_command("load_content", str(root), stderr=err)
        assert caught.value.code == 1
        assert f"{root}/providers/example.yaml:10: port: 0 is not between 1 and 65535" in err.getvalue()
        assert "Faults: 1. Nothing was loaded." in err.getvalue()

    def test_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        err = StringIO()
        with pytest.raises(SystemExit):
            call_command("load_content", str(tmp_path / "nowhere"), stderr=err)
        assert "there is no such folder" in err.getvalue()

    def test_the_shipped_library_loads_twice(self) -> None:
        first = load_folder(SHIPPED)
        assert first.counts[EntryOutcome.CREATED] == sum(first.counts.values()) > 0
        assert first.notes == []

        second = load_folder(SHIPPED)
        assert second.counts == {EntryOutcome.UNCHANGED: first.counts[EntryOutcome.CREATED]}
        assert models.ProviderText.objects.exists()
        assert Origin.SHIPPED in {each.source for each in loading.LoadedEntry.objects.all()}
