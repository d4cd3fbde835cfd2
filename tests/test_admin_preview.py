"""The preview of a text in the admin: as its page would show it, for a provider, version and protocol; never saved."""

from __future__ import annotations

import html
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from guides.models import GuideText, MailClient
from tests.factories import make_article, make_client, make_guide, make_notice, make_provider

pytestmark = pytest.mark.django_db

URL = "/admin/guides/guidetext/preview/?field=body"


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("alice"))
    return client


def shown(staff: Client, body: str, url: str = URL, **fields: Any) -> str:
    response = staff.post(url, {"language": "en", "title": "A title", "body": body, **fields})
    assert response.status_code == 200
    return html.unescape(response.content.decode())


def test_a_text_is_shown_before_it_is_saved(staff: Client) -> None:
    text = shown(staff, "Do **this**.")
    assert "<h1>A title</h1>" in text
    assert "<strong>this</strong>" in text
    assert "css/site" in text
    assert not GuideText.objects.exists()


def test_it_is_shown_for_a_provider_a_version_and_a_protocol(staff: Client) -> None:
    make_provider(domains=("known.test",))
    guide = make_guide(client=make_client(versions=("old", "new")), languages=())
    body = "::: if version:new\nNew: {{ incoming.host }}\n::: else\nOld: {{ incoming.port }}\n::: end\n"
    chosen = {"guide": str(guide.pk), "body_domain": "anna@known.test", "body_version": "new"}
    text = shown(staff, body, **chosen)
    assert "imap.known.test" in text
    assert "Old:" not in text
    assert "pop3.known.test" in shown(staff, body, **chosen, body_protocol="pop3")
    assert "995" in shown(staff, body, **chosen | {"body_version": "old"}, body_protocol="pop3")


def test_faults_stand_there_with_their_lines(staff: Client) -> None:
    text = shown(staff, "Fine.\n\n::: if app_pasword\nx\n::: end\n")
    assert "Line 3:" in text
    assert "app_password" in text
    assert "<iframe" not in text


def test_hostile_words_stay_words(staff: Client) -> None:
    text = staff.post(URL, {"language": "en", "title": '"><script>x</script>', "body": "<script>y</script>"}).content
    assert b"<script" not in text
    assert html.unescape(html.unescape(text.decode())).count("<script>") == 3  # as words: title, heading, body


def test_rows_of_a_page_are_shown_with_their_own_names(staff: Client) -> None:
    guide = make_guide()
    page = staff.get(reverse("admin:guides_guide_change", args=[guide.pk])).content.decode()
    url = f"/admin/guides/guidetext/preview/?parent={guide.pk}&amp;field=texts-0-body"
    assert url in page
    assert "field=texts-__prefix__-body" in page
    data = {"texts-0-language": "ja", "texts-0-title": "題", "texts-0-body": "本文です。"}
    answer = html.unescape(staff.post(html.unescape(url), data).content.decode())
    assert 'lang="ja"' in answer
    assert "本文です。" in answer


def test_versions_can_be_chosen_on_both_pages(staff: Client) -> None:
    guide = make_guide(client=make_client(versions=("old", "new")))
    text = GuideText.objects.get()
    for page in ("guide", guide.pk), ("guidetext", text.pk):
        shown = staff.get(reverse(f"admin:guides_{page[0]}_change", args=[page[1]])).content.decode()
        assert '<option value="new">new</option>' in shown


def test_articles_and_notices_have_a_preview(staff: Client) -> None:
    article, provider = make_article(), make_provider(domains=("known.test",))
    make_notice(provider)
    assert "Wrong." in shown(staff, "Wrong.", "/admin/guides/errortext/preview/?field=body", article=str(article.pk))
    url = f"/admin/guides/providertext/preview/?parent={provider.pk}&field=body"
    assert "imap.known.test" in shown(staff, "Server: {{ imap.host }}", url)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"language": "xx", "body": "x" * 200_000},
        {"body": "{{ nothing }}", "guide": "9" * 30},
        {"body": "\x00\ud800".encode("utf-8", "replace").decode(), "body_domain": "…。@"},
        {"body": "x", "guide": "-1", "client": "zzz", "body_version": "'", "body_protocol": "smtp"},
    ],
)
def test_bad_input_is_no_server_error(staff: Client, data: dict[str, str]) -> None:
    make_client()
    for model in ("guidetext", "errortext", "providertext"):
        response = staff.post(f"/admin/guides/{model}/preview/?field=body&parent=zz", data)
        assert response.status_code == 200


def test_only_those_who_may_read_texts_see_a_preview(client: Client) -> None:
    assert client.post(URL).status_code == 302
    user = User.objects.create_user("reader", is_staff=True)
    client.force_login(user)
    assert client.post(URL).status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="view_guidetext"))
    client.force_login(User.objects.get(pk=user.pk))
    assert client.post(URL).status_code == 200
    assert client.get(URL).status_code == 405
    assert MailClient.objects.count() == 0
