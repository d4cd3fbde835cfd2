"""Guides: how a mail client is set up, step by step."""

from __future__ import annotations

from django.db import models
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from guides.models.clients import MailClient
from guides.models.texts import Text, TextManager, TextStatus, text_constraints
from guides.models.versioned import Versioned


class GuideQuerySet(models.QuerySet["Guide"]):
    """Visibility and order of guides."""

    def published(self) -> GuideQuerySet:
        """Guides with at least one published text, in the order of lists."""
        texts = GuideText.objects.filter(guide=models.OuterRef("pk"), status=TextStatus.PUBLISHED)
        return self.filter(models.Exists(texts)).order_by("position", "slug")

    def for_page(self) -> GuideQuerySet:
        """With the client and its versions, in a constant number of queries."""
        return self.select_related("client").prefetch_related("client__versions")


class Guide(Versioned):
    """A guide; its words are in `GuideText`. One about a mail client has that client's name in its address."""

    class Kind(models.TextChoices):
        CLIENT = "client", _("setting up a mail client")
        TOPIC = "topic", _("about mail in general")

    slug = models.SlugField(_("short name"), unique=True, max_length=60)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.CLIENT)
    client = models.OneToOneField(
        MailClient, models.CASCADE, null=True, blank=True, related_name="guide", verbose_name=_("mail client")
    )
    position = models.PositiveIntegerField(_("position in lists"), default=100)

    objects = GuideQuerySet.as_manager()

    class Meta:
        ordering = ["position", "slug"]
        verbose_name = _("guide")
        verbose_name_plural = _("guides")
        indexes = [models.Index(fields=["position", "slug"], name="guide_list")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind="topic", client__isnull=True) | models.Q(kind="client", client__isnull=False),
                name="guide_client_iff_about_one",
            )
        ]

    def __str__(self) -> str:
        return self.slug

    def get_absolute_url(self) -> str:
        """Its page in the reader's language."""
        return reverse("guide", args=[self.slug])


class GuideText(Text):
    """A guide in one language."""

    guide = models.ForeignKey(Guide, models.CASCADE, related_name="texts", verbose_name=_("guide"))

    objects = TextManager()

    class Meta:
        ordering = ["guide", "language"]
        verbose_name = _("text of a guide")
        verbose_name_plural = _("texts of guides")
        constraints = text_constraints("guide_text", "guide")

    def get_absolute_url(self) -> str:
        """Its page in its own language."""
        with translation.override(self.language):
            return self.guide.get_absolute_url()
