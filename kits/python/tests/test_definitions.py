"""Each case of conformance/vectors/definitions.json."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from vectors import table

from writ_kit.mcp._definition import hash_of


@pytest.mark.parametrize("case", table("definitions")["cases"], ids=lambda case: case["name"])
def test_a_definition(case: dict[str, Any]) -> None:
    digest = hashlib.sha256(case["canonical"].encode()).digest()
    assert urlsafe_b64encode(digest).rstrip(b"=").decode() == case["hash"], "the table is right"
    assert hash_of(json.loads(case["definition"])) == case["hash"]
