"""
The authorization server as the one that decides (AuthZEN 1.0; its Access Request and Approval Profile, draft 1): requests and what their
answers mean. An answer that is not understood permits nothing.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import Any

import httpx

from .._clock import Clock
from .._http import Answer, JsonObject, Secret, basic, retry_after_of, send
from .._urls import is_safe_url, origin_of, well_known
from ..errors import AskLater, Denied, Expired, NotPermitted, Unavailable, UsageError

_PATIENCE = 10.0
_METADATA_LIFETIME = 300
# The same sentence in each kit.
_REFUSED = (
    "the issuer refuses the credentials of this server: its client secret is what `writ client add` printed, "
    "and `client_id` of the resource's record names this client"
)
_PROBLEM = "urn:openid:authzen:access-request:error:"
# The person said no to this very call just before.
_DENIED = "urn:writ:access-request:denied"
MAX_WAIT = 25
"""How long the server may hold a request, in seconds."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    evaluation: str
    evaluations: str | None
    requests: str | None


class AccessServer:
    def __init__(self, issuer: str, client_id: str, secret: Secret, client: httpx.AsyncClient, clock: Clock) -> None:
        self.issuer = issuer
        self.clock = clock
        self._authorization = basic(client_id, secret)
        self._client = client
        self._endpoints: tuple[Endpoints, int] | None = None

    async def evaluate(self, question: JsonObject, key: str) -> JsonObject:
        """One evaluation under a key: it decides."""
        endpoints = await self.endpoints()
        answer = await self._post(endpoints.evaluation, question, {"idempotency-key": key})
        if answer.status == 200 and answer.body is not None:
            return answer.body
        raise _problem(answer, "the decision")

    async def evaluations(self, question: JsonObject) -> JsonObject:
        endpoints = await self.endpoints()
        if endpoints.evaluations is None:
            raise Unavailable("the server decides one at a time")
        answer = await self._post(endpoints.evaluations, question, {})
        if answer.status == 200 and answer.body is not None:
            return answer.body
        raise _problem(answer, "the decisions")

    async def request_access(self, endpoint: Any, body: JsonObject) -> JsonObject:
        known = endpoint if endpoint is not None else (await self.endpoints()).requests
        answer = await self._post(self.ours(known), body, {"idempotency-key": fresh_key()})
        if answer.status in (201, 202) and answer.body is not None:
            return answer.body
        raise _problem(answer, "the question")

    async def status(self, url: str, wait: int) -> tuple[JsonObject, int | None]:
        """The state of a question, and after how many seconds it may be asked for again."""
        prefer = {"prefer": f"wait={wait}"} if wait > 0 else {}
        answer = await self._send("GET", url, prefer, None, wait)
        if answer.status == 200 and answer.body is not None:
            return answer.body, retry_after_of(answer.headers)
        raise _problem(answer, "the state of the question")

    async def cancel(self, url: str, reason: str) -> int:
        """The answer's status: what cannot be cancelled any more was decided."""
        return (await self._post(self.ours(url), {"reason": reason}, {})).status

    async def report(self, outcome: JsonObject) -> bool:
        """Whether the server took it."""
        endpoints = await self.endpoints()
        url = endpoints.evaluation.removesuffix("/evaluation") + "/outcomes"
        return (await self._post(url, outcome, {})).status == 204

    async def check(self) -> None:
        """Asks for a question that there is not, which changes nothing."""
        requests = (await self.endpoints()).requests
        if requests is None:
            raise Unavailable("the issuer does not say where people are asked")
        answer = await self._send("GET", f"{requests}/none", {}, None)
        if _is_refused(answer):
            raise UsageError(_REFUSED)
        if answer.status not in (200, 404):
            raise _problem(answer, "the check")

    def ours(self, url: Any) -> str:
        """URLs in answers lead to this server, or nowhere: our credentials go there."""
        if isinstance(url, str) and is_safe_url(url) and origin_of(url) == origin_of(self.issuer):
            return url
        raise Unavailable("the answer names an endpoint of another server")

    async def endpoints(self) -> Endpoints:
        now = self.clock.now()
        if self._endpoints is not None and 0 <= now - self._endpoints[1] < _METADATA_LIFETIME:
            return self._endpoints[0]
        url = well_known("authzen-configuration", self.issuer)
        if url is None:
            raise Unavailable("the issuer is no URL")
        answer = await send(self._client, "GET", url, patience=_PATIENCE)
        body = answer.body
        if answer.status != 200 or body is None or body.get("policy_decision_point") != self.issuer:
            raise Unavailable(f"the issuer does not say how decisions are asked for ({answer.status})")
        evaluations, requests = body.get("access_evaluations_endpoint"), body.get("access_request_endpoint")
        found = Endpoints(
            self.ours(body.get("access_evaluation_endpoint")),
            None if evaluations is None else self.ours(evaluations),
            None if requests is None else self.ours(requests),
        )
        self._endpoints = (found, now)
        return found

    async def _post(self, url: str, body: JsonObject, headers: dict[str, str]) -> Answer:
        content = json.dumps(body, allow_nan=False).encode()
        return await self._send("POST", url, {"content-type": "application/json", **headers}, content)

    async def _send(self, method: str, url: str, headers: dict[str, str], content: bytes | None, wait: int = 0) -> Answer:
        sent = {**headers, "authorization": self._authorization}
        return await send(self._client, method, url, patience=_PATIENCE + wait, headers=sent, content=content)


def fresh_key() -> str:
    """Random for each run of a handler, never taken from a client."""
    return secrets.token_urlsafe(24)


def _is_refused(answer: Answer) -> bool:
    return answer.status in (401, 403)


def _problem(answer: Answer, what: str) -> NotPermitted:
    """What an answer means that is neither a decision nor a question."""
    body = answer.body or {}

    def text(name: str) -> str:
        value = body.get(name)
        return value if isinstance(value, str) else ""

    title, kind = text("title"), text("type")
    if answer.status == 429:
        seconds = retry_after_of(answer.headers)
        return AskLater(60 if seconds is None else seconds, title or "nobody was asked now")
    if kind == _DENIED:
        return Denied("person", "the person said no")
    if _is_refused(answer):
        return Unavailable(_REFUSED)
    if kind in (f"{_PROBLEM}expired_denial", f"{_PROBLEM}task_expired"):
        return Expired(title or "it is over")
    code = text("error") or kind.removeprefix(_PROBLEM)
    described = f": {text('error_description')}" if text("error_description") else ""
    return Unavailable(f"{what} could not be had ({answer.status}{' ' + code if code else ''}{described})")
