"""Starts the lab and says where everything is."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import grp
import hmac
import json
import os
import pwd
import random
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from guides.mail.accounts import Protocol, Security, Server, UsernameForm
from tests.lab import dovecot, odd, postfix
from tests.lab.certificates import write_certificates
from tests.lab.dns import NameServer, make_zone
from tests.lab.hosts import HOSTS, MAIL, REAL, Host, Ports
from tests.lab.people import DOMAIN, PEOPLE, Person

NEEDED = {
    "dovecot-core": dovecot.PROGRAM,
    "dovecot-imapd": Path("/usr/lib/dovecot/imap"),
    "dovecot-pop3d": Path("/usr/lib/dovecot/pop3"),
    "postfix": postfix.PROGRAM,
}
STARTUP_SECONDS = 15
MANY_ADDRESSES = 1000
SENTINEL_SERVICE = "lab"


class LabError(RuntimeError):
    """The lab cannot run here; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One login that Dovecot judged, for itself or for Postfix."""

    user: str
    service: str  # imap, pop3, smtp
    success: bool


class Lab:
    """A small mail provider on loopback: Dovecot, Postfix, a DNS server, a certification authority.

    Use it as a context manager, or call `start()` and `stop()`. Each lab has a loopback network of its own
    (127.x.y.0/24), so that several can run at a time.
    """

    domain = DOMAIN

    def __init__(self) -> None:
        self.people: dict[str, Person] = {person.name: person for person in PEOPLE}

    def __enter__(self) -> Lab:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # --- life ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start everything and return when every server answers. Raises LabError."""
        _check_machine()
        self._cleanup = contextlib.ExitStack()
        try:
            self._start()
        except BaseException:
            self._cleanup.close()
            raise

    def stop(self) -> None:
        """Stop every process and remove every file."""
        self._cleanup.close()

    def _start(self) -> None:
        self.network, self.ports = _free_network()
        self.addresses = {host: f"{self.network}.{host.number}" for host in HOSTS}
        self.dns_server = (f"{self.network}.254", self.ports.dns)
        self._start_supervisor()
        certificates = self.directory / "certificates"
        certificates.mkdir()
        kinds: dict[str, list[str]] = {}
        for host in HOSTS:
            kinds.setdefault(host.certificate or "good", []).extend(host.names)
        self.ca_file = write_certificates(certificates, kinds)
        configuration = dovecot.write_configuration(self.directory, self.addresses, self.ports)
        mail_owner = pwd.getpwnam(dovecot.MAIL_USER).pw_uid, grp.getgrnam(dovecot.MAIL_GROUP).gr_gid
        folder, owned = postfix.write_configuration(self.directory, self.addresses, self.ports, *mail_owner)
        self._order({"chown": owned + dovecot.make_mailboxes(self.directory)})
        self._order({"run": [str(dovecot.PROGRAM), "-F", "-c", str(configuration)], "output": "dovecot.out"})
        self._order({"run": [str(postfix.PROGRAM), "-s", "-c", str(folder)], "output": "postfix.out"})
        self._start_own_servers()
        self._await_servers()

    def _start_supervisor(self) -> None:
        supervisor = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("supervisor.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._supervisor = supervisor
        self._cleanup.callback(self._stop_supervisor)
        self.directory = Path(self._answer())

    def _stop_supervisor(self) -> None:
        with self._supervisor:  # closes its input, which ends it, and waits for it
            pass

    def _order(self, command: dict[str, object]) -> str:
        assert self._supervisor.stdin is not None
        self._supervisor.stdin.write(json.dumps(command) + "\n")
        self._supervisor.stdin.flush()
        return self._answer()

    def _answer(self) -> str:
        assert self._supervisor.stdout is not None
        line = self._supervisor.stdout.readline()
        if not line:
            raise LabError("the lab's supervisor died; its error is above")
        return line.strip()

    def _start_own_servers(self) -> None:
        """The DNS server and the odd servers share one thread of this process."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name="lab", daemon=True)
        thread.start()
        zone = make_zone(self.addresses, self.ports, self._many_addresses())
        self.dns = NameServer(zone)
        self.odd = odd.OddServers(self.addresses, self.ports, self.directory / "certificates" / "good.pem")

        listening: list[asyncio.DatagramTransport | asyncio.Server] = []

        async def begin() -> None:
            listening.extend(await self.dns.serve(self.dns_server))
            await self.odd.start()

        async def end() -> None:
            self.odd.stop()
            for listener in listening:
                listener.close()
            await _turns(10)  # a connection that was accepted a moment ago gets its task, and this its first step
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            await _turns(3)  # closed transports tell their protocols, and close their sockets

        def finish() -> None:
            asyncio.run_coroutine_threadsafe(end(), loop).result(10)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)
            loop.close()

        self._cleanup.callback(finish)
        asyncio.run_coroutine_threadsafe(begin(), loop).result(10)

    def _many_addresses(self) -> list[str]:
        second = int(self.network.split(".")[1])
        return [f"127.{second}.{third}.{last}" for third in range(4) for last in range(1, 251)][:MANY_ADDRESSES]

    def _await_servers(self) -> None:
        """Wait until every port of every real host takes connections, then until the login machinery answers."""
        deadline = time.monotonic() + STARTUP_SECONDS
        for host in REAL:
            in_clear = (self.ports.imap, self.ports.pop3, self.ports.submission)
            for port in self.ports.mail() if host.certificate else in_clear:
                while not _listens(self.addresses[host], port):
                    self._check_alive(deadline)
        while not (self.directory / "auth").is_socket():
            self._check_alive(deadline)

    def _check_alive(self, deadline: float) -> None:
        if time.monotonic() > deadline:
            raise LabError(f"Dovecot or Postfix did not start:\n{self.logs()}")
        time.sleep(0.02)

    # --- where things are ------------------------------------------------------------------------

    def server(
        self,
        protocol: Protocol,
        security: Security = Security.TLS,
        host: Host | str = MAIL,
        *,
        port: int | None = None,
        username: UsernameForm = UsernameForm.ADDRESS,
    ) -> Server:
        """A server as the portal's form would give it; `port` is the usual one unless told."""
        if isinstance(host, Host):
            label = {Protocol.IMAP: "imap", Protocol.POP3: "pop", Protocol.SMTP: "smtp"}[protocol]
            name = f"{label}.{DOMAIN}" if host is MAIL else host.names[0]
        else:
            name = host
        return Server(protocol, name, port or self.port(protocol, security), security, username)

    def port(self, protocol: Protocol, security: Security) -> int:
        """The port on which every host offers `protocol` under `security`."""
        ports = self.ports
        at_once, in_clear = {
            Protocol.IMAP: (ports.imaps, ports.imap),
            Protocol.POP3: (ports.pop3s, ports.pop3),
            Protocol.SMTP: (ports.submissions, ports.submission),
        }[protocol]
        return at_once if security is Security.TLS else in_clear

    def environment(self) -> dict[str, str]:
        """The portal's settings with which it finds and trusts the lab."""
        host, port = self.dns_server
        return {
            "DNS_SERVERS": f"{host}:{port}",
            "EXTRA_CA_FILE": str(self.ca_file),
            "ALLOWED_NETWORKS": "127.0.0.0/8",
            "ALLOWED_PORTS": ",".join(str(number) for number in self.ports.mail()),
            "ALLOWED_SUFFIXES": "test",
            "EHLO_NAME": "portal.lab.test",
        }

    # --- what happened ---------------------------------------------------------------------------

    def logs(self) -> str:
        """What Dovecot and Postfix have said, for a failure's message."""
        names = ("dovecot.out", "postfix.out", "dovecot.log", "postfix.log")
        files = (self.directory / name for name in names)
        return "\n".join(f"--- {file.name}\n{file.read_text(errors='replace')}" for file in files if file.exists())

    def attempts(self) -> list[Attempt]:
        """Every login attempt since the start, in order. Waits until Dovecot has written down all that was judged."""
        sentinel = f"sentinel-{time.monotonic_ns()}"
        deadline = time.monotonic() + 10
        with self._login_begun(sentinel):
            while time.monotonic() < deadline:
                found = list(self._read_attempts())
                if any(attempt.user == sentinel for attempt in found):
                    return [attempt for attempt in found if attempt.service != SENTINEL_SERVICE]
                time.sleep(0.005)
        raise LabError(f"Dovecot did not log a login attempt:\n{self.logs()}")

    def token(self, person: Person, seconds: int = 600) -> str:
        """An OAuth 2.0 access token of a person: a JWT that ends in so many seconds."""
        claims = {"sub": person.username, "active": "yes", "exp": int(time.time()) + seconds}
        head, body = (_base64url(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
        signature = hmac.new(dovecot.TOKEN_KEY, f"{head}.{body}".encode(), "sha256").digest()
        return f"{head}.{body}.{_base64url(signature)}"

    @contextlib.contextmanager
    def counting(self) -> Iterator[Counter[str]]:
        """Login attempts within the block: service -> times; filled when the block ends."""
        counted: Counter[str] = Counter()
        before = len(self.attempts())
        yield counted
        counted.update(attempt.service for attempt in self.attempts()[before:])

    def connections(self, host: Host | None = None) -> list[tuple[str, int]]:
        """Connections that clients hold open at the lab's servers: (address, port) of the server's end."""
        return [
            end
            for end in _open_connections()
            if end[0].startswith(f"{self.network}.") and (host is None or end[0] == self.addresses[host])
        ]

    @contextlib.contextmanager
    def _login_begun(self, user: str) -> Iterator[None]:
        """Ask Dovecot's login service about a user that does not exist, as Postfix would.

        It judges in order and logs at once; only its answer, which nobody waits for here, comes with a delay.
        """
        blob = base64.b64encode(f"\0{user}\0x".encode()).decode("ascii")
        request = f"AUTH\t1\tPLAIN\tservice={SENTINEL_SERVICE}\tsecured\tresp={blob}\n"
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.directory / "auth"))
            connection.sendall(f"VERSION\t1\t2\nCPID\t{os.getpid()}\n{request}".encode())
            yield

    def _read_attempts(self) -> Iterator[Attempt]:
        written = (self.directory / "dovecot.log").read_text(errors="replace")
        for line in written[: written.rfind("\n") + 1].splitlines():  # the last one may still be on its way
            start = line.find('{"event":"auth_request_finished"')
            if start >= 0:
                fields = json.loads(line[start:])["fields"]
                yield Attempt(fields.get("user", ""), fields["service"], fields.get("success") == "yes")


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


async def _turns(count: int) -> None:
    """Let the loop do what it has to do already."""
    for _ in range(count):
        await asyncio.sleep(0)


def _check_machine() -> None:
    missing = [package for package, program in NEEDED.items() if not program.exists()]
    if missing:
        raise LabError(f"the lab needs packages that are not installed: apt-get install {' '.join(missing)}")
    if os.geteuid() != 0:
        raise LabError("the lab must be started by root: Dovecot and Postfix change to users of their own")


def _free_network() -> tuple[str, Ports]:
    """A loopback network and a set of ports that nobody listens on."""
    for base in (20000, 21000, 22000, 23000):
        ports = Ports.at(base)
        for _ in range(5):
            network = f"127.{random.randrange(64, 128)}.{random.randrange(4, 256)}"
            if all(_is_free(f"{network}.1", port) for port in ports.mail()):
                return network, ports
    raise LabError("no free ports for the lab between 20000 and 23999")


def _is_free(address: str, port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def _listens(address: str, port: int) -> bool:
    return any(end == (address, port) for end in _sockets("0A"))


def _open_connections() -> list[tuple[str, int]]:
    return _sockets("01") + _sockets("08")  # established; closed by the client only


def _sockets(state: str) -> list[tuple[str, int]]:
    """The local ends of this machine's IPv4 TCP sockets in a state (Linux, include/net/tcp_states.h)."""
    found = []
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == state:
            address, port = fields[1].split(":")
            octets = reversed(bytes.fromhex(address))
            found.append((".".join(map(str, octets)), int(port, 16)))
    return found
