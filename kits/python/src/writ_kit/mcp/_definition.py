"""What a server says of a tool now, as the hash by which an operator confirmed it (docs/mcp.md)."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode
from dataclasses import replace
from decimal import Decimal
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp_types import PaginatedRequestParams
from mcp_types.methods import serialize_server_result

# Pages of one list of tools.
_MAX_PAGES = 32
# In which an operator's list was read: a server may describe its tools otherwise in others.
_REVISION = "2025-11-25"


async def definition_hash(server: Any, message: ServerRequestContext[Any, Any], tool: str) -> str | None:
    """
    Of the tool's member of `tools/list` of this low-level server; None where it lists none of this name: then a person is asked.
    """
    entry = None if server is None else server.get_request_handler("tools/list")
    if entry is None:
        return None
    asked = replace(message, method="tools/list", params=None, protocol_version=_REVISION)
    cursor: str | None = None
    for _ in range(_MAX_PAGES):
        params = None if cursor is None else PaginatedRequestParams(cursor=cursor)
        page = _wire(await entry.handler(asked, params))
        found = next((one for one in page["tools"] if one["name"] == tool), None)
        if found is not None:
            return hash_of(found)
        cursor = page.get("nextCursor")
        if cursor is None:
            return None
    return None


def hash_of(definition: Any) -> str:
    """SHA-256 of canonical JSON (RFC 8785), in base64url."""
    digest = hashlib.sha256(_canonical(definition).encode()).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def _wire(result: Any) -> dict[str, Any]:
    """As the SDK sends it."""
    plain = result if isinstance(result, dict) else result.model_dump(by_alias=True, mode="json", exclude_none=True)
    return serialize_server_result("tools/list", _REVISION, plain)


def _canonical(value: Any) -> str:
    match value:
        case dict():
            names = sorted(value, key=lambda name: name.encode("utf-16-be"))
            return "{" + ",".join(f"{_text(name)}:{_canonical(value[name])}" for name in names) + "}"
        case list():
            return "[" + ",".join(map(_canonical, value)) + "]"
        case str():
            return _text(value)
        case bool() | None:
            return json.dumps(value)
        case _:
            return _number(float(value))


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _number(value: float) -> str:
    """As ECMAScript writes it (RFC 8785 section 3.2.2.3)."""
    if value == 0:
        return "0"
    sign, figures, shift = Decimal(repr(value)).normalize().as_tuple()
    digits, shift = "".join(map(str, figures)), int(shift)
    point = len(digits) + shift
    if 0 < point <= 21:
        text = digits.ljust(point, "0") if shift >= 0 else f"{digits[:point]}.{digits[point:]}"
    elif -6 < point <= 0:
        text = f"0.{'0' * -point}{digits}"
    else:
        fraction = f".{digits[1:]}" if len(digits) > 1 else ""
        text = f"{digits[0]}{fraction}e{point - 1:+d}"
    return f"-{text}" if sign else text
