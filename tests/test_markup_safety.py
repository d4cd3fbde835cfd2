"""Nothing that an author writes crashes the compiler, and nothing that anybody writes becomes markup of its own."""

import contextlib
import json
import time
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from guides.mail.accounts import Account, Address, PasswordKind, Protocol, Security, Server, UsernameForm
from guides.markup import WORDS, MarkupError, Situation, compile_text, fill
from guides.markup.vocabulary import BLOCKS, CONDITIONS, LINKS, PLACEHOLDERS, ROWS
from tests.tables import each_row

pytestmark = pytest.mark.long

ALLOWED = {
    *(
        "p", "ul", "ol", "li", "a", "br", "hr", "blockquote", "em", "strong", "code", "pre", "h2", "h3", "h4", "h5",
        "h6",
    ),
    *(
        "table", "thead", "tbody", "tr", "th", "td", "div", "details", "summary", "figure", "figcaption", "span",
        "button",
    ),
}  # fmt: skip
ALLOWED_ATTRIBUTES = {
    *("id", "class", "href", "rel", "start", "role", "type", "hidden", "aria-hidden", "data-copy", "data-fill")
}


class Strict(HTMLParser):
    """Fails on tags that do not match, and on any element or attribute that texts cannot have."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open = []  # fmt: skip
        self.text = ""

    def handle_starttag(self, tag, attrs):
        assert tag in ALLOWED
        for name, value in attrs:
            assert name in ALLOWED_ATTRIBUTES
            if name == "href":
                assert value.startswith(("https://", "http://", "mailto:", "/", "#", "?", "./", "../")), value
                assert not value.startswith("//")
        if tag not in ("br", "hr"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def handle_comment(self, data):
        raise AssertionError(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


def parsed(html):
    parser = Strict()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    return parser.text


words = st.sampled_from([*CONDITIONS, "version:v", "provider:p", "nope"])
expressions = st.recursive(
    words,
    lambda inner: st.one_of(
        inner.map("not {}".format),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(" ".join),
        inner.map("({})".format),
    ),
    max_leaves=5,
)
placeholders = st.sampled_from([*PLACEHOLDERS, "nope"]).map("{{{{ {} }}}}".format)
pieces = st.sampled_from(
    [
        *(
            "*",
            "**",
            "_",
            "`",
            "```",
            "~~~",
            "[",
            "](",
            "](/x)",
            "![",
            ")",
            "<",
            ">",
            "&lt;",
            "&",
            "&#xF0000;",
            "\\",
            "\\{{",
            "{{",
            "}}",
        ),
        *(
            "- ",
            "1. ",
            "12. ",
            "> ",
            "    ",
            "  ",
            "|",
            "| - |",
            "---",
            "===",
            "## ",
            " {#a}",
            "{#b}",
            "#",
            " = ",
            " | not: ",
            "\n",
            "\n\n",
        ),
        *(
            "<script>", "</code>", "<https://a.example>", "[a](javascript:x)", "\x02", "\x03", "wzxhzdk:0",
            "klzzwxh:0000", "日本", "é",
        ),
        *("[a]: /b", "[a][b]", ": ", "<!--", "<?", "<![CDATA[", "\t", "\r", "&#2;", "{: #x }", "http://"),
    ]
)  # fmt: skip
prose = st.lists(st.one_of(pieces, placeholders, st.text(max_size=5)), max_size=8).map("".join)
rows = st.tuples(st.sampled_from(ROWS), prose, st.sampled_from(["", " = x", " = {{ imap.host }} | not: y"])).map(
    lambda row: f"{row[0]}: {row[1]}{row[2]}"
)
good = st.recursive(
    st.one_of(prose, st.just("::: form F\nfield: A = {{ address }}\n::: end")),
    lambda inner: st.one_of(
        st.tuples(
            st.sampled_from(["warning", "note", "tip *T*", "details {{ provider }}", "if imap", "if known or has_app"]),
            inner,
        ).map(lambda block: f"::: {block[0]}\n{block[1]}\n::: end"),
        st.lists(inner, max_size=3).map("\n".join),
        inner.map(lambda body: f"::: steps\n::: step {{#s}} S\n{body}\n::: end\n::: end"),
    ),
    max_leaves=6,
)
lines = st.one_of(
    prose,
    rows,
    expressions.map("::: if {}".format),
    expressions.map("::: elif {}".format),
    st.sampled_from(
        ["::: else", "::: end", "::: end", "::: end", "::: step {#s} Title", "::: form Window", "::: steps"]
    ),
    st.tuples(st.sampled_from([*BLOCKS, "nope", ""]), prose).map(lambda block: f"::: {block[0]} {block[1]}"),
)
sources = st.one_of(st.lists(lines, max_size=12).map("\n".join), good, st.text(max_size=200))

HOSTILE = [
    "<script>alert(1)</script>", "\"'><img src=x onerror=alert(1)>", "&lt;b&gt;", "javascript:alert(1)",
    "{{ address }}", "</code>",
]  # fmt: skip
hostile = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=20))


@st.composite
def situations(draw):
    """A reader whose provider's entry, name and address are whatever an attacker likes."""
    form, security = st.sampled_from(UsernameForm), st.sampled_from(Security)
    servers = st.builds(Server, st.sampled_from(Protocol), hostile, st.integers(1, 65535), security, form)
    account = Account(
        domain=draw(hostile),
        address=None,
        provider=draw(st.none() | hostile),
        provider_name=draw(hostile),
        password=draw(st.sampled_from(PasswordKind)),
        servers=tuple(draw(st.lists(servers, max_size=3))),
        must_enable=draw(st.booleans()),
        links=draw(st.dictionaries(st.sampled_from(LINKS), st.one_of(hostile, hostile.map("https://".__add__)))),
    )
    return Situation(
        account,
        draw(st.sampled_from([Protocol.IMAP, Protocol.POP3])),
        draw(st.sampled_from(["", "v"])),
        draw(st.none() | st.builds(Address, hostile, hostile)),
        draw(hostile),
        draw(hostile),
        draw(hostile),
    )


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sources, st.booleans())
@example("::: if (((", False)
@example("[a](/\\\\b)\n> - `{{ address }}`", False)
@example("&#xF0000;{{ address }}&#xF0001;", False)
def test_a_source_is_compiled_or_refused_with_its_lines(source, require_steps):
    faults = None
    try:
        nodes = compile_text(source, versions=["v"], providers=["p"], require_steps=require_steps)
    except MarkupError as error:
        faults = error.faults
    if faults is not None:
        count = source.replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1
        assert faults
        assert all(1 <= fault.line <= count and str(fault) for fault in faults)
        return
    assert json.loads(json.dumps(nodes)) == nodes
    for situation in (Situation.for_unknown(), Situation(Account("x.example", provider="p"), Protocol.POP3, "v")):
        parsed(fill(nodes, situation, WORDS))


ALL_PLACEHOLDERS = compile_text(
    "\n\n".join(f"x {{{{ {name} }}}} *{{{{ {name} }}}}*" for name in PLACEHOLDERS)
    + "\n::: form {{ provider }}\n"
    + "\n".join(
        f"field: {{{{ {n} }}}} = {{{{ {n} }}}} | not: {{{{ {n} }}}}" for n in PLACEHOLDERS if not n.startswith("link")
    )
    + "\n::: end",
    require_steps=False,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(situations(), hostile)
def test_hostile_values_stay_text(situation, word):
    html = fill(ALL_PLACEHOLDERS, situation, dict.fromkeys(WORDS, word))
    text = parsed(html)
    for value in (situation.account.provider_name, situation.password_name, situation.app_name):
        if value.strip() and "\r" not in value and "\0" not in value:
            assert value in text
    # Without what the portal writes itself, no markup is left.
    empty = fill(
        ALL_PLACEHOLDERS, replace(situation, account=replace(situation.account, links={})), dict.fromkeys(WORDS, "")
    )
    assert "<script" not in empty
    assert "<img" not in empty


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(good, situations())
def test_any_text_with_any_values_has_matching_tags(source, situation):
    try:
        nodes = compile_text(source, require_steps=False)
    except MarkupError:
        assume(False)
    html = fill(nodes, situation, WORDS)
    parsed(html)
    assert "<script" not in html
    assert "<img" not in html


@each_row(
    "source",
    [
        *(
            "[" * 99_999,
            "[a](" * 24_999,
            "[a](/b)" * 14_000,
            "*a " * 33_000,
            "`a``b" * 19_999,
            "> " * 3_000 + "x",
            ">" * 99_999,
        ),
        *(
            "_a" * 49_999,
            "<" * 99_999,
            "![" * 49_999,
            "\\" * 99_999,
            "\\{{" * 33_000,
            "a\n\n" * 33_000,
            "{{ address }} " * 7_000,
            "[a](((" * 16_000,
        ),
        *(
            "\n".join("  " * level + "- a" for level in range(300)),
            "|a" * 300 + "\n" + "|-" * 300 + ("\n" + "|a" * 300) * 100,
        ),
        *(
            "::: note\n" * 11_000,
            "::: nope\n" * 11_000,
            "{{ nope }}\n" * 9_000,
            "## a {#a}\n" * 9_999,
            "::: if imap\n::: end\n" * 4_999,
        ),
        *(
            "::: if " + "not " * 20_000 + "imap",
            "::: if " + "(" * 90_000,
            "::: form F\nfield: a = " + " | not:" * 12_000,
        ),
    ],
)
def test_no_source_of_the_allowed_size_takes_long(source):
    assert len(source) <= 100_000
    start = time.process_time()
    with contextlib.suppress(MarkupError):
        compile_text(source, require_steps=False)
    assert time.process_time() - start < 10
