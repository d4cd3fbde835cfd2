"""Mail servers that take their time over a login: 200 names, each with a network of its own; IMAP, SMTP and their DNS.

`python -m benchmarks.slow_mail FOLDER SECONDS` starts them and prints a line of JSON. It ends with its input.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from dnslib import A

from tests.lab.certificates import make_authority, make_certificate, pem
from tests.lab.dns import Name, NameServer
from tests.lab.people import DOMAIN
from tests.portal import ROOT, free_port

HOSTS = 220
DEAD = f"dead.{DOMAIN}"  # resolves, and nothing listens there


@dataclass(frozen=True)
class MailServers:
    """The ports of the servers, the address of their DNS, and the file of their certificate authority."""

    imap: int
    smtp: int
    dns: str
    authority: str

    def settings(self) -> dict[str, str]:
        """The portal's settings that let tests reach them, each visitor from the address that the benchmark says."""
        return {
            "DNS_SERVERS": self.dns,
            "EXTRA_CA_FILE": self.authority,
            "ALLOWED_NETWORKS": "127.0.0.0/8",
            "ALLOWED_PORTS": f"{self.imap},{self.smtp},1-1000",
            "ALLOWED_SUFFIXES": "test",
            "EHLO_NAME": "portal.lab.test",
            "TRUSTED_PROXIES": "127.0.0.1/32",
        }


@contextmanager
def mail_servers(folder: Path, login_seconds: float) -> Iterator[MailServers]:
    """Start them in a process of their own."""
    command = [sys.executable, "-m", "benchmarks.slow_mail", str(folder), str(login_seconds)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield MailServers(**json.loads(process.stdout.readline()))
        finally:
            process.kill()


def host(number: int) -> str:
    """The name of one of the servers."""
    return f"m{number}.{DOMAIN}"


def _address(number: int) -> str:
    return f"127.30.{number}.1"  # a network of its own: logins are limited for each (guides/limits/refused_logins.py)


class SlowMail:
    """Answers each login after `seconds`, and everything else at once."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def imap(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One IMAP client."""
        writer.write(b"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n")
        async for line in _lines(reader):
            tag, _, rest = line.partition(b" ")
            name = rest.split(b" ")[0].upper()
            if name == b"AUTHENTICATE":
                await asyncio.sleep(self._seconds)
                writer.write(tag + b" OK [CAPABILITY IMAP4rev1] in\r\n")
            elif name == b"EXAMINE":
                writer.write(b"* 3 EXISTS\r\n" + tag + b" OK [READ-ONLY] done\r\n")
            elif name == b"LOGOUT":
                writer.write(b"* BYE\r\n" + tag + b" OK done\r\n")
                break
            else:
                writer.write(tag + b" OK done\r\n")
        with contextlib.suppress(OSError):
            writer.close()

    async def smtp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One SMTP client."""
        writer.write(b"220 ready ESMTP\r\n")
        async for line in _lines(reader):
            match line.split(b" ")[0].upper():
                case b"EHLO":
                    writer.write(b"250-hello\r\n250-PIPELINING\r\n250 AUTH PLAIN\r\n")
                case b"AUTH":
                    await asyncio.sleep(self._seconds)
                    writer.write(b"235 2.7.0 in\r\n")
                case b"QUIT":
                    writer.write(b"221 2.0.0 bye\r\n")
                    break
                case _:
                    writer.write(b"250 2.0.0 ok\r\n")
        with contextlib.suppress(OSError):
            writer.close()


async def _lines(reader: asyncio.StreamReader):  # type: ignore[no-untyped-def]
    with contextlib.suppress(OSError, ssl.SSLError):
        while line := await reader.readline():
            yield line.rstrip(b"\r\n")


async def main(folder: Path, seconds: float) -> None:
    """Serve until the input ends."""
    authority = make_authority("Benchmarks' CA")
    (folder / "ca.pem").write_bytes(pem(authority))
    make_certificate([f"*.{DOMAIN}"], authority).write(folder / "server.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    zone = {host(number): Name((A(_address(number)),)) for number in range(HOSTS)}
    zone[DEAD] = Name((A("127.31.0.1"),))
    mail = SlowMail(seconds)
    imap = await asyncio.start_server(mail.imap, "0.0.0.0", 0, ssl=context, backlog=1000)
    smtp = await asyncio.start_server(mail.smtp, "0.0.0.0", 0, ssl=context, backlog=1000)
    dns = ("127.30.255.1", free_port())
    await NameServer(zone).serve(dns)
    ports = [server.sockets[0].getsockname()[1] for server in (imap, smtp)]
    servers = MailServers(*ports, f"{dns[0]}:{dns[1]}", str(folder / "ca.pem"))
    print(json.dumps(asdict(servers)), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), float(sys.argv[2])))
