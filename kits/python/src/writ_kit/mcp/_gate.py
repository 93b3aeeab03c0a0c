"""
A tool that waits for a yes. How the client is made to wait, best first: it declares URL elicitation and gets the approval page; it sent a
progress token and hears of progress; it speaks 2026-07-28 and carries our state; none of these, and it is told to call again.
"""

from __future__ import annotations

import asyncio
import functools
import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal, get_type_hints

from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError, UrlElicitationRequiredError
from mcp_types import ElicitRequest, ElicitRequestURLParams, InputRequiredResult
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from .._http import JsonObject
from ..errors import AskLater, Cancelled, NotPermitted, StillWaiting, UsageError
from ..resource import Action, Caller, Decisions, GateOptions, Permit, Question
from ._arguments import Arguments, Run
from ._definition import definition_hash

WaitedBy = Literal["url_elicitation", "url_elicitation_required", "progress", "input_required", "call_again"]
"""For the record: by what the client was made to wait."""

_STATE = re.compile(r"writ:([A-Za-z0-9_-]{1,128}):([0-9]{1,2})")
# A client gives up after ten rounds of one call.
_MAX_ROUNDS = 8
_ROUND_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Situation:
    """What the SDK knows of the message behind a call."""

    message: ServerRequestContext[Any, Any]
    server: Any
    """The SDK's low-level server, which lists the tools."""
    caller: Caller
    gone: asyncio.Event | None
    state: str | None
    """What an earlier round of the same call left with the client."""
    responses: Any

    @property
    def is_modern(self) -> bool:
        return self.message.protocol_version in MODERN_PROTOCOL_VERSIONS

    @property
    def takes_pages(self) -> bool:
        capabilities = self.message.session.client_capabilities
        elicitation = None if capabilities is None else capabilities.elicitation
        return elicitation is not None and elicitation.url is not None

    @property
    def has_progress_token(self) -> bool:
        return (self.message.meta or {}).get("progress_token") is not None


class GateBase(ABC):
    """Of a gate what both SDKs have in common."""

    def __init__(
        self,
        decisions: Decisions,
        *,
        progress_every: int = 4,
        patience: float = 8,
        hold_for: float | None = None,
        url_elicitation: Literal["request", "required"] = "request",
        waiting: Callable[[WaitedBy, str], None] | None = None,
    ) -> None:
        """
        `progress_every`: seconds between two notifications. `patience`: seconds after which a client that can only call again is told
        so. `hold_for`: seconds after which every client is told to call again; by default the wait ends with the question.
        `url_elicitation`: `required` tells the page in the error -32042, for servers that cannot send requests. `waiting` hears of each
        call that waits.
        """
        self._decisions = decisions
        self._progress_every = progress_every
        self._patience = patience
        self._hold_for = hold_for
        self._url_elicitation = url_elicitation
        self._waiting = waiting

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
            injected = frozenset(self._injected(handler, hints))
            arguments = Arguments(handler, hints, injected)

            @functools.wraps(handler)
            async def wrapper(**given: Any) -> Any:
                situation = self._situation(given, injected)
                wire, run = arguments.taken(given)
                return await self._call(name, wire, run, situation, None if says is None else says(wire))

            wrapper.__annotations__ = hints
            self._sign(wrapper, handler, injected)
            return wrapper

        return gate

    @abstractmethod
    def _injected(self, handler: Callable[..., Any], hints: dict[str, Any]) -> Iterable[str]:
        """The parameters that the SDK fills in itself."""

    @abstractmethod
    def _situation(self, given: dict[str, Any], injected: frozenset[str]) -> Situation:
        """Of the call that runs; takes out of `given` what is the gate's own."""

    def _sign(self, wrapper: Callable[..., Any], handler: Callable[..., Any], injected: frozenset[str]) -> None:
        """What the SDK is to know of the wrapper beside the handler's signature."""
        return

    @abstractmethod
    def _refusal(self, text: str, code: str, retry_after: int | None) -> Any:
        """The answer of a tool that did nothing; returned or raised."""

    async def _call(self, tool: str, arguments: JsonObject, run: Run, situation: Situation, says: str | None) -> Any:
        way = self._way(situation)
        pages: list[asyncio.Task[None]] = []
        options: GateOptions[Any] = self._options(way, tool, situation, says, pages)
        try:
            hash_now = await definition_hash(situation.server, situation.message, tool)
            action = Action.tool(tool, arguments, hash_now)
            if situation.state is not None:
                return await self._resume(action, run, situation, options)
            if situation.is_modern and way in ("url_elicitation", "input_required"):
                return await self._first_round(action, run, situation, options)
            return await self._decisions.gated(situation.caller, action, run, options)
        except StillWaiting as waiting:
            if way == "url_elicitation_required" and waiting.review is not None:
                page = ElicitRequestURLParams(message=_words(tool), url=waiting.review, elicitation_id=waiting.task)
                raise UrlElicitationRequiredError([page], _words(tool)) from None
            return self._refusal(_still_waiting(waiting, tool), waiting.code, None)
        except NotPermitted as error:
            retry_after = error.retry_after if isinstance(error, AskLater) else None
            return self._refusal(error.sentence, error.code, retry_after)
        except UsageError as error:
            return self._refusal(f"{tool} was not called: {error}.", "usage", None)
        finally:
            # A page that nobody needs any more is taken back.
            for opened in pages:
                opened.cancel()

    def _way(self, situation: Situation) -> WaitedBy:
        if situation.takes_pages:
            return "url_elicitation" if self._url_elicitation == "request" or situation.is_modern else "url_elicitation_required"
        if situation.has_progress_token:
            return "progress"
        return "input_required" if situation.is_modern else "call_again"

    def _options(
        self, way: WaitedBy, tool: str, situation: Situation, says: str | None, pages: list[asyncio.Task[None]]
    ) -> GateOptions[Any]:
        hold = {"call_again": self._patience, "url_elicitation_required": 0.0}.get(way, self._hold_for)
        page = way == "url_elicitation" and not situation.is_modern
        reviews: list[str] = []

        def asked(question: Question) -> None:
            if self._waiting is not None:
                self._waiting(way, tool)
            if question.review is not None:
                reviews.append(question.review)
            if page and question.review is not None:
                pages.append(asyncio.create_task(_elicit(question, tool, situation)))

        return GateOptions(
            gone=situation.gone,
            hold_for=hold,
            progress=_progress(tool, situation, reviews) if situation.has_progress_token else None,
            poll=self._progress_every if situation.has_progress_token else 25,
            says=says,
            call_again=way in ("call_again", "url_elicitation_required") or self._hold_for is not None,
            asked=asked,
            waited_by=way,
            failed=lambda result: getattr(result, "is_error", False) is True,
        )

    async def _first_round(self, action: Action, run: Run, situation: Situation, options: GateOptions[Any]) -> Any:
        """2026-07-28: the server cannot ask the client, so it answers with what it wants, and the client comes again."""
        asked = await self._decisions.ask(situation.caller, action, options)
        if isinstance(asked, Permit):
            return await asked.run(run, options)
        if self._waiting is not None and options.waited_by in ("url_elicitation", "input_required"):
            self._waiting(options.waited_by, action.name)  # type: ignore[arg-type]
        state = f"writ:{asked.id}:0"
        if asked.review is None or not situation.takes_pages:
            return InputRequiredResult(request_state=state)
        page = ElicitRequest(params=ElicitRequestURLParams(message=_words(action.name), url=asked.review))
        return InputRequiredResult(input_requests={"approval": page}, request_state=state)

    async def _resume(self, action: Action, run: Run, situation: Situation, options: GateOptions[Any]) -> Any:
        state = _STATE.fullmatch(situation.state or "")
        if state is None:
            raise UsageError("the state of this call is not ours")
        if _declined(situation.responses):
            question = await Question.resume(self._decisions.server, state[1])
            await question.cancel("declined")
            raise Cancelled("declined")
        rounds = int(state[2]) + 1
        held = replace(options, hold_for=_ROUND_SECONDS if self._hold_for is None else self._hold_for, asked=None)
        try:
            return await self._decisions.resume(situation.caller, action, state[1], run, held)
        except StillWaiting:
            if rounds >= _MAX_ROUNDS:
                raise
            return InputRequiredResult(request_state=f"writ:{state[1]}:{rounds}")


def _progress(tool: str, situation: Situation, reviews: list[str]) -> Callable[[float], Awaitable[None]]:
    """
    A notification every few seconds, where the client asked for them. The number rises and stays below zero, so that the tool's own
    progress rises after it (MCP 2025-11-25, progress).
    """
    told = 0

    async def tell(waited: float) -> None:
        nonlocal told
        told += 1
        # Clients show the message: who reads it may be the person.
        page = f": decide here: {reviews[-1]}" if reviews else ""
        try:
            await situation.message.session.report_progress(-1 / told, None, f"waiting for a person's yes to {tool}{page}")
        except (MCPError, OSError):
            # A client that does not hear it still waits for the answer.
            return

    return tell


async def _elicit(question: Question, tool: str, situation: Situation) -> None:
    """Sends the page; the answer to the question is polled for beside it, for the person may decide elsewhere."""
    message = situation.message
    try:
        answer = await message.session.elicit_url(_words(tool), question.review or "", question.id, message.request_id)
    except Exception:  # A client that cannot be asked is waited for all the same: nothing is permitted by this.
        return
    # Who closes the page may still decide on the phone; who declines wants no question.
    if answer.action == "decline":
        await question.cancel("declined")


def _declined(responses: Any) -> bool:
    answer = (responses or {}).get("approval")
    return getattr(answer, "action", None) == "decline"


def _words(tool: str) -> str:
    return f"A person must agree to {tool}: open the page to decide"


def _still_waiting(waiting: StillWaiting, tool: str) -> str:
    page = "" if waiting.review is None else f" The person can decide here: {waiting.review}"
    return (
        f"Waiting for a person's yes to {tool}. Nothing was done. "
        f"Call this tool again with the same arguments in a few seconds to find the answer.{page}"
    )
