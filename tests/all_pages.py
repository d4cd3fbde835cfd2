"""Prints each page of this process's portal with the digest of what it shows, as JSON: `python -m tests.all_pages`."""

from __future__ import annotations

import hashlib
import json
import os
import sys

OF_A_LANGUAGE = (
    "",
    "guides/",
    "errors/",
    "operators/",
    "test/",
    "status/",
    "report/",
    "search/?q=password",
    "settings/",
)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "helpdesk.settings")
    import django

    django.setup()
    from django.conf import settings
    from django.test import Client

    from guides.models import ErrorArticle, Guide, Provider, ProviderDomain

    paths = list(OF_A_LANGUAGE)
    paths += [f"guides/{slug}/" for slug in Guide.objects.values_list("slug", flat=True)]
    paths += [f"errors/{slug}/" for slug in ErrorArticle.objects.values_list("slug", flat=True)]
    for provider in Provider.objects.all():
        if domain := ProviderDomain.objects.filter(provider=provider).order_by("pk").first():
            paths += [
                f"settings/{domain.domain}/",
                f"settings/{domain.domain}.json",
                f"guides/thunderbird/?at={domain.domain}",
            ]
    client = Client(headers={"host": "localhost"})
    shown = {}
    for language, _name in settings.LANGUAGES:
        for path in paths:
            response = client.get(f"/{language}/{path}")
            body = b"".join(response) if response.streaming else response.content
            shown[f"/{language}/{path}"] = [response.status_code, hashlib.sha256(body).hexdigest()]
    json.dump(shown, sys.stdout)


if __name__ == "__main__":
    main()
