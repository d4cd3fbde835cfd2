"""Reading autoconfig files: what is taken, what is left out and why, what is refused whole."""

from __future__ import annotations

import pytest

from guides.mail.accounts import Address, AuthMethod, Protocol, Security, Server, UsernameForm
from guides.mail.discovery.autoconfig import ConfigFault, ParsedConfig, parse_client_config
from guides.mail.discovery.servers import SkipReason
from tests.tables import each_row

IMAP = Server(Protocol.IMAP, "imap.example.com", 993, Security.TLS)
SMTP = Server(Protocol.SMTP, "smtp.example.com", 465, Security.TLS)


def server(
    kind: str = "imap",
    host: str = "imap.example.com",
    port: str = "993",
    socket: str = "SSL",
    username: str = "%EMAILADDRESS%",
    auth: str = "password-cleartext",
    more: str = "",
) -> str:
    tag = "outgoingServer" if kind == "smtp" else "incomingServer"
    methods = "".join(f"<authentication>{method}</authentication>" for method in auth.split() or [])
    return (
        f'<{tag} type="{kind}"><hostname>{host}</hostname><port>{port}</port><socketType>{socket}</socketType>'
        f"<username>{username}</username>{methods}{more}</{tag}>"
    )


SMTP_XML = server("smtp", "smtp.example.com", "465")


def config(*servers: str, version: str = "1.1", domains: str = "<domain>example.com</domain>", more: str = "") -> bytes:
    body = "".join(servers)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<clientConfig version="{version}"><emailProvider id="example.com">'
        f"{domains}<displayName>Example</displayName>{body}{more}</emailProvider></clientConfig>"
    ).encode()


def parse(*servers: str, domain: str = "example.com") -> ParsedConfig:
    return parse_client_config(config(*servers), domain=domain)


def test_it_works() -> None:
    more = (
        '<enable visiturl="https://example.com/enable"><instruction>Switch it on</instruction></enable>'
        '<documentation url="https://example.com/help"><descr lang="en">Help</descr></documentation>'
        "<something><new/></something>"
    )
    found = parse_client_config(
        config(SMTP_XML, server(more="<leaveMessagesOnServer>1</leaveMessagesOnServer>"), more=more)
    )
    assert found.servers == (IMAP, SMTP)
    assert (found.name, found.version, found.domains) == ("Example", "1.1", ("example.com",))
    assert (found.must_enable, found.enable_url) == (True, "https://example.com/enable")
    assert found.documentation_url == "https://example.com/help"
    assert found.skipped == ()
    assert found.is_usable


def test_format_1_2_and_unknown_elements_are_passed_over() -> None:
    jmap = '<incomingServer type="jmap"><url>https://jmap.example.com/</url></incomingServer>'
    exchange = '<incomingServer type="exchange"><owaURL>https://x/</owaURL></incomingServer>'
    xml = config(jmap, exchange, server(), SMTP_XML, version="1.2", more="<calendar type='caldav'/><fileShare/>")
    found = parse_client_config(xml.replace(b"<clientConfig", b"<clientConfig xmlns='urn:x'"), domain="example.com")
    assert found.servers == (IMAP, SMTP)
    assert [(s.what, s.why) for s in found.skipped] == [
        ("incomingServer jmap", SkipReason.PROTOCOL),
        ("incomingServer exchange", SkipReason.PROTOCOL),
    ]


def test_best_first() -> None:
    found = parse(
        server("smtp", "smtp.example.com", "587", "STARTTLS"),
        server("pop3", "pop.example.com", "995"),
        server("imap", "imap.example.com", "143", "STARTTLS"),
        server(),
        SMTP_XML,
    )
    assert [(s.protocol.value, s.port) for s in found.servers] == [
        ("imap", 993),
        ("imap", 143),
        ("pop3", 995),
        ("smtp", 465),
        ("smtp", 587),
    ]


@each_row(
    ("wrong", "why"),
    [
        (server(port="143", socket="plain"), SkipReason.CLEAR_TEXT),
        (server(port="143", socket=""), SkipReason.CLEAR_TEXT),
        (server(port="143", socket="None"), SkipReason.CLEAR_TEXT),
        (server(socket="STARTTLS"), SkipReason.CLASH),
        (server(port="143", socket="SSL"), SkipReason.CLASH),
        (server(port="995"), SkipReason.CLASH),
        (server("pop3", port="993"), SkipReason.CLASH),
        (server("pop3", port="110"), SkipReason.CLASH),
        (server("smtp", port="465", socket="STARTTLS"), SkipReason.CLASH),
        (server("smtp", port="587", socket="SSL"), SkipReason.CLASH),
        (server("smtp", port="993"), SkipReason.CLASH),
        (server("smtp", port="25", socket="STARTTLS"), SkipReason.PORT),
        (server(socket="quantum"), SkipReason.SECURITY),
        (server(port="2143", socket="TLS"), SkipReason.SECURITY),
        (server(port="0"), SkipReason.PORT),
        (server(port=""), SkipReason.PORT),
        (server(port="-993"), SkipReason.PORT),
        (server(port="65536"), SkipReason.PORT),
        (server(port="９９３"), SkipReason.PORT),
        (server(port="9" * 400), SkipReason.PORT),
        (server(port="%EMAILDOMAIN%"), SkipReason.PORT),
        (server(host=""), SkipReason.HOST),
        (server(host="mail"), SkipReason.HOST),
        (server(host="10.0.0.1"), SkipReason.HOST),
        (server(host="[::1]"), SkipReason.HOST),
        (server(host="mail.internal"), SkipReason.HOST),
        (server(host="localhost"), SkipReason.HOST),
        (server(host="mail example.com"), SkipReason.HOST),
        (server(host="a" * 300 + ".com"), SkipReason.HOST),
        (server(host="https://mail.example.com/"), SkipReason.HOST),
        (server(host="mail.example.com:993"), SkipReason.HOST),
        (server(host="%EMAILADDRESS%"), SkipReason.PLACEHOLDER),
        (server(host="%REALNAME%.example.com"), SkipReason.PLACEHOLDER),
        (server(host="mail.%EMAILDOMAIN"), SkipReason.PLACEHOLDER),
        (server(host="%EMAILLOCALPART%.example.com"), SkipReason.NEEDS_ADDRESS),
        (server(auth="GSSAPI NTLM"), SkipReason.AUTHENTICATION),
        (server(auth="none"), SkipReason.AUTHENTICATION),
        (server("nntp"), SkipReason.PROTOCOL),
        (server(""), SkipReason.PROTOCOL),
        (SMTP_XML.replace("outgoing", "incoming"), SkipReason.PROTOCOL),
        (server(), SkipReason.TWICE),
    ],
)
def test_a_server_that_is_wrong_is_left_out_and_the_good_ones_stay(wrong: str, why: SkipReason) -> None:
    found = parse(server(), wrong, SMTP_XML)
    assert found.servers == (IMAP, SMTP)
    assert [skipped.why for skipped in found.skipped] == [why]


def test_what_is_told_of_a_server_is_short_and_visible() -> None:
    found = parse(server("x" * 500), server(host="a\u202eb" + "c" * 500))
    assert not found.is_usable
    for skipped in found.skipped:
        assert len(skipped.what) <= 120
        assert len(skipped.detail) <= 100
        assert "\u202e" not in skipped.detail


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("%EMAILADDRESS%", UsernameForm.ADDRESS),
        ("%emailaddress%", UsernameForm.ADDRESS),
        ("%EMAILLOCALPART%@%EMAILDOMAIN%", UsernameForm.ADDRESS),
        ("", UsernameForm.ADDRESS),
        (" %EMAILLOCALPART% ", UsernameForm.LOCAL_PART),
        ("%EMAILLOCALPART%.%EMAILDOMAIN%", UsernameForm.OTHER),
        ("%REALNAME%", UsernameForm.OTHER),
        ("mail123", UsernameForm.OTHER),
    ],
)
def test_user_names(text: str, form: UsernameForm) -> None:
    assert parse(server(username=text)).servers[0].username is form


@pytest.mark.parametrize(
    ("more", "security"), [("quantum", Security.TLS), ("plain", Security.TLS), ("STARTTLS", Security.STARTTLS)]
)
def test_an_encryption_that_is_not_known_gives_way_to_the_next(more: str, security: Security) -> None:
    both = server().replace("<socketType>", f"<socketType>{more}</socketType><socketType>", 1)
    both = both.replace(">993<", ">143<") if security is Security.STARTTLS else both
    assert parse(both).servers[0].security is security


def test_a_name_that_is_filled_in_already_is_recognised_with_the_address() -> None:
    anna = Address("Anna", "example.com")
    for text, form in (("anna@example.com", UsernameForm.ADDRESS), ("anna", UsernameForm.LOCAL_PART)):
        assert parse_client_config(config(server(username=text)), address=anna).servers[0].username is form
        assert (
            parse_client_config(config(server(username=text)), domain="example.com").servers[0].username
            is UsernameForm.OTHER
        )


@pytest.mark.parametrize(
    ("auth", "methods"),
    [
        ("OAuth2 password-cleartext", (AuthMethod.OAUTH2, AuthMethod.PASSWORD)),
        ("password-encrypted password-cleartext", (AuthMethod.PASSWORD,)),
        ("GSSAPI OAuth2", (AuthMethod.OAUTH2,)),
        ("plain", (AuthMethod.PASSWORD,)),
        ("", (AuthMethod.PASSWORD,)),
    ],
)
def test_ways_to_sign_in(auth: str, methods: tuple[AuthMethod, ...]) -> None:
    assert parse(server(auth=auth)).servers[0].auth == methods


def test_placeholders_are_parts_of_host_names() -> None:
    xml = config(server(host="mail.%EMAILDOMAIN%"), server("smtp", "%EmailDomain%", "465"))
    assert [s.host for s in parse_client_config(xml, domain="xn--e1afmkfd.xn--p1ai").servers] == [
        "mail.xn--e1afmkfd.xn--p1ai",
        "xn--e1afmkfd.xn--p1ai",
    ]
    kept = parse_client_config(xml)
    assert [s.host for s in kept.servers] == ["mail.%EMAILDOMAIN%", "%EMAILDOMAIN%"]
    assert [s.host for s in kept.for_domain("example.org")] == ["mail.example.org", "example.org"]
    own = config(server(host="%EMAILLOCALPART%.%EMAILDOMAIN%"))
    assert parse_client_config(own, domain="example.com").needs_address
    assert parse_client_config(own, address=Address("anna", "example.com")).servers[0].host == "anna.example.com"
    assert not parse_client_config(own, address=Address("an_na", "example.com")).servers


def test_domains_that_are_none_are_passed_over() -> None:
    names = "<domain>Example.COM</domain><domain>%EMAILDOMAIN%</domain><domain/><domain>пример.рф</domain>"
    found = parse_client_config(config(server(), domains=names), domain="example.com")
    assert found.domains == ("example.com", "xn--e1afmkfd.xn--p1ai")


def test_links_are_https_or_nothing() -> None:
    more = '<enable visiturl="javascript:alert(1)"/><documentation url="http://x/"/><documentation url="https://x/"/>'
    found = parse_client_config(config(server(), more=more), domain="example.com")
    assert (found.must_enable, found.enable_url, found.documentation_url) == (True, "", "https://x/")


# --- what is refused whole ---------------------------------------------------------------------------

LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<clientConfig><emailProvider><displayName>&b;</displayName></emailProvider></clientConfig>"""


@each_row(
    ("xml", "cause"),
    [
        (b"", "xml"),
        (b"   ", "xml"),
        (b"<html><body>Not here</body></html>", "no_client_config"),
        (b"<!DOCTYPE html><html></html>", "xml_dtd"),
        (b"<clientConfig/>", "no_provider"),
        (LAUGHS, "xml_dtd"),
        (b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><clientConfig/>', "xml_dtd"),
        (b'<!DOCTYPE x [<!ENTITY % p SYSTEM "https://x/"> %p;]><clientConfig/>', "xml_dtd"),
        (config(server()) + b"garbage", "xml"),
        (config(server()) + config(server()), "xml"),
        (config(server())[:-5], "xml"),
        (config(server()).replace(b"UTF-8", b"UTF-99"), "xml"),
        (config(server()).replace(b"Example", b"\xff\xfe"), "xml"),
        (config(server()).replace(b"Example", b"\0"), "xml"),
        (config(server()).replace(b"Example", b"&unknown;"), "xml"),
        (b"<clientConfig>" + b"<a>" * 100 + b"</a>" * 100 + b"</clientConfig>", "xml_size"),
        (b"<a>" * 80_000, "xml_size"),
        (b"<clientConfig>" + b"<a/>" * 60_000 + b"</clientConfig>", "xml_size"),
        (b"{}", "xml"),
        (bytes(range(256)) * 100, "xml"),
    ],
)
def test_what_is_no_such_file_is_refused(xml: bytes, cause: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        parse_client_config(xml, domain="example.com")
    assert caught.value.cause == cause


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1", "utf-8-sig"])
def test_other_encodings_are_read(encoding: str) -> None:
    declared = encoding.removesuffix("-sig")
    text = config(server()).decode().replace("UTF-8", declared).replace("Example", "Exämple")
    assert parse_client_config(text.encode(encoding), domain="example.com").name == "Exämple"


def test_very_many_servers_are_cut() -> None:
    many = [server(host=f"imap{n}.example.com") for n in range(200)]
    assert len(parse(*many).servers) == 30


def test_the_first_provider_that_can_be_used_is_taken() -> None:
    empty = "<emailProvider id='empty'><displayName>Empty</displayName></emailProvider>"
    xml = config(server()).replace(b"<emailProvider", empty.encode() + b"<emailProvider", 1)
    assert parse_client_config(xml, domain="example.com").name == "Example"
