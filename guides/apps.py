"""The portal's one Django app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class GuidesConfig(AppConfig):
    """Guides, error articles, providers and the tools that work on them."""

    name = "guides"
    verbose_name = _("Mail help")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Keep search index and library version in step with what is saved; let readers go before a crowd's tests."""
        from guides import library_cache, runtime
        from guides.content import index_signals  # models are not there before
        from guides.crowd.turns import let_readers_go_first

        index_signals.connect()
        library_cache.connect()
        runtime.background_loop().courtesy = let_readers_go_first
