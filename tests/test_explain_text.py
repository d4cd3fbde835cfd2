"""Pasted texts: what mail clients, programs and servers show people, in their languages."""

import base64

import pytest

from guides.mail.accounts import Protocol
from guides.mail.diagnosis.codes import Reply, cause_of, sender_cause
from guides.mail.diagnosis.explain import diagnose
from guides.mail.diagnosis.judging import HIGH, Basis
from guides.mail.diagnosis.patterns import Pattern, PatternSet
from guides.mail.diagnosis.rulebook import Rules
from guides.mail.outcomes import Owner, Stage
from tests.tables import each_row

TOKEN_REFUSED = base64.b64encode(b'{"status":"400","schemes":"Bearer","scope":"https://mail.example.com/"}').decode()


@each_row(
    ("text", "cause"),
    [
        # Thunderbird quotes the server, in three languages
        ("An error occurred while sending mail. The mail server responded:\n5.7.1 <b@there.example>: Relay access denied.\nPlease check the message recipient \"b@there.example\" and try again.", "smtp.relay_denied"),
        ("メールの送信中にエラーが発生しました。メールサーバーからの応答: 552 5.3.4 Message size exceeds fixed limit。 メッセージの受信者を確認して再度試してください。", "smtp.size"),
        ("При отправке почты произошла ошибка. Ответ почтового сервера: 553 5.7.1 Sender address rejected: not owned by auth user. Проверьте параметры учётной записи.", "smtp.sender_not_owned"),
        # and speaks for itself
        ("Login to server imap.example.com with username anna@example.com failed.", "auth.rejected"),
        ("サーバー imap.example.com への接続がタイムアウトしました。", "tcp.timeout"),
        ("メールサーバー imap.example.com に接続できませんでした。接続が拒否されました。", "tcp.refused"),
        ("ユーザー anna のサーバー imap.example.com へのログインに失敗しました。", "auth.rejected"),
        ("Превышено время ожидания ответа от сервера imap.example.com.", "tcp.timeout"),
        ("Не удалось соединиться с почтовым сервером imap.example.com; соединение было отклонено.", "tcp.refused"),
        ("Не удалось войти на сервер imap.example.com с именем пользователя anna.", "auth.rejected"),
        ("Unable to establish a secure link with Outgoing server (SMTP) smtp.example.com using STARTTLS since it doesn't advertise that feature.", "tls.starttls_missing"),
        # Outlook
        ("Task 'anna - Receiving' reported error (0x800CCC0E): 'Outlook cannot connect to your incoming (POP3) e-mail server.'", "tcp.refused"),
        ("タスク 'anna - 受信' でエラー (0x800CCC0D) が報告されました", "dns.nxdomain"),
        ("Ошибка (0x800CCC92): почтовый сервер отклонил имя входа", "auth.rejected"),
        ("error (0x800CCC78) : 'Cannot send the message. The server responded: 530 5.7.0 Authentication required'", "smtp.auth_required"),
        ("(0x800CCC1A) : 'Your server does not support the connection encryption type you have specified.'", "tls.not_tls"),
        ("(0x8004210A) 'The operation timed out waiting for a response from the receiving (POP) server.'", "tcp.timeout"),
        # Apple Mail, iOS
        ("Cannot Get Mail\nThe user name or password for “iCloud” is incorrect.", "auth.rejected"),
        ("メールを受信できません\n“iCloud”のユーザ名またはパスワードが間違っています。", "auth.rejected"),
        ("Не удалось получить почту. Неверное имя пользователя или пароль для «iCloud».", "auth.rejected"),
        ("Cannot Get Mail\nThe connection to the server failed.", "net.generic"),
        ("Cannot Send Mail\nThe sender address was rejected by the server. The server response was: 550 5.7.60 Client does not have permissions to send as this sender", "smtp.sender_not_owned"),
        ("サーバの識別情報を検証できません", "tls.chain_or_unknown_ca"),
        # The Bat!, Windows Live Mail, K-9 and others
        ("SEND - Server reports error. The response is: 5.7.8 Error: authentication failed: Invalid user or password!", "auth.rejected"),
        ("TLS handshake failure. Invalid server certificate (The issuer of this certificate chain was not found).", "tls.chain_or_unknown_ca"),
        ("サーバー エラー: 0x800CCC90, サーバーの応答: '-ERR [SYS/TEMP] Temporary authentication failure.', サーバー: 'pop.example.com', プロトコル: POP3, ポート: 995", "auth.temp_unavailable"),
        ("電子メール サーバーにログオンできません。ユーザー名とパスワードを確認してください。", "auth.rejected"),
        ("メールサーバ“imap.example.com”が応答しません。", "net.generic"),
        ("Не удается найти указанный сервер электронной почты.", "dns.nxdomain"),
        ("Время ожидания операции истекло.", "tcp.timeout"),
        ("Error: javax.mail.AuthenticationFailedException: [UNAVAILABLE] Temporary authentication failure.", "auth.temp_unavailable"),
        ("imap: LOGIN failed: NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)", "auth.rejected"),
        ("IMAP error: NO [OVERQUOTA] Quota exceeded", "mbox.overquota"),
        # programs
        ("smtplib.SMTPAuthenticationError: (535, b'5.7.8 Username and Password not accepted. For more information, go to\\n5.7.8  https://support.google.com/mail/?p=BadCredentials - gsmtp')", "auth.rejected"),
        ("smtplib.SMTPRecipientsRefused: {'b@there.example': (550, b'5.1.1 <b@there.example>: Recipient address rejected: User unknown')}", "rcpt.unknown"),
        ("imaplib.IMAP4.error: b'[AUTHENTICATIONFAILED] Authentication failed.'", "auth.rejected"),
        ("imaplib.IMAP4.error: b'[UNAVAILABLE] Temporary authentication failure. [mx:2026-11-24]'", "auth.temp_unavailable"),
        ("Error: Invalid login: 535-5.7.8 Username and Password not accepted.\n    at SMTPConnection._formatError (smtp-connection/index.js:790:19)", "auth.rejected"),
        ("Error: getaddrinfo ENOTFOUND smtp.exmaple.com", "dns.nxdomain"),
        ("ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Hostname mismatch, certificate is not valid for 'mail.example.com'. (_ssl.c:992)", "tls.cert_hostname"),
        ("javax.mail.AuthenticationFailedException: 535 5.7.3 Authentication unsuccessful", "auth.rejected"),
        ("sun.security.validator.ValidatorException: PKIX path building failed: unable to find valid certification path to requested target", "tls.chain_or_unknown_ca"),
        (f"334 {TOKEN_REFUSED}", "auth.oauth_token_expired"),
        # servers, one line or several
        ("535-5.7.139 Authentication unsuccessful, SmtpClientAuthentication is\n535 5.7.139 disabled for the Mailbox. Visit https://aka.ms/smtp_auth_disabled", "auth.smtp_auth_disabled"),
        ("454 4.7.0 Temporary authentication failure: Connection lost to authentication server", "auth.temp_unavailable"),
        ("-ERR [SYS/TEMP] Temporary authentication failure.", "auth.temp_unavailable"),
        ("* NO [OVERQUOTA] Mailbox is at 99% of quota", "mbox.overquota"),
        ("a2 NO [UNAVAILABLE] Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10)", "mbox.conn_limit"),
        ("-ERR [IN-USE] Mailbox is locked by another POP3 session.", "mbox.inuse"),
        ("３ NO SELECT Unsafe Login. Please contact kefu@188.com for help", "mbox.id_required"),
        ("550 ５.１.１ ｕｓｅｒ ｕｎｋｎｏｗｎ", "rcpt.unknown"),
    ],
)  # fmt: skip
def test_it_works(text: str, cause: str) -> None:
    found = diagnose(text)
    assert [item.name for item in found.causes][:1] == [cause]
    assert diagnose(text.encode()).causes == found.causes
    first = found.causes[0]
    assert first.matched
    assert first.line[first.start : first.end] == first.matched
    assert len(found.causes) <= 3
    assert all(0 < item.confidence <= 1 for item in found.causes)


@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "iso-2022-jp", "shift_jis", "euc-jp"])
def test_a_file_in_any_charset_is_read(charset: str) -> None:
    text = "エラーが発生しました。\nメールサーバーに接続できません。接続が拒否されました。" * 3
    assert diagnose(text.encode(charset)).causes[0].name == "tcp.refused"


@pytest.mark.parametrize(
    "text", ["", " ", "hello", "all is well", "5.1.1.9", "91.195.1.10", "¯\\_(ツ)_/¯", "\0\0", "NOthing"]
)
def test_what_says_nothing_has_no_cause(text: str) -> None:
    assert diagnose(text).causes == ()


def test_what_a_server_calls_temporary_is_never_a_wrong_password() -> None:
    patterns = PatternSet([Pattern("broad", "failure", "auth.rejected")])
    for text in (
        "NO [UNAVAILABLE] login failure",
        "454 4.7.0 Temporary authentication failure",
        "-ERR [SYS/TEMP] login failure",
    ):
        assert "auth.rejected" not in [cause.name for cause in diagnose(text, patterns).causes]


def test_a_pattern_outranks_the_built_in_rules_and_brings_its_owner_and_article() -> None:
    own = Pattern("own", "user is over quota", "rcpt.full", "special", owner=Owner.ADMIN)
    first = diagnose("552 5.2.2 user is over quota", PatternSet([own])).causes[0]
    assert (first.name, first.owner, first.article) == ("rcpt.full", Owner.ADMIN, "special")
    assert Basis.PATTERN in first.why
    other = Pattern("other", "over quota", "rcpt.disabled", "gone")
    assert diagnose("552 5.2.2 user is over quota", PatternSet([other])).causes[0].article == "gone"
    late = Pattern("late", "over quota", "rcpt.disabled", "gone", priority=900)
    assert diagnose("552 5.2.2 user is over quota", PatternSet([late])).causes[0].name == "rcpt.full"


def test_a_providers_pattern_counts_where_that_provider_speaks() -> None:
    own = PatternSet([Pattern("own", "LOGIN Invalid credentials", "auth.app_password_required", provider="yahoo")])
    text = "NO [AUTHENTICATIONFAILED] LOGIN Invalid credentials"
    assert [cause.name for cause in diagnose(text, own).causes] == ["auth.rejected", "auth.app_password_required"]
    assert diagnose(f"imap.mail.yahoo.com: {text}\n{text}", own).causes[0].name == "auth.app_password_required"
    assert diagnose(f"imap.gmail.com\n{text}", own).causes[0].name == "auth.rejected"
    assert (
        diagnose(f"mail.own.example\n{text}", own, provider_of=lambda names: "yahoo").causes[0].name
        == "auth.app_password_required"
    )


def test_a_pattern_of_another_protocol_stands_back() -> None:
    pop3 = PatternSet([Pattern("pop3", "quota", "mbox.inuse", protocol=Protocol.POP3, stage=Stage.MAILBOX)])
    assert diagnose("NO [OVERQUOTA] quota exceeded", pop3).causes[0].name == "mbox.overquota"


def test_a_clients_sentence_about_the_recipient_does_not_hide_a_plea_to_wait() -> None:
    found = diagnose(
        "An error occurred while sending mail. The mail server responded: 4.7.1 please wait. "
        'Please check the message recipient "b@there.example" and try again.'
    )
    assert found.causes[0].name == "smtp.rate_limit"
    assert found.causes[0].confidence < HIGH  # the model's class


def test_codes_that_collide_are_never_believed_alone() -> None:
    assert (
        diagnose("550 5.7.9 This mail has been blocked because the sender is unauthenticated").causes[0].name
        == "sender_auth.unauthenticated"
    )
    assert diagnose("534 5.7.9 Application-specific password required").causes[0].name == "auth.app_password_required"
    assert diagnose("550 5.2.2 Submission quota exceeded").causes[0].name == "smtp.daily_quota"
    assert diagnose("552 5.2.2 Mailbox full").causes[0].name == "rcpt.full"
    assert (
        diagnose("* BYE [OVERQUOTA] Account exceeded command or bandwidth limits.").causes[0].name == "mbox.bandwidth"
    )
    for code in ("550 5.7.9", "550 5.7.30", "550 5.7.3", "550 5.4.6", "550 5.1.1"):
        found = diagnose(f"{code} #4711")
        assert all(cause.confidence < HIGH for cause in found.causes), code


def test_what_was_recognised_is_told() -> None:
    found = diagnose("Login to server imap.example.com with username anna@example.com failed.")
    assert found.hosts == ("imap.example.com",)
    assert found.domain == "example.com"
    assert diagnose("535 5.7.8 Username and Password not accepted - gsmtp").provider == "gmail"
    assert diagnose("550 5.1.1 <b@there.example>: user unknown").domain == ""


def test_rules_that_are_written_wrongly_are_refused() -> None:
    with pytest.raises(ValueError, match="strength"):
        Rules("rcpt.full very\n  full\n")
    assert Rules("rcpt.full exact\n  full\n").hits("mailbox FULL")[0].cause == "rcpt.full"


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("宛先のメールボックスの容量が一杯です", "rcpt.full"),
        ("Почтовый ящик получателя переполнен", "rcpt.full"),
        ("The recipient has blocked you", "rcpt.filtered"),
        ("Frobnication refused", "rcpt.generic"),
    ],
)
def test_the_live_test_reads_the_same_rules(said: str, cause: str) -> None:
    reply = Reply(Protocol.SMTP, "550", "5.0.0", said)
    assert cause_of(reply, Stage.ENVELOPE) == cause
    if cause != "rcpt.generic":
        assert sender_cause(reply) == cause
        assert diagnose(f"550 5.0.0 {said}").causes[0].name == cause


def test_a_clients_own_sentence_brings_no_causes_of_delivery() -> None:
    found = diagnose("メールを受信できません “iCloud”のユーザ名またはパスワードが間違っています。")
    assert [cause.name for cause in found.causes] == ["auth.rejected"]


def test_whole_words_are_marked() -> None:
    assert diagnose("NO LOGIN invalid credentials").causes[0].matched == "invalid credentials"
    assert diagnose("Почтовый ящик переполнен: 552").causes[0].matched.endswith("переполнен")
