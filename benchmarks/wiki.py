"""django-wiki (PyPI `wiki`), with one article in a SQLite database, as its documentation sets it up."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.servers import Server, environment_with, other_program

PACKAGES = ("wiki==0.13.0", "Django==5.2.19")
ARTICLE = "/guide/"
# Django's usual settings, and what django-wiki's documentation adds to them.
SETTINGS = """
SECRET_KEY = "a-benchmark-on-loopback"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "wiki_urls"
SITE_ID = 1
USE_TZ = True
STATIC_URL = "/static/"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": {database!r}, "CONN_MAX_AGE": None}}}}
INSTALLED_APPS = [
    "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django.contrib.sites",
    "django.contrib.messages", "django.contrib.staticfiles", "django.contrib.humanize", "django_nyt", "mptt",
    "sekizai", "sorl.thumbnail", "wiki", "wiki.plugins.attachments", "wiki.plugins.notifications",
    "wiki.plugins.images", "wiki.plugins.macros",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware", "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware", "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [{{
    "BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
    "OPTIONS": {{"context_processors": [
        "django.contrib.auth.context_processors.auth", "django.template.context_processors.debug",
        "django.template.context_processors.i18n", "django.template.context_processors.media",
        "django.template.context_processors.request", "django.template.context_processors.static",
        "django.template.context_processors.tz", "django.contrib.messages.context_processors.messages",
        "sekizai.context_processors.sekizai",
    ]}},
}}]
"""
URLS = """
from django.urls import include, path
urlpatterns = [path("notifications/", include("django_nyt.urls")), path("", include("wiki.urls"))]
"""
PREPARE = """
import sys
import django
django.setup()
from django.core.management import call_command
from wiki.models import URLPath
call_command("migrate", verbosity=0)
root = URLPath.create_root(title="Wiki", content="Wiki")
URLPath.create_urlpath(root, "guide", title="Guide", content=sys.stdin.read())
"""
APP = """
from django.core.wsgi import get_wsgi_application
application = get_wsgi_application()
"""


@contextmanager
def wiki(folder: Path, text: str) -> Iterator[Server]:
    """The wiki with `text` (Markdown) as its article, which anybody may read."""
    environment = environment_with("wiki", PACKAGES)
    settings = {"DJANGO_SETTINGS_MODULE": "wiki_settings", "PYTHONPATH": str(folder)}
    (folder / "wiki_settings.py").write_text(SETTINGS.format(database=str(folder / "wiki.sqlite3")))
    (folder / "wiki_urls.py").write_text(URLS)
    (folder / "wiki_app.py").write_text(APP)
    python = environment / "bin" / "python"
    subprocess.run([python, "-c", PREPARE], input=text, text=True, cwd=folder, env=settings, check=True)
    with other_program(environment, "wiki_app:application", folder, ARTICLE, settings) as server:
        yield server
