"""The index follows the texts: in the same transaction, whichever way they are saved."""

from __future__ import annotations

import random
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from guides import models
from guides.search import index
from guides.search.query import search
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

pytestmark = [pytest.mark.django_db, pytest.mark.long]


def found(query: str, language: str = "en") -> list[str]:
    return [hit.slug for hit in search(query, language).hits]


def in_step() -> None:
    """The index is what a new one would be, and the database's look-up is what the rows say."""
    fields = (
        "kind", "guide", "article", "provider", "language", "slug", "position", "title", "summary", "plain",
        "tokens",
    )  # fmt: skip
    rows = list(models.SearchEntry.objects.order_by("kind", "slug", "language").values_list(*fields))
    assert index.complete() == 0
    index.complete(anew=True)
    assert list(models.SearchEntry.objects.order_by("kind", "slug", "language").values_list(*fields)) == rows
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO guides_search_fts(guides_search_fts, rank) VALUES ('integrity-check', 1)")


class TestTexts:
    def test_a_published_text_is_found_by_all_its_parts(self) -> None:
        guide = make_guide("bird", client=make_client("bird", name="Birdie", aliases="鳥, Птичка"), languages=())
        make_guide_text(guide, title="Feathers", summary="All about wings", body=f"A nest in a tree.\n\n{STEPS}")
        for query in ("birdie", "鳥", "птички", "feathers", "wing", "nests", "bird"):
            assert found(query) == ["bird"], query
        in_step()

    def test_a_draft_is_not_found_until_it_is_published(self) -> None:
        text = make_guide_text(make_guide("bird", languages=()), title="Feathers", status="draft")
        assert found("feathers") == []
        text.status = "published"
        text.save()
        assert found("feathers") == ["bird"]
        text.status = "draft"
        text.save()
        assert found("feathers") == []
        assert not models.SearchEntry.objects.exists()

    def test_a_change_is_found_and_the_old_words_are_not(self) -> None:
        text = make_guide("bird").texts.get()
        text.title = "Feathers"
        text.save()
        assert found("feathers") == ["bird"]
        text.title = "Wings"
        text.save()
        assert found("feathers") == []
        assert found("wings") == ["bird"]
        in_step()

    def test_the_index_goes_back_with_the_transaction(self) -> None:
        text = make_guide("bird").texts.get()
        with transaction.atomic():
            text.title = "Feathers"
            text.save()
            assert found("feathers") == ["bird"]
            transaction.set_rollback(True)
        assert found("feathers") == []
        in_step()

    def test_words_of_the_title_weigh_more_than_those_of_the_body(self) -> None:
        for slug, title, summary, body in (
            ("a-body", "One", "Two", "A feather."),
            ("b-often", "One", "Two", "A feather, a feather and a feather."),
            ("c-summary", "One", "A feather", "Three."),
            ("d-title", "A feather", "Two", "Three."),
        ):
            make_guide_text(
                make_guide(slug, topic=True, languages=()), title=title, summary=summary, body=f"{body}\n\n{STEPS}"
            )
        assert found("feather") == ["d-title", "c-summary", "b-often", "a-body"]

    def test_both_languages_of_a_guide(self) -> None:
        guide = make_guide("bird", languages=())
        make_guide_text(guide, "en", title="Feathers")
        make_guide_text(guide, "ru", title="Перья")
        (hit,) = search("bird", "ru").hits
        assert (hit.language, hit.is_foreign) == ("ru", False)
        (hit,) = search("feathers", "ru").hits
        assert (hit.language, hit.is_foreign) == ("en", True)


class TestWhatTextsBelongTo:
    def test_names_of_the_client_and_its_versions(self) -> None:
        guide = make_guide("bird", client=make_client("bird"))
        models.MailClient.objects.get().save()
        client = guide.client
        assert client is not None
        client.aliases = "Feathers"
        client.save()
        assert found("feathers") == ["bird"]
        version = models.ClientVersion.objects.create(
            client=client, slug="v", name_ja="羽毛", name_en="Plumage", name_ru="Перо"
        )
        assert found("plumage") == ["bird"]
        assert found("羽毛") == []  # the English text bears the English name
        version.delete()
        assert found("plumage") == []
        in_step()

    def test_domains_and_notice_of_a_provider(self) -> None:
        provider = make_provider("bird", name="Birdie", domains=("bird.example",))
        assert found("birdie") == ["bird.example"]
        models.ProviderDomain.objects.create(provider=provider, domain="feathers.example")
        assert found("feathers.example") == ["feathers.example"]
        make_notice(provider, body="Mind the moulting.")
        assert found("moulting") == ["bird.example"]
        models.ProviderDomain.objects.filter(domain="feathers.example").delete()
        assert found("feathers.example") == []
        in_step()

    def test_a_provider_without_a_domain_has_no_page_to_find(self) -> None:
        provider = make_provider("bird", domains=("bird.example",))
        provider.domains.all().delete()
        assert found("bird") == []

    def test_the_longest_domain_that_there_can_be(self) -> None:
        domain = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])
        provider = models.Provider.objects.create(slug="bird", name="Bird")
        models.ProviderDomain.objects.create(provider=provider, domain=domain)
        assert len(domain) == 253
        assert found("bird") == [domain]

    def test_the_longest_text_that_there_can_be(self) -> None:
        chance = random.Random(1)
        body = "".join(chr(chance.randrange(0x4E00, 0x9FA0)) for _ in range(33_000))
        article = make_article("long", body=f"{body}\n\n{STEPS}")
        make_pattern(article, example="Quota exceeded " + body * 3)
        assert found(body[20_000:20_010]) == ["long"]
        in_step()

    def test_classes_and_patterns_of_an_article(self) -> None:
        article = make_article("mailbox-full", classes=("mbox.overquota",))
        assert found("mbox.overquota") == ["mailbox-full"]
        pattern = make_pattern(article, example="552 Plumage exceeded, quota exceeded")
        assert found("plumage") == ["mailbox-full"]
        pattern.delete()
        assert found("plumage") == []
        in_step()

    @pytest.mark.parametrize("through", ["row", "rows", "client"])
    def test_what_is_deleted_takes_its_entries_along(self, through: str) -> None:
        guide = make_guide("bird", client=make_client("bird", versions=("one", "two")), languages=("ja", "en", "ru"))
        article = make_article("mailbox-full", classes=("mbox.overquota",), languages=("ja", "en"))
        make_pattern(article, provider=make_provider())
        assert models.SearchEntry.objects.count() == 3 + 2 + 3
        if through == "client":
            models.MailClient.objects.all().delete()
        elif through == "rows":
            models.Guide.objects.all().delete()
            type(article).objects.all().delete()
        else:
            guide.delete()
            article.delete()
        assert found("bird") == []
        assert models.SearchEntry.objects.filter(kind="guide").count() == 0
        in_step()


class TestCompleting:
    def test_what_was_written_past_the_signals_is_found_again(self) -> None:
        make_guide("bird")
        models.GuideText.objects.update(title="Feathers")
        assert found("feathers") == []
        assert index.complete() == 1
        assert found("feathers") == ["bird"]
        assert index.complete() == 0

    def test_an_empty_index_is_filled_by_loading_and_by_the_command(self) -> None:
        make_guide("bird")
        models.SearchEntry.objects.all().delete()
        assert found("bird") == []
        out = StringIO()
        call_command("rebuild_search", stdout=out)
        assert out.getvalue() == "Search index: 1 entries.\n"
        assert found("bird") == ["bird"]
        models.SearchEntry.objects.all().delete()
        call_command("load_content", stdout=StringIO())
        assert "bird" in found("bird")
        in_step()

    def test_rebuilding_forgets_words_that_stand_nowhere_any_more(self) -> None:
        text = make_guide("bird").texts.get()
        text.title = "Feathers"
        text.save()
        text.title = "Wings"
        text.save()
        assert models.SearchWord.objects.filter(word="feathers").exists()
        index.complete(anew=True)
        assert not models.SearchWord.objects.filter(word="feathers").exists()
        assert models.SearchWord.objects.filter(word="wings").exists()

    def test_what_is_gathered_is_written_once(self) -> None:
        provider = make_provider()
        with CaptureQueriesContext(connection) as queries, index.gathered():
            for number in range(20):
                models.ProviderDomain.objects.create(provider=provider, domain=f"d{number}.example")
            assert found("d7.example") == []
        assert found("d7.example") == ["d7.example"]
        updates = [query for query in queries.captured_queries if 'UPDATE "guides_searchentry"' in query["sql"]]
        assert len(updates) == 3  # one for each language

    def test_a_fault_inside_leaves_nothing_gathered(self) -> None:
        with pytest.raises(RuntimeError), index.gathered():
            raise RuntimeError
        make_guide("bird")
        assert found("bird") == ["bird"]
