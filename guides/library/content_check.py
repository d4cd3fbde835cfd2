"""Proves of rendered pages that each tells one way into the mailbox, repeats nothing and offers nothing that fails."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from html import unescape

from guides.library.content_pages import RenderedPage
from guides.mail.ways import TYPED, Obstacle, Way

# Words for a sign-in window, which belong only on pages that tell this way.
_WINDOW_WORDS = {
    language: re.compile(rf"{words}|OAuth(?! tokens|-токен|\s?トークン)", re.IGNORECASE)
    for language, words in {
        "en": "sign-in (?:window|page)|own (?:sign-in )?window",
        "ja": "(?:ログイン|サインイン)(?:画面|ページ)",
        "ru": r"(?:окн|страниц)\w* входа",
    }.items()
}
_MOST_NAMED = 5  # times that a page may name the provider's password outside drawn dialogs
_SHORTEST_SENTENCE = {"ja": 14}
_DETAILS = re.compile(r"<details\b(?:(?!<details\b).)*?</details>", re.DOTALL)
_DIALOG = re.compile(r"<figure\b.*?</figure>", re.DOTALL)
_BLOCK = re.compile(r"</?(?:p|li|ul|ol|h\d|div|section|article|td|th|tr|summary)\b[^>]*>")
_TAG = re.compile(r"<[^>]*>")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n")


def faults(page: RenderedPage) -> Iterator[str]:
    """What is wrong with a page, in words for its author."""
    visible = _without(_DETAILS, page.html)
    for check in _CHECKS:
        for fault in check(page, visible):
            yield f"{page}: {fault}"


def _one_way(page: RenderedPage, visible: str) -> Iterator[str]:
    """The steps, the fields and the words are those of the one way."""
    way = page.page.way
    if ('id="stop"' in page.html) != (way is Way.IMPOSSIBLE):
        yield f"the step “stop” does not fit the way {way.value}"
    if ('id="sign-in"' in page.html) != (way is Way.OAUTH):
        yield f"the step “sign-in” does not fit the way {way.value}"
    if ("row-secret" in visible) != (way in TYPED):
        yield f"a password field does not fit the way {way.value}"
    found = _WINDOW_WORDS[page.language].search(_text(visible))
    if found and way in TYPED:
        yield f"speaks of “{found[0]}”, while a password is typed here"


def _named_password(page: RenderedPage, visible: str) -> Iterator[str]:
    """The provider's password is named where it is used, and not again and again."""
    if not page.password_name:
        return
    times = _text(_without(_DIALOG, visible)).lower().count(page.password_name.lower())
    if (
        times
        and page.page.way in (Way.OAUTH, Way.DEVICE)
        and page.page.kind is not page.page.situation.account.password
    ):
        yield f"names “{page.password_name}”, which the way {page.page.way.value} does not use"
    if times > _MOST_NAMED:
        yield f"names “{page.password_name}” {times} times"


def _profile(page: RenderedPage, visible: str) -> Iterator[str]:
    """A profile is offered only where a password that the portal knows of is typed."""
    if "/apple/" in visible and (page.page.way not in TYPED or page.page.way is Way.BRIDGE):
        yield "offers a profile that cannot work"


def _impossible(page: RenderedPage, visible: str) -> Iterator[str]:
    """What cannot be is said in the first paragraph, and which app can."""
    if page.page.way is not Way.IMPOSSIBLE:
        return
    if not visible.startswith('<p class="lead">') or page.page.choice.obstacle is None:
        yield "does not say first that it is impossible"
    if "<ul><li><a href=" not in visible and page.page.choice.obstacle is not Obstacle.CLOSED:
        yield "does not say which app can"


def _repeated(page: RenderedPage, visible: str) -> Iterator[str]:
    """No warning, sentence or provider's link stands on a page twice."""
    titles = Counter(re.findall(r'class="box-title">(.*?)</p>', visible, re.DOTALL))
    sentences = Counter(_sentences(_without(_DIALOG, visible), _SHORTEST_SENTENCE.get(page.language, 30)))
    links = Counter(re.findall(r'class="provider-link" href="([^"]+)"', visible))
    for what, counted in (("warning", titles), ("sentence", sentences), ("link", links)):
        for repeated, times in counted.items():
            if times > 1 and not (what == "warning" and len(repeated) < 10):
                yield f"has the {what} “{unescape(_TAG.sub('', repeated))}” {times} times"


def _unknown(page: RenderedPage, visible: str) -> Iterator[str]:
    """Nothing is crossed out that the portal does not know to be wrong."""
    if not page.provider:
        for wrong in re.findall(r'<span class="wrong">.*?</span> ([^<]*)</span>', visible):
            if re.search(r"SSL|TLS|@", wrong):
                yield f"crosses out “{wrong}” for a domain of which nothing is known"


_CHECKS: tuple[Callable[[RenderedPage, str], Iterator[str]], ...] = (
    _one_way,
    _named_password,
    _profile,
    _impossible,
    _repeated,
    _unknown,
)


def _without(pattern: re.Pattern[str], html: str) -> str:
    """The HTML without some elements, nested ones from the inside out."""
    while True:
        html, times = pattern.subn("", html)
        if not times:
            return html


def _text(html: str) -> str:
    return unescape(_TAG.sub("", _BLOCK.sub("\n", html)))


def _sentences(html: str, shortest: int) -> list[str]:
    sentences = (sentence.strip() for sentence in _SENTENCE.split(_text(html)))
    return [sentence for sentence in sentences if len(sentence) >= shortest]
