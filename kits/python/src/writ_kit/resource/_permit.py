"""A permit: one run of one handler with exactly the arguments that were judged, and the report of how it ended."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from .._http import JsonObject
from ..errors import Cancelled, Expired, NotPermitted, UsageError
from ._access import AccessServer
from ._action import FrozenAction

Outcome = Literal["completed", "failed", "not_started"]
R = TypeVar("R")
Handler = Callable[[JsonObject], R | Awaitable[R]]

_REPORT_ATTEMPTS = 3
# What goes on after its caller was cancelled: a task is kept until it ends.
_afterwards: set[asyncio.Task[Any]] = set()


def go_on(work: Coroutine[Any, Any, Any]) -> None:
    """In a task of its own, which the cancellation of this one does not reach."""
    task = asyncio.get_running_loop().create_task(work)
    _afterwards.add(task)
    task.add_done_callback(_ended)


def _ended(task: asyncio.Task[Any]) -> None:
    _afterwards.discard(task)
    if not task.cancelled():
        # What failed here was already given up.
        task.exception()


@dataclass(frozen=True, kw_only=True)
class RunOptions(Generic[R]):
    gone: asyncio.Event | None = None
    failed: Callable[[R], bool] | None = None
    """Whether an answer that was returned, not raised, says that it failed."""
    unreported: Callable[[Outcome, Exception | None], None] | None = None
    """Told where the outcome could not be reported; the handler's answer stands."""


class Permit:
    """Made by `permit`, which has to be awaited: a coroutine has no `run`."""

    def __init__(self, server: AccessServer, action: FrozenAction, decision_id: str, valid_until: float) -> None:
        self._server = server
        self._action = action
        self._is_used = False
        self.decision_id = decision_id
        self.valid_until = valid_until
        """Seconds since 1970: it begins before."""

    @property
    def arguments(self) -> JsonObject:
        """A copy of what was judged."""
        return self._action.arguments

    async def run(self, handler: Handler[R], options: RunOptions[R] | None = None) -> R:
        """Runs the handler once, in time, with the arguments that were judged, and reports how it ended."""
        settings: RunOptions[R] = options or RunOptions()
        if self._is_used:
            raise UsageError("a permit is good for one run")
        self._is_used = True
        is_gone = settings.gone is not None and settings.gone.is_set()
        if is_gone or self._server.clock.now() >= self.valid_until:
            await self._report("not_started", settings)
            raise Cancelled("call_ended") if is_gone else Expired("it did not begin in time")
        try:
            answer = handler(self.arguments)
            done: R = await answer if inspect.isawaitable(answer) else answer
        except Exception:
            await self._report("failed", settings)
            raise
        except BaseException:
            # Cancelled in the middle: what it did is not known.
            go_on(self._report("failed", settings))
            raise
        is_failure = settings.failed is not None and settings.failed(done)
        await self._report("failed" if is_failure else "completed", settings)
        return done

    async def _report(self, result: Outcome, options: RunOptions[Any]) -> None:
        cause: Exception | None = None
        for attempt in range(1, _REPORT_ATTEMPTS + 1):
            try:
                if await self._server.report({"decision_id": self.decision_id, "result": result}):
                    return
                cause = RuntimeError("the server did not take the report")
            except NotPermitted as error:
                cause = error
            if attempt < _REPORT_ATTEMPTS:
                await self._server.clock.sleep(attempt)
        if options.unreported is not None:
            options.unreported(result, cause)
