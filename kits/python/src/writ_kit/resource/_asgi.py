"""ASGI middlewares: each request is verified, or answered here; and the document of RFC 9728."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Literal
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
# Messages of a request that its application has not asked for yet; servers bound the size of each.
_READ_AHEAD = 4
# Clients that run in a browser (Fetch section 3.3). `*` counts because the browser adds no credentials, and leaves `Authorization` out.
_READABLE = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "dpop-nonce, www-authenticate, retry-after, mcp-session-id, *",
}
_PREFLIGHT = {
    "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
    "access-control-allow-headers": "authorization, dpop, content-type, accept, mcp-protocol-version, mcp-session-id, *",
    "access-control-max-age": "7200",
}


def caller_of(scope: Scope) -> Caller:
    """The caller of this request (`request.scope`); raises where `Protect` did not stand in front of the handler."""
    caller = scope.get(_CALLER)
    if not isinstance(caller, Caller):
        raise UsageError("no caller: `Protect` must stand in front of this handler")
    return caller


def gone_of(scope: Scope) -> asyncio.Event | None:
    """Set when the connection of this request is closed, or answered; `Caller.gone` is the same."""
    gone = scope.get(_GONE)
    return gone if isinstance(gone, asyncio.Event) else None


class Protect:
    """`Protect(app, verifier)`; a handler then has `caller_of(request.scope)`. The document of RFC 9728 is served to everybody."""

    def __init__(
        self,
        app: App,
        verifier: Verifier,
        *,
        scopes: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        cross_origin: Literal["open", "closed"] = "open",
    ) -> None:
        """
        `scopes`: what every request needs. `metadata`: more members of the document. `cross_origin`: clients that run in a browser may
        call from every origin, without cookies; `closed` for an application with a CORS middleware of its own around this one.
        """
        self._app = app
        self._verifier = verifier
        self._scopes = scopes or []
        self._is_open = cross_origin == "open"
        self._document = json.dumps(verifier.resource_metadata() | (metadata or {})).encode()
        self._metadata_path = urlsplit(verifier.metadata_url or "").path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] != "lifespan":
                raise UsageError("only HTTP requests are verified")
            await self._app(scope, receive, send)
        elif scope["path"] == self._metadata_path:
            await answer(send, *_metadata(scope["method"], self._document))
        elif _is_preflight(scope):
            # It carries no token.
            granted = {**_READABLE, **_PREFLIGHT} if self._is_open else {}
            await answer(send, 204, list(granted.items()), b"")
        else:
            await self._protected(scope, receive, _readable(send) if self._is_open else send)

    async def _protected(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        # The path as it came: what it is after decoding, no proof can name.
        path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1").partition("?")[0]
        try:
            caller = await self._verifier.verify(scope["method"], f"{path}?{scope['query_string'].decode('latin-1')}", headers)
            for name in self._scopes:
                caller.require_scope(name)
        except Rejection as rejection:
            await answer(send, rejection.status, rejection.headers, rejection.body)
            return
        async with watched(scope, receive) as (gone, heard):
            scope[_CALLER] = caller = replace(caller, gone=gone)
            await self._pass(caller, scope, heard, send)

    async def _pass(self, caller: Caller, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


@asynccontextmanager
async def watched(scope: Scope, receive: Receive) -> AsyncIterator[tuple[asyncio.Event, Receive]]:
    """Listens for the end of the connection, of which servers tell who listens alone; the application hears the same messages."""
    gone = scope[_GONE] = asyncio.Event()
    ahead: asyncio.Queue[MutableMapping[str, Any] | Exception] = asyncio.Queue(_READ_AHEAD)

    async def listen() -> None:
        while not gone.is_set():
            try:
                message = await receive()
            except Exception as error:
                gone.set()
                await ahead.put(error)
                return
            if message["type"] == "http.disconnect":
                gone.set()
            await ahead.put(message)

    async def heard() -> MutableMapping[str, Any]:
        if gone.is_set() and ahead.empty():
            return {"type": "http.disconnect"}
        message = await ahead.get()
        if isinstance(message, Exception):
            raise message
        return message

    listening = asyncio.create_task(listen())
    try:
        yield gone, heard
    finally:
        listening.cancel()


def _is_preflight(scope: Scope) -> bool:
    names = {name.lower() for name, _ in scope["headers"]}
    return scope["method"] == "OPTIONS" and {b"origin", b"access-control-request-method"} <= names


def _readable(send: Send) -> Send:
    """Where the application has not decided who may read its answer, every origin may: who reads it had the token."""

    async def sent(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", []))
            if b"access-control-allow-origin" not in {name.lower() for name, _ in headers}:
                headers += [(name.encode(), value.encode()) for name, value in _READABLE.items()]
            message = {**message, "headers": headers}
        await send(message)

    return sent


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


async def answer(send: Send, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
    encoded = [(name.encode(), value.encode()) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})
