"""The vendored scripts are the published ones."""

import hashlib
from pathlib import Path

import pytest

VENDOR = Path(__file__).parent.parent / "static" / "vendor"


@pytest.mark.parametrize(
    ("name", "sha256"),
    [  # of dist/htmx.min.js and dist/ext/hx-sse.min.js in the npm package htmx.org 4.0.1
        ("htmx-4.0.1.min.js", "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130"),
        ("hx-sse-4.0.1.min.js", "18ef2761356ec1fe0bb6d92612315b37517a7c1e9856b661c5ae81fef239d103"),
    ],
)
def test_vendored_file_is_unchanged(name: str, sha256: str) -> None:
    assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == sha256


def test_nothing_else_is_vendored() -> None:
    assert {path.name for path in VENDOR.iterdir()} == {"htmx-4.0.1.min.js", "hx-sse-4.0.1.min.js", "LICENSE-htmx.txt"}
