"""The version of a row (optimistic lock), and the record of what was loaded from files."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Versioned(models.Model):
    """A row that counts its saves, so that a form that was opened before the last save is refused (optimistic lock)."""

    version = models.PositiveIntegerField(_("version"), default=1, editable=False)

    class Meta:
        abstract = True


class LoadedEntry(models.Model):
    """The fingerprint of an entry of the library when it was last loaded.

    The loader compares three states: the file, the row, and this one. A row that has the content that was loaded may be
    replaced by a newer file; any other was changed by staff and is left alone. An entry that is recorded here but has
    no row was deleted by staff, and is not made again.
    """

    class Origin(models.TextChoices):
        SHIPPED = "shipped", _("the portal's own library")
        FOLDER = "folder", _("a folder that an operator named")

    source = models.CharField(_("source"), max_length=10, choices=Origin)
    key = models.CharField(_("entry"), max_length=200)
    fingerprint = models.CharField(_("fingerprint"), max_length=64)

    class Meta:
        ordering = ["key", "source"]
        verbose_name = _("loaded entry")
        verbose_name_plural = _("loaded entries")
        constraints = [models.UniqueConstraint(fields=["source", "key"], name="loaded_entry_once")]

    def __str__(self) -> str:
        return self.key
