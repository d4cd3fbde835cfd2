"""Forms within a result that run another test: with other settings, or with another user name.

The password is typed again each time: nothing of it is kept between two tests. In a report the same stands as plain
words, for it has nobody's password.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from guides.mail.accounts import Server
from guides.mail.connection.test import TestPlan
from guides.mail.outcomes import PROTOCOL_OF_LEG, Alternative, Outcome, Stage, StageResult, Verdict, causes_of
from guides.views import labels

_NAME_MAY_BE_WRONG = frozenset({"auth.rejected", "auth.username_unknown", "auth.user_or_disabled_ambiguous"})


LOCAL_PART = "local-part"

# Every form that a result may bring; the page has them all from the start (see templates/test/_retry.html).
IDENTS = (*(f"instead-{leg}" for leg in PROTOCOL_OF_LEG), LOCAL_PART)


@dataclass(frozen=True, slots=True)
class Retry:
    """A form: what it changes, and its hidden fields. Without a button it is only words."""

    ident: str
    title: str | Promise
    words: str
    changes: tuple[tuple[str | Promise, str, str], ...]  # label, before, after
    button: str = ""
    fields: tuple[tuple[str, str], ...] = ()


def alternative_in_words(found: Alternative) -> Retry:
    """The settings that answered in the place of those that did not: "change 143 to 993"."""
    before, after = found.instead_of, found.server
    rows = (
        (_("Server"), before.host, after.host),
        (_("Port"), str(before.port), str(after.port)),
        (_("Encryption"), str(labels.SECURITIES[before.security]), str(labels.SECURITIES[after.security])),
    )
    return Retry(
        ident=f"instead-{found.leg}",
        title=labels.LEGS[found.leg],
        words=_("These settings do answer. Change this, in your mail program too:"),
        changes=tuple(row for row in rows if row[1] != row[2]),
    )


def local_part_in_words() -> Retry:
    """The other form of user name, of which nobody knows whether the server wants it."""
    return Retry(
        ident=LOCAL_PART,
        title=_("Another user name"),
        words=_("Some servers want only the part of the address before the @ as user name. You can try that."),
        changes=(),
    )


def with_alternative(plan: TestPlan, found: Alternative) -> Retry:
    """Test with the settings that answered in the place of those that did not."""
    servers = tuple(found.server if server == found.instead_of else server for server in plan.servers)
    return replace(
        alternative_in_words(found),
        button=_("Test these settings"),
        fields=_fields(plan, servers, _username(plan, servers)),
    )


def with_local_part(plan: TestPlan, verdict: Verdict, results: Iterable[StageResult]) -> Retry | None:
    """Test with the part before the @ as user name: only where nobody knows which form the server wants."""
    refused = any(
        result.leg is verdict.leg
        and result.stage is Stage.LOGIN
        and result.outcome in (Outcome.FAIL, Outcome.UNCLEAR)
        and any(cause.name in _NAME_MAY_BE_WRONG for cause in causes_of(result))
        for result in results
    )
    if not refused or plan.token or set(plan.usernames()) != {str(plan.address)}:
        return None
    if any(server.host in plan.stated_hosts for server in plan.servers):
        return None
    name = plan.address.local_part
    return replace(
        local_part_in_words(),
        changes=((_("User name"), str(plan.address), name),),
        button=_("Test with this user name"),
        fields=_fields(plan, plan.servers, name),
    )


def _username(plan: TestPlan, servers: Iterable[Server]) -> str:
    """The user name for the form; "" when the address will do, or when the form finds each server's own again."""
    if plan.username:
        return plan.username
    names = {server.username_for(plan.address) or "" for server in servers}
    name = names.pop() if len(names) == 1 else ""
    return "" if name == str(plan.address) else name


def _fields(plan: TestPlan, servers: Iterable[Server], username: str) -> tuple[tuple[str, str], ...]:
    fields = [("address", str(plan.address))]
    if username:
        fields.append(("username", username))
    if plan.token:
        fields.append(("is_token", "on"))
    for server in servers:
        name = server.protocol.value
        fields += [
            (f"{name}_host", server.host),
            (f"{name}_port", str(server.port)),
            (f"{name}_security", server.security.value),
        ]
    return tuple(fields)
