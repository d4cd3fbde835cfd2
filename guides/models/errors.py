"""Error articles, and the patterns that lead from a server's words to them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from guides.mail.accounts import Protocol
from guides.mail.diagnosis.classes import CLASSES
from guides.mail.outcomes import Owner, Stage, Symptom
from guides.models import labels
from guides.models.providers import Provider
from guides.models.texts import Text, TextManager, TextStatus, text_constraints
from guides.models.versioned import Versioned


class ErrorArticleQuerySet(models.QuerySet["ErrorArticle"]):
    """Visibility and order of error articles."""

    def published(self) -> ErrorArticleQuerySet:
        """Articles with at least one published text, in the order of lists."""
        texts = ErrorText.objects.filter(article=models.OuterRef("pk"), status=TextStatus.PUBLISHED)
        return self.filter(models.Exists(texts)).order_by("position", "slug")

    def named_by_diagnosis(self) -> ErrorArticleQuerySet:
        """Those that explain a class of causes or that a pattern leads to: what the result of a test may link."""
        classes = ArticleClass.objects.filter(article=models.OuterRef("pk"))
        patterns = ErrorPattern.objects.filter(article=models.OuterRef("pk"))
        return self.filter(models.Exists(classes) | models.Exists(patterns))


class ErrorArticle(Versioned):
    """What an error means and who can fix it; its words are in `ErrorText`."""

    slug = models.SlugField(_("short name"), unique=True, max_length=80)
    owner = models.CharField(_("who can fix it"), max_length=20, choices=labels.OWNERS, default=Owner.VISITOR)
    symptom = models.CharField(_("what a person sees"), max_length=20, choices=labels.SYMPTOMS, default=Symptom.OTHER)
    position = models.PositiveIntegerField(_("position in lists"), default=100)

    objects = ErrorArticleQuerySet.as_manager()

    class Meta:
        ordering = ["position", "slug"]
        verbose_name = _("error article")
        verbose_name_plural = _("error articles")
        indexes = [
            models.Index(fields=["position", "slug"], name="article_list"),
            models.Index(fields=["symptom", "position", "slug"], name="article_list_by_symptom"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(owner__in=[o.value for o in Owner]), name="article_known_owner"),
            models.CheckConstraint(condition=Q(symptom__in=[s.value for s in Symptom]), name="article_known_symptom"),
        ]

    def __str__(self) -> str:
        return self.slug

    def get_absolute_url(self) -> str:
        """Its page in the reader's language."""
        return reverse("error", args=[self.slug])


class ArticleClass(models.Model):
    """A class of causes is explained by one article (an article may explain several classes)."""

    article = models.ForeignKey(ErrorArticle, models.CASCADE, related_name="classes", verbose_name=_("article"))
    name = models.CharField(_("class"), max_length=60, unique=True)

    class Meta:
        ordering = ["name"]
        verbose_name = _("class of causes")
        verbose_name_plural = _("classes of causes")
        constraints = [models.CheckConstraint(condition=Q(name__in=sorted(CLASSES)), name="class_in_vocabulary")]

    def __str__(self) -> str:
        return self.name


class FormerArticle(models.Model):
    """The short name of an article that was merged into another: its old address leads there."""

    article = models.ForeignKey(ErrorArticle, models.CASCADE, related_name="former", verbose_name=_("article"))
    slug = models.SlugField(_("former short name"), unique=True, max_length=80)

    class Meta:
        ordering = ["slug"]
        verbose_name = _("former short name")
        verbose_name_plural = _("former short names")
        constraints = [models.CheckConstraint(condition=~Q(slug=""), name="former_article_not_empty")]

    def __str__(self) -> str:
        return self.slug


class ErrorText(Text):
    """An error article in one language."""

    article = models.ForeignKey(ErrorArticle, models.CASCADE, related_name="texts", verbose_name=_("article"))

    objects = TextManager()

    class Meta:
        ordering = ["article", "language"]
        verbose_name = _("text of an error article")
        verbose_name_plural = _("texts of error articles")
        constraints = text_constraints("error_text", "article")

    def get_absolute_url(self) -> str:
        """Its page in its own language."""
        with translation.override(self.language):
            return self.article.get_absolute_url()


class ErrorPattern(Versioned):
    """A regular expression (RE2) over a server's words that names their cause and its article."""

    name = models.SlugField(_("short name"), unique=True, max_length=80)
    article = models.ForeignKey(ErrorArticle, models.CASCADE, related_name="patterns", verbose_name=_("article"))
    pattern = models.CharField(_("pattern (RE2)"), max_length=500)
    example = models.TextField(_("a text that it finds"))
    cause = models.CharField(_("class"), max_length=60)
    owner = models.CharField(
        _("who can fix it"),
        max_length=20,
        blank=True,
        choices=labels.OWNERS,
        help_text=_("Empty: the usual owner of the class."),
    )
    provider = models.ForeignKey(
        Provider, models.CASCADE, null=True, blank=True, related_name="patterns", verbose_name=_("only at")
    )
    protocol = models.CharField(_("only in"), max_length=5, blank=True, choices=labels.PROTOCOLS)
    stage = models.CharField(_("only at stage"), max_length=20, blank=True, choices=labels.STAGES)
    priority = models.PositiveIntegerField(_("order; smaller is tried first"), default=100)
    source = models.CharField(_("source"), max_length=300, blank=True)

    class Meta:
        ordering = ["priority", "name"]
        verbose_name = _("error pattern")
        verbose_name_plural = _("error patterns")
        constraints = [
            models.CheckConstraint(condition=~Q(pattern=""), name="pattern_not_empty"),
            models.CheckConstraint(condition=Q(cause__in=sorted(CLASSES)), name="pattern_class_in_vocabulary"),
            models.CheckConstraint(
                condition=Q(owner__in=["", *(owner.value for owner in Owner)]), name="pattern_known_owner"
            ),
            models.CheckConstraint(
                condition=Q(protocol__in=["", *(p.value for p in Protocol)]), name="pattern_known_protocol"
            ),
            models.CheckConstraint(condition=Q(stage__in=["", *(s.value for s in Stage)]), name="pattern_known_stage"),
        ]

    def __str__(self) -> str:
        return self.name
