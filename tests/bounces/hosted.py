"""Gmail, Yahoo, AOL, iCloud, the large senders' services, mailing lists and filters in the cloud."""

from __future__ import annotations

from tests.bounces.shapes import RECIPIENT, Case, fields, plain, report


def _gmail() -> list[Case]:
    old = [
        (
            "unknown",
            "550 550 5.1.1 <boris@there.example>: Recipient address rejected: User unknown (state 14).",
            "rcpt.unknown",
        ),
        ("full", "452 452 4.2.2 mailbox full (state 13).", "rcpt.full"),
        ("dns", "DNS Error: Domain name not found", "rcpt.domain_unknown"),
        (
            "blocked",
            "554 554 5.7.1 Service unavailable; Client host [mail-wm0.google.com] blocked using bl.spamcop.net (state 13).",
            "smtp.ip_blocklisted",
        ),
        ("policy", "550 550 5.7.1 Rejected: message violates company policy (state 17).", "smtp.policy"),
        ("relay", "550 550 relaying denied (state 14).", "smtp.relay_denied"),
    ]
    cases = []
    for name, said, cause in old:
        text = (
            f"Delivery to the following recipient failed permanently:\n\n     {RECIPIENT}\n\nTechnical details of permanent failure: \n"
            "Google tried to deliver your message, but it was rejected by the server for the recipient domain there.example by mx.there.example. [192.0.2.77].\n\n"
            f"The error that the other server returned was:\n{said}\n\n----- Original message -----\n\nX-Received: by 10.0.0.1\nFrom: anna@sender.example\n"
        )
        cases.append(
            Case(
                f"gmail-old-{name}",
                plain(
                    "Delivery Status Notification (Failure)",
                    text,
                    sender="Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
                ),
                cause,
            )
        )
    new = [
        (
            "notfound",
            "Address not found",
            "Your message wasn't delivered to boris@there.example because the address couldn't be found, or is unable to receive mail.",
            "550 5.1.1 The email account that you tried to reach does not exist. Please try double-checking the recipient's email address for typos or unnecessary spaces. Learn more at https://support.google.com/mail/?p=NoSuchUser - gsmtp",
            "5.1.1",
            "rcpt.unknown",
            "en",
        ),
        (
            "full",
            "Recipient inbox full",
            "Your message couldn't be delivered to boris@there.example. Their inbox is full, or it's getting too much mail right now.",
            "552 5.2.2 The email account that you tried to reach is over quota and inactive. Please direct the recipient to https://support.google.com/mail/?p=OverQuotaPerm",
            "5.2.2",
            "rcpt.full",
            "en",
        ),
        (
            "domain",
            "Address not found",
            "Your message wasn't delivered to boris@there.exmaple because the domain there.exmaple couldn't be found.",
            "DNS Error: 1234567 DNS type 'mx' lookup of there.exmaple responded with code NXDOMAIN Domain name not found: there.exmaple",
            "4.0.0",
            "rcpt.domain_unknown",
            "en",
        ),
        (
            "nullmx",
            "Address not found",
            "The recipient domain is configured not to receive mail.",
            "The recipient domain there.example has a null MX record and does not accept mail",
            "5.1.10",
            "rcpt.nullmx",
            "en",
        ),
        (
            "blocked",
            "Message blocked",
            "Your message to boris@there.example has been blocked. See technical details below for more information.",
            "550 5.7.1 This message has been identified as spam by the remote server",
            "5.7.1",
            "smtp.spam",
            "en",
        ),
        (
            "limit",
            "Message not delivered",
            "You have reached a limit for sending mail. Your message was not sent.",
            "550 5.4.5 Daily user sending limit exceeded. For more information on Gmail sending limits go to https://support.google.com/a/answer/166852",
            "5.4.5",
            "smtp.daily_quota",
            "en",
        ),
        (
            "ja-notfound",
            "アドレス不明",
            "boris@there.example にメールを配信できませんでした。アドレスが存在しないか、メールを受信できないアドレスです。",
            "550 5.1.1 The email account that you tried to reach does not exist.",
            "5.1.1",
            "rcpt.unknown",
            "ja",
        ),
        (
            "ru-notfound",
            "Адрес не найден",
            "Письмо не доставлено получателю boris@there.example, так как адрес не найден или не может принимать почту.",
            "550 5.1.1 The email account that you tried to reach does not exist.",
            "5.1.1",
            "rcpt.unknown",
            "ru",
        ),
        (
            "de-notfound",
            "Adresse nicht gefunden",
            "Ihre Nachricht wurde nicht an boris@there.example zugestellt, weil die Adresse nicht gefunden wurde oder keine E-Mails empfangen kann.",
            "550 5.1.1 The email account that you tried to reach does not exist.",
            "5.1.1",
            "rcpt.unknown",
            "de",
        ),
    ]
    for name, title, words, said, status, cause, language in new:
        html = f"<html><head><style>*{{font-family:Roboto}}</style></head><body><table><tr><td><h2>{title}</h2>{words}</td></tr></table><p>The response from the remote server was:</p><p><b>{said}</b></p></body></html>"
        data = report(
            "Delivery Status Notification (Failure)",
            html,
            fields(said, status=status),
            sender="Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
            subtype="html",
            charset="utf-8",
            transfer="quoted-printable",
        )
        cases.append(Case(f"gmail-{name}", data, cause, language))
    group = (
        "Hello anna@sender.example,\n\nWe're writing to let you know that the group you tried to contact (there-group) may not exist, or you may not have permission"
        " to post messages to the group. A few more details on why you weren't able to post:\n\n * You might have spelled or formatted the group name incorrectly.\n"
        " * The owner of the group may have removed this group.\n"
    )
    cases.append(
        Case(
            "google-groups",
            plain(
                "Delivery Status Notification (Failure)",
                group,
                sender="Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
            ),
            "rcpt.restricted",
            also=("rcpt.unknown",),
        )
    )
    return cases


def _yahoo_and_others() -> list[Case]:
    yahoo = "Sorry, we were unable to deliver your message to the following address.\n\n<boris@there.example>:\n{}\n\n--- Below this line is a copy of the message.\n\nReceived: from [10.0.0.1]\n"
    shapes = [
        ("unknown", "Remote host said: 550 5.1.1 <boris@there.example>: User unknown [RCPT_TO]", "rcpt.unknown"),
        (
            "dd",
            "554: 5.7.1 delivery error: dd This user doesn't have a yahoo.com account (boris@yahoo.com) [0] - mta1.mail.example",
            "rcpt.unknown",
        ),
        (
            "quota",
            "Remote host said: 552 1 Requested mail action aborted, mailbox not found or over quota: mailbox full [RCPT_TO]",
            "rcpt.full",
        ),
        ("mx", "No MX or A records for there.exmaple", "rcpt.no_mail_host"),
        (
            "timeout",
            "Unable to deliver message after multiple retries, giving up: connection timed out",
            "route.expired",
        ),
    ]
    cases = [
        Case(
            f"yahoo-{name}",
            plain("Failure Notice", yahoo.format(words), sender="MAILER-DAEMON@yahoo.com"),
            cause,
            also=("route.timeout",) if name == "timeout" else ("rcpt.domain_unknown",) if name == "mx" else (),
        )
        for name, words, cause in shapes
    ]
    replies = [
        (
            "yahoo-spam",
            "554 5.7.9 Message not accepted for policy reasons. See https://postmaster.yahooinc.com/error-codes",
            "5.7.9",
            "smtp.policy",
            (),
        ),
        (
            "yahoo-ts",
            "421 4.7.0 [TSS04] Messages from 192.0.2.25 temporarily deferred due to unexpected volume or user complaints - 4.16.55.1",
            "4.7.0",
            "smtp.rate_limit",
            (),
        ),
        (
            "yahoo-disabled",
            "554 30 Sorry, your message to boris@aol.com cannot be delivered. This mailbox is disabled (554.30).",
            "5.0.0",
            "rcpt.disabled",
            (),
        ),
        (
            "aol-reputation",
            "554 5.7.1 : (RTR:BL) https://postmaster.aol.example/error-codes#554rtrbl - IP address has poor reputation",
            "5.7.1",
            "smtp.reputation",
            ("smtp.ip_blocklisted",),
        ),
        ("icloud-full", "552 5.2.2 <boris@icloud.com>: user is over quota", "5.2.2", "rcpt.full", ()),
        (
            "icloud-unknown",
            "550 5.1.6 recipient no longer on server: boris@icloud.com",
            "5.1.6",
            "rcpt.disabled",
            ("rcpt.moved", "rcpt.unknown"),
        ),
        (
            "icloud-policy",
            "550 5.7.1 [CS01] Message rejected due to local policy. Please visit https://support.apple.com/en-us/HT204137",
            "5.7.1",
            "smtp.policy",
            (),
        ),
        (
            "comcast-limit",
            "452 4.2.0 Too many messages from your IP in the last hour, rate limit exceeded",
            "4.2.0",
            "smtp.rate_limit",
            (),
        ),
        (
            "att-block",
            "553 5.3.0 flpd598 DNSBL:ATTRBL 521< 192.0.2.25 >_is_blocked.For assistance forward this email to abuse_rbl@abuse-att.example",
            "5.3.0",
            "smtp.ip_blocklisted",
            (),
        ),
        (
            "mimecast-greylist",
            "451 Internal resource temporarily unavailable - greylisted - https://community.mimecast.example/docs",
            "4.0.0",
            "smtp.greylist",
            (),
        ),
        (
            "mimecast-header",
            "554 Email rejected due to security policies - https://community.mimecast.example/docs/DOC-1369#554",
            "5.0.0",
            "smtp.policy",
            (),
        ),
        (
            "proofpoint-pdr",
            "554 Blocked - see https://ipcheck.proofpoint.example/?ip=192.0.2.25",
            "5.0.0",
            "smtp.ip_blocklisted",
            (),
        ),
        ("messagelabs-unknown", "550 Invalid recipient <boris@there.example> (#5.1.1)", "5.1.1", "rcpt.unknown", ()),
        (
            "barracuda-intent",
            "550 5.7.1 Message was blocked for spam content (intent) by the filter",
            "5.7.1",
            "smtp.spam",
            (),
        ),
        (
            "secureserver",
            "554 5.7.1 IB504 attempted to send too many messages from your IP. Please try again later",
            "5.7.1",
            "smtp.rate_limit",
            (),
        ),
        (
            "orange-full",
            "552 5.1.1 Boite du destinataire pleine. Recipient overquota. OFR_417 [417]",
            "5.1.1",
            "rcpt.full",
            (),
        ),
        (
            "orange-invalid",
            "550 5.1.1 Adresse d au moins un destinataire invalide. Invalid recipient. OFR_416 [416]",
            "5.1.1",
            "rcpt.unknown",
            (),
        ),
        (
            "tonline-block",
            "554 IP=192.0.2.25 - A problem occurred. (Ask your postmaster for help or to contact tosa@rx.t-online.example to clarify.) (BL)",
            "5.0.0",
            "smtp.ip_blocklisted",
            (),
        ),
        (
            "coremail-spam",
            "554 DT:SPM 163 smtp10,DsCowADHhG, please see http://mail.163.example/help/help_spam_16.htm",
            "5.0.0",
            "smtp.spam",
            (),
        ),
        (
            "qq-unknown",
            "550 Mailbox not found. http://service.mail.qq.example/cgi-bin/help?subtype=1",
            "5.0.0",
            "rcpt.unknown",
            (),
        ),
        (
            "zoho-send",
            "550 5.4.6 Unusual sending activity detected. Please try after sometime.",
            "5.4.6",
            "smtp.account_send_disabled",
            (),
        ),
    ]
    for name, said, status, cause, also in replies:
        data = report(
            "Undelivered Mail Returned to Sender", "The message could not be delivered.", fields(said, status=status)
        )
        cases.append(Case(name, data, cause, also=also))
    return cases


def _services() -> list[Case]:
    ses = "An error occurred while trying to deliver the mail to the following recipients:\nboris@there.example\n"
    return [
        Case(
            "ses-bounce",
            report(
                "Delivery Status Notification (Failure)",
                ses,
                fields("550 5.1.1 user unknown", status="5.1.1"),
                sender="MAILER-DAEMON@amazonses.example",
            ),
            "rcpt.unknown",
        ),
        Case(
            "sendgrid-full",
            report(
                "Delivery Status Notification (Failure)",
                "Your message has been rejected by the recipient's server.",
                fields("452 4.2.2 mailbox over quota", status="4.2.2"),
                sender="MAILER-DAEMON@sendgrid.example",
            ),
            "rcpt.full",
        ),
        Case(
            "powermta-bad-mailbox",
            report(
                "Delivery report",
                "Hello, this is the mail server on mx.reporter.example.\n\nI am sending you this message to inform you on the delivery status of a\nmessage you previously sent.",
                fields("554 5.1.1 bad destination mailbox address", status="5.1.1"),
            ),
            "rcpt.unknown",
        ),
        Case(
            "iplanet-unknown",
            report(
                "Delivery Notification: Delivery has failed",
                "This report relates to a message you sent with the following header fields:\n\n  Subject: Hello\n\nYour message cannot be delivered to the following recipients:\n\n  Recipient address: boris@there.example\n  Reason: Remote SMTP server has rejected address\n  Diagnostic code: smtp;550 5.1.1 unknown or illegal alias: boris@there.example\n",
                fields("550 5.1.1 unknown or illegal alias: boris@there.example", status="5.1.1"),
            ),
            "rcpt.unknown",
        ),
        Case(
            "list-members-only",
            plain(
                "Your message was rejected",
                "Your message to the list users@lists.there.example was rejected: only subscribers may post messages to this list.\n",
                sender="users-bounces@lists.there.example",
                more=["Auto-Submitted: auto-generated"],
            ),
            "rcpt.restricted",
        ),
        Case(
            "facebook-style-rate",
            report(
                "Undelivered Mail",
                "Not delivered.",
                fields("554 5.7.1 Sender is exceeding the allowed number of messages per hour", status="5.7.1"),
            ),
            "smtp.rate_limit",
        ),
        Case(
            "verizon-plain",
            plain(
                "Returned mail",
                "Message could not be delivered to mobile.\nError: No valid recipients for this MM\n",
                sender="post_master@vtext.example",
            ),
            "rcpt.unknown",
        ),
        Case(
            "bounce-of-a-bounce",
            plain(
                "Fwd: failure",
                "see the attached bounce: 550 5.1.1 <boris@there.example>: Recipient address rejected: User unknown",
                sender="Carl <carl@sender.example>",
            ),
            "rcpt.unknown",
        ),
    ]


def cases() -> list[Case]:
    """All of them."""
    return [*_gmail(), *_yahoo_and_others(), *_services()]
