"""What is judged of a tool's arguments is what its handler gets, whatever Python's types hide."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field as member
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, get_type_hints
from uuid import UUID

import pytest
from pydantic import BaseModel, Field, PlainSerializer, PrivateAttr, SecretStr, computed_field
from pydantic.dataclasses import dataclass as checked

from writ_kit.errors import UsageError
from writ_kit.mcp._arguments import Arguments


class Hides(BaseModel):
    amount: int
    to: str = Field(exclude=True)


class HidesADefault(BaseModel):
    amount: int
    to: str = Field("bank", exclude=True)


class WritesOtherwise(BaseModel):
    to: Annotated[str, PlainSerializer(lambda _: "bank")]


class OwnEquality(BaseModel):
    amount: int
    to: str = Field("bank", exclude=True)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OwnEquality) and self.amount == other.amount


class Private(BaseModel):
    amount: int
    _to: str = PrivateAttr("bank")


class Renamed(BaseModel):
    sender: str = Field(alias="from")

    @computed_field  # type: ignore[prop-decorator]
    @property
    def shout(self) -> str:
        return self.sender.upper()


@checked
class Hidden:
    amount: int
    to: str = Field("bank", exclude=True)


@dataclass
class Plain:
    amount: int
    note: str = member(default="", compare=False)


class Colour(Enum):
    RED = "red"


def of(hint: Any, default: Any = inspect.Parameter.empty) -> tuple[Arguments, list[Any]]:
    ran: list[Any] = []

    def tool(value: Any) -> None:
        ran.append(value)

    tool.__annotations__["value"] = hint
    if default is not inspect.Parameter.empty:
        tool.__defaults__ = (default,)
    return Arguments(tool, get_type_hints(tool, include_extras=True), frozenset()), ran


def with_private(to: str) -> Private:
    made = Private(amount=5)
    made._to = to
    return made


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (SecretStr, SecretStr("hidden")),
        (SecretStr | None, SecretStr("hidden")),
        (list[SecretStr], [SecretStr("hidden")]),
        (dict[str, SecretStr], {"a": SecretStr("hidden")}),
        (Hides, Hides(amount=5, to="elsewhere")),
        (HidesADefault, HidesADefault(amount=5, to="elsewhere")),
        (list[HidesADefault], [HidesADefault(amount=5, to="elsewhere")]),
        (WritesOtherwise, WritesOtherwise(to="elsewhere")),
        (Private, with_private("elsewhere")),
        (Hidden, Hidden(amount=5, to="elsewhere")),
        (float, float("nan")),
        (Any, object()),
    ],
    ids=lambda one: getattr(one, "__name__", str(one))[:30],
)
def test_what_its_json_does_not_show_is_refused(hint: Any, value: Any) -> None:
    arguments, ran = of(hint)
    with pytest.raises(UsageError):
        arguments.taken({"value": value})
    assert ran == []


@pytest.mark.parametrize(
    ("hint", "value", "wire"),
    [
        (str, "milk", "milk"),
        (float, 5.0, 5),
        (int | str, "5", "5"),
        (Any, {"a": [1, None]}, {"a": [1, None]}),
        (datetime, datetime(2026, 7, 28, tzinfo=UTC), "2026-07-28T00:00:00Z"),
        (Decimal, Decimal("1.10"), "1.10"),
        (UUID, UUID(int=1), str(UUID(int=1))),
        (Colour, Colour.RED, "red"),
        (set[int], {1}, [1]),
        (tuple[int, str], (1, "a"), [1, "a"]),
        (bytes, b"a", "a"),
        (Renamed, Renamed.model_validate({"from": "alice"}), {"from": "alice"}),
        (Plain, Plain(5, "seen"), {"amount": 5, "note": "seen"}),
    ],
    ids=lambda one: getattr(one, "__name__", str(one))[:30],
)
def test_the_handler_gets_what_was_judged(hint: Any, value: Any, wire: Any) -> None:
    arguments, ran = of(hint)
    judged, run = arguments.taken({"value": value})
    assert judged == {"value": wire}
    asyncio.run(run(judged))
    assert ran == [value]
    assert type(ran[0]) is type(value)


def test_an_equality_of_its_own_hides_nothing_from_who_judges() -> None:
    arguments, ran = of(OwnEquality)
    judged, run = arguments.taken({"value": OwnEquality(amount=5, to="elsewhere")})
    asyncio.run(run(judged))
    assert (judged["value"], ran[0].to) == ({"amount": 5}, "bank")
    default = OwnEquality(amount=5)
    arguments, ran = of(OwnEquality, default)
    judged, run = arguments.taken({"value": OwnEquality(amount=5, to="elsewhere")})
    asyncio.run(run(judged))
    assert ran[0].to == "bank"


@pytest.mark.parametrize(("default", "wire"), [((), []), (5, 5), (SecretStr("the program's own"), "**********")], ids=str)
def test_a_default_is_given_as_it_is(default: Any, wire: Any) -> None:
    arguments, ran = of(Sequence[str] | int | SecretStr, default)
    judged, run = arguments.taken({"value": default})
    assert judged == {"value": wire}
    asyncio.run(run(judged))
    assert ran == [default]


def test_less_goes_in_as_the_type_that_it_is_and_more_does_not() -> None:
    arguments, ran = of(Plain)
    _, run = arguments.taken({"value": Plain(5)})
    asyncio.run(run({"value": {"amount": 3, "note": ""}}))
    assert ran == [Plain(3)]
    for other in ({"value": {"amount": "much"}}, {"value": {"amount": 3}, "more": 1}):
        with pytest.raises(UsageError):
            asyncio.run(run(other))


def test_changes_after_it_was_taken_are_not_seen() -> None:
    arguments, ran = of(Plain)
    given = Plain(5)
    judged, run = arguments.taken({"value": given})
    given.amount = 500
    asyncio.run(run(judged))
    assert ran == [Plain(5)]
