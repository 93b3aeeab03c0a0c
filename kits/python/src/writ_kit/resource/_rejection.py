"""
Why a request is rejected: a typed reason, its code and status by one table, and the answer with its challenges (RFC 6750 section 3,
9449 sections 7.1 and 9, 9728 section 5.1). No text holds a token, a proof or a secret.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

SIGNING_ALGORITHMS = ("ES256", "EdDSA", "PS256")

Scheme = Literal["DPoP", "Bearer"]


class Reason(StrEnum):
    NO_CREDENTIALS = "no_credentials"
    SEVERAL_CREDENTIALS = "several_credentials"
    MALFORMED_CREDENTIALS = "malformed_credentials"
    BEARER_REFUSED = "bearer_refused"
    BOUND_TOKEN_AS_BEARER = "bound_token_as_bearer"  # noqa: S105
    UNBOUND_TOKEN = "unbound_token"  # noqa: S105
    UNBOUND_AGENT = "unbound_agent"
    MALFORMED_TOKEN = "malformed_token"  # noqa: S105
    WRONG_TYPE = "wrong_type"
    NO_KEY = "no_key"
    UNKNOWN_KEY = "unknown_key"
    BAD_SIGNATURE = "bad_signature"
    WRONG_ISSUER = "wrong_issuer"
    EXPIRED = "expired"
    NOT_YET = "not_yet"
    CLAIM = "claim"
    WRONG_AUDIENCE = "wrong_audience"
    ACTOR_CHAIN = "actor_chain"
    NOT_AN_AGENT = "not_an_agent"
    NO_TASK = "no_task"
    TASK = "task"
    INACTIVE = "inactive"
    MISSING_PROOF = "missing_proof"
    SEVERAL_PROOFS = "several_proofs"
    PROOF = "proof"
    USE_NONCE = "use_nonce"
    WRONG_KEY = "wrong_key"
    PROOF_REPLAYED = "proof_replayed"
    INSUFFICIENT_SCOPE = "insufficient_scope"
    UNAVAILABLE = "unavailable"


_TOKEN = (401, "invalid_token")
_PROOF = (401, "invalid_dpop_proof")
_REQUEST = (400, "invalid_request")

_TABLE: dict[Reason, tuple[tuple[int, str | None], str]] = {
    Reason.NO_CREDENTIALS: ((401, None), "send an access token in the `Authorization` header field"),
    Reason.SEVERAL_CREDENTIALS: (
        _REQUEST,
        "send one access token in one way: one `Authorization` header field, nothing in the query",
    ),
    Reason.MALFORMED_CREDENTIALS: (_REQUEST, "the `Authorization` header field holds no access token"),
    Reason.BEARER_REFUSED: (
        _TOKEN,
        "this resource takes no bearer tokens: ask for a token that is bound to your key",
    ),
    Reason.BOUND_TOKEN_AS_BEARER: (_TOKEN, "this token is bound to a key: use the scheme `DPoP` and send a proof"),
    Reason.UNBOUND_TOKEN: (_TOKEN, "this token is bound to no key: it cannot be used with the scheme `DPoP`"),
    Reason.UNBOUND_AGENT: (_TOKEN, "a token of an agent must be bound to a key"),
    Reason.MALFORMED_TOKEN: (_TOKEN, "the access token is malformed"),
    Reason.WRONG_TYPE: (_TOKEN, "the token is no access token: its `typ` is not `at+jwt`"),
    Reason.NO_KEY: (_TOKEN, "the access token names no key (`kid`)"),
    Reason.UNKNOWN_KEY: (_TOKEN, "the access token is signed by an unknown key"),
    Reason.BAD_SIGNATURE: (_TOKEN, "the signature of the access token does not verify"),
    Reason.WRONG_ISSUER: (_TOKEN, "the access token is from another issuer"),
    Reason.EXPIRED: (_TOKEN, "the access token has expired"),
    Reason.NOT_YET: (_TOKEN, "the access token was issued in the future"),
    Reason.CLAIM: (_TOKEN, "a claim of the token is not what an access token of this issuer says"),
    Reason.WRONG_AUDIENCE: (_TOKEN, "the token is for another resource"),
    Reason.ACTOR_CHAIN: (_TOKEN, "the actor chain of the token is refused"),
    Reason.NOT_AN_AGENT: (_TOKEN, "this resource is for agents only, and no agent stands behind this token"),
    Reason.NO_TASK: (_TOKEN, "the agent's token names no task (`mission`)"),
    Reason.TASK: (_TOKEN, "the task of this token is over or cannot be read"),
    Reason.INACTIVE: (_TOKEN, "the token is no longer active: it was revoked, or its task was stopped"),
    Reason.WRONG_KEY: (_TOKEN, "the token is bound to another key than that of the DPoP proof"),
    Reason.MISSING_PROOF: (_PROOF, "the DPoP proof is missing: send one in the `DPoP` header field"),
    Reason.SEVERAL_PROOFS: (_PROOF, "send exactly one `DPoP` header field"),
    Reason.PROOF: (_PROOF, "the DPoP proof is not valid"),
    Reason.PROOF_REPLAYED: (_PROOF, "the DPoP proof was used before: sign a new one for each request"),
    Reason.USE_NONCE: (
        (401, "use_dpop_nonce"),
        "the DPoP proof needs a valid nonce: take the one of `DPoP-Nonce`",
    ),
    Reason.INSUFFICIENT_SCOPE: ((403, "insufficient_scope"), "a scope is missing"),
    Reason.UNAVAILABLE: ((503, "temporarily_unavailable"), "the token cannot be checked now: try again"),
}


@dataclass(frozen=True, slots=True)
class Challenger:
    realm: str
    metadata_url: str | None
    bearer: Literal["refuse", "allow"]


class Refusal(Exception):
    """Raised by the checks, before it is known how the answer is written."""

    def __init__(self, reason: Reason, detail: str | None = None) -> None:
        super().__init__(detail or _TABLE[reason][1])
        self.reason = reason


class Rejection(Exception):
    """A rejected request; `status`, `headers` and `body` are the whole answer. `__cause__` is for your log."""

    def __init__(
        self,
        refusal: Refusal,
        challenger: Challenger,
        scheme: Scheme | None,
        *,
        nonce: str | None = None,
        scope: str | None = None,
    ) -> None:
        super().__init__(str(refusal))
        self.reason = refusal.reason
        (self.status, self.error), _ = _TABLE[refusal.reason]
        self.headers: list[tuple[str, str]] = [("cache-control", "no-store")]
        if self.error is not None:
            self.headers.append(("content-type", "application/json"))
        if self.status == 503:
            self.headers.append(("retry-after", "1"))
        if nonce is not None:
            self.headers.append(("dpop-nonce", nonce))
        for one in self._schemes(challenger, scheme):
            self.headers.append(("www-authenticate", self._challenge(one, challenger, scope)))

    @property
    def body(self) -> bytes:
        if self.error is None:
            return b""
        return json.dumps({"error": self.error, "error_description": _quotable(str(self))}).encode()

    def header(self, name: str) -> str | None:
        return next((value for known, value in self.headers if known == name), None)

    def _schemes(self, challenger: Challenger, scheme: Scheme | None) -> list[Scheme]:
        if self.status == 503:
            return []
        if challenger.bearer == "refuse":
            return ["DPoP"]
        if scheme is None:
            return ["DPoP", "Bearer"]
        is_bearer = scheme == "Bearer" and self.reason is not Reason.BOUND_TOKEN_AS_BEARER
        return ["Bearer"] if is_bearer else ["DPoP"]

    def _challenge(self, scheme: Scheme, challenger: Challenger, scope: str | None) -> str:
        parameters: list[tuple[str, str]] = []
        if self.error is not None:
            parameters += [("error", self.error), ("error_description", str(self))]
        if scope is not None:
            parameters.append(("scope", scope))
        if scheme == "DPoP":
            parameters.append(("algs", " ".join(SIGNING_ALGORITHMS)))
        if challenger.metadata_url is not None:
            parameters.append(("resource_metadata", challenger.metadata_url))
        if not parameters:
            parameters.append(("realm", challenger.realm))
        return f"{scheme} " + ", ".join(f'{name}="{_quotable(value)}"' for name, value in parameters)


def _quotable(text: str) -> str:
    """RFC 6750 section 3: what a quoted string of these parameters cannot hold is replaced."""
    return re.sub(r"[^ -~]", "?", text.replace('"', "'").replace("\\", "/"))
