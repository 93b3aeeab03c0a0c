"""Each case of conformance/vectors/agents.json."""

from __future__ import annotations

import asyncio
import json
from base64 import urlsafe_b64decode
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from vectors import table

from writ_kit._http import Secret
from writ_kit.agent import Agent, Grant, Key, UsageError

TABLE = table("agents")
ISSUER, RESOURCE = TABLE["issuer"], TABLE["resource"]
HELD = Grant(Secret("abc"), None, None, None, ())


def scene(said: dict[str, Any] | None) -> tuple[httpx.AsyncClient, list[str | None]]:
    """Asks for a nonce once, then says what the case says; the list has the proofs' nonces."""
    seen: list[str | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        url = str(request.url)
        if url == f"{ISSUER}/.well-known/oauth-authorization-server":
            return httpx.Response(200, json={"issuer": ISSUER, "token_endpoint": f"{ISSUER}/token"})
        payload = request.headers["dpop"].split(".")[1]
        seen.append(json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4))).get("nonce"))
        if len(seen) == 1:
            at_resource = url.startswith(RESOURCE)
            headers = {"dpop-nonce": "nonce-1", **({"www-authenticate": 'DPoP error="use_dpop_nonce"'} if at_resource else {})}
            return httpx.Response(401 if at_resource else 400, json={"error": "use_dpop_nonce"}, headers=headers)
        if said is None:
            raise httpx.ConnectError("nobody answers")
        return httpx.Response(said["status"], json=said.get("body", {}), headers=said.get("headers"))

    return httpx.AsyncClient(transport=httpx.MockTransport(answer)), seen


async def judged(case: dict[str, Any], act: Callable[[Agent], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    client, seen = scene(case["answer"])
    agent = await Agent.discover(ISSUER, "agt_planner", assertion=Key.generate(), dpop=Key.generate(), client=client)
    try:
        found = await act(agent)
    except Exception as error:
        assert error.advice  # type: ignore[attr-defined]
        found = failed(error)
    assert seen == [None, "nonce-1"]
    return found


def failed(error: Any) -> dict[str, Any]:
    found = {"error": type(error).__name__}
    names = ["reason", "retry_after", "scope", "insufficient", "excess"]
    if found["error"].endswith("Refused"):
        names.append("code")
    # Of what permits nothing it is the answer of an API that asked, not the one that came here.
    if found["error"] == "ResourceRefused":
        names.append("status")
    for name in names:
        if getattr(error, name, None):
            found[name] = getattr(error, name)
    return found


@pytest.mark.parametrize("case", TABLE["token"], ids=lambda case: case["name"])
def test_token(case: dict[str, Any]) -> None:
    async def own(agent: Agent) -> dict[str, Any]:
        grant = await agent.own(resource=RESOURCE)
        assert "abc" not in repr(grant)
        return {"scope": grant.scope, "details": list(grant.details)}

    assert asyncio.run(judged(case, own)) == case["expect"]


@pytest.mark.parametrize("case", TABLE["call"], ids=lambda case: case["name"])
def test_call(case: dict[str, Any]) -> None:
    async def call(agent: Agent) -> dict[str, Any]:
        return {"status": (await agent.call(HELD, "GET", f"{RESOURCE}/accounts")).status_code}

    assert asyncio.run(judged(case, call)) == case["expect"]


def test_a_token_goes_to_https_or_loopback_alone() -> None:
    async def story() -> None:
        client, seen = scene(None)
        agent = await Agent.discover(ISSUER, "agt_planner", assertion=Key.generate(), dpop=Key.generate(), client=client)
        with pytest.raises(UsageError):
            await agent.call(HELD, "GET", "http://bank.example/")
        assert seen == []

    asyncio.run(story())
