"""A finished test as a report that the visitor can pass on, as JSON, and reading it back. It has no secrets.

The results are redacted; the address can be masked too. A report that is read back is untrusted: `from_json` accepts
only known keys, and bounds every value.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from guides.mail.accounts import Security, Server
from guides.mail.connection.redact import MAX_SHOWN, visible
from guides.mail.diagnosis.classes import CLASSES
from guides.mail.diagnosis.refusals import MOST_CAUSES
from guides.mail.outcomes import (
    PROTOCOL_OF_LEG,
    Alternative,
    Evidence,
    Leg,
    Outcome,
    Owner,
    PossibleCause,
    Stage,
    StageResult,
    Verdict,
    causes_of,
)

KIND = "mail-connection-test"
FORMAT = 1
LONGEST = 200_000  # characters of a report in JSON
MOST_RESULTS = 80
MOST_DETAILS = 20
MOST_EVIDENCE = 8
LONGEST_NAME = 320
MASK = "…"

E = TypeVar("E", bound=StrEnum)


class ReportFault(ValueError):  # noqa: N818
    """A text is no report. `fault`: "json" (no JSON, or too long) or "shape" (other JSON)."""

    def __init__(self, fault: str) -> None:
        super().__init__(fault)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class ConnectionReport:
    """One finished test. `portal`: name and version of the portal that made it.

    Fields with a default are missing in the reports of older portals, which are still read.
    """

    made_at: datetime
    portal: str
    address: str
    results: tuple[StageResult, ...]
    verdict: Verdict
    is_listed: bool = False  # the settings of the verdict's leg are the provider's own
    in_between: str | None = None  # article for a test that succeeds here while the visitor's mail program fails
    is_hidden: bool = False  # the portal hides how that server fails, as it is not known to be the visitor's
    suggests_local_part: bool = False  # the right user name may be the part before the @

    def masked(self) -> ConnectionReport:
        """The report with the address's local part masked except for its first letter; support needs the domain."""
        local_part, at, domain = self.address.rpartition("@")
        return replace(self, address=f"{local_part[:1]}{MASK}{at}{domain}")

    def to_json(self, indent: int | None = None) -> str:
        """The report as JSON; `indent` as in `json.dumps`."""
        verdict = self.verdict
        data = {
            "report": KIND,
            "format": FORMAT,
            "made_at": self.made_at.astimezone(UTC).isoformat(timespec="seconds"),
            "portal": self.portal,
            "address": self.address,
            "verdict": {
                "outcome": verdict.outcome,
                "class": verdict.cause,
                "who": verdict.owner,
                "article": verdict.article,
                "next_step": verdict.next_step or None,
                "confidence": verdict.confidence,
                "causes": causes_to_json(causes_of(verdict)),
                "ms": verdict.milliseconds,
                "leg": verdict.leg,
                "legs": dict(verdict.legs),
                "listed": self.is_listed,
                "hidden": self.is_hidden,
                "alternatives": [
                    {"leg": one.leg, **_reached(one.server), "instead_of": _reached(one.instead_of)}
                    for one in verdict.alternatives
                ],
                "local_part": self.suggests_local_part,
                "in_between": self.in_between,
            },
            "stages": [_stage_to_json(result) for result in self.results],
        }
        return json.dumps(data, ensure_ascii=False, indent=indent)

    @classmethod
    def from_json(cls, text: str) -> ConnectionReport:
        """Read a report. Raises ReportFault."""
        if len(text) > LONGEST:
            raise ReportFault("json")
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            raise ReportFault("json") from None
        try:
            return _report(_Object(data))
        except (KeyError, TypeError, ValueError, OverflowError):
            raise ReportFault("shape") from None


class _Object:
    """An untrusted JSON object, read key by key; `done` rejects unread keys."""

    def __init__(self, data: object) -> None:
        if not isinstance(data, dict):
            raise TypeError
        self._data: dict[str, Any] = dict(data)

    def text(self, name: str, longest: int = LONGEST_NAME) -> str:
        value = self._data.pop(name)
        if not isinstance(value, str) or len(value) > longest:
            raise TypeError
        return visible(value)

    def number(self, name: str, most: int) -> int:
        value = self._data.pop(name)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
            raise TypeError
        return value

    def share(self, name: str) -> float | None:
        """A number from 0 to 1, or None, as in reports of older portals."""
        value = self._data.pop(name, None)
        if value is None:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
            raise TypeError
        return float(value)

    def moment(self, name: str) -> datetime | None:
        """A time with its offset from UTC, or None, as in reports of older portals."""
        value = self._data.pop(name, None)
        if value is None:
            return None
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError
        return moment.astimezone(UTC)

    def words(self, name: str) -> str:
        """A short text, or "", as in reports of older portals."""
        return self.text(name) if self._data.get(name) is not None else str(self._data.pop(name, None) or "")

    def flag(self, name: str) -> bool:
        value = self._data.pop(name)
        if not isinstance(value, bool):
            raise TypeError
        return value

    def one_of(self, kind: type[E], name: str) -> E:
        return kind(self._data.pop(name))

    def one_of_or_none(self, kind: type[E], name: str) -> E | None:
        value = self._data.pop(name)
        return None if value is None else kind(value)

    def slug(self, name: str) -> str | None:
        """A slug of letters, digits and hyphens, or None; it is used in URLs."""
        value = self._data.pop(name)
        if value is None:
            return None
        if not isinstance(value, str) or len(value) > 60 or not value.replace("-", "").replace("_", "").isalnum():
            raise TypeError
        return value

    def cause(self, name: str) -> str | None:
        value = self._data.pop(name)
        if value is not None and value not in CLASSES:
            raise ValueError
        return None if value is None else str(value)

    def objects(self, name: str, most: int) -> list[_Object]:
        value = self._data.pop(name)
        if not isinstance(value, list) or len(value) > most:
            raise TypeError
        return [_Object(item) for item in value]

    def mapping(self, name: str, most: int) -> dict[str, Any]:
        value = self._data.pop(name)
        if not isinstance(value, dict) or len(value) > most:
            raise TypeError
        return value

    def has(self, name: str) -> bool:
        return name in self._data

    def done(self) -> None:
        if self._data:
            raise ValueError


def _report(data: _Object) -> ConnectionReport:
    if data.text("report") != KIND or data.number("format", FORMAT) != FORMAT:
        raise ValueError
    made_at = datetime.fromisoformat(data.text("made_at"))
    if made_at.tzinfo is None:
        raise ValueError
    verdict_data = _Object(data.mapping("verdict", 20))
    verdict = Verdict(
        outcome=verdict_data.one_of(Outcome, "outcome"),
        legs={Leg(leg): Outcome(outcome) for leg, outcome in verdict_data.mapping("legs", len(Leg)).items()},
        cause=verdict_data.cause("class"),
        owner=verdict_data.one_of_or_none(Owner, "who"),
        milliseconds=verdict_data.number("ms", 10_000_000),
        article=verdict_data.slug("article"),
        leg=verdict_data.one_of_or_none(Leg, "leg"),
        confidence=verdict_data.share("confidence"),
        next_step=verdict_data.words("next_step"),
        causes=_causes(verdict_data),
        alternatives=tuple(map(_alternative, verdict_data.objects("alternatives", len(Leg))))
        if verdict_data.has("alternatives")
        else (),
    )
    is_listed = verdict_data.has("listed") and verdict_data.flag("listed")
    is_hidden = verdict_data.has("hidden") and verdict_data.flag("hidden")
    suggests_local_part = verdict_data.has("local_part") and verdict_data.flag("local_part")
    in_between = verdict_data.slug("in_between") if verdict_data.has("in_between") else None
    verdict_data.done()
    report = ConnectionReport(
        made_at=made_at,
        portal=data.text("portal"),
        address=data.text("address"),
        results=tuple(_stage(item) for item in data.objects("stages", MOST_RESULTS)),
        verdict=verdict,
        is_listed=is_listed,
        in_between=in_between,
        is_hidden=is_hidden,
        suggests_local_part=suggests_local_part,
    )
    data.done()
    return report


def _causes(data: _Object) -> tuple[PossibleCause, ...]:
    """Several causes, or none: a single cause is in the result itself."""
    causes = tuple(map(_cause, data.objects("causes", MOST_CAUSES))) if data.has("causes") else ()
    return causes if len(causes) > 1 else ()


def _cause(data: _Object) -> PossibleCause:
    name, confidence = data.cause("class"), data.share("confidence")
    if name is None or confidence is None:
        raise ValueError
    cause = PossibleCause(name, data.one_of(Owner, "who"), confidence, data.slug("article"), data.words("next_step"))
    data.done()
    return cause


def _alternative(data: _Object) -> Alternative:
    leg = data.one_of(Leg, "leg")
    instead_of = _Object(data.mapping("instead_of", 3))
    alternative = Alternative(leg, _server(leg, instead_of), _server(leg, data))
    instead_of.done()
    data.done()
    return alternative


def _server(leg: Leg, data: _Object) -> Server:
    return Server(
        PROTOCOL_OF_LEG[leg], data.text("host", 253), data.number("port", 65535), data.one_of(Security, "security")
    )


def _stage(data: _Object) -> StageResult:
    result = StageResult(
        leg=data.one_of(Leg, "leg"),
        stage=data.one_of(Stage, "stage"),
        outcome=data.one_of(Outcome, "outcome"),
        cause=data.cause("class"),
        owner=data.one_of_or_none(Owner, "who"),
        milliseconds=data.number("ms", 10_000_000),
        host=data.text("host", 253),
        ip_address=data.text("address", 45),
        port=data.number("port", 65535),
        security=data.one_of_or_none(Security, "security"),
        evidence=tuple(_evidence(item) for item in data.objects("evidence", MOST_EVIDENCE)),
        details=_details(data.mapping("details", MOST_DETAILS)),
        article=data.slug("article"),
        started=data.moment("started"),
        confidence=data.share("confidence"),
        next_step=data.words("next_step"),
        causes=_causes(data),
    )
    data.done()
    return result


def _evidence(data: _Object) -> Evidence:
    # Characters that were written out may have made a text longer than its source.
    evidence = Evidence(data.text("text", MAX_SHOWN * 2), data.flag("before_encryption"))
    data.done()
    return evidence


def _details(data: Mapping[str, object]) -> dict[str, str]:
    if not all(
        isinstance(value, str) and len(name) <= 40 and len(value) <= MAX_SHOWN * 2 for name, value in data.items()
    ):
        raise TypeError
    return {visible(name): visible(str(value)) for name, value in data.items()}


def iso(moment: datetime) -> str:
    """A time in UTC with milliseconds (ISO 8601), for comparison with a server's log."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def causes_to_json(causes: Iterable[PossibleCause]) -> list[dict[str, object]]:
    """The causes of a result as JSON values."""
    return [
        {
            "class": cause.name,
            "who": cause.owner,
            "article": cause.article,
            "next_step": cause.next_step or None,
            "confidence": cause.confidence,
        }
        for cause in causes
    ]


def _reached(server: Server) -> dict[str, object]:
    return {"host": server.host, "port": server.port, "security": server.security}


def _stage_to_json(result: StageResult) -> dict[str, object]:
    return {
        "leg": result.leg,
        "stage": result.stage,
        "outcome": result.outcome,
        "class": result.cause,
        "who": result.owner,
        "ms": result.milliseconds,
        "host": result.host,
        "address": result.ip_address,
        "port": result.port,
        "security": result.security,
        "evidence": [
            {"text": evidence.text, "before_encryption": evidence.before_encryption} for evidence in result.evidence
        ],
        "details": result.details,
        "article": result.article,
        "started": result.started and iso(result.started),
        "next_step": result.next_step or None,
        "confidence": result.confidence,
        "causes": causes_to_json(causes_of(result)),
    }
