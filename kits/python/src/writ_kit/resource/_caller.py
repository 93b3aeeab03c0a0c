"""
The caller of an accepted request, from claims whose signature, issuer, audience and time were checked (RFC 9068, RFC 8693 section
4.1). Read strictly: a token with a claim that is not understood is refused.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from typing import Any, Literal

from .._clock import seconds_of
from .._http import JsonObject, Secret
from ._rejection import Challenger, Reason, Refusal, Rejection, Scheme

# More `act` objects than the issuer makes are refused.
_MAX_ACTORS = 4
_ACTOR_PROFILES = ("ai_agent", "native_app", "web_app")


@dataclass(frozen=True, slots=True)
class Subject:
    kind: Literal["person", "agent", "client"]
    id: str


@dataclass(frozen=True, slots=True)
class Actor:
    iss: str
    sub: str
    delegation: str
    """`dlg`: the delegation that made this hop."""


@dataclass(frozen=True, slots=True)
class Task:
    """The unit of work (`mission`)."""

    id: str
    issuer: str
    purpose: str | None
    """The text that a person approved, if this resource asks for it."""
    authority_hash: str
    expires_at: float
    """Seconds since 1970."""


@dataclass(frozen=True, slots=True)
class PresentedProof:
    proof: Secret
    htm: str
    htu: str


@dataclass(frozen=True, slots=True)
class Presented:
    """What a decision is asked with: never printed, sent to the authorization server alone."""

    token: Secret
    dpop: PresentedProof | None


@dataclass(frozen=True, slots=True)
class Answering:
    challenger: Challenger
    scheme: Scheme


@dataclass(frozen=True, slots=True)
class Caller:
    """For whom, by which agents, in which task, with which authority: never a bare `sub`."""

    subject: Subject
    actors: tuple[Actor, ...]
    """Outermost first; empty for a client that acts for itself."""
    client: str
    task: Task | None
    scopes: frozenset[str]
    details: tuple[JsonObject, ...]
    """`authorization_details` of the token."""
    delegation: str | None
    key: str | None
    """The thumbprint of the key that the token is bound to."""
    token_id: str
    expires_at: int
    claims: JsonObject = field(repr=False)
    """Every claim as the token says it."""
    presented: Presented = field(repr=False)
    answering: Answering = field(repr=False)
    gone: asyncio.Event | None = field(default=None, repr=False, compare=False)
    """Set when the connection of its request is closed, where `Protect` or `Guard` listens: `gated` waits no longer then."""

    @classmethod
    def read(cls, claims: JsonObject, presented: Presented, answering: Answering, now: int) -> Caller:
        actors = _actors(claims)
        subject = _subject(claims)
        by_agent = bool(actors) or subject.kind == "agent"
        task = _task(claims, by_agent, now)
        key = key_of(claims)
        agent_acts = any(act.get("sub_profile") == "ai_agent" for act in _chain(claims))
        if (subject.kind == "agent" or agent_acts) and key is None:
            raise Refusal(Reason.UNBOUND_AGENT)
        return cls(
            subject=subject,
            actors=actors,
            client=claims["client_id"],
            task=task,
            scopes=_scopes(claims),
            details=_details(claims),
            delegation=actors[0].delegation if actors else _optional(claims, "dlg"),
            key=key,
            token_id=claims["jti"],
            expires_at=claims["exp"],
            claims=claims,
            presented=presented,
            answering=answering,
        )

    @property
    def agent(self) -> str | None:
        """The agent that acts now; None for a plain client."""
        if self.actors:
            return self.actors[0].sub
        return self.subject.id if self.subject.kind == "agent" else None

    def require_scope(self, name: str) -> None:
        """Refuses with 403 `insufficient_scope` (RFC 6750 section 3.1)."""
        if name in self.scopes:
            return
        refusal = Refusal(Reason.INSUFFICIENT_SCOPE, f"the scope `{name}` is needed")
        raise Rejection(refusal, self.answering.challenger, self.answering.scheme, scope=name)


def check_shape(claims: JsonObject) -> None:
    """Members that are objects or absent, also where a reader would forgive `null` or a list."""
    for name in ("cnf", "mission", "approval"):
        if name in claims and not isinstance(claims[name], dict):
            raise Refusal(Reason.CLAIM, f"the token's `{name}` is no object")
    _chain(claims)


def key_of(claims: JsonObject) -> str | None:
    if "cnf" not in claims:
        return None
    jkt = claims["cnf"].get("jkt")
    if not isinstance(jkt, str) or not re.fullmatch(r"[A-Za-z0-9_-]{43}", jkt):
        raise Refusal(Reason.CLAIM, "the token's `cnf` cannot be read")
    return jkt


def _chain(claims: JsonObject) -> list[JsonObject]:
    chain: list[JsonObject] = []
    holder = claims
    while "act" in holder:
        act = holder["act"]
        if not isinstance(act, dict):
            raise _chain_refused("an `act` is not an object")
        chain.append(act)
        if len(chain) > _MAX_ACTORS:
            raise _chain_refused("it has too many actors")
        holder = act
    return chain


def _actors(claims: JsonObject) -> tuple[Actor, ...]:
    actors: list[Actor] = []
    for act in _chain(claims):
        iss, sub, dlg = act.get("iss"), act.get("sub"), act.get("dlg")
        if not isinstance(iss, str) or not isinstance(sub, str) or not isinstance(dlg, str):
            raise _chain_refused("an actor is not complete")
        if iss != claims["iss"]:
            raise _chain_refused("an actor is of another issuer")
        if act.get("sub_profile") not in _ACTOR_PROFILES:
            raise _chain_refused("an actor is no agent")
        if any(actor.sub == sub for actor in actors):
            raise _chain_refused("an actor stands in it twice")
        actors.append(Actor(iss, sub, dlg))
    return tuple(actors)


def _subject(claims: JsonObject) -> Subject:
    sub: str = claims["sub"]
    if "sub_profile" not in claims and "act" not in claims and sub == claims["client_id"]:
        return Subject("client", sub)
    match claims.get("sub_profile"):
        case "user":
            return Subject("person", sub)
        case "ai_agent":
            return Subject("agent", sub)
    raise Refusal(Reason.CLAIM, "the token's `sub_profile` is not what an access token of this issuer says")


def _task(claims: JsonObject, by_agent: bool, now: int) -> Task | None:
    mission = claims.get("mission")
    if mission is None:
        if by_agent:
            raise Refusal(Reason.NO_TASK)
        return None
    identifier, purpose = mission.get("id"), mission.get("purpose")
    authority_hash, expires_at = mission.get("authority_hash"), seconds_of(mission.get("expires_at"))
    if not isinstance(identifier, str) or not identifier or mission.get("issuer") != claims["iss"]:
        raise Refusal(Reason.TASK)
    if not isinstance(authority_hash, str) or expires_at is None or expires_at <= now:
        raise Refusal(Reason.TASK)
    if purpose is not None and not isinstance(purpose, str):
        raise Refusal(Reason.TASK)
    return Task(identifier, claims["iss"], purpose, authority_hash, expires_at)


def _scopes(claims: JsonObject) -> frozenset[str]:
    scope = _optional(claims, "scope") or ""
    if not re.fullmatch(r"[!#-\[\]-~ ]*", scope):
        raise Refusal(Reason.CLAIM, "the scope of the token cannot be read")
    return frozenset(scope.split(" ")) - {""}


def _details(claims: JsonObject) -> tuple[JsonObject, ...]:
    details: Any = claims.get("authorization_details", [])
    if not isinstance(details, list) or not all(isinstance(one, dict) and isinstance(one.get("type"), str) for one in details):
        raise Refusal(Reason.CLAIM, "the token's `authorization_details` cannot be read")
    return tuple(details)


def _optional(claims: JsonObject, name: str) -> str | None:
    value = claims.get(name)
    if name in claims and not isinstance(value, str):
        raise Refusal(Reason.CLAIM, f"the token's `{name}` is no text")
    return value


def _chain_refused(why: str) -> Refusal:
    return Refusal(Reason.ACTOR_CHAIN, f"the actor chain of the token is refused: {why}")
