"""The words that staff read for the closed vocabularies of `guides.mail`, which knows no translations."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from guides.mail.accounts import PasswordKind, Protocol, Security, UsernameForm
from guides.mail.outcomes import Owner, Stage, Symptom

PROTOCOLS = [(Protocol.IMAP.value, "IMAP"), (Protocol.POP3.value, "POP3"), (Protocol.SMTP.value, "SMTP")]

SECURITIES = [(Security.TLS.value, "SSL/TLS"), (Security.STARTTLS.value, "STARTTLS"), (Security.NONE.value, _("none"))]

USERNAME_FORMS = [
    (UsernameForm.ADDRESS.value, _("the whole address")),
    (UsernameForm.LOCAL_PART.value, _("the part before @")),
    (UsernameForm.OTHER.value, _("another name, given by the provider")),
]

PASSWORD_KINDS = [
    (PasswordKind.PASSWORD.value, _("the password of the account")),
    (PasswordKind.APP_PASSWORD.value, _("a password made for one program")),
    (PasswordKind.AUTH_CODE.value, _("an authorisation code")),
    (PasswordKind.MAIL_PASSWORD.value, _("a password for mail alone")),
    (PasswordKind.OAUTH2.value, _("none: sign-in in the provider's own window only")),
    (PasswordKind.BRIDGE.value, _("the one that the provider's bridge program shows")),
    (PasswordKind.NONE.value, _("none: no mail client can be used")),
]

OWNERS = [
    (Owner.VISITOR.value, _("the visitor")),
    (Owner.ADMIN.value, _("the administrator of the mailbox or its domain")),
    (Owner.PROVIDER.value, _("the provider")),
    (Owner.RECIPIENT.value, _("the recipient")),
    (Owner.SENDER_NETWORK.value, _("the sender's network")),
    (Owner.PROGRAM.value, _("the mail client's maker")),
    (Owner.PORTAL.value, _("this portal")),
    (Owner.NOBODY.value, _("nobody: wait")),
]

SYMPTOMS = [
    (Symptom.CONNECT.value, _("the server is not reached")),
    (Symptom.SIGN_IN.value, _("signing in fails")),
    (Symptom.SEND.value, _("sending fails")),
    (Symptom.RECEIVE.value, _("receiving fails")),
    (Symptom.CERTIFICATE.value, _("a warning about a certificate")),
    (Symptom.BOUNCE.value, _("a message came back")),
    (Symptom.OTHER.value, _("something else")),
]

STAGES = [
    (Stage.INPUT.value, _("input")),
    (Stage.DNS.value, _("host name")),
    (Stage.CONNECT.value, _("connection")),
    (Stage.TLS.value, _("encryption")),
    (Stage.GREETING.value, _("greeting")),
    (Stage.CAPABILITIES.value, _("capabilities")),
    (Stage.LOGIN.value, _("sign-in")),
    (Stage.IDENTITY.value, _("identity of the program")),
    (Stage.MAILBOX.value, _("mailbox")),
    (Stage.QUOTA.value, _("quota")),
    (Stage.FOLDERS.value, _("folders")),
    (Stage.ENVELOPE.value, _("sender and recipient")),
    (Stage.DELIVERY.value, _("delivery")),
]
