"""An agent that acts for people: it signs who it is (RFC 7523), its tokens are bound to a key (RFC 9449), and people are asked."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from .._clock import Clock, SystemClock
from .._http import Answer, JsonObject, Secret, send
from .._urls import is_safe_url, origin_of, well_known
from ..errors import Denied, Expired, Unavailable, UsageError
from ..resource._jwt import MalformedJwt, digest, parse_jwt
from ._errors import ProtocolError, Refused, ResourceRefused, refusal_of
from ._keys import Key

_ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105
_JWT = "urn:ietf:params:oauth:token-type:jwt"
_TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105
_CIBA = "urn:openid:params:grant-type:ciba"
_PATIENCE = 10.0
# How long the server may hold a poll, in seconds.
_HOLD = 25
_MAX_ACTOR_ASSERTION_LIFETIME = 120

Details = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Grant:
    """A token for one resource."""

    access_token: Secret
    refresh_token: Secret | None
    expires_at: float | None
    """Seconds since 1970."""
    scope: str | None
    details: tuple[JsonObject, ...]
    """What was granted, which may be less than asked."""


@dataclass(frozen=True, slots=True)
class PendingAuthorization:
    """The person has to open `url`; `complete` takes the URL that the browser comes back to."""

    url: str
    _agent: Agent
    _state: str
    _verifier: str
    _redirect_uri: str

    async def complete(self, callback_url: str, resource: str | None = None) -> Grant:
        answer = {name: values[0] for name, values in parse_qs(urlsplit(callback_url).query).items() if len(values) == 1}
        if not secrets.compare_digest(answer.get("state", ""), self._state) or answer.get("iss") != self._agent.issuer:
            raise ProtocolError("the callback is the answer to another request, or of another server")
        if answer.get("error") == "access_denied":
            raise Denied("person", "the person said no")
        if "code" not in answer:
            raise Refused(answer.get("error", "server_error"), answer.get("error_description", ""), [])
        form = {"code": answer["code"], "redirect_uri": self._redirect_uri, "code_verifier": self._verifier}
        return await self._agent._token("authorization_code", {**form, **_parameters(resource, None, None)})


class PendingConfirmation:
    """One question to a person, asked by an agent (OpenID Connect CIBA Core 1.0, by poll)."""

    def __init__(self, agent: Agent, asked: JsonObject, clock: Clock) -> None:
        identifier, expires_in = asked.get("auth_req_id"), asked.get("expires_in")
        if not isinstance(identifier, str) or type(expires_in) is not int:
            raise ProtocolError("the answer to the question is not complete")
        interval = asked.get("interval", 5)
        number = asked.get("number_to_match")
        self.number_to_match = None if number is None else str(number)
        """What the person picks on the phone, where the client is registered for it."""
        self._agent = agent
        self._id = identifier
        self._clock = clock
        self._expires_at = clock.now() + expires_in
        self._interval = interval if type(interval) is int else 5

    async def wait(self) -> Grant:
        """The token for this one action; a no is `Denied`, silence is `Expired`."""
        while self._clock.now() < self._expires_at:
            asked = self._clock.now()
            try:
                return await self._agent._token(_CIBA, {"auth_req_id": self._id}, hold=_HOLD)
            except Refused as refused:
                if refused.code == "slow_down":
                    self._interval += 5
                elif refused.code != "authorization_pending":
                    raise
            except Unavailable:
                self._interval *= 2
            await self._clock.sleep(max(0, self._interval - (self._clock.now() - asked)))
        raise Expired("nobody decided in time")


class Agent:
    def __init__(self, metadata: JsonObject, client_id: str, assertion: Key, dpop: Key, client: httpx.AsyncClient) -> None:
        self.client_id = client_id
        self.issuer: str = metadata["issuer"]
        self._metadata = metadata
        self._assertion = assertion
        self._dpop = dpop
        self._client = client
        self._nonces: dict[str, str] = {}
        self._clock: Clock = SystemClock()

    @classmethod
    async def discover(cls, issuer: str, client_id: str, *, assertion: Key, dpop: Key, client: httpx.AsyncClient | None = None) -> Agent:
        """
        Finds the server by its metadata (RFC 8414). `assertion` says who the agent is: its public half is registered. `dpop` holds
        its tokens, and is never registered.
        """
        if not is_safe_url(issuer):
            raise UsageError("`issuer` is not an https URL (http only on loopback)")
        outside = client or httpx.AsyncClient()
        answer = await send(outside, "GET", well_known("oauth-authorization-server", issuer) or "", patience=_PATIENCE)
        if answer.status != 200 or answer.body is None or answer.body.get("issuer") != issuer:
            raise ProtocolError("the metadata is of another issuer, or is none")
        return cls(answer.body, client_id, assertion, dpop, outside)

    async def authorize(
        self,
        *,
        redirect_uri: str,
        resource: str | None = None,
        scope: str | None = None,
        details: Details | None = None,
        purpose: str | None = None,
        acr_values: str | None = None,
    ) -> PendingAuthorization:
        """Pushes the request (RFC 9126, PKCE); the person opens the URL. `purpose`: what the task is for, where the server takes it."""
        state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        form = {
            "response_type": "code",
            "redirect_uri": redirect_uri,
            "code_challenge": digest(verifier),
            "code_challenge_method": "S256",
            "state": state,
            **_parameters(resource, scope, details),
        }
        if acr_values is not None:
            form["acr_values"] = acr_values
        if purpose is not None:
            form["mission_intent"] = json.dumps({"intent": {"goal": purpose}})
        pushed = await self._ask("pushed_authorization_request_endpoint", form)
        query = urlencode({"client_id": self.client_id, "request_uri": str(pushed.get("request_uri"))})
        url = f"{self._endpoint('authorization_endpoint')}?{query}"
        return PendingAuthorization(url, self, state, verifier, redirect_uri)

    async def refresh(
        self, grant: Grant, *, resource: str | None = None, scope: str | None = None, details: Details | None = None
    ) -> Grant:
        """For any resource of the grant, or narrower."""
        if grant.refresh_token is None:
            raise UsageError("this grant has no refresh token")
        form = {"refresh_token": grant.refresh_token.expose(), **_parameters(resource, scope, details)}
        return await self._token("refresh_token", form)

    async def own(self, *, resource: str, scope: str | None = None, details: Details | None = None) -> Grant:
        """The agent's own work: nobody is asked."""
        return await self._token("client_credentials", _parameters(resource, scope, details))

    async def narrow(self, grant: Grant, *, resource: str | None = None, scope: str | None = None, details: Details | None = None) -> Grant:
        """Less authority, or another resource, with the same key (RFC 8693)."""
        return await self._token(_TOKEN_EXCHANGE, {**_subject(grant), **_parameters(resource, scope, details)})

    def actor_assertion(self, presenter: str, lifetime: int = 60) -> str:
        """Made by the agent that is to receive a token: lets `presenter`, and nobody else, have one bound to this agent's key, once."""
        if not presenter or presenter == self.client_id:
            raise UsageError("the presenter is another agent")
        if not 1 <= lifetime <= _MAX_ACTOR_ASSERTION_LIFETIME:
            raise UsageError("an actor assertion lives 1 to 120 seconds")
        more = {"azp": presenter, "cnf": {"jkt": self._dpop.thumbprint}}
        return self._assertion.assertion("writ-actor+jwt", self.client_id, self.issuer, lifetime, **more)

    async def delegate(
        self,
        grant: Grant,
        actor_assertion: str,
        *,
        resource: str | None = None,
        scope: str | None = None,
        details: Details | None = None,
    ) -> Secret:
        """Token exchange to another agent: the text of a token that is bound to the other's key, which `accept` takes."""
        actor = {"actor_token": actor_assertion, "actor_token_type": _JWT}
        form = {**_subject(grant), **actor, **_parameters(resource, scope, details)}
        return (await self._token(_TOKEN_EXCHANGE, form)).access_token

    def accept(self, access_token: str) -> Grant:
        """Made by the agent that received: whether the token is meant for its key. A resource decides whether it is genuine."""
        claims = _claims(access_token)
        cnf = claims.get("cnf")
        if not isinstance(cnf, dict) or cnf.get("jkt") != self._dpop.thumbprint:
            raise ProtocolError("the token is bound to another key")
        return _grant({**claims, "access_token": access_token, "token_type": "DPoP"})

    async def confirm(
        self,
        grant: Grant,
        *,
        resource: str | None = None,
        scope: str | None = None,
        details: Details | None = None,
        binding_message: str | None = None,
    ) -> PendingConfirmation:
        """Asks the person of the grant, within its task, for exactly this (CIBA)."""
        person = str(_claims(grant.access_token.expose()).get("sub"))
        form = {"login_hint": person, **_subject(grant), **_parameters(resource, scope, details)}
        if binding_message is not None:
            form["binding_message"] = binding_message
        asked = await self._ask("backchannel_authentication_endpoint", form)
        return PendingConfirmation(self, asked, self._clock)

    async def call(
        self, grant: Grant, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> httpx.Response:
        """A request to a resource, with token, proof and nonces; a refusal is raised as `ResourceRefused`."""
        if not is_safe_url(origin_of(url) or ""):
            raise UsageError("tokens go only to https, or to loopback")
        token = grant.access_token.expose()
        for _ in range(2):
            proof = self._proof(method, url, token)
            sent = {**(headers or {}), "authorization": f"DPoP {token}", "dpop": proof}
            try:
                response = await self._client.request(method, url, headers=sent, content=content, follow_redirects=False)
            except httpx.HTTPError as cause:
                raise Unavailable("the resource did not answer") from cause
            has_nonce = self._keep_nonce(url, response.headers)
            challenge = response.headers.get("www-authenticate", "")
            if not (has_nonce and response.status_code == 401 and 'error="use_dpop_nonce"' in challenge):
                break
        if response.status_code in (401, 403) and "www-authenticate" in response.headers:
            raise ResourceRefused(response)
        return response

    async def _token(self, grant_type: str, form: Mapping[str, str], *, hold: int = 0) -> Grant:
        return _grant(await self._ask("token_endpoint", {"grant_type": grant_type, **form}, hold=hold))

    async def _ask(self, endpoint: str, form: Mapping[str, str], *, hold: int = 0) -> JsonObject:
        """A nonce challenge is answered once, with a fresh proof and a fresh assertion."""
        answer = await self._send(endpoint, form, hold)
        if (answer.body or {}).get("error") == "use_dpop_nonce":
            answer = await self._send(endpoint, form, hold)
        if answer.status in (200, 201) and answer.body is not None:
            return answer.body
        raise refusal_of(answer.status, answer.headers, answer.body)

    async def _send(self, endpoint: str, form: Mapping[str, str], hold: int) -> Answer:
        url = self._endpoint(endpoint)
        assertion = self._assertion.assertion("client-authentication+jwt", self.client_id, self.issuer, 60)
        credentials = {
            "client_id": self.client_id,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": assertion,
        }
        headers = {"content-type": "application/x-www-form-urlencoded", "dpop": self._proof("POST", url, None)}
        if hold:
            headers["prefer"] = f"wait={hold}"
        body = urlencode({**credentials, **form}).encode()
        answer = await send(self._client, "POST", url, patience=_PATIENCE + hold, headers=headers, content=body)
        self._keep_nonce(url, answer.headers)
        return answer

    def _endpoint(self, name: str) -> str:
        url = self._metadata.get(name)
        if not isinstance(url, str) or not is_safe_url(url):
            raise ProtocolError(f"the metadata has no `{name}`")
        return url

    def _proof(self, method: str, url: str, token: str | None) -> str:
        target = url.partition("?")[0].partition("#")[0]
        return self._dpop.proof(method, target, nonce=self._nonces.get(origin_of(url) or ""), token=token)

    def _keep_nonce(self, url: str, headers: httpx.Headers) -> bool:
        nonce = headers.get("dpop-nonce")
        if nonce is not None:
            self._nonces[origin_of(url) or ""] = nonce
        return nonce is not None


def _claims(token: str) -> JsonObject:
    try:
        return parse_jwt(token).claims
    except MalformedJwt as malformed:
        raise ProtocolError(f"this is no access token: {malformed}") from None


def _subject(grant: Grant) -> dict[str, str]:
    return {"subject_token": grant.access_token.expose(), "subject_token_type": _ACCESS_TOKEN}


def _parameters(resource: str | None, scope: str | None, details: Details | None) -> dict[str, str]:
    """What is left out asks for all that the grant holds there."""
    form: dict[str, str] = {}
    if resource is not None:
        form["resource"] = resource
    if scope is not None:
        form["scope"] = scope
    if details is not None:
        form["authorization_details"] = json.dumps(list(details))
    return form


def _grant(answer: JsonObject) -> Grant:
    """Only a bound token is accepted."""
    token, kind = answer.get("access_token"), answer.get("token_type")
    if not isinstance(token, str) or not isinstance(kind, str) or kind.lower() != "dpop":
        raise ProtocolError("the answer is no token that is bound to the key")
    refresh, scope, life = answer.get("refresh_token"), answer.get("scope"), answer.get("expires_in")
    expires_at = time.time() + life if type(life) is int else answer.get("exp")
    details = answer.get("authorization_details")
    return Grant(
        Secret(token),
        Secret(refresh) if isinstance(refresh, str) else None,
        expires_at,
        scope if isinstance(scope, str) else None,
        tuple(one for one in details if isinstance(one, dict)) if isinstance(details, list) else (),
    )


__all__ = ["Agent", "Grant", "PendingAuthorization", "PendingConfirmation"]
