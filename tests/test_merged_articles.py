"""An article that was merged into another: its address leads there, and a load takes it out unless staff changed it."""

from pathlib import Path

import pytest
from django.test import Client

from guides import models
from guides.library.loading import load_folder
from guides.library.reading import SHIPPED, read_library

pytestmark = pytest.mark.django_db

OLD = "owner: visitor\nclasses: [net.reset]\npatterns:\n- {name: cut, pattern: cut, example: cut, cause: net.reset}\n"
KEPT = OLD.replace("classes: [net.reset]", "classes: [net.reset, net.closed]\nformer: [broken]")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A library with the article `broken`, loaded; then its file without it, merged into `cut`."""
    write(tmp_path, "broken", OLD)
    load_folder(tmp_path)
    return tmp_path


def write(root: Path, slug: str, article: str) -> None:
    folder = root / "errors" / slug
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "article.yaml").write_text(article)
    (folder / "en.md").write_text(
        f"---\ntitle: {slug}\nstatus: published\n---\n::: steps\n::: step {{#do}} Do it\n::: end\n::: end\n"
    )


def merge(root: Path) -> str:
    for path in (root / "errors/broken").iterdir():
        path.unlink()
    (root / "errors/broken").rmdir()
    write(root, "cut", KEPT)
    report = load_folder(root)
    return "\n".join([str(report), *report.notes])


def test_the_old_address_leads_to_the_kept_article(root: Path, client: Client) -> None:
    assert client.get("/en/errors/broken/").status_code == 200
    assert "withdrawn" in merge(root)
    assert list(models.ErrorArticle.objects.values_list("slug", flat=True)) == ["cut"]
    answer = client.get("/en/errors/broken/?at=example.org")
    assert (answer.status_code, answer["Location"]) == (301, "/en/errors/cut/?at=example.org")
    assert client.get(answer["Location"]).status_code == 200
    assert client.get("/en/errors/never-there/").status_code == 404
    assert models.ErrorPattern.objects.get().article.slug == "cut"
    assert "withdrawn" not in str(load_folder(root))


def test_what_staff_wrote_is_kept_at_its_address(root: Path, client: Client) -> None:
    models.ErrorText.objects.update(title="Our own words")
    said = merge(root)
    assert "errors/broken/article.yaml: kept as staff changed it" in said
    assert b"Our own words" in client.get("/en/errors/broken/").content
    assert client.get("/en/errors/cut/").status_code == 200


def test_no_address_leads_to_two_articles() -> None:
    library, faults = read_library(SHIPPED)
    slugs = {article.slug for article in library.articles}
    former = [slug for article in library.articles for slug in article.former]
    assert not faults
    assert len(former) == len(set(former)) >= 10
    assert not slugs & set(former)
