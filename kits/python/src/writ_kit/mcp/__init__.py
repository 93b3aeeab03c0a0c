"""The door of servers with the MCP Python SDK: who calls, and tools that wait for a person's yes. For FastMCP: `writ_kit.mcp.fastmcp`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.utilities.context_injection import find_context_parameter
from mcp_types import CallToolResult, TextContent

from ..errors import ArgumentsInvalid, AskLater, Cancelled, Denied, Expired, NotPermitted, StillWaiting, Unavailable, UsageError
from ..resource import Caller
from ._auth import Guard, TokenVerifier, arrived_by
from ._gate import GateBase, Situation, WaitedBy

_OURS = "writ_context"


class Gate(GateBase):
    """`gate = Gate(decisions)`, then `@server.tool()` above `@gate.gated()` above the tool."""

    def _injected(self, handler: Callable[..., Any], hints: dict[str, Any]) -> Iterable[str]:
        own = find_context_parameter(handler)
        return () if own is None else (own,)

    def _situation(self, given: dict[str, Any], injected: frozenset[str]) -> Situation:
        [parameter] = injected or (_OURS,)
        return _situation(given[parameter] if injected else given.pop(parameter))

    def _sign(self, wrapper: Callable[..., Any], handler: Callable[..., Any], injected: frozenset[str]) -> None:
        """The SDK fills in its context where the handler has no parameter for it."""
        hints = wrapper.__annotations__
        signature = inspect.signature(handler)
        parameters = [one.replace(annotation=hints.get(one.name, one.annotation)) for one in signature.parameters.values()]
        if not injected:
            hints[_OURS] = Context
            parameters.append(inspect.Parameter(_OURS, inspect.Parameter.KEYWORD_ONLY, annotation=Context))
        returned = hints.get("return", signature.return_annotation)
        wrapper.__signature__ = signature.replace(parameters=parameters, return_annotation=returned)  # type: ignore[attr-defined]

    def _refusal(self, text: str, code: str, retry_after: int | None) -> Any:
        meta: dict[str, Any] = {"writ/code": code}
        if retry_after is not None:
            meta["writ/retry_after"] = retry_after
        return CallToolResult(content=[TextContent(text=text)], is_error=True, _meta=meta)


def caller_of(context: Context[Any, Any]) -> Caller:
    """The caller of a tool call."""
    return _situation(context).caller


def _situation(context: Context[Any, Any]) -> Situation:
    message = context.request_context
    caller, gone = arrived_by(message.request, get_access_token())
    # The SDK has no public way to the low-level server.
    server = getattr(context.mcp_server, "_lowlevel_server", None)
    return Situation(message, server, caller, gone, context.request_state, context.input_responses)


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
    "caller_of",
]
