"""Suffix rules in the admin: one for mail exchangers below a public suffix is refused at the field, with what was typed."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from guides.models import SuffixRule
from tests.factories import make_provider
from tests.test_admin import errors_of, fields_of, page_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("kind", "typed", "words"),
    [
        ("mx", "cloudflare.net", "different owners"),  # in the Public Suffix List, so `is_gateway` never matched it
        ("mx", "CO.JP", "different owners"),
        ("mx", "com", "This is no domain name"),
        ("mx", "москва", "This is no domain name"),
        ("mx", "ne.jp.", "different owners"),
        ("mx", "*.example.net", "This is no domain name"),
        ("mx", "192.0.2.1", "This is no domain name"),
        ("mx", "a" * 300, "at most 253"),
        ("mx", "a\0b.net", "Null characters"),
        ("nothing", "example.net", "is not one of the available choices"),
        ("mx", "", "This field is required"),
        ("mx", "mx.cloudflare.net", ""),
        ("mx", "例え.jp", ""),
    ],
)
def test_a_rule_for_exchangers_needs_one_owner(client: Client, kind: str, typed: str, words: str) -> None:
    client.force_login(User.objects.create_superuser("alice"))
    provider = make_provider()
    data = fields_of(client.get(page_of(provider)))
    more = {"suffix_rules-TOTAL_FORMS": "1", "suffix_rules-0-kind": kind, "suffix_rules-0-suffix": typed}
    response = client.post(page_of(provider), {**data, **more})
    if not words:
        assert response.status_code == 302
        assert SuffixRule.objects.count() == 1
        return
    assert response.status_code == 200
    assert words in errors_of(response)
    assert not SuffixRule.objects.exists()
    form = next(
        each.formset.forms[0]
        for each in response.context["inline_admin_formsets"]
        if each.formset.prefix == "suffix_rules"
    )
    assert form["suffix"].value() == typed
