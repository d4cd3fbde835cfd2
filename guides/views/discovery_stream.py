"""A search for a domain's settings as a page shows it: source by source while it runs, and what came of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.functional import Promise

from guides.mail.accounts import display_domain
from guides.mail.discovery.findings import ConfigSource, Discovery, Finding
from guides.mail.discovery.search import SOURCES
from guides.services import discovering
from guides.views import labels, source_labels
from guides.views.result_stream import event

logger = logging.getLogger(__name__)

Finish = Callable[[Discovery | None], str]  # the page for what was found; None: something broke


@dataclass(frozen=True)
class SourceRow:
    """One source, for the page."""

    source: ConfigSource
    name: str | Promise
    words: str | Promise = ""
    trust: str | Promise = ""
    state: str = "waiting"  # waiting, ok, none
    chosen: bool = False
    origin: str = ""
    differs: tuple[tuple[str | Promise, str, int, str | Promise], ...] = ()
    skipped: tuple[tuple[str, str | Promise], ...] = ()
    doubts: tuple[str, ...] = ()

    @classmethod
    def of(cls, finding: Finding, discovery: Discovery | None = None) -> SourceRow:
        """What a source came to, and where it differs from what is shown."""
        differences = discovery.differences if discovery else ()
        found = finding.found or (finding.account is not None and finding.account.provider is not None)
        return cls(
            source=finding.source,
            name=source_labels.SOURCES[finding.source],
            words=source_labels.FOUND if found else source_labels.of_error(finding.error),
            trust=source_labels.TRUSTS[finding.trust] if found else "",
            state="ok" if found else "none",
            chosen=discovery is not None and discovery.winner is finding,
            origin=finding.origin if found else "",
            differs=tuple(
                (labels.PROTOCOLS[d.protocol], d.server.host, d.server.port, labels.SECURITIES[d.server.security])
                for d in differences
                if d.source is finding.source
            ),
            skipped=tuple((entry.detail or entry.what, source_labels.SKIPPED[entry.why]) for entry in finding.skipped),
            doubts=finding.doubts if found else (),
        )


def rows_of(discovery: Discovery) -> list[SourceRow]:
    """Every source that was asked, the most trusted first."""
    return [SourceRow.of(finding, discovery) for finding in discovery.findings]


def remarks_of(discovery: Discovery) -> list[str | Promise]:
    """What a visitor must know about the settings."""
    said = [source_labels.REMARKS[remark.kind] for remark in discovery.warnings if remark.kind in source_labels.REMARKS]
    return list(dict.fromkeys(said))


@dataclass
class DiscoveryStream:
    """The events of one search. `close()` ends it even when nobody has read the first event."""

    domain: str
    language: str
    finish: Finish
    _search: Iterator[Finding | Discovery | None] = field(init=False)
    _events: Iterator[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self._search = discovering.watch(self.domain)
        self._events = self._make()

    def _make(self) -> Iterator[bytes]:
        yield self._event("settings/_looking.html", rows=self._waiting(), domain=display_domain(self.domain))
        result: Discovery | None = None
        try:
            for item in self._search:
                if isinstance(item, Discovery):
                    result = item
                elif item is None:
                    # A comment shows nothing, but writing it fails when the visitor has left.
                    yield b":\n\n"
                else:
                    yield self._event("settings/_source.html", row=SourceRow.of(item), oob=True)
        except Exception as error:
            logger.error("a search broke off: %s", type(error).__name__)
        with translation.override(self.language):
            yield event(self.finish(result))

    def _waiting(self) -> list[SourceRow]:
        return [SourceRow(source, source_labels.SOURCES[source]) for source in SOURCES]

    def _event(self, template: str, **context: object) -> bytes:
        with translation.override(self.language):
            return event(render_to_string(template, context))

    def __iter__(self) -> Iterator[bytes]:
        return self._events

    def close(self) -> None:
        """Called by the server when the answer has ended or the visitor has left."""
        close = getattr(self._search, "close", None)
        if close is not None:
            close()
