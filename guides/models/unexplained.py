"""Pasted texts that nothing explained: staff make patterns from them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class UnexplainedText(models.Model):
    """The shape of pasted texts that nothing explained: without addresses, hosts, ids and numbers.

    So it holds nothing about the visitor. Written by `guides.services.unexplained` alone, which deletes it in time.
    """

    digest = models.CharField(_("fingerprint"), max_length=64, unique=True, editable=False)
    shape = models.TextField(_("text, without what is personal"))
    count = models.PositiveIntegerField(_("how often"), default=1)
    first_seen = models.DateField(_("first seen"))
    last_seen = models.DateField(_("last seen"))

    class Meta:
        ordering = ["-count", "-last_seen", "pk"]
        verbose_name = _("text that found nothing")
        verbose_name_plural = _("texts that found nothing")
        indexes = [models.Index(fields=["last_seen"], name="unexplained_last_seen")]
        constraints = [
            models.CheckConstraint(condition=~Q(shape=""), name="unexplained_not_empty"),
            models.CheckConstraint(condition=Q(count__gte=1), name="unexplained_counted"),
            models.CheckConstraint(condition=Q(last_seen__gte=models.F("first_seen")), name="unexplained_in_order"),
        ]

    def __str__(self) -> str:
        return self.shape[:80]
