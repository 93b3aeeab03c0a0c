"""The caller of an MCP request: verified by the kit, handed on in the SDK's own access token."""

from __future__ import annotations

import asyncio
from typing import Any, Self, TypeVar

from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from pydantic import PrivateAttr
from starlette.authentication import AuthCredentials

from ..errors import UsageError
from ..resource import Caller, Protect, Rejection, Verifier
from ..resource._asgi import App, Receive, Scope, Send, answer, gone_of, watched


class HoldsCaller(AccessToken):
    """A token of an SDK with the caller behind it, which is not printed and not serialised."""

    _caller: Caller | None = PrivateAttr(default=None)

    @classmethod
    def of(cls, caller: Caller) -> Self:
        token = cls(**_fields_of(caller))
        token._caller = caller
        return token


_Token = TypeVar("_Token", bound=HoldsCaller)


class TokenVerifier:
    """
    For the SDK's `token_verifier`. Bound tokens need `Guard`, for this way sees no proof; and a token that cannot be checked now ends
    in a 500 here.
    """

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier

    async def verify_token(self, token: str) -> AccessToken | None:
        return await verified(self._verifier, token, HoldsCaller)


class Guard(Protect):
    """In the place of the SDK's own authentication, for DPoP too: `Guard(server.streamable_http_app(), verifier)`."""

    def __init__(self, app: App, verifier: Verifier, **options: Any) -> None:
        super().__init__(AuthContextMiddleware(app), verifier, **options)

    async def _pass(self, caller: Caller, scope: Scope, receive: Receive, send: Send) -> None:
        scope["user"] = AuthenticatedUser(HoldsCaller.of(caller))
        scope["auth"] = AuthCredentials(sorted(caller.scopes))
        await super()._pass(caller, scope, receive, send)


async def verified(verifier: Verifier, token: str, kind: type[_Token]) -> _Token | None:
    """None for a token that is not good: the SDK answers. Raises where that is not known now: the client is to keep its token."""
    try:
        return kind.of(await verifier.verify_bearer(token))
    except Rejection as rejection:
        if rejection.status == 503:
            raise
        return None


class Listening:
    """Around an SDK's own authentication: listens for the end of the connection, and answers where a token cannot be checked."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or gone_of(scope) is not None:
            await self._app(scope, receive, send)
            return
        async with watched(scope, receive) as (_, heard):
            try:
                await self._app(scope, heard, send)
            except Rejection as rejection:
                await answer(send, rejection.status, rejection.headers, rejection.body)


def _fields_of(caller: Caller) -> dict[str, Any]:
    return {
        "token": caller.presented.token.expose(),
        "client_id": caller.client,
        "scopes": sorted(caller.scopes),
        "expires_at": caller.expires_at,
        "resource": caller.claims["aud"],
        "subject": caller.subject.id,
        "claims": caller.claims,
    }


def arrived_by(request: Any, token: Any) -> tuple[Caller, asyncio.Event | None]:
    """Of the HTTP request behind a call, or else of the token that the SDK found."""
    scope = getattr(request, "scope", None) or {}
    user = scope.get("user")
    for known in (getattr(user, "access_token", None), token):
        caller = getattr(known, "_caller", None)
        if isinstance(caller, Caller):
            return caller, gone_of(scope)
    raise UsageError("no caller: the server needs the kit's `Guard` or `TokenVerifier`")
