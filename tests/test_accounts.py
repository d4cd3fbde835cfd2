"""Addresses and servers: what counts as a mail address, and why not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guides.mail import accounts
from tests.tables import each_row


@pytest.mark.parametrize(
    ("text", "local_part", "domain"),
    [
        ("anna@mail.ru", "anna", "mail.ru"),
        ("  anna@mail.ru\n", "anna", "mail.ru"),
        ("Anna.Schmidt+x@GMX.net", "Anna.Schmidt+x", "gmx.net"),
        ("anna@почта.рф", "anna", "xn--80a1acny.xn--p1ai"),
        ("анна@почта.рф", "анна", "xn--80a1acny.xn--p1ai"),
        ("anna@xn--80a1acny.xn--p1ai", "anna", "xn--80a1acny.xn--p1ai"),
        ("anna@example。com", "anna", "example.com"),
        ("ａｎｎａ＠ｅｘａｍｐｌｅ．ｃｏｍ", "anna", "example.com"),
        ("anna@example.com.", "anna", "example.com"),
        ("a'b!#$%&*=?^_`{|}~-@example.com", "a'b!#$%&*=?^_`{|}~-", "example.com"),
        (f"{'a' * 64}@example.com", "a" * 64, "example.com"),
        ("anna@mail.ru。", "anna", "mail.ru"),
        ("anna@mail.ru｡", "anna", "mail.ru"),
        ("anna。x@mail.ru", "anna.x", "mail.ru"),
        ("анна＠почта．рф", "анна", "xn--80a1acny.xn--p1ai"),
        ("mailto:anna@mail.ru", "anna", "mail.ru"),
        ("MAILTO:anna%2Bx@mail.ru?subject=x", "anna+x", "mail.ru"),
        ("Anna <anna@mail.ru>", "anna", "mail.ru"),
        ('"anna@mail.ru" <anna@mail.ru>,', "anna", "mail.ru"),
        ("山田 ＜anna@mail.ru＞", "anna", "mail.ru"),
        ("<anna@mail.ru", "anna", "mail.ru"),
        ("(anna@mail.ru).", "anna", "mail.ru"),
        ("«anna@mail.ru»", "anna", "mail.ru"),
        ("「anna@mail.ru」、", "anna", "mail.ru"),
        ("'anna@mail.ru'", "anna", "mail.ru"),
        ("o'neil@mail.ru", "o'neil", "mail.ru"),
        ("anna @ mail.ru", "anna", "mail.ru"),
        ("an\u200bna@mail\u00ad.ru\ufeff", "anna", "mail.ru"),
        ("\u202aanna@mail.ru\u202c", "anna", "mail.ru"),
        ("\u3000anna@mail.ru\u3000", "anna", "mail.ru"),
    ],
)
def test_an_address_is_read(text: str, local_part: str, domain: str) -> None:
    address = accounts.Address.parse(text)
    assert (address.local_part, address.domain) == (local_part, domain)
    assert accounts.Address.parse(str(address)) == address


@each_row(
    ("text", "fault"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("anna", "no_at"),
        ("anna.mail.ru", "no_at"),
        ("anna@b@mail.ru", "two_at"),
        ("@", "local_part"),
        ("@mail.ru", "local_part"),
        ("anna@", "domain"),
        ("anna@。", "domain"),
        ("a@" + "\u0301\u0316" * 300_000, "too_long"),
        ("my anna@mail.ru", "space"),
        ("anna@mail.ru please", "space"),
        ("anna@mail .ru", "space"),
        ("anna\u00a0b@mail.ru", "space"),
        ("anna\u3000b@mail.ru", "space"),
        ("anna\0@mail.ru", "control"),
        ("anna\r\nRCPT@mail.ru", "control"),
        ("anna\u202e@mail.ru", "control"),
        ("anna@ma\u200dil.ru", "control"),
        ("\ud800@mail.ru", "control"),
        ("mailto:%FF@mail.ru", "control"),
        ("mailto:a%0D%0ARCPT@mail.ru", "control"),
        ("anna\ue000@mail.ru", "control"),
        ("a" * 400 + "@mail.ru", "too_long"),
        ("я" * 130 + "@mail.ru", "too_long"),
        ("a" * 65 + "@mail.ru", "local_part"),
        ("я" * 33 + "@mail.ru", "local_part"),
        (".anna@mail.ru", "local_part"),
        ("anna.@mail.ru", "local_part"),
        ("an..na@mail.ru", "local_part"),
        ('"anna"@mail.ru', "local_part"),
        ("an<na@mail.ru", "local_part"),
        ("Anna <anna@mail.ru>, Boris <boris@mail.ru>", "two_at"),
        ("anna,boris@mail.ru", "local_part"),
        ("../../etc@mail.ru", "local_part"),
        ("mailto:mailto:anna@mail.ru", "local_part"),
        ("anna@[192.0.2.1]", "ip_literal"),
        ("anna@[IPv6:2001:db8::1]", "ip_literal"),
        ("anna@192.0.2.1", "ip_literal"),
        ("anna@①②⑦.⓪.⓪.①", "ip_literal"),
        ("anna@localhost", "domain"),
        ("anna@mail", "domain"),
        ("anna@mail..ru", "domain"),
        ("anna@-mail.ru", "domain"),
        ("anna@mail.ru/x", "domain"),
        ("anna@../../etc", "domain"),
        ("anna@mail.1", "domain"),
        ("anna@xn--a.ru", "domain"),
        ("anna@😀.ru", "domain"),
        ("anna@a_b.ru", "domain"),
        (f"anna@{'a' * 64}.ru", "domain"),
        ("anna@😀", "domain"),
    ],
)
def test_what_is_no_address_is_refused_with_its_fault(text: str, fault: str) -> None:
    with pytest.raises(accounts.AddressError) as caught:
        accounts.Address.parse(text)
    assert caught.value.fault == fault


@given(st.text(max_size=100) | st.emails())
def test_any_text_is_an_address_or_has_a_fault(text: str) -> None:
    try:
        address = accounts.Address.parse(text)
    except accounts.AddressError:
        return
    assert address.domain == accounts.domain_to_ascii(address.domain)
    assert not set("\r\n\0 @") & set(address.local_part)
    assert len(str(address).encode()) <= 400
    assert accounts.Address.parse(str(address)) == address


@given(st.text(max_size=300))
def test_any_text_is_a_domain_or_has_a_fault(text: str) -> None:
    try:
        domain = accounts.domain_to_ascii(text)
    except accounts.AddressError:
        return
    assert accounts.domain_to_ascii(domain) == domain


def test_domains_are_shown_as_people_read_them() -> None:
    assert accounts.Address.parse("anna@почта.рф").display_domain == "почта.рф"
    assert accounts.display_domain("xn--p1ai") == "рф"
    assert accounts.display_domain("xn--99999999999") == "xn--99999999999"


def server(protocol: accounts.Protocol, username: accounts.UsernameForm, *auth: accounts.AuthMethod) -> accounts.Server:
    return accounts.Server(
        protocol,
        f"{protocol}.example.com",
        993,
        accounts.Security.TLS,
        username,
        auth or (accounts.AuthMethod.PASSWORD,),
    )


def test_a_server_knows_the_user_name_for_an_address() -> None:
    anna = accounts.Address("anna", "example.com")
    assert server(accounts.Protocol.IMAP, accounts.UsernameForm.ADDRESS).username_for(anna) == "anna@example.com"
    assert server(accounts.Protocol.IMAP, accounts.UsernameForm.LOCAL_PART).username_for(anna) == "anna"
    assert server(accounts.Protocol.IMAP, accounts.UsernameForm.OTHER).username_for(anna) is None


def test_an_account_knows_its_best_server_and_whether_it_offers_oauth2() -> None:
    first = server(accounts.Protocol.IMAP, accounts.UsernameForm.ADDRESS)
    second = server(accounts.Protocol.IMAP, accounts.UsernameForm.LOCAL_PART)
    smtp = server(accounts.Protocol.SMTP, accounts.UsernameForm.ADDRESS, accounts.AuthMethod.OAUTH2)
    account = accounts.Account("example.com", servers=(first, second))
    assert account.best(accounts.Protocol.IMAP) is first
    assert account.best(accounts.Protocol.POP3) is None
    assert not account.offers_oauth2
    assert accounts.Account("example.com", servers=(first, smtp)).offers_oauth2
    anna = accounts.Address("anna", "example.org")
    assert account.with_address(anna).address == anna
    assert account.with_address(anna).domain == "example.org"
    assert account.address is None
