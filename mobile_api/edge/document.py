"""What FastAPI cannot know of our routes, put into the OpenAPI document.

Every refusal is a problem document (RFC 9457), also what FastAPI itself would
answer in a form of its own; an ``Idempotency-Key`` is needed wherever a route
reads one; and who may call is a cookie by its name, beside ``x-called-by``.
"""

from typing import Any, Final

from fastapi import FastAPI

from mobile_api.edge import access, problems
from mobile_api.edge.access import Role
from mobile_api.edge.keyed import KEY_LENGTH_MAX, KEY_LENGTH_MIN
from mobile_api.edge.sessions import cookie_name as shopper_cookie
from mobile_api.staff.signed_in import cookie_name as staff_cookie

KEY_HEADER: Final = "idempotency-key"
# Written by FastAPI for answers that ours replace.
FOREIGN_SCHEMAS: Final = ("HTTPValidationError", "ValidationError")
PROBLEM: Final[dict[str, Any]] = {
    "title": "Problem",
    "description": "Why a request was refused, as RFC 9457 has it.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "additionalProperties": False,
    "properties": {
        "type": {"type": "string", "description": "`urn:carryover:problem:` and the code."},
        "title": {"type": "string", "description": "For the reader, in her language."},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "For whoever reads the log, in English."},
        "code": {"type": "string", "description": "Stable; decide by this one."},
        "data": {"type": "object", "description": "What the code is about, by code."},
    },
}
COOKIES: Final = {
    Role.SHOPPER: ("shopper", shopper_cookie),
    Role.CUSTOMER: ("customer", shopper_cookie),
    Role.STAFF: ("staff", staff_cookie),
    Role.FLOOR: ("staff", staff_cookie),
    Role.PEOPLE: ("staff", staff_cookie),
    Role.OPERATOR: ("staff", staff_cookie),
}


def finish(app: FastAPI, document: dict[str, Any], *, secure: bool) -> dict[str, Any]:
    """Return the document with roles, refusals and keys in it. ``secure``: phones use https."""
    access.describe(app, document)
    parts = document.setdefault("components", {})
    schemas = parts.setdefault("schemas", {})
    for name in FOREIGN_SCHEMAS:
        schemas.pop(name, None)
    schemas["Problem"] = PROBLEM
    parts["securitySchemes"] = {
        name: {"type": "apiKey", "in": "cookie", "name": cookie(secure=secure)}
        for name, cookie in COOKIES.values()
    }
    by_role = {role.value: name for role, (name, _) in COOKIES.items()}
    for path in document["paths"].values():
        for operation in path.values():
            _refusals(operation["responses"])
            _keys(operation.get("parameters", ()))
            cookie = by_role.get(operation["x-called-by"])
            if cookie is not None:
                # A shopper's session begins with the first action: her cookie may be missing.
                begins: list[dict[str, list[str]]] = [{}] if cookie == "shopper" else []
                operation["security"] = [*begins, {cookie: []}]
    return document


def _refusals(responses: dict[str, Any]) -> None:
    refused = {
        "description": "Refused",
        "content": {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status, answer in responses.items():
        fine = status == "304" or status.startswith("2")
        if not fine and ("content" not in answer or status == "422"):
            answer["content"] = refused["content"]
    responses["default"] = refused


def _keys(parameters: list[dict[str, Any]]) -> None:
    for one in parameters:
        if one["in"] == "header" and one["name"].lower() == KEY_HEADER:
            one["required"] = True
            one["schema"] = {
                "type": "string",
                "pattern": f"^[A-Za-z0-9_-]{{{KEY_LENGTH_MIN},{KEY_LENGTH_MAX}}}$",
            }
