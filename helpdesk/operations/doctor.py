"""Looks at an installation, and says of each thing that is wrong what to do about it (`manage.py doctor`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from helpdesk.operations import checks_of_data, checks_of_network, checks_of_setup
from helpdesk.operations.findings import Finding

_CHECKS: dict[str, Callable[[], Iterator[Finding]]] = {
    "settings": checks_of_setup.settings_fit,
    "proxy headers": checks_of_setup.proxies_are_named,
    "file modes": checks_of_setup.files_are_private,
    "prepared": checks_of_setup.files_are_made,
    "clock": checks_of_setup.clock_is_right,
    "disk": checks_of_data.disk_has_room,
    "database": checks_of_data.database_answers,
    "migrations": checks_of_data.migrations_are_applied,
    "cache": checks_of_data.cache_answers,
    "certificates": checks_of_network.certificates_are_there,
    "DNS": checks_of_network.names_are_found,
    "outgoing ports": checks_of_network.ports_are_open,
}


class Level(Enum):
    """How a check ended."""

    OK = "ok"
    ADVICE = "advice"
    FAULT = "MEND"


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the report."""

    check: str
    level: Level
    words: str = ""
    cure: str = ""


def look() -> Iterator[Result]:
    """Every check, in order; a check that breaks is a fault, and the others go on."""
    for name, check in _CHECKS.items():
        try:
            findings = list(check())
        except Exception as error:
            findings = [Finding(f"could not be looked at: {type(error).__name__}: {error}", "Mend what it says.")]
        for finding in findings:
            level = Level.ADVICE if finding.is_advice else Level.FAULT
            yield Result(name, level, finding.words, finding.cure)
        if not findings:
            yield Result(name, Level.OK)
