"""
Arguments by the JSON text that came (RFC 8259): what `json.loads` loses, digits and members that are there twice, is kept as what was
misread, to be refused with its place as the server does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from ..errors import ArgumentsInvalid

INEXACT = "this number is not read alike by every parser: send it as text"


@dataclass(frozen=True, slots=True)
class Misread:
    """Stands where a value would, and says what is wrong with it."""

    why: str


def read_object(text: str, pointer: str) -> Mapping[str, Any]:
    hooks: dict[str, Any] = {
        "object_pairs_hook": _members,
        "parse_float": _float,
        "parse_int": _integer,
        "parse_constant": _constant,
    }
    try:
        value = json.loads(text, **hooks)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, Misread):
        raise ArgumentsInvalid.not_judged(pointer, value.why)
    if not isinstance(value, dict):
        raise ArgumentsInvalid.not_judged(pointer, "this is no JSON object")
    return value


def decimal_of(double: float) -> Decimal:
    """By the fewest digits that tell it from its neighbours, which are those of canonical JSON (RFC 8785 section 3.2.2.3)."""
    return Decimal(repr(double))


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any] | Misread:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            return Misread(f"the member `{name}` is there twice")
        members[name] = value
    return members


def _float(text: str) -> float | Misread:
    mantissa = text.lower().partition("e")[0]
    if not mantissa.strip("-0."):
        return 0.0
    number = float(text)
    try:
        is_exact = Decimal(text) == decimal_of(number)
    except InvalidOperation:
        is_exact = False
    return number if is_exact else Misread(INEXACT)


def _integer(text: str) -> int | Misread:
    try:
        return int(text)
    except ValueError:
        # More digits than Python reads, and than a double has.
        return Misread(INEXACT)


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
