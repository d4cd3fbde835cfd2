"""A strict checker of Apple configuration profiles with one mail account, stricter than Apple's devices.

The keys, their types and which are required: `TopLevel`, `CommonPayloadKeys` and `com.apple.mail.managed` of
https://github.com/apple/device-management/tree/release/mdm/profiles (read on 2026-11-30). Beyond these, this portal's
own rules: encryption on, no password, no key that is not listed here.
"""

from __future__ import annotations

import plistlib
import re
from collections.abc import Iterator
from typing import Any

from guides.mail.accounts import AddressError, domain_to_ascii

_COMMON: dict[str, type] = {
    "PayloadIdentifier": str,
    "PayloadUUID": str,
    "PayloadType": str,
    "PayloadVersion": int,
    "PayloadDescription": str,
    "PayloadDisplayName": str,
    "PayloadOrganization": str,
}
_COMMON_REQUIRED = frozenset({"PayloadIdentifier", "PayloadUUID", "PayloadType", "PayloadVersion"})
_TOP = _COMMON | {"PayloadContent": list, "PayloadRemovalDisallowed": bool}
_SERVER: dict[str, type] = {
    "MailServerAuthentication": str,
    "MailServerHostName": str,
    "MailServerPortNumber": int,
    "MailServerUseSSL": bool,
    "MailServerUsername": str,
}
_SERVERS = {f"{way}{key}": kind for way in ("Incoming", "Outgoing") for key, kind in _SERVER.items()}
_MAIL = (
    _COMMON
    | _SERVERS
    | {
        "EmailAccountDescription": str,
        "EmailAccountName": str,
        "EmailAccountType": str,
        "EmailAddress": str,
        "OutgoingPasswordSameAsIncomingPassword": bool,
        "PreventMove": bool,
        "PreventAppSheet": bool,
        "disableMailRecentsSyncing": bool,
        "allowMailDrop": bool,
    }
)
_OPTIONAL_OF_SERVERS = {"IncomingMailServerUsername", "OutgoingMailServerUsername"}
_MAIL_REQUIRED = _COMMON_REQUIRED | {"EmailAccountType"} | (set(_SERVERS) - _OPTIONAL_OF_SERVERS)
_UUID = re.compile("[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}")
_IDENTIFIER = re.compile(r"[A-Za-z0-9\-]+(\.[A-Za-z0-9\-]+)+")
_TYPES = ("EmailTypeIMAP", "EmailTypePOP")


def faults_of(body: bytes) -> list[str]:
    """Everything that is wrong with a profile (not signed), one line each; [] when it is right."""
    if b'<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN"' not in body[:300]:
        return ["no property list in XML"]
    profile = plistlib.loads(body, fmt=plistlib.FMT_XML)
    faults = list(_dictionary("profile", profile, _TOP, _COMMON_REQUIRED | {"PayloadContent"}, "Configuration"))
    payloads = profile.get("PayloadContent")
    if not isinstance(payloads, list) or len(payloads) != 1 or not isinstance(payloads[0], dict):
        return [*faults, "PayloadContent is not one payload"]
    (mail,) = payloads
    faults += _dictionary("payload", mail, _MAIL, _MAIL_REQUIRED, "com.apple.mail.managed")
    if faults:  # the rest reads values whose types it relies on
        return faults
    if profile["PayloadUUID"] == mail["PayloadUUID"]:
        faults.append("one UUID twice")
    if not mail["PayloadIdentifier"].startswith(f"{profile['PayloadIdentifier']}."):
        faults.append("the payload's identifier is not below the profile's")
    return faults + list(_account(mail))


def _dictionary(
    name: str, found: dict[str, Any], kinds: dict[str, type], required: frozenset[str] | set[str], payload_type: str
) -> Iterator[str]:
    for key in sorted(required - set(found)):
        yield f"{name}: {key} is missing"
    for key, value in found.items():
        if key not in kinds:
            yield f"{name}: {key} is unknown"
        elif type(value) is not kinds[key]:  # a boolean is an integer in Python, and is none in a property list
            yield f"{name}: {key} is {type(value).__name__}"
        elif value == "":
            yield f"{name}: {key} is empty"
    if found.get("PayloadType") != payload_type:
        yield f"{name}: PayloadType is not {payload_type}"
    if found.get("PayloadVersion") != 1:
        yield f"{name}: PayloadVersion is not 1"
    if not _UUID.fullmatch(str(found.get("PayloadUUID"))):
        yield f"{name}: PayloadUUID is none"
    if not _IDENTIFIER.fullmatch(str(found.get("PayloadIdentifier"))):
        yield f"{name}: PayloadIdentifier is none"


def _account(mail: dict[str, Any]) -> Iterator[str]:
    if mail["EmailAccountType"] not in _TYPES:
        yield "EmailAccountType is unknown"
    if "EmailAddress" in mail and not re.fullmatch(r"[^@\s]+@[^@\s]+", mail["EmailAddress"]):
        yield "EmailAddress is none"
    for way in ("Incoming", "Outgoing"):
        if mail[f"{way}MailServerAuthentication"] != "EmailAuthPassword":
            yield f"{way}: another way to sign in than a password"
        if mail[f"{way}MailServerUseSSL"] is not True:
            yield f"{way}: no encryption"
        if not 1 <= mail[f"{way}MailServerPortNumber"] <= 65535 or mail[f"{way}MailServerPortNumber"] == 25:
            yield f"{way}: not a port of mail clients"
        try:
            is_name = domain_to_ascii(mail[f"{way}MailServerHostName"]) == mail[f"{way}MailServerHostName"]
        except AddressError:
            is_name = False
        if not is_name:
            yield f"{way}: not a host name"
    if ("IncomingMailServerUsername" in mail) is not ("OutgoingMailServerUsername" in mail):
        yield "a user name for one direction alone"
