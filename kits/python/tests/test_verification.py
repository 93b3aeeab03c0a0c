"""Each case of conformance/vectors/verification.json."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from vectors import changed, filled, hashed, sign, table

from writ_kit.resource import Caller, LiveCheck, MemoryReplays, Rejection, Verifier

TABLE = table("verification")
BASE = TABLE["base"]


class StoppedClock:
    def now(self) -> int:
        return TABLE["now"]

    async def sleep(self, seconds: float) -> None: ...


def issuer(live: Any) -> httpx.AsyncClient:
    name = BASE["config"]["issuer"]

    def answer(request: httpx.Request) -> httpx.Response:
        match str(request.url).removeprefix(name):
            case "/.well-known/oauth-authorization-server":
                endpoints = {"jwks_uri": f"{name}/jwks", "introspection_endpoint": f"{name}/introspect"}
                return httpx.Response(200, json={"issuer": name, **endpoints})
            case "/jwks":
                return httpx.Response(200, json={"keys": TABLE["published"]})
            case "/introspect":
                return httpx.Response(live["status"], json=live["body"])
        raise httpx.ConnectError(f"nobody answers at {request.url}")

    return httpx.AsyncClient(transport=httpx.MockTransport(answer))


def verifier_of(scene: dict[str, Any]) -> Verifier:
    config, live = scene["config"], scene["live"]
    return Verifier(
        config["issuer"],
        config["resource"],
        public_url=config["public_url"],
        agents_only=config["agents_only"],
        bearer=config["bearer"],
        nonces=config["nonces"],
        replays=MemoryReplays() if config["nonces"] == "off" else None,
        live=None if live is None else LiveCheck("bank", "secret"),
        client=issuer(live),
        clock=StoppedClock(),
    )


def request_of(scene: dict[str, Any], nonce: str | None = None) -> tuple[str, str, list[tuple[str, str]]]:
    token, proof = scene["token"], scene["proof"]
    words: dict[str, str | None] = {"nonce": nonce}
    words["token"] = sign(TABLE["keys"][token["key"]], token["header"], token["claims"])
    words["ath"] = hashed(words["token"] or "")
    words["proof"] = sign(TABLE["keys"][proof["key"]], proof["header"], filled(proof["claims"], words))
    request = filled(scene["request"], words)
    headers = [(name, value) for name, values in request["headers"].items() for value in values]
    return request["method"], request["url"], headers


async def nonce_of(verifier: Verifier) -> str | None:
    """As a client gets one: by a request without."""
    with pytest.raises(Rejection) as refused:
        await verifier.verify(*request_of(changed(BASE, {"remove": ["/proof/claims/nonce"]})))
    return refused.value.header("dpop-nonce")


async def judged(case: dict[str, Any]) -> dict[str, Any]:
    scene = changed(BASE, case)
    verifier = verifier_of(scene)
    request = request_of(scene, None if scene["config"]["nonces"] == "off" else await nonce_of(verifier))
    if case.get("twice"):
        await verifier.verify(*request)
    try:
        return told(await verifier.verify(*request))
    except Rejection as rejection:
        return refused(rejection)


def told(caller: Caller) -> dict[str, Any]:
    return {
        "caller": {
            "subject": {"kind": caller.subject.kind, "id": caller.subject.id},
            "agent": caller.agent,
            "actors": [actor.sub for actor in caller.actors],
            "client": caller.client,
            "task": None if caller.task is None else caller.task.id,
            "delegation": caller.delegation,
            "scopes": sorted(caller.scopes),
            "key": caller.key,
        }
    }


def refused(rejection: Rejection) -> dict[str, Any]:
    if rejection.status != 503:
        challenge = rejection.header("www-authenticate") or ""
        wanted = "DPoP algs=" if rejection.error is None else f'error="{rejection.error}"'
        assert wanted in challenge
    gives = {"gives_nonce": True} if rejection.header("dpop-nonce") else {}
    return {"reason": rejection.reason.value, "status": rejection.status, "error": rejection.error, **gives}


@pytest.mark.parametrize("case", TABLE["cases"], ids=lambda case: case["name"])
def test_verification(case: dict[str, Any]) -> None:
    assert asyncio.run(judged(case)) == case["expect"]


def test_a_caller_prints_no_token() -> None:
    async def printed() -> str:
        scene = changed(BASE, {})
        verifier = verifier_of(scene)
        return repr(await verifier.verify(*request_of(scene, await nonce_of(verifier))))

    assert "eyJ" not in asyncio.run(printed())
