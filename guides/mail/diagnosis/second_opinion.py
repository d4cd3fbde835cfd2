"""A second opinion on the class of a text: a small linear model over hashed words and pieces of words.

Its weights are in `second_opinion.bin`, written by `python -m tests.diagnosis.train`. Evaluated without numpy: the
weights of a feature for all classes are the digits of one large integer, so that a score is a sum of integers.

The file also holds what confidences mean: for each `cell` (how sure rules and model were, and whether they agreed) how
often either was right about sentences that neither had seen.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from zlib import crc32

from guides.mail.diagnosis.classes import Context, owner_of
from guides.mail.diagnosis.judging import HIGH, MAX_CAUSES, OWN_CONNECTION, Basis, Cause
from guides.mail.diagnosis.masking import masked

WEIGHTS = Path(__file__).parent / "second_opinion.bin"
BUCKETS = 8000
MAX_TEXT = 500  # characters that are read
LANE = 4  # bytes of an integer for each class
ZERO = 128  # a weight of 0 as a byte

_SENTENCE = re.compile(r"[^\W\d_]{2,}[\W\d_]+[^\W\d_]{2,}|[\u3040-\u9fff]{6}")  # two words, or Japanese
_LEAST_GUESS = 0.55  # how often the model must be right to name a class where rules know nothing,
_LEAST_INSTEAD = 0.4  # and where they are mostly wrong
_REPORTED = 0.5  # a cause of a report from this confidence on is only doubted, not overruled:
_OPPOSED = 0.6  # where the model is as sure as this of another class,
_FOREIGN = 0.03  # and not as sure as this of the class;
_DOUBTED = 0.75  # then it is told as this
_MOST_ALONE = 0.75  # the model alone never tells a class as sure: no words can be shown for it
_MARGIN = 0.2  # by so much the model must be right more often than the rules before it comes first

# Classes that the same words have in another place, which rules see and a model of sentences does not.
_BY_PLACE = OWN_CONNECTION | {"rcpt.full": "mbox.overquota"}

_WORD = re.compile(r"[^\W\d_]+|(?<![\d.])[245]\.\d\.\d{1,3}(?![\d.])|0x[0-9a-f]{4,8}|(?<!\d)[245]\d\d(?!\d)")


def features(text: str) -> set[int]:
    """The buckets of a text: its words, pairs of words, and pieces of 2 to 4 characters."""
    words = _WORD.findall(masked(text[:MAX_TEXT]).lower())
    if not words:
        return set()
    plain = f" {' '.join(words)} "
    pieces = {plain[at : at + size] for size in (2, 3, 4) for at in range(len(plain) - size + 1)}
    pieces.update(f"1{word}" for word in words)
    pieces.update(f"2{one} {other}" for one, other in pairwise(words))
    return {crc32(piece.encode()) % BUCKETS for piece in pieces}


@dataclass(frozen=True, slots=True)
class _Model:
    """What the file holds. `twins`: classes that no sentence tells apart, and the one of them that was learnt."""

    classes: tuple[str, ...]
    scale: float
    intercepts: tuple[float, ...]
    told: dict[str, tuple[float, float]]
    twins: dict[str, str]
    rows: bytes


@cache
def _model() -> _Model:
    head, _, rows = WEIGHTS.read_bytes().partition(b"\n")
    meta = json.loads(head)
    told = {name: (rules, model) for name, (rules, model) in meta["told"].items()}
    return _Model(tuple(meta["classes"]), meta["scale"], tuple(meta["intercepts"]), told, meta["twins"], rows)


@lru_cache(maxsize=BUCKETS)
def _row(bucket: int) -> int:
    """The weights of a feature for all classes as one integer, LANE bytes a class."""
    model = _model()
    size = len(model.classes)
    spread = bytearray(LANE * size)
    spread[::LANE] = model.rows[bucket * size : (bucket + 1) * size]
    return int.from_bytes(spread, "little")


def opinion(text: str) -> dict[str, float]:
    """The probability of each class, by the model alone; {} for a text without words."""
    buckets = features(text)
    if not buckets:
        return {}
    model = _model()
    size = len(model.classes)
    total = sum(_row(bucket) for bucket in buckets).to_bytes(LANE * size, "little")
    sums = memoryview(total).cast("I")
    factor = model.scale / math.sqrt(len(buckets))
    scores = [(sums[at] - ZERO * len(buckets)) * factor + model.intercepts[at] for at in range(size)]
    return {name: 1 / (1 + math.exp(-max(score, -50))) for name, score in zip(model.classes, scores, strict=True)}


def cell(first: Cause | None, opinions: dict[str, float], twins: dict[str, str]) -> str:
    """The row of the table of confidences: how sure the rules and the model are, and whether they agree."""
    name, share = max(opinions.items(), key=lambda item: item[1])
    sureness = _band(share, (0.1, 0.2, 0.35, 0.5))
    if first is None:
        return f"none {sureness}"
    strength = "agrees" if Basis.AGREES in first.why else _band(first.confidence, (0.55, HIGH))
    known = _known(first, name, twins)
    if name == known:
        return f"{strength} same {sureness}"
    return f"{strength} other {_band(opinions.get(known, 0.0), (0.003, 0.03))} {_band(share, (0.2,))}"


def _known(first: Cause, name: str, twins: dict[str, str]) -> str:
    """What the model calls the class of a cause: `name` where only the place of the words tells the two apart."""
    same_words = _BY_PLACE.get(first.name) == name or _BY_PLACE.get(name) == first.name
    return name if same_words else twins.get(first.name, first.name)


def _band(value: float, edges: tuple[float, ...]) -> str:
    return str(sum(value >= edge for edge in edges))


def confirmed(causes: tuple[Cause, ...], text: str, context: Context = Context.DIALOG) -> tuple[Cause, ...]:
    """The causes after the second opinion on their text, with confidences that were fitted at first sight.

    Where rules know nothing, or are seldom right when the model is of another opinion, the model's class comes first.
    A pattern that staff wrote is never overruled. A report's structure says more than a model of sentences: there a
    clear cause stays. `context`: where the words were said.
    """
    first = causes[0] if causes else None
    told = opinion(text)
    if not told or (first is not None and (Basis.PATTERN in first.why or Basis.KIND in first.why)):
        return causes
    model = _model()
    name = max(told, key=lambda one: told[one])
    known = _known(first, name, model.twins) if first is not None else ""
    strength = first.confidence if first is not None else 0.0
    by_rules, by_model = model.told.get(cell(first, told, model.twins), (strength, 0.0))
    if first is not None and (first.why == (Basis.CODE,) or not _SENTENCE.search(text)):
        by_rules, by_model = min(strength, by_rules), 0.0  # a code alone is not told as sure
    if context is Context.FOREIGN and strength >= _REPORTED and name != known:
        opposed = told[name] >= _OPPOSED and told.get(known, 0.0) < _FOREIGN
        by_rules, by_model = min(strength, _DOUBTED) if opposed else strength, 0.0
    if first is not None and (name == known or by_model < by_rules + _MARGIN):
        return (replace(first, confidence=by_rules), *_weaker(causes[1:], by_rules))
    if by_model < (_LEAST_GUESS if first is None else _LEAST_INSTEAD) or not _SENTENCE.search(text):
        return causes if first is None else (replace(first, confidence=by_rules), *_weaker(causes[1:], by_rules))
    context = first.context if first else context
    line = first.line if first else ""
    told_as = min(by_model, _MOST_ALONE)
    guess = Cause(name, owner_of(name, context), told_as, line, why=(Basis.LEARNED,), context=context)
    return (guess, *_weaker(tuple(cause for cause in causes if cause.name != name), by_rules))[:MAX_CAUSES]


def _weaker(causes: tuple[Cause, ...], most: float) -> tuple[Cause, ...]:
    """Further causes, not surer than the first."""
    return tuple(replace(cause, confidence=min(cause.confidence, most)) for cause in causes)
