"""docs/markup.md names every word, placeholder, block, row and class that exists, and no other."""

import re
from pathlib import Path

from guides.mail.accounts import Account
from guides.markup import WORDS, Situation, compile_text, fill
from guides.markup.vocabulary import BLOCKS, CONDITIONS, LINKS, PLACEHOLDERS, ROWS, TRUE_WHEN_UNKNOWN
from guides.models import Provider

DOCS = (Path(__file__).parent.parent / "docs" / "markup.md").read_text(encoding="utf-8")


def section(title):
    return DOCS.split(f"\n## {title}\n")[1].split("\n## ")[0]


def first_cells(title):
    """The code spans in the first column of a section's table."""
    rows = [row.split(" | ")[0] for row in section(title).split("\n") if row.startswith("| `")]
    return [span for row in rows for span in re.findall(r"`([^`]+)`", row)]


def test_placeholders():
    assert sorted(first_cells("Placeholders")) == sorted(PLACEHOLDERS)


def test_conditions():
    documented = set(first_cells("Conditions"))
    assert documented - {"version:SLUG", "provider:SLUG", "has_link:NAME"} == {
        word for word in CONDITIONS if ":" not in word
    }
    assert all(f"`{name}`" in section("Conditions") for name in LINKS)
    assert all(f"`{word}`" in section("Conditions").split("exactly these are true")[1] for word in TRUE_WHEN_UNKNOWN)


def test_blocks_and_rows():
    blocks = {span.split()[1] for span in first_cells("Blocks") if span.startswith(":::")}
    assert blocks == {*BLOCKS, "elif", "else", "end"}
    assert [span.partition(":")[0] for span in first_cells("Drawn dialogs")] == list(ROWS)


def test_the_example_compiles_and_every_class_is_documented():
    example = section("Drawn dialogs").split("```\n")[1]
    source = example.replace("::: end", "text: x\n::: end") + "{{ link.help }} ## a\n"
    source += "::: warning\n::: note\n::: tip\n::: details d\n::: steps\n::: step {#s} S\n" + "::: end\n" * 6
    nodes = compile_text(source)
    account = Account("x.example", links={"help": "https://x.example/"})
    html = fill(nodes, Situation(account), WORDS)
    assert "provider-link" in html
    for classes in re.findall(r'class="([^"]+)"', html):
        for name in classes.split():
            assert re.search(rf"\.{name}\b", section("What the page receives")), name


def test_a_provider_has_the_links_that_texts_can_name():
    names = {name: f"https://x.example/{name}" for name in LINKS}
    provider = Provider(
        signup_url=names["signup"],
        webmail_url=names["webmail"],
        help_url=names["help"],
        password_url=names["password_page"],
        enable_url=names["enable_page"],
        app_ios_url=names["app_ios"],
        app_android_url=names["app_android"],
    )
    assert provider.links == names
