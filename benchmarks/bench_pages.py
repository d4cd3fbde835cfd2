"""Pages for readers: requests a second against a constant view of the same process, and against django-wiki's article.

The floor is `/livez`, a constant view behind the same middleware. "Made afresh" is a page whose query string was never
requested before, so that a cache of whole pages has no answer to it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path

from benchmarks import django_here
from benchmarks.figures import Ratio
from benchmarks.load import CONNECTIONS, WORDS, Rates, Target
from benchmarks.servers import Server, loaded_data, portal, run_python
from benchmarks.wiki import ARTICLE, wiki

TEXTS = int(os.environ.get("BENCH_TEXTS", 100_000))
GUIDE = "/en/guides/thunderbird/?at=gmail.com"
PAGES = {
    "home": "/en/",
    "guide": GUIDE,
    "settings": "/en/settings/gmail.com/",
    "error": "/en/errors/app-password-required/",
    "list of errors": "/en/errors/",
}
SEARCH = "/en/search/?q={word}&n={n}"
MOST_QUERIES = 12


def run() -> list[Ratio]:
    """The library's rates first, then each comparison in turns with them."""
    with tempfile.TemporaryDirectory(prefix="bench-pages-") as name:
        folder = Path(name)
        data = loaded_data(folder / "library")
        started = _start(data)
        with portal(data) as library:
            ratios = [*_against_the_floor(library), *_against_wiki(folder, library), *_many_texts(folder, library)]
        return [*ratios, started, *_memory(data), *_queries()]


def _cached(server: Server) -> dict[str, Target]:
    return {name: Target(server, path) for name, path in PAGES.items()}


def _afresh(server: Server) -> dict[str, Target]:
    unique = {name: f"{path}{'&' if '?' in path else '?'}n={{n}}" for name, path in PAGES.items()}
    return {f"{name} afresh": Target(server, path) for name, path in unique.items()}


def _not_modified(server: Server) -> dict[str, Target]:
    """Each page that has an ETag, asked for with it."""
    tags = {name: target.answer().headers["ETag"] for name, target in _cached(server).items()}
    return {
        f"{name} 304": Target(server, PAGES[name], {"If-None-Match": tag}, status=304)
        for name, tag in tags.items()
        if tag
    }


def _against_the_floor(server: Server) -> list[Ratio]:
    floor = {"floor": Target(server, "/livez")}
    search = {"search": Target(server, SEARCH)}
    targets = floor | _cached(server) | _not_modified(server) | _afresh(server) | search
    rates = Rates(targets)

    def ratio(name: str, shown: str, limit: float) -> Ratio:
        if name not in targets:
            return Ratio(shown, 0, limit, True, "no ETag")
        return Ratio(shown, rates.ratio(name, "floor"), limit, True, rates.note(name, "floor"))

    return [
        *(ratio(name, f"{name} from the cache / constant view", 0.5) for name in PAGES),
        *(ratio(f"{name} 304", f"{name} not modified (304) / constant view", 0.6) for name in PAGES),
        *(ratio(f"{name} afresh", f"{name} made afresh / constant view", 0.12) for name in PAGES),
        ratio("search", "search / constant view", 0.08),
    ]


def _against_wiki(folder: Path, server: Server) -> list[Ratio]:
    """An article of the length that the guide's page shows."""
    guide = Target(server, GUIDE)
    with wiki(folder, _Shown.of(guide.answer().text())) as other:
        rates = Rates({
            "wiki": Target(other, ARTICLE),
            "cached": guide,
            "afresh": _afresh(server)["guide afresh"],
        })  # fmt: skip
    return [
        Ratio(f"guide {how} / django-wiki's article", rates.ratio(name, "wiki"), limit, True, rates.note(name, "wiki"))
        for name, how, limit in (("cached", "from the cache", 8), ("afresh", "made afresh", 1.5))
    ]


class _Shown(HTMLParser):
    """The lines of text inside a page's <main>, as paragraphs of Markdown."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._in_main = False

    @classmethod
    def of(cls, page: str) -> str:
        """The text of `page`."""
        parser = cls()
        parser.feed(page)
        assert parser.lines
        return "\n\n".join(parser.lines)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self._in_main = self._in_main or tag == "main"

    def handle_endtag(self, tag: str) -> None:
        self._in_main = self._in_main and tag != "main"

    def handle_data(self, data: str) -> None:
        if self._in_main and data.strip():
            self.lines.append(data.strip())


def _many_texts(folder: Path, library: Server) -> Iterator[Ratio]:
    """The same pages of two portals in turns: one with the library, one with many more texts."""
    data = loaded_data(folder / "many")
    run_python(["-m", "benchmarks.texts", str(TEXTS)], data)
    with portal(data) as many:
        both: Mapping[str, Mapping[str, Target]] = {
            name: _cached(server) | _afresh(server) | {"search": Target(server, SEARCH)}
            for name, server in (("library", library), ("many", many))
        }
        rates = Rates({f"{name} {page}": both[name][page] for page in both["library"] for name in both})
    for page in both["library"]:
        many_name, library_name = f"many {page}", f"library {page}"
        note = rates.note(many_name, library_name)
        name = f"{page}, {TEXTS:,} texts / the library"
        yield Ratio(name, rates.ratio(many_name, library_name), 0.9, True, note)


def _start(data: Path) -> Ratio:
    """From the start of gunicorn to its first page, with a loaded database. The second start: the disk is warm."""
    for _ in range(2):
        with portal(data) as server:
            pass
    return Ratio("start to the first page, in seconds", server.started_in, 3)


def _memory(data: Path) -> list[Ratio]:
    """Resident memory after 1,000 mixed requests against that after 100."""
    with portal(data) as server, ThreadPoolExecutor(CONNECTIONS) as pool:
        targets = [*_cached(server).values(), *_afresh(server).values()]
        targets += [Target(server, SEARCH.replace("{word}", word)) for word in WORDS[:5]]
        targets += [Target(server, path.replace("/en/", f"/{language}/"))
                    for path in PAGES.values() for language in ("ja", "ru")]  # fmt: skip
        targets.append(Target(server, "/mail/config-v1.1.xml?emailaddress=anna@mail.ru"))
        mixed = (targets * (1000 // len(targets) + 1))[:1000]
        list(pool.map(Target.answer, mixed[:100]))
        before = server.memory()
        list(pool.map(Target.answer, mixed[100:]))
        after = server.memory()
    note = f"{after / 1e6:.0f} MB against {before / 1e6:.0f} MB"
    return [Ratio("memory after 1,000 mixed requests / after 100", after / before, 1.3, note=note)]


def _queries() -> list[Ratio]:
    """Database queries of each page made afresh, with empty caches."""
    django_here.start()
    from django.core.cache import caches
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    client = Client()
    ratios = []
    for name, path in PAGES.items():
        client.get(path)  # what a process reads once
        for cache in caches.all():
            cache.clear()
        with CaptureQueriesContext(connection) as queries:
            assert client.get(path).status_code == 200
        ratios.append(Ratio(f"{name} made afresh, queries", len(queries), MOST_QUERIES))
    return ratios
