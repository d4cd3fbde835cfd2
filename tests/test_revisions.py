"""Revisions in the admin: what changed, who and why; restored as a new revision, deleted rows included."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from reversion.models import Revision

from guides.admin import revisions
from guides.admin.word_difference import Piece, difference
from guides.models import ErrorArticle, Guide, GuideText, Provider
from tests.factories import make_article, make_guide, make_guide_text, make_pattern, make_provider
from tests.test_admin import fields_of, page_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("alice"))
    return client


def draft(slug: str = "thunderbird", **fields: Any) -> GuideText:
    return make_guide_text(make_guide(slug, languages=()), **{"status": "draft", **fields})


def save(staff: Client, row: Any, comment: str = "", **changes: str) -> None:
    page = page_of(row)
    response = staff.post(page, fields_of(staff.get(page)) | changes | {"revision_comment": comment})
    assert response.status_code == 302, response.context["errors"]


def newest(row: Any) -> Any:
    return revisions.versions_of(row)[0]


def url_of(row: Any, version: Any) -> str:
    return reverse(f"admin:guides_{row._meta.model_name}_version", args=[row.pk, version.pk])


@given(st.text(alphabet="ab \nあ漢.", max_size=40), st.text(alphabet="ab \nあ漢.", max_size=40))
def test_a_difference_holds_both_texts(before: str, after: str) -> None:
    pieces = difference(before, after)
    assert "".join(piece.text for piece in pieces if piece.kind != "added") == before
    assert "".join(piece.text for piece in pieces if piece.kind != "removed") == after


def test_a_difference_is_told_by_words_and_in_japanese_by_letters() -> None:
    assert difference("Use port 143 now.\n", "Use port 993 now.\n") == [
        Piece("Use port ", "same"),
        Piece("143", "removed"),
        Piece("993", "added"),
        Piece(" now.\n", "same"),
    ]
    assert Piece("信", "added") in difference("受する", "受信する")


def test_a_long_difference_takes_little_time() -> None:
    before, after = "a b " * 50_000, "b c " * 50_000
    assert "".join(piece.text for piece in difference(before, after) if piece.kind == "added") == after


def test_the_first_edit_can_be_undone(staff: Client) -> None:
    text = draft(body="One old sentence.")
    save(staff, text, "port was wrong", body="One new sentence.")
    before, after = reversed(revisions.versions_of(text))
    assert (after.revision.user.username, after.revision.comment) == ("alice", "port was wrong")
    history = staff.get(reverse("admin:guides_guidetext_history", args=[text.pk])).content.decode()
    assert "port was wrong" in history
    assert url_of(text, before) in history
    page = staff.get(url_of(text, before)).content.decode()
    assert "<del>old</del><ins>new</ins>" in page
    response = staff.post(url_of(text, before))
    assert response["Location"] == page_of(text)
    restored = GuideText.objects.get(pk=text.pk)
    assert restored.body == "One old sentence."
    assert restored.compiled
    assert restored.version > 2  # a page that was opened before the restore cannot overwrite it
    assert newest(text).revision.comment.startswith("Restored as of ")
    assert revisions.versions_of(text).count() == 3


def test_a_form_with_errors_makes_no_revision(staff: Client) -> None:
    text = draft()
    page = page_of(text)
    assert staff.post(page, fields_of(staff.get(page)) | {"title": ""}).status_code == 200
    assert [version.revision.user for version in revisions.versions_of(text)] == [None]


def test_nothing_is_kept_twice(staff: Client) -> None:
    text = draft()
    revisions.keep_current(text)
    revisions.keep_current(text)
    assert Revision.objects.count() == 1
    GuideText.objects.filter(pk=text.pk).update(title="By a command")
    revisions.keep_current(GuideText.objects.get(pk=text.pk))
    assert Revision.objects.count() == 2


def test_a_text_comes_back_without_its_neighbours(staff: Client) -> None:
    english = draft(title="First")
    japanese = make_guide_text(english.guide, "ja", title="最初", status="draft")
    save(staff, english.guide, **{"texts-0-title": "Second", "texts-1-title": "二番目"})
    staff.post(url_of(english, revisions.versions_of(english).last()))
    assert GuideText.objects.get(pk=english.pk).title == "First"
    assert GuideText.objects.get(pk=japanese.pk).title == "二番目"


def test_an_entry_comes_back_with_its_parts(staff: Client) -> None:
    text = draft(title="Kept")
    guide = text.guide
    revisions.keep_current(guide)
    was = newest(guide)
    added = make_guide_text(guide, "ja", status="draft")
    text.delete()
    Guide.objects.filter(pk=guide.pk).update(position=7)
    page = staff.get(url_of(guide, was)).content.decode()
    assert "Kept" in page
    staff.post(url_of(guide, was))
    guide.refresh_from_db()
    assert (guide.position, [one.title for one in guide.texts.all()]) == (100, ["Kept"])
    assert not GuideText.objects.filter(pk=added.pk).exists()


def test_a_deleted_article_comes_back_with_its_pattern_and_can_be_found(staff: Client) -> None:
    article = make_article("gone", classes=("auth.rejected",))
    make_pattern(article, "odd")
    assert "/en/errors/gone/" in staff.get("/en/search/", {"q": "about gone"}).content.decode()
    staff.post(reverse("admin:guides_errorarticle_delete", args=[article.pk]), {"post": "yes"})
    assert not ErrorArticle.objects.filter(slug="gone").exists()
    listed = staff.get(reverse("admin:guides_errorarticle_deleted"))
    version = listed.context["versions"][0]
    url = reverse("admin:guides_errorarticle_deleted_version", args=[version.pk])
    assert "About gone" in staff.get(url).content.decode()
    staff.post(url)
    back = ErrorArticle.objects.get(slug="gone")
    assert [pattern.name for pattern in back.patterns.all()] == ["odd"]
    assert "About gone" in staff.get("/en/errors/gone/").content.decode()
    assert "/en/errors/gone/" in staff.get("/en/search/", {"q": "about gone"}).content.decode()
    assert not staff.get(reverse("admin:guides_errorarticle_deleted")).context["versions"]


def test_the_action_that_deletes_several_can_be_undone(staff: Client) -> None:
    provider = make_provider(slug="gone")
    data = {"action": "delete_selected", "_selected_action": [provider.pk], "post": "yes"}
    staff.post(reverse("admin:guides_provider_changelist"), data)
    assert not Provider.objects.filter(slug="gone").exists()
    version = revisions.deleted(Provider)[0]
    staff.post(reverse("admin:guides_provider_deleted_version", args=[version.pk]))
    assert Provider.objects.get(slug="gone").servers.count() == provider.servers.count()


def test_what_refers_to_something_deleted_is_refused_in_words(staff: Client) -> None:
    text = draft()
    revisions.keep_current(text)
    version = newest(text)
    text.guide.delete()
    url = reverse("admin:guides_guidetext_deleted_version", args=[version.pk])
    assert "Bring that back first" in staff.post(url, follow=True).content.decode()


def test_who_may_only_read_can_compare_and_not_restore(client: Client) -> None:
    reader = User.objects.create_user("reader", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_guidetext"))
    client.force_login(reader)
    text = draft()
    revisions.keep_current(text)
    url = url_of(text, newest(text))
    GuideText.objects.filter(pk=text.pk).update(title="Other")
    page = client.get(url)
    assert page.status_code == 200
    assert "Bring this revision back" not in page.content.decode()
    assert client.post(url).status_code == 403
    assert client.get(reverse("admin:guides_guidetext_deleted")).status_code == 403
    client.force_login(User.objects.create_user("nobody", is_staff=True))
    assert client.get(url).status_code == 403


def test_a_version_of_another_row_is_not_found(staff: Client) -> None:
    one, other = draft(), draft("other")
    revisions.keep_current(one)
    assert staff.get(reverse("admin:guides_guidetext_version", args=[other.pk, newest(one).pk])).status_code == 404
    assert staff.get(reverse("admin:guides_guidetext_version", args=[0, newest(one).pk])).status_code == 404
