"""The possible causes of one utterance, from its words and codes, with confidence and basis."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from guides.mail.diagnosis import codes, enhanced, words
from guides.mail.diagnosis.classes import Context, owner_of
from guides.mail.diagnosis.codes import UNKNOWN, Reply, cause_of, contradicts
from guides.mail.diagnosis.masking import masked, without_addresses
from guides.mail.diagnosis.patterns import PatternSet
from guides.mail.diagnosis.refusals import CODE, KNOWN_WORDS, LATE_PRIORITY, PROVIDERS_WORDS
from guides.mail.diagnosis.replies import LOGIN_WORDS, reply_of
from guides.mail.diagnosis.rulebook import CLEAR, DELIVERY, LIKELY, RuleMatch, Rules
from guides.mail.diagnosis.tls_libraries import client_rules
from guides.mail.diagnosis.utterances import Speaker, Utterance
from guides.mail.outcomes import Owner, Stage

HIGH = 0.8  # from this confidence on, a cause is shown as sure
GUESS_BELOW = 0.55  # below it, a cause is shown as a guess
MAX_CAUSES = 3
LEAST = 0.25  # below it, a cause is not shown

_SECOND = 0.6  # factor for a further cause of the same utterance
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
    LEARNED = "learned"  # a model of texts whose class is known


@dataclass(frozen=True, slots=True)
class Cause:
    """A possible cause. `line` is the utterance that shows it; `start` and `end` are the span of the words in it."""

    name: str
    owner: Owner
    confidence: float
    line: str = ""
    start: int = 0
    end: int = 0
    code: str = ""
    article: str = ""
    why: tuple[Basis, ...] = ()
    context: Context = Context.OWN

    @property
    def matched(self) -> str:
        """The words in `line`, not redacted."""
        return self.line[self.start : self.end]


_LETTER = re.compile(r"[A-Za-zÀ-ÿА-яЁё]")
_BETWEEN_SERVERS = re.compile(
    r"(?i)\bconnect to \S+\[|\]:25\b|\bport 25\b|\bMX\b|\bqueue|\bdeliver|\brecipient|\bname service error"
    r"|(?:相手|宛先|あて先|送信先|受信者)(?:先|側)?の?(?:メール)?サーバ|宛先の?(?:アドレスの)?ドメイン|配送"
    r"|домен\w* (?:получател|адресат)|сервер\w* получателя|zielserver|empfänger"
)
_DOMAIN = re.compile(r"(?i)\bdomain|\bdns\b|\bname\b|домен|ドメイン|\bhost\b")
_SENDER = re.compile(r"(?i)\bsend(?:er|ing)\b|\bmail from\b|\bfrom:|送信元|差出人|отправител|absender")
# Causes between two servers, and the same on the way from a client to its own server.
OWN_CONNECTION = {
    "route.timeout": "tcp.timeout",
    "route.conn_refused": "tcp.refused",
    "route.network": "net.generic",
    "route.too_many_connections": "mbox.conn_limit",
    "route.tls": "tls.chain_or_unknown_ca",
    "rcpt.domain_unknown": "dns.nxdomain",
}
# A full mailbox is the visitor's own where a copy is to be kept there, or the sender is named.
_OWN_MAILBOX = re.compile(
    r"(?i)\bAPPEND\b|\bsender'?s? (mailbox|account|quota)|(sav|stor|cop)\w{1,4}\b.{0,40}(\bsent\b|draft|folder)"
    r"|(送信済み?|下書き).{0,30}保存|сохран.{0,40}(отправленн|чернов|папк)"
)
# Causes of the visitor's own connection and mailbox; bounces, which are about mail between servers, do not have them.
OWN_SIDE = frozenset({"input", "dns", "tcp", "tls", "greet", "cap", "auth", "mbox", "net", "generic"})


def judge(
    utterance: Utterance,
    patterns: PatternSet,
    provider: str | None = None,
    *,
    bounced: bool = False,
    senders: frozenset[str] = frozenset(),
) -> list[Cause]:
    """The causes of an utterance, at most MAX_CAUSES, the likeliest first.

    `bounced`: the utterance is from a bounce, so it is about mail between servers. `senders`: the sender's domains.
    """
    context = _context(utterance, bounced=bounced)
    reply, stage = reply_of(utterance)
    found = [
        *_by_patterns(utterance, patterns, provider, reply, stage, bounced=bounced),
        *(() if bounced and stage is None else _by_protocol(utterance, reply, stage)),
    ]
    login = stage is not None and not bounced
    if not bounced:
        found += _by_client(utterance, login=login)
    if not found or not (login or (utterance.code == "" and _is_own_side(found))):
        found += _by_delivery(utterance, bounced=bounced, login=login)
    own_words = context is Context.DIALOG and _BETWEEN_SERVERS.search(utterance.text) is None
    found = [_of_context(cause, context, own_words=own_words) for cause in found]
    found = [_of_sender(cause, utterance, senders) for cause in found]
    causes = [_whole_words(replace(cause, code=cause.code or utterance.code)) for cause in best(found)]
    if not utterance.direct and stage is None:
        causes = [replace(cause, confidence=round(cause.confidence - _prose(cause), 3)) for cause in causes]
        if not bounced:  # the rest of the line may be the visitor's own text, even a password
            causes = [replace(cause, line=cause.matched, start=0, end=len(cause.matched)) for cause in causes]
    return [cause for cause in causes if cause.confidence >= LEAST][:MAX_CAUSES]


def _context(utterance: Utterance, *, bounced: bool) -> Context:
    if bounced or utterance.speaker in (Speaker.FOREIGN, Speaker.REPORTER):
        return Context.FOREIGN
    return Context.OWN if utterance.direct else Context.DIALOG


def _of_context(cause: Cause, context: Context, *, own_words: bool) -> Cause:
    """The cause with the owner of its context. In a client's own words, causes between servers are those of its own
    connection."""
    name = cause.name
    if name == "rcpt.full" and context is not Context.FOREIGN and _OWN_MAILBOX.search(cause.line):
        return replace(cause, name="mbox.overquota", owner=owner_of("mbox.overquota"), article="", context=context)
    if own_words and Basis.PATTERN not in cause.why:
        name = OWN_CONNECTION.get(name, name)
    owner = cause.owner
    if owner is owner_of(cause.name):
        owner = owner_of(name, context)
    return replace(cause, name=name, owner=owner, context=context)


def _of_sender(cause: Cause, utterance: Utterance, senders: frozenset[str]) -> Cause:
    """An unknown domain is the sender's where MAIL FROM was refused or the sender's own domain is named."""
    if cause.name not in ("rcpt.domain_unknown", "rcpt.unknown", "rcpt.no_mail_host"):
        return cause
    after = utterance.text[cause.start :].lower()
    at = "@" if cause.name == "rcpt.unknown" else ""
    named = any(f"{at}{domain}" in after for domain in senders)
    named = named and not (utterance.recipient and utterance.recipient.rpartition("@")[2].lower() in senders)
    near = utterance.text[max(0, cause.start - 40) : cause.end]
    if utterance.command == "MAIL FROM" or named or (cause.name == "rcpt.domain_unknown" and _SENDER.search(near)):
        name = "smtp.sender_domain" if _DOMAIN.search(utterance.text) else "smtp.sender_generic"
        return replace(cause, name=name, owner=owner_of(name, cause.context), confidence=max(cause.confidence, 0.75))
    return cause


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


def _by_protocol(utterance: Utterance, reply: Reply | None, stage: Stage | None) -> Iterator[Cause]:
    """The causes that the live test finds for the reply; without a reply, those of words about signing in."""
    if reply is None or stage is None:
        by_words = words.hit_in(masked(utterance.text), words.LOGIN) if LOGIN_WORDS.search(utterance.text) else None
        if reply is None and by_words is not None and by_words[0] != codes.REJECTED:
            name, start, end = by_words
            yield Cause(name, owner_of(name), 0.85, utterance.text, start, end, why=(Basis.WORDS,))
        return
    name = cause_of(reply, stage)
    if name == UNKNOWN:
        return
    if name == "mbox.not_enabled_after_login" and words.hit_in(utterance.text, words.MAILBOX) is None:
        return  # only the live test knows that the login had succeeded
    table = words.MAILBOX if stage is Stage.MAILBOX else words.LOGIN
    hit = next((h for h in (_span_of(name, row, utterance.text) for row in (table, words.CONNECTION)) if h), None)
    start, end = hit or _code_span(utterance.text, reply)
    plainly = hit is not None or reply.code in ("AUTHENTICATIONFAILED", "AUTH", "5.7.8") or bool(reply.code)
    yield Cause(
        name,
        owner_of(name),
        CODE if plainly else LIKELY,
        utterance.text,
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
    utterance: Utterance,
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
    for layer in reversed(utterance.layers):
        offset = max(0, utterance.text.find(layer))
        for item in patterns.found(without_addresses(layer)):
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
                utterance.text,
                offset + item.start,
                offset + item.end,
                article=pattern.article,
                why=why,
            )


def compile_rules() -> None:
    """Compile all rules, so that no request has to; to be called before there are several threads."""
    for names in (("client",), DELIVERY, ("delivery-guesses",), ("delivery-doubts",)):
        Rules.of(*names)


def _by_client(utterance: Utterance, *, login: bool) -> Iterator[Cause]:
    """The causes by the mail client's own sentences. A quoted server reply is more specific and comes first."""
    quotes = len(utterance.layers) > 1 or utterance.direct
    between_servers = _BETWEEN_SERVERS.search(utterance.text) is not None
    for place, hit in enumerate(client_rules().hits(masked(utterance.text))):
        if login and hit.cause == codes.REJECTED:
            continue
        confidence = hit.strength if place == 0 else hit.strength * _SECOND
        family = hit.cause.partition(".")[0]
        if (quotes and family in ("rcpt", "smtp", "net", "generic", "tcp", "dns")) or (
            between_servers and family in ("tcp", "dns", "net", "generic")
        ):
            confidence *= 0.6
        yield _cause(hit, utterance.text, 0, round(confidence, 3), (Basis.CLIENT,))


def _by_delivery(utterance: Utterance, *, bounced: bool, login: bool) -> Iterator[Cause]:
    """The causes of a failed delivery: first by words, last by codes alone."""
    rules = Rules.of(*DELIVERY)
    chosen: list[RuleMatch] = []
    layer = utterance.text
    for layer_tried in utterance.layers:
        hits = rules.hits(masked(layer_tried))
        if hits and (not chosen or hits[0].strength > chosen[0].strength):
            chosen, layer = hits, layer_tried
        if chosen and chosen[0].strength >= CLEAR:
            break
    only_frame = bool(chosen) and layer == utterance.text and _stands_before(utterance, chosen[0])
    if (utterance.direct or only_frame) and (not chosen or chosen[0].strength < LIKELY or only_frame):
        guessed, layer_guessed = _guessed(utterance, inside=only_frame)
        if guessed:
            chosen, layer = guessed, layer_guessed
    status, code = next((found for found in map(enhanced.codes_in, utterance.layers) if any(found)), ("", ""))
    by_code = enhanced.class_of(status, code, utterance.command)
    offset = max(0, utterance.text.find(layer))
    factor = 1.0 if bounced or status or code or _BETWEEN_SERVERS.search(utterance.text) else 0.9
    if login:
        factor = 0.5
    if chosen:
        yield from _of_hits(chosen, by_code, utterance.text, offset, factor)
    if by_code is not None:
        name, confidence = by_code
        start, end = _where(utterance.text, status or code)
        yield Cause(name, owner_of(name), confidence * factor, utterance.text, start, end, why=(Basis.CODE,))


def _stands_before(utterance: Utterance, hit: RuleMatch) -> bool:
    """Whether a rule matches only the frame before a quoted reply: it tells how the reply is quoted, not its reason."""
    inner = utterance.layers[-2] if len(utterance.layers) > 1 else ""
    return bool(inner) and (utterance.framed or inner[:1].isdigit()) and hit.end <= utterance.text.find(inner) + 4


def _guessed(utterance: Utterance, *, inside: bool) -> tuple[list[RuleMatch], str]:
    """A guess by the reply's nouns, when no rule matches; with the layer that contains them."""
    for layer in utterance.layers[:-1] if inside else utterance.layers:
        hits = Rules.of("delivery-guesses").hits(masked(layer))[:1]
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
    return any(hit.cause == cause for hit in Rules.of("delivery-doubts").hits(masked(line)))


def _where(line: str, sign: str) -> tuple[int, int]:
    at = line.rfind(sign)
    return (at, at + len(sign)) if at >= 0 else (0, 0)


def _cause(hit: RuleMatch, line: str, offset: int, confidence: float, why: tuple[Basis, ...]) -> Cause:
    return Cause(hit.cause, owner_of(hit.cause), confidence, line, offset + hit.start, offset + hit.end, why=why)
