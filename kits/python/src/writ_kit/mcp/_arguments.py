"""
The arguments of a gated tool: what is judged is JSON, and what the handler gets is made of that JSON alone. SDKs give the gate objects of
Python's types, which may hold more than they write: a secret, a member that is excluded.
"""

from __future__ import annotations

import asyncio
import copy
import functools
import inspect
import json
from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python

from .._http import JsonObject
from ..errors import UsageError

Run = Callable[[JsonObject], Awaitable[Any]]


class Arguments:
    """Of one handler, without what the SDK fills in itself."""

    def __init__(self, handler: Callable[..., Any], hints: dict[str, Any], injected: frozenset[str]) -> None:
        self._handler = handler
        self._injected = injected
        parameters = inspect.signature(handler).parameters.values()
        self._each = {one.name: _Argument(one, hints.get(one.name, Any)) for one in parameters if one.name not in injected}

    def taken(self, given: dict[str, Any]) -> tuple[JsonObject, Run]:
        """The arguments as JSON, and the run of the handler with what was judged, or with what a person approved instead."""
        others = {name: value for name, value in given.items() if name in self._injected}
        own = {name: (self._each[name], value) for name, value in given.items() if name not in others}
        # An optional argument that was not given is none, as it is on the wire.
        wire: JsonObject = {name: one.json_of(value) for name, (one, value) in own.items() if not one.is_left_out(value)}
        defaults = {name for name in wire if own[name][0].is_default(own[name][1])}
        sent = copy.deepcopy(wire)

        async def run(judged: JsonObject) -> Any:
            if judged.keys() - sent.keys():
                raise UsageError("the approval has arguments that this tool has not")
            made = {
                name: self._each[name].default() if name in defaults and value == sent[name] else self._each[name].made_of(value)
                for name, value in judged.items()
            }
            if inspect.iscoroutinefunction(self._handler):
                return await self._handler(**made, **others)
            result = await asyncio.to_thread(functools.partial(self._handler, **made, **others))
            return await result if inspect.isawaitable(result) else result

        return wire, run


class _Argument:
    def __init__(self, parameter: inspect.Parameter, hint: Any) -> None:
        self._name = parameter.name
        self._default = parameter.default
        self._type: TypeAdapter[Any] = TypeAdapter(hint)

    def is_left_out(self, value: Any) -> bool:
        return value is None and self._default is None

    def is_default(self, value: Any) -> bool:
        return type(value) is type(self._default) and bool(value == self._default)

    def default(self) -> Any:
        return copy.deepcopy(self._default)

    def json_of(self, value: Any) -> Any:
        """What does not come back from its JSON as it was is refused: a person would be shown something else."""
        if self.is_default(value):
            # The program's own: whatever a client sent that is equal to it, this is judged.
            return self._jsonable(self._default)
        plain = self._jsonable(value)
        try:
            is_whole = bool(self._type.validate_json(json.dumps(plain)) == value)
        except Exception:  # Types compare and convert by code of their own.
            is_whole = False
        if not is_whole:
            raise UsageError(f"the argument `/{self._name}` holds what its JSON does not show")
        return plain

    def made_of(self, judged: Any) -> Any:
        try:
            return self._type.validate_json(json.dumps(judged))
        except ValidationError:
            raise UsageError(f"what was approved is no `/{self._name}` of this tool") from None

    def _jsonable(self, value: Any) -> Any:
        try:
            return to_jsonable_python(value, inf_nan_mode="constants", round_trip=True)
        except (ValueError, TypeError):
            raise UsageError(f"the argument `/{self._name}` is not JSON") from None
