"""The delivery test: one message to the visitor's own address, sent on request, then found, timed and deleted.

Providers have blocked accounts for bursts of such messages, so there is one message and no second attempt.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTPUTF8
from email.utils import format_datetime, localtime
from secrets import token_hex

from guides.mail.accounts import Address, Protocol
from guides.mail.connection import imap_search
from guides.mail.connection.channel import ChannelFault
from guides.mail.connection.context import TestContext
from guides.mail.connection.imap import ImapSession
from guides.mail.connection.imap_reply import folder_name
from guides.mail.connection.legs import LegRun
from guides.mail.connection.session import Refusal, StageFault, StageFinding
from guides.mail.connection.smtp import SmtpSession
from guides.mail.connection.stage_results import StageResults
from guides.mail.outcomes import Leg, Outcome, Stage, StageResult

TIDY_SECONDS = 5.0  # reserved of the test's time for deleting the message
_SLOWEST_POLL = 3.0
_TO_TELL = 0.5  # seconds kept for reporting the result when the deletion takes the rest

_BODY = """\
This message was sent by the mail help portal because you asked for a delivery test. It is deleted by itself;
if you can read it, you may delete it.

配達テストのご依頼により、メール設定ヘルプポータルから送信しました。通常は自動で削除されます。残っている場合は、削除してかまいません。

Это письмо отправлено порталом помощи по настройке почты: вы попросили проверить доставку. Обычно оно удаляется само;
если оно осталось, его можно удалить.
"""


@dataclass(frozen=True, slots=True)
class TestMessage:
    """A message that is identified by its `token`."""

    __test__ = False  # not a test class for pytest

    token: str
    message_id: str
    octets: bytes

    @classmethod
    def to_oneself(cls, address: Address, ehlo_name: str) -> TestMessage:
        """A short text in three languages (RFC 5322), marked so that no automatic reply is sent (RFC 3834)."""
        token = token_hex(12)
        message = EmailMessage(policy=SMTPUTF8)
        message_id = f"<{token}@{ehlo_name}>"
        message["From"] = message["To"] = str(address)
        message["Subject"] = f"Connection test {token}"
        message["Date"] = format_datetime(localtime())
        message["Message-ID"] = message_id
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(_BODY, cte="base64")
        return cls(token, message_id, message.as_bytes())


class DeliveryRun(LegRun):
    """Runs when both legs have logged in: sends over the SMTP leg's session, searches over the IMAP leg's."""

    def __init__(self, context: TestContext) -> None:
        server = next(server for server in context.plan.servers if server.protocol is Protocol.SMTP)
        super().__init__(server, context)
        self.leg = Leg.DELIVERY
        self._records = StageResults(self.leg, server, context)

    async def run(self) -> None:
        """Run this leg's one stage and report its result, also when it breaks."""
        context = self._context
        assert context.session_loan is not None  # noqa: S101
        try:
            context.report(await self._deliver())
        finally:
            context.report(None)
            context.session_loan.give_back()

    async def _deliver(self) -> StageResult:
        context = self._context
        assert context.session_loan is not None  # noqa: S101
        self._until = context.until
        sessions = await context.session_loan.borrow()
        smtp, imap = sessions.get(Leg.SMTP), sessions.get(Leg.IMAP)
        if smtp is None or imap is None:
            return self._records.result(Stage.DELIVERY, Outcome.BLOCKED)
        assert isinstance(smtp, SmtpSession)  # noqa: S101
        assert isinstance(imap, ImapSession)  # noqa: S101
        self._smtp, self._imap, self._channel = smtp, imap, smtp.channel
        self._records.channel = smtp.channel
        for session in (smtp, imap):  # the time spent waiting for the other leg does not count
            session.channel.deadline = context.until
        result, _ = await self._perform(Stage.DELIVERY)
        return result

    async def _work(self, stage: Stage) -> StageFinding:  # noqa: ARG002 (there is one)
        loop = asyncio.get_running_loop()
        limits = self._context.limits
        message = TestMessage.to_oneself(self._context.plan.address, self._smtp.ehlo_name)
        await self._smtp.submit(message.octets)
        sent = loop.time()
        folders = [b"INBOX", *await self._junk_folders()]
        until = min(sent + limits.delivery, self._context.until - TIDY_SECONDS)
        pause = limits.delivery_poll
        while True:
            for folder in tuple(folders):
                try:
                    uid = await imap_search.find_message(self._imap, folder, message.message_id, message.token)
                except Refusal:
                    if folder == folders[0]:
                        raise
                    folders.remove(folder)  # it cannot be opened; the inbox still can
                    continue
                if uid is not None:
                    return await self._found(folder, uid, loop.time() - sent, is_junk=folder != folders[0])
            if loop.time() + pause > until:
                raise StageFault("deliver.not_found", details={"seconds": f"{loop.time() - sent:.1f}"})
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _SLOWEST_POLL)

    async def _junk_folders(self) -> list[bytes]:
        """The folder for spam, if the server lists one."""
        try:
            junk = await imap_search.junk_folder(self._imap)
        except Refusal:
            return []
        return [junk] if junk is not None else []

    async def _found(self, folder: bytes, uid: int, seconds: float, *, is_junk: bool) -> StageFinding:
        """The finding of a message that has arrived; a failed deletion does not change it."""
        try:
            async with asyncio.timeout_at(self._context.until - _TO_TELL):
                deleted = await imap_search.delete_message(self._imap, folder, uid)
        except (Refusal, StageFault, ChannelFault, TimeoutError):
            deleted = False
        details = {"seconds": f"{seconds:.1f}", "folder": folder_name(folder), "deleted": "yes" if deleted else "no"}
        if is_junk:
            return StageFinding("deliver.in_spam", details=details)
        is_slow = seconds > self._context.limits.delivery_slow
        return StageFinding("deliver.slow" if is_slow else None, details=details)
