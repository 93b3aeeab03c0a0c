"""The two keys of an agent, and what is signed with them (RFC 7523, RFC 9449)."""

from __future__ import annotations

import json
import time
import uuid
from base64 import urlsafe_b64encode
from typing import Any

from joserfc.jwk import ECKey
from joserfc.jws import JWSRegistry

from .._http import JsonObject
from ..resource._jwt import digest


class Key:
    """A P-256 key. `repr` does not print it."""

    def __init__(self, key: ECKey) -> None:
        if not key.is_private or key.curve_name != "P-256":
            raise ValueError("a private key of the curve P-256 is wanted")
        self._key = key
        self.thumbprint = key.thumbprint()

    @classmethod
    def generate(cls) -> Key:
        return cls(ECKey.generate_key("P-256"))

    @classmethod
    def from_pem(cls, pem: str) -> Key:
        return cls(ECKey.import_key(pem))

    def to_pem(self) -> str:
        """PKCS #8: keep it as a secret."""
        return self._key.as_pem(private=True).decode()

    def public_jwk(self) -> JsonObject:
        """As it is registered in `jwks`, with the thumbprint as `kid`."""
        members: JsonObject = {**self._members(), "alg": "ES256", "use": "sig", "kid": self.thumbprint}
        return members

    def _members(self) -> dict[str, Any]:
        public = self._key.as_dict(private=False)
        return {name: public[name] for name in ("kty", "crv", "x", "y")}

    def sign(self, header: JsonObject, claims: JsonObject) -> str:
        parts = (json.dumps(part, separators=(",", ":")).encode() for part in ({"alg": "ES256", **header}, claims))
        text = b".".join(urlsafe_b64encode(part).rstrip(b"=") for part in parts)
        signature = JWSRegistry(algorithms=["ES256"]).get_alg("ES256").sign(text, self._key)
        return f"{text.decode()}.{urlsafe_b64encode(signature).rstrip(b'=').decode()}"

    def proof(self, method: str, url: str, *, nonce: str | None = None, token: str | None = None) -> str:
        """A DPoP proof: one for each request."""
        claims: JsonObject = {"jti": uuid.uuid4().hex, "htm": method, "htu": url, "iat": int(time.time())}
        if nonce is not None:
            claims["nonce"] = nonce
        if token is not None:
            claims["ath"] = digest(token)
        return self.sign({"typ": "dpop+jwt", "jwk": self._members()}, claims)

    def assertion(self, typ: str, client_id: str, audience: str, lifetime: int, **more: Any) -> str:
        now = int(time.time())
        claims = {"iss": client_id, "sub": client_id, "aud": audience, "jti": uuid.uuid4().hex, "iat": now, "exp": now + lifetime}
        return self.sign({"typ": typ, "kid": self.thumbprint}, {**claims, **more})
