"""Decisions per action: judged by the authorization server before the action runs, by a person where it says so."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

import httpx

from .._clock import Clock, SystemClock, seconds_of
from .._http import JsonObject, Secret
from .._urls import is_safe_url
from ..errors import ArgumentsInvalid, AskLater, Denied, Expired, NotPermitted, Unavailable, UsageError
from ._access import AccessServer, fresh_key
from ._action import Action, FrozenAction
from ._caller import Caller
from ._permit import Handler, Permit, RunOptions, go_on
from ._question import Approval, Question, WaitOptions

_R = TypeVar("_R")


@dataclass(frozen=True, kw_only=True)
class GateOptions(WaitOptions, RunOptions[_R]):
    """How a gated action waits, and what the person reads beside the sentence of its type."""

    says: str | None = None
    """Shown as the resource's own words; at most 140 characters."""
    call_again: bool = False
    """
    The client can carry nothing: the same call, made again within two minutes of the yes, is permitted. The screen says so.
    """
    asked: Callable[[Question], Awaitable[None] | None] | None = None
    """Told of the question before the wait begins."""
    waited_by: str | None = None
    """For the record: by what the client was made to wait."""


@dataclass(frozen=True, slots=True)
class Looked:
    decision: bool
    reason: str | None
    can_be_asked: bool


@dataclass(frozen=True, slots=True)
class _Askable:
    """A denial that a person can lift."""

    endpoint: Any
    denial: JsonObject


class Decisions:
    def __init__(
        self,
        issuer: str,
        resource: str,
        *,
        client_id: str,
        client_secret: str,
        proofs: Literal["here", "sent"] = "here",
        client: httpx.AsyncClient | None = None,
        clock: Clock | None = None,
    ) -> None:
        """
        `client_id`: the confidential client that the resource's record names. `proofs`: `here` where the verifier checked the proof
        and the record says `verifies_proofs`; `sent` where the server checks it, which it can do once, while the proof is young.
        """
        if not is_safe_url(issuer):
            raise UsageError("`issuer` is not an https URL (http only on loopback)")
        if not client_secret or client_secret.split() != [client_secret]:
            raise UsageError("the client secret is empty or has white space: it is what `writ client add` printed")
        outside = client or httpx.AsyncClient()
        self.server = AccessServer(issuer, client_id, Secret(client_secret), outside, clock or SystemClock())
        self._resource = resource
        self._proofs = proofs

    async def check_credentials(self) -> None:
        """Whether the issuer takes the client's credentials; for the start of a service. A `UsageError` if it refuses them."""
        await self.server.check()

    async def look(self, caller: Caller, action: Action) -> Looked:
        """What would be decided. Nothing may be done upon it, and it changes nothing."""
        question = self._question(caller, FrozenAction(action), {})
        answers = (await self.server.evaluations({"evaluations": [question]})).get("evaluations")
        if not isinstance(answers, list) or len(answers) != 1 or not isinstance(answers[0], dict):
            raise Unavailable("the answer holds no decision")
        match answers[0].get("decision"):
            case True:
                return Looked(True, None, False)
            case False:
                return Looked(False, _reason_of(answers[0]), _askable_of(answers[0]) is not None)
        raise Unavailable("the answer holds no decision")

    async def permit(self, caller: Caller, action: Action) -> Permit:
        """A permit for one run, or what is raised says why not; nobody is asked."""
        decided = await self._decide(caller, FrozenAction(action), {})
        if isinstance(decided, Permit):
            return decided
        raise Denied("approval_required", "a person must be asked about this: use `gated`")

    async def gated(self, caller: Caller, action: Action, handler: Handler[_R], options: GateOptions[_R] | None = None) -> _R:
        """
        Judges; asks and waits where a person must agree; runs the handler once with what was judged; reports how it ended.
        """
        settings = _until_gone(caller, options)
        frozen = FrozenAction(action)
        decided = await self._decide(caller, frozen, {})
        if isinstance(decided, Permit):
            return await decided.run(handler, settings)
        question = await self._ask(caller, frozen, decided, settings)
        approved = await self._await(question, settings)
        return await self._run_approved(caller, frozen, approved, handler, settings)

    async def ask(self, caller: Caller, action: Action, options: GateOptions[Any] | None = None) -> Permit | Question:
        """Asks alone, where the wait is done later by `resume`: the id goes into the protocol's own state."""
        frozen = FrozenAction(action)
        decided = await self._decide(caller, frozen, {})
        if isinstance(decided, Permit):
            return decided
        return await self._ask(caller, frozen, decided, options or GateOptions())

    async def resume(
        self,
        caller: Caller,
        action: Action,
        question: str,
        handler: Handler[_R],
        options: GateOptions[_R] | None = None,
    ) -> _R:
        """Goes on with a question that was asked by an earlier message of the same call."""
        settings = _until_gone(caller, options)
        asked = await Question.resume(self.server, question)
        approved = await self._await(asked, settings)
        return await self._run_approved(caller, FrozenAction(action), approved, handler, settings)

    async def _await(self, question: Question, options: GateOptions[Any]) -> Approval:
        """A question that nobody waits for any more is taken back, unless the same call comes again."""
        try:
            if options.asked is not None:
                told = options.asked(question)
                if inspect.isawaitable(told):
                    await told
            return await question.approval(options)
        except BaseException as error:
            is_over = isinstance(error, NotPermitted) and not isinstance(error, Unavailable)
            if not is_over:
                go_on(question.cancel())
            raise

    async def _run_approved(
        self, caller: Caller, asked: FrozenAction, approved: Approval, handler: Handler[_R], options: GateOptions[_R]
    ) -> _R:
        action = asked if approved.instead is None else _less_than_asked(asked, approved.instead)
        decided = await self._decide(caller, action, {"approval": approved.approval, **_waited_by(options)})
        if isinstance(decided, Permit):
            return await decided.run(handler, options)
        raise Denied("approval_required", "the approval does not cover this call")

    async def _decide(self, caller: Caller, action: FrozenAction, context: JsonObject) -> Permit | _Askable:
        """Under a key of its own: each decision is for one run."""
        answer = await self.server.evaluate(self._question(caller, action, context), fresh_key())
        told = _context_of(answer)
        match answer.get("decision"):
            case True:
                return self._permit(action, told)
            case False:
                return _denied(answer, action, with_approval="approval" in context)
        raise Unavailable("the answer holds no decision")

    def _permit(self, action: FrozenAction, told: JsonObject) -> Permit:
        decision_id, valid_until = told.get("decision_id"), seconds_of(told.get("valid_until"))
        if not isinstance(decision_id, str) or not decision_id or valid_until is None:
            raise Unavailable("the permit is not complete")
        # A repeated answer starts nothing: its first receiver may have acted.
        if told.get("replayed", False) is not False:
            raise Unavailable("the permit was given before")
        if valid_until <= self.server.clock.now():
            raise Expired("the permit came too late")
        return Permit(self.server, action, decision_id, valid_until)

    async def _ask(self, caller: Caller, action: FrozenAction, denied: _Askable, options: GateOptions[Any]) -> Question:
        if options.says is not None and len(options.says) > 140:
            raise UsageError("`says` has more than 140 characters")
        context = {**({} if options.says is None else {"says": options.says}), **_waited_by(options)}
        body = {**self._question(caller, action, context), "denial": denied.denial}
        if options.call_again:
            body["requested_access"] = {"urn:writ:call_again": True}
        return Question(self.server, await self.server.request_access(denied.endpoint, body))

    def _question(self, caller: Caller, action: FrozenAction, context: JsonObject) -> JsonObject:
        presented = caller.presented
        shown: JsonObject = {**context, "access_token": presented.token.expose()}
        if presented.dpop is not None and self._proofs == "sent":
            dpop = presented.dpop
            shown["dpop"] = {"proof": dpop.proof.expose(), "htm": dpop.htm, "htu": dpop.htu}
        if action.definition_hash is not None:
            shown["definition_hash"] = action.definition_hash
        return {"subject": {"type": "user", "id": caller.subject.id}, **action.wire(self._resource), "context": shown}


def _denied(answer: JsonObject, action: FrozenAction, *, with_approval: bool) -> _Askable:
    told, reason = _context_of(answer), _reason_of(answer)
    spoken = told.get("reason_user")
    words = spoken.get("en") if isinstance(spoken, dict) else None
    words = words if isinstance(words, str) else ""
    if told.get("next_action") == "retry":
        seconds = told.get("retry_after")
        whole = seconds if type(seconds) is int and seconds >= 0 else 5
        raise AskLater(whole, words or "nobody was asked now")
    is_no = told.get("next_action") == "none"
    if reason == "approval_expired" and not is_no:
        # Used or lapsed, as the server says it; a person who ended it is not asked again.
        raise Expired(words or "the approval is over")
    if reason == "arguments_invalid":
        raise ArgumentsInvalid(words, "tool" if action.is_tool else "action")
    askable = _askable_of(answer)
    # One question for one call: what an approval did not lift is a no.
    if askable is None or with_approval or is_no:
        raise Denied(reason, words)
    return askable


def _until_gone(caller: Caller, options: GateOptions[_R] | None) -> GateOptions[_R]:
    settings: GateOptions[_R] = options or GateOptions()
    return settings if settings.gone is not None else replace(settings, gone=caller.gone)


def _waited_by(options: GateOptions[Any]) -> JsonObject:
    return {} if options.waited_by is None else {"waited_by": options.waited_by}


def _context_of(answer: JsonObject) -> JsonObject:
    context = answer.get("context")
    return context if isinstance(context, dict) else {}


def _reason_of(answer: JsonObject) -> str:
    reason = _context_of(answer).get("reason")
    return reason if isinstance(reason, str) else "denied"


def _askable_of(answer: JsonObject) -> _Askable | None:
    """Whatever is missing that binds a question to its denial makes it a plain no."""
    context = _context_of(answer)
    hint, identifier = context.get("access_request"), context.get("evaluation_id")
    if not isinstance(hint, dict) or not isinstance(identifier, str) or not isinstance(hint.get("expires_at"), str):
        return None
    denial: JsonObject = {"evaluation_id": identifier, "expires_at": hint["expires_at"]}
    for name in ("evaluated_at", "reason"):
        if isinstance(context.get(name), str):
            denial[name] = context[name]
    return _Askable(hint.get("endpoint"), denial)


def _less_than_asked(asked: FrozenAction, instead: JsonObject) -> FrozenAction:
    """The object that a person approved instead, as arguments of the same action."""
    members = {name: value for name, value in instead.items() if name not in ("type", "locations")}
    if not asked.is_tool:
        if instead.get("type") != asked.name:
            raise Unavailable("the approval is of another type")
        return asked.with_arguments(members)
    if members.get("tool") != asked.name or not isinstance(members.get("arguments"), dict):
        raise Unavailable("the approval is of another tool")
    return asked.with_arguments(members["arguments"])
