"""What stands in front of an application: the browser's questions, and the end of the connection."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import httpx
import pytest
from fake_writ import ISSUER, FakeWrit
from starlette.requests import Request
from starlette.responses import Response

from writ_kit.resource import Protect, Verifier, caller_of, gone_of

RESOURCE = "http://127.0.0.1:8"
ASKS = {"origin": "https://page.example", "access-control-request-method": "POST"}


@pytest.mark.parametrize(
    ("cross_origin", "own", "preflight", "answered"),
    [("open", {}, "*", "*"), ("open", {"Access-Control-Allow-Origin": "https://a"}, "*", "https://a"), ("closed", {}, None, None)],
)
def test_what_the_application_says_of_other_origins_stands(cross_origin: Any, own: Any, preflight: Any, answered: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        body = await Request(scope, receive).body()
        await Response(body, headers=own)(scope, receive, send)

    async def story() -> None:
        writ = FakeWrit(RESOURCE)
        verifier = Verifier(ISSUER, RESOURCE, bearer="allow", client=writ.client)
        transport = httpx.ASGITransport(Protect(app, verifier, cross_origin=cross_origin))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url=RESOURCE) as http:
            asked = await http.options("/", headers=ASKS)
            assert (asked.status_code, asked.headers.get("access-control-allow-origin")) == (204, preflight)
            sent = await http.post("/", content=b"milk", headers={"authorization": f"Bearer {writ.token()}"})
            assert (sent.content, sent.headers.get_list("access-control-allow-origin")) == (b"milk", [answered] if answered else [])

    asyncio.run(story())


@pytest.mark.parametrize("pieces", [0, 1, 3])
def test_who_does_not_read_the_request_hears_its_end(pieces: int) -> None:
    ended: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        gone = gone_of(scope)
        assert gone is not None
        assert gone is caller_of(scope).gone
        await gone.wait()
        for _ in range(pieces + 2):
            ended.append((await receive())["type"])

    async def story() -> None:
        writ = FakeWrit(RESOURCE)
        messages: list[MutableMapping[str, Any]] = [{"type": "http.request", "body": b"x", "more_body": True}] * pieces
        messages += [{"type": "http.disconnect"}]

        async def receive() -> MutableMapping[str, Any]:
            return messages.pop(0)

        async def send(message: MutableMapping[str, Any]) -> None:
            raise AssertionError(message)

        headers = [(b"authorization", f"Bearer {writ.token()}".encode())]
        scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers}
        verifier = Verifier(ISSUER, RESOURCE, bearer="allow", client=writ.client)
        await asyncio.wait_for(Protect(app, verifier)(scope, receive, send), 10)
        assert ended == ["http.request"] * pieces + ["http.disconnect"] * 2

    asyncio.run(story())
