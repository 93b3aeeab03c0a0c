"""Stateless DPoP nonces (RFC 9449 sections 8 and 9): a time and its HMAC. One may be used many times while it is valid."""

from __future__ import annotations

import hmac
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode

_MAX_AGE = 300
_SKEW = 10


class Nonces:
    def __init__(self, realm: str, secret: bytes | None = None) -> None:
        """Without a secret one is drawn, so that no nonce of an earlier process is accepted."""
        drawn = secret or secrets.token_bytes(32)
        self._key = hmac.digest(drawn, b"writ-kit dpop nonce\0" + realm.encode(), "sha256")

    def issue(self, now: int) -> str:
        time = now.to_bytes(8, "big", signed=True)
        return urlsafe_b64encode(time + self._tag(time)).decode()

    def accepts(self, nonce: str, now: int) -> bool:
        if not re.fullmatch(r"[A-Za-z0-9_-]{32}", nonce):
            return False
        found = urlsafe_b64decode(nonce)
        age = now - int.from_bytes(found[:8], "big", signed=True)
        return -_SKEW <= age <= _MAX_AGE and hmac.compare_digest(self._tag(found[:8]), found[8:])

    def _tag(self, time: bytes) -> bytes:
        return hmac.digest(self._key, time, "sha256")[:16]
