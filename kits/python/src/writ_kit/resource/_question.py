"""One question to a person: asked, awaited, cancelled. What is not plainly an approval is none."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from .._clock import seconds_of
from .._http import JsonObject
from ..errors import AskLater, Cancelled, Denied, Expired, NotPermitted, StillWaiting, Unavailable
from ._access import MAX_WAIT, AccessServer

# Where the server names no interval, in seconds.
_INTERVAL = 5
_MAX_LOST_ANSWERS = 5
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Approval:
    """An approval, as it came: it goes back unchanged."""

    approval: JsonObject
    instead: JsonObject | None
    """What a person approved instead, where that is less."""


@dataclass(frozen=True, kw_only=True)
class WaitOptions:
    gone: asyncio.Event | None = None
    """Ends the wait, and cancels the question: the caller is gone. So does the cancellation of the task that waits."""
    hold_for: float | None = None
    """Seconds after which the wait ends without a decision: `StillWaiting`, and the question stays open."""
    progress: Callable[[float], Awaitable[None] | None] | None = None
    """Called before each poll: how many seconds were waited."""
    poll: int = MAX_WAIT
    """Seconds for which one poll is held, at most 25."""


class Question:
    def __init__(self, server: AccessServer, answer: JsonObject) -> None:
        task = answer.get("task")
        if not isinstance(task, dict) or not isinstance(task.get("id"), str) or not task["id"]:
            raise Unavailable("the answer to the question names no task")
        self.id: str = task["id"]
        self._server = server
        self._status_endpoint = server.ours(task.get("status_endpoint"))
        links = task.get("links")
        links = links if isinstance(links, dict) else {}
        self.review = server.ours(links["review"]) if isinstance(links.get("review"), str) else None
        """The page at which the person decides."""
        self._cancel = server.ours(links["cancel"]) if isinstance(links.get("cancel"), str) else None
        self._expires_at = seconds_of(task.get("expires_at"))
        self._latest = answer
        self._after: int | None = None

    @classmethod
    async def resume(cls, server: AccessServer, identifier: str) -> Question:
        """
        The question of an id that a protocol's state carried. Whose it is, the server judges when its approval is presented.
        """
        requests = (await server.endpoints()).requests
        if requests is None or not re.fullmatch(r"[A-Za-z0-9_-]{1,128}", identifier):
            raise Unavailable("there is no such question")
        body, _ = await server.status(f"{requests}/{identifier}", 0)
        found = cls(server, body)
        if found.id != identifier:
            raise Unavailable("the answer is about another question")
        return found

    async def approval(self, options: WaitOptions) -> Approval:
        """The approval; whatever else the question ends in is raised."""
        clock = self._server.clock
        begun = clock.now()
        lost = 0
        while True:
            decided = _decision(self._latest, self.id, clock.now())
            if decided is not None:
                return decided
            waited = clock.now() - begun
            await self._end_if_over(options, waited)
            await _told(options, waited)
            left = MAX_WAIT if options.hold_for is None else max(0, options.hold_for - waited)
            wait = int(max(0, min(MAX_WAIT, options.poll, left)))
            try:
                asked = clock.now()
                self._latest, self._after = await _unless_gone(self._server.status(self._status_endpoint, wait), options)
                lost = 0
                if _is_pending(self._latest):
                    await self._pause(clock.now() - asked, left, options)
            except _Gone:
                continue
            except Expired:
                raise
            except NotPermitted as error:
                lost += 1
                if lost > _MAX_LOST_ANSWERS:
                    raise
                pause = error.retry_after if isinstance(error, AskLater) else _INTERVAL * lost
                await clock.sleep(min(pause, 60, max(left, 1)))

    async def cancel(self, reason: str = "call_ended") -> bool:
        """Nobody waits any more. False where it was decided already."""
        return self._cancel is not None and await self._server.cancel(self._cancel, reason) == 200

    async def _end_if_over(self, options: WaitOptions, waited: float) -> None:
        if options.gone is not None and options.gone.is_set():
            try:
                await self.cancel()
            except NotPermitted:
                pass
            raise Cancelled("call_ended")
        if self._expires_at is not None and self._server.clock.now() >= self._expires_at:
            raise Expired("nobody decided in time")
        if options.hold_for is not None and waited >= options.hold_for:
            raise StillWaiting(self.id, self.review)

    async def _pause(self, held: float, left: float, options: WaitOptions) -> None:
        """As long as the server says, less what it held the poll."""
        wanted = _INTERVAL if self._after is None else self._after
        if held < wanted:
            await _unless_gone(self._server.clock.sleep(min(wanted - held, max(left, 1))), options)


class _Gone(Exception):
    pass


async def _unless_gone(awaited: Awaitable[_T], options: WaitOptions) -> _T:
    if options.gone is None:
        return await awaited
    working = asyncio.ensure_future(awaited)
    leaving = asyncio.ensure_future(options.gone.wait())
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise _Gone
        return working.result()
    finally:
        working.cancel()
        leaving.cancel()


async def _told(options: WaitOptions, waited: float) -> None:
    if options.progress is not None:
        told = options.progress(waited)
        if inspect.isawaitable(told):
            await told


def _is_pending(answer: JsonObject) -> bool:
    task = answer.get("task")
    return isinstance(task, dict) and task.get("status") == "pending"


def _decision(answer: JsonObject, identifier: str, now: int) -> Approval | None:
    """None while it is pending. A status or mode that is not known is no approval."""
    task = answer.get("task")
    if not isinstance(task, dict) or task.get("id") != identifier:
        raise Unavailable("the answer is about another question")
    match task.get("status"):
        case "pending":
            return None
        case "approved":
            return _approval_of(answer.get("result"), now)
        case "denied":
            raise Denied("person", "the person said no")
        case "expired":
            raise Expired("nobody decided in time")
        case "cancelled":
            reason = task.get("reason")
            raise Cancelled(reason if isinstance(reason, str) else "cancelled")
        case other:
            word = other[:40] if isinstance(other, str) else "none"
            raise Unavailable(f"the question ended in a way that is no approval ({word})")


def _approval_of(result: Any, now: int) -> Approval:
    if not isinstance(result, dict) or result.get("mode") != "reevaluate":
        raise Unavailable("the approval has a mode that is not known")
    approval = result.get("approval")
    if not isinstance(approval, dict) or not isinstance(approval.get("id"), str) or not approval["id"]:
        raise Unavailable("the approval is not complete")
    until = seconds_of(approval.get("approved_until"))
    if until is None:
        raise Unavailable("the approval is not complete")
    if until <= now:
        raise Expired("the approval is over")
    if "authorization_details" not in approval:
        return Approval(approval, None)
    instead = approval["authorization_details"]
    if not isinstance(instead, list) or len(instead) != 1 or not isinstance(instead[0], dict):
        raise Unavailable("the approval is of more than one object")
    return Approval(approval, instead[0])
