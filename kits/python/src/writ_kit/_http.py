"""Requests to the authorization server: bounded in time and size, no redirect is followed, answers are JSON objects or nothing."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import quote_plus

import httpx

from .errors import Unavailable

JsonObject = dict[str, Any]

_MAX_ANSWER_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: httpx.Headers
    body: JsonObject | None
    """None where the answer has no body that is a JSON object."""


class Secret:
    """A text that is not printed."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def expose(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret"

    __str__ = __repr__


def basic(client_id: str, secret: Secret) -> str:
    """`client_secret_basic` (RFC 6749 section 2.3.1)."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret.expose())}"
    return f"Basic {b64encode(pair.encode()).decode()}"


async def send(
    client: httpx.AsyncClient,
    method: str,
    url: str,
    *,
    patience: float,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
) -> Answer:
    """The answer with any status; no answer, or one that is too large, is `Unavailable`."""
    sent = {"accept": "application/json", **(headers or {})}
    try:
        request = client.build_request(method, url, headers=sent, content=content, timeout=patience)
        response = await client.send(request, stream=True, follow_redirects=False)
        try:
            return Answer(response.status_code, response.headers, object_of(await _limited(response)))
        finally:
            await response.aclose()
    except (httpx.HTTPError, httpx.InvalidURL) as cause:
        raise Unavailable("the authorization server did not answer") from cause


async def _limited(response: httpx.Response) -> bytes:
    body = bytearray()
    async for part in response.aiter_bytes():
        body += part
        if len(body) > _MAX_ANSWER_BYTES:
            raise Unavailable(f"the answer has more than {_MAX_ANSWER_BYTES} bytes")
    return bytes(body)


def object_of(text: bytes | str) -> JsonObject | None:
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def retry_after_of(headers: httpx.Headers) -> int | None:
    """Seconds of `Retry-After`; dates are not used by this server."""
    text = headers.get("retry-after", "")
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
