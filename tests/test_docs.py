"""The documents keep up with the code."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def test_every_setting_is_documented() -> None:
    code = read("helpdesk/settings.py") + read("helpdesk/gunicorn.py")
    names = set(re.findall(r'env\.\w+\(\s*"([A-Z_0-9]+)"', code))
    assert len(names) > 20
    documented = set(re.findall(r"`([A-Z_0-9]+)`", read("docs/settings.md")))
    assert names - documented == set()


def test_every_documented_setting_exists() -> None:
    code = read("helpdesk/settings.py") + read("helpdesk/gunicorn.py")
    tables = [line for line in read("docs/settings.md").splitlines() if line.startswith("| `")]
    documented = {name for line in tables for name in re.findall(r"`([A-Z_0-9]+)`", line.split("|")[1])}
    assert {name for name in documented if f'"{name}"' not in code} == set()


def test_every_dependency_is_explained() -> None:
    wanted = {
        re.split(r"[<>=[]", line)[0].strip().lower()
        for line in read("requirements.in").splitlines()
        if line.strip() and not line.startswith("#")
    }
    explained = read("docs/dependencies.md").lower()
    assert {name for name in wanted if f"| {name}" not in explained} == set()


def test_requirements_are_pinned_with_hashes() -> None:
    for path in ("requirements.txt", "requirements-dev.txt"):
        pins = [line for line in read(path).splitlines() if re.match(r"^[a-z0-9]", line)]
        assert pins
        assert all(re.match(r"^[a-z0-9.\-]+==\S+", line) and line.endswith("\\") for line in pins), path
        assert "sha256:" in read(path)


def test_documents_link_to_files_that_exist() -> None:
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#]+)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_the_architecture_names_every_module_and_none_that_is_gone() -> None:
    text = read("docs/architecture.md")
    every = {path.name for top in ("guides", "helpdesk", "tests") for path in (ROOT / top).rglob("*.py")}
    every.add("manage.py")
    assert set(re.findall(r"[`/ ]([a-z_0-9]+\.py)\b", text)) - every == set()
    packages = [ROOT / "helpdesk", *(path for path in (ROOT / "guides").iterdir() if path.is_dir())]
    modules = {path for package in packages for path in package.glob("*.py") if path.stem != "__init__"}
    words = set(re.findall(r"[a-z_0-9]+", text))
    assert {str(path.relative_to(ROOT)) for path in modules if not path.stem[0].isdigit()} >= {
        "guides/views/visitor.py"
    }
    assert {path.name for path in modules if not path.stem[0].isdigit() and path.stem not in words} == set()
