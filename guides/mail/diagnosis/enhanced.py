"""Classes by code, for texts whose words give none: RFC 5321, RFC 3463, the RFC 5248 registry, large providers' codes.

Codes are ambiguous and often used wrongly (5.1.10 is a null MX in RFC 7505, an unknown recipient at Microsoft), so
a class from a code alone never has a high confidence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from guides.mail.diagnosis.masking import without_places

# The confidence of a class from a code alone; definite codes have one meaning on most servers.
DEFINITE = 0.55
GUESS = 0.4
BARE = 0.3

# Not part of an IP address, a version or a longer number.
ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d]|\.\d)")
# A reply code where a reply begins: at the start, after a mark of punctuation or a word of saying, or before an
# enhanced code. Not a port, a line of a program or a number in a sentence.
REPLY = re.compile(
    r"(?:^|(?<=[:;>'\"(\[#=,「『„])|(?<=[:;>'\"(\[#=,] )|(?<=[：、。])"
    r"|(?<=\b(?:said|with|code|smtp|SMTP) )|(?<=エラー )|(?<=ошибка )"
    r"|(?<=\b(?:reply|error|reads) )|(?<=\bError )|(?<=\b(?:status|answer) )|(?<=\b(?:returned|response) )"
    r"|(?<=\s)(?=[245]\d\d[ -]#?[245]\.\d{1,3}\.\d{1,3}))"
    r"([245]\d\d)(?=[\s\-#:,;)\]<'\"]|$)"
)

_DEFINITE: Mapping[str, str] = {
    "1.1": "rcpt.unknown",
    "1.2": "rcpt.domain_unknown",
    "1.3": "rcpt.unknown",
    "1.6": "rcpt.moved",
    "1.7": "smtp.sender_generic",
    "1.8": "smtp.sender_domain",
    "2.1": "rcpt.disabled",
    "2.2": "rcpt.full",
    "2.3": "smtp.size",
    "3.1": "system.full",
    "3.4": "smtp.size",
    "4.1": "route.timeout",
    "4.6": "route.loop",
    "4.7": "route.expired",
    "4.14": "route.loop",
    "4.300": "route.expired",
    "4.310": "rcpt.domain_unknown",
    "4.312": "route.network",
    "4.316": "route.conn_refused",
    "4.317": "route.tls",
    "7.8": "auth.rejected",
    "7.10": "route.tls",
    "7.13": "auth.account_disabled",
    "7.20": "sender_auth.dkim",
    "7.21": "sender_auth.dkim",
    "7.22": "sender_auth.dkim",
    "7.23": "sender_auth.spf",
    "7.24": "sender_auth.spf",
    "7.25": "smtp.ptr",
    "7.26": "sender_auth.unauthenticated",
    "7.28": "smtp.rate_limit",
    "7.57": "smtp.auth_required",
    "7.60": "smtp.sender_not_owned",
    "7.64": "smtp.relay_denied",
    "7.124": "rcpt.restricted",
    "7.133": "rcpt.restricted",
    "7.134": "rcpt.restricted",
    "7.136": "rcpt.restricted",
    "7.193": "rcpt.restricted",
    "7.501": "smtp.account_send_disabled",
    "7.502": "smtp.account_send_disabled",
    "7.503": "smtp.account_send_disabled",
    "7.509": "sender_auth.dmarc",
    "7.511": "smtp.ip_blocklisted",
    "7.515": "sender_auth.unauthenticated",
    "7.705": "smtp.daily_quota",
    "7.708": "smtp.ip_blocklisted",
}

_GUESSES: Mapping[str, str] = {
    "1.0": "rcpt.unknown",
    "1.4": "rcpt.unknown",
    "1.10": "rcpt.unknown",  # RFC 7505: null MX; Microsoft: recipient not found
    "2.0": "rcpt.generic",
    "2.4": "system.error",
    "3.0": "system.error",
    "3.2": "system.error",
    "3.3": "system.config",
    "3.5": "system.config",
    "4.0": "route.network",
    "4.2": "route.network",
    "4.3": "route.network",
    "4.4": "rcpt.no_mail_host",
    "4.5": "route.network",
    "5.0": "smtp.syntax",
    "5.1": "smtp.syntax",
    "5.2": "smtp.syntax",
    "5.3": "rcpt.rate",
    "5.4": "smtp.syntax",
    "6.0": "smtp.content",
    "6.1": "smtp.content",
    "6.2": "smtp.content",
    "6.3": "smtp.content",
    "7.0": "smtp.policy",
    "7.1": "smtp.policy",
    "7.2": "rcpt.restricted",
    "7.7": "smtp.content",
    "7.17": "rcpt.moved",
    "7.27": "smtp.sender_domain",
}

_REPLIES: Mapping[str, str] = {
    "421": "smtp.temp",
    "450": "smtp.temp",
    "451": "smtp.temp",
    "452": "smtp.temp",
    "500": "smtp.syntax",
    "501": "smtp.syntax",
    "502": "smtp.syntax",
    "503": "smtp.syntax",
    "504": "smtp.syntax",
    "521": "rcpt.nullmx",
    "530": "smtp.auth_required",
    "535": "auth.rejected",
    "550": "rcpt.generic",
    "551": "rcpt.moved",
    "552": "rcpt.full",
    "553": "smtp.other",
    "554": "smtp.other",
    "556": "rcpt.nullmx",
    "571": "smtp.policy",
}

_MICROSOFT_BANNED = range(606, 650)


# For a permanent refusal without a reason, the refused command is a hint.
_REFUSED_AT: Mapping[str, str] = {
    "MAIL FROM": "smtp.sender_generic",
    "HELO": "smtp.helo_invalid",
    "EHLO": "smtp.helo_invalid",
    "INITIAL CONNECTION": "smtp.ip_blocklisted",
    "DATA": "smtp.other",
    "END OF DATA": "smtp.other",
    "STARTTLS": "route.tls",
}


def class_of(enhanced: str, reply: str, command: str = "") -> tuple[str, float] | None:
    """The class that the codes suggest, and its confidence. Each may be ""; `command`: the refused SMTP command."""
    detail = enhanced.partition(".")[2]
    if detail in _DEFINITE:
        return _DEFINITE[detail], DEFINITE
    subject, _, number = detail.partition(".")
    if subject == "7" and number.isdigit() and int(number) in _MICROSOFT_BANNED:
        return "smtp.ip_blocklisted", DEFINITE
    if enhanced.startswith("4") and subject == "7":
        return "smtp.temp", GUESS
    if detail in _GUESSES:
        return _GUESSES[detail], GUESS
    if reply.startswith("5") and command in _REFUSED_AT:
        return _REFUSED_AT[command], GUESS
    if reply in _REPLIES:
        return _REPLIES[reply], BARE
    if enhanced.startswith("4") or reply.startswith("4"):
        return "smtp.temp", BARE
    return None


def codes_in(text: str) -> tuple[str, str]:
    """The last enhanced status code and the last reply code of a line; each may be ""."""
    text = without_places(text)
    enhanced = [match.group() for match in ENHANCED.finditer(text)]
    replies = [match.group(1) for match in REPLY.finditer(text)]
    return (enhanced[-1] if enhanced else "", replies[-1] if replies else "")
