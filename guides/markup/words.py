"""The words that rendering can add to a text, in English. The site passes their translations to `fill`."""

from __future__ import annotations

from guides.markup.faults import gettext_noop

WORDS: dict[str, str] = {
    # values that are not known
    "unknown.address": gettext_noop("your address"),
    "unknown.local_part": gettext_noop("the part of your address before @"),
    "unknown.domain": gettext_noop("the part of your address after @"),
    "unknown.provider": gettext_noop("your provider"),
    "unknown.username": gettext_noop("the user name your provider gave you"),
    "unknown.app": gettext_noop("the provider's app"),
    "unknown.imap.host": gettext_noop("incoming mail server (IMAP)"),
    "unknown.imap.port": gettext_noop("port for IMAP: usually 993, or 143 with STARTTLS"),
    "unknown.imap.security": gettext_noop(
        "encryption for IMAP: usually SSL/TLS with port 993, or STARTTLS with port 143"
    ),
    "unknown.pop3.host": gettext_noop("incoming mail server (POP3)"),
    "unknown.pop3.port": gettext_noop("port for POP3: usually 995, or 110 with STARTTLS"),
    "unknown.pop3.security": gettext_noop(
        "encryption for POP3: usually SSL/TLS with port 995, or STARTTLS with port 110"
    ),
    "unknown.smtp.host": gettext_noop("outgoing mail server (SMTP)"),
    "unknown.smtp.port": gettext_noop("port for SMTP, 465 or 587"),
    "unknown.smtp.security": gettext_noop("encryption for SMTP: SSL/TLS with port 465, STARTTLS with port 587"),
    # values
    "security.none": gettext_noop("no encryption"),
    "password.password": gettext_noop("password"),
    "password.app_password": gettext_noop("app password"),
    "password.auth_code": gettext_noop("authorisation code"),
    "password.mail_password": gettext_noop("password for mail programs"),
    "password.oauth2": gettext_noop("password, on the provider's own sign-in page"),
    "password.bridge": gettext_noop("password that the provider's bridge program shows"),
    "password.none": gettext_noop("password"),
    # links to the provider's pages, and what stands there when the provider has no such page
    "link.signup": gettext_noop("Open the registration page"),
    "link.webmail": gettext_noop("Open the mailbox in the browser"),
    "link.help": gettext_noop("Open the provider's help page"),
    "link.password_page": gettext_noop("Open the page where this password is made"),
    "link.enable_page": gettext_noop("Open the page where mail clients are switched on"),
    "link.app_ios": gettext_noop("Open the app in the App Store"),
    "link.app_android": gettext_noop("Open the app in Google Play"),
    "no_link.signup": gettext_noop("the provider's registration page"),
    "no_link.webmail": gettext_noop("the provider's web mail"),
    "no_link.help": gettext_noop("the provider's help page"),
    "no_link.password_page": gettext_noop("the security page of your account at the provider"),
    "no_link.enable_page": gettext_noop("the mail settings of your account at the provider"),
    "no_link.app_ios": gettext_noop("the App Store"),
    "no_link.app_android": gettext_noop("Google Play"),
    # boxes without a title of their own
    "box.warning": gettext_noop("Warning"),
    "box.note": gettext_noop("Note"),
    "box.tip": gettext_noop("Tip"),
    # drawn dialogs
    "dialog.window": gettext_noop("Window"),
    "dialog.button": gettext_noop("Button"),
    "dialog.secret": gettext_noop("type here:"),
    "dialog.tick": gettext_noop("tick this box"),
    "dialog.untick": gettext_noop("leave this box empty"),
    "dialog.not": gettext_noop("not"),
    "wrong.address": gettext_noop("only the part before @"),
    "wrong.local_part": gettext_noop("the whole address"),
    "wrong.password": gettext_noop("the password you use on the web"),
    "copy": gettext_noop("Copy"),
}
