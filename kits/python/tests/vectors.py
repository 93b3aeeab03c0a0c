"""The tables in conformance/vectors, and requests that are made from them."""

from __future__ import annotations

import copy
import hashlib
import json
import re
import warnings
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey, OKPKey
from joserfc.jws import JWSRegistry

FOLDER = Path(__file__).parents[3] / "conformance" / "vectors"


def table(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / f"{name}.json").read_text())


def changed(base: dict[str, Any], case: dict[str, Any]) -> dict[str, Any]:
    """`base` with the changes of one case."""
    document = copy.deepcopy(base)

    def place(pointer: str) -> tuple[dict[str, Any], str]:
        *names, last = pointer[1:].split("/")
        holder = document
        for name in names:
            holder = holder[name]
        return holder, last

    for pointer, value in case.get("set", {}).items():
        holder, name = place(pointer)
        holder[name] = value
    for pointer in case.get("remove", []):
        holder, name = place(pointer)
        del holder[name]
    return document


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def sign(jwk: dict[str, Any], header: dict[str, Any], claims: dict[str, Any]) -> str:
    """A JWT of any header, also one that a library would not make."""
    name, kind = ("EdDSA", OKPKey) if jwk["kty"] == "OKP" else ("ES256", ECKey)
    signing_input = ".".join(b64(json.dumps(part).encode()) for part in (header, claims))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        algorithm = JWSRegistry(algorithms=[name]).get_alg(name)
    return f"{signing_input}.{b64(algorithm.sign(signing_input.encode(), kind.import_key(jwk)))}"


def hashed(text: str) -> str:
    return b64(hashlib.sha256(text.encode()).digest())


def filled(value: Any, words: dict[str, str | None]) -> Any:
    """Replaces `$name` in every text of a value."""
    text = re.sub(r"\$(token|proof|ath|nonce)", lambda found: words.get(found[1]) or found[0], json.dumps(value))
    return json.loads(text)
