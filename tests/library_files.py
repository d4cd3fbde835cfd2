"""A small, right library on disk, which tests then spoil file by file."""

from __future__ import annotations

from pathlib import Path

STEPS = "::: steps\n::: step {#host} Type the server\n{{ incoming.host }}\n::: end\n::: end\n"

PROVIDER = """slug: example
name: Example
password: app_password
password_pattern: '^[a-z]{16}$'
checked_on: 2026-11-24
links: {help: "https://example.net/help"}
domains: [example.net, example.org]
mx_suffixes: [mx.example.net]
servers:
  - {protocol: imap, host: imap.example.net, port: 993, security: tls, auth: [oauth2, password]}
  - {protocol: smtp, host: smtp.example.net, port: 465, security: tls}
sources: [a, "b: c"]
doubts: ["POP3: not known"]
"""

CLIENT = """slug: bird
name: Bird
aliases: [鳥, Птица]
platforms: [Windows, Linux]
reads: [autoconfig]
versions:
  - {slug: new, ja: 新, en: New, ru: Новая, default: true}
  - {slug: old, ja: 旧, en: Old, ru: Старая}
"""

ARTICLE = """owner: visitor
position: 20
classes: [mbox.overquota]
patterns:
  - name: quota
    pattern: '(?i)quota exceeded'
    example: "552 5.2.2 Quota exceeded"
    cause: mbox.overquota
    provider: example
    protocol: smtp
    stage: envelope
  - {name: full, pattern: mailbox full, example: mailbox full, cause: rcpt.full, owner: recipient}
"""


def text(title: str, body: str = STEPS, **head: str) -> str:
    """A published text file."""
    keys = {"title": title, "status": "published", "checked_on": "2026-11-24", **head}
    return "---\n" + "".join(f"{key}: {value}\n" for key, value in keys.items()) + f"---\n{body}"


def write_library(root: Path) -> Path:
    """A provider with a notice, a client with a guide in two languages, a topic, an article with two patterns."""
    files = {
        "providers/example.yaml": PROVIDER,
        "providers/example.en.md": text(
            "First", "Make an app password.\n", password_name="app password", username_name="mailbox number"
        ),
        "clients/bird.yaml": CLIENT,
        "guides/bird/guide.yaml": "kind: client\nclient: bird\nposition: 10\n",
        "guides/bird/en.md": text("Bird", f"::: if version:old\nOld words.\n::: end\n\n{STEPS}"),
        "guides/bird/ja.md": text("鳥"),
        "guides/imap/guide.yaml": "kind: topic\n",
        "guides/imap/ru.md": text("Что такое IMAP"),
        "errors/full/article.yaml": ARTICLE,
        "errors/full/en.md": text("Mailbox full"),
    }
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return root


def spoil(root: Path, name: str, old: str, new: str) -> Path:
    """Replace words of one file; they must be there."""
    path = root / name
    content = path.read_text(encoding="utf-8")
    assert old in content
    path.write_text(content.replace(old, new), encoding="utf-8")
    return path
