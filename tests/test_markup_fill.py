"""What a reader's situation puts into a text."""

import re
import time
from dataclasses import replace

import pytest

from guides.mail.accounts import Account, Address, AuthMethod, PasswordKind, Protocol, Security, Server, UsernameForm
from guides.markup import WORDS, Situation, compile_text, fill
from guides.markup.vocabulary import LINKS, PLACEHOLDERS

IMAP = Server(Protocol.IMAP, "imap.x.example", 993, Security.TLS)
POP3 = Server(Protocol.POP3, "pop.x.example", 110, Security.STARTTLS, UsernameForm.LOCAL_PART)
SMTP = Server(Protocol.SMTP, "smtp.x.example", 25, Security.NONE, UsernameForm.OTHER)
ACCOUNT = Account("x.example", None, "x", "X Mail", PasswordKind.AUTH_CODE, (IMAP, POP3, SMTP))
ANNA = Address("anna", "x.example")


def filled(name, situation):
    text = fill(compile_text(f"{{{{ {name} }}}}", require_steps=False), situation, WORDS)
    return text.removeprefix("<p>").removesuffix("</p>")


def code(value, fills=""):
    return f'<code class="value"{f" data-fill={chr(34)}{fills}{chr(34)}" if fills else ""}>{value}</code>'


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("address", code("anna@x.example", "address")),
        ("local_part", code("anna", "local_part")),
        ("domain", "x.example"),
        ("provider", "X Mail"),
        ("password.name", "authorisation code"),
        ("incoming.protocol", "IMAP"),
        ("incoming.host", code("imap.x.example")),
        ("incoming.port", code("993")),
        ("incoming.security", code("SSL/TLS")),
        ("incoming.username", code("anna@x.example", "address")),
        ("imap.host", code("imap.x.example")),
        ("pop3.port", code("110")),
        ("pop3.security", code("STARTTLS")),
        ("pop3.username", code("anna", "local_part")),
        ("smtp.host", code("smtp.x.example")),
        ("smtp.security", "no encryption"),
        ("smtp.username", '<span class="value-unknown">the user name your provider gave you</span>'),
        ("link.help", "the provider's help page".replace("'", "&#x27;")),
        ("app.name", '<span class="value-unknown">the provider&#x27;s app</span>'),
    ],
)
def test_known_provider_and_address(name, expected):
    assert filled(name, Situation(ACCOUNT, address=ANNA)) == expected
    assert filled(name, Situation(ACCOUNT.with_address(ANNA))) == expected


def test_pop3():
    situation = Situation(ACCOUNT, Protocol.POP3, address=ANNA)
    assert filled("incoming.protocol", situation) == "POP3"
    assert filled("incoming.host", situation) == code("pop.x.example")
    assert filled("incoming.username", situation) == code("anna", "local_part")


def test_the_address_is_left_to_the_browser_when_the_server_does_not_know_it():
    unknown = '<code class="value value-unknown" data-fill="{}">{}</code>'
    situation = Situation(ACCOUNT)
    assert filled("address", situation) == unknown.format("address", "…@x.example")
    assert filled("incoming.username", situation) == unknown.format("address", "…@x.example")
    assert filled("pop3.username", situation) == unknown.format("local_part", "the part of your address before @")
    assert filled("address", Situation.for_unknown()) == unknown.format("address", "your address")


def test_unknown_domain():
    situation = Situation.for_unknown("münchen.example".encode("idna").decode())
    unknown = '<span class="value-unknown">{}</span>'
    assert not situation.known
    assert filled("domain", situation) == filled("provider", situation) == "münchen.example"
    assert filled("incoming.host", situation) == unknown.format("incoming mail server (IMAP)")
    assert filled("incoming.port", situation) == unknown.format("port for IMAP: usually 993, or 143 with STARTTLS")
    assert filled("smtp.security", situation) == unknown.format(
        "encryption for SMTP: SSL/TLS with port 465, STARTTLS with port 587"
    )
    assert filled("password.name", situation) == "password"
    assert "incoming mail server (POP3)" in filled("incoming.host", replace(situation, protocol=Protocol.POP3))
    nobody = Situation.for_unknown()
    assert filled("domain", nobody) == unknown.format("the part of your address after @")
    assert filled("provider", nobody) == unknown.format("your provider")


def test_a_name_of_its_own_for_the_password_and_the_app():
    situation = Situation(ACCOUNT, password_name="пароль для внешнего приложения", app_name="X & Y")
    assert filled("password.name", situation) == "пароль для внешнего приложения"
    assert filled("app.name", situation) == "X &amp; Y"
    assert "has_app" in situation.truths()


def test_a_name_of_its_own_for_a_user_name_that_is_no_part_of_the_address():
    situation = Situation(ACCOUNT, username_name="dアカウントの <ID>")
    assert filled("smtp.username", situation) == '<span class="value-unknown">dアカウントの &lt;ID&gt;</span>'
    assert filled("incoming.username", situation) == filled("incoming.username", Situation(ACCOUNT))


def test_links():
    links = {"help": "https://x.example/?a=1&b=2", "signup": "javascript:alert(1)"}
    situation = Situation(replace(ACCOUNT, links=links))
    assert filled("link.help", situation) == (
        '<a class="provider-link" href="https://x.example/?a=1&amp;b=2" rel="noopener external">'
        "Open the provider&#x27;s help page</a>"
    )
    assert filled("link.signup", situation) == "the provider&#x27;s registration page"
    assert {word for word in situation.truths() if word.startswith("has_link")} == {"has_link:help"}


def test_words_come_from_the_caller_and_none_is_missing():
    words = {key: f"<{key}>" for key in WORDS}
    blocks = "".join(f"::: {name}\nx\n::: end\n" for name in ("warning", "note", "tip"))
    form = "::: form F\nbutton: b | not: c\ntick: t\nuntick: u\nsecret: p = {{ password.name }}\n"
    form += "field: {{ address }} = {{ imap.host }}\nfield: u = {{ imap.username }}\n"
    form += "field: u = {{ pop3.username }}\n::: end\n"
    source = blocks + form + " ".join(f"{{{{ {name} }}}}" for name in PLACEHOLDERS)
    nodes = compile_text(source, require_steps=False)
    links = dict.fromkeys(LINKS, "https://x.example/")
    seen = ""
    for account in [Account(""), ACCOUNT, replace(ACCOUNT, links=links)]:
        for kind in PasswordKind:
            for protocol in (Protocol.IMAP, Protocol.POP3):
                seen += fill(nodes, Situation(replace(account, password=kind), protocol), words)
    assert [key for key in WORDS if f"&lt;{key}&gt;" not in seen] == []
    assert "<box" not in seen
    with pytest.raises(KeyError):
        fill(nodes, Situation(ACCOUNT), {})


def test_copy_buttons_stand_where_there_is_something_to_copy():
    nodes = compile_text(
        "::: form F\nfield: Server = {{ imap.host }}\nfield: Address = {{ address }}\nchoice: C = {{ imap.security }}\n"
        "field: Name = {{ provider }}\nfield: User = {{ smtp.username }}\n::: end",
        require_steps=False,
    )
    assert fill(nodes, Situation(ACCOUNT), WORDS).count("<button") == 2
    # The browser may know the address where the server does not; nobody knows the server.
    assert fill(nodes, Situation.for_unknown("x.example"), WORDS).count("<button") == 2
    no_username = replace(ACCOUNT, servers=(IMAP,))
    assert fill(nodes, Situation(no_username), WORDS).count("<button") == 3


def test_the_chosen_protocol_is_one_that_is_offered():
    only_imap = replace(ACCOUNT, servers=(IMAP, SMTP))
    situation = Situation(only_imap, Protocol.POP3)
    assert filled("incoming.protocol", situation) == "IMAP"
    assert {"imap", "has_imap"} <= situation.truths()
    assert not {"pop3", "has_pop3"} & situation.truths()
    assert Situation(replace(ACCOUNT, servers=(SMTP,)), Protocol.POP3).chosen is Protocol.POP3


def test_truths():
    assert Situation.for_unknown("x.example", Protocol.POP3, "new").truths() == {
        *("pop3", "version:new", "password", "incoming_tls", "smtp_tls", "username_address", "smtp_username_address"),
        *("has_imap", "has_pop3"),
    }
    servers = (replace(IMAP, auth=(AuthMethod.OAUTH2,)), POP3, SMTP)
    account = replace(ACCOUNT, servers=servers, must_enable=True)
    assert Situation(account, Protocol.POP3).truths() == {
        *("pop3", "known", "provider:x", "auth_code", "oauth2", "must_enable", "incoming_starttls"),
        *("username_local_part", "smtp_username_other", "has_imap", "has_pop3"),
    }
    # Servers that were found without a provider of the table are known settings, too.
    found = Situation(Account("x.example", servers=(IMAP,)))
    assert found.truths() == {
        *("imap", "known", "password", "incoming_tls", "smtp_tls", "username_address", "smtp_username_address"),
        "has_imap",
    }


@pytest.mark.parametrize("kind", PasswordKind)
def test_exactly_one_word_names_the_password(kind):
    words = {"password", "app_password", "auth_code", "mail_password", "oauth2_only", "bridge", "no_clients"}
    assert len(words & Situation(replace(ACCOUNT, password=kind)).truths()) == 1


def test_oauth2_only_implies_oauth2():
    assert {"oauth2", "oauth2_only"} <= Situation(replace(ACCOUNT, password=PasswordKind.OAUTH2)).truths()


def test_speed():
    """A guide of 20 KB compiles within a second and fills within some milliseconds, on a slow machine."""
    step = (
        "::: step {#s%d} Type {{ incoming.host }}\nSome *words* with [a link](https://x.example/).\n\n"
        "- {{ address }}\n- b\n\n"
        "::: if pop3 and not oauth2\nPOP3\n::: else\nIMAP\n::: end\n"
        "::: form F\nfield: Server = {{ incoming.host }} | not: {{ domain }}\ntick: T\n::: end\n::: end\n"
    )
    source = "::: steps\n" + "".join(step % number for number in range(75)) + "::: end\n"
    assert len(source) > 19_000
    start = time.process_time()
    nodes = compile_text(source)
    compiled = time.process_time()
    for _ in range(10):
        fill(nodes, Situation(ACCOUNT, address=ANNA), WORDS)
    assert compiled - start < 1
    assert (time.process_time() - compiled) / 10 < 0.02


ROWS = """::: form Account
choice: In = {{ incoming.security }}
choice: Out = {{ smtp.security }}
field: Name = {{ incoming.username }}
field: Name out = {{ smtp.username }}
secret: Password = {{ password.name }}
::: end"""


def crossed_out(situation):
    html = fill(compile_text(ROWS, require_steps=False), situation, WORDS)
    return re.findall(r'<span class="wrong"><span class="wrong-mark">not</span> ([^<]*)</span>', html)


def test_the_usual_wrong_choice_stands_beside_a_known_value():
    assert crossed_out(Situation(ACCOUNT)) == ["STARTTLS", "only the part before @", "the password you use on the web"]
    pop3 = Situation(replace(ACCOUNT, password=PasswordKind.PASSWORD), Protocol.POP3)
    assert crossed_out(pop3) == ["SSL/TLS", "the whole address"]


def test_nothing_is_crossed_out_where_nothing_is_known():
    assert crossed_out(Situation.for_unknown("x.example")) == []
