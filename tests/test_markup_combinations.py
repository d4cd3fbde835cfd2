"""A text is refused when some reader would see no step, or when a part of it is for no reader at all."""

import itertools

import pytest

from guides.mail.accounts import Account, AuthMethod, PasswordKind, Protocol, Security, Server, UsernameForm
from guides.markup import MarkupError, Situation, compile_text
from guides.markup.combinations import _Space
from guides.markup.conditions import words_of
from guides.markup.vocabulary import LINKS, condition_words
from tests.tables import each_row

STEP = "::: step {#s} S\n::: end\n"


def faults(source, *, versions=(), providers=(), require_steps=True):
    try:
        compile_text(source, versions=versions, providers=providers, require_steps=require_steps)
    except MarkupError as error:
        return [(fault.line, fault.code, *fault.params.values()) for fault in error.faults]
    return []


def steps_if(condition, rest=""):
    """A text whose only step, in line 3, depends on a condition."""
    return f"::: steps\n::: if {condition}\n{STEP}{rest}::: end\n::: end"


def test_it_works():
    assert faults(steps_if("imap", f"::: else\n{STEP}")) == []
    assert faults(steps_if("imap")) == [(1, "no_step_shown", "pop3")]


def test_a_text_without_steps():
    assert faults("a") == [(1, "no_steps")]
    assert faults("") == [(1, "no_steps")]
    assert faults("a", require_steps=False) == []
    assert faults(steps_if("imap"), require_steps=False) == []


@each_row(
    ("condition", "without"),
    [
        ("not must_enable", ["must_enable"]),
        ("imap and known", ["not known", "pop3"]),
        ("password or app_password", ["not app_password and not password"]),
        ("incoming_tls or incoming_starttls", ["not incoming_starttls and not incoming_tls"]),
        ("has_imap or has_pop3", ["not has_imap and not has_pop3"]),
        ("username_address or username_local_part", ["username_other"]),
        ("known or not has_app", []),
        ("known or password", []),
        ("known or incoming_tls and smtp_tls and username_address and smtp_username_address", []),
        ("known or has_imap and has_pop3 and not oauth2 and not must_enable and not has_link:help", []),
        ("not oauth2_only or oauth2", []),
        ("imap or pop3", []),
        ("username_address or username_local_part or username_other", []),
        ("password or app_password or auth_code or mail_password or oauth2_only or bridge or no_clients", []),
        ("provider:gmail or known", ["not known"]),
        ("known or not provider:gmail", []),
        ("version:new or version:old", []),
        ("version:new", ["version:old"]),
    ],
)
def test_conditions_around_the_only_step(condition, without):
    found = faults(steps_if(condition), versions=["new", "old"], providers=["gmail", "mail-ru"])
    assert found == [(1, "no_step_shown", combination) for combination in without]


def test_the_line_is_that_of_the_steps_and_the_words_are_as_few_as_name_the_case():
    source = (
        f"Text.\n\n::: steps\n::: if not oauth2\n::: if imap and known or not imap\n{STEP}::: end\n::: end\n::: end"
    )
    assert faults(source) == [(3, "no_step_shown", "oauth2"), (3, "no_step_shown", "not known and imap")]


def test_steps_in_several_blocks_count_together():
    source = "::: if imap\n::: steps\n" + STEP + "::: end\n::: end\n::: if pop3\n::: note\n::: steps\n::: step {#t} T\n"
    assert faults(source + "::: end\n::: end\n::: end\n::: end") == []


def test_at_most_five_combinations_are_told():
    source = steps_if(" and ".join(f"has_link:{name}" for name in LINKS))
    assert [fault[1] for fault in faults(source)] == ["no_step_shown"] * 5


def test_conditions_inside_steps_are_not_combined():
    words = [
        "imap", "password", "oauth2", "must_enable", "incoming_tls", "smtp_tls", "username_other", "known",
        "has_app",
    ]  # fmt: skip
    words += [f"has_link:{name}" for name in LINKS]
    inside = "".join(f"::: if {word}\nx\n::: end\n" for word in words)
    assert faults(f"::: steps\n::: step {{#s}} S\n{inside}::: end\n::: end") == []


def test_too_many_combinations():
    words = [f"has_link:{name}" for name in LINKS]
    words += [
        "imap",
        "password",
        "oauth2",
        "must_enable",
        "incoming_tls",
        "smtp_tls",
        "username_other",
        "has_app",
        "has_imap",
    ]
    source = steps_if(" or ".join(words))
    assert faults(source) == [(1, "too_many_combinations", str(2**16), "50000")]


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("::: if imap and pop3\nx\n::: end", [1]),
        ("::: if imap\na\n::: elif imap\nb\n::: elif pop3\nc\n::: else\nd\n::: end", [3, 7]),
        ("::: if imap\n::: note\n::: if pop3\n::: if known\nx\n::: end\n::: end\n::: end\n::: end", [3]),
        ("::: if oauth2_only and not oauth2\nx\n::: end", [1]),
        ("::: if not known and must_enable\nx\n::: end", [1]),
        ("::: if not known\n::: if has_pop3\na\n::: else\nb\n::: end\n::: end", [4]),
        ("::: if provider:a and provider:b\nx\n::: end", [1]),
        ("::: if not known and provider:a\nx\n::: end", [1]),
        ("::: if incoming_tls\na\n::: elif incoming_starttls\nb\n::: else\nc\n::: end", []),
        ("::: if pop3 and has_imap and not has_pop3\nx\n::: end", [1]),
        ("::: if not pop3 and has_pop3 and not has_imap\nx\n::: end", [1]),
        ("::: if imap and not has_imap and not has_pop3\nx\n::: end", []),
        ("::: if version:a\nx\n::: elif version:b\ny\n::: else\nz\n::: end", [5]),
    ],
)
def test_parts_that_nobody_would_see(source, lines):
    found = faults(source, versions=["a", "b"], providers=["a", "b"], require_steps=False)
    assert found == [(line, "never_shown") for line in lines]


def situations():
    """Readers of every sort that the words of conditions can tell apart, sensible or not."""
    links = {"signup": "https://x.example/"}
    servers = [
        (),
        (Server(Protocol.SMTP, "s.example", 465, Security.NONE, UsernameForm.OTHER),),
        (Server(Protocol.IMAP, "i.example", 143, Security.STARTTLS, UsernameForm.LOCAL_PART, (AuthMethod.OAUTH2,)),),
        (Server(Protocol.POP3, "p.example", 995, Security.TLS),),
        (
            Server(Protocol.IMAP, "i.example", 993, Security.NONE),
            Server(Protocol.POP3, "p.example", 110, Security.NONE),
        ),
    ]
    for provider, kind, some, enable, page, app, protocol, version in itertools.product(
        (None, "a", "c"),
        PasswordKind,
        servers,
        (True, False),
        ({}, links),
        ("", "App"),
        (Protocol.IMAP, Protocol.POP3),
        "vw",
    ):
        account = Account("x.example", None, provider, "", kind, some, enable, page)
        yield Situation(account, protocol, version, app_name=app)


def test_every_real_situation_is_among_the_combinations():
    """The check would be worth nothing if a reader could be in a situation that it does not try."""
    words = condition_words(["v", "w"], ["a", "b"])
    space = _Space(words)
    groups = [
        {"imap", "pop3", "has_imap", "has_pop3", "known", "in_guide", "version:v", "version:w"},
        {"pop3", "has_imap", "has_pop3"},
        {"imap", "has_imap", "has_pop3", "has_link:signup"},
        {"oauth2", "oauth2_only", "known", "password", "bridge", "must_enable", "has_app"},
        {"app_password", "auth_code", "oauth2", "no_clients", "mail_password"},
        {"known", "incoming_tls", "incoming_starttls", "smtp_tls", "smtp_starttls", "provider:a", "provider:b"},
        {"known", "username_address", "username_local_part", "username_other", "smtp_username_other", "imap"},
        {"smtp_username_address", "smtp_username_local_part", "smtp_username_other", "provider:a", "version:v"},
    ]
    assert frozenset().union(*groups) >= {word for word in words if not word.startswith("has_link")}
    combined = {frozenset(group): set(space.combinations(frozenset(group))) for group in groups}
    for situation in situations():
        truths = situation.truths()
        for group, combinations in combined.items():
            assert truths & group in combinations, (situation, group)


def test_words_of_the_vocabulary_only():
    words = condition_words(["v"], ["a", "c"])
    for situation in situations():
        assert situation.truths() <= words | {"version:w"}
    assert set(words_of(["or", "imap", ["not", "pop3"]])) <= words
