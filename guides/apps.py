"""The portal's one Django app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class GuidesConfig(AppConfig):
    """Guides, error articles, providers and the tools that work on them."""

    name = "guides"
    verbose_name = _("Mail help")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Keep the search index and the library version in step with what is saved."""
        from guides import library_cache
        from guides.search import signals  # models are not there before

        signals.connect()
        library_cache.connect()
