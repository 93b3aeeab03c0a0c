"""The door of FastMCP servers: who calls, and tools that wait for a person's yes."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, get_type_hints

from fastmcp.exceptions import ToolError
from fastmcp.server.auth import AccessToken, RemoteAuthProvider
from fastmcp.server.auth import TokenVerifier as FastTokenVerifier
from fastmcp.server.context import Context
from fastmcp.server.dependencies import get_access_token, get_context
from pydantic import AnyHttpUrl, ConfigDict, PrivateAttr, TypeAdapter

from ..errors import AskLater, Cancelled, Denied, Expired, NotPermitted, StillWaiting, Unavailable, UsageError
from ..resource import Caller, Decisions, Rejection, Verifier
from ._auth import Guard, arrived_by, fields_of
from ._gate import GateBase, Situation, WaitedBy, gated_arguments

# `AnyHttpUrl` appends a slash to a host, and that is another issuer: clients refuse it.
_AS_IT_IS = TypeAdapter(AnyHttpUrl, config=ConfigDict(url_preserve_empty_path=True))


class VerifiedToken(AccessToken):
    """FastMCP's token with the caller behind it, which is not printed and not serialised."""

    _caller: Caller | None = PrivateAttr(default=None)


class TokenVerifier(FastTokenVerifier):
    """Bound tokens need `Guard` around `server.http_app()`, for this way sees no proof."""

    def __init__(self, verifier: Verifier, *, scopes: list[str] | None = None) -> None:
        super().__init__(required_scopes=scopes)
        self._verifier = verifier

    async def verify_token(self, token: str) -> AccessToken | None:
        try:
            caller = await self._verifier.verify_bearer(token)
        except Rejection:
            return None
        found = VerifiedToken(**fields_of(caller))
        found._caller = caller
        return found


def auth(verifier: Verifier, base_url: str, *, scopes: list[str] | None = None) -> RemoteAuthProvider:
    """`FastMCP("notes", auth=auth(verifier, "https://notes.example"))`: verifies tokens, and serves the document of RFC 9728."""
    issuer = _AS_IT_IS.validate_python(verifier.issuer)
    return RemoteAuthProvider(TokenVerifier(verifier, scopes=scopes), authorization_servers=[issuer], base_url=base_url)


class Gate(GateBase):
    """`gate = Gate(decisions)`, then `@server.tool` above `@gate.gated()` above the tool."""

    def __init__(self, decisions: Decisions, **settings: Any) -> None:
        """As the gate of the MCP SDK; but FastMCP hides protocol errors of tools, so the page goes out by a request alone."""
        if settings.get("url_elicitation", "request") != "request":
            raise UsageError("FastMCP passes no error -32042 on: leave `url_elicitation` out")
        super().__init__(decisions, **settings)

    def gated(
        self, tool: str | None = None, *, says: Callable[[dict[str, Any]], str] | None = None
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """
        The tool runs once for one permit, with the arguments that were judged. `tool`: its name, by default that of the function.
        `says`: shown to the person as this server's own words, at most 140 characters.
        """

        def gate(handler: Callable[..., Any]) -> Callable[..., Any]:
            name = tool or handler.__name__
            hints = get_type_hints(handler, include_extras=True)
            injected = frozenset(_injected(handler, hints))

            @functools.wraps(handler)
            async def wrapper(**given: Any) -> Any:
                wire, run = gated_arguments(handler, given, injected)
                return await self._call(name, wire, run, _situation(), None if says is None else says(wire))

            wrapper.__annotations__ = hints
            return wrapper

        return gate

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
    return Situation(found._srctx, caller, gone, context.request_state, context.input_responses)


def _injected(handler: Callable[..., Any], hints: dict[str, Any]) -> list[str]:
    """Parameters that FastMCP fills in itself: its context, and what stands as a dependency in a default."""
    parameters = inspect.signature(handler).parameters.values()
    return [
        one.name
        for one in parameters
        if (inspect.isclass(hints.get(one.name)) and issubclass(hints[one.name], Context)) or hasattr(one.default, "__aenter__")
    ]


__all__ = [
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
