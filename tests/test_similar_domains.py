"""Slips in a domain: near misses of known domains, endings that do not exist, and the Russian keyboard."""

from __future__ import annotations

import pytest
from django.test import Client

from guides.mail.accounts import domain_to_ascii
from guides.views.similar_domains import similar_domains
from tests.factories import make_provider
from tests.internet import Internet

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def known() -> None:
    make_provider(domains=("gmail.com", "mail.ru", "yahoo.co.jp", "qq.com"))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("gmial.con", "gmail.com"),
        ("yahoo.cojp", "yahoo.co.jp"),
        ("firma.con", "firma.com"),
        ("firma.cmo", "firma.com"),
        ("firma.comm", "firma.com"),
        ("firma.ocm", "firma.com"),
        ("firma.nte", "firma.net"),
        ("firma.ogr", "firma.org"),
        ("firma.cojp", "firma.co.jp"),
        ("firma.co.j", "firma.co.jp"),
        ("firma.nejp", "firma.ne.jp"),
        ("mail.firma.con", "mail.firma.com"),
        ("ьфшд.кг", "mail.ru"),
        ("пьфшд.сщь", "gmail.com"),
        ("пьфшл.сщь", "gmail.com"),  # with another slip
        ("mail.ру", "mail.ru"),
        ("gmail.ком", "gmail.com"),
        ("firma.ру", "firma.ru"),
        ("firma.кг", "firma.ru"),
    ],
)
def test_a_slip_leads_to_what_was_meant(typed: str, meant: str) -> None:
    assert similar_domains(domain_to_ascii(typed))[0] == meant


@pytest.mark.parametrize(
    "right",
    ["gmail.com", "firma.com", "firma.co", "firma.cm", "пример.рф", "почта.рф", "例え.jp", "lab.test", "xn--a.com"],
)
def test_a_domain_that_can_exist_is_left_alone(right: str) -> None:
    assert similar_domains(domain_to_ascii(right) if not right.startswith("xn--") else right) == []


def test_no_more_than_three_are_offered_each_once() -> None:
    make_provider(slug="more", domains=("gmaila.com", "gmailb.com", "gmailc.com", "gmaild.com"))
    found = similar_domains("gmailx.con")
    assert len(found) == len(set(found)) == 3


def test_the_page_keeps_the_name_before_the_at(client: Client) -> None:
    with Internet():
        html = client.post("/en/settings/", {"address": "anna@firma.con"}).content.decode()
    assert 'value="anna@firma.com"' in html
    with Internet():
        html = client.post("/en/settings/", {"address": "anna@ьфшд.кг"}).content.decode()
    assert 'value="anna@mail.ru"' in html
