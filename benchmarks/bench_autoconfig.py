"""Autoconfig against automx2 and against a constant view, under gunicorn with the same worker and threads, in one run.

automx2 comes from PyPI into an environment of this benchmark's own (`benchmarks/.automx2/`, made at the first run) with
its example data. Both answer one domain again and again over connections that stay open, as clients behind a proxy ask.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.figures import Ratio
from benchmarks.load import Rates, Target
from benchmarks.servers import Server, environment_with, loaded_data, other_program, portal

PACKAGES = ("automx2==2026.2",)
PATH = "/mail/config-v1.1.xml?emailaddress=anna@{domain}"


def run() -> list[Ratio]:
    """The portal, a constant view and automx2 in turns."""
    with tempfile.TemporaryDirectory(prefix="bench-autoconfig-") as name:
        folder = Path(name)
        with portal(loaded_data(folder)) as server, _automx2(folder) as other:
            ours = Target(server, PATH.replace("{domain}", "mail.ru"))
            theirs = Target(other, PATH.replace("{domain}", "example.com"))
            for target in (ours, theirs):
                assert "<incomingServer" in target.answer().text()  # a fast wrong answer is no answer
            rates = Rates({"portal": ours, "automx2": theirs, "constant": Target(server, "/livez")})
    return [
        Ratio("autoconfig / automx2", rates.ratio("portal", "automx2"), 2, True, rates.note("portal", "automx2")),
        Ratio("autoconfig / constant view", rates.ratio("portal", "constant"), note=rates.note("portal", "constant")),
    ]


@contextmanager
def _automx2(folder: Path) -> Iterator[Server]:
    """automx2 with a database file and its example data."""
    configuration = folder / "automx2.conf"
    configuration.write_text(f"[automx2]\nloglevel = WARNING\ndb_uri = sqlite:///{folder}/automx2.sqlite3\n")
    environment, settings = environment_with("automx2", PACKAGES), {"AUTOMX2_CONF": str(configuration)}
    with other_program(environment, "automx2.server:app", folder, "/initdb/", settings) as server:
        yield server
