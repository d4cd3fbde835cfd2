"""Public tables as an operator has them on disk: read, compared with the library, and no harm done by bad ones."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from guides.library.classes_document import renewed
from guides.library.providers_document import BEGIN, END, document, library_servers
from guides.library.table_checkouts import (
    LONGEST_TABLE,
    Checkout,
    TableFault,
    differences,
    read_fairemail,
    read_ispdb,
    read_nodemailer,
    read_provider_db,
)
from guides.mail.accounts import Protocol, Security, Server, UsernameForm
from tests.ispdb_folder import config, server

ROOT = Path(__file__).parent.parent
OURS = {
    "example.com": [
        Server(Protocol.IMAP, "imap.example.com", 993, Security.TLS),
        Server(Protocol.SMTP, "smtp.example.com", 465, Security.TLS),
    ]
}


def places(table: Checkout) -> Mapping[str, list[str]]:
    return {
        domain: [f"{s.protocol} {s.host}:{s.port}:{s.security}:{s.username}" for s in servers]
        for domain, servers in table.servers.items()
    }


def page(folder: Path, name: str, text: str) -> None:
    (folder / "_providers").mkdir(exist_ok=True)
    (folder / "_providers" / name).write_text(text, encoding="utf-8")


HEAD = """---
name: Example
status: OK
domains:
  - example.com
  - пример.рф
server:
  - {type: imap, socket: SSL, hostname: imap.example.com, port: 993, username_pattern: emaillocalpart}
  - {type: smtp, socket: STARTTLS, hostname: smtp.example.com, port: 587}
  - {type: smtp, socket: PLAIN, hostname: old.example.com, port: 25}
---
Text with --- in it.
"""


class TestReading:
    def test_the_ispdb(self, tmp_path: Path) -> None:
        (tmp_path / "example.com").write_text(config(server("imap", "imap.example.com", "993")))
        (tmp_path / "broken").write_bytes(b"<clientConfig>")
        table = read_ispdb(tmp_path)
        assert places(table) == {"example.com": ["imap imap.example.com:993:tls:address"]}
        assert table.left_out == ["broken: it is not well-formed XML, or in another encoding than it says"]

    def test_provider_db(self, tmp_path: Path) -> None:
        page(tmp_path, "example.md", HEAD)
        page(tmp_path, "closed.md", "---\nname: No servers\ndomains: [closed.example]\n---\n")
        for table in (read_provider_db(tmp_path), read_provider_db(tmp_path / "_providers")):
            assert places(table)["example.com"] == places(table)["xn--e1afmkfd.xn--p1ai"]
            assert places(table)["example.com"] == [
                "imap imap.example.com:993:tls:local_part",
                "smtp smtp.example.com:587:starttls:address",
            ]
            assert places(table)["closed.example"] == []
            assert table.left_out == ["example.md: smtp old.example.com:25:none:address"]

    def test_fairemail(self, tmp_path: Path) -> None:
        file = tmp_path / "providers.xml"
        file.write_text(
            r"""<?xml version="1.0" encoding="utf-8"?><providers>
            <provider name="Example" domain="example\.com,mail\.example\..*,Other-Example\.com" user="local">
              <imap host="imap.example.com" port="993" /><smtp host="smtp.example.com" port="587" starttls="true" />
              <oauth host="x" />
            </provider><provider name="Without domains"><imap host="imap.example.net" port="993" /></provider>
            </providers>"""
        )
        servers = ["imap imap.example.com:993:tls:local_part", "smtp smtp.example.com:587:starttls:local_part"]
        assert places(read_fairemail(file)) == {"example.com": servers, "other-example.com": servers}

    def test_nodemailer(self, tmp_path: Path) -> None:
        file = tmp_path / "services.json"
        services = {
            "Example": {"domains": ["example.com"], "host": "smtp.example.com", "port": 465, "secure": True},
            "Other": {"domains": ["example.net"], "host": "smtp.example.net", "port": 587},
            "No domains": {"host": "smtp.example.org", "port": 587},
            "Odd": ["x"],
        }
        file.write_text(json.dumps(services))
        assert places(read_nodemailer(file)) == {
            "example.com": ["smtp smtp.example.com:465:tls:address"],
            "example.net": ["smtp smtp.example.net:587:starttls:address"],
        }


class TestBadTables:
    @pytest.mark.parametrize(
        "text",
        [
            "no head",
            "---\n- a list\n---\n",
            "---\n" + "[" * 5000 + "\n---\n",
            "---\nserver: [{type: gopher, socket: SSL, hostname: a.example, port: 1}]\n---\n",
            "---\nserver: [{type: imap}]\n---\n",
            "---\nserver: 7\n---\n",
            "---\ndate: 2026-99-99\n---\n",
            "---\n!!python/object/apply:os.system [echo]\n---\n",
            "\udcff",
        ],
    )
    def test_a_bad_page_of_provider_db_costs_only_itself(self, tmp_path: Path, text: str) -> None:
        page(tmp_path, "example.md", HEAD)
        (tmp_path / "_providers" / "bad.md").write_bytes(text.encode("utf-8", "surrogateescape"))
        table = read_provider_db(tmp_path)
        assert "bad.md: it cannot be read" in table.left_out
        assert "example.com" in table.servers

    def test_a_huge_page_is_not_read(self, tmp_path: Path) -> None:
        page(tmp_path, "huge.md", HEAD + "x" * LONGEST_TABLE)
        assert read_provider_db(tmp_path).left_out == ["huge.md: it cannot be read"]

    @pytest.mark.parametrize(
        "content", [b"", b"<providers>", b'<!DOCTYPE x [<!ENTITY a "b">]><providers>&a;</providers>', b"<a/>" * 3]
    )
    def test_bad_xml(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "x.xml").write_bytes(content)
        with pytest.raises(TableFault):
            read_fairemail(tmp_path / "x.xml")

    @pytest.mark.parametrize("content", [b"", b"[]", b"[" * 100_000, b"\xff\xfe{", b"{} {}"])
    def test_bad_json(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "x.json").write_bytes(content)
        with pytest.raises(TableFault):
            read_nodemailer(tmp_path / "x.json")

    def test_odd_values(self, tmp_path: Path) -> None:
        (tmp_path / "x.json").write_text(
            '{"A": {"domains": "a.com", "host": "h.com"}, "B": {"domains": [7, null, "b.com"], "host": {}, "port": []}}'
        )
        table = read_nodemailer(tmp_path / "x.json")
        assert places(table) == {"b.com": []}
        assert len(table.left_out) == 2

    @pytest.mark.parametrize("option", ["--ispdb", "--provider-db", "--fairemail", "--nodemailer"])
    def test_what_is_not_there_is_said(self, tmp_path: Path, option: str) -> None:
        errors = StringIO()
        with pytest.raises(SystemExit):
            call_command("compare_providers", option, str(tmp_path / "nothing"), stderr=errors)
        assert re.search("nothing: (there is no such folder|it cannot be read: No such file)", errors.getvalue())


class TestDifferences:
    def test_equal_in_one_server_is_equal(self) -> None:
        table = Checkout("x", servers={"example.com": [*OURS["example.com"]], "other.example": OURS["example.com"]})
        table.servers["example.com"].append(Server(Protocol.IMAP, "imap.example.com", 143, Security.STARTTLS))
        assert list(differences(OURS, table)) == []

    def test_other_servers_and_protocols(self) -> None:
        theirs = [
            Server(Protocol.IMAP, "imap.example.com", 143, Security.STARTTLS),
            Server(Protocol.POP3, "pop.%EMAILDOMAIN%", 995, Security.TLS),
        ]
        assert list(differences(OURS, Checkout("x", servers={"example.com": theirs}))) == [
            "example.com imap: here imap.example.com:993:tls; there imap.example.com:143:starttls",
            "example.com pop3: here nothing; there pop.example.com:995:tls",
        ]

    def test_other_user_names_where_the_table_names_them(self) -> None:
        theirs = [Server(Protocol.IMAP, "imap.example.com", 993, Security.TLS, UsernameForm.LOCAL_PART)]
        line = "example.com imap imap.example.com:993:tls: user name here address; there local_part"
        assert list(differences(OURS, Checkout("x", servers={"example.com": theirs}))) == [line]
        assert list(differences(OURS, Checkout("x", says_names=False, servers={"example.com": theirs}))) == []


def test_the_command_compares_with_the_library(tmp_path: Path) -> None:
    file = tmp_path / "services.json"
    gmail = {"domains": ["gmail.com"], "host": "smtp.gmail.com", "port": 465, "secure": True}
    mail_ru = {"domains": ["mail.ru", "not-known.example"], "host": "smtp.example.com", "port": 465, "secure": True}
    file.write_text(json.dumps({"Gmail": gmail, "Mail.ru": mail_ru}))
    out = StringIO()
    call_command("compare_providers", "--nodemailer", str(file), stdout=out)
    assert out.getvalue().splitlines() == [
        "mail.ru smtp: here smtp.mail.ru:465:tls, smtp.mail.ru:587:starttls; there smtp.example.com:465:tls",
        "only there: not-known.example",
        "2 domains in both, 1 differences, 1 domains only there",
    ]


def test_the_library_knows_providers_and_public_settings() -> None:
    ours = library_servers()
    assert len(ours) > 1000
    assert ours["gmail.com"][0].host == "imap.gmail.com"


def test_the_document_is_what_the_library_says() -> None:
    text = (ROOT / "docs" / "providers.md").read_text(encoding="utf-8")
    assert text == renewed(text, document(), BEGIN, END), "run `manage.py providers_document`"
    assert "| Gmail | " in text
