"""How `testmail` shows a test: live on a terminal, plain lines in a pipe, JSON lines for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from guides.mail.accounts import Server
from guides.mail.connection.plan import AT_DELIVERY, LEG_OF_PROTOCOL, TestPlan, stages_of
from guides.mail.connection_report import causes_to_json, iso
from guides.mail.outcomes import Alternative, Leg, Outcome, Stage, StageResult, Verdict, causes_of
from guides.services.articles import Articles

_COLOURS = {
    Outcome.OK: "green",
    Outcome.WARN: "yellow",
    Outcome.FAIL: "bold red",
    Outcome.UNCLEAR: "red",
    Outcome.OURS: "magenta",
    Outcome.BLOCKED: "dim",
    Outcome.SKIPPED: "dim",
}


class Display:
    """Shows results as they come. The words in them are already redacted and harmless to a terminal."""

    def __init__(self, stream: TextIO, articles: Articles, titles: Mapping[str, str]) -> None:
        """`titles`: of every article, by slug; they are the next steps."""
        self.stream = stream
        self.articles = articles
        self.titles = titles

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to put away."""

    def stage(self, result: StageResult) -> None:
        """Show a finished stage."""
        for line in [*stage_lines(result, self.articles), *self._next_line(result, "      ")]:
            self.write(line, result.outcome)

    def verdict(self, result: Verdict) -> None:
        """Show what the test came to."""
        for line in [*verdict_lines(result, self.articles), *self._next_line(result, "  ")]:
            self.write(line, result.outcome)

    def next_step(self, result: StageResult | Verdict) -> str | None:
        """Title of the article that says what to do."""
        return self.titles.get(self.articles.article_of(result) or "")

    def _next_line(self, result: StageResult | Verdict, indent: str) -> list[str]:
        step = self.next_step(result)
        return [f"{indent}next step: {step}"] if step else []

    def write(self, line: str, outcome: Outcome) -> None:  # noqa: ARG002 (for displays with colours)
        """Show one line."""
        print(line, file=self.stream, flush=True)


class LiveDisplay(Display):
    """For a terminal: finished stages scroll by in colour, and the last line tells what is under way."""

    def __init__(self, stream: TextIO, plan: TestPlan, articles: Articles, titles: Mapping[str, str]) -> None:
        super().__init__(stream, articles, titles)
        self._console = Console(file=stream, highlight=False)
        self._ahead: dict[Leg, list[Stage]] = {
            LEG_OF_PROTOCOL[server.protocol]: list(stages_of(server)) for server in plan.servers
        }
        if plan.deliver:
            self._ahead[Leg.DELIVERY] = list(AT_DELIVERY)
        self._live = Live(self._under_way(), console=self._console, transient=True)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def stage(self, result: StageResult) -> None:
        self._ahead[result.leg].remove(result.stage)
        super().stage(result)
        self._live.update(self._under_way(), refresh=True)

    def verdict(self, result: Verdict) -> None:
        self._live.stop()
        super().verdict(result)

    def write(self, line: str, outcome: Outcome) -> None:
        self._console.print(Text(line, style=_COLOURS[outcome]), soft_wrap=True)

    def _under_way(self) -> Spinner:
        return Spinner("dots", text=", ".join(f"{leg} {stages[0]}" for leg, stages in self._ahead.items() if stages))


class JsonDisplay(Display):
    """For programs: a line of JSON for each finished stage, and one for the verdict."""

    def stage(self, result: StageResult) -> None:
        self._print(
            {
                "leg": result.leg,
                "stage": result.stage,
                "outcome": result.outcome,
                "class": result.cause,
                "who": result.owner,
                "ms": result.milliseconds,
                "host": result.host,
                "address": result.ip_address,
                "port": result.port,
                "evidence": "\n".join(evidence.text for evidence in result.evidence),
                "article": self.articles.article_of(result),
                "security": result.security,
                "before_encryption": any(evidence.before_encryption for evidence in result.evidence),
                "details": result.details,
                "started": result.started and iso(result.started),
                "confidence": result.confidence,
                "next_step": self.next_step(result),
                "causes": self._causes(result),
            }
        )

    def verdict(self, result: Verdict) -> None:
        self._print(
            {
                "verdict": {
                    "outcome": result.outcome,
                    "class": result.cause,
                    "who": result.owner,
                    "article": self.articles.article_of(result),
                    "next_step": self.next_step(result),
                    "confidence": result.confidence,
                    "causes": self._causes(result),
                    "ms": result.milliseconds,
                    "legs": {str(leg): outcome for leg, outcome in result.legs.items()},
                    "alternatives": [
                        {"leg": one.leg, **_reached(one.server), "instead_of": _reached(one.instead_of)}
                        for one in result.alternatives
                    ],
                }
            }
        )

    def _causes(self, result: StageResult | Verdict) -> list[dict[str, object]]:
        causes = [
            replace(cause, article=slug, next_step=self.titles.get(slug or "", ""))
            for cause in causes_of(result)
            for slug in (self.articles.article_of_cause(cause),)
        ]
        return causes_to_json(causes)

    def _print(self, record: dict[str, object]) -> None:
        print(json.dumps(record, ensure_ascii=False), file=self.stream, flush=True)


def display_for(
    stream: TextIO, plan: TestPlan, articles: Articles, titles: Mapping[str, str], *, as_json: bool
) -> Display:
    """The display that fits where the words go."""
    if as_json:
        return JsonDisplay(stream, articles, titles)
    return LiveDisplay(stream, plan, articles, titles) if stream.isatty() else Display(stream, articles, titles)


def stage_lines(result: StageResult, articles: Articles) -> list[str]:
    """A stage in words: one line, and below it what the server said and which article explains it."""
    head = f"{result.leg:<8} {result.stage:<13} {result.outcome:<8}"
    if result.outcome is Outcome.BLOCKED:
        return [head.rstrip()]
    where = f" {result.host}:{result.port}" if result.stage is Stage.INPUT else ""
    ip_address = f" {result.ip_address}" if result.stage is Stage.CONNECT and result.ip_address else ""
    cause = f"  {result.cause} (who: {result.owner})" if result.cause else ""
    lines = [f"{head} {result.milliseconds:>6} ms{where}{ip_address}{cause}"]
    if result.cause is None:
        return lines
    for evidence in result.evidence:
        clear = " (before encryption)" if evidence.before_encryption else ""
        lines += [f"      > {line}{clear}" for line in evidence.text.split("\n")]
    lines += [f"      {name}: {value}" for name, value in result.details.items() if value]
    lines += _other_causes(result, articles, "      ")
    article = articles.article_of(result)
    return [*lines, f"      article: {article}"] if article else lines


def verdict_lines(result: Verdict, articles: Articles) -> list[str]:
    """The verdict in words."""
    legs = ", ".join(f"{leg} {outcome}" for leg, outcome in result.legs.items())
    lines = [f"verdict: {result.outcome} ({legs}; {result.milliseconds} ms)"]
    if result.cause:
        lines.append(f"  {result.cause}, who: {result.owner}")
    lines += _other_causes(result, articles, "  ")
    lines += [f"  {one.leg}: change {_change(one)}" for one in result.alternatives]
    article = articles.article_of(result)
    return [*lines, f"  article: {article}"] if article else lines


def _other_causes(result: StageResult | Verdict, articles: Articles, indent: str) -> list[str]:
    """What else the server's words may mean."""
    lines = []
    for cause in result.causes[1:]:
        article = articles.article_of_cause(cause)
        lines.append(f"{indent}or: {cause.name} (who: {cause.owner})" + (f", article: {article}" if article else ""))
    return lines


def _reached(server: Server) -> dict[str, object]:
    return {"host": server.host, "port": server.port, "security": server.security}


def _change(alternative: Alternative) -> str:
    """What is different, and only that: `port 143 to 993, security starttls to tls`."""
    before, after = _reached(alternative.instead_of), _reached(alternative.server)
    return ", ".join(f"{name} {before[name]} to {after[name]}" for name in before if before[name] != after[name])
