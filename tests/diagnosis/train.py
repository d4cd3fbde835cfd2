"""Train the second opinion: `python -m tests.diagnosis.train` writes `guides/mail/diagnosis/second_opinion.bin`.

It learns from the open texts, the wordings, the corpus of bounces, the examples of the library's patterns, and the titles
and summaries of articles; never from `locked.txt`. What a confidence means is fitted on the wordings: each is judged by
rules and by a model that has not seen it. Needs scikit-learn (requirements-dev.txt).
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import patch

import numpy as np
import yaml
from scipy.sparse import csr_matrix
from sklearn.linear_model import SGDClassifier

from guides.mail.diagnosis.explain import diagnose, essence
from guides.mail.diagnosis.second_opinion import BUCKETS, WEIGHTS, ZERO, cell, features
from tests.diagnosis import wordings, written
from tests.diagnosis.measure import own_corpus

LIBRARY = Path(__file__).parents[2] / "guides" / "library" / "errors"
FEWEST = 5  # texts of a class, or of a cell, below which nothing is learnt
FOLDS = 4
MOST = 0.97  # no answer is told as surer
TWINS = {name: text.classes[0] for text in wordings() for name in text.classes[1:]}
_TITLE = re.compile(r"(?m)^(?:title|summary): (.*)$")


def examples() -> list[tuple[str, str]]:
    """Texts with their class, as the model sees them."""
    rows = [(essence(text.text), text.classes[0]) for text in [*written(), *own_corpus()]]
    for path in sorted(LIBRARY.glob("*/article.yaml")):
        entry = yaml.safe_load(path.read_text(encoding="utf-8"))
        rows += [(row["example"], row["cause"]) for row in entry.get("patterns") or () if row.get("example")]
        classes = entry.get("classes", ())
        if len(classes) == 1:
            rows += [
                (" ".join(_TITLE.findall(page.read_text(encoding="utf-8"))), classes[0])
                for page in path.parent.glob("*.md")
            ]
    return [(text, TWINS.get(name, name)) for text, name in rows if text.strip()]


def matrix(texts: Sequence[str]) -> csr_matrix:
    """A row of unit length for each text."""
    data, columns, starts = [], [], [0]
    for text in texts:
        buckets = sorted(features(text))
        columns += buckets
        data += [1 / math.sqrt(len(buckets) or 1)] * len(buckets)
        starts.append(len(columns))
    return csr_matrix((data, columns, starts), shape=(len(texts), BUCKETS))


def fitted(rows: Sequence[tuple[str, str]]) -> SGDClassifier:
    """The model for some rows."""
    numbers = Counter(name for _, name in rows)
    rows = [(text, name) for text, name in rows if numbers[name] >= FEWEST]
    model = SGDClassifier(loss="log_loss", alpha=6e-6, max_iter=15, tol=None, random_state=16)
    return model.fit(matrix([text for text, _ in rows]), [name for _, name in rows])


def told_at_first_sight(rows: Sequence[tuple[str, str]]) -> tuple[dict[str, tuple[float, float]], float]:
    """For each cell, how often rules and model are right about wordings that neither learnt from; and the model alone.

    The rules' causes are those before any second opinion.
    """
    texts = wordings()
    essences = [essence(text.text) or str(text.text) for text in texts]
    counts: dict[str, list[int]] = {}
    alone = 0
    for fold in range(FOLDS):
        learnt = [(essences[at], text.classes[0]) for at, text in enumerate(texts) if at % FOLDS != fold]
        model = fitted([*rows, *learnt])
        left = range(fold, len(texts), FOLDS)
        for at, scores in zip(left, model.decision_function(matrix([essences[at] for at in left])), strict=True):
            shares = 1 / (1 + np.exp(-scores))
            opinions = {str(name): float(share) for name, share in zip(model.classes_, shares, strict=True)}
            with patch("guides.mail.diagnosis.explain.confirmed", lambda causes, *_: causes):
                causes = diagnose(texts[at].text).causes
            first = causes[0] if causes else None
            row = counts.setdefault(cell(first, opinions, TWINS), [0, 0, 0])
            by_model = max(opinions, key=lambda name: opinions[name]) in texts[at].classes
            alone += by_model
            row[0] += 1
            row[1] += first is not None and first.name in texts[at].classes
            row[2] += by_model
    told = {
        name: (_share(right, number), _share(model, number))
        for name, (number, right, model) in counts.items()
        if number >= FEWEST
    }
    return told, alone / len(texts)


def _share(right: int, number: int) -> float:
    """The share of right answers, drawn towards one in two where there are few."""
    return round(min(MOST, (right + 1) / (number + 2)), 2)


def main() -> None:
    """Train on everything and write the weights, a byte each; print how often folds that were left out are right."""
    rows = sorted(set(examples()))
    told, alone = told_at_first_sight(rows)
    for name, (rules, learnt) in sorted(told.items()):
        print(f"{name}: rules {rules}, model {learnt}")
    rows += [(essence(text.text) or str(text.text), text.classes[0]) for text in wordings()]
    model = fitted(rows)
    print(
        f"{len(rows)} texts, {len(model.classes_)} classes; wordings left out and right, by the model alone: {alone:.3f}"
    )
    scale = float(np.abs(model.coef_).max()) / 127
    head = {
        "classes": model.classes_.tolist(),
        "scale": scale,
        "told": told,
        "twins": TWINS,
        "intercepts": [round(float(value), 4) for value in model.intercept_],
    }
    weights = (np.rint(model.coef_.T / scale) + ZERO).astype(np.uint8)
    WEIGHTS.write_bytes(json.dumps(head).encode() + b"\n" + weights.tobytes())
    print(f"{WEIGHTS.name}: {WEIGHTS.stat().st_size} bytes")


if __name__ == "__main__":
    main()
