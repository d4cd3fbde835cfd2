"""The first stage: checks of the visitor's input, before any name is resolved."""

from __future__ import annotations

import re

from guides.mail.accounts import PasswordKind, Protocol, Security, Server
from guides.mail.connection.password_format import matches_format
from guides.mail.connection.plan import TestPlan
from guides.mail.connection.session import StageFault, StageFinding
from guides.mail.network import Egress, HostForbidden, PortForbidden, check_host
from guides.mail.secret import FORBIDDEN, Secret

# The port that a protocol and security are registered on (RFC 8314 section 3, RFC 6409).
USUAL_PORT = {
    (Protocol.IMAP, Security.TLS): 993,
    (Protocol.IMAP, Security.STARTTLS): 143,
    (Protocol.POP3, Security.TLS): 995,
    (Protocol.POP3, Security.STARTTLS): 110,
    (Protocol.SMTP, Security.TLS): 465,
    (Protocol.SMTP, Security.STARTTLS): 587,
}
# The syntax of a bearer token (RFC 6750 section 2.1).
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_MEANING = {port: meaning for meaning, port in USUAL_PORT.items()} | {25: (Protocol.SMTP, Security.STARTTLS)}


def check_input(plan: TestPlan, server: Server, secret: Secret, egress: Egress) -> StageFinding:
    """Check one leg's input. Raises StageFault for what cannot or must not be tried; warns of what looks wrong."""
    if not plan.token and (plan.password is PasswordKind.OAUTH2 or not _takes_password(server)):
        raise StageFault("input.oauth_only")
    if plan.password in (PasswordKind.BRIDGE, PasswordKind.NONE):
        raise StageFault("input.bridge" if plan.password is PasswordKind.BRIDGE else "auth.plan")
    if server.security is Security.NONE:
        raise StageFault("input.port_security", details=_suggestion(server))
    try:
        check_host(server.host, egress.config.allowed_suffixes)
        egress.check_port(server.port)
    except HostForbidden as error:
        raise StageFault("input.host_forbidden", details={"fault": str(error.fault)}) from None
    except PortForbidden:
        raise StageFault("input.port_security", details=_suggestion(server)) from None
    username = plan.username_on(server)
    if not username or any(char in username for char in FORBIDDEN) or not _is_text(username):
        raise StageFault("input.username_form")
    return _warnings(plan, server, secret, username)


def _takes_password(server: Server) -> bool:
    return any(method != "oauth2" for method in server.auth)


def _is_text(username: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in username)


def _warnings(plan: TestPlan, server: Server, secret: Secret, username: str) -> StageFinding:
    """The most specific warning; the others in the details. None stops the test, as the next stages can disprove it."""
    found: list[str] = []
    meaning = _MEANING.get(server.port)
    if meaning is not None and meaning != (server.protocol, server.security):
        found.append("input.port_security")
    password = secret.utf8().decode()
    if plan.token and not _TOKEN.fullmatch(password):
        raise StageFault("input.password_shape")
    if password != password.strip():
        found.append("input.password_space")
    if not plan.token and not matches_format(plan.password_pattern, secret):
        found.append("input.password_shape")
    if not password.isascii():
        found.append("input.nonascii_password")
    usual = server.username_for(plan.address)
    if plan.provider is not None and usual is not None and username.lower() != usual.lower():
        found.append("input.username_form")
    if not found:
        return StageFinding()
    details = _suggestion(server) if found[0] == "input.port_security" else {}
    if found[1:]:
        details["also"] = " ".join(found[1:])
    return StageFinding(found[0], details=details)


def _suggestion(server: Server) -> dict[str, str]:
    """The port for the chosen security, and the security for the chosen port."""
    details = {}
    port = USUAL_PORT.get((server.protocol, server.security))
    if port is not None:
        details["usual_port"] = str(port)
    meaning = _MEANING.get(server.port)
    if meaning is not None and meaning[0] is server.protocol and meaning[1] is not server.security:
        details["usual_security"] = meaning[1].value
    return details
