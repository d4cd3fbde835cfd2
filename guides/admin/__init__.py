"""What staff see: Django's own admin, with checks at the fields and an optimistic lock."""

from django.conf import settings
from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from guides.admin import entries, ispdb, patterns, revisions

__all__ = ["entries", "ispdb", "patterns", "revisions"]

admin.site.site_header = settings.PORTAL_NAME
admin.site.site_title = settings.PORTAL_NAME
admin.site.index_title = _("What the portal knows and says")
revisions.register()
