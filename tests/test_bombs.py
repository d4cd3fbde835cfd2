"""No input takes more than a second of a processor, whichever parser reads it. `BOMBS=all` runs the whole table."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from guides.mail.accounts import Address, AddressError, as_meant, domain_to_ascii
from guides.mail.connection_report import ConnectionReport, ReportFault
from guides.mail.diagnosis.explain import NotTextError, diagnose
from guides.mail.diagnosis.messages import decoded
from guides.mail.diagnosis.normalise import shape_of
from guides.mail.diagnosis.shown import shown
from guides.mail.discovery.xml import XmlFault, read_xml
from guides.mail.publish.autodiscover import LONGEST_REQUEST, PoxFault, read_request
from guides.mail.vetting import HostForbidden, check_host
from guides.markup import searching
from tests.bombs import ALL, STEP

SECONDS = 1.0
_STEP = 1 if os.environ.get("BOMBS") == "all" else STEP


def _pasted(data: bytes) -> None:
    with suppress(NotTextError):
        for cause in diagnose(data).causes:
            shown(cause)
    searching.terms(shape_of(decoded(data)))


def _xml(data: bytes) -> None:
    with suppress(XmlFault):
        read_xml(data)
    with suppress(PoxFault):
        read_request(data[:LONGEST_REQUEST])


def _json(data: bytes) -> None:
    with suppress(ReportFault):
        ConnectionReport.from_json(data.decode())


def _field(data: bytes) -> None:
    text = data.decode()
    for read in (Address.parse, as_meant, domain_to_ascii, check_host):
        with suppress(AddressError, HostForbidden):
            read(text)


READ: dict[str, Callable[[bytes], None]] = {"pasted": _pasted, "xml": _xml, "json": _json, "field": _field}


def test_the_table_is_long_enough() -> None:
    assert sum(map(len, ALL.values())) >= 200


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the codec unicode_escape, which XML may name
def test_no_bomb_takes_a_second() -> None:
    diagnose("550 5.1.1 user unknown")  # the rules are compiled once in a process
    slow = []
    for kind, bombs in ALL.items():
        for name in list(bombs)[::_STEP]:
            data = bombs[name]()
            began = time.process_time()
            READ[kind](data)
            if (taken := time.process_time() - began) > SECONDS:
                slow.append(f"{name}: {taken:.1f} s")
    assert slow == []
