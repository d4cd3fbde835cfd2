"""Compiles the source of a text, for the admin and the loader."""

from __future__ import annotations

from guides.markup import compile_text
from guides.models import ClientVersion, GuideText, Provider, ProviderText
from guides.models.texts import Text, TextStatus


def compile_into(text: Text) -> None:
    """Compile `text.body` into `text.compiled`, against the providers and client versions that exist now.

    Raises guides.markup.MarkupError with every fault and its line. A draft may lack steps, but not be unreadable.
    """
    text.compiled = compile_text(
        text.body,
        versions=versions_of(text),
        providers=tuple(Provider.objects.values_list("slug", flat=True)),
        require_steps=wants_steps(text),
    )


def wants_steps(text: Text) -> bool:
    """Whether every combination needs a step: in published guides and articles, not in drafts and notices."""
    return text.status == TextStatus.PUBLISHED and not isinstance(text, ProviderText)


def versions_of(text: Text) -> tuple[str, ...]:
    """The version slugs that a text's conditions may name: those of the client that its guide is about."""
    if not isinstance(text, GuideText) or text.guide.client_id is None:
        return ()
    return tuple(ClientVersion.objects.filter(client=text.guide.client_id).values_list("slug", flat=True))
