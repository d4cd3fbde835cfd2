"""One leg of the test: its stages in order, each timed, judged and reported as soon as it has ended."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Mapping, Sequence

from guides.mail.accounts import Protocol, Security, Server
from guides.mail.connection.certificate import explain_certificate
from guides.mail.connection.channel import Channel, ChannelFault
from guides.mail.connection.context import TestContext
from guides.mail.connection.imap import ImapSession
from guides.mail.connection.input import check_input
from guides.mail.connection.plan import LEG_OF_PROTOCOL, stages_of
from guides.mail.connection.pop3 import Pop3Session
from guides.mail.connection.probes import Endpoint, LegProbe
from guides.mail.connection.server_connection import ServerConnection, in_one_line
from guides.mail.connection.session import Refusal, Session, StageFault, StageFinding
from guides.mail.connection.smtp import SmtpSession
from guides.mail.connection.stage_results import StageResults
from guides.mail.diagnosis.codes import CREDENTIAL_CAUSES
from guides.mail.network import DnsFailure
from guides.mail.outcomes import Outcome, Owner, Stage, StageResult, causes_of

logger = logging.getLogger(__name__)

_SESSIONS: Mapping[Protocol, type[Session]] = {
    Protocol.IMAP: ImapSession,
    Protocol.POP3: Pop3Session,
    Protocol.SMTP: SmtpSession,
}

_TO_TELL = 0.5  # seconds that are left of a leg for the result when a second look takes all others

# Before a greeting has come, these mean something of their own.
_AT_GREETING = {
    "net.timeout": "greet.timeout",
    "net.closed": "greet.closed",
    "net.reset": "greet.closed",
    "limit.exceeded": "greet.too_long",
}


class LegRun:
    """Runs one leg. `run` always reports every stage, and closes what it opened."""

    def __init__(self, server: Server, context: TestContext, stages: Sequence[Stage] | None = None) -> None:
        self.server = server
        self._stages = stages_of(server) if stages is None else stages
        self.leg = LEG_OF_PROTOCOL[server.protocol]
        self._context = context
        self._until = 0.0
        self._channel: Channel | None = None
        self._session: Session | None = None
        self._probe = LegProbe(context.shared, Endpoint.of(server, context.plan.hidden_hosts), self.leg)
        self._connection = ServerConnection(server, context, self._probe)
        self._records = StageResults(self.leg, server, context)
        self._is_through = False

    async def run(self) -> None:
        """Go through the stages; the first one that fails ends the leg, and those behind it are blocked."""
        self._until = asyncio.get_running_loop().time() + self._context.limits.leg
        polite = False
        session_loan = self._context.session_loan
        try:
            try:
                polite = await self._go_through()
            finally:
                self._probe.close()
                self._context.login_lock.release_others(self.leg)
                self._context.report(None)
                if session_loan is not None and not self._is_through:
                    session_loan.withhold(self.leg)
            if polite and self._session is not None:
                if self._is_through and session_loan is not None:
                    await session_loan.lend(self.leg, self._session)
                await self._session.leave()
        finally:
            if self._channel is not None:
                self._channel.close()
            self._connection.release()

    async def _go_through(self) -> bool:
        """Returns whether the connection still stands in good order, so that a goodbye is due."""
        for position, stage in enumerate(self._stages):
            if stage is Stage.DNS and (known := await self._known_failure()):
                self._replay(known, self._stages[position:])
                return False
            if stage is Stage.LOGIN:
                self._probe.succeed()
            result, orderly = await (self._login() if stage is Stage.LOGIN else self._perform(stage))
            self._context.report(result)
            self._probe.record(result)
            if result.outcome not in (Outcome.OK, Outcome.WARN, Outcome.SKIPPED):
                for blocked in self._stages[position + 1 :]:
                    self._context.report(self._records.result(blocked, Outcome.BLOCKED))
                return orderly
        self._probe.succeed()  # for a leg whose stages end before the login
        self._is_through = True
        return True

    async def _known_failure(self) -> tuple[StageResult, ...]:
        """The failure that another test has found here, if any. Time spent waiting for it is not this leg's."""
        loop = asyncio.get_running_loop()
        waiting_since = loop.time()
        try:
            async with asyncio.timeout_at(self._context.until):
                return await self._probe.known_failure()
        except TimeoutError:
            return ()  # the next stage ends at once, for the same reason
        finally:
            self._add_time(loop.time() - waiting_since)

    def _replay(self, known: Sequence[StageResult], stages: Sequence[Stage]) -> None:
        """Report another test's results instead of connecting: nothing of this visitor goes to the server."""
        for result in known:
            self._context.report(result)
        for blocked in stages[len(known) :]:
            self._context.report(self._records.result(blocked, Outcome.BLOCKED))

    async def _login(self) -> tuple[StageResult, bool]:
        """Wait for this leg's turn, and log in unless the pair was refused elsewhere or too many logins were."""
        context = self._context
        loop = asyncio.get_running_loop()
        waiting_since = loop.time()
        try:
            async with asyncio.timeout_at(context.until) as waiting, context.login_lock.hold(self.leg) as allowed:
                if not allowed:
                    return self._records.result(Stage.LOGIN, Outcome.BLOCKED), True
                async with self._probe.login(self._username, self._opened().channel.ip_address) as attempt:
                    waiting.reschedule(None)
                    self._add_time(loop.time() - waiting_since)
                    if attempt is None:
                        return self._records.failed(Stage.LOGIN, "limit.busy", outcome=Outcome.OURS), True
                    result, orderly = await self._perform(Stage.LOGIN)
                    attempt.counts = is_refused(result)
                if any(cause.name in CREDENTIAL_CAUSES for cause in causes_of(result)):
                    context.login_lock.refuse()
                elif result.outcome in (Outcome.OK, Outcome.WARN):
                    context.login_lock.accept()
                return result, orderly
        except TimeoutError:
            return self._records.failed(Stage.LOGIN, "limit.deadline"), True
        finally:
            context.login_lock.release_others(self.leg)

    @property
    def _username(self) -> str:
        return self._context.plan.username_on(self.server) or ""

    def _add_time(self, seconds: float) -> None:
        """Time spent waiting for another leg is not this one's."""
        self._until += seconds
        if self._channel is not None:
            self._channel.deadline += seconds

    async def _perform(self, stage: Stage) -> tuple[StageResult, bool]:
        """Run a stage to its result. Whatever goes wrong in our own code ends it as ours, and tells no value."""
        started = asyncio.get_running_loop().time()
        try:
            return await self._attempt(stage, started)
        except Exception as error:
            kind = type(error).__name__
            place = traceback.extract_tb(error.__traceback__)[-1]
        # No message and no traceback: they could hold what the visitor typed. And not inside the handler: whatever
        # fails while a log record is on its way (Django's reporter, at level DEBUG) shows the exception being handled.
        logger.error("%s leg failed at stage %s: %s at %s:%s", self.leg, stage, kind, place.filename, place.lineno)
        return self._records.result(
            stage, Outcome.OURS, cause="unknown.unknown", owner=Owner.PORTAL, started=started
        ), False

    async def _attempt(self, stage: Stage, started: float) -> tuple[StageResult, bool]:
        try:
            async with asyncio.timeout_at(min(self._until, self._context.until)):
                finding = await self._work(stage)
        except Refusal as refusal:
            return self._records.refused(stage, refusal, started), True
        except StageFault as fault:
            fault.cause = _cause_at(stage, fault.cause)
            return self._records.fault(stage, fault, started), fault.cause.startswith(
                ("cap.", "mbox.", "tls.starttls_missing")
            )
        except ChannelFault as fault:
            cause = _cause_at(stage, fault.cause)
            details = {"attempts": in_one_line(fault.attempts)} if fault.attempts else None
            return self._records.failed(
                stage, cause, fault.evidence, is_cut=fault.is_cut, details=details, started=started
            ), False
        except DnsFailure as failure:
            return self._records.failed(stage, failure.cause, started=started), False
        except TimeoutError:
            return self._records.failed(stage, "limit.deadline", started=started), False
        return self._records.found(stage, finding, started), True

    async def _work(self, stage: Stage) -> StageFinding:
        context = self._context
        match stage:
            case Stage.INPUT:
                return check_input(context.plan, self.server, context.secret, context.egress)
            case Stage.DNS:
                return await self._connection.resolve()
            case Stage.CONNECT:
                return await self._connect()
            case Stage.TLS:
                return await self._encrypt()
            case Stage.GREETING:
                return await self._greet()
            case Stage.CAPABILITIES:
                return await self._opened().learn()
            case Stage.LOGIN:
                return await self._opened().log_in(self._username, context.secret)
            case _:
                return await self._opened().after_login(stage)

    def _opened(self) -> Session:
        assert self._session is not None  # noqa: S101 (the stages before this one made it, or this one is blocked)
        return self._session

    async def _connect(self) -> StageFinding:
        context = self._context
        self._channel, finding = await self._connection.connect()
        self._records.channel = self._channel
        self._session = _SESSIONS[self.server.protocol](
            self._channel,
            context.limits,
            context.plan.address,
            context.egress.config.ehlo_name,
            token=context.plan.token,
            redactor=context.redactor,
        )
        return finding

    async def _encrypt(self) -> StageFinding:
        assert self._channel is not None  # noqa: S101
        starttls = self.server.security is Security.STARTTLS
        if starttls:
            await self._opened().ask_starttls()
            self._opened().forget()
        context = self._context
        try:
            info = await self._channel.start_tls(
                self.server.host, context.egress.tls_context(), context.limits.tls, starttls=starttls
            )
        except ChannelFault as fault:
            session = type(self._opened())
            self._channel.close()  # the second look takes its place: never two connections of one leg
            raise await explain_certificate(
                fault, context, session, self._connection.resolution, self.server, until=self._second_look_until()
            ) from None
        return StageFinding(
            details={
                "protocol": info.protocol,
                "cipher": info.cipher,
                "not_after": info.not_after.isoformat() if info.not_after else "",
                "issuer": info.issuer,
            }
        )

    async def _greet(self) -> StageFinding:
        try:
            return await self._opened().greet()
        except ChannelFault as fault:
            is_silent = self.server.security is Security.STARTTLS and fault.cause == "net.timeout"
            if is_silent and not self._probe.is_half_open:
                await self._look_for_tls()
            raise

    async def _look_for_tls(self) -> None:
        """A server that waits in silence may be waiting for TLS: raise what that comes to."""
        assert self._channel is not None  # noqa: S101
        self._channel.close()  # as above
        egress, server = self._context.egress, self.server
        until = self._second_look_until()
        if (
            await egress.describe_certificate(self._connection.resolution, server.port, server.host, until=until)
            is not None
        ):
            raise StageFault("tls.tls_on_plain")

    def _second_look_until(self) -> float:
        """Until when a second connection may look at a certificate, so that what the first one found is still told."""
        now = asyncio.get_running_loop().time()
        return min(now + self._context.limits.greeting, min(self._until, self._context.until) - _TO_TELL)


def is_refused(login: StageResult) -> bool:
    """Whether a server may have counted a login as a failed one: it did not accept it, nor fail by itself.

    A test that ends before the answer may have been ended on purpose; silence for all the time that a server has is
    the server's own trouble.
    """
    if login.outcome in (Outcome.OK, Outcome.WARN) or login.cause is None:
        return False
    return login.cause not in ("auth.temp_unavailable", "net.timeout") and not login.cause.startswith("cap.")


def _cause_at(stage: Stage, cause: str) -> str:
    return _AT_GREETING.get(cause, cause) if stage is Stage.GREETING else cause
