"""The portal's routes. `helpdesk/urls.py` puts the language in front of PAGES."""

from __future__ import annotations

import re

from django.urls import URLPattern, path, re_path

from guides.views import (
    accent,
    apple,
    client_configuration,
    connection_test,
    errors,
    explain,
    guides,
    openapi,
    operators,
    pages,
    report,
    search,
    settings,
    sitemap,
    status,
)


def _any_case(text: str) -> str:
    """A pattern for `text` in any letter case. (Django cannot reverse a pattern with flags inside.)"""
    return "".join(f"[{char.upper()}{char}]" if char.isalpha() else re.escape(char) for char in text)


# without a language
DIRECT: list[URLPattern] = [
    path("", pages.choose_language, name="root"),
    path("go/<slug:client>/", pages.go, name="go"),
    # what mail clients fetch by themselves
    path("mail/config-v1.1.xml", client_configuration.config, name="autoconfig"),
    path(".well-known/autoconfig/mail/config-v1.1.xml", client_configuration.config),
    path("v1.1/<str:domain>", client_configuration.config_of_domain, name="ispdb"),
    path("autodiscover/autodiscover.xml", client_configuration.pox, name="pox"),
    re_path(f"^{_any_case('autodiscover/autodiscover.xml')}$", client_configuration.pox),
    re_path(f"^{_any_case('autodiscover/autodiscover.json')}$", client_configuration.v2),
    re_path(f"^{_any_case('autodiscover/autodiscover.json')}/v1\\.0/(?P<email>[^/]+)/?$", client_configuration.v2),
    path(".well-known/user-agent-configuration.json", client_configuration.user_agent_configuration, name="pacc"),
    path("profile/<str:domain>.mobileconfig", apple.profile, name="profile"),
    # /openapi.json /sitemap.xml /accent.css /tls-names
    path("accent.css", accent.style_sheet, name="accent"),
    path("openapi.json", openapi.description, name="openapi"),
    path("sitemap.xml", sitemap.page, name="sitemap"),
    path("tls-names", client_configuration.tls_names, name="tls-names"),
]

# /<lang>/
PAGES: list[URLPattern] = [
    path("", pages.home, name="home"),
    # /<lang>/settings/
    path("settings/", settings.lookup, name="settings"),
    path("settings/<str:domain>.json", settings.as_json, name="settings-json"),
    path("settings/<str:domain>/qr.svg", apple.settings_qr, name="settings-qr"),
    path("settings/<str:domain>/", settings.of_domain, name="settings-domain"),
    # /<lang>/apple/
    path("apple/<str:domain>/", apple.page, name="apple"),
    path("apple/<str:domain>/qr.svg", apple.qr, name="apple-qr"),
    # /<lang>/operators/
    path("operators/", operators.index, name="operators"),
    path("operators/<str:domain>/", operators.of_domain, name="operators-domain"),
    # /<lang>/guides/
    path("guides/", guides.index, name="guides"),
    path("guides/<slug:slug>/", guides.guide, name="guide"),
    # /<lang>/errors/
    path("errors/", errors.index, name="errors"),
    path("errors/find/", explain.find, name="error-find"),
    path("errors/<slug:slug>/", errors.article, name="error"),
    # /<lang>/test/ /<lang>/search/
    path("test/", connection_test.page, name="test"),
    path("search/", search.page, name="search"),
    # /<lang>/report/ /<lang>/status/
    path("report/", report.page, name="report"),
    path("status/", status.page, name="status"),
]
