"""Exchange of all ages, Microsoft 365, Domino, GroupWise, MDaemon, Kerio and other servers of offices."""

from __future__ import annotations

from tests.bounces.shapes import RECIPIENT, Case, fields, plain, report


def _exchange_2003() -> list[Case]:
    shapes = [
        (
            "unknown",
            "The e-mail account does not exist at the organization this message was sent to.  Check the e-mail address, or contact the recipient directly to find out the correct address.",
            "<mx.reporter.example #5.1.1>",
            "5.1.1",
            "rcpt.unknown",
        ),
        (
            "rejected",
            "You do not have permission to send to this recipient.  For assistance, contact your system administrator.",
            "<mx.reporter.example #5.7.1 smtp;550 5.7.1 Unable to relay for boris@there.example>",
            "5.7.1",
            "smtp.relay_denied",
        ),
        (
            "size",
            "This message is larger than the current system limit or the recipient's mailbox is full. Create a shorter message body or remove attachments and try sending it again.",
            "<mx.reporter.example #5.2.3>",
            "5.2.3",
            "smtp.size",
        ),
        (
            "full",
            "The recipient's mailbox is full.",
            "<mx.reporter.example #5.2.2 smtp;552 5.2.2 mailbox full>",
            "5.2.2",
            "rcpt.full",
        ),
        (
            "expired",
            "Could not deliver the message in the time limit specified. Please retry or contact your administrator.",
            "<mx.reporter.example #4.4.7>",
            "4.4.7",
            "route.expired",
        ),
        (
            "dns",
            "The destination system of this message could not be found. The domain name there.exmaple does not exist.",
            "<mx.reporter.example #5.1.2>",
            "5.1.2",
            "rcpt.domain_unknown",
        ),
    ]
    cases = []
    for name, words, line, status, cause in shapes:
        text = (
            f"Your message did not reach some or all of the intended recipients.\n\n      Subject:\tHello\n      Sent:\t11/24/2026 9:59 AM\n\n"
            f"The following recipient(s) could not be reached:\n\n      {RECIPIENT} on 11/24/2026 10:00 AM\n            {words}\n            {line}\n"
        )
        data = report(
            "Undeliverable: Hello",
            text,
            fields("", status=status, remote=""),
            sender="System Administrator <postmaster@reporter.example>",
            charset="windows-1252",
            transfer="quoted-printable",
        )
        cases.append(Case(f"exchange2003-{name}", data, cause, also=("rcpt.full",) if name == "size" else ()))
    return cases


def _exchange() -> list[Case]:
    shapes = [
        (
            "notfound",
            "The e-mail address you entered couldn't be found. Please check the recipient's e-mail address and try to resend the message.",
            "550 5.1.1 RESOLVER.ADR.RecipNotFound; not found",
            "5.1.1",
            "rcpt.unknown",
        ),
        (
            "quota",
            "The recipient's mailbox is full and can't accept messages now.",
            "554 5.2.2 mailbox full",
            "5.2.2",
            "rcpt.full",
        ),
        (
            "storedrv-full",
            "The recipient's mailbox is full and can't accept messages now.",
            "554-5.2.0 STOREDRV.Deliver.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded; Failed to process message due to a permanent exception: mailbox quota exceeded",
            "5.2.0",
            "rcpt.full",
        ),
        (
            "restricted",
            "The recipient's mailbox only accepts messages from people in their organization or on their allowed senders list.",
            "550 5.7.1 RESOLVER.RST.AuthRequired; authentication required",
            "5.7.1",
            "rcpt.restricted",
        ),
        (
            "notauthorized",
            "You don't have permission to send messages to this distribution list.",
            "550 5.7.1 RESOLVER.RST.NotAuthorized; not authorized",
            "5.7.1",
            "rcpt.restricted",
        ),
        (
            "rule",
            "Your message was rejected by a rule of the recipient's organization.",
            "550 5.7.1 TRANSPORT.RULES.RejectMessage; the message was rejected by organization policy",
            "5.7.1",
            "rcpt.filtered",
        ),
        (
            "toolarge",
            "The message is too large to be accepted by the recipient's mailbox.",
            "550 5.2.3 RESOLVER.RST.RecipSizeLimit; message too large for this recipient",
            "5.2.3",
            "smtp.size",
        ),
        (
            "sendersize",
            "The message exceeds the size that you may send.",
            "550 5.3.4 ROUTING.SizeLimit; message size exceeds fixed maximum size for route",
            "5.3.4",
            "smtp.size",
        ),
        (
            "hop",
            "The message was caught in a loop.",
            "554 5.4.6 Hop count exceeded - possible mail loop",
            "5.4.6",
            "route.loop",
        ),
        (
            "queue",
            "The server has tried to deliver this message, without success, and has stopped trying.",
            "550 4.4.7 QUEUE.Expired; message expired",
            "4.4.7",
            "route.expired",
        ),
        (
            "remote",
            "The recipient's server refused the message.",
            "550 5.7.1 Message rejected because the sending IP is on a block list",
            "5.7.1",
            "smtp.ip_blocklisted",
        ),
        (
            "sendas",
            "You can't send a message on behalf of this user.",
            "550 5.7.60 SMTP; Client does not have permissions to send as this sender",
            "5.7.60",
            "smtp.sender_not_owned",
        ),
    ]
    cases = []
    for name, words, line, status, cause in shapes:
        html = (
            "<html><head><style>p{color:#000066}</style></head><body><p><b><font size=3>Delivery has failed to these recipients or groups:</font></b></p>"
            f"<p><a href='mailto:{RECIPIENT}'>{RECIPIENT}</a><br>{words}</p><hr><p><b>Diagnostic information for administrators:</b></p>"
            f"<p>Generating server: mx.reporter.example</p><p>{RECIPIENT}<br>#{line} ##</p><p>Original message headers:</p><pre>Received: from a by b</pre></body></html>"
        )
        data = report(
            "Undeliverable: Hello",
            html,
            fields("", status=status, remote="mx.there.example"),
            sender="Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@reporter.example>",
            subtype="html",
            charset="utf-8",
            transfer="base64",
            ending="\r\n",
        )
        cases.append(Case(f"exchange-{name}", data, cause))
    return cases


def _microsoft_365() -> list[Case]:
    shapes = [
        (
            "notfound",
            "boris wasn't found at there.example.",
            "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient boris@there.example not found by SMTP address lookup",
            "5.1.10",
            "rcpt.unknown",
        ),
        (
            "access",
            "Your message to boris@there.example couldn't be delivered.",
            "550 5.4.1 Recipient address rejected: Access denied. AS(201806281) [DB3EUR04FT003.eop-eur04.prod.protection.outlook.com]",
            "5.4.1",
            "rcpt.unknown",
        ),
        (
            "domain",
            "The domain there.exmaple couldn't be found.",
            "550 5.4.310 DNS domain there.exmaple does not exist [Message=InfoDomainNonexistent]",
            "5.4.310",
            "rcpt.domain_unknown",
        ),
        (
            "refused",
            "Your message couldn't be delivered. The receiving server refused to connect.",
            "550 5.4.316 Message expired, connection refused(Socket error code 10061)",
            "5.4.316",
            "route.conn_refused",
        ),
        (
            "banned",
            "Your message was blocked by the receiving service.",
            "550 5.7.606 Access denied, banned sending IP [192.0.2.25]. To request removal from this list please visit https://sender.office.com/",
            "5.7.606",
            "smtp.ip_blocklisted",
        ),
        (
            "outbound",
            "Your message couldn't be delivered because you weren't recognized as a valid sender. The most common reason is that your email address is suspected of sending spam.",
            "550 5.1.8 Access denied, bad outbound sender",
            "5.1.8",
            "smtp.account_send_disabled",
        ),
        (
            "dmarc",
            "The message was rejected.",
            "550 5.7.509 Access denied, sending domain sender.example does not pass DMARC verification and has a DMARC policy of reject.",
            "5.7.509",
            "sender_auth.dmarc",
        ),
        (
            "spf",
            "The message was rejected.",
            "550 5.7.23 The message was rejected because of Sender Policy Framework violation -> 550 5.7.23",
            "5.7.23",
            "sender_auth.spf",
        ),
        (
            "group",
            "The group boris only accepts messages from people in its organization or on its allowed senders list.",
            "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required; Delivery restriction check failed because the sender was not authenticated when sending to this group",
            "5.7.133",
            "rcpt.restricted",
        ),
        (
            "receivelimit",
            "The recipient has received too many messages.",
            "550 5.2.121 RESOLVER.ADR.RecipLimit; Recipient's per hour message receive limit from specific sender exceeded",
            "5.2.121",
            "rcpt.rate",
        ),
        ("quota", "Your message was not sent.", "550 5.2.2 Submission quota exceeded", "5.2.2", "smtp.daily_quota"),
    ]
    cases = []
    for name, words, line, status, cause in shapes:
        html = (
            "<html><body><table><tr><td>Your message to boris@there.example couldn't be delivered.</td></tr><tr><td><b>"
            + words
            + "</b></td></tr></table>"
            "<p>More Info for Email Admins</p><p>Status code: 550 "
            + status
            + "</p><p>This error occurs when the sender can retry.</p>"
            f"<p>Original Message Details</p><p>Error Details</p><table><tr><td>Reported error:</td><td>{line}</td></tr></table></body></html>"
        )
        diagnostic = f"{line}"
        data = report(
            "Undeliverable: Hello",
            html,
            fields(diagnostic, status=status, remote="mx.there.example"),
            sender="postmaster@sender.example",
            subtype="html",
            charset="us-ascii",
        )
        also = ("route.expired",) if name == "refused" else ()  # both are in the same words
        cases.append(Case(f"m365-{name}", data, cause, also=also))
    return cases


def _domino() -> list[Case]:
    shapes = [
        ("unknown", "User boris (boris@there.example) not listed in Domino Directory", "rcpt.unknown"),
        ("public", "User boris (boris@there.example) not listed in public Name & Address Book", "rcpt.unknown"),
        (
            "quota",
            "Error delivering to CN=Boris/O=There; mail file has exceeded its quota: Unable to append to database: quota exceeded",
            "rcpt.full",
        ),
        ("route", "Unable to route mail to user boris: no route found to domain THERE", "system.config"),
        ("hops", "Maximum hop count exceeded. Message probably in a routing loop.", "route.loop"),
    ]
    cases = []
    for name, words, cause in shapes:
        text = f"Your message\n\n  Subject: Hello\n\nwas not delivered to:\n\n  {RECIPIENT}\n\nbecause:\n\n  {words}\n"
        cases.append(
            Case(
                f"domino-{name}",
                report(f"DELIVERY FAILURE: {words}", text, fields(words, status="5.0.0", kind="X-Notes", remote="")),
                cause,
            )
        )
    return cases


def _offices() -> list[Case]:
    mdaemon = "The attached message had PERMANENT fatal delivery errors.\n\nAfter one or more unsuccessful delivery attempts the attached message has\nbeen removed from the mail queue on this server.\n\nFailed address: boris@there.example\n\n--- Session Transcript ---\n<-- 550 5.1.1 Recipient unknown <boris@there.example>\n--- End Transcript ---\n"
    imail = "Unknown user: boris@there.example\n\nOriginal message follows.\n\nReceived: from laptop\n"
    return [
        Case(
            "mdaemon-unknown",
            plain("Permanent Delivery Failure", mdaemon, sender="MDaemon@reporter.example"),
            "rcpt.unknown",
        ),
        Case(
            "imail-unknown",
            plain("Undeliverable Mail", imail, sender="Postmaster <postmaster@reporter.example>"),
            "rcpt.unknown",
        ),
        Case(
            "imail-full",
            plain(
                "Undeliverable Mail",
                "User mailbox exceeds allowed size: boris@there.example\n\nOriginal message follows.\n",
                sender="Postmaster <postmaster@reporter.example>",
            ),
            "rcpt.full",
        ),
        Case(
            "groupwise-unknown",
            plain(
                "Message status - undeliverable",
                "The message that you sent was undeliverable to the following:\n\tboris (user not found)\n",
                sender="<Mailer-Daemon@reporter.example>",
            ),
            "rcpt.unknown",
        ),
        Case(
            "kerio-full",
            plain(
                "Undeliverable mail",
                "Your message was not delivered to <boris@there.example>: mailbox is over its quota limit.\n",
                sender="Mail server <postmaster@reporter.example>",
            ),
            "rcpt.full",
        ),
        Case(
            "mailmarshal-spam",
            plain(
                "Undeliverable message",
                "Your message:\n  From: anna@sender.example\n  Subject: Hello\nCould not be delivered because of\n\n550 5.7.1 Message rejected as probable junk mail\n\nThe following recipients were affected:\n  boris@there.example\n",
                sender="MailMarshal <postmaster@reporter.example>",
            ),
            "smtp.spam",
        ),
        Case(
            "interscan-unknown",
            plain(
                "Mail could not be delivered",
                "The following recipients could not be reached:\nUnable to deliver message to <boris@there.example>. 550 5.1.1 User unknown\n",
                sender="InterScan MSS <postmaster@reporter.example>",
            ),
            "rcpt.unknown",
        ),
        Case(
            "surfcontrol-timeout",
            plain(
                "Your message could not be delivered",
                "Your message could not be sent.\nA transcript of the attempts to send the message follows.\nThe number of attempts made: 1\nAddressed To: boris@there.example\nThe connection to mx.there.example timed out\n",
                sender="Mail Delivery System <postmaster@reporter.example>",
            ),
            "route.timeout",
        ),
        Case(
            "trend-virus",
            plain(
                "Mail delivery failed",
                "The attachment of your message to boris@there.example was found to be infected with a virus (W32/Example) and the message has not been delivered.\n",
                sender="postmaster@reporter.example",
            ),
            "smtp.virus",
        ),
    ]


def cases() -> list[Case]:
    """All of them."""
    return [*_exchange_2003(), *_exchange(), *_microsoft_365(), *_domino(), *_offices()]
