"""Rendering compiled nodes for a situation as safe HTML, per request. Values are escaped here and nowhere else.

Nodes are: a string of safe HTML; `{"put": placeholder}`; `{"word": key}`; `{"if": [[condition, nodes], ...]}`;
`{"wrap": [before, nodes, after]}`, which is omitted when `nodes` are empty; `{"copy": placeholder, "label": nodes}`;
`{"wrong": placeholder}`, the choice that is often mistaken for the value of that placeholder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from guides.mail.accounts import Security, Server, UsernameForm, display_domain
from guides.markup.conditions import holds
from guides.markup.situation import Situation
from guides.markup.vocabulary import PLACEHOLDERS, PlaceholderKind

_SECURITY_NAMES = {Security.TLS: "SSL/TLS", Security.STARTTLS: "STARTTLS"}
_WRONG_SECURITIES = {Security.TLS: "STARTTLS", Security.STARTTLS: "SSL/TLS"}
# Words of conditions: the password in a mail client is not the one of the website.
MADE_FOR_CLIENTS = frozenset({"app_password", "auth_code", "mail_password", "bridge"})


def fill(nodes: Sequence[Any], situation: Situation, words: Mapping[str, str]) -> str:
    """The HTML of a compiled text for one situation. `words` is `WORDS`, translated."""
    parts: list[str] = []
    _Filler(situation, words).write(nodes, parts)
    return "".join(parts)


class _Filler:
    """Renders one text; each value is rendered once."""

    def __init__(self, situation: Situation, words: Mapping[str, str]) -> None:
        self.situation = situation
        self.words = words
        self.truths = situation.truths()
        self.values: dict[str, str] = {}

    def write(self, nodes: Sequence[Any], parts: list[str]) -> None:
        """Append the HTML of `nodes` to `parts`."""
        for node in nodes:
            if isinstance(node, str):
                parts.append(node)
            elif "put" in node:
                parts.append(self.value(node["put"]))
            elif "if" in node:
                for condition, branch in node["if"]:
                    if holds(condition, self.truths):
                        self.write(branch, parts)
                        break
            elif "wrap" in node:
                before, content, after = node["wrap"]
                inner: list[str] = []
                self.write(content, inner)
                if any(part and not part.isspace() for part in inner):
                    self.write(before, parts)
                    parts += inner
                    self.write(after, parts)
            elif "word" in node:
                parts.append(self.word(node["word"]))
            elif "wrong" in node:
                self.wrong_choice(node["wrong"], parts)
            else:
                self.copy_button(node["copy"], node["label"], parts)

    def word(self, key: str) -> str:
        return escape(self.words[key])

    def value(self, name: str) -> str:
        """The HTML of a placeholder."""
        if name not in self.values:
            self.values[name] = self._make(name)
        return self.values[name]

    def copy_button(self, name: str, label: Sequence[Any], parts: list[str]) -> None:
        """A button that copies the value in its row, if the value is known or the browser can insert it."""
        value = self.value(name)
        if value.startswith("<code"):
            parts.append(f' <button type="button" class="copy" data-copy hidden>{self.word("copy")}')
            parts.append('<span class="visually-hidden">: ')
            self.write(label, parts)
            parts.append("</span></button>")

    def wrong_choice(self, name: str, parts: list[str]) -> None:
        """What is often taken for a value, crossed out; nothing where the right value is not known."""
        if wrong := self._mistaken_for(name):
            mark = f'<span class="wrong-mark">{self.word("dialog.not")}</span>'
            parts.append(f' <span class="wrong">{mark} {wrong}</span>')

    def _mistaken_for(self, name: str) -> str:
        group, _, key = name.partition(".")
        if name == "password.name":
            return self.word("wrong.password") if self.truths & MADE_FOR_CLIENTS else ""
        server = self.situation.server(group) if key in ("security", "username") else None
        if server is None:
            return ""
        if key == "username":
            return self.word(f"wrong.{server.username}") if server.username is not UsernameForm.OTHER else ""
        return _WRONG_SECURITIES.get(server.security, "")

    # --- values ---------------------------------------------------------------------------------

    def _make(self, name: str) -> str:
        account = self.situation.account
        group, _, key = name.partition(".")
        match PLACEHOLDERS[name]:
            case PlaceholderKind.ADDRESS:
                return self._address()
            case PlaceholderKind.LOCAL_PART:
                return self._local_part()
            case PlaceholderKind.DOMAIN:
                return escape(self._domain()) or self._unknown("domain")
            case PlaceholderKind.PROVIDER:
                return escape(account.provider_name or self._domain()) or self._unknown("provider")
            case PlaceholderKind.PASSWORD_NAME:
                return escape(self.situation.password_name) or self.word(f"password.{account.password}")
            case PlaceholderKind.PROTOCOL:
                return self.situation.chosen.name
            case PlaceholderKind.USERNAME:
                return self._username(group)
            case PlaceholderKind.LINK:
                return self._link(key)
            case PlaceholderKind.APP_NAME:
                return escape(self.situation.app_name) or self._unknown("app")
            case _:
                return self._server_value(group, key)

    def _server_value(self, group: str, key: str) -> str:
        server = self.situation.server(group)
        if server is None:
            protocol = self.situation.chosen if group == "incoming" else group
            return self._unknown(f"{protocol}.{key}")
        if key == "host":
            return _code(server.host)
        if key == "port":
            return _code(str(server.port))
        if server.security is Security.NONE:
            return self.word("security.none")
        return _code(_SECURITY_NAMES[server.security])

    def _username(self, group: str) -> str:
        server = self.situation.server(group)
        form = server.username if server else UsernameForm.ADDRESS
        if form is UsernameForm.ADDRESS:
            return self._address()
        if form is UsernameForm.LOCAL_PART:
            return self._local_part()
        if server and server.username_template:
            return self._templated(server)
        name = escape(self.situation.username_name)
        return f'<span class="value-unknown">{name}</span>' if name else self._unknown("username")

    def _templated(self, server: Server) -> str:
        mailbox = self.situation.mailbox
        if mailbox:
            address = f"{mailbox.local_part}@{mailbox.display_domain}"
            name = server.username_with(address, mailbox.local_part, mailbox.display_domain)
        else:
            address, local_part = (f"‹{self.words[f'unknown.{key}']}›" for key in ("address", "local_part"))
            name = server.username_with(address, local_part, self._domain() or f"‹{self.words['unknown.domain']}›")
        return _code(name, server.username_template, unknown=mailbox is None)

    def _address(self) -> str:
        mailbox = self.situation.mailbox
        if mailbox:
            return _code(f"{mailbox.local_part}@{mailbox.display_domain}", "address")
        domain = self._domain()
        return _code(f"…@{domain}" if domain else self.words["unknown.address"], "address", unknown=True)

    def _local_part(self) -> str:
        mailbox = self.situation.mailbox
        if mailbox:
            return _code(mailbox.local_part, "local_part")
        return _code(self.words["unknown.local_part"], "local_part", unknown=True)

    def _domain(self) -> str:
        mailbox = self.situation.mailbox
        return display_domain(mailbox.domain if mailbox else self.situation.account.domain)

    def _link(self, name: str) -> str:
        url = self.situation.link(name)
        if url is None:
            return self.word(f"no_link.{name}")
        return f'<a class="provider-link" href="{escape(url)}" rel="noopener external">{self.word(f"link.{name}")}</a>'

    def _unknown(self, key: str) -> str:
        return f'<span class="value-unknown">{self.word(f"unknown.{key}")}</span>'


def _code(value: str, fills: str = "", *, unknown: bool = False) -> str:
    """A technical value. `fills` is what the browser inserts when only it knows the address."""
    classes = "value value-unknown" if unknown else "value"
    attribute = f' data-fill="{escape(fills)}"' if fills else ""
    return f'<code class="{classes}"{attribute}>{escape(value)}</code>'
