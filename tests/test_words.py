"""docs/words.md: texts and translations use one word for each thing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest

ROOT = Path(__file__).parent.parent
LIBRARY = ROOT / "guides" / "library"
FOLDERS = ("errors", "guides", "providers")
SECTIONS = {"en": "English", "ja": "日本語", "ru": "Русский"}

# What repeats others' words: drawn dialogs, bold and quoted labels, link targets, code, and the heads but for
# title and summary.
DIALOG = re.compile(r"^(?:field|choice|secret|tick|untick|button|text): .*$|^::: (?:form|if|elif) .*$", re.MULTILINE)
LABEL = {"en": re.compile(r"“[^”]*”"), "ja": re.compile(r"「[^」]*」"), "ru": re.compile(r"«[^»]*»(?!\*\*)")}
TARGET = re.compile(r"\]\([^)]*\)|`[^`]*`|\{\{[^}]*\}\}|https?://\S+")


def never(language: str) -> list[re.Pattern[str]]:
    """The expressions in the second column of a language's table."""
    section = (ROOT / "docs" / "words.md").read_text(encoding="utf-8").split(f"\n## {SECTIONS[language]}\n")[1]
    rows = [row for row in section.split("\n## ")[0].splitlines() if row.startswith("| ") and "---" not in row][1:]
    cells = [re.split(r"(?<!\\)\|", row)[2] for row in rows]
    return [re.compile(span.replace(r"\|", "|")) for cell in cells for span in re.findall(r"`([^`]+)`", cell)]


def unlabelled(text: str, language: str) -> str:
    """A text with what stands in quotation marks left out."""
    return LABEL[language].sub(lambda found: found[0][0] + found[0][-1], text)


def said(text: str, language: str) -> str:
    """What a text says in its own words."""
    _, head, body = text.split("---\n", 2)
    titles = "\n".join(re.findall(r"^(?:title|summary): (.*)$", head, re.MULTILINE))
    return unlabelled(TARGET.sub("", DIALOG.sub("", f"{titles}\n{body}")), language)


def texts(language: str) -> Iterator[tuple[str, str]]:
    for folder in FOLDERS:
        for path in sorted((LIBRARY / folder).rglob(f"*{language}.md")):
            if path.name.removesuffix(".md").rpartition(".")[2] == language:
                yield str(path.relative_to(LIBRARY)), path.read_text(encoding="utf-8")


@pytest.mark.parametrize("language", SECTIONS)
def test_every_language_has_a_list(language: str) -> None:
    assert len(never(language)) >= 9


@pytest.mark.parametrize("language", SECTIONS)
def test_texts_use_these_words(language: str) -> None:
    found = [
        f"{name}: {match[0]!r} in “…{words[max(0, match.start() - 30) : match.end() + 20]}…”"
        for name, text in texts(language)
        for words in [said(text, language)]
        for pattern in never(language)
        for match in pattern.finditer(words)
    ]
    assert found == []


@pytest.mark.parametrize("language", ["ja", "ru"])
def test_translations_use_these_words(language: str) -> None:
    catalogue = polib.pofile(str(ROOT / "locale" / language / "LC_MESSAGES" / "django.po"))
    found = [
        f"{match[0]!r} in {entry.msgstr!r}"
        for entry in catalogue
        for pattern in never(language)
        for match in pattern.finditer(unlabelled(entry.msgstr, language))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("language", "wrong"),
    [
        ("en", "Open your mail program."),
        ("en", "Choose **File**, **Info**, then wait."),
        ("en", "Take the tick off."),
        ("ja", "提供元のページです。"),
        ("ja", "以前の版では表示されません。"),
        ("ja", "「メール」 の画面です。"),
        ("ru", "Служба не пускает программы."),
        ("ru", "**«Настройки»** → **«Почта»**"),
        ("ru", "Ответ через 20 ms"),
    ],
)
def test_a_wrong_word_is_found(language: str, wrong: str) -> None:
    words = said(f"---\ntitle: x\n---\n{wrong}", language)
    assert any(pattern.search(words) for pattern in never(language))
