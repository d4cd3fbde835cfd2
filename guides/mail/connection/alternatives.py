"""Searching other settings: when a leg fails before its login, they are tried as far as the login.

No password is sent, and none is available here. Tried are the provider's own servers, the other encryption on the
same port, and the usual ports of the same host; never a hidden host.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

from guides.mail.accounts import Security, Server
from guides.mail.connection.certificate import CERTIFICATE_CAUSES
from guides.mail.connection.context import TestContext
from guides.mail.connection.input import USUAL_PORT
from guides.mail.connection.legs import LegRun
from guides.mail.connection.login_lock import LoginLock
from guides.mail.connection.plan import LEG_OF_PROTOCOL, TestPlan, before_login
from guides.mail.connection.probes import UNREACHABLE, Endpoint, ProbeResult
from guides.mail.network import Egress, PortForbidden
from guides.mail.outcomes import Alternative, Outcome, Stage, StageResult
from guides.mail.secret import Secret

MOST = 4  # connections for one leg
# Seconds; slower settings are not recommended.
CONNECT_SECONDS = 2.0  # for DNS and connecting
ANSWER_SECONDS = 4.0  # from then on to the end of the stages before the login

# Causes that other settings do not change: other mistakes of the visitor, and faults of this portal.
_UNRELATED = frozenset(
    {
        "auth.plan",
        "input.bridge",
        "input.oauth_only",
        "input.password_shape",
        "input.username_form",
        "limit.busy",
        "limit.deadline",
    }
)
# The host itself is wrong, so only others are tried.
_WRONG_HOST = CERTIFICATE_CAUSES | {"input.host_forbidden"}

# The port does not serve this protocol with any encryption.
_WRONG_PORT = ("tcp.", "greet.wrong_protocol", "input.port_security")


def may_be_mended(result: StageResult) -> bool:
    """Whether other settings could help after this result: a failure that server, port or encryption may explain."""
    failed = result.outcome in (Outcome.FAIL, Outcome.UNCLEAR)
    return failed and result.cause is not None and result.cause not in _UNRELATED


def are_sought(server: Server, known: ProbeResult, plan: TestPlan) -> bool:
    """Whether a test that is shown a known failure of `server` connects nevertheless, to try other settings.

    It does where the server answers, only not to such settings.
    """
    failure = known.failure
    if failure is None or failure.cause is None or failure.cause in UNREACHABLE or not may_be_mended(failure):
        return False
    return bool(candidates(server, failure.cause, plan))


def candidates(server: Server, cause: str, plan: TestPlan) -> tuple[Server, ...]:
    """The settings to try instead of `server`, the likeliest first."""
    known = [other for other in plan.known_servers if other.protocol is server.protocol]
    same_host: list[Server] = []
    if not (cause in _WRONG_HOST or cause.startswith("dns.")):
        usual = [(USUAL_PORT[server.protocol, security], security) for security in (Security.TLS, Security.STARTTLS)]
        if not cause.startswith(_WRONG_PORT):
            turned = Security.STARTTLS if server.security is Security.TLS else Security.TLS
            usual.insert(0, (server.port, turned))
        same_host = [replace(server, port=port, security=security) for port, security in usual]
    tried = (server.host, server.port, server.security)
    found: dict[tuple[str, int, Security], Server] = {}
    for other in _in_order(known, same_host):
        reached = (other.host, other.port, other.security)
        if reached != tried and other.host not in plan.hidden_hosts and other.security is not Security.NONE:
            found.setdefault(reached, other)
    return tuple(found.values())


def _in_order(known: Sequence[Server], same_host: Sequence[Server]) -> Iterable[Server]:
    """The provider's best server; then the visitor's host with other settings; then the provider's other servers."""
    yield from known[:1]
    yield from same_host
    yield from known[1:]


async def find_alternative(server: Server, cause: str, context: TestContext) -> Alternative | None:
    """The first candidate that works as far as the login, or None.

    They are tried one at a time, so a test never has more connections than legs.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(context.limits.alternatives):
            for other in _allowed(candidates(server, cause, context.plan), context.egress)[:MOST]:
                if await _answers(other, context):
                    return Alternative(LEG_OF_PROTOCOL[server.protocol], server, other)
    return None


def _allowed(servers: Iterable[Server], egress: Egress) -> list[Server]:
    allowed = []
    for server in servers:
        with suppress(PortForbidden):
            egress.check_port(server.port)
            allowed.append(server)
    return allowed


async def _answers(server: Server, context: TestContext) -> bool:
    """Whether a server lets itself be talked to up to the login, with a mechanism to sign in.

    What another test has found within the last minute is enough: nothing more is asked then.
    """
    shared = context.shared
    known = shared.flights.fresh(Endpoint.of(server, context.plan.hidden_hosts)) if shared is not None else None
    if known is not None:
        return known.failure is None
    loop = asyncio.get_running_loop()
    ended: list[StageResult] = []
    leg, stages = LEG_OF_PROTOCOL[server.protocol], before_login(server)
    with suppress(TimeoutError):
        async with asyncio.timeout(CONNECT_SECONDS) as timeout:

            def report(result: StageResult | None) -> None:
                if result is not None:
                    ended.append(result)
                    if result.stage is Stage.CONNECT:
                        timeout.reschedule(loop.time() + ANSWER_SECONDS)

            probe = replace(context, secret=Secret(""), login_lock=LoginLock((leg,)), session_loan=None, report=report)
            await LegRun(server, probe, stages).run()
    return len(ended) == len(stages) and all(result.outcome in (Outcome.OK, Outcome.WARN) for result in ended)
