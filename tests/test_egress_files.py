"""Fetching configuration files: https alone, each hop judged anew, bounded in bytes and seconds."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Iterator
from time import monotonic

import pytest
from dnslib import A

from guides.mail.connection.limits import Limits
from guides.mail.net_fetch import MOST_BYTES
from guides.mail.network import Fetched, FetchFailure
from tests.internet import Internet, Page, redirect

URL = "https://files.test/config.xml"
BODY = b"<clientConfig/>"


@pytest.fixture(scope="module")
def internet() -> Iterator[Internet]:
    made = Internet()
    made.host("files.test", "other.test", "third.test", "uncertified.test")
    made.uncertified.add("uncertified.test")
    made.records("private.test", A("10.0.0.1"))
    made.records("mixed.test", A(made.web), A("192.168.0.1"))
    made.records("closed.test", A(f"{made.network}.99"))
    with made:
        yield made


def fetch(internet: Internet, url: str = URL, limits: Limits | None = None, **options: object) -> Fetched:
    return asyncio.run(internet.egress(limits).fetch(url, **options))  # type: ignore[arg-type]


def cause(internet: Internet, url: str = URL, limits: Limits | None = None, **options: object) -> str:
    with pytest.raises(FetchFailure) as caught:
        fetch(internet, url, limits, **options)
    return caught.value.cause


def test_it_works(internet: Internet) -> None:
    internet.page(URL, Page(BODY, headers=(("Set-Cookie", "a=b"),), media_type="Text/XML; charset=utf-8"))
    answer = fetch(internet)
    assert answer == Fetched(URL, 200, "text/xml", BODY)
    asked = internet.asked[-1]
    assert (asked.method, asked.host, asked.target) == ("GET", "files.test", "/config.xml")
    assert set(asked.headers) == {"host", "user-agent", "accept", "accept-encoding", "connection"}


def test_another_status_is_an_answer_without_a_body(internet: Internet) -> None:
    assert fetch(internet, "https://files.test/missing") == Fetched("https://files.test/missing", 404, "text/html", b"")


def test_a_body_is_posted(internet: Internet) -> None:
    internet.page("https://files.test/post", BODY)
    assert fetch(internet, "https://files.test/post", body=b"<ask/>", media_type="text/xml").body == BODY
    assert (internet.asked[-1].method, internet.asked[-1].body) == ("POST", b"<ask/>")


# --- redirects ---------------------------------------------------------------------------------------


def test_three_redirects_are_followed_and_a_fourth_is_not(internet: Internet) -> None:
    internet.page("https://files.test/0", redirect("/1#part", 302))
    internet.page("https://files.test/1", redirect("https://other.test/2", 307))
    internet.page("https://other.test/2", redirect("//third.test/3", 308))
    internet.page("https://third.test/3", BODY)
    answer = fetch(internet, "https://files.test/0")
    assert answer.body == BODY
    assert answer.url == "https://third.test/3"
    assert answer.hops == ("https://files.test/0", "https://files.test/1", "https://other.test/2")
    internet.page("https://files.test/more", redirect("/0"))
    assert cause(internet, "https://files.test/more") == "fetch.redirects"


def test_a_circle_ends(internet: Internet) -> None:
    internet.page("https://files.test/circle", redirect("/circle"))
    before = len(internet.asked)
    assert cause(internet, "https://files.test/circle") == "fetch.redirects"
    assert len(internet.asked) == before + 4


def test_redirects_can_be_forbidden(internet: Internet) -> None:
    internet.page("https://files.test/moved", redirect("/config.xml"))
    internet.page(URL, BODY)
    assert fetch(internet, "https://files.test/moved").body == BODY
    assert cause(internet, "https://files.test/moved", redirects=0) == "fetch.redirects"


@pytest.mark.parametrize(
    "location",
    [
        "http://other.test/",
        "https://other.test:993/",
        "https://other.test:22/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::1/",
        "https://2130706433/",
        "https://①②⑦.⓪.⓪.①/",
        "https://localhost/",
        "https://metadata.internal/",
        "https://router.lan/",
        "https://private.test/",
        "https://mixed.test/",
        "https://anna@other.test/",
        "https://anna:secret@other.test/",
        "https://other.test\\@files.test/",
        "https://other.test:99999/",
        "https://other.test:0/",
        "https://other.test/a b",
        "file:///etc/passwd",
        "gopher://other.test/",
        "data:text/xml,x",
        "https://" + "a" * 300 + ".test/",
        "https://other.test/" + "a" * 3000,
    ],
)
def test_redirects_to_anywhere_else_are_refused(internet: Internet, location: str) -> None:
    internet.page("https://files.test/away", redirect(location))
    assert cause(internet, "https://files.test/away") == "fetch.forbidden"


def test_redirect_to_a_closed_port_is_told_apart_from_one_to_a_private_address(internet: Internet) -> None:
    internet.page("https://files.test/away", redirect("https://closed.test/"))
    assert cause(internet, "https://files.test/away") == "tcp.refused"


def test_what_is_private_stays_with_its_host(internet: Internet) -> None:
    internet.page("https://files.test/ask?emailaddress=a", redirect("https://other.test/ask?emailaddress=a"))
    internet.page("https://other.test/ask?emailaddress=a", BODY)
    assert fetch(internet, "https://files.test/ask?emailaddress=a").body == BODY
    before = len(internet.asked)
    assert cause(internet, "https://files.test/ask?emailaddress=a", private=True) == "fetch.redirects"
    assert cause(internet, "https://files.test/ask?emailaddress=a", body=b"a", private=True) == "fetch.redirects"
    assert {asked.host for asked in internet.asked[before:]} == {"files.test"}


@pytest.mark.parametrize(
    "url",
    ["http://files.test/", "https://files.test:993/", "https://10.0.0.1/", "https://private.test/", "files.test", ""],
)
def test_the_first_hop_is_judged_alike(internet: Internet, url: str) -> None:
    assert cause(internet, url) == "fetch.forbidden"


# --- bytes and seconds -------------------------------------------------------------------------------


def test_a_body_just_within_the_limit_is_taken_and_a_longer_one_is_not(internet: Internet) -> None:
    internet.page("https://files.test/big", b"x" * (MOST_BYTES - 4096))
    assert len(fetch(internet, "https://files.test/big").body) == MOST_BYTES - 4096
    internet.page("https://files.test/big", b"x" * (MOST_BYTES + 1))
    assert cause(internet, "https://files.test/big") == "fetch.too_large"


def endless(start: bytes, again: bytes) -> Page:
    """A page that writes `again` until the other side has gone."""

    async def stream(writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        while not writer.is_closing():
            writer.write(again)
            await writer.drain()
            await asyncio.sleep(0)  # lets the loop see that the other side has gone

    return Page(stream=stream)


def test_an_endless_body_is_cut(internet: Internet) -> None:
    head, chunk = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1000\r\n" + b"x" * 4096 + b"\r\n"
    internet.page("https://files.test/endless", endless(head, chunk))
    assert cause(internet, "https://files.test/endless") == "fetch.too_large"


def test_a_flood_of_tiny_chunks_is_cut(internet: Internet) -> None:
    async def stream(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 10_000 + b"0\r\n\r\n")

    internet.page("https://files.test/tiny", Page(stream=stream))
    assert cause(internet, "https://files.test/tiny") == "fetch.too_large"


def test_an_endless_head_is_cut(internet: Internet) -> None:
    internet.page("https://files.test/head", endless(b"HTTP/1.1 200 OK\r\n", b"X-More: " + b"x" * 1000 + b"\r\n"))
    assert cause(internet, "https://files.test/head") == "fetch.protocol"


def test_a_body_that_drips_ends_in_time(internet: Internet) -> None:
    async def stream(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    internet.page("https://files.test/drip", Page(stream=stream))
    began = monotonic()
    assert cause(internet, "https://files.test/drip", seconds=0.3) == "fetch.timeout"
    assert monotonic() - began < 2


def test_the_seconds_hold_for_all_hops_together(internet: Internet) -> None:
    for step in range(3):
        internet.page(f"https://files.test/slow{step}", redirect(f"/slow{step + 1}"))
        internet.pages["files.test", f"/slow{step}"] = Page(
            status=302, headers=(("Location", f"/slow{step + 1}"),), seconds=0.2
        )
    internet.page("https://files.test/slow3", BODY)
    assert fetch(internet, "https://files.test/slow0").body == BODY
    assert cause(internet, "https://files.test/slow0", seconds=0.4) == "fetch.timeout"


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [("gzip", gzip.compress), ("x-gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", raw_deflate)],
)
def test_compressed_bodies_are_unpacked_within_the_limit(internet: Internet, encoding: str, pack: object) -> None:
    coding = (("Content-Encoding", encoding),)
    internet.page("https://files.test/packed", Page(pack(BODY), headers=coding))  # type: ignore[operator]
    assert fetch(internet, "https://files.test/packed").body == BODY
    bomb = pack(b"\0" * 20_000_000)  # type: ignore[operator]
    assert len(bomb) < MOST_BYTES
    internet.page("https://files.test/packed", Page(bomb, headers=coding))
    assert cause(internet, "https://files.test/packed") == "fetch.too_large"
    internet.page("https://files.test/packed", Page(pack(BODY)[:-6], headers=coding))  # type: ignore[operator]
    assert cause(internet, "https://files.test/packed") == "fetch.encoding"


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "zstd"])
def test_other_encodings_are_refused(internet: Internet, encoding: str) -> None:
    internet.page("https://files.test/packed", Page(BODY, headers=(("Content-Encoding", encoding),)))
    assert cause(internet, "https://files.test/packed") == "fetch.encoding"


@pytest.mark.parametrize(
    "answer",
    [
        b"* OK IMAP4rev1 ready\r\n",
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_no_http_is_told(internet: Internet, answer: bytes) -> None:
    async def stream(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)

    internet.page("https://files.test/odd", Page(stream=stream))
    assert cause(internet, "https://files.test/odd") == "fetch.protocol"


def test_early_hints_come_before_the_answer(internet: Internet) -> None:
    async def stream(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 3 + b"HTTP/1.1 200 OK\r\n\r\n" + BODY)

    internet.page("https://files.test/hints", Page(stream=stream))
    assert fetch(internet, "https://files.test/hints").body == BODY


# --- what the connection says ------------------------------------------------------------------------


def test_failures_on_the_way_keep_their_class(internet: Internet) -> None:
    assert cause(internet, "https://nowhere.test/") == "dns.nxdomain"
    assert cause(internet, "https://closed.test/") == "tcp.refused"
    assert cause(internet, "https://uncertified.test/") == "tls.cert_hostname"
    assert cause(internet, limits=Limits(dns=0.0001)) == "dns.timeout"
