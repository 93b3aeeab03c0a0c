"""ASGI middlewares: each request is verified, or answered here; and the document of RFC 9728."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from ..errors import UsageError
from ._caller import Caller
from ._rejection import Rejection
from ._verifier import Verifier

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_CALLER = "writ_kit.caller"
_GONE = "writ_kit.gone"


def caller_of(scope: Scope) -> Caller:
    """The caller of this request (`request.scope`); raises where `Protect` did not stand in front of the handler."""
    caller = scope.get(_CALLER)
    if not isinstance(caller, Caller):
        raise UsageError("no caller: `Protect` must stand in front of this handler")
    return caller


def gone_of(scope: Scope) -> asyncio.Event | None:
    """Set when the connection of this request is closed."""
    gone = scope.get(_GONE)
    return gone if isinstance(gone, asyncio.Event) else None


class Protect:
    """`Protect(app, verifier)`; a handler then has `caller_of(request.scope)`. The document of RFC 9728 is served to everybody."""

    def __init__(self, app: App, verifier: Verifier, *, scopes: list[str] | None = None, metadata: dict[str, Any] | None = None) -> None:
        """`scopes`: what every request needs. `metadata`: more members of the document."""
        self._app = app
        self._verifier = verifier
        self._scopes = scopes or []
        self._document = json.dumps(verifier.resource_metadata() | (metadata or {})).encode()
        self._metadata_path = urlsplit(verifier.metadata_url or "").path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] != "lifespan":
                raise UsageError("only HTTP requests are verified")
            await self._app(scope, receive, send)
        elif scope["path"] == self._metadata_path:
            await _answer(send, *_metadata(scope["method"], self._document))
        else:
            await self._protected(scope, receive, send)

    async def _protected(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        # The path as it came: what it is after decoding, no proof can name.
        path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1").partition("?")[0]
        try:
            caller = await self._verifier.verify(scope["method"], f"{path}?{scope['query_string'].decode('latin-1')}", headers)
            for name in self._scopes:
                caller.require_scope(name)
        except Rejection as rejection:
            await _answer(send, rejection.status, rejection.headers, rejection.body)
            return
        scope[_CALLER] = caller
        gone = scope[_GONE] = asyncio.Event()
        await self._pass(caller, scope, _watched(receive, gone), send)

    async def _pass(self, caller: Caller, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


def _watched(receive: Receive, gone: asyncio.Event) -> Receive:
    """What servers do not tell an application that does not listen: it has to hear the end itself."""

    async def watched() -> MutableMapping[str, Any]:
        message = await receive()
        if message["type"] == "http.disconnect":
            gone.set()
        return message

    return watched


def _metadata(method: str, document: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
    allowed = "GET, HEAD, OPTIONS"
    headers = [("access-control-allow-origin", "*")]
    match method:
        case "GET" | "HEAD":
            return 200, [*headers, ("content-type", "application/json")], document if method == "GET" else b""
        case "OPTIONS":
            granted = [("access-control-allow-methods", allowed), ("access-control-allow-headers", "*")]
            return 204, [*headers, *granted], b""
    return 405, [*headers, ("allow", allowed)], b""


async def _answer(send: Send, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
    encoded = [(name.encode(), value.encode()) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})
