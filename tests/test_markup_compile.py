"""What authors write, and what becomes of it: Markdown, blocks, rows, and each fault with its line."""

import json

import pytest

from guides.mail.accounts import Account, PasswordKind, Protocol, Security, Server
from guides.markup import MESSAGES, WORDS, Fault, MarkupError, Situation, compile_text, fill
from tests.tables import each_row

MAIL_RU = Account(
    domain="mail.ru",
    provider="mail-ru",
    provider_name="Mail.ru",
    password=PasswordKind.APP_PASSWORD,
    servers=(
        Server(Protocol.IMAP, "imap.mail.ru", 993, Security.TLS),
        Server(Protocol.POP3, "pop.mail.ru", 995, Security.TLS),
        Server(Protocol.SMTP, "smtp.mail.ru", 465, Security.TLS),
    ),
)


def html(source: str, situation: Situation | None = None) -> str:
    """The page part that a source without required steps gives at Mail.ru."""
    return fill(compile_text(source, require_steps=False), situation or Situation(MAIL_RU), WORDS)


def faults(source: str, *, versions: tuple[str, ...] = (), providers: tuple[str, ...] = (), steps: bool = False):
    """The faults of a source: (line, code) pairs."""
    with pytest.raises(MarkupError) as caught:
        compile_text(source, versions=versions, providers=providers, require_steps=steps)
    for fault in caught.value.faults:
        assert str(fault)
        assert f"line {fault.line}: {fault}" in str(caught.value)
    return [(fault.line, fault.code) for fault in caught.value.faults]


def test_it_works():
    source = """\
## Before you start {#before}

Sign in at *{{ provider }}*.

::: steps
::: step {#type} Type **this**
Your server:
- {{ incoming.host }}
- port {{ incoming.port }}
::: end
::: end
"""
    nodes = compile_text(source)
    assert json.loads(json.dumps(nodes)) == nodes
    assert fill(nodes, Situation(MAIL_RU), WORDS).split("\n") == [
        '<h2 id="before">Before you start</h2>', '<p>Sign in at <em>Mail.ru</em>.</p><ol class="steps">',
        '<li class="step" id="type"><h3>Type <strong>this</strong></h3>', "<p>Your server:</p>", "<ul>",
        '<li><code class="value">imap.mail.ru</code></li>', '<li>port <code class="value">993</code></li>',
        "</ul></li>", "</ol>", "",
    ]  # fmt: skip


# --- Markdown -----------------------------------------------------------------------------------


@each_row(
    ("source", "expected"),
    [
        ("a **b** `c<d`", "<p>a <strong>b</strong> <code>c&lt;d</code></p>"),
        ("**重要**です", "<p><strong>重要</strong>です</p>"),
        ("日本語の\n文章", "<p>日本語の文章</p>"),
        ("two\nwords", "<p>two\nwords</p>"),
        ("a\n1. b\n2. c", "<p>a</p>\n<ol>\n<li>b</li>\n<li>c</li>\n</ol>"),
        ("since\n1998. It", "<p>since\n1998. It</p>"),
        ("- a\n  - b\n- c", "<ul>\n<li>a<ul>\n<li>b</li>\n</ul>\n</li>\n<li>c</li>\n</ul>"),
        ("- a\n    - b", "<ul>\n<li>a<ul>\n<li>b</li>\n</ul>\n</li>\n</ul>"),
        ("1. a\n   - b", "<ol>\n<li>a<ul>\n<li>b</li>\n</ul>\n</li>\n</ol>"),
        ("3. c", '<ol start="3">\n<li>c</li>\n</ol>'),
        ("- a\n\n  b\n\nc", "<ul>\n<li>\n<p>a</p>\n<p>b</p>\n</li>\n</ul>\n<p>c</p>"),
        ("      far in", "<p>far in</p>"),
        ("> said", "<blockquote>\n<p>said</p>\n</blockquote>"),
        ("a\n\n* * *", "<p>a</p>\n<hr>"),
        ("[a](/en/guides/)", '<p><a href="/en/guides/">a</a></p>'),
        ("[a](#b)", '<p><a href="#b">a</a></p>'),
        ("[a](mailto:b@c.example)", '<p><a href="mailto:b@c.example">a</a></p>'),
        ("[a](https://b/?c=(d)&e)", '<p><a href="https://b/?c=(d)&amp;e" rel="noopener external">a</a></p>'),
        ("<https://b.example/>", '<p><a href="https://b.example/" rel="noopener external">https://b.example/</a></p>'),
        ("<anna@example.net>: 550", "<p>&lt;anna@example.net&gt;: 550</p>"),
        ("[x] and [y][z]", "<p>[x] and [y][z]</p>"),
        ("<b onclick=x>y</b>", "<p>&lt;b onclick=x&gt;y&lt;/b&gt;</p>"),
        ("<div>\n\nx\n\n</div>", "<p>&lt;div&gt;</p>\n<p>x</p>\n<p>&lt;/div&gt;</p>"),
        ("```\n# <x>\n::: steps\n\\{{ y\n```", "<pre><code># &lt;x&gt;\n::: steps\n{{ y</code></pre>\n"),
        ("[a](/\\{{b)", '<p><a href="/{{b">a</a></p>'),
        ("\\{{ address }} and `\\{{`", "<p>{{ address }} and <code>{{</code></p>"),
        ("Title\n---", "<p>Title</p>\n<hr>"),
        ("#1 is no heading", "<p>#1 is no heading</p>"),
    ],
)
def test_markdown(source, expected):
    assert html(source) == expected


def test_table():
    assert html("| a | b |\n| - | -: |\n| {{ imap.port }} | x |") == (
        "<table>\n<thead>\n<tr>\n<th>a</th>\n<th>b</th>\n</tr>\n</thead>\n"
        '<tbody>\n<tr>\n<td><code class="value">993</code></td>\n<td>x</td>\n</tr>\n</tbody>\n</table>'
    )


@pytest.mark.parametrize(
    "target",
    [
        *(
            "javascript:alert(1)", "JAVASCRIPT:x", "data:text/html,x", "ftp://a", "vbscript:x", "javascript\\:x",
            "https:/a",
        ),
        *("//evil.example", "/\\evil.example", "x.html"),
    ],
)  # fmt: skip
def test_link_targets_that_are_refused(target):
    assert faults(f"a\n\nb [c]({target})") == [(3, "link_target")]


@pytest.mark.parametrize("target", ["", "http:\\\\a", "&#106;avascript:x", "java&#115;cript:x"])
def test_link_targets_that_markdown_rewrites_are_refused_too(target):
    """The line is then that of the paragraph's run: the target is not in the source as it was read."""
    assert faults(f"a\n\nb [c]({target})") == [(1, "link_target")]


def test_pictures_are_refused():
    assert faults("a\n\nb ![c](/d.png)") == [(3, "picture")]


def test_author_cannot_smuggle_a_placeholder_as_a_character_reference():
    assert faults("&#xF0000;") == [(1, "character")]
    assert faults("{{ address }} &#983040;") == [(1, "character")]
    assert faults("{{ address }} [a](/b&#xF0000;)") == [(1, "placeholder_in_link")]
    assert html("[a](/b&#xFFFFD;)") == '<p><a href="/b\U000ffffd">a</a></p>'
    assert html("{{ provider }} [a](/b) &eacute;") == '<p>Mail.ru <a href="/b">a</a> é</p>'


# --- blocks -------------------------------------------------------------------------------------


def test_boxes_have_a_title_or_a_word():
    assert html("::: warning\nx\n::: end") == (
        '<div class="box box-warning" role="note"><p class="box-title">Warning</p>\n<p>x</p></div>\n'
    )
    assert '<p class="box-title">At <em>Mail.ru</em></p>' in html("::: tip At *{{ provider }}*\nx\n::: end")


def test_details():
    assert html("::: details More\nx\n::: end") == "<details><summary>More</summary>\n<p>x</p></details>\n"


def test_what_shows_nothing_leaves_no_trace():
    source = "::: note Title\n::: if pop3\nx\n::: end\n::: end\n"
    assert html(source) == ""
    assert "Title" in html(source, Situation(MAIL_RU, Protocol.POP3))


def test_steps_of_one_block_are_one_list_whatever_is_hidden():
    source = """\
::: steps
  ::: step {#a} A
  ::: end

  ::: if pop3
    ::: step {#b} B
    ::: end
  ::: elif imap and not pop3
    ::: step {#b} I
    ::: end
  ::: end
  ::: step {#c} C
      Indented text.
  ::: end
::: end
"""
    text = html(source)
    assert text.count("<ol") == 1
    assert [part.split("</h3>")[0] for part in text.split("<h3>")[1:]] == ["A", "I", "C"]
    assert "<p>Indented text.</p>" in text
    pop3 = html(source, Situation(MAIL_RU, Protocol.POP3))
    assert [part.split("</h3>")[0] for part in pop3.split("<h3>")[1:]] == ["A", "B", "C"]


def test_else_is_shown_when_nothing_before_it_holds():
    source = "::: if oauth2\na\n::: elif bridge\nb\n::: else\nc\n::: end"
    assert html(source) == "<p>c</p>"


# --- drawn dialogs ------------------------------------------------------------------------------

FORM = """\
::: form Account *settings*
text: Type this:
field: Incoming {{ incoming.protocol }} server = {{ incoming.host }}
field: Port and security = {{ incoming.port }} {{ incoming.security }}
choice: Encryption = {{ incoming.security }} | not: STARTTLS | not: None
secret: Password = {{ password.name }}
tick: Requires authentication
untick: Require logon using SPA
button: Next | not: Cancel
::: end
"""


COLON = '<span class="visually-hidden">: </span>'
VALUE = f'{COLON}</span> <span class="row-value">'
MARK = '<span class="mark" aria-hidden="true"></span><span class="row-label">'
DOTS = '<span class="dots" aria-hidden="true">••••••••</span>'
NOT = '<span class="wrong"><span class="wrong-mark">not</span>'
COPY = f'<button type="button" class="copy" data-copy hidden>Copy{COLON[:-7]}'


def test_dialog():
    expected = f"""\
<figure class="dialog"><figcaption><span class="visually-hidden">Window: </span>Account <em>settings</em></figcaption>
<ul class="dialog-rows" role="list">
<li class="row row-text">Type this:</li>
<li class="row row-field"><span class="row-label">Incoming IMAP server{VALUE}<code class="value">imap.mail.ru</code> \
{COPY}Incoming IMAP server</span></button></span></li>
<li class="row row-field"><span class="row-label">Port and security{VALUE}<code class="value">993</code> \
<code class="value">SSL/TLS</code></span></li>
<li class="row row-choice"><span class="row-label">Encryption{VALUE}<code class="value">SSL/TLS</code> \
{NOT} STARTTLS</span> {NOT} None</span></span></li>
<li class="row row-secret"><span class="row-label">Password{VALUE}{DOTS} \
<span class="row-hint">type here: app password</span> {NOT} the password you use on the web</span></span></li>
<li class="row row-tick">{MARK}Requires authentication</span>{COLON} <span class="row-hint">tick this box</span></li>
<li class="row row-untick">{MARK}Require logon using SPA</span>{COLON} \
<span class="row-hint">leave this box empty</span></li>
<li class="row row-button"><span class="visually-hidden">Button: </span>\
<span class="dialog-button">Next</span> {NOT} Cancel</span></li>
</ul></figure>
"""
    assert html(FORM) == expected


def test_rows_may_depend_on_conditions():
    source = "::: form F\n::: if pop3\nbutton: POP\n::: else\nbutton: IMAP\n::: end\n::: end"
    assert "IMAP" in html(source)
    assert "POP" not in html(source)


# --- faults -------------------------------------------------------------------------------------


@each_row(
    ("source", "expected"),
    [
        ("a\n\x00", [(2, "character")]),
        ("a\n\U000f0000\n\ue000 \ud800", [(2, "character"), (3, "character"), (3, "character")]),
        ("x" * 100_001, [(1, "too_long")]),
        ("я" * 50_001, [(1, "too_long")]),
        ("::: note\n" * 13 + "x\n" + "::: end\n" * 13, [(13, "too_nested")]),
        ("::: stpes\n::: end", [(1, "unknown_block_near")]),
        ("::: qqq\n::: end", [(1, "unknown_block")]),
        (":::\n::: end", [(1, "nameless_block")]),
        ("a\n::: note\nb\n::: note", [(2, "unclosed_block"), (4, "unclosed_block")]),
        ("a\n::: end", [(2, "stray_end")]),
        ("::: else\n::: elif imap", [(1, "stray_branch"), (2, "stray_branch")]),
        ("::: note\n::: else\nx\n::: end", [(2, "stray_branch")]),
        (
            "::: if imap\na\n::: else\nb\n::: elif pop3\n::: else\n::: end",
            [(5, "branch_after_else"), (6, "branch_after_else")],
        ),
        ("::: if imap\na\n::: else pop3\nb\n::: end if", [(3, "unexpected_words"), (5, "unexpected_words")]),
        ("::: steps all\n::: step {#a} A\n::: end\n::: end", [(1, "unexpected_words")]),
        ("::: details\nx\n::: end", [(1, "missing_title")]),
        ("::: form\nbutton: a\n::: end", [(1, "missing_title")]),
        ("::: steps\n::: step {#a}\n::: end\n::: end", [(2, "missing_title")]),
        ("::: steps\n::: step A\n::: end\n::: end", [(2, "missing_id")]),
        ("::: steps\n::: step {#A b} A\n::: end\n::: end", [(2, "bad_id")]),
        ("::: steps\n\n::: end", [(1, "steps_empty")]),
        ("::: steps\n::: if imap\n::: end\n::: end", [(1, "steps_empty")]),
        ("::: step {#a} A\n::: end", [(1, "step_outside")]),
        ("::: steps\n::: step {#a} A\n::: step {#b} B\n::: end\n::: end\n::: end", [(3, "step_outside")]),
        (
            "::: steps\n::: step {#a} A\n::: steps\n::: step {#b} B\n::: end\n::: end\n::: end\n::: end",
            [(3, "steps_in_steps")],
        ),
        ("::: steps\ntext\n::: step {#a} A\n::: end\n## H {#h}\n::: end", [(2, "only_steps"), (5, "only_steps")]),
        ("::: steps\n::: step {#a} A\n::: end\n::: note\n::: end\n::: end", [(4, "only_steps")]),
        ("::: form F\n::: end", [(1, "form_empty")]),
        ("::: form F\nbutton: a\n::: form G\nbutton: b\n::: end\n::: end", [(3, "form_in_form")]),
        ("::: form F\nbutton: a\n::: note\nx\n::: end\n::: end", [(3, "only_rows")]),
        ("::: form F\nfeild: a = b\n::: end", [(1, "form_empty"), (2, "unknown_row_near")]),
        ("::: form F\njust words\nbutton: x\n::: end", [(2, "unknown_row")]),
        (
            "::: form F\nfield: a\nchoice: b =\nsecret: = c\n::: end",
            [(2, "row_without_value"), (3, "row_without_value"), (4, "row_without_label")],
        ),
        ("::: form F\nbutton:\n::: end", [(2, "row_without_label")]),
        ("::: form F\ntick: a | not: b\n::: end", [(2, "row_with_wrong_choice")]),
        ("::: form F\nchoice: a = b | not:\n::: end", [(2, "row_empty_wrong_choice")]),
        ("::: form F\nsecret: a = {{ address }}\n::: end", [(2, "value_in_secret")]),
        ("::: form F\nfield: a = {{ link.help }}\n::: end", [(2, "link_in_title")]),
        ("## A", [(1, "missing_id")]),
        ("## {#a}", [(1, "missing_title")]),
        ("# A {#a}", [(1, "heading_level")]),
        ("::: steps\n::: step {#a} A\n### B {#b}\n#### C {#c}\n::: end\n::: end", [(3, "heading_level")]),
        ("## A {#a}\n\n## B {#a}", [(3, "double_id")]),
        ("::: if imap\n## A {#a}\n::: else\n## A {#a}\n::: end\n## A {#a}", [(6, "double_id")]),
        ("a\n```\nb", [(2, "unclosed_code")]),
        ("a\nb {{ adress }}", [(2, "unknown_placeholder_near")]),
        ("{{ zzzz }}", [(1, "unknown_placeholder")]),
        ("a\n\nb {{ address", [(3, "unclosed_placeholder")]),
        ("a\n`{{ address }}`", [(2, "placeholder_in_code")]),
        ("```\na\n{{ address }}\n```", [(3, "placeholder_in_code")]),
        ("a\n[b](https://c/{{domain}})", [(2, "placeholder_in_link")]),
        ("[a {{ link.help }}](https://c/)", [(1, "link_in_link")]),
        ("| a |\n| - |\n| b | {{ address }} |", [(3, "placeholder_lost")]),
        ("::: note {{ link.help }}\nx\n::: end", [(1, "link_in_title")]),
        ("## See [b](/c) {#a}", [(1, "link_in_title")]),
        ("::: if\nx\n::: end", [(1, "condition_empty")]),
    ],
)
def test_faults(source, expected):
    assert faults(source) == expected


def test_all_faults_are_told_at_once_in_the_order_of_lines():
    source = "{{ nope }}\n::: if imapp\n# A\n::: end\n::: form F\nx\n::: end"
    assert faults(source) == [
        (1, "unknown_placeholder"),
        (2, "unknown_word_near"),
        (3, "heading_level"),
        (3, "missing_id"),
        (5, "form_empty"),
        (6, "unknown_row"),
    ]


def test_a_fault_names_what_is_wrong_and_what_was_meant():
    with pytest.raises(MarkupError) as caught:
        compile_text("{{ adress }}", require_steps=False)
    fault = caught.value.faults[0]
    assert fault == Fault(1, "unknown_placeholder_near", {"name": "adress", "near": "address"})
    assert str(fault) == "“adress” is not a placeholder. Is “address” meant?"
    assert str(caught.value) == f"line 1: {fault}"


def test_a_file_that_is_no_text_gives_a_bounded_report():
    with pytest.raises(MarkupError) as caught:
        compile_text("\n".join(f"{{{{ {number}{'x' * 300} }}}}" for number in range(200)), require_steps=False)
    assert len(caught.value.faults) == 100
    assert all(len(str(fault)) < 300 for fault in caught.value.faults)


def test_line_ends_of_all_systems():
    assert faults("a\r\n\r\n{{ x\r\n") == [(3, "unclosed_placeholder")]
    assert html("a\rb") == "<p>a\nb</p>"


def test_every_message_has_its_parameters_named():
    for code, message in MESSAGES.items():
        assert message.replace("%(", "").count("%") == 0, code
