"""What could have been meant: when a leg fails before its login, other settings are tried as far as the login.

No password is sent, and none is at hand here. What is tried: the provider's own servers, the other encryption on the
same port, and the usual ports of the same host; never a host whose answers the visitor must not learn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

from guides.mail.accounts import Security, Server
from guides.mail.connection.certificate import CERTIFICATE_CAUSES
from guides.mail.connection.context import TestContext
from guides.mail.connection.gate import LoginGate
from guides.mail.connection.input import USUAL_PORT
from guides.mail.connection.legs import LegRun
from guides.mail.connection.plan import LEG_OF_PROTOCOL, TestPlan, before_login
from guides.mail.connection.shared import UNREACHABLE, Answer, Place
from guides.mail.network import Door, PortForbidden
from guides.mail.outcomes import Alternative, Outcome, Stage, StageResult
from guides.mail.secret import Secret

MOST = 4  # connections for one leg
# Seconds: what answers later than that is no settings to recommend.
CONNECT_SECONDS = 2.0  # from the name to the connection
PATIENCE = 4.0  # from there to where the login would be

# The visitor's own mistake of another kind, or this portal's trouble: other settings would change nothing.
_HOPELESS = frozenset(
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
# The host itself is wrong: only another one can help.
_WRONG_HOST = CERTIFICATE_CAUSES | {"input.host_forbidden"}

# Nothing that speaks this protocol is at the port, whatever the encryption.
_WRONG_PORT = ("tcp.", "greet.wrong_protocol", "input.port_security")


def may_be_mended(result: StageResult) -> bool:
    """Whether a failure before the login could be one of server, port or encryption."""
    failed = result.outcome in (Outcome.FAIL, Outcome.UNCLEAR)
    return failed and result.cause is not None and result.cause not in _HOPELESS


def are_sought(server: Server, told: Answer, plan: TestPlan) -> bool:
    """Whether a test that is only told how `server` fails nevertheless connects: to other settings that it tries.

    A server that answers, only not to such settings, has something to be found by each visitor.
    """
    failure = told.failure
    if failure is None or failure.cause is None or failure.cause in UNREACHABLE or not may_be_mended(failure):
        return False
    return bool(candidates(server, failure.cause, plan))


def candidates(server: Server, cause: str, plan: TestPlan) -> tuple[Server, ...]:
    """What to try instead of `server`, the likeliest first."""
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
    """The provider's best server first; then what keeps the visitor's host; then the provider's others."""
    yield from known[:1]
    yield from same_host
    yield from known[1:]


async def find_alternative(server: Server, cause: str, context: TestContext) -> Alternative | None:
    """The first candidate that answers as it should, or None. They are tried one after the other.

    The search has one connection at a time, in the place of the leg that failed: a test never has more than its legs.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(context.limits.alternatives):
            for other in _allowed(candidates(server, cause, context.plan), context.door)[:MOST]:
                if await _answers(other, context):
                    return Alternative(LEG_OF_PROTOCOL[server.protocol], server, other)
    return None


def _allowed(servers: Iterable[Server], door: Door) -> list[Server]:
    allowed = []
    for server in servers:
        with suppress(PortForbidden):
            door.check_port(server.port)
            allowed.append(server)
    return allowed


async def _answers(server: Server, context: TestContext) -> bool:
    """Whether a server lets itself be talked to up to the login, with a mechanism to sign in.

    What another test has found within the last minute is enough: nothing more is asked then.
    """
    crowd = context.crowd
    known = crowd.looks.fresh(Place.of(server, context.plan.hidden_hosts)) if crowd is not None else None
    if known is not None:
        return known.failure is None
    loop = asyncio.get_running_loop()
    ended: list[StageResult] = []
    leg, stages = LEG_OF_PROTOCOL[server.protocol], before_login(server)
    with suppress(TimeoutError):
        async with asyncio.timeout(CONNECT_SECONDS) as patience:

            def report(result: StageResult | None) -> None:
                if result is not None:
                    ended.append(result)
                    if result.stage is Stage.CONNECT:
                        patience.reschedule(loop.time() + PATIENCE)

            probe = replace(context, secret=Secret(""), gate=LoginGate((leg,)), session_loan=None, report=report)
            await LegRun(server, probe, stages).run()
    return len(ended) == len(stages) and all(result.outcome in (Outcome.OK, Outcome.WARN) for result in ended)
