"""Requests at random for the whole portal: every path, query parameter, form field and body, with any Unicode in them.

Each is what a web server would hand on: no line end or NUL in a header, since gunicorn refuses those itself.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from random import Random
from urllib.parse import quote_from_bytes

from tests.test_page_report import REPORT

LANGUAGES = ("en", "ja", "ru")
WORDS = (
    "", " ", "anna", "anna@example.net", "Anna <anna@example.net>", "mailto:anna@example.net", "anna@example.net。",
    "example.net", "EXAMPLE.NET", "пример.рф", "xn--e1afmkfd.xn--p1ai", "xn--a", "oauth.example", "number.example",
    "autoconfig.example.net", "imap.example.net", "co.uk", "127.0.0.1", "[::1]", "localhost", "a.b@c@d", "thunderbird",
    "mailbox-full", "new", "old", "imap", "pop3", "smtp", "tls", "starttls", "993", "143", "0", "-1", "1e3", "٣", "²", "1" * 5000,
    "on", "off", "text", "json", "en", "ja", "ru", "xx", "visitor", "provider", "AutodiscoverV1", "ActiveSync",
    "552 5.2.2 Quota exceeded", "535 5.7.8 Authentication failed", "true", "next", "../../etc/passwd", "%00", "%s%n{0}", "{{ 7 }}",
    "<script>alert(1)</script>", "'\"`;--", "a" * 64, "a" * 300, "a." * 130, "\\ud800", "?", "#", "&=", ";", "//", ".", "..",
)  # fmt: skip
CHARACTERS = (
    "\0\t\n\r\x0b\x0c\x1b\x1c\x1d\x1e\x1f\x7f\x85\xa0\xad\u0130\u0131\u0149\u0345\u034f\u061c\u0660\u06dd\u0e33\u115f\u1680\u180e"
    "\u1e9e\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202e\u2060\u2066\u2069\u2126\u3000\u3002\u3164\ufe00\ufe0f\ufeff\uff0e"
    "\uff10\uff20\uff61\uff9e\ufff9\ufffc\ufffd\ufffe\uffff\ue000\ue001\ufdfa\ufb03ßſﬀİıǅ①½²Ⅳ㎏㍿𝟘𝒜💌👩‍👩‍👧🏴\U000e0061\U000e0100\U0010ffff"
    "\u0301\u0316\u0f71\u1100\u1161\u11a8가カﾞがאبक्षँ้不葛󠄀@.:/\\[]<>()\"'%+-_~"
)  # fmt: skip
SURROGATES = "\ud800\udbff\udc00\udfff"

SERVER_FIELDS = tuple(
    f"{protocol}_{part}" for protocol in ("imap", "pop3", "smtp") for part in ("host", "port", "security")
)
QUERY = (
    "at", "q", "page", "confirmed", "client", "version", "protocol", "address", "domain", "owner", "by-hand", "emailaddress",
    "Email", "RedirectCount", "language", "next", *SERVER_FIELDS,
)  # fmt: skip
TEST = (
    "address",
    "password",
    "username",
    "deliver",
    "is_token",
    "anyway",
    "pop3",
    "confirmed",
    "proof",
    *SERVER_FIELDS,
)


def text(random: Random, words: tuple[str, ...] = WORDS) -> str:
    """Any text: one that the portal knows, characters that break things, any of Unicode, or a mixture."""
    match random.randrange(8):
        case 0 | 1 | 2:
            return random.choice(words)
        case 3:
            return "".join(_character(random) for _ in range(random.randrange(12)))
        case 4:
            return _character(random) * random.choice((2, 64, 255, 400))
        case 5:
            return random.choice(words) + random.choice(("@", ".", "", " ", "/")) + random.choice(words)
    word = random.choice(words)
    at = random.randrange(len(word) + 1)
    return word[:at] + "".join(_character(random) for _ in range(random.randint(1, 3))) + word[at:]


def _character(random: Random) -> str:
    match random.randrange(8):
        case 0:
            return chr(random.randrange(sys.maxunicode + 1))
        case 1:
            return chr(random.randrange(0x3100))
        case 2:
            return random.choice(SURROGATES)
    return random.choice(CHARACTERS)


def octets(random: Random) -> bytes:
    """A text in UTF-8, or now and then something that is not."""
    if random.randrange(12) == 0:
        return random.randbytes(random.randrange(20))
    return text(random).encode("utf-8", "surrogatepass")


def _quoted(data: bytes) -> bytes:
    return quote_from_bytes(data, safe="@:").encode()


@dataclass(frozen=True, slots=True)
class RandomRequest:
    """What a web server hands on. `path` is decoded from its percent signs, as WSGI has it."""

    method: str
    path: bytes
    query: bytes = b""
    body: bytes = b""
    content_type: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def environ(self) -> dict[str, object]:
        """The request as a WSGI environment."""
        return {
            "REQUEST_METHOD": self.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": self.path.decode("latin-1"),
            "QUERY_STRING": self.query.decode("latin-1"),
            "CONTENT_TYPE": self.content_type,
            "CONTENT_LENGTH": str(len(self.body)),
            "SERVER_NAME": "testserver",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(self.body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            **self.headers,
        }


# --- paths and queries -------------------------------------------------------------------------------------

FOLDERS = (
    "settings/%/", "settings/%.json", "settings/", "apple/%/", "apple/%/qr.svg", "operators/", "operators/%/", "guides/",
    "guides/%/", "errors/", "errors/find/", "errors/%/", "test/", "search/", "report/", "status/", "", "%", "%/%/",
)  # fmt: skip
DIRECT = (
    "", "go/%/", "mail/config-v1.1.xml", ".well-known/autoconfig/mail/config-v1.1.xml", "v1.1/%",
    "autodiscover/autodiscover.xml", "Autodiscover/Autodiscover.json", "autodiscover/autodiscover.json/v1.0/%",
    ".well-known/user-agent-configuration.json", "profile/%.mobileconfig", "openapi.json", "tls-names", "livez", "readyz",
    "robots.txt", "static/%", "%", "%/%", "admin/", "admin/login/", "admin/%/", "admin/guides/%/", "admin/guides/provider/%/change/",
)  # fmt: skip
KNOWN = ("example.net", "oauth.example", "number.example", "thunderbird", "mailbox-full", "unknown.example")


def _path(random: Random, template: str) -> bytes:
    """A path with something known or anything for each `%`."""
    start, *rest = template.split("%")
    path = f"/{start}".encode()
    for piece in rest:
        segment = random.choice(KNOWN).encode() if random.randrange(3) == 0 else octets(random)
        path += segment + piece.encode()
    return path


def any_path(random: Random) -> bytes:
    """Any route of the portal, with anything in its places."""
    if random.randrange(3) == 0:
        return _path(random, random.choice(DIRECT))
    return _path(random, f"{random.choice(LANGUAGES)}/{random.choice(FOLDERS)}")


def query(random: Random) -> bytes:
    """Any of the parameters, each with anything in it."""
    if random.randrange(20) == 0:
        return octets(random).replace(b"\n", b"")
    names = random.sample(QUERY, random.choice((0, 1, 1, 2, 2, 3, 8)))
    return urlencoded(random, {name: octets(random) for name in names})


# --- bodies ------------------------------------------------------------------------------------------------


def urlencoded(random: Random, fields: dict[str, bytes]) -> bytes:
    """As in a URL or a plain form; now and then without the quoting, or with a field twice."""
    pairs = [(name.encode(), value) for name, value in fields.items()]
    if pairs and random.randrange(10) == 0:
        pairs += [(pairs[0][0], octets(random)), (octets(random), octets(random))]
    quoting: Callable[[bytes], bytes] = _quoted if random.randrange(20) else bytes
    return b"&".join(_quoted(name) + b"=" + quoting(value) for name, value in pairs)


def multipart(random: Random, fields: dict[str, bytes]) -> tuple[str, bytes]:
    """As a form with a file; now and then damaged, or with headers that no browser sends."""
    boundary = random.choice(("xYzZy", "-" * 40, "a" * 70, "b b"))
    more = (
        b"Content-Type: text/plain; charset=punycode",
        b"Content-Transfer-Encoding: base64",
        b"Content-Transfer-Encoding: x",
        b"X: ",
    )
    body = b""
    for name, value in fields.items():
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'.encode()
        if name == "file" or random.randrange(10) == 0:
            file_name = octets(random).replace(b"\r", b"").replace(b"\n", b"")
            body += random.choice(
                (b'; filename="' + file_name + b'"', b"; filename*=UTF-8''" + _quoted(file_name), b"; filename*=x")
            )
        if random.randrange(6) == 0:
            body += b"\r\n" + random.choice(more) + random.choice((b"", octets(random).replace(b"\r\n", b"")))
        body += b"\r\n\r\n" + value + b"\r\n"
    body += f"--{boundary}--\r\n".encode()
    if random.randrange(10) == 0:
        body = body[: random.randrange(len(body))]
    return f"multipart/form-data; boundary={boundary}", body


def report(random: Random) -> bytes:
    """A report as the portal writes it, with a value changed; or any text."""
    if random.randrange(4) == 0:
        return octets(random)
    changes: tuple[Callable[[], object], ...] = (
        lambda: text(random),
        lambda: random.choice((None, True, -1, 10**40, 1e308, float("nan"), [], {}, [[]], {"": 0})),
        lambda: [text(random)] * random.choice((1, 3, 100)),
    )

    def mutated(value: object) -> object:
        if isinstance(value, dict) and value and random.randrange(9):
            name = random.choice(list(value))
            return {**value, name: mutated(value[name])}
        if isinstance(value, list) and value and random.randrange(9):
            at = random.randrange(len(value))
            return [*value[:at], mutated(value[at]), *value[at + 1 :]]
        return random.choice(changes)()

    data = json.loads(REPORT.to_json())
    for _ in range(random.randrange(3)):
        data = mutated(data)
    return json.dumps(data, ensure_ascii=bool(random.randrange(2))).encode("utf-8", "surrogatepass")


def pox(random: Random) -> bytes:
    """What Outlook asks, with anything in its places; or any text."""
    start = random.choice(
        ("", '<?xml version="1.0" encoding="utf-8"?>', f'<?xml version="1.0" encoding="{text(random)}"?>')
    )
    name = random.choice(("http://schemas.microsoft.com/exchange/autodiscover/outlook/", "")) + random.choice(
        ("requestschema/2006", text(random))
    )
    address = random.choice(
        (text(random), "anna@example.net", "<![CDATA[anna@example.net]]>", "&x;", "&#0;", "&#xD800;")
    )
    body = (
        f'{start}<Autodiscover xmlns="{name}"><Request><EMailAddress>{address}</EMailAddress><AcceptableResponseSchema>'
        f"http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>"
    )
    data = body.encode(random.choice(("utf-8", "utf-8", "utf-8", "utf-16", "utf-32")), "surrogatepass")
    return random.choice((data, data, data, octets(random), data[: random.randrange(len(data) + 1)]))


def _address(random: Random) -> bytes:
    known = ("anna@example.net", "anna@oauth.example", "anna@number.example", "anna@unknown.example")
    return random.choice(known).encode() if random.randrange(2) else octets(random)


def _paste(random: Random) -> bytes:
    pieces = (
        b"\n",
        b" ",
        b": ",
        b"From: ",
        b"Content-Type: message/delivery-status\n\n",
        b"Final-Recipient: rfc822; ",
        b"Status: 5.1.1\n",
    )
    return b"".join(random.choice((random.choice(pieces), octets(random))) for _ in range(random.randrange(12)))


FIELDS: dict[str, Callable[[Random], dict[str, bytes]]] = {
    "settings/": lambda random: {"address": _address(random), "confirmed": octets(random)},
    "guides/thunderbird/": lambda random: {"address": _address(random)},
    "errors/find/": lambda random: {"text": _paste(random), "file": random.choice((b"", _paste(random)))},
    "report/": lambda random: {"report": report(random), "mask": octets(random), "as": octets(random)},
    "test/": lambda random: {
        "address": _address(random),
        "password": octets(random) or b"s3cret",
        **{name: octets(random) for name in random.sample(TEST[2:], random.choice((0, 0, 1, 2, 3, 6)))},
    },
}
DIRECT_FIELDS: dict[str, Callable[[Random], dict[str, bytes]]] = {
    "profile/%.mobileconfig": lambda random: {
        "address": _address(random),
        "protocol": octets(random),
        "language": octets(random),
    },
    "admin/login/": lambda random: {"username": octets(random), "password": octets(random), "next": octets(random)},
    "apple/%/": lambda random: {"address": _address(random)},
}


def _posted(random: Random) -> tuple[bytes, bytes, str]:
    """A path, a body for it, and the body's type."""
    kind = random.randrange(12)
    if kind == 0:
        types = ("text/xml", "application/xml; charset=utf-16", "application/x-www-form-urlencoded", text(random))
        return b"/autodiscover/autodiscover.xml", pox(random), random.choice(types)
    if kind == 1:
        return (
            any_path(random),
            octets(random),
            random.choice(("application/json", "text/plain", "multipart/form-data", text(random))),
        )
    if kind == 2:
        folder, make = random.choice(list(DIRECT_FIELDS.items()))
        path = _path(random, folder)
    else:
        folder, make = random.choice(list(FIELDS.items()))
        path = f"/{random.choice(LANGUAGES)}/{folder}".encode()
    fields = make(random)
    if random.randrange(10) == 0:
        fields.pop(random.choice(list(fields)))
    if "file" in fields or random.randrange(4) == 0:
        content_type, body = multipart(random, fields)
    else:
        content_type, body = "application/x-www-form-urlencoded", urlencoded(random, fields)
    if random.randrange(20) == 0:
        content_type += random.choice(("; charset=punycode", "; charset=", f"; charset={text(random)}"))
    return path, body, content_type


# --- headers, and the whole --------------------------------------------------------------------------------


def _as_header(value: str) -> str:
    """As a header reaches an application: octets as Latin-1, without what web servers refuse."""
    value = value.encode("utf-8", "surrogatepass").decode("latin-1")
    return "".join(char for char in value if char not in "\0\r\n").strip(" \t")[:2000]


HEADERS: dict[str, tuple[str, ...]] = {
    "HTTP_ACCEPT_LANGUAGE": ("ja,en;q=0.5", "ru-RU", "*", "xx;q=2", "a" * 600, "zh-Hant,;q=,"),
    "HTTP_HX_REQUEST": ("true",),
    "HTTP_HX_REQUEST_TYPE": ("partial", "full"),
    "HTTP_HX_CURRENT_URL": ("http://testserver/en/", "http://[", "%F0%9F%92%8C"),
    "HTTP_HX_CURRENT_URL_URI_AUTOENCODED": ("true",),
    "HTTP_HX_TARGET": ("result",),
    "HTTP_HX_TRIGGER": ("test-form",),
    "HTTP_TRIGGERING_EVENT": ("{", "[1]", "{}"),
    "HTTP_HOST": ("testserver", "autoconfig.example.net", "autodiscover.example.net:443", "example.net", "[::1]", "a..b", "testserver:x"),
    "HTTP_ORIGIN": ("http://testserver", "null", "http://[", "//"),
    "HTTP_SEC_FETCH_SITE": ("same-origin", "none", "cross-site"),
    "HTTP_ACCEPT": ("text/html", "*/*;q=x", "text/event-stream"),
    "HTTP_ACCEPT_ENCODING": ("gzip", "br;q=0", "*"),
    "HTTP_COOKIE": ("sessionid=x", "csrftoken=x", "django_language=ja", "=;;=", "a=\\777"),
    "HTTP_IF_NONE_MATCH": ("*", '"x"', "W/"),
    "HTTP_IF_MODIFIED_SINCE": ("Thu, 01 Jan 1970 00:00:00 GMT", "Thu, 99 Jan 99999999999999999999 00:00:00 GMT"),
    "HTTP_RANGE": ("bytes=0-", "bytes=9-1", "x"),
    "HTTP_REFERER": ("http://testserver/", "http://["),
    "HTTP_X_FORWARDED_FOR": ("192.0.2.1", "[::1]:1", ","),
    "HTTP_X_FORWARDED_PROTO": ("https", ","),
    "HTTP_X_CSRFTOKEN": ("a" * 64,),
    "HTTP_USER_AGENT": ("Thunderbird/140",),
}  # fmt: skip


def _headers(random: Random) -> dict[str, str]:
    made = {}
    for name in random.sample(list(HEADERS), random.choice((0, 0, 1, 2, 4))):
        made[name] = random.choice(HEADERS[name]) if random.randrange(3) else _as_header(text(random))
    made["REMOTE_ADDR"] = random.choice((f"192.88.{random.randrange(256)}.1", f"2a00:{random.randrange(65536):x}::1"))
    return made


def make(seed: int) -> RandomRequest:
    """The request of a seed: always the same."""
    random = Random(seed)
    if random.randrange(2):
        method = random.choice(("GET", "GET", "GET", "GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "X"))
        return RandomRequest(method, any_path(random), query(random), headers=_headers(random))
    path, body, content_type = _posted(random)
    headers = _headers(random)
    if path.startswith(b"/admin/"):
        headers |= {"HTTP_COOKIE": "csrftoken=" + "a" * 32, "HTTP_X_CSRFTOKEN": "a" * 32}
    asked = query(random) if random.randrange(4) == 0 else b""
    return RandomRequest("POST", path, asked, body, _as_header(content_type), headers)
