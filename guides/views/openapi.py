"""The OpenAPI description of what scripts may ask. Its lists of values are the code's own."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse

from guides.mail.accounts import AuthMethod, PasswordKind, Protocol, Security, UsernameForm
from guides.mail.discovery.findings import ConfigSource, Trust
from guides.views.client_configuration import CACHEABLE, machine
from guides.views.page_cache import cached_page
from guides.views.portal_urls import base_url

VERSION = "1.0.0"


@machine("GET", "HEAD")
@cached_page()
def description(request: HttpRequest) -> HttpResponse:
    """The whole description, for tools that make clients of it."""
    response = JsonResponse(document(base_url(request)), json_dumps_params={"ensure_ascii": False, "indent": 1})
    response["Access-Control-Allow-Origin"] = "*"
    response["Cache-Control"] = CACHEABLE
    return response


def document(base: str) -> dict[str, Any]:
    """The description of a portal at `base`."""
    path = reverse("settings-json", args=["DOMAIN"]).split("/", 2)[2].replace("DOMAIN", "{domain}")
    answer = {"application/json": {"schema": {"$ref": "#/components/schemas/Settings"}}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": settings.PORTAL_NAME,
            "version": VERSION,
            "description": "Mail settings by domain. No address is ever asked for, and none is in an answer.",
        },
        "servers": [{"url": base or "/"}],
        "paths": {
            f"/{{language}}/{path}": {
                "get": {
                    "operationId": "settingsOfDomain",
                    "summary": "The settings of a mail domain, with every source and how far to trust it",
                    "parameters": [
                        _parameter("language", {"enum": [code for code, _name in settings.LANGUAGES]}),
                        _parameter("domain", {"type": "string", "maxLength": 253}),
                    ],
                    "responses": {
                        "200": {"description": "Settings were found, or the provider is known", "content": answer},
                        "404": {
                            "description": "Nothing was found: the same shape without servers. A page in HTML for what"
                            " is no domain",
                            "content": answer,
                        },
                        "429": {
                            "description": "Too many unknown domains were looked up; Retry-After is in seconds",
                            "headers": {"Retry-After": {"schema": {"type": "integer"}}},
                            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}},
                        },
                    },
                }
            }
        },
        "components": {"schemas": {"Settings": _settings(), "Server": _server(), "Refusal": _refusal()}},
    }


def _parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _settings() -> dict[str, Any]:
    return _object(
        {
            "domain": {"type": "string", "description": "in A-labels"},
            "provider": {"type": ["string", "null"], "description": "short name of a provider in the portal's table"},
            "servers": {"type": "array", "items": _ref("Server"), "description": "the best first"},
            "password": _one_of(PasswordKind, "which secret a mail program needs"),
            "sources": {"type": "array", "items": _source()},
            "confirm": {
                "type": ["string", "null"],
                "description": "a foreign domain that the DNS alone points to: ask before a password goes there",
            },
            "warnings": {"type": "array", "items": {"type": "string"}},
        }
    )


def _server() -> dict[str, Any]:
    server = _object(
        {
            "protocol": _one_of(Protocol, "smtp is submission"),
            "host": {"type": "string"},
            "port": {"type": "integer", "minimum": 1, "maximum": 65535},
            "security": _one_of(Security, "tls is implicit TLS"),
            "username": _one_of(UsernameForm, "what the server wants as user name"),
            "auth": {"type": "array", "items": _one_of(AuthMethod), "minItems": 1},
        }
    )
    template = {"type": "string", "description": "only with username other: the name with autoconfig's placeholders"}
    server["properties"]["username_template"] = template  # not required
    return server


def _source() -> dict[str, Any]:
    described = _object(
        {
            "name": _one_of(ConfigSource),
            "found": {"type": "boolean"},
            "trust": {"enum": [*(trust.value for trust in Trust), None]},
            "error": {"type": ["string", "null"]},
            "differs": {
                "type": "array",
                "items": _ref("Server"),
                "description": "its best servers, where they are others than those shown",
            },
        }
    )
    described["required"].remove("differs")
    return described


def _refusal() -> dict[str, Any]:
    return _object({"error": {"type": "string"}})


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _one_of(values: type[StrEnum], description: str = "") -> dict[str, Any]:
    schema: dict[str, Any] = {"enum": [value.value for value in values]}
    return schema | {"description": description} if description else schema


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}
