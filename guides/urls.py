"""The portal's routes. `helpdesk/urls.py` puts the language in front of PAGES."""

from __future__ import annotations

from django.urls import URLPattern, path

from guides.views import connection, errors, guides, pages, report, settings, status

# without a language
DIRECT: list[URLPattern] = [
    path("", pages.choose_language, name="root"),
    path("go/<slug:client>/", pages.go, name="go"),
]

# /<lang>/
PAGES: list[URLPattern] = [
    path("", pages.home, name="home"),
    # /<lang>/settings/
    path("settings/", settings.lookup, name="settings"),
    path("settings/<str:domain>/", settings.of_domain, name="settings-domain"),
    # /<lang>/guides/
    path("guides/", guides.index, name="guides"),
    path("guides/<slug:slug>/", guides.guide, name="guide"),
    # /<lang>/errors/
    path("errors/", errors.index, name="errors"),
    path("errors/<slug:slug>/", errors.article, name="error"),
    # /<lang>/test/ /<lang>/search/
    path("test/", connection.page, name="test"),
    path("search/", pages.search, name="search"),
    # /<lang>/report/ /<lang>/status/
    path("report/", report.page, name="report"),
    path("status/", status.page, name="status"),
]
