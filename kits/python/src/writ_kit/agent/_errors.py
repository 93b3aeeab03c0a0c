"""Why a call of an agent gave nothing. Each says what to do next by `advice`."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from typing import Any

import httpx

from .._http import JsonObject, object_of, retry_after_of
from ..errors import AskLater, Denied, Expired, Unavailable

_ADVICE = {
    "invalid_client": "check that the client is registered, that its `jwks` has the assertion key, and that the clock is right",
    "invalid_grant": "the code or refresh token is spent, expired, stopped or bound to another key: `authorize` again",
    "invalid_scope": "ask for fewer scopes: a grant can only be narrowed",
    "invalid_target": "name exactly one `resource`, one that the grant covers",
    "invalid_authorization_details": "correct or narrow the members that `excess` points at",
    "unauthorized_client": "an administrator must allow this client what it asked for",
    "invalid_token": "the token is expired, stopped, or not for this resource: `refresh` once, then `authorize`",
    "insufficient_scope": "ask for the scope that the refusal names with `authorize`, or do without",
    "insufficient_authorization": "ask for the `insufficient` objects with `confirm`; the same again means stop",
    "insufficient_user_authentication": "give `acr_values` to `authorize`: the person must log in more strongly",
}


class Refused(Exception):
    """The server refused: `code` is the registered one, `excess` has a JSON pointer to each member that was too wide."""

    def __init__(self, code: str, description: str, excess: list[JsonObject]) -> None:
        super().__init__(f"{code}: {description}" if description else code)
        self.code = code
        self.description = description
        self.excess = excess
        self.advice = _ADVICE.get(code, "read the description: repeating the same request will not help")


class ResourceRefused(Exception):
    """A resource refused; nothing was done there."""

    def __init__(self, response: httpx.Response) -> None:
        parameters = _parameters(response.headers.get("www-authenticate", ""))
        self.status = response.status_code
        self.code = parameters.get("error")
        self.scope = parameters.get("scope")
        self.acr_values = parameters.get("acr_values")
        self.insufficient = _details(parameters.get("authorization_remediation"))
        """The exact objects to ask a person for: give them to `confirm`."""
        self.response = response
        self.advice = _ADVICE.get(self.code or "", "read the answer of the resource")
        super().__init__(f"the resource refused ({self.status}{' ' + self.code if self.code else ''})")


class ProtocolError(Exception):
    """An answer that breaks the specification: nothing of it was used."""

    advice = "nothing of the answer was used: is this the server that you meant?"


def refusal_of(status: int, headers: httpx.Headers, body: JsonObject | None) -> Exception:
    """What an answer means that is no success."""
    told = body or {}
    code, description = told.get("error"), told.get("error_description")
    seconds = retry_after_of(headers)
    if seconds is None and type(told.get("retry_after")) is int:
        seconds = told["retry_after"]
    if code == "access_denied":
        return Denied("person", "the person said no") if seconds is None else AskLater(seconds)
    if status == 429:
        return AskLater(60 if seconds is None else seconds)
    if code == "expired_token":
        return Expired("nobody decided in time")
    if status >= 500 or not isinstance(code, str):
        return Unavailable(f"the server cannot answer now ({status})")
    excess = told.get("excess")
    listed = [one for one in excess if isinstance(one, dict)] if isinstance(excess, list) else []
    return Refused(code, description if isinstance(description, str) else "", listed)


def _parameters(challenge: str) -> dict[str, str]:
    """Of the first challenge; its values are quoted."""
    return {name.lower(): value for name, value in re.findall(r'([A-Za-z_]+)="([^"]*)"', challenge)}


def _details(text: str | None) -> list[JsonObject] | None:
    """`authorization_remediation`: base64url JSON."""
    if text is None:
        return None
    try:
        read: Any = object_of(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:
        return None
    details = (read or {}).get("authorization_details")
    return details if isinstance(details, list) and all(isinstance(one, dict) for one in details) else None
