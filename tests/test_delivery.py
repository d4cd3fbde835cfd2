"""Delivery to oneself: sent once and only when asked for, found, timed, and nothing else deleted. Scripted servers."""

from __future__ import annotations

import asyncio
import email
import email.policy
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace

import pytest

from guides.mail.accounts import Address
from guides.mail.connection.delivery import TestMessage
from guides.mail.connection.imap_reply import folder_name
from guides.mail.connection.test import TestPlan, run_test
from guides.mail.diagnosis.patterns import PatternSet
from guides.mail.outcomes import Leg, Outcome, Owner, Stage, StageResult, Verdict
from guides.mail.secret import Secret
from guides.management.testmail_display import LiveDisplay
from guides.services.articles import Articles
from tests.scripted import ADDRESS, PASSWORD, QUICK, Connection, Imap, Pop3, Ran, Scripted, Smtp, egress, run_against

QUICKLY = replace(QUICK, delivery=2.0, delivery_poll=0.05, delivery_slow=0.6)
LATE = 0.65
SPECIAL = b"IMAP4rev1 SASL-IR AUTH=PLAIN SPECIAL-USE UIDPLUS"
FOREIGN = 3  # messages that were there before


@dataclass
class Mailbox:
    """What the scripted SMTP and IMAP servers of one test share: folder -> {UID: (headers, deleted?)}."""

    junk: bool = False
    late: float = 0.0
    vanish: bool = False
    search_finds_all: bool = False
    refuses_delete: bool = False
    flagged_before: bool = False
    closed: tuple[str, ...] = ()  # folders that cannot be opened, after so many times that they could
    opens: int = 0
    refuses_list: bool = False  # after so many times
    lists: int = 0
    ends_at_store: str = ""
    folders: dict[str, dict[int, tuple[bytes, bool]]] = field(default_factory=dict)
    sent: list[bytes] = field(default_factory=list)
    arrives: float | None = None  # set by the first look: the portal's clock has begun by then
    commands: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folders = {
            "INBOX": {
                uid: (b"Subject: old %d" % uid, self.flagged_before and uid == 1) for uid in range(1, FOREIGN + 1)
            },
            "Junk": {},
        }

    def take(self, message: bytes) -> None:
        self.sent.append(message)
        self.arrives = None
        if not self.vanish:
            self.folders["Junk" if self.junk else "INBOX"][7] = (message.partition(b"\r\n\r\n")[0], False)

    def visible(self, name: str) -> dict[int, tuple[bytes, bool]]:
        if self.sent and self.arrives is None:
            self.arrives = time.monotonic() + self.late
        has_arrived = self.arrives is not None and time.monotonic() >= self.arrives
        return {uid: message for uid, message in self.folders[name].items() if uid != 7 or has_arrived}


@dataclass
class SendingSmtp(Smtp):
    """SMTP that takes messages."""

    mailbox: Mailbox = field(default_factory=Mailbox)
    data: bytes = b"354 go on"
    accepted: bytes = b"250 2.0.0 Ok: queued"
    nests: bool = True
    leaves_at_reset: bool = False

    async def speak(self, connection: Connection) -> None:
        await connection.say(self.greeting)
        has_sender = False
        while True:
            line = await connection.hear()
            verb = line.partition(b" ")[0]
            if verb == b"MAIL" and not self.nests and has_sender:
                await connection.say(b"503 5.5.1 Error: nested MAIL command")
                continue
            has_sender = verb == b"MAIL" or (has_sender and verb != b"RSET")
            if verb == b"RSET" and self.leaves_at_reset:
                return
            if verb == b"DATA":
                await connection.say(self.data)
                lines = []
                while self.data.startswith(b"354") and (text := await connection.hear()) != b".":
                    lines.append(text.removeprefix(b"."))
                if lines:
                    if self.accepted.startswith(b"250"):
                        self.mailbox.take(b"\r\n".join(lines))
                    await connection.say(self.accepted)
                continue
            answers = {b"EHLO": self.ehlo, b"AUTH": self.login, b"MAIL": (self.mail,), b"RCPT": (self.rcpt,)}
            await connection.say(*answers.get(verb, (b"250 2.0.0 Ok",)))
            if verb == b"AUTH":
                self.logins += 1


@dataclass
class SearchingImap(Imap):
    """IMAP with a mailbox that can be searched."""

    mailbox: Mailbox = field(default_factory=Mailbox)
    capabilities: bytes = SPECIAL
    special: tuple[bytes, ...] = (b'* LIST (\\Sent) "/" Sent', b'* LIST (\\Junk) "/" "Junk"')

    async def speak(self, connection: Connection) -> None:
        await connection.say(b"* OK [CAPABILITY " + self.capabilities + b"] ready")
        folder = "INBOX"
        while True:
            tag, _, line = (await connection.hear()).partition(b" ")
            self.mailbox.commands.append(line)
            verb, _, argument = line.partition(b" ")
            if verb == b"UID":
                sub, _, argument = argument.partition(b" ")
                verb = b"UID " + sub
            now = self.mailbox.visible(folder)
            said: list[bytes] = []
            end = b"OK done"
            match verb:
                case b"AUTHENTICATE":
                    self.logins += 1
                    end = b"OK [CAPABILITY " + self.capabilities + b"] in"
                case b"EXAMINE" if argument.strip(b'"').decode() in self.mailbox.closed and self.mailbox.opens <= 0:
                    end = b"NO [NONEXISTENT] not selectable"
                case b"LIST" if self.mailbox.refuses_list and self.mailbox.lists <= 0:
                    end = b"NO not now"
                case b"UID STORE" if self.mailbox.ends_at_store:
                    if self.mailbox.ends_at_store == "says nothing":
                        await asyncio.sleep(9)
                    if self.mailbox.ends_at_store == "hangs up":
                        return
                    end = b"HM"
                case b"EXAMINE" | b"SELECT":
                    self.mailbox.opens -= verb == b"EXAMINE"
                    folder = argument.strip(b'"').decode()
                case b"UID SEARCH" if argument == b"DELETED":
                    said = [b"* SEARCH" + b"".join(b" %d" % uid for uid, (_, gone) in now.items() if gone)]
                case b"UID SEARCH":
                    token = argument.rpartition(b'SUBJECT "')[2].rstrip(b'"')
                    found = [uid for uid, (head, _) in now.items() if token in head or self.mailbox.search_finds_all]
                    said = [b"* SEARCH" + b"".join(b" %d" % uid for uid in found)]
                case b"UID FETCH":
                    uid = int(argument.split()[0])
                    head = next(part for part in now[uid][0].split(b"\r\n") if part.startswith(b"Subject"))
                    said = [b"* 1 FETCH (UID %d BODY[HEADER.FIELDS (SUBJECT)] {%d}\r\n%s)" % (uid, len(head), head)]
                case b"UID STORE" if self.mailbox.refuses_delete:
                    end = b"NO [NOPERM] you may not"
                case b"UID STORE":
                    uid = int(argument.split()[0])
                    self.mailbox.folders[folder][uid] = (now[uid][0], b"+FLAGS" in argument)
                case b"UID EXPUNGE":
                    del self.mailbox.folders[folder][int(argument)]
                case b"EXPUNGE":
                    for uid in [uid for uid, (_, gone) in now.items() if gone]:
                        del self.mailbox.folders[folder][uid]
                case b"LIST":
                    said = [*self.special]
                    self.mailbox.lists -= 1
            await connection.say(*said, tag + b" " + end)


def deliver(
    mailbox: Mailbox, *, imap: dict[str, object] | None = None, smtp: dict[str, object] | None = None
) -> tuple[Ran, SearchingImap, SendingSmtp]:
    receiving = SearchingImap(mailbox=mailbox, **(imap or {}))  # type: ignore[arg-type]
    sending = SendingSmtp(mailbox=mailbox, **(smtp or {}))  # type: ignore[arg-type]
    return run_against(receiving, sending, deliver=True, limits=QUICKLY), receiving, sending


def test_a_message_is_sent_found_timed_and_deleted() -> None:
    mailbox = Mailbox()
    ran, imap, smtp = deliver(mailbox)
    (result,) = ran.of(Leg.DELIVERY)
    assert (result.stage, result.outcome, result.cause) == ("delivery", "ok", None)
    assert result.details == {"seconds": "0.0", "folder": "INBOX", "deleted": "yes"}
    assert ran.verdict.legs == {Leg.IMAP: "ok", Leg.SMTP: "ok", Leg.DELIVERY: "ok"}
    assert len(mailbox.sent) == 1
    assert set(mailbox.folders["INBOX"]) == set(range(1, FOREIGN + 1))
    assert (imap.logins, smtp.logins) == (1, 1)


def test_without_the_tick_nothing_is_sent() -> None:
    mailbox = Mailbox()
    receiving, sending = SearchingImap(mailbox=mailbox), SendingSmtp(mailbox=mailbox)
    ran = run_against(receiving, sending, limits=QUICKLY)
    assert ran.of(Leg.DELIVERY) == []
    assert mailbox.sent == []
    assert not any(line.startswith(b"DATA") for line in sending.heard)
    assert not any(line.startswith((b"SELECT", b"UID")) for line in mailbox.commands)


def test_the_message_says_who_sent_it_and_why() -> None:
    mailbox = Mailbox()
    deliver(mailbox)
    message = email.message_from_bytes(mailbox.sent[0], policy=email.policy.default)
    assert str(message["From"]) == str(message["To"]) == str(ADDRESS)
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"].endswith("@portal.example.test>")
    text = message.get_content()
    for words in ("because you asked", "ご依頼", "вы попросили"):
        assert words in text
    assert all(len(line) < 998 for line in mailbox.sent[0].split(b"\r\n"))


def test_an_address_outside_ascii() -> None:
    made = TestMessage.to_oneself(Address("анна", "example.test"), "portal.example.test")
    assert "To: анна@example.test".encode() in made.octets


@pytest.mark.parametrize(
    ("mailbox", "outcome", "cause", "owner"),
    [
        (Mailbox(junk=True), "warn", "deliver.in_spam", Owner.VISITOR),
        (Mailbox(late=LATE), "warn", "deliver.slow", Owner.NOBODY),
        (Mailbox(vanish=True), "fail", "deliver.not_found", Owner.PROVIDER),
        (Mailbox(late=30), "fail", "deliver.not_found", Owner.PROVIDER),
    ],
)
def test_where_it_ends_up(mailbox: Mailbox, outcome: str, cause: str, owner: Owner) -> None:
    ran, _, _ = deliver(mailbox)
    result = ran.last(Leg.DELIVERY)
    assert (result.outcome, result.cause, result.owner) == (outcome, cause, owner)
    assert (ran.verdict.outcome, ran.verdict.cause, ran.verdict.leg) == (outcome, cause, Leg.DELIVERY)
    assert len(mailbox.sent) == 1
    if outcome == "warn":
        assert result.details["deleted"] == "yes"
        assert 7 not in mailbox.folders["Junk"]


def test_an_unmarked_spam_folder_is_known_by_its_name() -> None:
    mailbox = Mailbox(junk=True)
    ran, _, _ = deliver(mailbox, imap={"special": (b'* LIST () "/" Junk',)})
    assert ran.last(Leg.DELIVERY).cause == "deliver.in_spam"


def test_a_search_that_finds_everything_deletes_nothing_else() -> None:
    mailbox = Mailbox(search_finds_all=True)
    ran, _, _ = deliver(mailbox)
    assert ran.last(Leg.DELIVERY).outcome is Outcome.OK
    assert set(mailbox.folders["INBOX"]) == set(range(1, FOREIGN + 1))
    nothing = Mailbox(search_finds_all=True, vanish=True)
    assert deliver(nothing)[0].last(Leg.DELIVERY).cause == "deliver.not_found"
    assert set(nothing.folders["INBOX"]) == set(range(1, FOREIGN + 1))
    assert not any(b"STORE" in line or b"EXPUNGE" in line for line in nothing.commands)


@pytest.mark.parametrize(
    ("mailbox", "left", "deleted"),
    [
        (Mailbox(), {1, 2, 3}, "yes"),
        (Mailbox(flagged_before=True), {1, 2, 3, 7}, "no"),  # EXPUNGE would have taken the visitor's own, too
        (Mailbox(refuses_delete=True), {1, 2, 3, 7}, "no"),
    ],
)
def test_without_uidplus_only_one_marked_message_is_expunged(mailbox: Mailbox, left: set[int], deleted: str) -> None:
    ran, _, _ = deliver(mailbox, imap={"capabilities": SPECIAL.replace(b" UIDPLUS", b"")})
    result = ran.last(Leg.DELIVERY)
    assert (result.outcome, result.details["deleted"]) == ("ok", deleted)
    assert set(mailbox.folders["INBOX"]) == left
    assert 7 not in left or not mailbox.folders["INBOX"][7][1]  # its mark was taken back


def test_a_folder_that_cannot_be_opened_is_no_spam_folder() -> None:
    mailbox = Mailbox(late=0.15, closed=("Spam",))
    for special in (b'* LIST (\\Noselect \\HasChildren) "/" "Spam"', b'* LIST (\\Junk) "/" "Spam"'):
        ran, _, _ = deliver(mailbox, imap={"special": (special,)})
        assert (ran.last(Leg.DELIVERY).outcome, ran.last(Leg.DELIVERY).details["deleted"]) == ("ok", "yes")
        assert 7 not in mailbox.folders["INBOX"]
        assert mailbox.commands.count(b'EXAMINE "Spam"') == (b"Junk" in special)


def test_an_unselectable_folder_is_not_told_as_one_with_a_use() -> None:
    ran, _, _ = deliver(Mailbox(), imap={"special": (b'* LIST (\\Noselect \\Sent) "/" Sent',)})
    assert ran.stage(Leg.IMAP, Stage.FOLDERS).cause == "mbox.no_sent_folder"


def test_without_a_list_of_folders_the_inbox_is_looked_into() -> None:
    mailbox = Mailbox(refuses_list=True)
    ran, _, _ = deliver(mailbox, imap={"capabilities": SPECIAL})
    assert mailbox.sent == []  # the stage of the folders has failed: nothing is sent
    mailbox = Mailbox(refuses_list=True, lists=1)
    ran, _, _ = deliver(mailbox, imap={"special": (b'* LIST (\\Sent) "/" Sent',)})
    assert ran.last(Leg.DELIVERY).outcome is Outcome.OK


def test_an_inbox_that_is_refused_is_a_failure() -> None:
    ran, _, _ = deliver(Mailbox(late=0.15, closed=("INBOX",)))
    assert ran.last(Leg.DELIVERY).outcome is Outcome.BLOCKED
    ran, _, _ = deliver(Mailbox(closed=("INBOX",), opens=1))
    assert (ran.last(Leg.DELIVERY).outcome, ran.last(Leg.DELIVERY).cause) == ("fail", "mbox.nonexistent")


@pytest.mark.parametrize("end", ["hangs up", "says nothing", "says nonsense"])
@pytest.mark.parametrize("late", [0.0, LATE])
def test_a_message_that_arrived_has_arrived_whatever_becomes_of_its_deletion(end: str, late: float) -> None:
    mailbox = Mailbox(late=late, ends_at_store=end)
    receiving, sending = SearchingImap(mailbox=mailbox), SendingSmtp(mailbox=mailbox)
    ran = run_against(receiving, sending, deliver=True, limits=replace(QUICKLY, command=0.5))
    result = ran.last(Leg.DELIVERY)
    assert (result.outcome, result.cause) == (("warn", "deliver.slow") if late else ("ok", None))
    assert (result.details["folder"], result.details["deleted"]) == ("INBOX", "no")
    assert float(result.details["seconds"]) >= late


def test_a_deletion_that_takes_all_the_time_there_is_leaves_some_to_tell() -> None:
    mailbox = Mailbox(ends_at_store="says nothing")
    receiving, sending = SearchingImap(mailbox=mailbox), SendingSmtp(mailbox=mailbox)
    ran = run_against(receiving, sending, deliver=True, limits=replace(QUICKLY, command=5.0, test=2.0))
    assert (ran.last(Leg.DELIVERY).outcome, ran.last(Leg.DELIVERY).details["deleted"]) == ("ok", "no")


def test_the_folders_name_is_told_as_people_read_it() -> None:
    mailbox = Mailbox(junk=True)
    mailbox.folders["&BCEEPwQwBDw-"] = mailbox.folders["Junk"]
    ran, _, _ = deliver(mailbox, imap={"special": (b'* LIST (\\Junk) "/" "&BCEEPwQwBDw-"',)})
    assert ran.last(Leg.DELIVERY).details["folder"] == "Спам"


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b"INBOX", "INBOX"),
        (b"&BCEEPwQwBDw-", "Спам"),
        (b"~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語"),  # RFC 3501 5.1.3
        (b"R&-D &AOk-t&AOk-", "R&D été"),
        (b"&2D3cqQ-", "\U0001f4a9"),
        (b"&2D0-", "&2D0-"),  # half a character
        (b"&AAA-", "\0"),
        (b"&A-", "&A-"),
        (b"a & b", "a & b"),
        ("Спам".encode(), "Спам"),
        (b"\xff", "\ufffd"),
    ],
)
def test_modified_utf_7(raw: bytes, name: str) -> None:
    assert folder_name(raw) == name


@pytest.mark.parametrize(
    ("smtp", "cause"),
    [
        ({"accepted": b"554 5.7.1 Message rejected as spam"}, "smtp.spam"),
        ({"accepted": b"552 5.3.4 too big"}, "smtp.size"),
        ({"accepted": b"451 4.3.0 later"}, "smtp.temp"),
        ({"accepted": b"554 5.6.0 hm"}, "smtp.other"),
        ({"accepted": b"550 5.7.1 a virus was found"}, "smtp.virus"),
        ({"data": b"554 5.5.1 no valid recipients"}, "smtp.other"),
    ],
)
def test_a_message_that_is_refused(smtp: dict[str, object], cause: str) -> None:
    mailbox = Mailbox()
    ran, _, _ = deliver(mailbox, smtp=smtp)
    result = ran.last(Leg.DELIVERY)
    assert (result.outcome, result.cause) == ("fail", cause)
    assert result.evidence
    assert mailbox.sent == []


@pytest.mark.parametrize("pipelining", [False, True])
def test_after_greylisting_a_message_begins_anew(*, pipelining: bool) -> None:
    """A server that takes one sender at a time (RFC 5321 4.1.4) must not be asked for a second one."""
    mailbox = Mailbox()
    ehlo = (b"250-x", *((b"250-PIPELINING",) if pipelining else ()), b"250 AUTH PLAIN")
    smtp = {"rcpt": b"450 4.2.0 Greylisted, try again", "ehlo": ehlo, "nests": False}
    ran, _, sending = deliver(mailbox, smtp=smtp)
    assert ran.stage(Leg.SMTP, Stage.ENVELOPE).cause == "smtp.greylist"
    assert (ran.last(Leg.DELIVERY).outcome, ran.last(Leg.DELIVERY).cause) == ("fail", "smtp.greylist")
    assert mailbox.sent == []
    assert sum(line.startswith(b"MAIL") for line in sending.heard) == 2


def test_a_server_that_leaves_after_greylisting_has_greylisted() -> None:
    ran = run_against(SendingSmtp(rcpt=b"450 4.2.0 Greylisted, try again", leaves_at_reset=True))
    assert ran.last(Leg.SMTP).cause == "smtp.greylist"
    assert ran.last(Leg.SMTP).outcome is Outcome.WARN


@pytest.mark.parametrize("broken", ["imap", "smtp"])
def test_when_one_side_fails_nothing_is_sent(broken: str) -> None:
    mailbox = Mailbox()
    changes: dict[str, dict[str, object]] = {
        "imap": {"talk": Imap(login=b"NO [UNAVAILABLE] later").speak},
        "smtp": {"rcpt": b"550 5.1.1 no"},
    }
    ran, _, _ = deliver(mailbox, **{broken: changes[broken]})
    assert [(result.stage, result.outcome) for result in ran.of(Leg.DELIVERY)] == [("delivery", "blocked")]
    assert mailbox.sent == []


@pytest.mark.parametrize("servers", [(Imap(),), (Smtp(),), (Pop3(), Smtp())])
def test_a_delivery_needs_both_sides(servers: tuple[Scripted, ...]) -> None:
    plan = TestPlan(ADDRESS, tuple(server.server(port=993) for server in servers))
    assert not plan.can_deliver
    with pytest.raises(ValueError, match="needs IMAP and SMTP"):
        replace(plan, deliver=True)


@pytest.mark.parametrize(
    ("username", "hidden", "same"),
    [
        (None, False, True),
        (str(ADDRESS), True, True),
        (str(ADDRESS).upper(), False, True),
        (ADDRESS.local_part, False, True),
        (ADDRESS.local_part, True, False),  # the same name on somebody else's server is another mailbox
        (f"boss@{ADDRESS.domain}", False, False),
        ("boss", False, False),
        ("two@signs@example.com", False, False),
    ],
)
def test_a_delivery_goes_only_to_the_mailbox_that_is_signed_in_to(
    username: str | None, hidden: bool, same: bool
) -> None:
    servers = tuple(server.server(port=993) for server in (Imap(), Smtp()))
    hosts = frozenset(server.host for server in servers) if hidden else frozenset()
    plan = TestPlan(ADDRESS, servers, username=username, hidden_hosts=hosts)
    assert plan.can_deliver
    assert plan.signs_in_as_address is same
    if not same:
        with pytest.raises(ValueError, match="signed in to"):
            replace(plan, deliver=True)


def test_leaving_in_the_middle_of_a_delivery_closes_everything() -> None:
    async def run() -> None:
        mailbox = Mailbox(vanish=True)
        async with AsyncExitStack() as stack:
            imap = await stack.enter_async_context(SearchingImap(mailbox=mailbox))
            smtp = await stack.enter_async_context(SendingSmtp(mailbox=mailbox))
            plan = TestPlan(ADDRESS, (imap.server(), smtp.server()), deliver=True)
            results = run_test(plan, Secret(PASSWORD), egress(), PatternSet(), QUICK)

            async def consume() -> None:
                async for _ in results:
                    pass

            task = asyncio.create_task(consume())
            async with asyncio.timeout(5):
                while not mailbox.sent:  # noqa: ASYNC110 (the server raises no event)
                    await asyncio.sleep(0.01)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await results.aclose()
            async with asyncio.timeout(1):
                while imap.now_open + smtp.now_open:  # noqa: ASYNC110 (the servers are told by their sockets)
                    await asyncio.sleep(0.01)

    asyncio.run(run())


def test_the_terminal_shows_the_delivery_as_a_leg(capsys: pytest.CaptureFixture[str]) -> None:
    plan = TestPlan(ADDRESS, (Imap().server(port=993), Smtp().server(port=465)), deliver=True)
    display = LiveDisplay(sys.stdout, plan, Articles(PatternSet(), {"deliver.in_spam": "in-spam"}), {})
    details = {"seconds": "1.5", "folder": "Junk"}
    with display:
        display.stage(
            StageResult(Leg.DELIVERY, Stage.DELIVERY, Outcome.WARN, "deliver.in_spam", Owner.VISITOR, details=details)
        )
        display.verdict(Verdict(Outcome.WARN, {Leg.DELIVERY: Outcome.WARN}, "deliver.in_spam", Owner.VISITOR))
    shown = capsys.readouterr().out
    for words in ("delivery", "deliver.in_spam (who: visitor)", "folder: Junk", "article: in-spam"):
        assert words in shown
