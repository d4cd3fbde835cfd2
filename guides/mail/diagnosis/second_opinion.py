"""A second opinion on the class of a text: a small linear model over hashed words and pieces of words.

Its weights are in `second_opinion.bin`, written by `python -m tests.diagnosis.train`. Evaluated without numpy: the
weights of a feature for all classes are the digits of one large integer, so that a score is a sum of integers.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from zlib import crc32

from guides.mail.diagnosis.classes import Context, owner_of
from guides.mail.diagnosis.judging import HIGH, MAX_CAUSES, Basis, Cause
from guides.mail.diagnosis.masking import masked

WEIGHTS = Path(__file__).parent / "second_opinion.bin"
BUCKETS = 7000
MAX_TEXT = 500  # characters that are read
LANE = 4  # bytes of an integer for each class
ZERO = 128  # a weight of 0 as a byte

_SENTENCE = re.compile(r"[^\W\d_]{2,}[\W\d_]+[^\W\d_]{2,}|[\u3040-\u9fff]{6}")  # two words, or Japanese
_WEAK = 0.45  # a cause up to this confidence may give way to the model's
_SURE = 0.6  # the model's probability from which it may speak
_FOREIGN = 0.03  # below it, the model takes a class to be another
_DOUBTED = 0.75  # the confidence of a vetoed answer
_GUESS = 0.5  # the confidence of an answer by the model alone

_WORD = re.compile(r"[^\W\d_]+|(?<![\d.])[245]\.\d\.\d{1,3}(?![\d.])|0x[0-9a-f]{4,8}|(?<!\d)[245]\d\d(?!\d)")


def features(text: str) -> set[int]:
    """The buckets of a text: its words, pairs of words, and pieces of 3 to 5 characters."""
    words = _WORD.findall(masked(text[:MAX_TEXT]).lower())
    plain = f" {' '.join(words)} "
    pieces = {plain[at : at + size] for size in (3, 4, 5) for at in range(len(plain) - size + 1)}
    pieces.update(f"1{word}" for word in words)
    pieces.update(f"2{one} {other}" for one, other in pairwise(words))
    return {crc32(piece.encode()) % BUCKETS for piece in pieces}


@cache
def _model() -> tuple[tuple[str, ...], float, tuple[float, ...], bytes]:
    """The classes, the scale of the weights, the intercepts, and the rows of weights, a byte each."""
    head, _, rows = WEIGHTS.read_bytes().partition(b"\n")
    meta = json.loads(head)
    return tuple(meta["classes"]), meta["scale"], tuple(meta["intercepts"]), rows


@lru_cache(maxsize=BUCKETS)
def _row(bucket: int) -> int:
    """The weights of a feature for all classes as one integer, LANE bytes a class."""
    classes, _, _, rows = _model()
    spread = bytearray(LANE * len(classes))
    spread[::LANE] = rows[bucket * len(classes) : (bucket + 1) * len(classes)]
    return int.from_bytes(spread, "little")


def opinion(text: str) -> dict[str, float]:
    """The probability of each class, by the model alone; {} for a text without words."""
    buckets = features(text)
    if not buckets:
        return {}
    classes, scale, intercepts, _ = _model()
    total = sum(_row(bucket) for bucket in buckets).to_bytes(LANE * len(classes), "little")
    sums = memoryview(total).cast("I")
    factor = scale / math.sqrt(len(buckets))
    scores = [(sums[at] - ZERO * len(buckets)) * factor + intercepts[at] for at in range(len(classes))]
    return {name: 1 / (1 + math.exp(-max(score, -50))) for name, score in zip(classes, scores, strict=True)}


def confirmed(causes: tuple[Cause, ...], text: str) -> tuple[Cause, ...]:
    """The causes after the second opinion on their text.

    An answer that the model takes for another class is no longer sure; where rules know nothing, a class that the model
    is sure of is named as a guess.
    """
    told = opinion(text)
    if not told:
        return causes
    name, share = max(told.items(), key=lambda item: item[1])
    first = causes[0] if causes else None
    if first is None or (first.confidence <= _WEAK and first.name != name):
        if share < _SURE or name.startswith("auto.") or not _SENTENCE.search(text):
            return causes
        context = first.context if first else Context.DIALOG
        guess = Cause(name, owner_of(name, context), _GUESS, why=(Basis.LEARNED,), context=context)
        return (guess, *(cause for cause in causes if cause.name != name))[:MAX_CAUSES]
    vetoed = share >= _SURE and told.get(first.name, 0.0) < _FOREIGN and Basis.PATTERN not in first.why
    if vetoed and first.confidence >= HIGH and first.name.partition(".")[0] != "auto":
        return (replace(first, confidence=_DOUBTED), *causes[1:])
    return causes
