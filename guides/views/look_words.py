"""The portal's words for a live look at a domain: families of clients, places, states, causes."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from guides.mail.publish.publication_check import Family, Location, Published, State
from guides.mail.publish.records import DiscoveryMethod

FAMILIES: dict[Family, str | Promise] = {
    Family.THUNDERBIRD: _("Thunderbird on computers"),
    Family.ANDROID: _("Thunderbird and K-9 Mail on Android"),
    Family.OUTLOOK: "Outlook",
    Family.APPLE: _("Mail on iPhone, iPad and Mac"),
    Family.SRV: _("Other programs that read SRV records"),
    Family.PACC: _("Other programs that read PACC"),
}

REMARKS: dict[Family, str | Promise] = {
    Family.THUNDERBIRD: _(
        "It asks these places at the same time and takes the first in this order. Without an answer it guesses names."
    ),
    Family.ANDROID: _("It reads the same places, but drops a whole file for one server that it does not understand."),
    Family.OUTLOOK: _(
        "Only classic Outlook looks here, and not for every account. The new Outlook and Outlook on phones ask "
        "Microsoft's own service and pass by what a domain publishes: their guides carry every step by hand."
    ),
    Family.APPLE: _(
        "As far as we know, Apple's Mail reads nothing that a domain publishes: people type the servers, or install "
        "the portal's profile."
    ),
    Family.SRV: _("The records of RFC 6186 and RFC 8314. They name servers and ports, but no form of user name."),
    Family.PACC: _("A new draft that hardly any program reads yet."),
}

PLACES = {
    Location.AUTOCONFIG: _("The file on the autoconfig host"),
    Location.WELL_KNOWN: _("The file on the domain's own web server"),
    Location.ISPDB: _("Thunderbird's public database"),
    Location.MX: _("The file of whoever receives the domain's mail (MX)"),
    Location.POX: _("The answer of Autodiscover"),
    Location.POX_SRV: _("The record that leads to Autodiscover"),
    Location.SRV: _("SRV records"),
    Location.PACC: _("The PACC file with its record"),
    Location.PROFILE: _("Nothing to look at"),
}

STATES = {
    State.FOUND: _("found"),
    State.DIFFERS: _("found, but not what the portal has"),
    State.MISSING: _("missing"),
    State.BROKEN: _("there, but unusable"),
    State.NOT_LOOKED: _("not looked at"),
}

PUBLISHED = {
    Published.YES: _("published"),
    Published.NO: _("missing"),
    Published.OTHER: _("published with another value"),
    Published.UNKNOWN: _("could not be looked up"),
}

READERS = {
    DiscoveryMethod.AUTOCONFIG: _("Thunderbird and many others"),
    DiscoveryMethod.AUTODISCOVER: _("Outlook, in part"),
    DiscoveryMethod.PACC: _("Programs that read PACC: hardly any yet. The value changes with the settings."),
    DiscoveryMethod.SRV: _("Programs that read SRV records"),
    DiscoveryMethod.MAILCONF: _("Few programs; you can leave it out"),
}

_CAUSES = {
    "not_there": _("There is no file at this address."),
    "no_record": _("There is no such record."),
    "not_offered": _("The domain says that it offers no such service."),
    "own_host": _("The domain receives its mail itself, so this leads nowhere else."),
    "gateway": _("A filter service receives the mail; it has no settings for mailboxes."),
    "no_mail": _("The domain says that it receives no mail."),
    "host": _("The record names no usable host."),
    "dns.nxdomain": _("This name does not exist."),
    "dns.no_address": _("This name has no address."),
    "media_type": _("The file is not sent as text/xml or application/xml, so Thunderbird does not read it."),
    "no_outgoing": _("The file names no server for one direction, so programs reject it."),
    "half": _("Only one direction is named; people must type the other server."),
    "one_server": _("One server in the file cannot be understood, so these programs reject the whole file."),
    "no_server": _("It names no server that mail programs can use."),
    "no_digest": _("The TXT record with the file's digest is missing, so the file does not count."),
    "wrong_digest": _("The digest in the TXT record is not the file's, so the file does not count."),
    "wants_password": _("The server wants a password before it answers. That is so with Exchange."),
    "exchange": _("This leads to an Exchange server, which names no IMAP or POP3 server."),
    "fetch.forbidden": _("It leads to an address that the portal may not ask, or not by https."),
    "fetch.redirects": _("It redirects too often, or where programs follow no redirect."),
    "fetch.too_large": _("The file is too large."),
    "fetch.timeout": _("There was no answer in time."),
}
_FAMILIES_OF_CAUSES = {
    "tls.": _("The certificate or the encryption is not in order, so programs refuse the connection."),
    "cert.": _("The certificate or the encryption is not in order, so programs refuse the connection."),
    "tcp.": _("Nothing answers there."),
    "net.": _("The connection broke off."),
    "dns.": _("The name servers of the domain did not answer properly."),
    "fetch.": _("What answered is no proper web server."),
}


def cause_words(error: str) -> str:
    """Why a place is of no use, in the visitor's language; "" when all is well."""
    if not error:
        return ""
    if error in _CAUSES:
        return str(_CAUSES[error])
    if error.startswith("http_"):
        return _now("The web server answers with the error %(code)s.") % {"code": error.removeprefix("http_")}
    for prefix, words in _FAMILIES_OF_CAUSES.items():
        if error.startswith(prefix):
            return str(words)
    return _now("The file cannot be read.")
