"""Patterns in the admin: what they find, which stand in one another's way, and the work list they are made from."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from guides.admin.patterns import suggested
from guides.library.pattern_conflicts import matched_words, shadows_of
from guides.mail.diagnosis.patterns import MAX_EXPRESSION, check_pattern
from guides.models import ErrorArticle, ErrorPattern, UnexplainedText
from guides.services import unexplained
from tests.factories import make_article, make_pattern, make_provider
from tests.test_admin import fields_of, page_of

pytestmark = pytest.mark.django_db

ADD = "admin:guides_errorpattern_add"


@pytest.fixture
def staff(admin_client: Client) -> Client:
    return admin_client


@pytest.fixture
def article() -> ErrorArticle:
    return make_article("mailbox-full")


def typed(article: ErrorArticle, **fields: str) -> dict[str, str]:
    """What somebody types into the page of a new pattern."""
    usual = {
        "name": "new",
        "article": str(article.pk),
        "pattern": "(?i)plumage",
        "example": "550 Wrong plumage, sorry",
        "cause": "mbox.overquota",
        "priority": "100",
    }
    return {**usual, **fields}


def told(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]


class TestSaving:
    def test_what_it_finds_is_shown_at_once(self, staff: Client, article: ErrorArticle) -> None:
        response = staff.post(reverse(ADD), typed(article), follow=True)
        assert any("“new” finds this in its test text: <mark>plumage</mark>" in each for each in told(response))
        page = staff.get(page_of(ErrorPattern.objects.get())).content.decode()
        assert "<mark>plumage</mark>" in page

    def test_what_it_finds_is_text_and_no_markup(self, staff: Client, article: ErrorArticle) -> None:
        data = typed(article, pattern="<script>.*", example="550 <script>alert(1)</script>")
        html = staff.post(reverse(ADD), data, follow=True).content.decode()
        assert "<mark>&lt;script&gt;alert(1)" in html
        assert "<script>alert" not in html

    def test_a_test_text_that_is_not_found_stands_at_the_field(self, staff: Client, article: ErrorArticle) -> None:
        response = staff.post(reverse(ADD), typed(article, example="550 Wrong beak"))
        assert response.context["adminform"].form.errors == {"example": ["The pattern does not find this text."]}
        assert not ErrorPattern.objects.exists()

    @pytest.mark.parametrize(
        ("pattern", "why"),
        [
            ("(?=plumage)plumage", "look-ahead"),
            ("(plumage)\\1", "back references"),
            ("plumage(", "RE2 cannot read"),
            ("(plumage)*", "finds every text"),
        ],
    )
    def test_what_re2_cannot_do_is_said(self, staff: Client, article: ErrorArticle, pattern: str, why: str) -> None:
        response = staff.post(reverse(ADD), typed(article, pattern=pattern))
        assert why in str(response.context["adminform"].form.errors["pattern"])
        assert not ErrorPattern.objects.exists()

    def test_on_the_page_of_its_article_too(self, staff: Client, article: ErrorArticle) -> None:
        data = fields_of(staff.get(page_of(article)))
        new = {key: value for key, value in typed(article).items() if key != "article"}
        data |= {f"patterns-0-{key}": value for key, value in new.items()} | {"patterns-TOTAL_FORMS": "1"}
        make_pattern(make_article("other"), "older", pattern="(?i)wrong", example="Wrong", priority=1)
        response = staff.post(page_of(article), data, follow=True)
        assert any("<mark>plumage</mark>" in each for each in told(response))
        assert any(">older</a>" in each for each in told(response))


class TestShadows:
    """One pattern finds another's test text before that one gets to it."""

    def test_a_new_one_that_is_shadowed(self, staff: Client, article: ErrorArticle) -> None:
        older = make_pattern(make_article("other"), "older", pattern="(?i)wrong", example="Wrong", priority=1)
        response = staff.post(reverse(ADD), typed(article), follow=True)
        (warning,) = [each for each in told(response) if "never gets to its own test text" in each]
        assert f'<a href="{page_of(older)}">older</a>.' in warning
        assert (
            "never gets to its own test text"
            in staff.get(page_of(ErrorPattern.objects.get(name="new"))).content.decode()
        )

    def test_a_new_one_that_shadows(self, staff: Client, article: ErrorArticle) -> None:
        others = [
            make_pattern(make_article(name), name, pattern=f"(?i){name}", example=f"A plumage with {name}")
            for name in ("beak", "claw")
        ]
        make_pattern(make_article("other"), "other", pattern="(?i)other", example="Something other")
        response = staff.post(reverse(ADD), typed(article, priority="1"), follow=True)
        (warning,) = [each for each in told(response) if "comes first and finds the test texts" in each]
        assert all(f'<a href="{page_of(each)}">{each.name}</a>' in warning for each in others)
        assert ">other</a>" not in warning

    def test_no_warning_where_none_is_in_the_way(self, staff: Client, article: ErrorArticle) -> None:
        make_pattern(make_article("other"), "older", pattern="(?i)beak", example="Wrong beak")
        response = staff.post(reverse(ADD), typed(article), follow=True)
        assert len(told(response)) == 2  # saved, and what it finds

    def test_one_that_leads_to_the_same_article_misleads_nobody(self, staff: Client, article: ErrorArticle) -> None:
        make_pattern(article, "older", pattern="(?i)wrong", example="Wrong", priority=1)
        response = staff.post(reverse(ADD), typed(article), follow=True)
        assert any("older</a> (leads to the same article)" in each for each in told(response))

    def test_a_pattern_is_judged_where_it_holds(self, article: ErrorArticle) -> None:
        provider = make_provider()
        general = make_pattern(article, "general", pattern="(?i)wrong", example="Wrong word", priority=1)
        own = make_pattern(article, "own", pattern="(?i)wrong plumage", example="Wrong plumage", provider=provider)
        assert shadows_of(own).shadowed_by is None  # a provider's own comes first there
        assert shadows_of(own).shadows == ()
        late = make_pattern(
            article, "late", pattern="(?i)wrong beak", example="Wrong beak", protocol="imap", priority=1
        )
        assert shadows_of(late).shadowed_by is None  # so does one of a protocol
        elsewhere = make_pattern(article, "smtp", pattern="(?i)word", example="A word", protocol="smtp", stage="login")
        assert shadows_of(general).shadowed_by == elsewhere
        assert shadows_of(elsewhere).shadows == (general,)  # a pasted text may be of any protocol

    def test_one_that_cannot_be_used_is_in_nobodys_way(self, article: ErrorArticle) -> None:
        broken = make_pattern(article, "broken", pattern="(", priority=1)
        whole = make_pattern(article, "whole")
        assert shadows_of(whole) == shadows_of(broken)
        assert shadows_of(whole).shadowed_by is None
        assert matched_words(broken) == ""
        assert matched_words(whole) == "Quota exceeded"


class TestWorkList:
    SHAPE = "Wrong plumage of <address> at <host>\nPlease contact <address>"

    @pytest.fixture
    def text(self) -> UnexplainedText:
        for _ in range(3):
            unexplained.note(self.SHAPE)
        unexplained.note("550 Something else")
        return UnexplainedText.objects.get(shape=self.SHAPE)

    def test_the_most_frequent_come_first(self, staff: Client, text: UnexplainedText) -> None:
        html = staff.get(reverse("admin:guides_unexplainedtext_changelist")).content.decode()
        assert html.index("Wrong plumage of &lt;address&gt;") < html.index("Something else")
        assert f'href="{reverse(ADD)}?unexplained={text.pk}"' in html

    def test_a_pattern_is_made_in_one_step(self, staff: Client, text: UnexplainedText, article: ErrorArticle) -> None:
        url = f"{reverse(ADD)}?unexplained={text.pk}"
        form = staff.get(url).context["adminform"].form
        assert form.initial["example"] == self.SHAPE
        filled = {"pattern": form.initial["pattern"], "example": form.initial["example"]}
        response = staff.post(url, typed(article, **filled), follow=True)
        assert ErrorPattern.objects.get().example == self.SHAPE
        assert any("finds this in its test text" in each for each in told(response))
        assert UnexplainedText.objects.get().shape == "550 Something else"

    def test_others_that_it_finds_leave_the_list_too(
        self, staff: Client, text: UnexplainedText, article: ErrorArticle
    ) -> None:
        unexplained.note("553 bad PLUMAGE in <number>")
        staff.post(reverse(ADD), typed(article))
        assert UnexplainedText.objects.get().shape == "550 Something else"

    def test_it_is_read_and_dropped_but_never_written(self, staff: Client, text: UnexplainedText) -> None:
        page = reverse("admin:guides_unexplainedtext_change", args=[text.pk])
        assert "Wrong plumage" in staff.get(page).content.decode()
        assert staff.post(page, {"shape": "Mine"}).status_code == 403
        assert staff.get(reverse("admin:guides_unexplainedtext_add")).status_code == 403
        staff.post(reverse("admin:guides_unexplainedtext_delete", args=[text.pk]), {"post": "yes"})
        assert UnexplainedText.objects.count() == 1

    @pytest.mark.parametrize("key", ["", "0", "999999", "x", "-1", "٣", "9" * 40])
    def test_a_text_that_is_not_there(self, staff: Client, key: str) -> None:
        response = staff.get(reverse(ADD), {"unexplained": key})
        assert response.status_code == 200
        assert not response.context["adminform"].form.initial.get("example")

    @pytest.mark.parametrize(
        "shape",
        [
            SHAPE,
            "<host> said: (550) [odd]. * + ? \\ $",
            "メール <address> は送れません",
            "x" * 2000,
            "many words " * 180,
            "<address>\n<host> #\n550 here",
            "Plumage of <address> moulted at <ip> , ticket #",
        ],
    )
    def test_the_suggested_pattern_can_be_used(self, shape: str) -> None:
        expression = suggested(shape)
        assert len(expression) <= MAX_EXPRESSION
        check_pattern(expression)
        article = ErrorArticle(slug="any")
        assert matched_words(
            ErrorPattern(name="new", article=article, pattern=expression, example=shape, cause="mbox.overquota")
        )
