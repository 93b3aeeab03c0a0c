"""What a request brings: one `Authorization` field and, with the scheme `DPoP`, one proof (RFC 6750 section 2.1, 9449 section 7.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from ._rejection import Reason, Refusal, Scheme

Headers = Mapping[str, str] | Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class RequestView:
    method: str
    path: str
    query: str
    fields: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, method: str, url: str, headers: Headers) -> RequestView:
        """Of `url` only the path and the query count."""
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        path, _, query = re.sub(r"^[A-Za-z][A-Za-z0-9+.\-]*://[^/?#]*", "", url).partition("?")
        return cls(method, path or "/", query, tuple((name.lower(), value) for name, value in pairs))

    def all(self, name: str) -> list[str]:
        return [value for known, value in self.fields if known == name]


@dataclass(frozen=True, slots=True)
class Credentials:
    scheme: Scheme
    token: str


def read_credentials(request: RequestView) -> Credentials:
    fields = request.all("authorization")
    if not fields:
        raise Refusal(Reason.NO_CREDENTIALS)
    if len(fields) > 1 or any(name == "access_token" for name, _ in parse_qsl(request.query, keep_blank_values=True)):
        raise Refusal(Reason.SEVERAL_CREDENTIALS)
    named, _, rest = fields[0].partition(" ")
    schemes: dict[str, Scheme] = {"dpop": "DPoP", "bearer": "Bearer"}
    scheme = schemes.get(named.lower())
    if scheme is None:
        raise Refusal(Reason.NO_CREDENTIALS)
    token = rest.strip(" ")
    # token68 (RFC 9110 section 11.2): a second scheme behind a comma is no token.
    if not re.fullmatch(r"[A-Za-z0-9\-._~+/]+=*", token):
        raise Refusal(Reason.MALFORMED_CREDENTIALS)
    return Credentials(scheme, token)


def read_proof(request: RequestView) -> str:
    """The text of the one proof (RFC 9449 section 4.3, check 1)."""
    fields = request.all("dpop")
    if not fields:
        raise Refusal(Reason.MISSING_PROOF)
    if len(fields) > 1:
        raise Refusal(Reason.SEVERAL_PROOFS)
    return fields[0]
