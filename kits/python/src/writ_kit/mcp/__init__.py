"""The door of servers with the MCP Python SDK: who calls, and tools that wait for a person's yes. For FastMCP: `writ_kit.mcp.fastmcp`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, get_type_hints

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.utilities.context_injection import find_context_parameter
from mcp_types import CallToolResult, TextContent

from ..errors import AskLater, Cancelled, Denied, Expired, NotPermitted, StillWaiting, Unavailable, UsageError
from ..resource import Caller
from ._auth import Guard, TokenVerifier, arrived_by
from ._gate import GateBase, Situation, WaitedBy, gated_arguments

_OURS = "writ_context"


class Gate(GateBase):
    """`gate = Gate(decisions)`, then `@server.tool()` above `@gate.gated()` above the tool."""

    def gated(
        self, tool: str | None = None, *, says: Callable[[dict[str, Any]], str] | None = None
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """
        The tool runs once for one permit, with the arguments that were judged. `tool`: its name, by default that of the function.
        `says`: shown to the person as this server's own words, at most 140 characters.
        """

        def gate(handler: Callable[..., Any]) -> Callable[..., Any]:
            name = tool or handler.__name__
            own = find_context_parameter(handler)
            parameter = own or _OURS
            injected = frozenset() if own is None else frozenset((own,))

            @functools.wraps(handler)
            async def wrapper(**given: Any) -> Any:
                context = given[parameter] if own else given.pop(parameter)
                wire, run = gated_arguments(handler, given, injected)
                situation = _situation(context)
                return await self._call(name, wire, run, situation, None if says is None else says(wire))

            _with_context(wrapper, handler, None if own else parameter)
            return wrapper

        return gate

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
    return Situation(message, caller, gone, context.request_state, context.input_responses)


def _with_context(wrapper: Callable[..., Any], handler: Callable[..., Any], parameter: str | None) -> None:
    """The signature of the handler; the SDK fills in its context where the handler has no parameter for it."""
    hints = get_type_hints(handler, include_extras=True)
    signature = inspect.signature(handler)
    parameters = [one.replace(annotation=hints.get(one.name, one.annotation)) for one in signature.parameters.values()]
    if parameter is not None:
        hints[parameter] = Context
        parameters.append(inspect.Parameter(parameter, inspect.Parameter.KEYWORD_ONLY, annotation=Context))
    wrapper.__annotations__ = hints
    returned = hints.get("return", signature.return_annotation)
    wrapper.__signature__ = signature.replace(parameters=parameters, return_annotation=returned)  # type: ignore[attr-defined]


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
    "caller_of",
]
