"""DPoP proofs: checks 2 to 12 of RFC 9449 section 4.3. Whoever accepts one claims its replay digest afterwards."""

from __future__ import annotations

from dataclasses import dataclass

from .._http import JsonObject
from .._urls import htu
from ._jwt import MalformedJwt, algorithm_of, digest, import_public, parse_jwt, typ_is, verifies
from ._nonces import Nonces
from ._rejection import SIGNING_ALGORITHMS, Reason, Refusal

_MAX_AGE = 60
# Where the proof holds a nonce of ours, the nonce bounds its age as well.
_MAX_AGE_WITH_NONCE = 300
_MAX_FUTURE = 10
_MAX_JTI_BYTES = 256
_PRIVATE = ("d", "p", "q", "dp", "dq", "qi", "k")


@dataclass(frozen=True, slots=True)
class ProofContext:
    method: str
    url: str
    """Normalised by `htu`."""
    access_token: str
    nonces: Nonces | None
    now: int


@dataclass(frozen=True, slots=True)
class Proof:
    thumbprint: str
    replay_digest: str
    accepted_until: int


def verify_proof(text: str, context: ProofContext) -> Proof:
    try:
        jwt = parse_jwt(text)
    except MalformedJwt as malformed:
        raise _invalid(str(malformed)) from None
    thumbprint = _verify_signature(text, jwt.header)
    jti, iat = _check_claims(jwt.claims, context)
    max_age = _MAX_AGE if context.nonces is None else _MAX_AGE_WITH_NONCE
    if iat > context.now + _MAX_FUTURE:
        raise _invalid("its `iat` is in the future")
    if context.now > iat + max_age:
        raise _invalid("it is too old: sign a new one for each request")
    nonce = jwt.claims.get("nonce")
    if context.nonces is not None and not (isinstance(nonce, str) and context.nonces.accepts(nonce, context.now)):
        raise Refusal(Reason.USE_NONCE)
    # The clocks of several processes may differ.
    return Proof(thumbprint, digest("dpop", thumbprint, jti), iat + max_age + _MAX_FUTURE)


def _verify_signature(text: str, header: JsonObject) -> str:
    if not typ_is(header, "dpop+jwt"):
        raise _invalid("its `typ` is not `dpop+jwt`")
    if header.get("alg") not in SIGNING_ALGORITHMS:
        raise _invalid("its `alg` is not ES256, EdDSA or PS256")
    jwk = header.get("jwk")
    if not isinstance(jwk, dict):
        raise _invalid("its header has no `jwk`")
    if any(member in jwk for member in _PRIVATE):
        raise _invalid("its `jwk` is no public key")
    key = import_public(jwk)
    if key is None or header["alg"] != algorithm_of(key) or not verifies(text, key):
        raise _invalid("its signature does not verify by its `jwk`")
    return key.thumbprint()


def _check_claims(claims: JsonObject, context: ProofContext) -> tuple[str, int]:
    jti, iat, named = claims.get("jti"), claims.get("iat"), claims.get("htu")
    if not isinstance(jti, str) or not 1 <= len(jti.encode(errors="replace")) <= _MAX_JTI_BYTES:
        raise _invalid(f"its `jti` must have 1 to {_MAX_JTI_BYTES} bytes")
    if type(iat) is not int:
        raise _invalid("it has no `iat`")
    if claims.get("htm") != context.method:
        raise _invalid(f"its `htm` is not `{context.method}`")
    if not isinstance(named, str) or htu(named) != context.url:
        raise _invalid(f"its `htu` is not `{context.url}`")
    if claims.get("ath") != digest(context.access_token):
        raise _invalid("its `ath` is not the hash of this access token")
    return jti, iat


def _invalid(sentence: str) -> Refusal:
    return Refusal(Reason.PROOF, f"the DPoP proof is refused: {sentence}")
