"""The portal's words for the vocabulary of discovery: sources, trust, why a source has nothing, what to know."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from guides.mail.discovery.findings import ConfigSource, Trust
from guides.mail.discovery.servers import SkipReason

SOURCES: dict[ConfigSource, str | Promise] = {
    ConfigSource.TABLE: _("This portal's table of providers"),
    ConfigSource.PACC: _("The domain's signed settings file (PACC)"),
    ConfigSource.AUTOCONFIG: _("The domain's settings file for mail programs (autoconfig)"),
    ConfigSource.WELL_KNOWN: _("The settings file on the domain's website"),
    ConfigSource.ISPDB: _("Public tables of mail programs (Thunderbird's ISPDB and others), kept in this portal"),
    ConfigSource.MX: _("The server that takes the domain's mail (MX)"),
    ConfigSource.SRV: _("The domain's entries for mail programs in the DNS (SRV)"),
    ConfigSource.AUTODISCOVER: _("The domain's settings for Outlook (Autodiscover)"),
    ConfigSource.GUESS: _("Usual names, tried out"),
}

TRUSTS: dict[Trust, str | Promise] = {
    Trust.HIGH: _("reliable"),
    Trust.MEDIUM: _("probably right"),
    Trust.LOW: _("uncertain"),
}

FOUND = _("has settings")
_NOTHING = _("has nothing about this domain")
_LATE = _("did not answer in time")
_UNREADABLE = _("answered with something that cannot be read")
_INVALID = _("has a certificate that is not valid, so it is not trusted")
_UNREACHABLE = _("could not be reached")

_ERRORS: dict[str, str | Promise] = {
    "not_there": _NOTHING,
    "no_record": _NOTHING,
    "dns.nxdomain": _NOTHING,
    "dns.no_address": _NOTHING,
    "deadline": _LATE,
    "fetch.timeout": _LATE,
    "dns.timeout": _LATE,
    "net.timeout": _LATE,
    "tcp.timeout": _LATE,
    "tls.handshake_timeout": _LATE,
    "not_waited_for": _("was not waited for: a more reliable source had answered"),
    "no_server": _("names no server that can be used"),
    "wrong_digest": _("is not used: its checksum is not the one that the domain publishes"),
    "no_digest": _("is not used: the domain publishes no checksum for it"),
    "gateway": _("is a filter that mail passes through; the mailbox is elsewhere"),
    "forwarding": _("only forwards mail; there is no mailbox here"),
    "own_host": _("belongs to the domain itself, which was asked anyway"),
    "no_mail": _("says that the domain takes no mail"),
    "not_offered": _("says that it offers no mailbox for mail programs"),
    "wants_password": _("answers only to a password, which the portal does not send"),
    "exchange": _("is an Exchange server, which names no IMAP or POP3 server"),
    "tcp.refused": _("does not answer by https, and the portal takes no settings by plain http"),
    "tls.cert_hostname": _("has a certificate for another name, so it is not trusted"),
    "tls.cert_expired": _INVALID,
    "tls.cert_self_signed": _INVALID,
    "tls.cert_not_yet": _INVALID,
    "tls.unknown_ca": _INVALID,
    "tls.chain_incomplete": _INVALID,
    "tls.chain_or_unknown_ca": _INVALID,
    "fetch.forbidden": _("leads to a place that the portal may not ask"),
    "host": _("leads to a place that the portal may not ask"),
    "fetch.redirects": _("sends on to another place too often, or to a stranger"),
    "fetch.too_large": _UNREADABLE,
    "fetch.encoding": _UNREADABLE,
    "fetch.protocol": _UNREADABLE,
    "xml": _UNREADABLE,
    "xml_dtd": _("holds a document type (DOCTYPE), which the portal refuses for safety"),
    "xml_size": _UNREADABLE,
    "json": _UNREADABLE,
    "no_client_config": _UNREADABLE,
    "no_provider": _UNREADABLE,
}

SKIPPED: dict[SkipReason, str | Promise] = {
    SkipReason.CLEAR_TEXT: _("left out: without encryption"),
    SkipReason.CLASH: _("left out: port and encryption contradict each other"),
    SkipReason.SECURITY: _("left out: unknown encryption"),
    SkipReason.HOST: _("left out: not a server's name"),
    SkipReason.PLACEHOLDER: _("left out: a part of the name is missing"),
    SkipReason.NEEDS_ADDRESS: _("left out: depends on the whole address"),
    SkipReason.PORT: _("left out: not a port for mail programs"),
    SkipReason.PROTOCOL: _("left out: neither IMAP nor POP3 nor SMTP"),
    SkipReason.AUTHENTICATION: _("left out: no way to sign in with a password"),
    SkipReason.TWICE: _("left out: named twice"),
    SkipReason.NO_SUCH_HOST: _("left out: there is no such server"),
}

REMARKS: dict[str, str | Promise] = {
    "guessed": _(
        "Nobody publishes these settings. The portal tried the usual names, and these answered. "
        "Ask your provider if they do not work."
    ),
    "low_trust": _("These settings come from a source that may be wrong. Ask your provider if they do not work."),
    "no_sending": _("No server for sending was found. Ask your provider for it."),
    "completed": _("The settings for sending come from another source than those for receiving."),
    "differs": _("The sources disagree. The most reliable one is shown; the others are at the end of this page."),
    "no_mail": _("The domain says that it takes no mail at all. Check the address for a typing error."),
    "forwarding": _(
        "Mail for this domain is only forwarded. There is no mailbox here: set up the mailbox that the mail is "
        "forwarded to."
    ),
    "not_offered": _("The domain says that it offers no access for mail programs."),
    "exchange": _("The mailbox seems to be on an Exchange server. Outlook can set it up by itself."),
    "wants_password": _("The mailbox seems to be on an Exchange server. Outlook can set it up by itself."),
    "clear_text_only": _(
        "The domain offers only unencrypted servers. The portal does not show them: your password could be read on "
        "the way. Read your mail in the browser, and ask your provider for servers with SSL/TLS."
    ),
    "unusual_port": _(
        "For sending, this provider uses SSL/TLS on port 587, which is unusual but right here. "
        "If it fails, choose STARTTLS with the same port."
    ),
}


def of_error(error: str) -> str | Promise:
    """Why a source has nothing, in words."""
    return _ERRORS.get(error, _UNREACHABLE)
