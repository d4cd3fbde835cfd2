"""Train the second opinion: `python -m tests.diagnosis.train` writes `guides/mail/diagnosis/second_opinion.bin`.

It learns from the open texts, the corpus of bounces, the examples of the library's patterns, and the titles and summaries
of articles; never from `locked.txt`. Needs scikit-learn (requirements-dev.txt).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import yaml
from scipy.sparse import csr_matrix
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import StratifiedKFold

from guides.mail.diagnosis.explain import essence
from guides.mail.diagnosis.second_opinion import BUCKETS, WEIGHTS, ZERO, features
from tests.diagnosis import written
from tests.diagnosis.measure import own_corpus

LIBRARY = Path(__file__).parents[2] / "guides" / "library" / "errors"
_TITLE = re.compile(r"(?m)^(?:title|summary): (.*)$")


def examples() -> list[tuple[str, str]]:
    """Texts with their class, as the model sees them."""
    rows = [(essence(text.text), text.classes[0]) for text in [*written(), *written(), *own_corpus()]]
    for path in sorted(LIBRARY.glob("*/article.yaml")):
        entry = yaml.safe_load(path.read_text(encoding="utf-8"))
        rows += [(row["example"], row["cause"]) for row in entry.get("patterns") or () if row.get("example")]
        classes = entry.get("classes", ())
        if len(classes) == 1:
            rows += [
                (" ".join(_TITLE.findall(page.read_text(encoding="utf-8"))), classes[0])
                for page in path.parent.glob("*.md")
            ]
    return [(text, name) for text, name in rows if text.strip()]


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
    model = SGDClassifier(loss="log_loss", alpha=2e-5, max_iter=12, tol=None, random_state=16)
    return model.fit(matrix([text for text, _ in rows]), [name for _, name in rows])


def main() -> None:
    """Train on everything and write the weights, a byte each; print how often folds that were left out are right."""
    rows = sorted(set(examples()))
    names = np.array([name for _, name in rows])
    right = 0
    for learn, left in StratifiedKFold(3, shuffle=True, random_state=16).split(rows, names):
        model = fitted([rows[at] for at in learn])
        right += int((model.predict(matrix([rows[at][0] for at in left])) == names[left]).sum())
    print(f"{len(rows)} texts, {len(set(names))} classes; left out and right: {right / len(rows):.3f}")
    model = fitted(rows)
    scale = float(np.abs(model.coef_).max()) / 127
    head = {
        "classes": model.classes_.tolist(),
        "scale": scale,
        "intercepts": [round(float(value), 4) for value in model.intercept_],
    }
    weights = (np.rint(model.coef_.T / scale) + ZERO).astype(np.uint8)
    WEIGHTS.write_bytes(json.dumps(head).encode() + b"\n" + weights.tobytes())
    print(f"{WEIGHTS.name}: {WEIGHTS.stat().st_size} bytes")


if __name__ == "__main__":
    main()
