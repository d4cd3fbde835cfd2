"""A server's reply to a class of the vocabulary."""

import pytest

from guides.mail.accounts import Protocol
from guides.mail.diagnosis.classes import CLASSES
from guides.mail.diagnosis.codes import (
    ADDRESS_CAUSES,
    CREDENTIAL_CAUSES,
    PORTAL_CAUSES,
    Reply,
    cause_of,
    contradicts,
    outcome_of,
    sender_cause,
)
from guides.mail.outcomes import Outcome, Stage
from tests.tables import each_row


def imap(status: str, code: str = "", text: str = "", notices: tuple[str, ...] = ()) -> Reply:
    return Reply(Protocol.IMAP, status, code, text, notices=notices)


def pop3(code: str, text: str) -> Reply:
    return Reply(Protocol.POP3, "-ERR", code, text)


def smtp(status: str, code: str = "", text: str = "") -> Reply:
    return Reply(Protocol.SMTP, status, code, text)


LOGIN = [
    # IMAP, by response code (RFC 5530)
    (imap("NO", "AUTHENTICATIONFAILED", "Authentication failed."), "auth.rejected"),
    (imap("NO", "UNAVAILABLE", "Temporary authentication failure."), "auth.temp_unavailable"),
    (imap("NO", "UNAVAILABLE", "Authentication failed."), "auth.temp_unavailable"),
    (imap("NO", "UNAVAILABLE", "Maximum number of connections from user+IP exceeded"), "mbox.conn_limit"),
    (imap("NO", "", "Authentication failed.", ("BYE [UNAVAILABLE] busy",)), "auth.temp_unavailable"),
    (imap("NO", "ALERT", "Invalid credentials", ("NO [SERVERBUG] hm",)), "auth.temp_unavailable"),
    (imap("NO", "AUTHENTICATIONFAILED", "no", ("NO [UNAVAILABLE] one server is slow",)), "auth.rejected"),
    (imap("NO", "", "no", ("OK [ALERT] hello", "NO [X-WHAT] hm", "NO [EXPIRED] old")), "auth.expired_password"),
    (imap("NO", "", "no", ("text [UNAVAILABLE]",)), "auth.rejected"),
    (imap("BYE", "UNAVAILABLE", "Authentication failed."), "auth.temp_unavailable"),
    (imap("NO", "REFERRAL", "Specified user is invalid on this server. Try SERVER2."), "mbox.moved"),
    (imap("NO", "REFERRAL", "no such user"), "mbox.moved"),
    (imap("NO", "", "no", ("NO [REFERRAL IMAP://u@s2/] there",)), "mbox.moved"),
    (imap("NO", "AUTHORIZATIONFAILED", "Authorization failed"), "auth.authz"),
    (imap("NO", "EXPIRED", "That password is no longer valid"), "auth.expired_password"),
    (imap("NO", "PRIVACYREQUIRED", "Cleartext authentication disallowed"), "auth.encryption_required"),
    (imap("NO", "CONTACTADMIN", "Call the desk"), "auth.contact_admin"),
    (imap("NO", "INUSE", ""), "mbox.inuse"),
    (imap("NO", "LIMIT", "Too many"), "mbox.conn_limit"),
    (imap("NO", "SERVERBUG", "Internal error occurred"), "auth.temp_unavailable"),
    (imap("NO", "WEBALERT", "Web login required"), "auth.web_login_required"),
    # IMAP, by words
    (imap("NO", "", "Nein."), "auth.rejected"),
    (imap("NO", "", "LOGIN failed."), "auth.rejected"),
    (imap("NO", "ALERT", "Invalid credentials (Failure)"), "auth.rejected"),
    (imap("NO", "X-STRANGE", "Nein."), "unknown.unknown"),
    (imap("NO", "X-STRANGE", "Invalid credentials"), "auth.rejected"),
    (imap("NO", "ALERT", "Application-specific password required: https://x (Failure)"), "auth.app_password_required"),
    (
        imap("NO", "AUTHENTICATIONFAILED", "NEOBHODIM parol prilozheniya / Application password is REQUIRED"),
        "auth.app_password_required",
    ),
    (
        imap("NO", "AUTHENTICATIONFAILED", "LOGIN invalid credentials or IMAP is disabled sc=e"),
        "auth.user_or_disabled_ambiguous",
    ),
    (imap("NO", "ALERT", "Your account is not enabled for IMAP use."), "auth.protocol_disabled"),
    (imap("NO", "ALERT", "IMAP access is disabled for your domain."), "auth.protocol_disabled_by_admin"),
    (imap("NO", "", "Login disabled for this user"), "auth.protocol_disabled_by_admin"),
    (imap("NO", "", "Authorized code is incorrect"), "auth.authcode_required"),
    (imap("NO", "ALERT", "Please log in via your web browser: https://x (Failure)"), "auth.web_login_required"),
    (
        imap("NO", "", "[AUTH] no", notices=("NO [WEBALERT https://accounts.example/] Go there",)),
        "auth.web_login_required",
    ),
    (imap("NO", "AUTHENTICATIONFAILED", "Access to this account is disabled"), "auth.account_suspended"),
    (imap("NO", "", "no such user"), "auth.username_unknown"),
    (imap("NO", "", "Login Rate Limit Hit"), "auth.throttled"),
    (imap("BAD", "", "Invalid characters in atom"), "auth.syntax"),
    (imap("BYE", "", "see you"), "net.closed"),
    (imap("BYE", "UNAVAILABLE", "Temporary authentication failure"), "auth.temp_unavailable"),
    # POP3 (RFC 2449, 3206)
    (pop3("AUTH", "Authentication failed."), "auth.rejected"),
    (pop3("SYS/TEMP", "Authentication failed, try again"), "auth.temp_unavailable"),
    (pop3("SYS/PERM", "ask somebody"), "auth.contact_admin"),
    (pop3("IN-USE", "Mailbox is locked by another POP3 session."), "mbox.inuse"),
    (pop3("LOGIN-DELAY", "minimum time between mail checks violation"), "auth.login_delay"),
    (pop3("AUTH", "login failure or POP3 disabled, try later."), "auth.user_or_disabled_ambiguous"),
    (pop3("", "Logon failure: unknown user name or bad password."), "auth.rejected"),
    (pop3("", "Please using authorized code to login."), "auth.authcode_required"),
    (pop3("", "Exceeded the login limit for a 15 minute period."), "auth.throttled"),
    # SMTP
    (smtp("535", "5.7.8", "Username and Password not accepted."), "auth.rejected"),
    (smtp("535", "", "Nein"), "auth.rejected"),
    (smtp("454", "4.7.0", "Temporary authentication failure"), "auth.temp_unavailable"),
    (smtp("454", "4.7.0", "Authentication failed: invalid password"), "auth.temp_unavailable"),
    (smtp("421", "4.7.0", "Too many login attempts"), "auth.throttled"),
    (smtp("432", "4.7.12", "A password transition is needed"), "auth.mech_transition"),
    (smtp("534", "5.7.9", "Application-specific password required."), "auth.app_password_required"),
    (smtp("534", "5.7.9", "Authentication mechanism is too weak"), "auth.mech_weak"),
    (smtp("535", "5.7.139", "Authentication unsuccessful, basic authentication is disabled."), "auth.basic_disabled"),
    (smtp("535", "5.7.139", "SmtpClientAuthentication is disabled for the Mailbox."), "auth.smtp_auth_disabled"),
    (smtp("535", "5.7.139", "Authentication unsuccessful, account locked."), "auth.locked"),
    (smtp("535", "5.7.139", "the user credentials were incorrect."), "auth.rejected"),
    (smtp("535", "5.7.0", "Application password is REQUIRED"), "auth.app_password_required"),
    (smtp("535", "5.7.0", "(#AUTH005) Too many bad auth attempts."), "auth.throttled"),
    (smtp("525", "5.7.13", "User account disabled"), "auth.account_disabled"),
    (smtp("538", "5.7.11", "Encryption required"), "auth.encryption_required"),
    (smtp("503", "", "AUTH command used when not advertised"), "cap.no_auth"),
    (smtp("504", "5.7.4", "Unrecognized authentication type"), "cap.mech_missing"),
    (smtp("550", "", "User has no permission"), "auth.smtp_auth_disabled"),
    (smtp("599", "", "Nein"), "unknown.unknown"),
]


@each_row(("reply", "cause"), LOGIN)
def test_login(reply: Reply, cause: str) -> None:
    assert cause_of(reply, Stage.LOGIN) == cause


MAILBOX = [
    (imap("BAD", "", "User is authenticated but not connected."), "mbox.not_enabled_after_login"),
    (imap("NO", "", "Nein"), "mbox.not_enabled_after_login"),
    (imap("NO", "", "EXAMINE Unsafe Login. Please contact kefu@188.com for help"), "mbox.id_required"),
    (imap("NO", "SERVERBUG", "Internal error occurred."), "mbox.temp"),
    (imap("NO", "NOPERM", "Permission denied"), "mbox.noperm"),
    (imap("NO", "NONEXISTENT", "Mailbox doesn't exist: INBOX"), "mbox.nonexistent"),
    (imap("NO", "OVERQUOTA", "Not enough disk quota"), "mbox.overquota"),
    (imap("BYE", "OVERQUOTA", "Account exceeded command or bandwidth limits."), "mbox.bandwidth"),
    (imap("BAD", "", "Request is throttled. Suggested Backoff Time: 1 milliseconds"), "mbox.throttled"),
    (pop3("SYS/TEMP", "Couldn't sync mailbox."), "mbox.temp"),
    (pop3("IN-USE", "busy"), "mbox.inuse"),
    (pop3("", "POP3 is disabled"), "mbox.not_enabled_after_login"),
]


@pytest.mark.parametrize(("reply", "cause"), MAILBOX, ids=lambda value: getattr(value, "words", value))
def test_mailbox(reply: Reply, cause: str) -> None:
    assert cause_of(reply, Stage.MAILBOX) == cause


RECIPIENT = [
    (smtp("550", "5.1.1", "<a@b>: Recipient address rejected: User unknown in virtual mailbox table"), "rcpt.unknown"),
    (smtp("550", "5.1.1", "Nein"), "rcpt.unknown"),
    (smtp("550", "", "User not found"), "rcpt.unknown"),
    (smtp("552", "5.2.2", "<x@icloud.com>: user is over quota"), "rcpt.full"),
    (smtp("452", "4.2.2", "Nein"), "rcpt.full"),
    (smtp("550", "", "Mailbox full / User quota exceeded"), "rcpt.full"),
    (smtp("550", "5.2.1", "The email account that you tried to reach is inactive."), "rcpt.disabled"),
    (smtp("556", "5.1.10", "Recipient address has null MX"), "rcpt.nullmx"),
    (smtp("554", "5.7.1", "<a@b.example>: Relay access denied"), "smtp.relay_denied"),
    (smtp("454", "4.7.1", "<a@b>: Relay access denied"), "smtp.relay_denied"),
    (smtp("450", "4.2.0", "<a@b>: Recipient address rejected: Greylisted"), "smtp.greylist"),
    (smtp("452", "4.3.1", "Insufficient system storage"), "mbox.server_storage"),
    (smtp("450", "4.7.25", "Client host rejected: cannot find your hostname, [1.2.3.4]"), "smtp.ptr"),
    # Postfix judges the sender when it hears the recipient
    (smtp("553", "5.7.1", "<a@b>: Sender address rejected: not owned by user x"), "smtp.sender_not_owned"),
    (smtp("450", "4.1.8", "<a@b>: Sender address rejected: Domain not found"), "smtp.sender_domain"),
    (smtp("554", "5.7.1", "<a@b>: Sender address rejected: Access denied"), "smtp.sender_generic"),
    (smtp("550", "", "Message sending for this account is disabled"), "smtp.account_send_disabled"),
    (smtp("550", "", "91.195.1.10 does not like you"), "rcpt.generic"),
    (smtp("451", "", "Later"), "smtp.temp"),
]


@each_row(("reply", "cause"), RECIPIENT)
def test_recipient(reply: Reply, cause: str) -> None:
    assert cause_of(reply, Stage.ENVELOPE) == cause


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (smtp("530", "5.7.0", "Must issue a STARTTLS command first."), "smtp.starttls_first"),
        (smtp("530", "5.7.57", "Client not authenticated to send mail."), "smtp.auth_required"),
        (smtp("553", "", "Mail from must equal authorized user"), "smtp.sender_not_owned"),
        (smtp("550", "", "not local sender over smtp"), "smtp.sender_not_owned"),
        (smtp("552", "5.3.4", "Message size exceeds fixed limit"), "smtp.size"),
        (smtp("452", "4.3.1", "Insufficient system storage"), "mbox.server_storage"),
        (smtp("550", "5.2.2", "Submission quota exceeded"), "smtp.daily_quota"),
        (
            smtp("550", "", "We do not accept mail from hosts with dynamic IP or generic DNS PTR-records."),
            "smtp.ip_dynamic",
        ),
        (smtp("550", "", "Nein"), "smtp.sender_generic"),
        (smtp("451", "", "Nein"), "smtp.temp"),
    ],
    ids=lambda value: getattr(value, "words", value),
)
def test_sender(reply: Reply, cause: str) -> None:
    assert sender_cause(reply) == cause


@pytest.mark.parametrize(
    ("reply", "stage", "cause"),
    [
        (smtp("421", "4.7.0", "Try later"), Stage.GREETING, "greet.421"),
        (smtp("421", "4.7.0", "Too many connections from your IP address"), Stage.GREETING, "mbox.conn_limit"),
        (smtp("554", "", "No SMTP service"), Stage.GREETING, "greet.refused"),
        (smtp("554", "", "IP=192.0.2.1 - A problem occurred."), Stage.GREETING, "smtp.ip_blocklisted"),
        (smtp("554", "", "IP address is black listed"), Stage.GREETING, "smtp.ip_blocklisted"),
        (imap("BYE", "", "Connection is closed. 13"), Stage.GREETING, "greet.bye"),
        (pop3("", "not now"), Stage.GREETING, "greet.refused"),
        (imap("NO", "", "not now"), Stage.TLS, "tls.starttls_refused"),
        (imap("BYE", "", "Too many invalid IMAP commands."), Stage.CAPABILITIES, "greet.too_many_bad"),
        (imap("NO", "", "not now"), Stage.CAPABILITIES, "net.protocol"),
    ],
)
def test_before_login(reply: Reply, stage: Stage, cause: str) -> None:
    assert cause_of(reply, stage) == cause


@pytest.mark.parametrize("protocol", list(Protocol))
@pytest.mark.parametrize("words", ["Authentication failed", "Invalid password", "wrong password", "no such user", ""])
def test_what_will_pass_is_never_a_wrong_password(protocol: Protocol, words: str) -> None:
    status, code = {"imap": ("NO", "UNAVAILABLE"), "pop3": ("-ERR", "SYS/TEMP"), "smtp": ("454", "4.7.0")}[protocol]
    reply = Reply(protocol, status, code, words)
    assert cause_of(reply, Stage.LOGIN) == "auth.temp_unavailable"
    assert contradicts(reply, "auth.rejected")
    assert not contradicts(reply, "auth.throttled")
    assert not contradicts(Reply(protocol, {"smtp": "535"}.get(protocol, status), "", words), "auth.rejected")


def test_the_words_are_those_that_patterns_read() -> None:
    assert imap("NO", "ALERT", "Stop").words == "NO [ALERT] Stop"
    assert imap("NO", "", "Stop", notices=("BYE gone",)).words == "BYE gone\nNO Stop"
    assert pop3("AUTH", "Stop").words == "-ERR [AUTH] Stop"
    assert smtp("535", "5.7.8", "Stop").words == "535 5.7.8 Stop"


def test_outcomes_blame_the_right_side() -> None:
    assert outcome_of("auth.rejected") is Outcome.FAIL
    assert outcome_of("unknown.unknown") is Outcome.UNCLEAR
    assert outcome_of("smtp.ip_blocklisted") is Outcome.OURS
    assert CREDENTIAL_CAUSES | PORTAL_CAUSES | ADDRESS_CAUSES <= CLASSES


def test_every_cause_is_in_the_vocabulary() -> None:
    from guides.mail.diagnosis import codes, words

    tables = [words.LOGIN, words.TEMPORARY_LOGIN, words.CONNECTION, words.SENDER, words.RECIPIENT, words.MAILBOX]
    named = {cause for table in tables for cause, _ in table}
    for name, table in vars(codes).items():
        if not name.startswith("__") and isinstance(table, dict):
            named |= {cause for cause in table.values() if isinstance(cause, str) and "." in cause}
    assert named
    assert named <= CLASSES
