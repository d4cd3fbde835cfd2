"""The possible causes of one statement, from its words and codes, with confidence and basis."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from guides.mail.accounts import Protocol
from guides.mail.diagnosis import codes, enhanced, words
from guides.mail.diagnosis.classes import owner_of
from guides.mail.diagnosis.codes import UNKNOWN, Reply, cause_of, contradicts
from guides.mail.diagnosis.patterns import PatternSet
from guides.mail.diagnosis.refusals import CODE, KNOWN_WORDS, LATE_PRIORITY, PROVIDERS_WORDS
from guides.mail.diagnosis.rulebook import CLEAR, DELIVERY, LIKELY, RuleMatch, Rules
from guides.mail.diagnosis.statements import Statement
from guides.mail.outcomes import Owner, Stage

HIGH = 0.8  # from this confidence on, a cause is shown as sure
GUESS_BELOW = 0.55  # below it, a cause is shown as a guess
MAX_CAUSES = 3
LEAST = 0.25  # below it, a cause is not shown

_SECOND = 0.6  # factor for a further cause of the same statement
_PROSE = 0.1  # subtracted for words in prose, which no server said
_DOUBTFUL = 0.75  # factor for words of a class beside words that contradict it


class Basis(StrEnum):
    """The basis of a cause."""

    PATTERN = "pattern"  # a pattern of the library matches
    PROVIDER = "provider"  # and its provider was recognised
    WORDS = "words"  # words with this meaning
    HINT = "hint"  # words that only hint at it
    AGREES = "agrees"  # the code supports the words
    CODE = "code"  # the code alone
    CLIENT = "client"  # a sentence of the mail client
    KIND = "kind"  # the kind of message


@dataclass(frozen=True, slots=True)
class Cause:
    """A possible cause. `line` is the statement that shows it; `start` and `end` are the span of the words in it."""

    name: str
    owner: Owner
    confidence: float
    line: str = ""
    start: int = 0
    end: int = 0
    code: str = ""
    article: str = ""
    why: tuple[Basis, ...] = ()

    @property
    def matched(self) -> str:
        """The words in `line`, not redacted."""
        return self.line[self.start : self.end]


_IMAP_CODES = (
    "UNAVAILABLE|AUTHENTICATIONFAILED|AUTHORIZATIONFAILED|EXPIRED|PRIVACYREQUIRED|CONTACTADMIN|NOPERM|INUSE|LIMIT"
    "|OVERQUOTA|SERVERBUG|CORRUPTION|CLIENTBUG|ALERT|WEBALERT|NONEXISTENT|CANNOT"
)
_IMAP = re.compile(
    rf"^(?:(?:\* |[A-Za-z]{{0,4}}\d+ )?(?P<status>NO|BAD|BYE)\b"
    rf"|(?=\[(?:{_IMAP_CODES})\b))[ :]{{0,2}}(?:\[(?P<code>[A-Z][A-Z0-9-]*)(?P<arguments>[^\]]*)\])? ?(?P<text>.*)$"
)
_POP3 = re.compile(r"^-ERR\b ?(?:\[(?P<code>[A-Z/-]+)\])? ?(?P<text>.*)$")
_SMTP = re.compile(r"^(?P<status>[245]\d\d)[ \-]#?(?P<code>[245]\.\d{1,3}\.\d{1,3})?\)?:? ?(?P<text>.*)$")
_SMTP_LOGIN = frozenset({"334", "525", "534", "535", "538"})
_LOGIN_WORDS = re.compile(r"(?i)\bauthenticat|\bcredential|\bpassword|\blog ?[io]n\b|\bparol\b")
_MAILBOX_WORDS = re.compile(
    r"(?i)\bselect|\bexamine|\bmailbox|\bfolder|\bmaildrop|\bquota|\bmessages? in\b|permission|throttled"
    r"|\binternal error"
)
_AFTER_LOGIN = re.compile(r"(?i)\bunsafe login|authenticated but not connected")
_MAILBOX_CODES = frozenset({"OVERQUOTA", "NONEXISTENT", "NOPERM", "INUSE", "IN-USE", "LIMIT", "SERVERBUG", "CANNOT"})
_LETTER = re.compile(r"[A-Za-zÀ-ÿА-яЁё]")
_BETWEEN_SERVERS = re.compile(
    r"(?i)\bconnect to \S+\[|\]:25\b|\bport 25\b|\bMX\b|\bqueue|\bdeliver|\brecipient|\bname service error"
    r"|(?:相手|宛先|あて先|送信先|受信者)(?:先|側)?の?(?:メール)?サーバ|配送|сервер\w* получателя|zielserver|empfänger"
)
# Causes of the visitor's own connection and mailbox; bounces, which are about mail between servers, do not have them.
OWN_SIDE = frozenset({"input", "dns", "tcp", "tls", "greet", "cap", "auth", "mbox", "net", "generic"})


def judge(
    statement: Statement, patterns: PatternSet, provider: str | None = None, *, bounced: bool = False
) -> list[Cause]:
    """The causes of a statement, at most MAX_CAUSES, the likeliest first.

    `bounced`: the statement is from a bounce, so it is about mail between servers.
    """
    reply, stage = _reply(statement)
    code = _code(statement)
    found = [
        *_by_patterns(statement, patterns, provider, reply, stage, bounced=bounced),
        *(() if bounced and stage is None else _by_protocol(statement, reply, stage)),
    ]
    login = stage is not None and not bounced
    if not bounced:
        found += _by_client(statement, login=login)
    if not found or not (login or (code == "" and _is_own_side(found))):
        found += _by_delivery(statement, bounced=bounced, login=login)
    causes = [_whole_words(replace(cause, code=cause.code or code)) for cause in best(found)]
    if not statement.direct and stage is None:
        causes = [replace(cause, confidence=round(cause.confidence - _prose(cause), 3)) for cause in causes]
        if not bounced:  # the rest of the line may be the visitor's own text, even a password
            causes = [replace(cause, line=cause.matched, start=0, end=len(cause.matched)) for cause in causes]
    return [cause for cause in causes if cause.confidence >= LEAST][:MAX_CAUSES]


def _is_own_side(found: list[Cause]) -> bool:
    """Whether a mail client's text is surely about the visitor's connection or mailbox, not about a delivery."""
    return any(cause.confidence >= HIGH and cause.name.partition(".")[0] in OWN_SIDE for cause in found)


def _whole_words(cause: Cause) -> Cause:
    """The cause with its span extended to whole words. Not for Japanese, which has no spaces."""
    start, end = cause.start, cause.end
    if end == start:
        return cause
    while start > 0 and _LETTER.match(cause.line[start - 1]) and _LETTER.match(cause.line[start]):
        start -= 1
    while end < len(cause.line) and _LETTER.match(cause.line[end]) and _LETTER.match(cause.line[end - 1]):
        end += 1
    return replace(cause, start=start, end=end)


def best(causes: list[Cause]) -> list[Cause]:
    """Each class once, with its best confidence, the likeliest first; a stable order.

    A pattern's owner and article are kept, even where built-in rules give the class a higher confidence.
    """
    kept: dict[str, Cause] = {}
    for cause in causes:
        other = kept.get(cause.name)
        if other is None:
            kept[cause.name] = cause
            continue
        surer = max(other, cause, key=lambda one: one.confidence)
        named = next((one for one in (other, cause) if Basis.PATTERN in one.why), surer)
        kept[cause.name] = replace(surer, owner=named.owner, article=named.article, why=named.why)
    return sorted(kept.values(), key=lambda cause: -cause.confidence)


def _prose(cause: Cause) -> float:
    return 0.0 if Basis.CLIENT in cause.why or Basis.PATTERN in cause.why else _PROSE


def _code(statement: Statement) -> str:
    """The code to show: that of the innermost layer with one."""
    for layer in statement.layers:
        status, reply = enhanced.codes_in(layer)
        if status or reply:
            return " ".join(part for part in (reply, status) if part)
    return ""


def _reply(statement: Statement) -> tuple[Reply | None, Stage | None]:
    """The statement as a reply to a login or to opening a mailbox, or None."""
    for layer in statement.layers:
        match = _IMAP.match(layer)
        if match:
            code = (match["code"] or "").upper()
            reply = Reply(
                Protocol.IMAP, match["status"] or "NO", code, match["text"], (match["arguments"] or "").strip()
            )
            return reply, _receiving_stage(code, layer)
        match = _POP3.match(layer)
        if match:
            code = (match["code"] or "").upper()
            return Reply(Protocol.POP3, "-ERR", code, match["text"]), _receiving_stage(code, layer)
    for layer in statement.layers:
        match = _SMTP.match(layer)
        if match:
            reply = Reply(Protocol.SMTP, match["status"], match["code"] or "", match["text"])
            worded = reply.status in ("432", "454", "504") and _LOGIN_WORDS.search(layer) is not None
            login = reply.status in _SMTP_LOGIN or worded
            return reply, Stage.LOGIN if login else None
    return None, None


def _receiving_stage(code: str, layer: str) -> Stage:
    if (
        code in _MAILBOX_CODES
        or _AFTER_LOGIN.search(layer)
        or (_MAILBOX_WORDS.search(layer) and not _LOGIN_WORDS.search(layer))
    ):
        return Stage.MAILBOX
    return Stage.LOGIN


def _by_protocol(statement: Statement, reply: Reply | None, stage: Stage | None) -> Iterator[Cause]:
    """The causes that the live test finds for the reply; without a reply, those of words about signing in."""
    if reply is None or stage is None:
        by_words = words.hit_in(statement.text, words.LOGIN) if _LOGIN_WORDS.search(statement.text) else None
        if reply is None and by_words is not None and by_words[0] != codes.REJECTED:
            name, start, end = by_words
            yield Cause(name, owner_of(name), 0.85, statement.text, start, end, why=(Basis.WORDS,))
        return
    name = cause_of(reply, stage)
    if name == UNKNOWN:
        return
    if name == "mbox.not_enabled_after_login" and words.hit_in(statement.text, words.MAILBOX) is None:
        return  # only the live test knows that the login had succeeded
    table = words.MAILBOX if stage is Stage.MAILBOX else words.LOGIN
    hit = next((h for h in (_span_of(name, row, statement.text) for row in (table, words.CONNECTION)) if h), None)
    start, end = hit or _code_span(statement.text, reply)
    plainly = hit is not None or reply.code in ("AUTHENTICATIONFAILED", "AUTH", "5.7.8") or bool(reply.code)
    yield Cause(
        name,
        owner_of(name),
        CODE if plainly else LIKELY,
        statement.text,
        start,
        end,
        why=(Basis.WORDS if hit else Basis.CODE,),
    )


def _span_of(name: str, table: words.Table, line: str) -> tuple[int, int] | None:
    for cause, expression in table:
        if cause == name:
            match = expression.search(line)
            if match is not None:
                start, end = match.span()
                return start, end
    return None


def _code_span(line: str, reply: Reply) -> tuple[int, int]:
    for sign in (reply.code, reply.status):
        at = line.find(sign) if sign else -1
        if at >= 0:
            return at, at + len(sign)
    return 0, min(len(line), 80)


def _by_patterns(
    statement: Statement,
    patterns: PatternSet,
    provider: str | None,
    reply: Reply | None,
    stage: Stage | None,
    *,
    bounced: bool,
) -> Iterator[Cause]:
    """The causes by staff's patterns; a provider's pattern is only a hint when the provider was not recognised."""
    if not len(patterns):
        return
    seen: set[str] = set()
    for layer in reversed(statement.layers):
        offset = max(0, statement.text.find(layer))
        for item in patterns.found(layer):
            pattern = item.pattern
            if pattern.name in seen:
                continue
            seen.add(pattern.name)
            if reply is not None and stage is not None and contradicts(reply, pattern.cause):
                continue
            confidence = KNOWN_WORDS
            why: tuple[Basis, ...] = (Basis.PATTERN,)
            if pattern.provider is not None:
                if provider is not None and pattern.provider != provider:
                    continue
                confidence = PROVIDERS_WORDS if provider else 0.6
                why = (Basis.PATTERN, Basis.PROVIDER) if provider else why
            if reply is not None and stage is not None and pattern.protocol not in (None, reply.protocol):
                confidence *= 0.6
            if stage is not None and pattern.stage not in (None, stage):
                confidence *= 0.95
            if bounced and pattern.cause.partition(".")[0] in {
                *OWN_SIDE,
                "auto",
            }:  # `auto` is a kind of message, no cause
                confidence *= 0.5
            if pattern.priority > LATE_PRIORITY or item.end - item.start < 4:
                confidence = min(confidence, LIKELY)
            yield Cause(
                pattern.cause,
                pattern.owner or owner_of(pattern.cause),
                round(confidence - 0.002 * min(len(seen) - 1, 5), 3),
                statement.text,
                offset + item.start,
                offset + item.end,
                article=pattern.article,
                why=why,
            )


def compile_rules() -> None:
    """Compile all rules, so that no request has to; to be called before there are several threads."""
    for names in (("client",), DELIVERY, ("delivery-guesses",), ("delivery-doubts",)):
        Rules.of(*names)


def _by_client(statement: Statement, *, login: bool) -> Iterator[Cause]:
    """The causes by the mail client's own sentences. A quoted server reply is more specific and comes first."""
    quotes = len(statement.layers) > 1 or statement.direct
    between_servers = _BETWEEN_SERVERS.search(statement.text) is not None
    for place, hit in enumerate(Rules.of("client").hits(statement.text)):
        if login and hit.cause == codes.REJECTED:
            continue
        confidence = hit.strength if place == 0 else hit.strength * _SECOND
        family = hit.cause.partition(".")[0]
        if (quotes and family in ("rcpt", "smtp", "net", "generic", "tcp", "dns")) or (
            between_servers and family in ("tcp", "dns", "net", "generic")
        ):
            confidence *= 0.6
        yield _cause(hit, statement.text, 0, round(confidence, 3), (Basis.CLIENT,))


def _by_delivery(statement: Statement, *, bounced: bool, login: bool) -> Iterator[Cause]:
    """The causes of a failed delivery: first by words, last by codes alone."""
    rules = Rules.of(*DELIVERY)
    chosen: list[RuleMatch] = []
    layer = statement.text
    for layer_tried in statement.layers:
        hits = rules.hits(layer_tried)
        if hits and (not chosen or hits[0].strength > chosen[0].strength):
            chosen, layer = hits, layer_tried
        if chosen and chosen[0].strength >= CLEAR:
            break
    if statement.direct and (not chosen or chosen[0].strength < LIKELY):
        guessed, layer_guessed = _guessed(statement)
        if guessed:
            chosen, layer = guessed, layer_guessed
    status, code = _codes(statement)
    by_code = enhanced.class_of(status, code, statement.command)
    offset = max(0, statement.text.find(layer))
    factor = 1.0 if bounced or status or code or _BETWEEN_SERVERS.search(statement.text) else 0.9
    if login:
        factor = 0.5
    if chosen:
        yield from _of_hits(chosen, by_code, statement.text, offset, factor)
    if by_code is not None:
        name, confidence = by_code
        start, end = _where(statement.text, status or code)
        yield Cause(name, owner_of(name), confidence * factor, statement.text, start, end, why=(Basis.CODE,))


def _guessed(statement: Statement) -> tuple[list[RuleMatch], str]:
    """A guess by the reply's nouns, when no rule matches; with the layer that contains them."""
    for layer in statement.layers:
        hits = Rules.of("delivery-guesses").hits(layer)[:1]
        if hits:
            return hits, layer
    return [], ""


def _of_hits(
    hits: list[RuleMatch], by_code: tuple[str, float] | None, line: str, offset: int, factor: float
) -> Iterator[Cause]:
    first = hits[0]
    confidence = first.strength
    why: tuple[Basis, ...] = (Basis.WORDS if first.strength > LIKELY else Basis.HINT,)
    if by_code is not None and by_code[0] == first.cause:
        confidence = min(0.96, confidence + 0.05)
        why = (*why, Basis.AGREES)
    elif by_code is not None and first.strength <= LIKELY and by_code[1] >= enhanced.DEFINITE:
        confidence = by_code[1] - 0.05
    if confidence >= HIGH and Basis.AGREES not in why and _is_doubtful(first.cause, line):
        confidence = _DOUBTFUL
    yield _cause(first, line, offset, round(confidence * factor, 3), why)
    for hit in hits[1:]:
        apart = hit.start >= first.end or hit.end <= first.start
        if hit.cause != first.cause and apart:
            yield _cause(hit, line, offset, round(min(hit.strength, confidence) * _SECOND * factor, 3), why[:1])


def _is_doubtful(cause: str, line: str) -> bool:
    """Whether a line contains words that rarely occur with this class."""
    return any(hit.cause == cause for hit in Rules.of("delivery-doubts").hits(line))


def _codes(statement: Statement) -> tuple[str, str]:
    for layer in statement.layers:
        status, code = enhanced.codes_in(layer)
        if status or code:
            return status, code
    return "", ""


def _where(line: str, sign: str) -> tuple[int, int]:
    at = line.rfind(sign)
    return (at, at + len(sign)) if at >= 0 else (0, 0)


def _cause(hit: RuleMatch, line: str, offset: int, confidence: float, why: tuple[Basis, ...]) -> Cause:
    return Cause(hit.cause, owner_of(hit.cause), confidence, line, offset + hit.start, offset + hit.end, why=why)
