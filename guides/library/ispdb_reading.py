"""Reads a folder of autoconfig files (ISPDB, formats 1.1 and 1.2), with the reason for each part that is left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from guides.mail.accounts import Protocol, Server
from guides.mail.discovery.autoconfig import ConfigFault, ParsedConfig, parse_client_config
from guides.mail.discovery.servers import Skipped, SkipReason, shown

LONGEST_FILE = 256 * 1024  # bytes; the largest file of Mozilla's ISPDB has a twentieth of it
LONGEST_NAME = 255

_REFUSED = {
    "xml": "it is not well-formed XML, or in another encoding than it says",
    "xml_dtd": "it holds a DTD or entities, which are never read",
    "xml_size": "it holds too many elements or levels",
    "no_client_config": "its root is not clientConfig",
    "no_provider": "it holds no emailProvider",
}
_SKIPPED = {
    SkipReason.CLEAR_TEXT: "no encryption",
    SkipReason.CLASH: "port and encryption, or port and protocol, clash",
    SkipReason.SECURITY: "an unknown kind of encryption",
    SkipReason.HOST: "no public host name",
    SkipReason.PLACEHOLDER: "a placeholder where none can be filled in",
    SkipReason.NEEDS_ADDRESS: "the host name depends on the part before @",
    SkipReason.PORT: "no port for mail clients",
    SkipReason.PROTOCOL: "neither IMAP nor POP3 nor SMTP",
    SkipReason.AUTHENTICATION: "no way to sign in that mail clients have",
    SkipReason.TWICE: "stands there twice",
    SkipReason.NO_SUCH_HOST: "there is no such server",
}


class NotAFolderError(ValueError):
    """The path is no folder."""


@dataclass(frozen=True)
class ReadFile:
    """One file: its settings, or why it has none, and what was left out."""

    name: str
    display_name: str = ""
    domains: tuple[str, ...] = ()
    servers: tuple[Server, ...] = ()  # best first; hosts may hold `%EMAILDOMAIN%`
    must_enable: bool = False
    enable_url: str = ""
    help_url: str = ""
    sources: str = ""
    doubts: str = ""
    is_doubtful: bool = False
    left_out: tuple[str, ...] = ()
    refused: str = ""


def read_folder(folder: Path, allowed_suffixes: Iterable[str] = ()) -> list[ReadFile]:
    """Read every file of a folder, by name; each domain stays with one. Raises NotAFolderError.

    `allowed_suffixes` are special names, such as `test`, that hosts may end in all the same.
    """
    if not folder.is_dir():
        raise NotAFolderError(f"{folder}: there is no such folder")
    paths = sorted(path for path in folder.iterdir() if path.is_file() and not _is_aside(path))
    return _each_domain_once([_read(path, tuple(allowed_suffixes)) for path in paths])


def _is_aside(path: Path) -> bool:
    return path.name.startswith(".") or path.stem.upper() in ("README", "LICENSE", "COPYING")


def _read(path: Path, allowed_suffixes: tuple[str, ...]) -> ReadFile:
    name = shown(path.name)
    if len(path.name) > LONGEST_NAME or name != path.name[: len(name)]:
        return ReadFile(name, refused="its name cannot be kept")
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST_FILE + 1)
    except OSError as error:
        return ReadFile(path.name, refused=f"it cannot be read: {error.strerror}")
    if len(content) > LONGEST_FILE:
        return ReadFile(path.name, refused=f"it is longer than {LONGEST_FILE // 1024} KB")
    try:
        config = parse_client_config(content, allowed_suffixes=allowed_suffixes)
    except ConfigFault as fault:
        return ReadFile(path.name, refused=_REFUSED[fault.cause])
    return _judged(path.name, config)


def _judged(name: str, config: ParsedConfig) -> ReadFile:
    left_out = [_words(skipped) for skipped in config.skipped]
    left_out += [f"domain “{text}”: {_domain_words(text)}" for text in config.bad_domains]
    refused = ""
    if not config.is_usable:
        refused = "no incoming server is left"
    elif not config.domains:
        refused = "it names no domain"
    elif not any(server.protocol is Protocol.SMTP for server in config.servers):
        left_out.append("outgoing mail: the file names no server that can be used")
    return ReadFile(
        name,
        display_name=config.name,
        domains=config.domains,
        servers=config.servers,
        must_enable=config.must_enable,
        enable_url=config.enable_url,
        help_url=config.documentation_url,
        left_out=tuple(left_out),
        refused=refused,
    )


def _words(skipped: Skipped) -> str:
    detail = f" ({skipped.detail})" if skipped.detail else ""
    return f"{skipped.what}: {_SKIPPED[skipped.why]}{detail}"


def _domain_words(text: str) -> str:
    return "a placeholder is no domain" if "%" in text else "no domain name"


def _each_domain_once(files: list[ReadFile]) -> list[ReadFile]:
    """Give a domain that several files name to the file with the domain's name, else to the first."""
    owners: dict[str, str] = {}
    good = [file for file in files if not file.refused]
    for file in sorted(good, key=lambda file: file.name):
        for domain in file.domains:
            if domain not in owners or file.name in (domain, f"{domain}.xml"):
                owners[domain] = file.name
    return [file if file.refused else _without_others(file, owners) for file in files]


def _without_others(file: ReadFile, owners: dict[str, str]) -> ReadFile:
    others = [domain for domain in file.domains if owners[domain] != file.name]
    if not others:
        return file
    return replace(
        file,
        domains=tuple(domain for domain in file.domains if domain not in others),
        left_out=(*file.left_out, *(f"domain {domain}: {owners[domain]} has it" for domain in others)),
        refused="" if len(others) < len(file.domains) else "other files have all its domains",
    )


def lines_of(file: ReadFile) -> Iterator[str]:
    """Lines for the operator's terminal: what was taken from a file and what was left out."""
    if file.refused:
        yield f"refused: {file.refused}"
    else:
        yield f"taken: {', '.join(file.domains)}"
        yield f"taken: {', '.join(f'{s.protocol} {s.host}:{s.port} {s.security}' for s in file.servers)}"
    for each in file.left_out:
        yield f"left out: {each}"
