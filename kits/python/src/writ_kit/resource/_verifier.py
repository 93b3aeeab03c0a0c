"""
The checks of one request in their order: token, proof, chain and task, replay claim, introspection (RFC 9068 section 4, RFC 9449 section
7.1). A request without a valid nonce does not use up its proof.
"""

from __future__ import annotations

from typing import Any, Literal

import httpx

from .._clock import Clock, SystemClock
from .._http import JsonObject, Secret
from .._urls import htu, is_safe_url, origin_of, well_known
from ..errors import UsageError
from ._caller import Answering, Caller, Presented, PresentedProof, check_shape, key_of
from ._credentials import Credentials, Headers, RequestView, read_credentials, read_proof
from ._issuer import Issuer, Published
from ._jwt import MalformedJwt, UnverifiedJwt, algorithm_of, parse_jwt, typ_is, verifies
from ._live import Introspection, LiveCheck
from ._nonces import Nonces
from ._proof import Proof, ProofContext, verify_proof
from ._rejection import SIGNING_ALGORITHMS, Challenger, Reason, Refusal, Rejection, Scheme
from ._replays import MemoryReplays, ReplayStore

_MAX_FUTURE = 10


class Verifier:
    """Verifies the tokens of one issuer for one resource. Makes no request before the first token."""

    def __init__(
        self,
        issuer: str,
        resource: str,
        *,
        public_url: str | None = None,
        agents_only: bool = False,
        bearer: Literal["refuse", "allow"] = "refuse",
        nonces: Literal["required", "off"] | bytes = "required",
        replays: ReplayStore | None = None,
        live: LiveCheck | None = None,
        client: httpx.AsyncClient | None = None,
        clock: Clock | None = None,
    ) -> None:
        """
        `issuer` exactly as tokens say it; `resource` is the one audience. `public_url`: scheme, host and path prefix under which
        clients reach this server, by default the origin of `resource`; `Host` and forwarded headers never count. `nonces`: a secret
        that several processes share, or `off`; both need a `replays` that they share as well.
        """
        if not is_safe_url(issuer):
            raise UsageError("`issuer` is not an https URL (http only on loopback)")
        public = public_url if public_url is not None else origin_of(resource)
        if public is None or not is_safe_url(public) or htu(public) is None:
            raise UsageError("`public_url` is not an https URL (http only on loopback) without query and fragment")
        if replays is None and nonces != "required":
            raise UsageError("a replay memory that is lost with the process needs its own nonces: give `replays`")
        self.issuer = issuer
        self.resource = resource
        self.metadata_url = well_known("oauth-protected-resource", resource)
        self._public_url = public.rstrip("/")
        self._agents_only = agents_only
        self._challenger = Challenger(resource, self.metadata_url, bearer)
        self._nonces = _nonces(nonces, resource)
        self._replays = replays if replays is not None else MemoryReplays()
        self._clock = clock or SystemClock()
        outside = client or httpx.AsyncClient()
        self._keys = Issuer(issuer, outside, self._clock)
        self._live = None if live is None else Introspection(live, outside, self._clock)

    async def verify(self, method: str, url: str, headers: Headers) -> Caller:
        """The caller of this request; raises a `Rejection`. Uses up the request's proof: call it once for each request."""
        view = RequestView.of(method, url, headers)
        scheme: Scheme | None = None
        try:
            credentials = read_credentials(view)
            scheme = credentials.scheme
            return await self._accept(credentials, view)
        except Refusal as refusal:
            nonce = None
            if refusal.reason is Reason.USE_NONCE and self._nonces is not None:
                nonce = self._nonces.issue(self._clock.now())
            raise Rejection(refusal, self._challenger, scheme, nonce=nonce) from refusal.__cause__

    async def verify_bearer(self, token: str) -> Caller:
        """The caller of a bearer token alone, for servers that hand over no request. Bound tokens need their proof."""
        return await self.verify("GET", "/", {"authorization": f"Bearer {token}"})

    def resource_metadata(self, *, scopes: list[str] | None = None, types: list[str] | None = None, name: str | None = None) -> JsonObject:
        """The document of RFC 9728, to be served at `metadata_url` to everybody."""
        optional: dict[str, Any] = {
            "resource_name": name,
            "scopes_supported": scopes,
            "authorization_details_types_supported": types,
        }
        return {
            "resource": self.resource,
            "authorization_servers": [self.issuer],
            "bearer_methods_supported": ["header"],
            "dpop_signing_alg_values_supported": list(SIGNING_ALGORITHMS),
            "dpop_bound_access_tokens_required": self._challenger.bearer == "refuse",
            **{name: value for name, value in optional.items() if value is not None},
        }

    async def _accept(self, credentials: Credentials, view: RequestView) -> Caller:
        if credentials.scheme == "Bearer" and self._challenger.bearer == "refuse":
            raise Refusal(Reason.BEARER_REFUSED)
        now = self._clock.now()
        claims, published = await self._token(credentials.token, now)
        proof, presented = self._proof(credentials, claims, view)
        caller = Caller.read(claims, presented, Answering(self._challenger, credentials.scheme), now)
        if self._agents_only and caller.agent is None:
            raise Refusal(Reason.NOT_AN_AGENT)
        if proof is not None:
            await self._claim(proof)
        if self._live is not None:
            await self._live.check(credentials.token, claims, published.introspection_endpoint)
        return caller

    async def _token(self, token: str, now: int) -> tuple[JsonObject, Published]:
        """Type, signature, issuer, time and audience."""
        jwt = _read_token(token)
        if not typ_is(jwt.header, "at+jwt"):
            raise Refusal(Reason.WRONG_TYPE)
        kid = jwt.header.get("kid")
        if not isinstance(kid, str):
            raise Refusal(Reason.NO_KEY)
        published = await self._keys.published()
        if kid not in published.keys:
            published = await self._keys.published_after(published)
        key = published.keys.get(kid)
        if key is None:
            raise Refusal(Reason.UNKNOWN_KEY)
        if jwt.header.get("alg") != algorithm_of(key) or not verifies(token, key):
            raise Refusal(Reason.BAD_SIGNATURE)
        _check_claims(jwt.claims, self.issuer, now)
        if jwt.claims["aud"] != self.resource:
            raise Refusal(Reason.WRONG_AUDIENCE)
        check_shape(jwt.claims)
        return jwt.claims, published

    def _proof(self, credentials: Credentials, claims: JsonObject, view: RequestView) -> tuple[Proof | None, Presented]:
        token = Secret(credentials.token)
        if credentials.scheme == "Bearer":
            if "cnf" in claims:
                raise Refusal(Reason.BOUND_TOKEN_AS_BEARER)
            return None, Presented(token, None)
        if "cnf" not in claims:
            raise Refusal(Reason.UNBOUND_TOKEN)
        text = read_proof(view)
        slash = "" if view.path.startswith("/") else "/"
        url = htu(f"{self._public_url}{slash}{view.path}")
        if url is None:
            raise Refusal(Reason.PROOF, "no DPoP proof can name this request's URL")
        context = ProofContext(view.method, url, credentials.token, self._nonces, self._clock.now())
        proof = verify_proof(text, context)
        if proof.thumbprint != key_of(claims):
            raise Refusal(Reason.WRONG_KEY)
        return proof, Presented(token, PresentedProof(Secret(text), view.method, url))

    async def _claim(self, proof: Proof) -> None:
        try:
            claimed = await self._replays.claim(proof.replay_digest, proof.accepted_until, self._clock.now())
        except Exception as cause:
            raise Refusal(Reason.UNAVAILABLE, "used proofs cannot be remembered: try again") from cause
        if not claimed:
            raise Refusal(Reason.PROOF_REPLAYED)


def _nonces(wanted: str | bytes, realm: str) -> Nonces | None:
    if wanted == "off":
        return None
    return Nonces(realm, wanted if isinstance(wanted, bytes) else None)


def _read_token(token: str) -> UnverifiedJwt:
    try:
        jwt = parse_jwt(token)
        if jwt.header.get("alg") not in SIGNING_ALGORITHMS:
            raise MalformedJwt("its `alg` is not accepted")
    except MalformedJwt as malformed:
        raise Refusal(Reason.MALFORMED_TOKEN, f"the access token is malformed: {malformed}") from None
    return jwt


def _check_claims(claims: JsonObject, issuer: str, now: int) -> None:
    for name in ("iss", "aud", "client_id", "jti", "sub"):
        if not isinstance(claims.get(name), str):
            raise Refusal(Reason.MALFORMED_TOKEN, f"the access token has no `{name}`")
    for name in ("exp", "iat"):
        if type(claims.get(name)) is not int:
            raise Refusal(Reason.MALFORMED_TOKEN, f"the access token has no `{name}`")
    if claims["iss"] != issuer:
        raise Refusal(Reason.WRONG_ISSUER)
    if now >= claims["exp"]:
        raise Refusal(Reason.EXPIRED)
    if claims["iat"] > now + _MAX_FUTURE:
        raise Refusal(Reason.NOT_YET)
