"""
The issuer's keys and endpoints, from its metadata (RFC 8414 section 3, RFC 7517 section 5): cached, rotated, and asked for at most
once in ten seconds, whatever tokens are presented.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from .._clock import Clock
from .._http import JsonObject, send
from .._urls import is_safe_url, well_known
from ..errors import Unavailable
from ._jwt import PublicKey, algorithm_of, import_public
from ._rejection import Reason, Refusal

# After this the keys are fetched again.
_KEYS_LIFETIME = 300
# After this keys that could not be fetched again are good for nothing.
_MAX_KEYS_STALENESS = 3600
_MIN_FETCH_INTERVAL = 10
_FETCH_TIMEOUT = 5.0
_MAX_KEYS = 100


@dataclass(frozen=True, slots=True, eq=False)
class Published:
    keys: Mapping[str, PublicKey]
    introspection_endpoint: str | None
    fetched_at: int


class Issuer:
    def __init__(self, issuer: str, client: httpx.AsyncClient, clock: Clock) -> None:
        self._issuer = issuer
        self._client = client
        self._clock = clock
        self._published: Published | None = None
        self._tried_at: int | None = None
        self._failure: Exception | None = None
        self._turn = asyncio.Lock()

    async def published(self) -> Published:
        """Fresh, or at most an hour old while the issuer cannot be reached."""
        usable = self._usable()
        if usable is None:
            async with self._turn:
                if self._usable() is None:
                    await self._fetch()
        elif not self._is_younger(usable, _KEYS_LIFETIME) and not self._turn.locked():
            # Old keys are still good while one request fetches new ones.
            async with self._turn:
                await self._fetch()
        found = self._usable()
        if found is None:
            raise self._unavailable() from self._failure
        return found

    async def published_after(self, known: Published) -> Published:
        """Again, because a token names a key that is not among `known`."""
        async with self._turn:
            if self._published is known:
                await self._fetch()
        if self._published is known and self._failure is not None:
            raise self._unavailable() from self._failure
        return self._published or known

    def _usable(self) -> Published | None:
        found = self._published
        return found if found is not None and self._is_younger(found, _MAX_KEYS_STALENESS) else None

    def _is_younger(self, published: Published, than: int) -> bool:
        """A clock that went backwards knows nothing."""
        return 0 <= self._clock.now() - published.fetched_at < than

    def _unavailable(self) -> Refusal:
        return Refusal(Reason.UNAVAILABLE, "the issuer's keys cannot be fetched: try again")

    async def _fetch(self) -> None:
        now = self._clock.now()
        if self._tried_at is not None and 0 <= now - self._tried_at < _MIN_FETCH_INTERVAL:
            return
        self._tried_at = now
        try:
            self._published, self._failure = await self._read(now), None
        except (Unavailable, ValueError) as failure:
            self._failure = failure

    async def _read(self, now: int) -> Published:
        url = well_known("oauth-authorization-server", self._issuer)
        if url is None:
            raise ValueError("the issuer is no URL")
        metadata = await self._document(url)
        if metadata.get("issuer") != self._issuer:
            raise ValueError("the metadata is of another issuer")
        jwks_uri = self._callable(metadata.get("jwks_uri"))
        introspection = metadata.get("introspection_endpoint")
        endpoint = None if introspection is None else self._callable(introspection)
        return Published(_usable_keys(await self._document(jwks_uri)), endpoint, now)

    async def _document(self, url: str) -> JsonObject:
        answer = await send(self._client, "GET", url, patience=_FETCH_TIMEOUT)
        if answer.status != 200 or answer.body is None:
            raise ValueError(f"the answer's status is {answer.status}, or it is no JSON object")
        return answer.body

    def _callable(self, url: Any) -> str:
        """Plain http only where the issuer itself is on loopback: a document must not send us into an internal network."""
        if isinstance(url, str) and is_safe_url(url) and (self._issuer.startswith("http:") or url.startswith("https:")):
            return url
        raise ValueError("the metadata names an endpoint that is not https")


def _usable_keys(jwks: JsonObject) -> dict[str, PublicKey]:
    """Keys for other purposes or of other algorithms are passed over: tokens that name them are refused."""
    listed = jwks.get("keys")
    if not isinstance(listed, list) or len(listed) > _MAX_KEYS:
        raise ValueError(f"the key set has no keys, or more than {_MAX_KEYS}")
    keys: dict[str, PublicKey] = {}
    for jwk in listed:
        if not isinstance(jwk, dict) or not isinstance(jwk.get("kid"), str) or jwk.get("use", "sig") != "sig":
            continue
        key = import_public(jwk)
        if key is None or not _fits(jwk, algorithm_of(key)):
            continue
        if jwk["kid"] in keys:
            raise ValueError("the key set has two keys of one `kid`")
        keys[jwk["kid"]] = key
    if not keys:
        raise ValueError("the key set has no key that can be used")
    return keys


def _fits(jwk: JsonObject, algorithm: str) -> bool:
    named = jwk.get("alg")
    if algorithm == "PS256":
        return bool(named == "PS256")
    return named is None or named == algorithm or (named == "Ed25519" and algorithm == "EdDSA")
