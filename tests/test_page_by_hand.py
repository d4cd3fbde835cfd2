"""The form for servers that the visitor enters: three fields, the rest folded away, and a message to ask for them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.test import Client

from tests.factories import make_guide
from tests.internet import Internet

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_is_found() -> Iterator[None]:
    """An empty Internet: every look-up ends without settings."""
    with Internet():
        yield


def folded(html: str) -> str:
    return html.partition("<summary>Port, encryption and POP3</summary>")[2].partition("</details>")[0]


def test_three_fields_are_asked_and_the_rest_is_folded(client: Client) -> None:
    html = client.get("/en/settings/nothing.test/").content.decode()
    form = html.partition('id="by-hand"')[2].partition("</form>")[0]
    first, _, rest = form.partition("<details>")
    assert re.findall(r' name="(\w+)"', first) == ["imap_host", "smtp_host", "username_form"]
    assert len(re.findall(r' name="(\w+)"', rest)) == 7
    assert "The guides and the connection test" in first


def test_port_and_encryption_are_choices_with_the_usual_one_marked(client: Client) -> None:
    html = folded(client.get("/en/settings/nothing.test/").content.decode())
    for usual, other in ((993, 143), (465, 587), (995, 110)):
        assert f'<option value="{usual}">{usual} (usual)</option>' in html
        assert f'<option value="{other}">{other}</option>' in html
    assert html.count('<option value="tls">SSL/TLS (usual)</option>') == 3
    assert html.count('<option value="starttls">STARTTLS</option>') == 3
    assert html.count('<option value="" selected>usual, if not known</option>') == 6


def test_the_folded_part_opens_for_what_is_in_it(client: Client) -> None:
    html = client.get("/en/settings/nothing.test/?imap_host=mail.example.org&imap_port=22").content.decode()
    assert "<details open><summary>Port, encryption and POP3" in html
    assert '<option value="22" selected>22</option>' in html  # kept beside its error
    html = client.get("/en/settings/nothing.test/?imap_host=10.0.0.1").content.decode()
    assert "<details><summary>Port, encryption and POP3" in html


@pytest.mark.parametrize(
    ("form", "words"),
    [("local_part", "the part of your address before @"), ("other", "the user name your provider gave you")],
)
def test_the_form_of_the_user_name_goes_along(client: Client, form: str, words: str) -> None:
    make_guide()
    query = f"imap_host=mail.example.org&username_form={form}"
    html = client.get(f"/en/settings/nothing.test/?{query}").content.decode()
    assert words in html.partition('class="cards"')[2].partition("</section>")[0]
    carried = f"at=nothing.test&imap_host=mail.example.org&imap_port=993&imap_security=tls&username_form={form}"
    assert f"/en/test/?{carried}".replace("&", "&amp;") in html
    test = client.get(f"/en/test/?{carried}").content.decode()
    assert f'<input type="hidden" name="username_form" value="{form}"' in test


@pytest.mark.parametrize("value", ["nothing", "%00", "x" * 5000, "%22%3E%3Cscript%3E"])
def test_a_bad_form_of_the_user_name_is_told_at_the_field(client: Client, value: str) -> None:
    response = client.get(f"/en/settings/nothing.test/?imap_host=mail.example.org&username_form={value}")
    assert response.status_code == 422
    assert 'id="id_username_form_error"' in response.content.decode()
    alone = client.get(f"/en/settings/nothing.test/?username_form={value}")
    assert alone.status_code == 200


@pytest.mark.parametrize(
    ("language", "words"), [("en", "I would like to use my mailbox"), ("ja", "メールソフト"), ("ru", "Здравствуйте")]
)
def test_a_message_asks_the_provider(client: Client, language: str, words: str) -> None:
    html = client.get(f"/{language}/settings/nothing.test/").content.decode()
    message = html.partition('<samp class="value">')[2].partition("</samp>")[0]
    assert words in message
    assert "nothing.test" in message
    assert f"http://testserver/{language}/operators/nothing.test/" in message


def test_servers_by_hand_are_kept_through_to_guide_and_test(client: Client) -> None:
    make_guide()
    query = "imap_host=Mail.Example.org&imap_port=&imap_security=&smtp_host=out.example.org&smtp_port=587&smtp_security=starttls"
    html = client.get(f"/en/settings/nothing.test/?{query}").content.decode()
    assert '<code class="value">mail.example.org</code>' in html
    assert "These are the servers that you entered." in html
    carried = "at=nothing.test&amp;imap_host=mail.example.org&amp;imap_port=993&amp;imap_security=tls&amp;smtp_host=out.example.org&amp;smtp_port=587&amp;smtp_security=starttls"
    assert f"/en/guides/thunderbird/?{carried}" in html
    assert f"/en/test/?{carried}" in html
    assert "not</span>" not in html  # port and encryption were chosen: neither is told to be wrong
    plain = carried.replace("&amp;", "&")
    guide = client.get(f"/en/guides/thunderbird/?{plain}").content.decode()
    assert "mail.example.org" in guide
    assert f"/en/test/?{carried}" in guide
    test = client.get(f"/en/test/?{plain}").content.decode()
    assert 'value="mail.example.org"' in test
    assert 'value="587"' in test


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("imap_host=10.0.0.1", "This is a number, not a name."),
        ("imap_host=mail.internal", "private network"),
        ("imap_host=mail.example.org&imap_port=22", "The portal tests mail ports only"),
        ("imap_host=mail.example.org&imap_port=0", "A port is a number from 1 to 65535"),
        ("imap_host=mail.example.org&imap_security=none", "no password in the clear"),
        ("smtp_port=465", "Enter the server"),
        ("imap_host=" + "x" * 400, "This is not a server"),
        ("imap_host=%22%3E%3Cscript%3E", "This is not a server"),
    ],
)
def test_bad_servers_by_hand_are_told_at_the_field(client: Client, query: str, words: str) -> None:
    make_guide()
    response = client.get(f"/en/settings/nothing.test/?{query}")
    html = response.content.decode()
    assert response.status_code == 422
    assert html.count(words) >= 2
    assert '<details id="by-hand" class="by-hand" open>' in html
    assert "<script>" not in html.replace("<script src", "")
    moved = client.get(f"/en/guides/thunderbird/?at=nothing.test&{query}")
    assert moved.status_code == 302
    assert moved["Location"].startswith("/en/settings/nothing.test/?")
