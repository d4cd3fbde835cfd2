"""The portal's one Django app."""

from django.apps import AppConfig


class GuidesConfig(AppConfig):
    """Guides, error articles, providers and the tools that work on them."""

    name = "guides"
    verbose_name = "Mail help"
    default_auto_field = "django.db.models.BigAutoField"
