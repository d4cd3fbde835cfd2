"""The admin: every model, checks at the field, and nobody's work overwritten unseen."""

from __future__ import annotations

import shutil
import stat
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import translation
from pytest_django.fixtures import Settings

from guides import models
from guides.library.loading import load_folder
from guides.library.reading import SHIPPED
from guides.models import (
    ClientVersion,
    ErrorPattern,
    Guide,
    GuideText,
    LoadedEntry,
    MailClient,
    Provider,
    ProviderDomain,
)
from tests.factories import (
    STEPS,
    make_article,
    make_client,
    make_guide,
    make_guide_text,
    make_notice,
    make_pattern,
    make_provider,
)

pytestmark = pytest.mark.django_db

ENTRIES = ["provider", "mailclient", "guide", "errorarticle", "errorpattern", "guidetext", "errortext", "providertext"]


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("alice"))
    return client


def page_of(row: Any) -> str:
    return reverse(f"admin:guides_{row._meta.model_name}_change", args=[row.pk])


def fields_of(response: Any) -> dict[str, str]:
    """What a browser would send back from a page of the admin, with nothing changed."""
    forms = [response.context["adminform"].form]
    for inline in response.context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    data: dict[str, str] = {}
    for form in forms:
        for field in form:
            value = field.value()
            if value is False or value is None:
                continue
            data[field.html_name] = (
                value.isoformat() if isinstance(value, date) else "on" if value is True else str(value)
            )
    return data


def errors_of(response: Any) -> str:
    """All errors on the page, as they are shown."""
    form = response.context["adminform"].form
    shown = str(form.errors)
    for inline in response.context["inline_admin_formsets"]:
        shown += str(inline.formset.non_form_errors()) + "".join(str(each.errors) for each in inline.formset.forms)
    return shown


class TestPages:
    def test_every_model_has_a_page(self) -> None:
        registered = {model.__name__ for model in admin.site._registry if model._meta.app_label == "guides"}
        # The others stand on the page of what they belong to.
        parts = {"ArticleClass", "ClientVersion", "FormerArticle", "ProviderDomain", "ProviderServer", "SuffixRule"}
        parts |= {"IspdbDomain", "IspdbServer"}
        # And these the portal writes from the others.
        made = {"LibraryVersion", "SearchEntry", "SearchWord"}
        assert registered | parts | made == set(models.__all__)

    @pytest.fixture
    def rows(self) -> dict[str, Any]:
        provider = make_provider()
        guide = make_guide(client=make_client(versions=("new", "old")))
        article = make_article(classes=("mbox.overquota",))
        return {
            "provider": provider,
            "mailclient": guide.client,
            "guide": guide,
            "errorarticle": article,
            "errorpattern": make_pattern(article, provider=provider),
            "guidetext": guide.texts.get(),
            "errortext": article.texts.get(),
            "providertext": make_notice(provider),
        }

    @pytest.mark.parametrize("name", ENTRIES)
    @pytest.mark.parametrize("language", ["ja", "en", "ru"])
    def test_lists_forms_and_searches_open(self, staff: Client, rows: dict[str, Any], name: str, language: str) -> None:
        headers = {"Accept-Language": language}
        for url in (
            reverse(f"admin:guides_{name}_changelist"),
            reverse(f"admin:guides_{name}_changelist") + "?q=a",
            reverse(f"admin:guides_{name}_add"),
            page_of(rows[name]),
        ):
            response = staff.get(url, headers=headers)
            assert response.status_code == 200, url
            html = response.content.decode()
            assert " style=" not in html
            assert "<style" not in html
            assert "onclick=" not in html

    @pytest.mark.parametrize("name", ENTRIES)
    def test_a_page_that_is_saved_unchanged_changes_nothing(
        self, staff: Client, rows: dict[str, Any], name: str
    ) -> None:
        row = rows[name]
        stored = {field.name: getattr(row, field.name) for field in row._meta.fields}
        response = staff.post(page_of(row), fields_of(staff.get(page_of(row))))

        assert response.status_code == 302, errors_of(response)
        row.refresh_from_db()
        differing = {name for name, value in stored.items() if getattr(row, name) != value}
        assert differing <= {"version", "updated_at"}

    def test_a_provider_is_found_by_its_domain(self, staff: Client) -> None:
        make_provider("example", domains=("example.net", "example.org"))
        make_provider("another", domains=("another.example",))

        html = staff.get(reverse("admin:guides_provider_changelist"), {"q": "example.org"}).content.decode()
        assert ">Example<" in html
        assert ">Another<" not in html

    def test_the_short_name_is_fixed(self, staff: Client) -> None:
        provider = make_provider()
        data = fields_of(staff.get(page_of(provider)))
        assert "slug" not in data

        staff.post(page_of(provider), {**data, "slug": "renamed"})
        provider.refresh_from_db()
        assert provider.slug == "example"

    def test_the_loaders_memory_can_be_looked_at_and_forgotten(self, staff: Client) -> None:
        entry = LoadedEntry.objects.create(source="shipped", key="guides/bird/guide.yaml", fingerprint="0" * 64)

        assert staff.get(page_of(entry)).status_code == 200
        assert staff.get(reverse("admin:guides_loadedentry_add")).status_code == 403
        staff.post(reverse("admin:guides_loadedentry_delete", args=[entry.pk]), {"post": "yes"})
        assert not LoadedEntry.objects.exists()

    def test_the_largest_provider_can_be_saved(self, staff: Client) -> None:
        provider = make_provider(domains=tuple(f"d{number}.example" for number in range(120)))
        data = fields_of(staff.get(page_of(provider)))

        assert staff.post(page_of(provider), {**data, "name": "Large"}).status_code == 302
        provider.refresh_from_db()
        assert provider.name == "Large"

    def test_strangers_are_sent_to_sign_in(self, client: Client) -> None:
        response = client.get(reverse("admin:guides_provider_changelist"))
        assert response.status_code == 302
        assert "/login/" in response.headers["Location"]


class TestViewOnSite:
    def test_published_entries_lead_to_their_pages(self, staff: Client) -> None:
        guide = make_guide("thunderbird", languages=("ru",))
        article = make_article("mailbox-full", languages=("ja",))

        with translation.override("en"):
            assert 'href="/en/guides/thunderbird/"' in staff.get(page_of(guide)).content.decode()
            assert 'href="/en/errors/mailbox-full/"' in staff.get(page_of(article)).content.decode()
        assert 'href="/ru/guides/thunderbird/"' in staff.get(page_of(guide.texts.get())).content.decode()
        assert 'href="/ja/errors/mailbox-full/"' in staff.get(page_of(article.texts.get())).content.decode()

    def test_a_provider_leads_to_its_settings(self, staff: Client) -> None:
        html = staff.get(page_of(make_provider(domains=("example.net",)))).content.decode()
        assert 'href="/en/settings/example.net/"' in html
        html = staff.get(page_of(Provider.objects.create(slug="none", name="None"))).content.decode()
        assert "View on site" not in html

    def test_what_nobody_can_read_yet_has_no_link(self, staff: Client) -> None:
        guide = make_guide("draft", languages=())
        text = make_guide_text(guide, status="draft")

        html = staff.get(page_of(guide)).content.decode()
        assert "/guides/draft/" not in html
        assert "View on site" not in html
        assert "/guides/draft/" not in staff.get(page_of(text)).content.decode()


class TestTexts:
    @pytest.fixture
    def text(self) -> GuideText:
        return make_guide(client=make_client(versions=("new", "old"))).texts.get()  # type: ignore[return-value]

    def test_saving_compiles(self, staff: Client, text: GuideText) -> None:
        data = fields_of(staff.get(page_of(text)))
        body = STEPS.replace("Type the server", "Type this host").replace("\n", "\r\n")  # as browsers send it

        assert staff.post(page_of(text), {**data, "body": body}).status_code == 302
        text.refresh_from_db()
        assert text.body == STEPS.replace("Type the server", "Type this host")
        assert "Type this host" in str(text.compiled)
        assert text.version == 2

    def test_a_fault_stands_at_the_body_with_its_line(self, staff: Client, text: GuideText) -> None:
        data = fields_of(staff.get(page_of(text)))
        body = STEPS.replace("incoming.host", "incoming.hots")

        response = staff.post(page_of(text), {**data, "body": body})
        assert response.status_code == 200
        (fault,) = response.context["adminform"].form.errors["body"]
        assert fault.startswith("Line 3: “incoming.hots”")
        assert "incoming.hots" in response.content.decode()  # what was typed is kept
        text.refresh_from_db()
        assert "incoming.hots" not in text.body

    def test_all_faults_are_shown(self, staff: Client, text: GuideText) -> None:
        data = fields_of(staff.get(page_of(text)))
        response = staff.post(page_of(text), {**data, "body": "{{ one }}\n\n{{ two }}\n\n" + STEPS})

        faults = response.context["adminform"].form.errors["body"]
        assert [fault.partition(":")[0] for fault in faults] == ["Line 1", "Line 3"]

    def test_a_version_word_that_exists(self, staff: Client, text: GuideText) -> None:
        data = fields_of(staff.get(page_of(text)))
        for version, status in (("old", 302), ("older", 200)):
            body = f"::: if version:{version}\nWords.\n::: end\n\n{STEPS}"
            data = fields_of(staff.get(page_of(text)))
            assert staff.post(page_of(text), {**data, "body": body}).status_code == status

    def test_a_draft_needs_no_steps_but_a_published_text_does(self, staff: Client, text: GuideText) -> None:
        for status, answer in (("draft", 302), ("published", 200)):
            data = fields_of(staff.get(page_of(text)))
            assert staff.post(page_of(text), {**data, "body": "Words.", "status": status}).status_code == answer

    def test_a_published_text_is_not_empty(self, staff: Client, text: GuideText) -> None:
        data = fields_of(staff.get(page_of(text)))
        response = staff.post(page_of(text), {**data, "body": ""})

        assert "A published text needs a title and a body." in errors_of(response)

    def test_a_second_text_in_a_language(self, staff: Client, text: GuideText) -> None:
        data = {"guide": str(text.guide_id), "language": "en", "title": "Again", "body": STEPS, "status": "draft"}
        response = staff.post(reverse("admin:guides_guidetext_add"), data)

        assert response.status_code == 200
        assert GuideText.objects.count() == 1
        assert staff.post(reverse("admin:guides_guidetext_add"), {**data, "language": "ja"}).status_code == 302
        assert GuideText.objects.count() == 2

    def test_a_guide_and_its_text_in_one_go(self, staff: Client) -> None:
        client = make_client("bird", versions=("new",))
        prefix = {
            "texts-TOTAL_FORMS": "1",
            "texts-INITIAL_FORMS": "0",
            "texts-0-language": "ja",
            "texts-0-title": "鳥",
            "texts-0-status": "published",
        }
        data = {"slug": "bird", "kind": "client", "client": str(client.pk), "position": "1", **prefix}
        url = reverse("admin:guides_guide_add")

        response = staff.post(url, {**data, "texts-0-body": f"::: if version:gone\nWords.\n::: end\n\n{STEPS}"})
        assert response.status_code == 200
        assert "Line 1: “version:gone”" in errors_of(response)
        assert not Guide.objects.exists()

        response = staff.post(url, {**data, "texts-0-body": f"::: if version:new\nWords.\n::: end\n\n{STEPS}"})
        assert response.status_code == 302, errors_of(response)
        assert Guide.objects.get().texts.get().compiled

    def test_faults_are_said_in_the_staffs_language(self, staff: Client, text: GuideText) -> None:
        data = fields_of(staff.get(page_of(text)))
        body = STEPS.replace("incoming.host", "incoming.hots")
        response = staff.post(page_of(text), {**data, "body": body}, headers={"Accept-Language": "ru"})

        assert response.status_code == 200
        assert "incoming.hots" in response.context["adminform"].form.errors["body"][0]


class TestTwoSavers:
    """Alice opens a page, Bob saves it, Alice saves: she sees both, and nothing is lost."""

    def test_of_a_text(self, staff: Client) -> None:
        text = make_guide().texts.get()
        seen = fields_of(staff.get(page_of(text)))
        staff.post(page_of(text), {**seen, "title": "Bob's <title>", "summary": seen.get("summary", "")})

        response = staff.post(page_of(text), {**seen, "title": "Alice's title"})
        assert response.status_code == 200
        html = response.content.decode()
        assert 'value="Alice&#x27;s title"' in html
        assert '<pre class="theirs">Bob&#x27;s &lt;title&gt;</pre>' in html
        assert list(response.context["adminform"].form.errors) == ["title"]
        text.refresh_from_db()
        assert text.title == "Bob's <title>"

        # She has seen both; saving again is her decision.
        again = fields_of(response)
        assert again["title"] == "Alice's title"
        assert staff.post(page_of(text), again).status_code == 302
        text.refresh_from_db()
        assert (text.title, text.version) == ("Alice's title", 3)

    def test_of_a_text_on_its_guides_page(self, staff: Client) -> None:
        guide = make_guide()
        text = guide.texts.get()
        seen = fields_of(staff.get(page_of(guide)))
        bob = fields_of(staff.get(page_of(text)))
        staff.post(page_of(text), {**bob, "body": bob["body"].replace("Type", "Bob types")})

        response = staff.post(
            page_of(guide), {**seen, "texts-0-body": seen["texts-0-body"].replace("Type", "Alice types")}
        )
        assert response.status_code == 200
        html = response.content.decode()
        assert "Alice types" in html
        assert "Bob types" in html
        text.refresh_from_db()
        assert "Bob types" in text.body

        assert staff.post(page_of(guide), fields_of(response)).status_code == 302
        text.refresh_from_db()
        assert "Alice types" in text.body
        assert "Alice types" in str(text.compiled)

    def test_of_a_providers_domains(self, staff: Client) -> None:
        provider = make_provider()
        seen = fields_of(staff.get(page_of(provider)))
        ProviderDomain.objects.create(provider=provider, domain="bob.example")
        Provider.objects.update(version=2)

        response = staff.post(page_of(provider), {**seen, "name": "Alice's"})
        assert response.status_code == 200
        assert "bob.example" in errors_of(response)
        assert staff.post(page_of(provider), fields_of(response)).status_code == 302
        provider.refresh_from_db()
        assert (provider.name, provider.version) == ("Alice's", 3)
        assert provider.domains.filter(domain="bob.example").exists()

    def test_who_typed_the_same_has_no_conflict(self, staff: Client) -> None:
        text = make_guide().texts.get()
        seen = fields_of(staff.get(page_of(text)))
        staff.post(page_of(text), {**seen, "title": "The same"})

        assert staff.post(page_of(text), {**seen, "title": "The same"}).status_code == 302

    def test_the_loader_is_a_saver_too(self, staff: Client) -> None:
        text = make_guide().texts.get()
        seen = fields_of(staff.get(page_of(text)))
        GuideText.objects.update(title="Loaded", version=2)

        response = staff.post(page_of(text), {**seen, "title": "Alice's title"})
        assert '<pre class="theirs">Loaded</pre>' in response.content.decode()

    def test_what_bob_deleted_is_not_made_again(self, staff: Client) -> None:
        pattern = make_pattern(make_article())
        seen = fields_of(staff.get(page_of(pattern)))
        pattern.delete()

        response = staff.post(reverse("admin:guides_errorpattern_change", args=[1]), seen)
        assert response.status_code == 302  # to the list, which says that it does not exist
        assert not ErrorPattern.objects.exists()


class TestFields:
    def test_a_domain_is_kept_in_one_form(self, staff: Client) -> None:
        provider = make_provider(domains=("example.net",))
        data = fields_of(staff.get(page_of(provider)))
        more = {"domains-TOTAL_FORMS": "2", "domains-1-domain": "例え.Example"}

        assert staff.post(page_of(provider), {**data, **more}).status_code == 302
        assert provider.domains.filter(domain="xn--r8jz45g.example").exists()

        data = fields_of(staff.get(page_of(provider)))
        response = staff.post(page_of(provider), {**data, "domains-TOTAL_FORMS": "3", "domains-2-domain": "192.0.2.1"})
        assert "This is no domain name." in errors_of(response)

    def test_only_a_bridge_program_answers_on_the_visitors_own_machine(self, staff: Client) -> None:
        provider = make_provider()
        data = fields_of(staff.get(page_of(provider)))
        more = {"servers-0-host": "127.0.0.1"}

        assert "This is no domain name." in errors_of(staff.post(page_of(provider), {**data, **more}))
        assert staff.post(page_of(provider), {**data, **more, "password": "bridge"}).status_code == 302
        assert provider.servers.filter(host="127.0.0.1").count() == 1

    def test_a_domain_of_another_provider(self, staff: Client) -> None:
        make_provider("another", domains=("another.example",))
        provider = make_provider()
        data = fields_of(staff.get(page_of(provider)))
        more = {"domains-TOTAL_FORMS": "2", "domains-1-domain": "Another.Example"}

        assert staff.post(page_of(provider), {**data, **more}).status_code == 200
        assert ProviderDomain.objects.get(domain="another.example").provider.slug == "another"

    @pytest.mark.parametrize("port", ["0", "70000", "imap"])
    def test_a_port_that_is_none(self, staff: Client, port: str) -> None:
        provider = make_provider()
        data = fields_of(staff.get(page_of(provider)))

        assert staff.post(page_of(provider), {**data, "servers-0-port": port}).status_code == 200
        assert staff.post(page_of(provider), {**data, "servers-0-port": "1993"}).status_code == 302

    def test_a_link_that_is_not_https(self, staff: Client) -> None:
        provider = make_provider()
        data = fields_of(staff.get(page_of(provider)))

        for url, status in (("http://example.net/", 200), ("javascript:alert(1)", 200), ("https://example.net/", 302)):
            assert staff.post(page_of(provider), {**data, "help_url": url}).status_code == status

    def test_a_password_pattern_that_re2_cannot_read(self, staff: Client) -> None:
        provider = make_provider()
        data = fields_of(staff.get(page_of(provider)))

        response = staff.post(page_of(provider), {**data, "password_pattern": "(?=a)"})
        assert "RE2 cannot read this pattern" in errors_of(response)

    def test_patterns_are_checked_against_their_example(self, staff: Client) -> None:
        pattern = make_pattern(make_article())
        data = fields_of(staff.get(page_of(pattern)))

        response = staff.post(page_of(pattern), {**data, "example": "Something else"})
        assert response.context["adminform"].form.errors == {"example": ["The pattern does not find this text."]}
        response = staff.post(page_of(pattern), {**data, "pattern": "(?!quota)"})
        assert list(response.context["adminform"].form.errors) == ["pattern"]
        assert "look-ahead" in errors_of(response)
        response = staff.post(page_of(pattern), {**data, "cause": "no.class"})
        assert list(response.context["adminform"].form.errors) == ["cause"]
        assert staff.post(page_of(pattern), {**data, "pattern": "5\\.2\\.2 quota|Quota"}).status_code == 302

    def test_names_are_separated_alike(self, staff: Client) -> None:
        client = make_client()
        data = fields_of(staff.get(page_of(client)))
        staff.post(page_of(client), {**data, "aliases": "鳥、 Птица,Bird,, Bird"})

        client.refresh_from_db()
        assert client.aliases == "鳥, Птица, Bird"


class TestVersions:
    @pytest.fixture
    def mail_client(self) -> MailClient:
        client = make_client("bird", versions=("new", "old"))
        make_guide("bird", client=client, body=f"::: if version:old\nWords.\n::: end\n\n{STEPS}")
        return client

    def test_one_of_them_is_the_default(self, staff: Client, mail_client: MailClient) -> None:
        data = fields_of(staff.get(page_of(mail_client)))

        for switches in ({"versions-1-is_default": "on"}, {"versions-0-is_default": ""}):
            wrong = {key: value for key, value in {**data, **switches}.items() if value}
            response = staff.post(page_of(mail_client), wrong)
            assert "Exactly one version" in errors_of(response)

    def test_another_becomes_the_default(self, staff: Client, mail_client: MailClient) -> None:
        for slug, was, will_be in (("old", 0, 1), ("new", 1, 0)):
            data = fields_of(staff.get(page_of(mail_client))) | {f"versions-{will_be}-is_default": "on"}
            del data[f"versions-{was}-is_default"]
            response = staff.post(page_of(mail_client), data)
            assert response.status_code == 302, errors_of(response)
            assert ClientVersion.objects.get(is_default=True).slug == slug

    def test_one_that_a_text_speaks_of_stays(self, staff: Client, mail_client: MailClient) -> None:
        data = fields_of(staff.get(page_of(mail_client)))

        response = staff.post(page_of(mail_client), {**data, "versions-1-DELETE": "on"})
        assert "With these versions, line 1 of" in errors_of(response)
        assert ClientVersion.objects.count() == 2

    def test_a_text_that_is_wrong_already_is_not_the_versions_fault(
        self, staff: Client, mail_client: MailClient
    ) -> None:
        GuideText.objects.update(body="{{ nothing }}")
        data = fields_of(staff.get(page_of(mail_client)))

        assert staff.post(page_of(mail_client), {**data, "name": "Birdie"}).status_code == 302
        more = {"versions-TOTAL_FORMS": "3", "versions-2-slug": "third", "versions-2-position": "2"}
        more |= {f"versions-2-name_{language}": "Third" for language in ("ja", "en", "ru")}
        response = staff.post(page_of(mail_client), {**fields_of(staff.get(page_of(mail_client))), **more})
        assert "With these versions, line 1 of" in errors_of(response)

    def test_one_that_no_text_speaks_of_goes(self, staff: Client, mail_client: MailClient) -> None:
        data = fields_of(staff.get(page_of(mail_client)))
        changed = {key: value for key, value in data.items() if key != "versions-0-is_default"}
        changed |= {"versions-0-DELETE": "on", "versions-1-is_default": "on"}

        response = staff.post(page_of(mail_client), changed)
        assert response.status_code == 302, errors_of(response)
        assert ClientVersion.objects.get().slug == "old"


class TestStaffAccount:
    @pytest.fixture(autouse=True)
    def file(self, settings: Settings, tmp_path: Path) -> Path:
        settings.DATA_DIR = tmp_path
        return tmp_path / "first-password"

    def test_the_first_start_makes_one_and_the_second_none(self, client: Client, file: Path) -> None:
        out = StringIO()
        call_command("staff_account", stdout=out)
        password = file.read_text().strip()
        assert client.login(username="admin", password=password)
        assert f"/{settings.ADMIN_PATH}/" in out.getvalue()
        assert str(file) in out.getvalue()
        assert password not in out.getvalue()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600

        again = StringIO()
        call_command("staff_account", stdout=again)
        assert again.getvalue() == ""
        assert User.objects.count() == 1

    def test_the_file_goes_when_the_password_was_changed(self, file: Path) -> None:
        call_command("staff_account", stdout=StringIO())
        call_command("staff_account", stdout=StringIO())
        assert file.exists()
        account = User.objects.get()
        account.set_password("a new long password")
        account.save()
        call_command("staff_account", stdout=StringIO())
        assert not file.exists()

    def test_where_somebody_can_sign_in_nothing_is_made(self) -> None:
        User.objects.create_user("bob", is_staff=True)
        call_command("staff_account", stdout=StringIO())
        assert User.objects.count() == 1

    def test_an_account_whose_rights_were_taken_stays_without(self) -> None:
        User.objects.create_user("admin")
        call_command("staff_account", stdout=StringIO())
        assert not User.objects.get().is_staff


def test_a_loaded_provider_can_be_saved(staff: Client, tmp_path: Path) -> None:
    folder = tmp_path / "providers"
    folder.mkdir()
    shutil.copy(SHIPPED / "providers" / "outlook-com.yaml", folder)
    load_folder(tmp_path)
    provider = Provider.objects.get()

    response = staff.post(page_of(provider), fields_of(staff.get(page_of(provider))))
    assert response.status_code == 302, errors_of(response)


class TestOwnDomains:
    """Marking providers as the operator's own."""

    def test_by_an_action_on_several(self, staff: Client) -> None:
        one, other = (
            make_provider("one", domains=("one.net",)),
            make_provider("other", domains=("other.net",), is_own=True),
        )
        changelist = reverse("admin:guides_provider_changelist")

        def act(action: str) -> list[tuple[bool, int]]:
            chosen = {"action": action, "_selected_action": [one.pk, other.pk]}
            assert staff.post(changelist, chosen).status_code == 302
            return [(row.is_own, row.version) for row in Provider.objects.order_by("slug")]

        assert act("mark_as_own") == [(True, 2), (True, 1)]
        assert act("mark_as_foreign") == [(False, 3), (False, 2)]
        assert staff.get(page_of(one).replace("change", "history")).content.decode().count("operator&#x27;s own") == 2

    def test_by_the_field(self, staff: Client) -> None:
        provider = make_provider()
        fields = fields_of(staff.get(page_of(provider))) | {"is_own": "on"}
        assert staff.post(page_of(provider), fields).status_code == 302
        assert Provider.objects.get().is_own
