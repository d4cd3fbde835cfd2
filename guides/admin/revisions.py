"""Revisions of what staff edit: kept with django-reversion, compared, and restored as a new revision.

An entry's revision holds its parts (texts, servers, patterns ...) as well; a text's holds the text alone. What the
loader or a command wrote is kept when staff change it for the first time (`keep_current`), so that the first edit can
be undone too. The optimistic lock's version goes on counting when an old revision comes back.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import reversion
from django.contrib.auth.models import AbstractBaseUser
from django.core import serializers
from django.db import IntegrityError, connection, models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from reversion.errors import RevertError
from reversion.models import Version

from guides.admin.word_difference import Piece, difference
from guides.models import (
    ArticleClass,
    ClientVersion,
    ErrorArticle,
    ErrorPattern,
    ErrorText,
    Guide,
    GuideText,
    MailClient,
    Provider,
    ProviderDomain,
    ProviderServer,
    ProviderText,
    SuffixRule,
)
from guides.models.texts import Text
from guides.models.versioned import Versioned
from guides.search import index

_PARTS: dict[type[models.Model], tuple[str, ...]] = {
    Guide: ("texts",),
    ErrorArticle: ("texts", "classes", "patterns"),
    Provider: ("texts", "servers", "domains", "suffix_rules"),
    MailClient: ("versions",),
}
_ALONE: tuple[type[models.Model], ...] = (
    GuideText, ErrorText, ProviderText, ErrorPattern, ArticleClass, ClientVersion, ProviderServer, ProviderDomain,
    SuffixRule,
)  # fmt: skip
_NOT_COMPARED = {"version", "updated_at", "compiled", "id"}
MOST_COMMENT = 300


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs in one field of one row."""

    row: str
    field: str
    pieces: tuple[Piece, ...]


def register() -> None:
    """Register the models with django-reversion; called once, when the app is ready."""
    for model in _ALONE:
        reversion.register(model)
    for model, parts in _PARTS.items():
        reversion.register(model, follow=parts)


@contextmanager
def revision(user: AbstractBaseUser | None, comment: str = "") -> Iterator[None]:
    """Everything that is saved within is one revision, in one transaction."""
    with reversion.create_revision():
        if user is not None:
            reversion.set_user(user)
        reversion.set_comment(comment[:MOST_COMMENT])
        yield


def keep_current(row: models.Model) -> None:
    """Make a revision of a row as it stands, unless its last one says the same."""
    latest = versions_of(row).first()
    if latest is not None and _contents(_stored(latest)) == _contents(_current(row)):
        return
    with reversion.create_revision(manage_manually=True):
        reversion.add_to_revision(row)
        reversion.set_comment(_("As it was loaded, or changed by a command"))


def versions_of(row: models.Model) -> models.QuerySet[Version]:
    """The revisions of a row, the newest first."""
    versions: models.QuerySet[Version] = Version.objects.get_for_object(row)
    return versions.select_related("revision__user").order_by("-pk")


def deleted(model: type[models.Model]) -> models.QuerySet[Version]:
    """The last version of each deleted row of a model, the newest first."""
    versions: models.QuerySet[Version] = Version.objects.get_deleted(model)
    return versions.select_related("revision__user").order_by("-pk")


def differences(version: Version, row: models.Model | None) -> list[Difference]:
    """What changed between a version and the row as it stands now (None: it was deleted)."""
    before, after = _stored(version), _current(row) if row is not None else {}
    found = []
    for key in [*before, *(key for key in after if key not in before)]:
        model, _pk = key
        old, new = before.get(key, {}), after.get(key, {})
        name = _name(model, new or old)
        for field in model._meta.concrete_fields:
            if field.name in _NOT_COMPARED:
                continue
            pieces = difference(_words(field, old), _words(field, new))
            if any(piece.kind != "same" for piece in pieces):
                found.append(Difference(name, str(field.verbose_name), tuple(pieces)))
    return found


def restore(version: Version, user: AbstractBaseUser | None) -> None:
    """Bring back a version, with an entry's parts as they were then, as a new revision. Also of a deleted row.

    Raises reversion.errors.RevertError where what it refers to is gone.
    """
    model = version._model
    when = timezone.localtime(version.revision.date_created).strftime("%Y-%m-%d %H:%M")
    with transaction.atomic(), index.gathered():
        row = model._default_manager.select_for_update().filter(pk=version.object_id).first()
        if row is not None:
            keep_current(row)
        seen = dict(_locks(row)) if row is not None else {}
        with revision(user, _("Restored as of %(when)s") % {"when": when}):
            if model in _PARTS:
                version.revision.revert(delete=True)
            else:
                version.revert()
            row = model._default_manager.get(pk=version.object_id)
            for part in _rows(row):
                if isinstance(part, Versioned):
                    part.version = max(part.version, seen.get((type(part), part.pk), 0)) + 1
                    part.save()
        try:
            connection.check_constraints([part._meta.db_table for part in _rows(row)])
        except IntegrityError as error:  # a reference, which the database would look at when the transaction ends
            raise RevertError(str(error)) from error


def _rows(row: models.Model) -> Iterator[models.Model]:
    yield row
    for name in _PARTS.get(type(row), ()):
        yield from getattr(row, name).all()


def _locks(row: models.Model) -> Iterator[tuple[tuple[type[models.Model], Any], int]]:
    for part in _rows(row):
        if isinstance(part, Versioned):
            yield (type(part), part.pk), part.version


Fields = dict[str, Any]
Key = tuple[type[models.Model], str]


def _current(row: models.Model) -> dict[Key, Fields]:
    rows = list(_rows(row))
    return _by_key(json.loads(serializers.serialize("json", rows)), rows)


def _by_key(written: Iterable[Any], rows: Iterable[models.Model]) -> dict[Key, Fields]:
    return {(type(row), str(row.pk)): {**one["fields"], "id": row.pk} for one, row in zip(written, rows, strict=True)}


def _stored(version: Version) -> dict[Key, Fields]:
    """The fields of a version, and of its parts, as they were written."""
    versions: Iterable[Version] = [version]
    if version._model in _PARTS:
        parts = version.revision.version_set.exclude(pk=version.pk).order_by("content_type", "pk")
        versions = [version, *parts]
    return {(one._model, one.object_id): json.loads(one.serialized_data)[0]["fields"] for one in versions}


def _contents(rows: dict[Key, Fields]) -> dict[Key, Fields]:
    return {
        key: {name: value for name, value in fields.items() if name not in _NOT_COMPARED}
        for key, fields in rows.items()
    }


def _name(model: type[models.Model], fields: Fields) -> str:
    """What a row is called in a list of differences."""
    if issubclass(model, Text):
        return str(fields.get("language", ""))
    name = next((fields[one] for one in ("slug", "name", "domain", "host", "suffix") if fields.get(one)), "")
    return f"{model._meta.verbose_name} {name}"


def _words(field: models.Field[Any, Any], fields: Fields) -> str:
    value = fields.get(field.name)
    if value is None or value == "":
        return ""
    return str(dict(getattr(field, "flatchoices", [])).get(value, value))
