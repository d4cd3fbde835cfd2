"""The headline of a failed test: what to do, in one sentence, which never contradicts who is said to do it.

Where the visitor can help themselves the sentence follows the cause; for everybody else it follows the owner. A cause
without a sentence has the title of its article as headline.
"""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from guides.mail.outcomes import Alternative, Owner, Verdict
from guides.views import labels

OF_OWNERS: dict[Owner, str | Promise] = {
    Owner.ADMIN: _("Ask the administrator of your mailbox to fix this."),
    Owner.PROVIDER: _("Ask your mail provider to fix this."),
    Owner.RECIPIENT: _("Ask the recipient to fix this."),
    Owner.SENDER_NETWORK: _("Ask the operator of the network you send from to fix this."),
    Owner.PROGRAM: _("Try another mail program."),
    Owner.PORTAL: _("Try again later: the cause is on our side."),
    Owner.NOBODY: _("Wait a while, then try again."),
}

_SETTINGS = _("Check the server's name, the port and the encryption.")
_ENCRYPTION = _("Check the port and the encryption.")
_NAME = _("Check the server's name.")
_LOGIN = _("Check the user name and the password, then try again.")
_USERNAME = _("Check the user name, then try again.")
_APP_PASSWORD = _("Make an app password at your provider and use that one.")
_SWITCH = _("Switch on access for mail programs at your provider.")
_OWN_WINDOW = _("Sign in through your provider's own window, not with a password.")
_SENDER = _("Use the address of this mailbox as the sender.")

OF_CAUSES: dict[str, str | Promise] = {
    **dict.fromkeys(("dns.nxdomain", "dns.no_address", "tls.cert_hostname"), _NAME),
    **dict.fromkeys(("tcp.refused", "tcp.timeout", "tcp.unreachable", "tcp.reset", "generic.hidden"), _SETTINGS),
    **dict.fromkeys(("tls.eof", "tls.handshake_timeout", "greet.timeout", "greet.closed"), _SETTINGS),
    **dict.fromkeys(("net.closed", "net.reset", "net.timeout"), _SETTINGS),
    **dict.fromkeys(("tls.not_tls", "tls.tls_on_plain", "tls.starttls_missing", "tls.starttls_refused"), _ENCRYPTION),
    **dict.fromkeys(("input.port_security", "greet.wrong_protocol", "auth.encryption_required"), _ENCRYPTION),
    **dict.fromkeys(("smtp.starttls_first", "cap.login_disabled", "cap.no_auth"), _ENCRYPTION),
    **dict.fromkeys(("auth.rejected", "auth.user_or_disabled_ambiguous", "input.password_shape"), _LOGIN),
    **dict.fromkeys(("auth.username_unknown", "input.username_form"), _USERNAME),
    **dict.fromkeys(("auth.app_password_required", "cross.account_password_used"), _APP_PASSWORD),
    "auth.authcode_required": _("Make an authorisation code at your provider and use it as the password."),
    "auth.web_login_required": _("Sign in once on your provider's website, then try again."),
    **dict.fromkeys(("auth.protocol_disabled", "mbox.not_enabled_after_login"), _SWITCH),
    **dict.fromkeys(("cross.imap_off", "cross.pop3_off"), _SWITCH),
    **dict.fromkeys(("auth.basic_disabled", "input.oauth_only", "cap.no_password_mech"), _OWN_WINDOW),
    "auth.expired_password": _("Set a new password at your provider."),
    "input.password_space": _("Type the password again, without spaces."),
    "mbox.overquota": _("Make room: delete mail that you do not need."),
    "mbox.conn_limit": _("Close the mail programs on your other devices."),
    **dict.fromkeys(("smtp.sender_not_owned", "smtp.sender_domain", "smtp.sender_generic"), _SENDER),
    "deliver.in_spam": _("Look into the spam folder, and mark the message as no spam."),
}

# After these the next thing to do is to type the password again.
TRY_AGAIN = frozenset(
    {"auth.rejected", "auth.user_or_disabled_ambiguous", "auth.app_password_required", "auth.authcode_required"}
    | {"cross.account_password_used", "input.password_space", "input.password_shape", "auth.expired_password"}
)


def proven_change(verdict: Verdict) -> Alternative | None:
    """Settings that answered where the leg that decided the verdict had failed."""
    return next((found for found in verdict.alternatives if found.leg is verdict.leg), None)


def headline(verdict: Verdict, title: str) -> str | Promise:
    """The sentence for a verdict that is neither good nor of several causes; `title` is the article's, or ""."""
    if change := proven_change(verdict):
        return _change(change)
    if verdict.owner is not None and verdict.owner in OF_OWNERS:
        return OF_OWNERS[verdict.owner]
    return OF_CAUSES.get(verdict.cause or "") or title or gettext("The test found a problem")


def _change(found: Alternative) -> str:
    """The smallest true sentence: a port alone, or the whole server."""
    before, after = found.instead_of, found.server
    words = {"host": after.host, "port": after.port, "security": labels.SECURITIES[after.security]}
    if before.host != after.host:
        return (
            gettext("Change the server to %(host)s, the port to %(port)s and the encryption to %(security)s.") % words
        )
    if before.security == after.security:
        return gettext("Change the port to %(port)s.") % words
    if before.port == after.port:
        return gettext("Change the encryption to %(security)s.") % words
    return gettext("Change the port to %(port)s and the encryption to %(security)s.") % words
