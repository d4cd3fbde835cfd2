"""The wrapper of a password gives nothing away."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import traceback

import pytest

from guides.mail.secret import Secret, SecretFault

PASSWORD = "Korrektes-Pferd-77"


def test_only_the_encoder_on_the_wire_opens_it() -> None:
    assert Secret(PASSWORD).utf8() == PASSWORD.encode()


@pytest.mark.parametrize(
    "value",
    [
        "",
        " spaces at both ends ",
        '"quotes" and \\backslashes\\',
        "Ümläute",
        "пароль",
        "パスワード",
        "e\u0301",
        "x" * 256,
        "\t",
    ],
)
def test_it_goes_out_unchanged(value: str) -> None:
    assert Secret(value).utf8() == value.encode()


def test_nothing_that_prints_it_shows_it() -> None:
    secret = Secret(PASSWORD)
    shown = [repr(secret), str(secret), f"{secret}", f"{secret!r:>40}", repr([{"p": secret}])]
    assert not any(part in text for text in shown for part in (PASSWORD, "Pferd", "Korr"))
    assert "<Secret>" in shown[0]


def test_it_is_not_copied_or_stored() -> None:
    secret = Secret(PASSWORD)
    for make_copy in (copy.copy, copy.deepcopy, pickle.dumps, json.dumps):
        with pytest.raises(TypeError) as caught:
            make_copy(secret)
        assert PASSWORD not in str(caught.value)
    assert not hasattr(secret, "__dict__")


def test_comparing_tells_nothing() -> None:
    secret = Secret(PASSWORD)
    assert secret == secret
    assert secret != Secret(PASSWORD)
    assert secret != PASSWORD
    assert len({secret, Secret(PASSWORD)}) == 2


@pytest.mark.parametrize("value", ["a\rb", "a\nb", "a\0b", PASSWORD + "\r\n", "\n"])
def test_what_would_end_a_line_is_refused(value: str) -> None:
    with pytest.raises(SecretFault) as caught:
        Secret(value)
    assert value not in str(caught.value)


def test_what_is_not_text_is_refused_without_a_trace_of_it(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(SecretFault) as caught:
        Secret(f"{PASSWORD}\ud800")
    assert caught.value.__context__ is None  # a UnicodeEncodeError holds the whole text
    assert caught.value.__cause__ is None
    logging.getLogger("test").error("it failed", exc_info=caught.value)
    assert PASSWORD not in caplog.text
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))


def test_a_traceback_with_local_variables_does_not_show_it() -> None:
    def log_in(secret: Secret) -> None:
        raise ConnectionError

    try:
        log_in(Secret(PASSWORD))
    except ConnectionError as error:
        captured = traceback.TracebackException.from_exception(error, capture_locals=True)
        assert "<Secret>" in "".join(captured.format())
        assert PASSWORD not in "".join(captured.format())
