"""Japanese carriers and providers, Russian services, German freemailers: in their languages and charsets."""

from __future__ import annotations

from tests.bounces.shapes import RECIPIENT, Case, fields, plain, report


def _japan() -> list[Case]:
    carriers = [
        (
            "docomo-unknown",
            report(
                "Undelivered Mail Returned to Sender",
                "This is the mail system at host mfsmax.docomo.ne.jp.\n\nThe following recipient did not receive this message.",
                fields(
                    "550 Unknown user boris@docomo.ne.jp",
                    status="5.1.1",
                    recipient="boris@docomo.ne.jp",
                    remote="mfsmax.docomo.ne.jp",
                ),
            ),
            "rcpt.unknown",
            (),
        ),
        (
            "docomo-filter",
            report(
                "Undelivered Mail Returned to Sender",
                "受信側の設定により配送できませんでした。",
                fields(
                    "550 5.2.0 boris@docomo.ne.jp rejected by the recipient's settings",
                    status="5.2.0",
                    recipient="boris@docomo.ne.jp",
                ),
                charset="utf-8",
                transfer="base64",
            ),
            "rcpt.filtered",
            (),
        ),
        (
            "au-unknown",
            plain(
                "Mail System Error - Returned Mail",
                "The user(s) account is not found.\n\n<boris@ezweb.ne.jp>: 550 <boris@ezweb.ne.jp>: User unknown\n",
                sender="Postmaster@ezweb.ne.jp",
                charset="iso-2022-jp",
                transfer="7bit",
            ),
            "rcpt.unknown",
            (),
        ),
        (
            "au-disabled",
            plain(
                "Mail System Error - Returned Mail",
                "The user(s) account is disabled.\n\n<boris@ezweb.ne.jp>\n",
                sender="Postmaster@ezweb.ne.jp",
                charset="iso-2022-jp",
                transfer="7bit",
            ),
            "rcpt.disabled",
            (),
        ),
        (
            "au-full",
            plain(
                "Mail System Error - Returned Mail",
                "The user(s) account is temporarily over quota.\n\n<boris@ezweb.ne.jp>\n",
                sender="Postmaster@ezweb.ne.jp",
                charset="iso-2022-jp",
                transfer="7bit",
            ),
            "rcpt.full",
            (),
        ),
        (
            "softbank-unknown",
            report(
                "Undelivered Mail Returned to Sender",
                "Not delivered.",
                fields(
                    "550 Invalid recipient: <boris@softbank.ne.jp>", status="5.0.0", recipient="boris@softbank.ne.jp"
                ),
            ),
            "rcpt.unknown",
            (),
        ),
    ]
    words = [
        (
            "unknown",
            "配信不能通知",
            "宛先のメールアドレスが存在しないため、メールを配信できませんでした。",
            "rcpt.unknown",
        ),
        (
            "unknown-user",
            "メール配信エラー",
            "以下の宛先にメールをお届けできませんでした。\n{r}\n理由: ユーザーが見つかりません。",
            "rcpt.unknown",
        ),
        ("unknown-fuumei", "エラーメール", "{r}\n宛先不明のため配送できませんでした。", "rcpt.unknown"),
        ("full", "配信エラー", "{r} のメールボックスの容量が一杯のため、メールを配送できませんでした。", "rcpt.full"),
        ("full-limit", "メール配送失敗", "受信者のメールボックスが容量の上限に達しています。\n{r}", "rcpt.full"),
        (
            "size",
            "配送できませんでした",
            "メッセージのサイズが制限を超えているため、送信できませんでした。\n{r}",
            "smtp.size",
        ),
        ("disabled", "配信エラー", "{r} のアカウントは利用停止中のため、メールを配信できません。", "rcpt.disabled"),
        ("filtered", "配信エラー", "受信者の受信拒否設定により、メールは配信されませんでした。\n{r}", "rcpt.filtered"),
        (
            "domain",
            "配信エラー",
            "ドメイン there.exmaple が見つかりませんでした。メールは配信できませんでした。",
            "rcpt.domain_unknown",
        ),
        ("spam", "配信エラー", "お客様のメールは迷惑メールと判定されたため、配信されませんでした。\n{r}", "smtp.spam"),
        (
            "virus",
            "配信エラー",
            "添付ファイルからウイルスが検出されたため、メールは配送されませんでした。\n{r}",
            "smtp.virus",
        ),
        ("expired", "配送エラー", "配送期限を過ぎたため、メールを配送できませんでした。\n{r}", "route.expired"),
        (
            "timeout",
            "配送エラー",
            "相手サーバーへの接続がタイムアウトしたため、配送できませんでした。\n{r}",
            "route.timeout",
        ),
        (
            "refused",
            "配送エラー",
            "相手サーバーに接続が拒否されたため、配送できませんでした。\n{r}",
            "route.conn_refused",
        ),
        (
            "moved",
            "メールアドレス変更のお知らせ",
            "{r} 宛のメールは配信できませんでした。アドレスが変更されています。",
            "rcpt.moved",
        ),
        (
            "loop",
            "配送エラー",
            "メールがループしているため、配送を中止しました。配送できませんでした。\n{r}",
            "route.loop",
        ),
        ("quota", "送信エラー", "1日の送信通数の上限を超えたため、メールを送信できませんでした。", "smtp.daily_quota"),
        ("policy", "配信エラー", "組織のポリシーにより、メールは配信されませんでした。\n{r}", "smtp.policy"),
        ("relay", "配信エラー", "メールの中継は許可されていません。配信できませんでした。\n{r}", "smtp.relay_denied"),
    ]
    charsets = [
        ("iso-2022-jp", "7bit"),
        ("utf-8", "base64"),
        ("shift_jis", "8bit"),
        ("euc-jp", "quoted-printable"),
        ("utf-8", "8bit"),
    ]
    cases = [Case(name, data, cause, "ja", also) for name, data, cause, also in carriers]
    for number, (name, subject, text, cause) in enumerate(words):
        charset, transfer = charsets[number % len(charsets)]
        body = f"このメールはメールサーバーから自動的に送信されています。\n\n{text.format(r=RECIPIENT)}\n\n----- 元のメッセージ -----\nSubject: ウイルス\n"
        data = plain(
            subject,
            body,
            sender="Mail Delivery System <MAILER-DAEMON@provider.example.jp>",
            charset=charset,
            transfer=transfer,
        )
        cases.append(Case(f"ja-{name}", data, cause, "ja"))
    biglobe = "   ----- The following addresses had delivery problems -----\n{}\n\n   ----- Non-delivered information -----\n{}\n"
    cases += [
        Case(
            "biglobe-full",
            plain(
                "Returned mail:",
                biglobe.format(
                    "boris@biglobe.ne.jp", "The number of messages in recipient's mailbox exceeded the local limit."
                ),
                sender="postmaster@biglobe.ne.jp",
                mime=False,
            ),
            "rcpt.full",
            "ja",
        ),
        Case(
            "activehunter-unknown",
            report(
                "Returned mail",
                "お客様の送信されたメールは配送できませんでした。",
                fields("550 sorry, no mailbox here by that name (#5.1.1 - chkuser)", status="5.1.1"),
                charset="iso-2022-jp",
            ),
            "rcpt.unknown",
            "ja",
        ),
        Case(
            "mfilter-unknown",
            plain(
                "failure notice",
                "次のあて先へのメッセージはエラーのため送信できませんでした。\n  boris@there.example\n\n-------server message\n550 5.1.1 unknown user <boris@there.example>\n\n-------original message\nReceived: from x\n",
                sender="MAILER-DAEMON@reporter.example.jp",
                charset="iso-2022-jp",
                transfer="7bit",
            ),
            "rcpt.unknown",
            "ja",
        ),
    ]
    return cases


def _russia() -> list[Case]:
    mail_ru = (
        "This message was created automatically by Mail.Ru mail delivery software.\n\nYour message could not be delivered to one or more recipients.\n"
        "К сожалению, Ваше письмо не может быть доставлено одному или нескольким получателям:\n\n{r}\n    {w}\n\n------ This is a copy of the message, including all the headers. ------\n"
    )
    replies = [
        (
            "mailru-unknown",
            "SMTP error from remote mail server after RCPT TO:<boris@mail.ru>: host mxs.mail.ru [192.0.2.80]: 550 Message was not accepted -- invalid mailbox. Local mailbox boris@mail.ru is unavailable: user not found",
            "rcpt.unknown",
        ),
        (
            "mailru-terminated",
            "host mxs.mail.ru: 550 Message was not accepted -- invalid mailbox. Local mailbox boris@mail.ru is unavailable: account is disabled",
            "rcpt.disabled",
        ),
        (
            "mailru-full",
            "host mxs.mail.ru: 550 Message was not accepted -- invalid mailbox. Local mailbox boris@mail.ru is unavailable: Mailbox full / User quota exceeded",
            "rcpt.full",
        ),
        (
            "mailru-spam",
            "host mxs.mail.ru: 550 spam message rejected. Please visit http://help.mail.ru/notspam-support/id?c=abc or report details to abuse@corp.mail.ru.",
            "smtp.spam",
        ),
        (
            "mailru-dmarc",
            "host mxs.mail.ru: 550 5.7.1 This message was not accepted due to domain owner DMARC policy (RFC 7489) https://help.mail.ru/mail-help/postmaster/dmarc",
            "sender_auth.dmarc",
        ),
        (
            "mailru-dynamic",
            "host mxs.mail.ru: 550 We do not accept mail from hosts with dynamic IP or generic DNS PTR-records. Please get a custom reverse DNS entry from your ISP",
            "smtp.ip_dynamic",
        ),
    ]
    cases = [
        Case(
            name,
            plain(
                "Mail delivery failed: returning message to sender",
                mail_ru.format(r="boris@mail.ru", w=words),
                sender="Mail Delivery System <mailer-daemon@corp.mail.ru>",
                charset="koi8-r",
                transfer="8bit",
            ),
            cause,
            "ru",
        )
        for name, words, cause in replies
    ]
    words = [
        ("unknown", "Адрес получателя {r} не существует.", "rcpt.unknown"),
        ("unknown-user", "Получатель {r} не найден.", "rcpt.unknown"),
        ("unknown-box", "Почтовый ящик {r} не зарегистрирован.", "rcpt.unknown"),
        ("full", "Почтовый ящик получателя {r} переполнен.", "rcpt.full"),
        ("full-quota", "Превышена квота почтового ящика {r}.", "rcpt.full"),
        ("disabled", "Почтовый ящик {r} заблокирован.", "rcpt.disabled"),
        ("size", "Размер письма превышает допустимый. Получатель: {r}", "smtp.size"),
        ("spam", "Письмо отклонено, так как похоже на спам. Получатель: {r}", "smtp.spam"),
        ("domain", "Домен получателя there.exmaple не найден.", "rcpt.domain_unknown"),
        ("expired", "Истекло время доставки письма. Адрес: {r}", "route.expired"),
        ("refused", "В соединении с сервером получателя отказано. Адрес: {r}", "route.conn_refused"),
        ("timeout", "Сервер получателя не отвечает. Адрес: {r}", "route.timeout"),
        ("virus", "В письме обнаружен вирус, оно не доставлено. Адрес: {r}", "smtp.virus"),
        ("moved", "У получателя {r} новый адрес.", "rcpt.moved"),
        ("relay", "Пересылка почты для {r} запрещена.", "smtp.relay_denied"),
    ]
    charsets = [("utf-8", "base64"), ("koi8-r", "8bit"), ("windows-1251", "quoted-printable"), ("utf-8", "8bit")]
    for number, (name, text, cause) in enumerate(words):
        charset, transfer = charsets[number % len(charsets)]
        body = f"Ваше письмо не доставлено.\n\n{text.format(r=RECIPIENT)}\n\nИсходное сообщение\nТема: спам\n"
        cases.append(
            Case(
                f"ru-{name}",
                plain(
                    "Недоставленное сообщение",
                    body,
                    sender="Почтовая служба <mailer-daemon@provider.example>",
                    charset=charset,
                    transfer=transfer,
                ),
                cause,
                "ru",
            )
        )
    yandex = "Это письмо отправлено почтовым сервером yandex.ru.\n\nК сожалению, мы вынуждены сообщить Вам о том, что Ваше письмо не может быть отправлено одному или нескольким адресатам. Технические подробности можно найти ниже.\n\n<boris@there.example>: host mx.there.example[192.0.2.77] said: 550 5.7.1 Message rejected under suspicion of SPAM (in reply to end of DATA command)\n"
    cases.append(
        Case(
            "yandex-spam",
            report(
                "Недоставленное сообщение",
                yandex,
                fields("550 5.7.1 Message rejected under suspicion of SPAM", status="5.7.1"),
                charset="utf-8",
                transfer="8bit",
                sender="mailer-daemon@yandex.ru",
            ),
            "smtp.spam",
            "ru",
        )
    )
    return cases


def _germany() -> list[Case]:
    gmx = 'This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to\none or more of its recipients. This is a permanent error.\nThe following address failed:\n\n"boris@there.example":\nSMTP error from remote server after RCPT command:\nhost: mx.there.example\n{}\n\n--- The header of the original message is following. ---\n\nReceived: from x\n'
    cases = [
        Case(
            "gmx-unknown",
            plain(
                "Mail delivery failed: returning message to sender",
                gmx.format("5.1.1 <boris@there.example>... User is unknown"),
                sender="GMX Mailer Daemon <mailer-daemon@gmx.example>",
            ),
            "rcpt.unknown",
            "de",
        ),
        Case(
            "gmx-nemesis",
            plain(
                "Mail delivery failed: returning message to sender",
                gmx.format("Nemesis ESMTP Service not available\nNo SMTP service\nIP address is black listed."),
                sender="GMX Mailer Daemon <mailer-daemon@gmx.example>",
            ),
            "smtp.ip_blocklisted",
            "de",
        ),
    ]
    words = [
        ("unknown", "Der Empfänger {r} ist unbekannt.", "rcpt.unknown"),
        ("unknown-postfach", "Das Postfach {r} existiert nicht.", "rcpt.unknown"),
        ("unknown-adresse", "Die Adresse {r} konnte nicht gefunden werden.", "rcpt.unknown"),
        ("full", "Das Postfach des Empfängers {r} ist voll.", "rcpt.full"),
        ("full-quota", "Der Speicherplatz des Postfachs {r} ist überschritten.", "rcpt.full"),
        ("disabled", "Das Konto {r} wurde deaktiviert.", "rcpt.disabled"),
        ("size", "Ihre Nachricht ist zu groß. Empfänger: {r}", "smtp.size"),
        ("spam", "Ihre Nachricht an {r} wurde als Spam eingestuft und abgelehnt.", "smtp.spam"),
        ("domain", "Die Domain there.exmaple existiert nicht.", "rcpt.domain_unknown"),
        ("timeout", "Der Server des Empfängers {r} antwortet nicht.", "route.timeout"),
        ("refused", "Die Verbindung zum Server von {r} wurde abgelehnt.", "route.conn_refused"),
        ("attachment", "Ein Anhang Ihrer Nachricht an {r} ist nicht erlaubt.", "smtp.attachment"),
    ]
    charsets = [("iso-8859-1", "quoted-printable"), ("utf-8", "base64"), ("windows-1252", "8bit")]
    for number, (name, text, cause) in enumerate(words):
        charset, transfer = charsets[number % len(charsets)]
        body = f"Dies ist eine automatisch erzeugte Nachricht.\nIhre E-Mail konnte nicht zugestellt werden.\n\n{text.format(r=RECIPIENT)}\n\nUrsprüngliche Nachricht\nBetreff: Virus\n"
        cases.append(
            Case(
                f"de-{name}",
                plain(
                    "Unzustellbare Nachricht",
                    body,
                    sender="Mailer-Daemon <mailer-daemon@freemail.example>",
                    charset=charset,
                    transfer=transfer,
                ),
                cause,
                "de",
            )
        )
    return cases


def cases() -> list[Case]:
    """All of them."""
    return [*_japan(), *_russia(), *_germany()]
