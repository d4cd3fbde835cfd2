"""The part of `docs/classes.md` that is generated: every class with its meaning, its owners and its article."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from pathlib import Path

import yaml

from guides.mail.diagnosis.classes import ARTICLES, OWNERS, Context, Owners
from guides.mail.diagnosis.meanings import FAMILIES, MEANINGS

BEGIN = "<!-- classes: written by `manage.py classes_document` -->"
END = "<!-- end of classes -->"
HEAD = "| class | meaning | who | article |\n| --- | --- | --- | --- |"


def library_articles(library: Path) -> dict[str, str]:
    """The article of each class, from the library's files."""
    found = {}
    for path in sorted((library / "errors").glob("*/article.yaml")):
        entry = yaml.safe_load(path.read_text(encoding="utf-8"))
        found.update(dict.fromkeys(entry.get("classes", ()), path.parent.name))
    return found


def tables(articles: Mapping[str, str]) -> str:
    """Markdown: a table for each family of classes."""
    parts = []
    for family, names in groupby(OWNERS, key=lambda name: name.partition(".")[0]):
        rows = "\n".join(
            f"| `{name}` | {MEANINGS[name]} | {_who(OWNERS[name])} | {_articles(name, articles.get(name))} |"
            for name in names
        )
        parts.append(f"### `{family}`: {FAMILIES[family]}\n\n{HEAD}\n{rows}")
    return "\n\n".join(parts)


def _who(owners: Owners) -> str:
    """The owner, or the owners with the contexts in which each is told."""
    if len(set(owners)) == 1:
        return f"`{owners[0]}`"
    named: dict[str, list[str]] = {}
    for context, owner in zip(Context, owners, strict=True):
        named.setdefault(owner.value, []).append(context.value)
    return ", ".join(f"`{owner}` ({', '.join(contexts)})" for owner, contexts in named.items())


def _articles(name: str, slug: str | None) -> str:
    others = [f"{_article(ARTICLES[name, context])} ({context})" for context in Context if (name, context) in ARTICLES]
    return ", ".join([_article(slug), *others])


def _article(slug: str | None) -> str:
    return f"[{slug}](../guides/library/errors/{slug}/en.md)" if slug else ""


def renewed(page: str, generated: str, begin: str = BEGIN, end: str = END) -> str:
    """The page with the text between the two marks replaced. Raises ValueError when a mark is missing."""
    before, mark, rest = page.partition(begin)
    _, closing, after = rest.partition(end)
    if not mark or not closing:
        raise ValueError(f"the page needs the marks {begin} and {end}")
    return f"{before}{begin}\n\n{generated}\n\n{end}{after}"
