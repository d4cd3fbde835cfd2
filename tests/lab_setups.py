"""Set-ups of mail domains from public bug reports, as zones and pages of the small internet, with what a visitor is to get.

The reports are those of the review of 2026-11-29; each name is the repository and number of an issue or pull request.
`docs/discovery.md` holds the same table.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass

from dnslib import CNAME, MX, SRV

from guides.mail.discovery.findings import ConfigSource as Source
from tests.discovery_world import autoconfig_url, client_config, pox, pox_url, well_known_url
from tests.internet import Internet, Page, redirect

HOSTER = "hoster.test"
FOUND, TOLD, NOT_FOUND = "found", "told", "not found"


@dataclass(frozen=True)
class SetUp:
    """One domain, `<name>.test`. `says`: words of the page for a visitor who gets no settings."""

    name: str
    report: str
    kind: str
    build: Callable[[Internet, str], None]
    source: Source | None = None
    host: str = "imap.{domain}"
    username: str = "anna.b@{domain}"
    confirm: str | None = None
    says: str = ""
    why: str = ""

    @property
    def domain(self) -> str:
        """The mail domain."""
        return f"{self.name}.test"

    @property
    def result(self) -> str:
        """What comes of it."""
        return FOUND if self.source else TOLD if self.says else NOT_FOUND

    @property
    def row(self) -> str:
        """Its row in docs/discovery.md."""
        result = f"{self.result} ({self.source})" if self.source else self.result
        return f"| {self.name} | {self.report} | {self.kind} | {result}{f': {self.why}' if self.why else ''} |"


def config(domain: str, username: str = "%EMAILADDRESS%") -> bytes:
    """The autoconfig file that most set-ups publish in their own way."""
    return client_config(f"imap.{domain}", f"smtp.{domain}", username=username)


def at_autoconfig(page: Callable[[str], Page | bytes]) -> Callable[[Internet, str], None]:
    """The file's page at `autoconfig.`."""
    return lambda net, domain: net.page(autoconfig_url(domain), page(domain))


def wants_address(url: Callable[[str], str], status: int) -> Callable[[Internet, str], None]:
    """A file that is made for one address; without it the server answers `status`."""

    def build(net: Internet, domain: str) -> None:
        net.page(url(domain), Page(status=status))
        net.page(f"{url(domain)}?emailaddress=anna.b%40{domain}", config(domain))

    return build


def sends_on(element: str, target: str, url: Callable[[str], str]) -> Callable[[Internet, str], None]:
    """An Autodiscover answer that names another place."""
    answer = "<Autodiscover><Response><Account><Action>{0}</Action><{0}>{1}</{0}></Account></Response></Autodiscover>"

    def build(net: Internet, domain: str) -> None:
        net.page(pox_url(domain), answer.format(element, target.format(domain=domain)).encode())
        net.page(url(domain), pox(f"imap.{domain}", f"smtp.{domain}"))

    return build


def files(*pages: tuple[str, Callable[[str], Page | bytes]]) -> Callable[[Internet, str], None]:
    """Pages by URL; `{domain}` stands for the domain."""

    def build(net: Internet, domain: str) -> None:
        for url, page in pages:
            net.page(url.format(domain=domain), page(domain))

    return build


def services(net: Internet, domain: str, imap: str = "", smtp: str = "") -> None:
    """SRV records of both directions."""
    net.records(f"_imaps._tcp.{domain}", SRV(0, 1, 993, imap or f"imap.{domain}"))
    net.records(f"_submissions._tcp.{domain}", SRV(0, 1, 465, smtp or f"smtp.{domain}"))


def other_certificate(net: Internet, domain: str) -> None:
    """`autoconfig.` shows the certificate of the bare domain."""
    net.page(autoconfig_url(domain), config(domain))
    net.uncertified.add(f"autoconfig.{domain}")


def other_certificate_and_well_known(net: Internet, domain: str) -> None:
    """The same, and the file at the well-known place, too."""
    other_certificate(net, domain)
    net.page(well_known_url(domain), config(domain))


def pages_for_everything(net: Internet, domain: str) -> None:
    """A website answers each path with its start page; SRV records are right."""
    for url in (autoconfig_url(domain), well_known_url(domain)):
        net.page(url, Page(b"<!doctype html><title>Welcome</title>", media_type="text/html"))
    services(net, domain)


def backup_exchanger(net: Internet, domain: str) -> None:
    """The best exchanger is a hoster's, the second one is kept elsewhere."""
    net.records(domain, MX("backup.elsewhere.test", 20), MX(f"in1.{HOSTER}", 10))


def autodiscover_by_srv(net: Internet, domain: str) -> None:
    """Only `_autodiscover._tcp` leads to the answer."""
    net.records(f"_autodiscover._tcp.{domain}", SRV(0, 1, 443, f"mail.{domain}"))
    net.page(f"https://mail.{domain}/autodiscover/autodiscover.xml", pox(f"imap.{domain}", f"smtp.{domain}"))


def service_alias(net: Internet, domain: str) -> None:
    """The SRV record's target is an alias, which RFC 2782 forbids and many publish."""
    net.records(f"alias.{domain}", CNAME(f"imap.{domain}"))
    services(net, domain, imap=f"alias.{domain}")


def two_encryptions(net: Internet, domain: str) -> None:
    """The file names a server without encryption first."""
    plain = client_config(f"plain.{domain}", port=143, socket="plain").partition(b"<incomingServer")[2]
    plain = b"<incomingServer" + plain.partition(b"</incomingServer>")[0] + b"</incomingServer>"
    net.page(autoconfig_url(domain), config(domain).replace(b"<incomingServer", plain + b"<incomingServer", 1))


def starttls_services(net: Internet, domain: str) -> None:
    """SRV records of STARTTLS ports alone."""
    net.records(f"_imap._tcp.{domain}", SRV(0, 1, 143, f"imap.{domain}"))
    net.records(f"_submission._tcp.{domain}", SRV(0, 1, 587, f"smtp.{domain}"))


def in_domain(domain: str) -> bytes:
    """A file for all domains of a hoster, with placeholders in hosts and in `<domain>`."""
    return config(domain).replace(domain.encode(), b"%EMAILDOMAIN%").replace(b"x.test", b"%EMAILDOMAIN%")


NEXTCLOUD, DELTA = "nextcloud/mail#925", "chatmail/core `auto_outlook.rs`"
OWN = "own addition"
SET_UPS = (
    SetUp("auto400", "thunderbird-android#8158", "autoconfig wants the address, 400", wants_address(autoconfig_url, 400), Source.AUTOCONFIG),
    SetUp("known400", "chatmail/core#7085", "well-known place wants the address, 400", wants_address(well_known_url, 400), Source.WELL_KNOWN),
    SetUp("auto404", NEXTCLOUD, "the same with 404", wants_address(autoconfig_url, 404), Source.AUTOCONFIG),
    SetUp("auto500", NEXTCLOUD, "the same with 500", wants_address(autoconfig_url, 500), Source.AUTOCONFIG),
    SetUp("auto204", NEXTCLOUD, "the same with 204", wants_address(autoconfig_url, 204), Source.AUTOCONFIG),
    SetUp(
        "httponly", f"{NEXTCLOUD}, thunderbird-accounts#874", "autoconfig by http only",
        lambda net, domain: net.mail_host(f"autoconfig.{domain}"),
        says="the portal takes no settings by plain http", why="settings that come by plain http can be changed on the way",
    ),
    SetUp("wrongcert", "mailinabox#1408", "autoconfig shows the domain's certificate; well-known place is right", other_certificate_and_well_known, Source.WELL_KNOWN),
    SetUp(
        "wrongcertonly", "mailinabox#1408", "the same, nothing else", other_certificate,
        says="has a certificate for another name", why="what has no valid certificate may be another's server",
    ),
    SetUp("mxparent", "thunderbird/autoconfig#149, thunderbird-android#8568", "hoster's autoconfig by the exchanger's parent", lambda net, domain: net.records(domain, MX(f"in1.{HOSTER}", 10)), Source.MX, f"imap.{HOSTER}", confirm=HOSTER),
    SetUp("mxispdb", "nextcloud/mail#9327", "the exchanger's domain is in the ISPDB", lambda net, domain: net.records(domain, MX("in.snapshot.test", 10)), Source.MX, "imap.snapshot.test", confirm="snapshot.test"),
    SetUp("htmlall", "nextcloud/mail#6130", "200 with an HTML page everywhere, SRV", pages_for_everything, Source.SRV),
    SetUp("secondmx", "nextcloud/mail#2265", "the second exchanger is a backup", backup_exchanger, Source.MX, f"imap.{HOSTER}", confirm=HOSTER),
    SetUp("www", "plesk_mail_autoconfig#4", "the domain's website redirects to www", files((well_known_url("{domain}"), lambda domain: redirect(f"https://www.{domain}/a.xml")), ("https://www.{domain}/a.xml", config)), Source.WELL_KNOWN),
    SetUp(
        "downgrade", "sovereign#744", "redirect from https to http", at_autoconfig(lambda domain: redirect(f"http://{domain}/a.xml")),
        says="leads to a place that the portal may not ask", why="refused for safety",
    ),
    SetUp("adsrv", "mailcow#165", "only SRV `_autodiscover._tcp`", autodiscover_by_srv, Source.AUTODISCOVER),
    SetUp("adurl", DELTA, "Autodiscover answers redirectUrl", sends_on("redirectUrl", "https://away.test/adurl.xml", lambda domain: "https://away.test/adurl.xml"), Source.AUTODISCOVER),
    SetUp("adaddr", DELTA, "Autodiscover answers redirectAddr", sends_on("redirectAddr", "x@ad.{domain}", lambda domain: pox_url(f"ad.{domain}")), Source.AUTODISCOVER),
    SetUp("ad302", DELTA, "Autodiscover answers HTTP 302", files((pox_url("{domain}"), lambda domain: redirect("https://away.test/ad302.xml", 302)), ("https://away.test/ad302.xml", lambda domain: pox(f"imap.{domain}", f"smtp.{domain}"))), Source.AUTODISCOVER),
    SetUp("adroot", DELTA, "Autodiscover at the domain itself", files(("https://{domain}/autodiscover/autodiscover.xml", lambda domain: pox(f"imap.{domain}", f"smtp.{domain}"))), Source.AUTODISCOVER),
    SetUp("srvalias", "mox#367", "SRV target is an alias", service_alias, Source.SRV, "alias.{domain}"),
    SetUp(
        "starttls", "deltachat-android#683", "STARTTLS only, nothing published",
        lambda net, domain: net.mail_host(f"mail.{domain}"),
        why="only ports with TLS from the first byte are guessed; the page asks for the servers instead",
    ),
    SetUp("indomain", "deltachat-android#1631", "`<domain>%EMAILDOMAIN%`", at_autoconfig(in_domain), Source.AUTOCONFIG),
    SetUp("workspace", "chatmail/core#1759", "Google Workspace by exchanger", lambda net, domain: net.records(domain, MX("aspmx.l.google.com", 1)), Source.MX, "imap.workspace.example", confirm="workspace.example"),
    SetUp("port25", "mox#328", "the file names port 25 first", at_autoconfig(lambda domain: config(domain).replace(b"<outgoingServer", b'<outgoingServer type="smtp"><hostname>smtp.port25.test</hostname><port>25</port><socketType>STARTTLS</socketType></outgoingServer><outgoingServer', 1)), Source.AUTOCONFIG),
    SetUp("octets", "review", "sent as application/octet-stream", at_autoconfig(lambda domain: Page(config(domain), media_type="application/octet-stream")), Source.AUTOCONFIG),
    SetUp("gzipped", "review", "sent with gzip", at_autoconfig(lambda domain: Page(gzip.compress(config(domain)), headers=(("Content-Encoding", "gzip"),))), Source.AUTOCONFIG),
    SetUp("bom", "review", "begins with a byte order mark", at_autoconfig(lambda domain: b"\xef\xbb\xbf" + config(domain)), Source.AUTOCONFIG),
    SetUp("blankline", "review", "begins with an empty line before the XML declaration", at_autoconfig(lambda domain: b'\r\n<?xml version="1.0"?>' + config(domain)), Source.AUTOCONFIG),
    SetUp("otherdomain", "review", "`<domain>` names another domain", at_autoconfig(config), Source.AUTOCONFIG),
    SetUp("plainfirst", "review", "a server without encryption comes first", two_encryptions, Source.AUTOCONFIG),
    SetUp("slow", "review", "answers after seconds", at_autoconfig(lambda domain: Page(config(domain), seconds=2)), Source.AUTOCONFIG),
    SetUp("foreign", "review", "redirect to another domain's server", files((autoconfig_url("{domain}"), lambda domain: redirect("https://away.test/foreign.xml")), ("https://away.test/foreign.xml", config)), Source.AUTOCONFIG),
    SetUp("srvstarttls", "review", "SRV of STARTTLS ports", starttls_services, Source.SRV),
    SetUp("fixed", OWN, "fixed user name", at_autoconfig(lambda domain: config(domain, "web12p3")), Source.AUTOCONFIG, username="web12p3"),
    SetUp("dotted", OWN, "user name `%EMAILLOCALPART%.%EMAILDOMAIN%`", at_autoconfig(lambda domain: config(domain, "%EMAILLOCALPART%.%EMAILDOMAIN%")), Source.AUTOCONFIG, username="anna.b.{domain}"),
    SetUp("backslash", OWN, r"user name `ACME\%EMAILLOCALPART%`", at_autoconfig(lambda domain: config(domain, r"ACME\%EMAILLOCALPART%")), Source.AUTOCONFIG, username=r"ACME\anna.b"),
    SetUp("mistyped", OWN, "user name `%EMAILADDRESS` without its end", at_autoconfig(lambda domain: config(domain, "%EMAILADDRESS")), Source.AUTOCONFIG),
    SetUp(
        "doctype", OWN, "`<!DOCTYPE clientConfig>`", at_autoconfig(lambda domain: b"<!DOCTYPE clientConfig>" + config(domain)),
        says="holds a document type (DOCTYPE)", why="refused for safety",
    ),
)  # fmt: skip


def build_all(net: Internet) -> None:
    """All set-ups, and the hosts that several of them lead to."""
    net.page(autoconfig_url(HOSTER), config(HOSTER))
    net.host("away.test")
    for each in SET_UPS:
        each.build(net, each.domain)
