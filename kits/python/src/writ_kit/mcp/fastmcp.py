"""The door of FastMCP servers: who calls, and tools that wait for a person's yes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

from fastmcp.exceptions import ToolError
from fastmcp.server.auth import AccessToken, RemoteAuthProvider
from fastmcp.server.auth import TokenVerifier as FastTokenVerifier
from fastmcp.server.context import Context
from fastmcp.server.dependencies import get_access_token, get_context
from pydantic import AnyHttpUrl, ConfigDict, TypeAdapter
from starlette.middleware import Middleware

from ..errors import ArgumentsInvalid, AskLater, Cancelled, Denied, Expired, NotPermitted, StillWaiting, Unavailable, UsageError
from ..resource import Caller, Decisions, Verifier
from ._auth import Guard, HoldsCaller, Listening, arrived_by, verified
from ._gate import GateBase, Situation, WaitedBy

# `AnyHttpUrl` appends a slash to a host, and that is another issuer: clients refuse it.
_AS_IT_IS = TypeAdapter(AnyHttpUrl, config=ConfigDict(url_preserve_empty_path=True))


class VerifiedToken(HoldsCaller, AccessToken):
    """FastMCP's token with the caller behind it."""


class TokenVerifier(FastTokenVerifier):
    """Bound tokens need `Guard` around `server.http_app()`, for this way sees no proof."""

    def __init__(self, verifier: Verifier, *, scopes: list[str] | None = None) -> None:
        super().__init__(required_scopes=scopes)
        self._verifier = verifier

    async def verify_token(self, token: str) -> AccessToken | None:
        return await verified(self._verifier, token, VerifiedToken)

    def get_middleware(self) -> list[Any]:
        return [Middleware(Listening), *super().get_middleware()]


class _Auth(RemoteAuthProvider):
    @property
    def scopes_supported(self) -> list[str]:
        """No member rather than an empty one (RFC 9728 section 3.2), of which a client concludes that there is no scope to ask for."""
        return super().scopes_supported or None  # type: ignore[return-value]

    def get_middleware(self) -> list[Any]:
        return [Middleware(Listening), *super().get_middleware()]


def auth(verifier: Verifier, base_url: str, *, scopes: list[str] | None = None) -> RemoteAuthProvider:
    """
    `FastMCP("notes", auth=auth(verifier, "https://notes.example", scopes=["notes:write"]))`: verifies tokens, and serves the document
    of RFC 9728. `scopes`: what every call needs; clients learn there what to ask for.
    """
    issuer = _AS_IT_IS.validate_python(verifier.issuer)
    return _Auth(TokenVerifier(verifier, scopes=scopes), authorization_servers=[issuer], base_url=base_url)


class Gate(GateBase):
    """`gate = Gate(decisions)`, then `@server.tool` above `@gate.gated()` above the tool."""

    def __init__(self, decisions: Decisions, **settings: Any) -> None:
        """As the gate of the MCP SDK; but FastMCP hides protocol errors of tools, so the page goes out by a request alone."""
        if settings.get("url_elicitation", "request") != "request":
            raise UsageError("FastMCP passes no error -32042 on: leave `url_elicitation` out")
        super().__init__(decisions, **settings)

    def _injected(self, handler: Callable[..., Any], hints: dict[str, Any]) -> Iterable[str]:
        """FastMCP's context, and what stands as a dependency in a default."""
        for one in inspect.signature(handler).parameters.values():
            hint = hints.get(one.name)
            if (inspect.isclass(hint) and issubclass(hint, Context)) or hasattr(one.default, "__aenter__"):
                yield one.name

    def _situation(self, given: dict[str, Any], injected: frozenset[str]) -> Situation:
        return _situation()

    def _refusal(self, text: str, code: str, retry_after: int | None) -> Any:
        raise ToolError(text)


def caller_of() -> Caller:
    """The caller of the tool call that runs."""
    return _situation().caller


def _situation() -> Situation:
    context = get_context()
    found = context.request_context
    if found is None:
        raise UsageError("a gated tool is called by a client: there is no request")
    caller, gone = arrived_by(found.request, get_access_token())
    # FastMCP has no public way to its low-level server.
    server = getattr(context.fastmcp, "_mcp_server", None)
    return Situation(found._srctx, server, caller, gone, context.request_state, context.input_responses)


__all__ = [
    "ArgumentsInvalid",
    "AskLater",
    "Cancelled",
    "Denied",
    "Expired",
    "Gate",
    "Guard",
    "NotPermitted",
    "StillWaiting",
    "TokenVerifier",
    "Unavailable",
    "UsageError",
    "WaitedBy",
    "auth",
    "caller_of",
]
