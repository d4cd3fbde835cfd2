"""Which state of the library readers see: one row with a random token that every change of the library replaces."""

from __future__ import annotations

from uuid import uuid4

from django.db import models


class LibraryVersion(models.Model):
    """The one row of the library version (primary key 1); what is cached of the library is kept under its token.

    The token is random and no counter, so that it never comes back: not after a transaction that was rolled back, and
    not after a backup was restored. The row is in the database, because every process must see a change at once.
    """

    token = models.CharField(max_length=32)

    class Meta:
        verbose_name = "library version"
        verbose_name_plural = "library version"
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="library_version_one_row")]

    def __str__(self) -> str:
        return self.token


def new_token() -> str:
    """A token that has never been before."""
    return uuid4().hex
