"""What is no failure: delays, receipts, feedback reports, absence notes, challenges."""

from __future__ import annotations

from tests.bounces.shapes import RECIPIENT, Case, fields, head, plain, report

_AWAY = [
    ("en", "Out of Office: Hello", "I am out of the office until Monday and will answer then."),
    ("en-auto", "Automatic reply: Hello", "Thank you for your message. I am away; my mailbox is full of unread mail."),
    ("ja", "自動返信: こんにちは", "ただいま不在にしております。戻り次第ご連絡いたします。"),
    ("ru", "Автоответ: Привет", "Я в отпуске до понедельника и отвечу позже."),
    ("de", "Automatische Antwort: Hallo", "Ich bin bis Montag nicht im Büro."),
]


def cases() -> list[Case]:
    """All of them."""
    found = [
        Case(
            f"vacation-{name}",
            plain(
                subject,
                text,
                sender="Boris <boris@there.example>",
                charset="utf-8",
                transfer="base64",
                more=["Auto-Submitted: auto-replied", "In-Reply-To: <1@sender.example>"],
            ),
            "auto.vacation",
            name[:2],
        )
        for name, subject, text in _AWAY
    ]
    found += [
        Case(
            "delayed-postfix",
            report(
                "Delayed Mail (still being retried)",
                "This is the mail system at host mx.\n\n####################################################################\n# THIS IS A WARNING ONLY.  YOU DO NOT NEED TO RESEND YOUR MESSAGE. #\n####################################################################\n\nYour message could not be delivered for more than 4 hour(s).\nIt will be retried until it is 5 day(s) old.\n",
                fields(
                    "connect to mx.there.example[192.0.2.77]:25: Connection timed out",
                    status="4.4.1",
                    action="delayed",
                    kind="X-Postfix",
                ),
                more=["Auto-Submitted: auto-replied"],
            ),
            "auto.delayed",
        ),
        Case(
            "delayed-sendmail",
            report(
                "Warning: could not send message for past 4 hours",
                "    **********************************************\n    **      THIS IS A WARNING MESSAGE ONLY      **\n    **  YOU DO NOT NEED TO RESEND YOUR MESSAGE  **\n    **********************************************\n",
                fields("451 4.4.1 reply: read error from mx.there.example.", status="4.4.1", action="delayed"),
            ),
            "auto.delayed",
        ),
        Case(
            "delayed-gmail",
            plain(
                "Delivery Status Notification (Delay)",
                "This is an automatically generated Delivery Status Notification\n\nTHIS IS A WARNING MESSAGE ONLY.\n\nYOU DO NOT NEED TO RESEND YOUR MESSAGE.\n\nDelivery to the following recipient has been delayed:\n\n     boris@there.example\n",
                sender="Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
            ),
            "auto.delayed",
        ),
        Case(
            "delayed-exim",
            plain(
                "Warning: message 1abcde-000000-00 delayed 24 hours",
                "This message was created automatically by mail delivery software.\nA message that you sent has not yet been delivered to one or more of its\nrecipients after more than 24 hours on the queue on mx.\n\nNo action is required on your part. Delivery attempts will continue for\nsome time.\n",
                sender="Mail Delivery System <Mailer-Daemon@reporter.example>",
                mime=False,
            ),
            "auto.delayed",
        ),
        Case(
            "delayed-ja",
            plain(
                "配信遅延のお知らせ",
                f"{RECIPIENT} 宛のメールの配信が遅れています。引き続き配信を試みます。再送する必要はありません。",
                charset="iso-2022-jp",
                transfer="7bit",
            ),
            "auto.delayed",
            "ja",
        ),
        Case(
            "delivered-postfix",
            report(
                "Successful Mail Delivery Report",
                "Your message was successfully delivered to the destination(s)\nlisted below.",
                fields("250 2.1.5 Ok", status="2.1.5", action="delivered"),
            ),
            "auto.delivered",
        ),
        Case(
            "delivered-relayed",
            report(
                "Delivery Status Notification (Relay)",
                "Your message has been relayed.",
                fields("250 ok", status="2.0.0", action="relayed"),
            ),
            "auto.delivered",
        ),
    ]
    receipt = "\n".join(
        [
            head(
                "Read: Hello",
                "Boris <boris@there.example>",
                "MIME-Version: 1.0",
                'Content-Type: multipart/report; report-type=disposition-notification; boundary="b1"',
            ),
            "",
            "--b1",
            "Content-Type: text/plain",
            "",
            "Your message was read.",
            "",
            "--b1",
            "Content-Type: message/disposition-notification",
            "",
            "Final-Recipient: rfc822;boris@there.example",
            "Disposition: manual-action/MDN-sent-manually; displayed",
            "",
            "--b1--",
            "",
        ]
    )
    feedback = "\n".join(
        [
            head(
                "complaint about message from 192.0.2.25",
                "Feedback <fbl@there.example>",
                "MIME-Version: 1.0",
                'Content-Type: multipart/report; report-type=feedback-report; boundary="b1"',
            ),
            "",
            "--b1",
            "Content-Type: text/plain",
            "",
            "This is an email abuse report for an email message received from IP 192.0.2.25.",
            "",
            "--b1",
            "Content-Type: message/feedback-report",
            "",
            "Feedback-Type: abuse",
            "User-Agent: SomeGenerator/1.0",
            "Version: 1",
            "Original-Mail-From: <anna@sender.example>",
            "",
            "--b1",
            "Content-Type: message/rfc822",
            "",
            "From: anna@sender.example",
            "Subject: Hello",
            "",
            "550 5.1.1 user unknown",
            "--b1--",
            "",
        ]
    )
    found += [
        Case("receipt-mdn", receipt.encode(), "auto.delivered"),
        Case("feedback-arf", feedback.encode(), "auto.feedback"),
        Case("feedback-arf-crlf", feedback.replace("\n", "\r\n").encode(), "auto.feedback"),
        Case(
            "challenge-click",
            plain(
                "Please confirm your message",
                "Boris only receives mail from people who confirmed once. Your message is being held. Please click the link below to confirm your message and have it delivered:\nhttps://confirm.there.example/1234\n",
                sender="Boris <boris@there.example>",
                more=["Auto-Submitted: auto-replied"],
            ),
            "auto.challenge",
        ),
        Case(
            "challenge-reply",
            plain(
                "Confirm your email (message held)",
                "To reduce junk mail, boris@there.example asks you to reply to this message to verify that you are a human sender.\n",
                sender="Boris <boris@there.example>",
            ),
            "auto.challenge",
        ),
        Case(
            "challenge-ru",
            plain(
                "Подтвердите отправку",
                "Чтобы письмо было доставлено, подтвердите отправку: перейдите по ссылке https://confirm.there.example/1\n",
                sender="Boris <boris@there.example>",
                charset="utf-8",
                transfer="base64",
            ),
            "auto.challenge",
            "ru",
        ),
    ]
    return found
