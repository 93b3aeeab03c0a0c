"""
What is about to happen, as one text: it is what is sent to be judged, and what the handler is given. Whatever two JSON parsers might
read differently is refused before anything is sent.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._http import JsonObject
from ..errors import ArgumentsInvalid, UsageError
from ._json_text import INEXACT, Misread, decimal_of, read_object

_MAX_ARGUMENT_BYTES = 64 * 1024
# Lists and objects around a value, the arguments themselves among them.
_MAX_DEPTH = 32
# Where arguments are: the place of what is wrong with them begins so, as the server's does.
_ARGUMENTS = "/arguments"
# From here on canonical JSON has an exponent (RFC 8785), which no reader takes for an integer.
_EXPONENT_FROM = 1e21
# No server keeps these: tabs and line ends alone are taken.
_CONTROL = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f]")
# Canonical JSON (RFC 8785) has no form for these (RFC 7493 section 2.1).
_NONCHARACTER = re.compile(
    f"[\\ufdd0-\\ufdef{''.join(chr(plane + last) for plane in range(0, 0x110000, 0x10000) for last in (0xFFFE, 0xFFFF))}]"
)


@dataclass(frozen=True, slots=True)
class Action:
    """A type of `authorization_details`, or an action that the resource's record maps; or, by `tool`, a call of an MCP tool."""

    name: str
    arguments: Mapping[str, Any] | str
    """A `str` is their JSON text as it came: of what was parsed, nobody knows which digits and members are lost."""
    is_tool: bool = False
    definition_hash: str | None = None
    """Of what the server says of the tool now (docs/mcp.md): under another one than the record's a person is asked."""

    @classmethod
    def tool(cls, name: str, arguments: Mapping[str, Any] | str, definition_hash: str | None = None) -> Action:
        return cls(name, arguments, True, definition_hash)


class FrozenAction:
    """Taken once; what its maker does with the arguments afterwards changes nothing."""

    def __init__(self, action: Action) -> None:
        if not action.name:
            raise UsageError("an action has a name")
        self.name = action.name
        self.is_tool = action.is_tool
        self.definition_hash = action.definition_hash
        self._text = text_of(action.arguments)

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


def text_of(arguments: Mapping[str, Any] | str) -> str:
    if isinstance(arguments, str):
        arguments = read_object(arguments, _ARGUMENTS)
    if not isinstance(arguments, Mapping):
        raise UsageError("the arguments are no object")
    text = _written(_checked(arguments, _MAX_DEPTH, _ARGUMENTS))
    if len(text.encode()) > _MAX_ARGUMENT_BYTES:
        raise ArgumentsInvalid.not_judged(_ARGUMENTS, f"this is larger than {_MAX_ARGUMENT_BYTES} bytes of JSON")
    return text


def _checked(value: Any, left: int, pointer: str) -> Any:
    """`left`: how many lists and objects may still stand around a value."""
    if isinstance(value, Misread):
        raise ArgumentsInvalid.not_judged(pointer, value.why)
    if value is None or isinstance(value, bool):
        return value
    if type(value) is str:
        return _text(value, pointer)
    if type(value) is int or type(value) is float:
        return _number(value, pointer)
    if not isinstance(value, list | tuple | Mapping):
        raise _not_json(pointer)
    if left == 0:
        raise ArgumentsInvalid.not_judged(pointer, f"this is more than {_MAX_DEPTH} lists and objects deep")
    if isinstance(value, Mapping):
        return {_name(name, pointer): _checked(one, left - 1, f"{pointer}/{_escaped(name)}") for name, one in value.items()}
    return [_checked(one, left - 1, f"{pointer}/{place}") for place, one in enumerate(value)]


def _number(value: float, pointer: str) -> float:
    """
    A number is its double, in one form: an integer where canonical JSON (RFC 8785) writes that very integer, and no minus zero. Of an
    integer other readers find the same if it is the double itself.
    """
    try:
        double = float(value)
    except OverflowError:
        double = math.inf
    if not math.isfinite(double) or (type(value) is int and value != int(double)):
        raise ArgumentsInvalid.not_judged(pointer, INEXACT)
    return int(double) if double.is_integer() and abs(double) < _EXPONENT_FROM and _is_its_digits(double) else double


def _is_its_digits(double: float) -> bool:
    """Whether an integer is what its canonical text says to who reads integers."""
    return decimal_of(double) == int(double)


def _written(value: Any) -> str:
    """Canonical JSON but for the order of members."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{_written(name)}:{_written(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_written(one) for one in value) + "]"
    return _double(value) if type(value) is float else json.dumps(value, ensure_ascii=False)


def _double(value: float) -> str:
    """As ECMAScript writes a number that is no integer below 1e21 (RFC 8785 section 3.2.2.3); an integer that would be read as another
    one with an exponent."""
    sign, figures, exponent = decimal_of(value).normalize().as_tuple()
    digits = "".join(map(str, figures))
    point = len(digits) + int(exponent)
    if 0 < point <= 21 and int(exponent) < 0:
        text = f"{digits[:point]}.{digits[point:]}"
    elif -6 < point <= 0:
        text = "0." + "0" * -point + digits
    else:
        text = digits[0] + ("." + digits[1:] if digits[1:] else "") + f"e{point - 1:+d}"
    return "-" + text if sign else text


def _name(name: Any, pointer: str) -> str:
    if type(name) is not str:
        raise _not_json(pointer)
    return _text(name, pointer)


def _text(text: str, pointer: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ArgumentsInvalid.not_judged(pointer, "this is not Unicode") from None
    if control := _CONTROL.search(text):
        raise ArgumentsInvalid.not_judged(pointer, f"a text has the control character U+{ord(control[0]):04X}")
    if other := _NONCHARACTER.search(text):
        raise ArgumentsInvalid.not_judged(pointer, f"a text has the noncharacter U+{ord(other[0]):04X}")
    return text


def _escaped(name: Any) -> str:
    return str(name).replace("~", "~0").replace("/", "~1")


def _not_json(pointer: str) -> UsageError:
    return UsageError(f"the argument `{pointer}` is not JSON")
