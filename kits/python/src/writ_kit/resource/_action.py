"""
What is about to happen, as one text: it is what is sent to be judged, and what the handler is given. Whatever two JSON parsers might
read differently is refused before anything is sent.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._http import JsonObject
from ..errors import UsageError

_MAX_ARGUMENT_BYTES = 64 * 1024
_MAX_DEPTH = 32
_MAX_SAFE = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Action:
    """A type of `authorization_details`, or an action that the resource's record maps; or, by `tool`, a call of an MCP tool."""

    name: str
    arguments: Mapping[str, Any]
    is_tool: bool = False
    definition_hash: str | None = None
    """Of what the server says of the tool now (docs/mcp.md): under another one than the record's a person is asked."""

    @classmethod
    def tool(cls, name: str, arguments: Mapping[str, Any], definition_hash: str | None = None) -> Action:
        return cls(name, arguments, True, definition_hash)


class FrozenAction:
    """Taken once; what its maker does with the arguments afterwards changes nothing."""

    def __init__(self, action: Action) -> None:
        if not action.name:
            raise UsageError("an action has a name")
        self.name = action.name
        self.is_tool = action.is_tool
        self.definition_hash = action.definition_hash
        self._text = _text_of(action.arguments)

    def with_arguments(self, approved: JsonObject) -> FrozenAction:
        """The same action with what a person approved instead: less than was asked."""
        return FrozenAction(Action(self.name, approved, self.is_tool, self.definition_hash))

    @property
    def arguments(self) -> JsonObject:
        """A copy that nobody else holds."""
        arguments: JsonObject = json.loads(self._text)
        return arguments

    def wire(self, resource: str) -> JsonObject:
        """`action` and `resource` of a request (AuthZEN 1.0; for tools its binding to MCP)."""
        if self.is_tool:
            return {
                "action": {"name": "tools/call", "properties": {"arguments": self.arguments}},
                "resource": {"type": "tool", "id": self.name},
            }
        return {
            "action": {"name": self.name, "properties": self.arguments},
            "resource": {"type": "resource", "id": resource},
        }


def _text_of(arguments: Mapping[str, Any]) -> str:
    if not isinstance(arguments, Mapping):
        raise UsageError("the arguments are no object")
    text = json.dumps(_checked(arguments, 1, ""), allow_nan=False, ensure_ascii=False)
    if len(text.encode()) > _MAX_ARGUMENT_BYTES:
        raise UsageError(f"the arguments have more than {_MAX_ARGUMENT_BYTES} bytes")
    return text


def _checked(value: Any, depth: int, pointer: str) -> Any:
    if depth > _MAX_DEPTH:
        raise _refused(pointer, f"is nested deeper than {_MAX_DEPTH}")
    if value is None or isinstance(value, bool):
        return value
    if type(value) is str:
        return _unicode(value, pointer)
    if type(value) is int or type(value) is float:
        return _number(value, pointer)
    if isinstance(value, list | tuple):
        return [_checked(one, depth + 1, f"{pointer}/{place}") for place, one in enumerate(value)]
    if isinstance(value, Mapping):
        return {_name(name, pointer): _checked(one, depth + 1, f"{pointer}/{name}") for name, one in value.items()}
    raise _refused(pointer, "is not JSON")


def _number(value: float, pointer: str) -> float:
    exact = math.isfinite(value) and (value != int(value) or abs(value) <= _MAX_SAFE)
    if not exact or (value == 0 and math.copysign(1, value) < 0):
        raise _refused(pointer, "is a number that not every parser reads alike: send it as text")
    return value


def _name(name: Any, pointer: str) -> str:
    if type(name) is not str:
        raise _refused(pointer, "has a member whose name is no text")
    return _unicode(name, pointer)


def _unicode(text: str, pointer: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _refused(pointer, "is not Unicode") from None
    return text


def _refused(pointer: str, why: str) -> UsageError:
    return UsageError(f"the argument `{pointer or '/'}` {why}")
