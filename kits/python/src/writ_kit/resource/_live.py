"""
Introspection of each token at the issuer (RFC 7662), so that a stop takes effect here within a second. Without an answer, or with one
about another token, the request is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlencode

import httpx

from .._clock import Clock
from .._http import JsonObject, Secret, basic, send
from ..errors import Unavailable
from ._jwt import digest
from ._rejection import Reason, Refusal

_LIVE_TIMEOUT = 3.0
_MAX_LIVE_ANSWERS = 10_000
_SENTENCE = "the issuer cannot be asked about this token: try again"


@dataclass(frozen=True, slots=True)
class LiveCheck:
    client_id: str
    client_secret: str
    cache: Literal[0, 1] = 1
    """Seconds for which an answer counts."""


class Introspection:
    def __init__(self, live: LiveCheck, client: httpx.AsyncClient, clock: Clock) -> None:
        if live.cache not in (0, 1):
            raise ValueError("an introspection answer counts at most one second")
        self._authorization = basic(live.client_id, Secret(live.client_secret))
        self._cache = live.cache
        self._client = client
        self._clock = clock
        self._answers: dict[str, tuple[bool, int]] = {}

    async def check(self, token: str, claims: JsonObject, endpoint: str | None) -> None:
        if endpoint is None:
            raise Refusal(Reason.UNAVAILABLE, _SENTENCE)
        hashed, now = digest(token), self._clock.now()
        active, asked_at = self._answers.get(hashed, (False, None))
        if asked_at is None or not 0 <= now - asked_at < self._cache:
            active = await self._ask(token, claims, endpoint)
            self._keep(hashed, active, now)
        if not active:
            raise Refusal(Reason.INACTIVE)

    async def _ask(self, token: str, claims: JsonObject, endpoint: str) -> bool:
        headers = {"authorization": self._authorization, "content-type": "application/x-www-form-urlencoded"}
        form = urlencode({"token": token, "token_type_hint": "access_token"}).encode()
        try:
            answer = await send(self._client, "POST", endpoint, patience=_LIVE_TIMEOUT, headers=headers, content=form)
        except Unavailable as cause:
            raise Refusal(Reason.UNAVAILABLE, _SENTENCE) from cause
        body = answer.body
        if answer.status != 200 or body is None:
            raise Refusal(Reason.UNAVAILABLE, _SENTENCE)
        if body.get("active") is False:
            return False
        same = all(body.get(name) == claims[name] for name in ("jti", "iss", "sub"))
        if body.get("active") is not True or not same:
            raise Refusal(Reason.UNAVAILABLE, _SENTENCE)
        return True

    def _keep(self, hashed: str, active: bool, asked_at: int) -> None:
        if self._cache == 0:
            return
        if len(self._answers) >= _MAX_LIVE_ANSWERS:
            known = self._answers.items()
            self._answers = {name: one for name, one in known if asked_at - one[1] < self._cache}
        if len(self._answers) < _MAX_LIVE_ANSWERS:
            self._answers[hashed] = (active, asked_at)
