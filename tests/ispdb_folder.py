"""A folder of 163 autoconfig files as the world writes them: good ones in many shapes, and every defect, with what an
import is to say of each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

UNCLEAR = "it is not well-formed XML, or in another encoding than it says"
DTD = "it holds a DTD or entities, which are never read"


@dataclass(frozen=True)
class Sample:
    """One file, and what is to become of it."""

    name: str
    content: bytes
    domains: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()  # as a report shows them
    left_out: tuple[str, ...] = ()
    refused: str = ""


def server(
    kind: str,
    host: str,
    port: str,
    socket: str = "SSL",
    username: str = "%EMAILADDRESS%",
    auth: str = "password-cleartext",
    more: str = "",
) -> str:
    tag = "outgoingServer" if kind == "smtp" else "incomingServer"
    methods = "".join(f"<authentication>{each}</authentication>" for each in auth.split())
    return (
        f'<{tag} type="{kind}"><hostname>{host}</hostname><port>{port}</port><socketType>{socket}</socketType>'
        f"<username>{username}</username>{methods}{more}</{tag}>"
    )


def config(
    *servers: str,
    domains: tuple[str, ...] = ("example.com",),
    version: str = "1.1",
    more: str = "",
    name: str = "Example",
) -> str:
    names = "".join(f"<domain>{domain}</domain>" for domain in domains)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<clientConfig version="{version}">\n<emailProvider id="{domains[0] if domains else "x"}">'
        f"{names}<displayName>{name}</displayName><displayShortName>{name}</displayShortName>{''.join(servers)}{more}"
        "</emailProvider>\n</clientConfig>\n"
    )


def good(domain: str) -> tuple[str, str]:
    return server("imap", f"imap.{domain}", "993"), server("smtp", f"smtp.{domain}", "465")


def good_servers(domain: str) -> tuple[str, str]:
    return f"imap imap.{domain}:993 tls", f"smtp smtp.{domain}:465 tls"


def with_defect(slug: str, bad: str, said: str) -> Sample:
    """A file with one good server of each kind and one that is left out."""
    domain = f"{slug}.example.com"
    return Sample(
        f"{domain}.xml",
        config(bad, *good(domain), domains=(domain,)).encode(),
        (domain,),
        good_servers(domain),
        (said,),
    )


def defects() -> Iterator[Sample]:
    """Servers that are wrong, each in a file whose other servers are right."""
    clear, clash = "no encryption", "port and encryption, or port and protocol, clash"
    host, port, placeholder = (
        "no public host name",
        "no port for mail clients",
        "a placeholder where none can be filled in",
    )
    imap, pop3, smtp = "incomingServer imap", "incomingServer pop3", "outgoingServer smtp"
    h = "mail.example.com"
    yield with_defect("clear-pop3", server("pop3", h, "110", "plain"), f"{pop3}: {clear} (plain)")
    yield with_defect("clear-imap", server("imap", h, "143", "plain"), f"{imap}: {clear} (plain)")
    yield with_defect("clear-smtp", server("smtp", h, "587", "plain"), f"{smtp}: {clear} (plain)")
    yield with_defect("clear-none", server("smtp", h, "587", "none"), f"{smtp}: {clear} (none)")
    yield with_defect("clear-empty", server("pop3", h, "110", ""), f"{pop3}: {clear}")
    yield with_defect("clear-on-993", server("imap", h, "993", "plain"), f"{imap}: {clear} (plain)")
    yield with_defect("clash-993", server("imap", h, "993", "STARTTLS"), f"{imap}: {clash} (imap 993 starttls)")
    yield with_defect("clash-143", server("imap", h, "143", "SSL"), f"{imap}: {clash} (imap 143 tls)")
    yield with_defect("clash-995", server("pop3", h, "995", "STARTTLS"), f"{pop3}: {clash} (pop3 995 starttls)")
    yield with_defect("clash-110", server("pop3", h, "110", "SSL"), f"{pop3}: {clash} (pop3 110 tls)")
    yield with_defect("clash-587", server("smtp", h, "587", "SSL"), f"{smtp}: {clash} (smtp 587 tls)")
    yield with_defect("clash-465", server("smtp", h, "465", "STARTTLS"), f"{smtp}: {clash} (smtp 465 starttls)")
    yield with_defect("clash-protocol", server("imap", h, "995", "SSL"), f"{imap}: {clash} (imap 995 tls)")
    yield with_defect("clash-sending", server("smtp", h, "993", "SSL"), f"{smtp}: {clash} (smtp 993 tls)")
    yield with_defect("socket-auto", server("imap", h, "993", "auto"), f"{imap}: an unknown kind of encryption (auto)")
    yield with_defect("port-25", server("smtp", h, "25", "STARTTLS"), f"{smtp}: {port} (25)")
    yield with_defect("port-0", server("imap", h, "0"), f"{imap}: {port} (0)")
    yield with_defect("port-65536", server("imap", h, "65536"), f"{imap}: {port} (65536)")
    yield with_defect("port-minus", server("imap", h, "-993"), f"{imap}: {port} (-993)")
    yield with_defect("port-words", server("imap", h, "imaps"), f"{imap}: {port} (imaps)")
    yield with_defect("port-wide", server("imap", h, "９９３"), f"{imap}: {port} (９９３)")
    yield with_defect("port-empty", server("imap", h, ""), f"{imap}: {port}")
    yield with_defect("port-placeholder", server("imap", h, "%EMAILDOMAIN%"), f"{imap}: {port} (%EMAILDOMAIN%)")
    for slug, text in {
        "url": "https://mail.example.com/",
        "with-port": "mail.example.com:993",
        "number": "192.0.2.7",
        "number6": "[2001:db8::7]",
        "loopback": "127.0.0.1",
        "local": "localhost",
        "label": "mailserver",
        "space": "mail example.com",
        "underscore": "mail_1.example.com",
        "dots": "mail..example.com",
        "internal": "mail.corp.internal",
        "hyphen": "-mail.example.com",
        "slash": "mail.example.com/imap",
        "address": "anna@example.com",
    }.items():
        yield with_defect(f"host-{slug}", server("imap", text, "993"), f"{imap}: {host} ({text})")
    yield with_defect("host-empty", server("imap", "", "993"), f"{imap}: {host}")
    long = "a" * 60 + "." + "b" * 300 + ".example.com"
    yield with_defect("host-long", server("imap", long, "993"), f"{imap}: {host} ({long[:100]})")
    for slug, text in {
        "address": "%EMAILADDRESS%",
        "realname": "%REALNAME%.example.com",
        "broken": "mail.%EMAILDOMAIN",
    }.items():
        yield with_defect(f"placeholder-{slug}", server("imap", text, "993"), f"{imap}: {placeholder} ({text})")
    text = "%EMAILLOCALPART%.%EMAILDOMAIN%"
    yield with_defect(
        "placeholder-local", server("imap", text, "993"), f"{imap}: the host name depends on the part before @ ({text})"
    )
    for kind in ("jmap", "exchange", "ews", "nntp", ""):
        yield with_defect(
            f"kind-{kind or 'empty'}",
            server(kind, h, "993"),
            f"incomingServer {kind}".strip() + ": neither IMAP nor POP3 nor SMTP" + (f" ({kind})" if kind else ""),
        )
    swapped = server("smtp", h, "465").replace("outgoingServer", "incomingServer")
    yield with_defect("kind-swapped", swapped, "incomingServer smtp: neither IMAP nor POP3 nor SMTP (smtp)")
    for method in ("NTLM", "GSSAPI", "TLS-client-cert", "client-IP-address", "none"):
        yield with_defect(
            f"auth-{method.lower()}",
            server("smtp", h, "465", auth=method),
            f"{smtp}: no way to sign in that mail clients have ({method})",
        )
    twice = "twice.example.com"
    yield Sample(
        f"{twice}.xml",
        config(*good(twice), good(twice)[0], domains=(twice,)).encode(),
        (twice,),
        good_servers(twice),
        (f"{imap}: stands there twice (imap.{twice}:993)",),
    )
    for slug, text in {
        "placeholder": "%EMAILDOMAIN%",
        "label": "example",
        "space": "exa mple.com",
        "number": "192.0.2.1",
        "url": "http://example.com",
    }.items():
        domain = f"domain-{slug}.example.com"
        why = "a placeholder is no domain" if "%" in text else "no domain name"
        yield Sample(
            f"{domain}.xml",
            config(*good(domain), domains=(text, domain)).encode(),
            (domain,),
            good_servers(domain),
            (f"domain “{text}”: {why}",),
        )
    receive = "receive-only.example.com"
    yield Sample(
        f"{receive}.xml",
        config(good(receive)[0], domains=(receive,)).encode(),
        (receive,),
        good_servers(receive)[:1],
        ("outgoing mail: the file names no server that can be used",),
    )


def refused() -> Iterator[Sample]:
    """Files of which nothing is taken."""
    domain = "refused.example.com"
    right = config(*good(domain), domains=(domain,))

    def sample(slug: str, content: bytes | str, why: str) -> Sample:
        return Sample(f"refused-{slug}.xml", content.encode() if isinstance(content, str) else content, refused=why)

    yield sample("empty", "", UNCLEAR)
    yield sample("blank", " \n", UNCLEAR)
    yield sample("text", "imap.example.com 993", UNCLEAR)
    yield sample("json", '{"emailProvider": []}', UNCLEAR)
    yield sample("zip", b"\x1f\x8b\x08\x00" + bytes(range(256)), UNCLEAR)
    yield sample("zeros", bytes(5000), UNCLEAR)
    yield sample("truncated", right[: len(right) // 2], UNCLEAR)
    yield sample("garbage", right + "<!-- ok --><p>served by nginx</p>", UNCLEAR)
    yield sample("garbage-text", right + "\nConnection closed", UNCLEAR)
    yield sample("two-roots", right + right.partition("\n")[2], UNCLEAR)
    yield sample("unclosed", right.replace("</emailProvider>", ""), UNCLEAR)
    yield sample("ampersand", right.replace("Example<", "Anna & Co<"), UNCLEAR)
    yield sample("encoding", right.replace("Example<", "Épeire<").encode("latin-1"), UNCLEAR)
    yield sample("encoding-unknown", right.replace("UTF-8", "klingon-8"), UNCLEAR)
    yield sample("encoding-utf16", right.encode("utf-16-le"), UNCLEAR)
    yield sample("entity-unknown", right.replace("Example<", "&provider;<"), UNCLEAR)
    yield sample("doctype", right.replace("<clientConfig", "<!DOCTYPE clientConfig>\n<clientConfig"), DTD)
    lol = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    bomb = f'<!DOCTYPE c [<!ENTITY l0 "lol">{lol}]><clientConfig'
    yield sample("bomb", right.replace("<clientConfig", bomb).replace("Example<", "&l11;<"), DTD)
    quadratic = f'<!DOCTYPE c [<!ENTITY a "{"a" * 50_000}">]><clientConfig'
    yield sample(
        "bomb-quadratic", right.replace("<clientConfig", quadratic).replace("Example<", "&a;" * 500 + "<"), DTD
    )
    outside = '<!DOCTYPE c [<!ENTITY f SYSTEM "file:///etc/passwd">]><clientConfig'
    yield sample("outside", right.replace("<clientConfig", outside).replace("Example<", "&f;<"), DTD)
    web = '<!DOCTYPE c SYSTEM "http://192.0.2.1/c.dtd"><clientConfig'
    yield sample("outside-dtd", right.replace("<clientConfig", web), DTD)
    yield sample(
        "deep", right.replace("Example<", "<a>" * 5000 + "</a>" * 5000 + "<"), "it holds too many elements or levels"
    )
    yield sample("wide", right.replace("Example<", "<a/>" * 5000 + "<"), "it holds too many elements or levels")
    yield sample("megabyte", right.replace("Example<", "x" * 1_000_000 + "<"), "it is longer than 256 KB")
    yield sample("megabyte-spaces", " " * 1_000_000 + right, "it is longer than 256 KB")
    yield sample("html", "<html><head><title>404</title></head><body/></html>", "its root is not clientConfig")
    yield sample("autodiscover", "<Autodiscover><Response/></Autodiscover>", "its root is not clientConfig")
    yield sample("hollow", "<clientConfig version='1.1'/>", "it holds no emailProvider")
    yield sample("chat", "<clientConfig><chatProvider id='x'/></clientConfig>", "it holds no emailProvider")
    lonely = config(good(domain)[1], domains=(domain,))
    yield sample("sending-only", lonely, "no incoming server is left")
    yield sample("no-servers", config(domains=(domain,)), "no incoming server is left")
    yield sample("no-domain", config(*good(domain), domains=()), "it names no domain")
    pop3 = server("pop3", "pop.example.com", "110", "plain")
    yield Sample(
        "refused-all-clear.xml",
        config(pop3, domains=(domain,)).encode(),
        left_out=("incomingServer pop3: no encryption (plain)",),
        refused="no incoming server is left",
    )
    only = config(*good(domain), domains=("%EMAILDOMAIN%",))
    yield Sample(
        "refused-placeholder-domain.xml",
        only.encode(),
        left_out=("domain “%EMAILDOMAIN%”: a placeholder is no domain",),
        refused="it names no domain",
    )
    stolen = config(*good(domain), domains=("owner.example.com",))
    yield Sample(
        "a-claims-all.xml",
        stolen.encode(),
        left_out=("domain owner.example.com: owner.example.com.xml has it",),
        refused="other files have all its domains",
    )


def shapes() -> Iterator[Sample]:
    """Right files, written in every way that they are written in."""

    def sample(slug: str, content: str | bytes, *servers: str, domains: tuple[str, ...] = (), name: str = "") -> Sample:
        domain = f"{slug}.example.com"
        raw = content.encode() if isinstance(content, str) else content
        return Sample(name or f"{domain}.xml", raw, domains or (domain,), servers or good_servers(domain))

    def usual(slug: str) -> str:
        return config(*good(f"{slug}.example.com"), domains=(f"{slug}.example.com",))

    yield sample("plain", usual("plain"))
    yield sample("owner", usual("owner"))
    yield sample("bom", b"\xef\xbb\xbf" + usual("bom").encode())
    yield sample("utf16", usual("utf16").replace("UTF-8", "UTF-16").encode("utf-16"))
    yield sample(
        "latin1", usual("latin1").replace("UTF-8", "iso-8859-1").replace("Example<", "Épeire<").encode("latin-1")
    )
    yield sample("crlf", usual("crlf").replace("\n", "\r\n"))
    yield sample("leading", "\n\n" + usual("leading"))
    yield sample("undeclared", usual("undeclared").partition("\n")[2])
    yield sample("comment", usual("comment").replace("<emailProvider", "<!-- Anna, 2009 --><emailProvider"))
    yield sample("cdata", usual("cdata").replace(">imap.cdata.example.com<", "><![CDATA[imap.cdata.example.com]]><"))
    yield sample("spaces", usual("spaces").replace(">993<", "> 993\n<").replace(">SSL<", "> SSL <"))
    yield sample(
        "capitals", usual("capitals").replace("incomingServer", "IncomingServer").replace("hostname", "HostName")
    )
    yield sample("namespace", usual("namespace").replace("<clientConfig", '<clientConfig xmlns="urn:example"'))
    yield sample("no-version", usual("no-version").replace(' version="1.1"', ""))
    yield sample("version12", usual("version12").replace('"1.1"', '"1.2"'))
    yield sample("version20", usual("version20").replace('"1.1"', '"2.0"'))
    yield sample("extension", usual("extension"), name="extension.example.com")
    yield sample("upper-host", usual("upper-host").replace(">imap.upper-host", ">IMAP.Upper-Host"))
    yield sample("unicode", usual("unicode").replace("unicode.example.com</domain>", "UNICODE.Example.COM</domain>"))
    yield sample(
        "idn",
        usual("idn").replace("<domain>idn.example.com", "<domain>почта.example"),
        *good_servers("idn.example.com"),
        domains=("xn--80a1acny.example",),
    )
    extras = (
        '<webMail><loginPage url="https://example.com/"/></webMail><addressBook type="carddav"/><calendar type="caldav"/>'
        '<documentation url="https://example.com/help"><descr lang="en">Help</descr></documentation><fileShare/>'
    )
    yield sample("extras", usual("extras").replace("</emailProvider>", extras + "</emailProvider>"))
    restriction = (
        "<restriction>client-IP-address</restriction><useGlobalPreferredServer>false</useGlobalPreferredServer>"
    )
    yield sample("restriction", usual("restriction").replace("</outgoingServer>", restriction + "</outgoingServer>"))
    pop3 = "<pop3><leaveMessagesOnServer>true</leaveMessagesOnServer><daysToLeaveMessagesOnServer>9</daysToLeaveMessagesOnServer></pop3>"
    for slug, servers, said in (
        (
            "order",
            (
                server("smtp", "smtp.example.org", "587", "STARTTLS"),
                server("pop3", "pop.example.org", "995", more=pop3),
                server("imap", "imap.example.org", "143", "STARTTLS"),
                server("imap", "imap.example.org", "993"),
                server("smtp", "smtp.example.org", "465"),
            ),
            (
                "imap imap.example.org:993 tls",
                "imap imap.example.org:143 starttls",
                "pop3 pop.example.org:995 tls",
                "smtp smtp.example.org:465 tls",
                "smtp smtp.example.org:587 starttls",
            ),
        ),
        (
            "template",
            (server("imap", "mail.%EMAILDOMAIN%", "993"), server("smtp", "mail.%emaildomain%", "465")),
            ("imap mail.%EMAILDOMAIN%:993 tls", "smtp mail.%EMAILDOMAIN%:465 tls"),
        ),
        (
            "socket-tls",
            (server("imap", "imap.example.org", "993", "TLS"), server("smtp", "smtp.example.org", "587", "TLS")),
            ("imap imap.example.org:993 tls", "smtp smtp.example.org:587 starttls"),
        ),
        (
            "odd-ports",
            (server("imap", "imap.example.org", "1993"), server("smtp", "smtp.example.org", "2525", "STARTTLS")),
            ("imap imap.example.org:1993 tls", "smtp smtp.example.org:2525 starttls"),
        ),
        (
            "pop3-only",
            (server("pop3", "pop.example.org", "995"), server("smtp", "smtp.example.org", "465")),
            ("pop3 pop.example.org:995 tls", "smtp smtp.example.org:465 tls"),
        ),
        (
            "encrypted-password",
            (
                server("imap", "imap.example.org", "993", auth="password-encrypted"),
                *good("encrypted-password.example.com")[1:],
            ),
            ("imap imap.example.org:993 tls", "smtp smtp.encrypted-password.example.com:465 tls"),
        ),
        (
            "oauth",
            (
                server("imap", "imap.example.org", "993", auth="OAuth2"),
                server("smtp", "smtp.example.org", "465", auth="OAuth2"),
            ),
            ("imap imap.example.org:993 tls", "smtp smtp.example.org:465 tls"),
        ),
        (
            "both-ways",
            (
                server("imap", "imap.example.org", "993", auth="password-cleartext OAuth2 XYZZY"),
                server("smtp", "smtp.example.org", "465", auth=""),
            ),
            ("imap imap.example.org:993 tls", "smtp smtp.example.org:465 tls"),
        ),
        (
            "local-part",
            (
                server("imap", "imap.example.org", "993", username="%EMAILLOCALPART%"),
                server("smtp", "smtp.example.org", "465", username="u%EMAILLOCALPART%"),
            ),
            ("imap imap.example.org:993 tls", "smtp smtp.example.org:465 tls"),
        ),
    ):
        yield sample(slug, config(*servers, domains=(f"{slug}.example.com",)), *said)
    many = tuple(f"many{number}.example.com" for number in range(60))
    yield sample("many", config(*good("many.example.com"), domains=many), domains=many)
    enable = '<enable visiturl="https://example.com/on"><instruction lang="en">Switch it on</instruction></enable>'
    yield sample("enable", usual("enable").replace("</emailProvider>", enable + "</emailProvider>"))


def samples() -> list[Sample]:
    """All 163."""
    made = [*defects(), *refused(), *shapes()]
    fill = 163 - len(made)
    for number in range(fill):
        domain = f"isp{number}.example.net"
        made.append(
            Sample(f"{domain}.xml", config(*good(domain), domains=(domain,)).encode(), (domain,), good_servers(domain))
        )
    return made


def write_folder(folder: Path) -> list[Sample]:
    """The files, and two that are none of them."""
    made = samples()
    folder.mkdir(parents=True, exist_ok=True)
    for sample in made:
        (folder / sample.name).write_bytes(sample.content)
    (folder / "README.md").write_text("# A list\n")
    (folder / ".git").mkdir(exist_ok=True)
    return made
