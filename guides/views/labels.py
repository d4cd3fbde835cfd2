"""The portal's words for the vocabulary of the mail floor: stages, outcomes, owners, securities, faults."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from guides.mail.accounts import PasswordKind, Protocol, Security, UsernameForm
from guides.mail.diagnosis.bounces import Kind
from guides.mail.diagnosis.judging import Basis
from guides.mail.outcomes import Leg, Outcome, Owner, Stage, Symptom
from guides.views.visitor import VisitorContext

STAGES = {
    Stage.INPUT: _("What you typed"),
    Stage.DNS: _("Finding the server"),
    Stage.CONNECT: _("Connecting"),
    Stage.TLS: _("Encryption and certificate"),
    Stage.GREETING: _("First answer of the server"),
    Stage.CAPABILITIES: _("Features of the server"),
    Stage.LOGIN: _("Signing in"),
    Stage.IDENTITY: _("Naming the mail app"),
    Stage.MAILBOX: _("Opening the mailbox"),
    Stage.QUOTA: _("Free space in the mailbox"),
    Stage.FOLDERS: _("Folders"),
    Stage.ENVELOPE: _("Permission to send mail"),
    Stage.DELIVERY: _("Delivery of a message"),
}

OUTCOMES = {
    Outcome.OK: pgettext_lazy("outcome of a stage", "works"),
    Outcome.WARN: pgettext_lazy("outcome of a stage", "works, with a remark"),
    Outcome.FAIL: pgettext_lazy("outcome of a stage", "failed"),
    Outcome.BLOCKED: pgettext_lazy("outcome of a stage", "not tried, because something before it failed"),
    Outcome.SKIPPED: pgettext_lazy("outcome of a stage", "left out"),
    Outcome.UNCLEAR: pgettext_lazy("outcome of a stage", "failed, for one of several reasons"),
    Outcome.OURS: pgettext_lazy("outcome of a stage", "could not be tested from here"),
}

OWNERS = {
    Owner.VISITOR: _("You can fix this yourself."),
    Owner.ADMIN: _("The administrator of your mailbox can fix this: at work or school, its IT support."),
    Owner.PROVIDER: _("Your mail provider can fix this."),
    Owner.RECIPIENT: _("The recipient can fix this."),
    Owner.SENDER_NETWORK: _("The operator of the network you send from can fix this."),
    Owner.PROGRAM: _("The maker of the mail program can fix this; another program may help."),
    Owner.PORTAL: _("This portal is the cause, not you."),
    Owner.NOBODY: _("This usually passes by itself. Wait a while, then try again."),
}

# Beside the title of an article in a list.
OWNER_MARKS = {
    Owner.VISITOR: pgettext_lazy("who can fix it", "You"),
    Owner.ADMIN: pgettext_lazy("who can fix it", "Administrator"),
    Owner.PROVIDER: pgettext_lazy("who can fix it", "Provider"),
    Owner.RECIPIENT: pgettext_lazy("who can fix it", "Recipient"),
    Owner.SENDER_NETWORK: pgettext_lazy("who can fix it", "Sending network"),
    Owner.PROGRAM: pgettext_lazy("who can fix it", "Maker of the program"),
    Owner.PORTAL: pgettext_lazy("who can fix it", "This portal"),
    Owner.NOBODY: pgettext_lazy("who can fix it", "It passes by itself"),
}

SYMPTOMS = {
    Symptom.CONNECT: _("The mail program does not reach the server"),
    Symptom.SIGN_IN: _("You cannot sign in"),
    Symptom.SEND: _("You cannot send"),
    Symptom.RECEIVE: _("You cannot receive or see your mail"),
    Symptom.CERTIFICATE: _("A warning about a certificate or encryption"),
    Symptom.BOUNCE: _("A message came back"),
    Symptom.OTHER: _("Something else"),
}

LEGS = {
    Leg.IMAP: _("Receiving by IMAP"),
    Leg.POP3: _("Receiving by POP3"),
    Leg.SMTP: _("Sending by SMTP"),
    Leg.DELIVERY: _("Delivery"),
}

PROTOCOLS = {
    Protocol.IMAP: _("Incoming mail (IMAP)"),
    Protocol.POP3: _("Incoming mail (POP3)"),
    Protocol.SMTP: _("Outgoing mail (SMTP)"),
}

SECURITIES: dict[Security, str | Promise] = {
    Security.TLS: "SSL/TLS",
    Security.STARTTLS: "STARTTLS",
    Security.NONE: _("none"),
}

WRONG_SECURITIES = {Security.TLS: "STARTTLS", Security.STARTTLS: "SSL/TLS"}

USERNAMES = {
    UsernameForm.ADDRESS: _("your full mail address"),
    UsernameForm.LOCAL_PART: _("the part of your address before @"),
    UsernameForm.OTHER: _("the user name your provider gave you"),
}

PASSWORDS = {
    PasswordKind.PASSWORD: _("the password of your mailbox"),
    PasswordKind.APP_PASSWORD: _("an app password, not the one for the website"),
    PasswordKind.AUTH_CODE: _("an authorisation code, not the one for the website"),
    PasswordKind.MAIL_PASSWORD: _("the password for mail programs, not the one for the website"),
    PasswordKind.OAUTH2: _("none: you sign in in the provider's own window"),
    PasswordKind.BRIDGE: _("the password that the provider's bridge program shows"),
    PasswordKind.NONE: _("none: this mailbox cannot be used in a mail program"),
}

EXPLAINED = {
    PasswordKind.OAUTH2: _(
        "This provider accepts no password from mail programs: the program opens the provider's own window, "
        "and you sign in there. So there is no password that the portal could test."
    ),
    PasswordKind.BRIDGE: _(
        "Mail programs reach this provider only through its bridge program, which runs on your own computer. "
        "The portal cannot reach it there, so there is nothing that it could test."
    ),
    PasswordKind.NONE: _("This mailbox cannot be used in a mail program, so there is nothing that could be tested."),
}


def doubt(visitor: VisitorContext) -> str:
    """What makes us doubt a password before it is sent."""
    name = visitor.password_name or str(PASSWORDS[visitor.account.password])
    return gettext(
        "This does not look like the password that %(provider)s wants from mail programs: %(name)s. "
        "It has not been sent anywhere. Enter that one; "
        "or, if you are sure, tick “Test it anyway” and enter this one again."
    ) % {"provider": visitor.account.provider_name, "name": name}


DETAILS = {
    "usual_port": _("Usual port for this encryption"),
    "usual_security": _("Usual encryption at this port"),
    "fault": _("What is wrong with the name"),
    "addresses": _("The server's addresses"),
    "canonical": _("The server's own name"),
    "speaks": _("What answers there"),
    "offered": _("What it announces"),
    "mechanisms": _("Ways of signing in that it offers"),
    "idle": _("New mail is shown at once (IDLE)"),
    "attempts": _("Addresses tried"),
    "mechanism": _("Way of signing in"),
    "software": _("The server's program"),
    "messages": _("Messages in it"),
    "largest": _("Largest message"),
    "marked": _("Folders with a special use"),
    "missing": _("Missing"),
    "seconds": _("Seconds until it arrived"),
    "folder": _("Found in the folder"),
    "deleted": _("Deleted again"),
    "protocol": _("Encryption protocol"),
    "cipher": _("Cipher"),
    "names": _("Names in the certificate"),
    "issuer": _("Issued by"),
    "subject": _("Issued to"),
    "not_before": _("Valid from"),
    "not_after": _("Valid until"),
    "usage": _("Room used"),
}

# What an explanation rests on, and how sure it is.
SURE = _("We are quite sure.")
LIKELY = _("This is likely.")
A_GUESS = _("This is only a guess.")

WHYS = {
    Basis.PATTERN: _("These words are known."),
    Basis.PROVIDER: _("They are the words of a provider that we recognised."),
    Basis.WORDS: _("The words say so."),
    Basis.HINT: _("The words only hint at it."),
    Basis.AGREES: _("The error code says the same."),
    Basis.CODE: _("Only the error code says so, and servers use codes carelessly."),
    Basis.CLIENT: _("The mail program says so itself."),
    Basis.KIND: _("The form of the message shows it."),
    Basis.LEARNED: _("It resembles texts that we know, but no words say so clearly."),
}

NOTHING_TO_DO = _("There is nothing to do.")

KINDS = {
    Kind.FAILURE: _("A mail server writes that a message could not be delivered."),
    Kind.DELAYED: _("A mail server writes that a message is late. It is still being tried."),
    Kind.DELIVERED: _("This is a receipt: the message arrived or was passed on."),
    Kind.FEEDBACK: _("A provider reports that somebody marked a message as spam."),
    Kind.VACATION: _("This is an automatic reply. Your message arrived."),
    Kind.CHALLENGE: _("The recipient's side asks you to confirm the message."),
}

WORDS_IN_DETAILS: dict[tuple[str, str], str | Promise] = {
    ("deleted", "yes"): _("yes"),
    ("deleted", "no"): _("no, please delete it yourself"),
    ("idle", "yes"): _("yes"),
    ("idle", "no"): _("no, mail programs look for it every few minutes"),
    **{("speaks", protocol.value): words for protocol, words in PROTOCOLS.items()},
    **{("usual_security", security.value): words for security, words in SECURITIES.items()},
    ("fault", "empty"): _("it is missing"),
    ("fault", "syntax"): _("it is no server's name"),
    ("fault", "ip_literal"): _("it is a number, not a name"),
    ("fault", "single_label"): _("it has no dot in it"),
    ("fault", "suffix"): _("it belongs to a private network"),
}

# How an attempt to reach one address ended.
ATTEMPTS = {
    "connected": pgettext_lazy("attempt to connect", "connected"),
    "tcp.refused": pgettext_lazy("attempt to connect", "refused"),
    "tcp.timeout": pgettext_lazy("attempt to connect", "no answer"),
    "tcp.reset": pgettext_lazy("attempt to connect", "cut"),
    "tcp.unreachable": pgettext_lazy("attempt to connect", "no way there"),
}

REFUSALS = {
    "cache": _("The connection test pauses for a moment. Please try again in a minute; the guides work all the same."),
    "visitor_hour": _("You have made many tests within the last hour. Take a break, and read the article meanwhile."),
    "visitor_day": _("You have used up today's tests from your connection. Please come back tomorrow."),
    "visitor_at_once": _("Another test of yours is still running. Wait until it has ended."),
    "account": _(
        "The password of this mailbox has been refused several times. "
        "We pause here, so that the provider does not lock it."
    ),
    "host": _("This mail server has refused several logins in a row. We pause here, so that it does not shut us out."),
    "looks": _(
        "You have looked at many domains within the last hour. Please come back later; the records stand below."
    ),
    "lookups": _("You have looked up many domains within the last hour. Please come back later."),
    "busy": _("Many people are testing at the moment. Please try again in a minute."),
    "texts": _("Many people are having errors explained at the moment. Please try again in a few seconds."),
    "queue": _(
        "Many people are testing this mail server at the moment, and the portal asks it gently. "
        "Please try again in a few seconds; the guides work all the same."
    ),
}

SEARCH_KINDS = {
    "guide": pgettext_lazy("search result", "Guide"),
    "error": pgettext_lazy("search result", "Error"),
    "provider": pgettext_lazy("search result", "Mail provider"),
}
