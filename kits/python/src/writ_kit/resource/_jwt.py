"""JWTs in compact serialization, parsed strictly (RFC 7515 section 7.1, RFC 8725 section 3), and their signatures by joserfc."""

from __future__ import annotations

import hashlib
import re
import warnings
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from .._http import JsonObject, object_of

MAX_JWT_BYTES = 16 * 1024
PublicKey = ECKey | OKPKey | RSAKey


class MalformedJwt(Exception):
    """The sentence is the error's message."""


@dataclass(frozen=True, slots=True)
class UnverifiedJwt:
    header: JsonObject
    claims: JsonObject


def parse_jwt(text: str) -> UnverifiedJwt:
    if len(text) > MAX_JWT_BYTES:
        raise MalformedJwt(f"it is larger than {MAX_JWT_BYTES} bytes")
    parts = text.split(".")
    if len(parts) != 3:
        raise MalformedJwt("it does not have three parts")
    if not all(re.fullmatch(r"[A-Za-z0-9_-]+", part) for part in parts):
        raise MalformedJwt("a part is not base64url without padding")
    header, claims = _object(parts[0], "header"), _object(parts[1], "payload")
    if "crit" in header or "b64" in header:
        raise MalformedJwt("its header has `crit` or `b64`")
    return UnverifiedJwt(header, claims)


def typ_is(header: JsonObject, expected: str) -> bool:
    typ = header.get("typ")
    return isinstance(typ, str) and typ.lower().removeprefix("application/") == expected


def import_public(jwk: JsonObject) -> PublicKey | None:
    """None for a key of a kind that signs nothing here."""
    kinds: dict[tuple[Any, Any], type[PublicKey]] = {
        ("EC", "P-256"): ECKey,
        ("OKP", "Ed25519"): OKPKey,
        ("RSA", None): RSAKey,
    }
    kind = kinds.get((jwk.get("kty"), jwk.get("crv")))
    members = {name: value for name, value in jwk.items() if name not in ("alg", "use", "key_ops", "kid")}
    try:
        return None if kind is None else kind.import_key(members)
    except (JoseError, ValueError, TypeError, KeyError):
        return None


def algorithm_of(key: PublicKey) -> str:
    return {"EC": "ES256", "OKP": "EdDSA", "RSA": "PS256"}[key.key_type]


def verifies(text: str, key: PublicKey) -> bool:
    """Whether the signature is of this key, by the one algorithm that fits it."""
    algorithm = algorithm_of(key)
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    try:
        with warnings.catch_warnings():
            # The name `EdDSA` is deprecated (RFC 9864), and what the issuer's metadata says.
            warnings.simplefilter("ignore")
            jws.deserialize_compact(text, key, algorithms=[algorithm], registry=registry)
    except (JoseError, ValueError, TypeError):
        return False
    return True


def digest(*parts: str) -> str:
    hashed = hashlib.sha256("\0".join(parts).encode(errors="surrogatepass")).digest()
    return urlsafe_b64encode(hashed).rstrip(b"=").decode()


def _object(part: str, name: str) -> JsonObject:
    try:
        found = object_of(urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode())
    except ValueError:
        found = None
    if found is None:
        raise MalformedJwt(f"its {name} is no JSON object")
    return found
