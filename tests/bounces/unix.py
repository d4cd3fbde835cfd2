"""Postfix, Sendmail, Exim, qmail, Courier, OpenSMTPD and their kin."""

from __future__ import annotations

from pathlib import Path

from tests.bounces.shapes import RECIPIENT, Case, fields, original, plain, report

_POSTFIX = """This is the mail system at host mx.reporter.example.

I'm sorry to have to inform you that your message could not
be delivered to one or more recipients. It's attached below.

For further assistance, please send mail to postmaster.

If you do so, please include this problem report. You can
delete your own text from the attached returned message.

                   The mail system

<{recipient}>: {words}
"""

POSTFIX = Path(__file__).with_name("postfix.txt")


def _postfix() -> list[Case]:
    cases = []
    endings = ("\n", "\r\n")
    for number, line in enumerate(POSTFIX.read_text(encoding="utf-8").splitlines()[1:]):
        name, status, cause, command, said = line.split("|")
        words = f"host mx.there.example[192.0.2.77] said: {said} (in reply to {command} command)" if command else said
        remote = {"reporter": "mx.reporter.example"} if command else {"kind": "X-Postfix", "remote": ""}
        data = report(
            "Undelivered Mail Returned to Sender",
            _POSTFIX.format(recipient=RECIPIENT, words=words),
            fields(said, status=status, **remote),
            ending=endings[number % 2],
            more=["Auto-Submitted: auto-replied"],
        )
        cases.append(Case(f"postfix-{name}" if command else f"postfix-own-{name}", data, cause))
    return cases


def _sendmail() -> list[Case]:
    shapes = [
        ("unknown", "5.1.1", "550 5.1.1 <boris@there.example>... User unknown", "rcpt.unknown"),
        (
            "host",
            "5.1.2",
            "550 5.1.2 <boris@there.exmaple>... Host unknown (Name server: there.exmaple: host not found)",
            "rcpt.domain_unknown",
        ),
        ("full", "5.2.2", "552 5.2.2 <boris@there.example>... Mailbox full", "rcpt.full"),
        ("relay", "5.7.1", "550 5.7.1 <boris@there.example>... Relaying denied", "smtp.relay_denied"),
        (
            "loop",
            "5.4.6",
            "554 5.4.6 Too many hops 26 (25 max): from <anna@sender.example> via mx, to <boris@there.example>",
            "route.loop",
        ),
        ("expired", "4.4.7", "Message could not be delivered for 5 days", "route.expired"),
        ("mailer", "5.3.0", "554 5.3.0 unknown mailer error 1", "system.mailer"),
        (
            "config",
            "5.3.5",
            "553 5.3.5 mx.reporter.example. config error: mail loops back to me (MX problem?)",
            "route.loop",
        ),
        ("data-format", "5.6.0", "554 5.6.0 Data format error", "smtp.content"),
        (
            "access",
            "5.7.1",
            "550 5.7.1 Access denied: your host is listed in our access list of spammers",
            "smtp.ip_blocklisted",
        ),
    ]
    cases = []
    for name, status, said, cause in shapes:
        text = (
            "The original message was received at Tue, 24 Nov 2026 09:59:00 GMT\nfrom laptop.sender.example [192.0.2.3]\n\n"
            f"   ----- The following addresses had permanent fatal errors -----\n<{RECIPIENT}>\n"
            f"    (reason: {said})\n\n   ----- Transcript of session follows -----\n"
            f"... while talking to mx.there.example.:\n>>> DATA\n<<< {said}\n"
        )
        data = report("Returned mail: see transcript for details", text, fields(said, status=status))
        also = ("smtp.spam",) if name == "access" else ("system.config",) if name == "config" else ()
        cases.append(Case(f"sendmail-{name}", data, cause, also=also))
    old = [
        ("unknown", "550 boris@there.example... User unknown", "rcpt.unknown"),
        ("host", "550 there.exmaple (TCP)... 550 Host unknown", "rcpt.domain_unknown"),
        (
            "expired",
            "Warning: message not delivered\n421 there.example (smtp)... Deferred: Connection timed out\nCannot send message within 3 days",
            "route.expired",
        ),
    ]
    for name, said, cause in old:
        text = (
            f"   ----- Transcript of session follows -----\nWhile talking to there.example:\n>>> RCPT To:<{RECIPIENT}>\n<<< {said}\n"
            f"554 {RECIPIENT}... Service unavailable\n\n   ----- Unsent message follows -----\n{original()}\nHello\n"
        )
        cases.append(
            Case(
                f"sendmail5-{name}",
                plain("Returned mail: unknown problem", text, mime=False),
                cause,
                also=("route.timeout",) if name == "expired" else (),
            )
        )
    return cases


_EXIM = """This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  {recipient}
    {words}

------ This is a copy of the message, including all the headers. ------

"""


def _exim() -> list[Case]:
    remote = "SMTP error from remote mail server after RCPT TO:<boris@there.example>:\n    host mx.there.example [192.0.2.77]: "
    data_said = "SMTP error from remote mail server after end of data:\n    host mx.there.example [192.0.2.77]: "
    shapes = [
        ("unknown", remote + "550 5.1.1 <boris@there.example>:\n    unknown recipient", "rcpt.unknown", ()),
        ("callout", remote + "550 Address is not valid: no such person at this address", "rcpt.unknown", ()),
        ("unrouteable", "Unrouteable address", "rcpt.domain_unknown", ("rcpt.unknown",)),
        ("domain", "all relevant MX records point to non-existent hosts", "rcpt.domain_unknown", ()),
        ("lookups", "all host address lookups failed permanently", "rcpt.domain_unknown", ()),
        ("retry", "retry timeout exceeded", "route.expired", ()),
        (
            "retry-refused",
            "host mx.there.example [192.0.2.77]\n    Connection refused: retry timeout exceeded",
            "route.expired",
            ("route.conn_refused",),
        ),
        ("lowest", "lowest numbered MX record points to local host", "system.config", ("route.loop",)),
        ("full", "mailbox is full (MTA-imposed quota exceeded while writing to file /var/mail/boris)", "rcpt.full", ()),
        ("spam", data_said + "550 This message scored 12.3 spam points and was rejected", "smtp.spam", ()),
        (
            "verify",
            remote + "550-Verification failed for <anna@sender.example>\n    550 Sender verify failed",
            "smtp.sender_generic",
            (),
        ),
        ("relay", remote + "550 relay not permitted", "smtp.relay_denied", ()),
        ("size", data_said + "552 message size exceeds the maximum of 20971520 bytes", "smtp.size", ()),
        (
            "ptr",
            "SMTP error from remote mail server after initial connection:\n    host mx.there.example [192.0.2.77]: 554 No reverse DNS for 192.0.2.25",
            "smtp.ptr",
            (),
        ),
        (
            "child",
            "local delivery failed: Child process of virtual_pipe transport returned 73 from command: /usr/bin/procmail",
            "system.mailer",
            (),
        ),
        (
            "outgoing",
            "Domain sender.example has exceeded the max emails per hour (500/500 (100%)) allowed. Message discarded.",
            "smtp.daily_quota",
            (),
        ),
    ]
    cases = []
    for name, words, cause, also in shapes:
        text = _EXIM.format(recipient=RECIPIENT, words=words) + original() + "\nHello\n"
        data = plain(
            "Mail delivery failed: returning message to sender",
            text,
            sender="Mail Delivery System <Mailer-Daemon@reporter.example>",
            mime=False,
            more=[f"X-Failed-Recipients: {RECIPIENT}", "Auto-Submitted: auto-replied"],
        )
        cases.append(Case(f"exim-{name}", data, cause, also=also))
    modern = report(
        "Mail delivery failed: returning message to sender",
        _EXIM.format(recipient=RECIPIENT, words="the mailbox for this user is currently over quota"),
        fields("", status="5.0.0", remote=""),
        charset="utf-8",
        transfer="8bit",
    )
    return [*cases, Case("exim-report-full", modern, "rcpt.full")]


_QMAIL = """Hi. This is the qmail-send program at reporter.example.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<{recipient}>:
{words}

--- Below this line is a copy of the message.

"""


def _qmail() -> list[Case]:
    host = "192.0.2.77 does not like recipient.\nRemote host said: "
    shapes = [
        ("unknown", host + "550 5.1.1 unknown user\nGiving up on 192.0.2.77.", "rcpt.unknown", ()),
        ("vpopmail", "Sorry, no mailbox here by that name. vpopmail (#5.1.1)", "rcpt.unknown", ()),
        ("host", "Sorry, I couldn't find any host named there.exmaple. (#5.1.2)", "rcpt.domain_unknown", ()),
        ("mx", "Sorry, I couldn't find a mail exchanger or IP address. (#5.4.4)", "rcpt.no_mail_host", ()),
        (
            "queue",
            "Sorry, I wasn't able to establish an SMTP connection. (#4.4.1)\nI'm not going to try again; this message has been in the queue too long.",
            "route.expired",
            ("route.network",),
        ),
        ("full", "user is over quota (#5.2.2)", "rcpt.full", ()),
        ("maildir", "The users mailfolder is over the allowed quota (size). (#5.2.2)", "rcpt.full", ()),
        (
            "data",
            "192.0.2.77 failed after I sent the message.\nRemote host said: 552 message too large (#5.3.4)",
            "smtp.size",
            (),
        ),
        (
            "rcpthosts",
            host + "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)\nGiving up on 192.0.2.77.",
            "smtp.relay_denied",
            (),
        ),
        ("loop", "This message is looping: it already has my Delivered-To line. (#5.4.6)", "route.loop", ()),
        (
            "disabled",
            host + "550 The mailbox of this customer has been closed\nGiving up on 192.0.2.77.",
            "rcpt.disabled",
            (),
        ),
        (
            "listed",
            "Connected to 192.0.2.77 but sender was rejected.\nRemote host said: 553 Your server is listed in bl.spamcop.net",
            "smtp.ip_blocklisted",
            (),
        ),
        (
            "greylist",
            host
            + "451 Temporary failure: greylisted, come back in 300 seconds\nI'm not going to try again; this message has been in the queue too long.",
            "smtp.greylist",
            ("route.expired",),
        ),
    ]
    return [
        Case(
            f"qmail-{name}",
            plain("failure notice", _QMAIL.format(recipient=RECIPIENT, words=words) + original(), mime=False),
            cause,
            also=also,
        )
        for name, words, cause, also in shapes
    ]


def _others() -> list[Case]:
    courier = (
        "This is a delivery status notification from mx.reporter.example,\nrunning the Courier mail server, version 0.65.2.\n\n"
        "The original message was received on Tue, 24 Nov 2026 09:59:00 +0000\nfrom laptop.sender.example\n\n"
        "---------------------------------------------------------------------------\n\n"
        "                           UNDELIVERABLE MAIL\n\nYour message to the following recipients cannot be delivered:\n\n"
        f"<{RECIPIENT}>:\n    mx.there.example [192.0.2.77]:\n>>> RCPT TO:<{RECIPIENT}>\n<<< 550 5.1.1 <{RECIPIENT}>... User Unknown\n"
    )
    domain = courier.replace(
        f">>> RCPT TO:<{RECIPIENT}>\n<<< 550 5.1.1 <{RECIPIENT}>... User Unknown", "No such domain."
    )
    smtpd = (
        "    Hi!\n\n    This is the MAILER-DAEMON, please DO NOT REPLY to this email.\n\n    An error has occurred while attempting"
        " to deliver a message for\n    the following list of recipients:\n\n"
    )
    return [
        Case(
            "courier-unknown",
            report(
                "NOTICE: mail delivery status.",
                courier,
                fields(f"550 5.1.1 <{RECIPIENT}>... User Unknown", status="5.0.0"),
            ),
            "rcpt.unknown",
        ),
        Case(
            "courier-domain",
            report("NOTICE: mail delivery status.", domain, fields("No such domain.", status="5.0.0", kind="unknown")),
            "rcpt.domain_unknown",
        ),
        Case(
            "opensmtpd-unknown",
            plain(
                "Delivery status notification: error",
                smtpd
                + f"{RECIPIENT}: 550 5.1.1 <{RECIPIENT}>... User Unknown\n\n    Below is a copy of the original message:\n",
            ),
            "rcpt.unknown",
        ),
        Case(
            "opensmtpd-expired",
            plain(
                "Delivery status notification: error",
                smtpd + f"{RECIPIENT}: Network error on destination MXs, message expired after too many attempts\n",
            ),
            "route.expired",
            also=("route.network",),
        ),
        Case(
            "opensmtpd-mx",
            plain("Delivery status notification: error", smtpd + f"{RECIPIENT}: No MX found for destination\n"),
            "rcpt.no_mail_host",
        ),
        Case(
            "james-unknown",
            plain(
                "Re: hello",
                f"Hi. This is the James mail server at reporter.example.\nI'm afraid I wasn't able to deliver your message to the following addresses.\n"
                f"This is a permanent error; I've given up. Sorry it didn't work out. Below\nI include the list of recipients and the reason why I was unable to deliver\nyour message.\n\n"
                f"Failed recipient(s):\n{RECIPIENT}\n\nError message:\n550 - Requested action not taken: no such user here\n",
                sender="postmaster@reporter.example",
            ),
            "rcpt.unknown",
        ),
        Case(
            "zimbra-sieve",
            report(
                "Undelivered Mail Returned to Sender",
                _POSTFIX.format(
                    recipient=RECIPIENT,
                    words="host mx said: 550 5.2.0 Message rejected by the recipient's Sieve script",
                ),
                fields("550 5.2.0 Message rejected by the recipient's Sieve script", status="5.2.0"),
            ),
            "rcpt.filtered",
        ),
        Case(
            "two-recipients",
            report(
                "Undelivered Mail Returned to Sender",
                _POSTFIX.format(recipient=RECIPIENT, words="host mx said: 250 ok"),
                fields("250 ok", status="2.0.0", action="relayed")
                + "\n\nFinal-Recipient: rfc822; carl@there.example\nAction: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp; 552 5.2.2 mailbox of carl is full",
            ),
            "rcpt.full",
        ),
        Case(
            "ip-is-no-code",
            report(
                "Undelivered Mail Returned to Sender",
                "See below.",
                fields("connect to 91.195.1.10: operation timed out", status="4.4.1", kind="X-Postfix"),
            ),
            "route.timeout",
        ),
    ]


def cases() -> list[Case]:
    """All of them."""
    return [*_postfix(), *_sendmail(), *_exim(), *_qmail(), *_others()]
