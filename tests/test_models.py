"""What the database itself refuses, and how providers, guides and texts are found."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import translation

from guides import models
from guides.mail.accounts import Account, AuthMethod, PasswordKind, Protocol, Security, Server, UsernameForm
from tests import factories

pytestmark = pytest.mark.django_db


def refused(constraint: str, make: Callable[[], Any]) -> None:
    """The database refuses what `make` would store, because of that constraint or those columns."""
    with pytest.raises(IntegrityError, match=f"(?i){constraint}"), transaction.atomic():
        make()


class TestProviders:
    def test_a_domain_belongs_to_one_provider(self) -> None:
        factories.make_provider(domains=("example.net",))
        other = factories.make_provider("other", domains=("other.example",))

        refused("domain", lambda: models.ProviderDomain.objects.create(provider=other, domain="example.net"))

    @pytest.mark.parametrize("domain", ["Example.org", ""])
    def test_a_domain_is_in_lower_case(self, domain: str) -> None:
        provider = factories.make_provider()

        refused("domain_lower_case", lambda: models.ProviderDomain.objects.create(provider=provider, domain=domain))
        models.ProviderDomain.objects.create(provider=provider, domain="example.org")

    @pytest.mark.parametrize(
        ("constraint", "values"),
        [
            ("server_port_in_range", {"port": 0}),
            ("server_port_in_range", {"port": 65536}),
            ("server_known_protocol", {"protocol": "jmap"}),
            ("server_known_security", {"security": "ssl"}),
            ("server_known_username_form", {"username": "uid"}),
            ("server_some_authentication", {"password_login": False}),
        ],
    )
    def test_a_server_makes_sense(self, constraint: str, values: dict[str, Any]) -> None:
        provider = factories.make_provider()
        right = {
            "provider": provider,
            "protocol": "imap",
            "host": "mail.example.net",
            "port": 143,
            "security": "starttls",
        }

        refused(constraint, lambda: models.ProviderServer.objects.create(**{**right, **values}))
        models.ProviderServer.objects.create(**right)
        refused("UNIQUE", lambda: models.ProviderServer.objects.create(**right))

    @pytest.mark.parametrize("port", [1, 65535])
    def test_the_outermost_ports(self, port: int) -> None:
        provider = factories.make_provider()
        models.ProviderServer.objects.create(
            provider=provider, protocol="imap", host="a.example", port=port, security="tls"
        )
        assert provider.servers.get(host="a.example").port == port

    @pytest.mark.parametrize(
        ("constraint", "values"),
        [
            ("provider_known_password_kind", {"password": "secret"}),
            ("provider_known_confidence", {"confidence": "sure"}),
        ],
    )
    def test_a_provider_speaks_the_vocabulary(self, constraint: str, values: dict[str, Any]) -> None:
        refused(constraint, lambda: factories.make_provider(**values))

    def test_a_suffix_belongs_to_one_provider(self) -> None:
        provider, other = factories.make_provider(), factories.make_provider("other", domains=("other.example",))
        models.SuffixRule.objects.create(provider=provider, kind="mx", suffix="mx.example.net")

        refused("UNIQUE", lambda: models.SuffixRule.objects.create(provider=other, kind="mx", suffix="mx.example.net"))
        refused(
            "suffix_lower", lambda: models.SuffixRule.objects.create(provider=other, kind="mx", suffix="MX.example.net")
        )
        refused(
            "suffix_known_kind",
            lambda: models.SuffixRule.objects.create(provider=other, kind="srv", suffix="a.example"),
        )
        models.SuffixRule.objects.create(provider=other, kind="domain", suffix="mx.example.net")

    def test_found_by_exact_domain_before_the_longest_suffix(self) -> None:
        wide = factories.make_provider("wide", domains=("wide.example",))
        narrow = factories.make_provider("narrow", domains=("narrow.example",))
        exact = factories.make_provider("exact", domains=("a.b.example.jp",))
        models.SuffixRule.objects.create(provider=wide, kind="domain", suffix="example.jp")
        models.SuffixRule.objects.create(provider=narrow, kind="domain", suffix="b.example.jp")
        models.SuffixRule.objects.create(provider=wide, kind="mx", suffix="example.com")

        def found(domain: str) -> models.Provider | None:
            return models.Provider.objects.for_domain(domain).first()

        assert found("a.b.example.jp") == exact
        assert found("z.b.example.jp") == narrow
        assert found("z.example.jp") == wide
        assert found("example.jp") is None  # a rule is about what is below it
        assert found("notexample.jp") is None
        assert found("example.com") is None  # a rule about mail exchangers
        assert found("jp") is None

    def test_finding_one_takes_three_queries_and_none_takes_one(self, django_assert_num_queries: Any) -> None:
        provider = factories.make_provider()
        with django_assert_num_queries(3):
            assert models.Provider.objects.find("example.net") == provider
        with django_assert_num_queries(1):
            assert models.Provider.objects.find("elsewhere.example") is None

    def test_its_account(self, django_assert_num_queries: Any) -> None:
        provider = factories.make_provider(
            password="app_password",
            oauth2=True,
            username="local_part",
            must_enable=True,
            help_url="https://example.net/",
        )
        models.ProviderServer.objects.create(
            provider=provider, protocol="imap", host="old.example.net", port=143, security="starttls", position=9
        )

        with django_assert_num_queries(2):
            account = models.Provider.objects.with_settings().get().account("example.net")
        assert isinstance(account, Account)
        assert (account.provider, account.provider_name) == ("example", "Example")
        assert account.password is PasswordKind.APP_PASSWORD
        assert account.must_enable
        assert account.links == {"help": "https://example.net/"}
        assert account.best(Protocol.IMAP) == Server(
            Protocol.IMAP,
            "imap.example.net",
            993,
            Security.TLS,
            UsernameForm.LOCAL_PART,
            (AuthMethod.OAUTH2, AuthMethod.APP_PASSWORD),
        )
        assert account.servers[-1].host == "old.example.net"


class TestClients:
    def test_one_default_version(self) -> None:
        client = factories.make_client(versions=("new", "old"))
        names = {"name_ja": "x", "name_en": "x", "name_ru": "x"}

        refused(
            "UNIQUE", lambda: models.ClientVersion.objects.create(client=client, slug="third", is_default=True, **names)
        )
        refused("UNIQUE", lambda: models.ClientVersion.objects.create(client=client, slug="old", **names))
        models.ClientVersion.objects.create(client=client, slug="third", **names)
        factories.make_client("other", versions=("new",))

    def test_a_client_speaks_something(self) -> None:
        refused("client_some_protocol", lambda: factories.make_client(speaks_imap=False, speaks_pop3=False))
        factories.make_client(speaks_imap=False)

    def test_a_version_is_named_in_the_readers_language(self) -> None:
        version = factories.make_client(versions=("new",)).versions.get()

        for language, name in (("ja", "new ja"), ("ru", "new ru"), ("en", "new"), ("de", "new")):
            with translation.override(language):
                assert version.name == name


class TestGuides:
    def test_a_guide_about_a_client_names_it_and_a_topic_none(self) -> None:
        client = factories.make_client()

        refused("guide_client_iff_about_one", lambda: models.Guide.objects.create(slug="a", kind="client"))
        refused(
            "guide_client_iff_about_one", lambda: models.Guide.objects.create(slug="a", kind="topic", client=client)
        )
        refused("guide_client_iff_about_one", lambda: models.Guide.objects.create(slug="a", kind="other"))
        models.Guide.objects.create(slug="a", kind="client", client=client)
        refused("UNIQUE", lambda: models.Guide.objects.create(slug="b", kind="client", client=client))

    def test_published_are_those_with_a_published_text(self) -> None:
        factories.make_guide("second", topic=True, position=2, languages=("ja", "ru"))
        factories.make_guide("first", topic=True, position=1)
        draft = factories.make_guide("draft", topic=True, languages=())
        factories.make_guide_text(draft, status="draft")

        assert [guide.slug for guide in models.Guide.objects.published()] == ["first", "second"]

    def test_a_page_needs_a_constant_number_of_queries(self, django_assert_num_queries: Any) -> None:
        factories.make_guide(client=factories.make_client(versions=("new", "old")))

        with django_assert_num_queries(2):
            guide = models.Guide.objects.for_page().get()
            assert guide.client is not None
            assert [version.slug for version in guide.client.versions.all()] == ["new", "old"]

    def test_its_own_language_first_then_the_portals_then_english(self, settings: Any) -> None:
        guide = factories.make_guide(topic=True, languages=("en", "ja", "ru"))

        def order(language: str) -> list[str]:
            return [text.language for text in models.GuideText.objects.filter(guide=guide).in_reading_order(language)]

        settings.LANGUAGE_CODE = "ja"
        assert order("ru") == ["ru", "ja", "en"]
        assert order("en") == ["en", "ja", "ru"]
        settings.LANGUAGE_CODE = "en"
        assert order("ja") == ["ja", "en", "ru"]


@pytest.mark.parametrize("model", [models.GuideText, models.ErrorText, models.ProviderText])
class TestTexts:
    def fields(self, model: Any) -> dict[str, Any]:
        parents: dict[Any, Callable[[], dict[str, Any]]] = {
            models.GuideText: lambda: {"guide": factories.make_guide(topic=True, languages=())},
            models.ErrorText: lambda: {"article": factories.make_article(languages=())},
            models.ProviderText: lambda: {"provider": factories.make_provider()},
        }
        return {"language": "en", "title": "Title", "body": factories.STEPS, "status": "published", **parents[model]()}

    def test_one_text_for_each_language(self, model: Any) -> None:
        fields = self.fields(model)
        model.objects.create(**fields)

        refused("UNIQUE", lambda: model.objects.create(**fields))
        model.objects.create(**{**fields, "language": "ja"})

    @pytest.mark.parametrize("empty", ["title", "body"])
    def test_a_published_text_is_not_empty(self, model: Any, empty: str) -> None:
        fields = {**self.fields(model), empty: ""}

        refused("_published_not_empty", lambda: model.objects.create(**fields))
        text = model.objects.create(**{**fields, "status": "draft"})
        refused("_published_not_empty", lambda: model.objects.filter(pk=text.pk).update(status="published"))

    def test_only_known_words(self, model: Any) -> None:
        fields = self.fields(model)

        refused("_known_language", lambda: model.objects.create(**{**fields, "language": "de"}))
        refused("_known_status", lambda: model.objects.create(**{**fields, "status": "hidden"}))

    def test_only_published_ones_are_for_visitors(self, model: Any) -> None:
        fields = self.fields(model)
        published = model.objects.create(**fields)
        model.objects.create(**{**fields, "language": "ru", "status": "draft"})

        assert list(model.objects.published()) == [published]


class TestErrors:
    def test_a_class_is_explained_by_one_article(self) -> None:
        factories.make_article("first", classes=("mbox.overquota",))
        second = factories.make_article("second")

        refused("UNIQUE", lambda: models.ArticleClass.objects.create(article=second, name="mbox.overquota"))
        refused("class_in_vocabulary", lambda: models.ArticleClass.objects.create(article=second, name="mbox.fullish"))
        models.ArticleClass.objects.create(article=second, name="rcpt.full")

    @pytest.mark.parametrize(
        ("constraint", "values"),
        [
            ("pattern_not_empty", {"pattern": ""}),
            ("pattern_class_in_vocabulary", {"cause": "mbox.fullish"}),
            ("pattern_known_owner", {"owner": "user"}),
            ("pattern_known_protocol", {"protocol": "jmap"}),
            ("pattern_known_stage", {"stage": "prelude"}),
        ],
    )
    def test_a_pattern_speaks_the_vocabulary(self, constraint: str, values: dict[str, Any]) -> None:
        article = factories.make_article()

        refused(constraint, lambda: factories.make_pattern(article, **values))
        factories.make_pattern(article, owner="recipient", protocol="smtp", stage="envelope")
        refused("UNIQUE", lambda: factories.make_pattern(article))

    def test_an_owner_is_known(self) -> None:
        refused("article_known_owner", lambda: models.ErrorArticle.objects.create(slug="a", owner="user"))

    def test_published_are_those_with_a_published_text(self) -> None:
        factories.make_article("second", position=2, languages=("ja", "ru"))
        factories.make_article("first", position=1)
        factories.make_article("none", languages=())

        assert [article.slug for article in models.ErrorArticle.objects.published()] == ["first", "second"]

    def test_a_pattern_goes_with_its_provider_and_its_article(self) -> None:
        provider, article = factories.make_provider(), factories.make_article()
        factories.make_pattern(article, "one", provider=provider)
        factories.make_pattern(article, "two")

        provider.delete()
        assert [pattern.name for pattern in models.ErrorPattern.objects.all()] == ["two"]
        article.delete()
        assert not models.ErrorPattern.objects.exists()


def test_an_entry_is_remembered_once_for_each_source() -> None:
    models.LoadedEntry.objects.create(source="shipped", key="guides/a/guide.yaml", fingerprint="0")
    models.LoadedEntry.objects.create(source="folder", key="guides/a/guide.yaml", fingerprint="0")

    refused(
        "UNIQUE", lambda: models.LoadedEntry.objects.create(source="folder", key="guides/a/guide.yaml", fingerprint="1")
    )


def test_names() -> None:
    provider = factories.make_provider()
    client = factories.make_client(versions=("new",))
    guide = factories.make_guide(client=client)
    article = factories.make_article(classes=("rcpt.full",))

    assert str(provider) == "Example"
    assert str(provider.domains.get()) == "example.net"
    assert str(provider.servers.first()) == "imap imap.example.net:993"
    assert str(models.SuffixRule(kind="mx", suffix="mx.example.net")) == "mx *.mx.example.net"
    assert str(factories.make_notice(provider, checked_on=date(2026, 1, 1))) == "Before you start (en)"
    assert str(client) == "Thunderbird"
    with translation.override("en"):
        assert str(client.versions.get()) == "Thunderbird · new"
    assert str(guide) == "thunderbird"
    assert str(article.classes.get()) == "rcpt.full"
    assert str(factories.make_pattern(article)) == "quota-exceeded"
    assert str(article) == "mailbox-full"
    assert str(models.LoadedEntry(key="clients/bird.yaml")) == "clients/bird.yaml"
    assert models.MailClient.objects.get() == client
