"""The reliability curve: `python -m tests.diagnosis.picture` draws `docs/diagnosis-reliability.svg` from the locked texts."""

from __future__ import annotations

from pathlib import Path

from tests.diagnosis import LOCKED, written
from tests.diagnosis.measure import answered, reliability

TARGET = Path(__file__).parents[2] / "docs" / "diagnosis-reliability.svg"
SIDE = 300
EDGE = 40


def _at(value: float, *, up: bool = False) -> float:
    return round(EDGE + SIDE * (1 - value if up else value), 1)


def drawing() -> str:
    """Told confidence to the right, the share that is right upwards; the area of a dot grows with the answers."""
    whole = SIDE + 2 * EDGE
    dots = [
        f'<circle cx="{_at(told)}" cy="{_at(right, up=True)}" r="{2 + number**0.5:.1f}"><title>{name}: {number}</title></circle>'
        for name, number, told, right in reliability(answered(written(LOCKED)))
    ]
    marks = [
        f'<text x="{_at(mark)}" y="{whole - 15}">{mark}</text><text x="12" y="{_at(mark, up=True)}">{mark}</text>'
        for mark in (0, 0.25, 0.5, 0.75, 1)
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {whole} {whole}" font-size="11" font-family="sans-serif">',
            "<title>How often an answer is right (up), by the confidence told (right)</title>",
            f'<rect width="{whole}" height="{whole}" fill="#fff"/>',
            f'<path d="M{EDGE} {EDGE + SIDE}L{EDGE + SIDE} {EDGE}" stroke="#888" stroke-dasharray="4"/>',
            f'<rect x="{EDGE}" y="{EDGE}" width="{SIDE}" height="{SIDE}" fill="none" stroke="#444"/>',
            f'<g fill="#1a5fb4" fill-opacity=".6">{"".join(dots)}</g>',
            *marks,
            "</svg>\n",
        ]
    )


if __name__ == "__main__":
    TARGET.write_text(drawing(), encoding="utf-8")
