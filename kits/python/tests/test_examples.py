"""What README.md shows is what runs: the programs in examples/."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
import uvicorn
from fake_writ import FakeWrit
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from starlette.requests import Request
from starlette.responses import Response

FOLDER = Path(__file__).parents[1]
RESOURCE = "http://127.0.0.1:8/mcp"
NO = "the person said no; do not repeat this call"


@pytest.mark.parametrize("name", ["notes.py", "notes_fastmcp.py", "api.py", "agent.py"])
def test_readme_shows_the_program_as_it_is(name: str) -> None:
    program = (FOLDER / "examples" / name).read_text()
    assert f"```python\n{program}```" in (FOLDER / "README.md").read_text()


async def serve(writ: FakeWrit, stack: AsyncExitStack) -> None:
    """The fake over HTTP; its issuer is then where it listens."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        asked = httpx.Request(request.method, f"{writ.issuer}{request.url.path}", headers=request.headers, content=await request.body())
        found = await writ.answer(asked)
        await Response(found.content, found.status_code, found.headers)(scope, receive, send)

    server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="off", log_level="error", timeout_graceful_shutdown=1))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
    writ.issuer = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"

    async def end() -> None:
        server.should_exit = server.force_exit = True
        await serving

    stack.push_async_callback(end)


@asynccontextmanager
async def running(name: str, issuer: str | None = None, refuses: bool = False) -> AsyncIterator[tuple[FakeWrit, str]]:
    """The program with a server of its own, and the URL at which it listens."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(asyncio.timeout(60))
        writ = FakeWrit(RESOURCE)
        writ.refuses = refuses
        await serve(writ, stack)
        environment = {**os.environ, "ISSUER": issuer or writ.issuer, "RESOURCE": RESOURCE, "CLIENT_SECRET": "secret", "PORT": "0"}
        program = str(FOLDER / "examples" / name)
        child = await asyncio.create_subprocess_exec(sys.executable, program, env=environment, stderr=asyncio.subprocess.PIPE)
        assert child.stderr is not None
        said = ""
        while not (found := re.search(r"running on (http://127\.0\.0\.1:\d+)", said)):
            line = (await child.stderr.readline()).decode()
            assert line, f"{name} ended: {said}"
            said += line
        draining = asyncio.create_task(child.stderr.read())
        try:
            yield writ, found[1]
        finally:
            child.kill()
            await child.wait()
            await draining


@pytest.mark.parametrize("name", ["notes.py", "notes_fastmcp.py"])
def test_the_notes_are_deleted_after_a_yes(name: str) -> None:
    async def story() -> None:
        async with running(name) as (writ, url):
            headers = {"authorization": f"Bearer {writ.token()}"}
            async with (
                httpx2.AsyncClient(headers=headers, timeout=60) as http,
                Client(streamable_http_client(f"{url}/mcp", http_client=http)) as client,
            ):
                calling = asyncio.create_task(client.call_tool("delete_note", {"title": "Shopping list"}))
                writ.decide(await writ.asked(), "approved")
                answer = await calling
                assert answer.content[0].text == "deleted Shopping list"  # type: ignore[union-attr]
            async with httpx.AsyncClient() as anybody:
                document = await anybody.get(f"{url}/.well-known/oauth-protected-resource/mcp")
            assert document.json()["authorization_servers"] == [writ.issuer]
            assert document.json()["scopes_supported"] == ["notes:write"]  # what a client asks for

    asyncio.run(story())


def test_the_api_answers_after_a_yes_and_after_a_no() -> None:
    async def story() -> None:
        async with running("api.py") as (writ, url), httpx.AsyncClient(timeout=60) as http:
            for decided, status, body in [
                ("approved", 200, {"deleted": True, "for": "usr_alice"}),
                ("denied", 403, {"error": "access_denied", "error_description": NO}),
            ]:
                headers = {"authorization": f"Bearer {writ.token()}"}
                calling = asyncio.create_task(http.delete(f"{url}/notes/Shopping%20list", headers=headers))
                writ.decide(await writ.asked(), decided)
                answer = await calling
                assert (answer.status_code, answer.json()) == (status, body)
            assert (await http.delete(f"{url}/notes/x")).status_code == 401

    asyncio.run(story())


CALL = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "delete_note", "arguments": {"title": "Shopping list"}, "_meta": {"progressToken": "p"}},
}
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}},
}


@pytest.mark.parametrize("name", ["notes.py", "notes_fastmcp.py", "api.py"])
def test_for_who_hung_up_nothing_is_done(name: str) -> None:
    async def story() -> None:
        async with running(name) as (writ, url), httpx.AsyncClient(timeout=60) as http:
            http.headers = {"authorization": f"Bearer {writ.token()}", "accept": "application/json, text/event-stream"}
            if name == "api.py":
                calling = asyncio.create_task(http.delete(f"{url}/notes/Shopping%20list"))
            else:
                begun = await http.post(f"{url}/mcp", json=INITIALIZE)
                session = {"mcp-session-id": begun.headers["mcp-session-id"], "mcp-protocol-version": "2025-11-25"}
                await http.post(f"{url}/mcp", json={"jsonrpc": "2.0", "method": "notifications/initialized"}, headers=session)
                calling = asyncio.create_task(http.post(f"{url}/mcp", json=CALL, headers=session))
            task = await writ.asked()
            calling.cancel()
            await asyncio.gather(calling, return_exceptions=True)
            while task.status == "pending":
                await asyncio.sleep(0.01)
            assert (task.status, writ.outcomes) == ("cancelled", [])

    asyncio.run(story())


@pytest.mark.parametrize("name", ["notes.py", "notes_fastmcp.py", "api.py"])
@pytest.mark.parametrize(
    ("issuer", "refuses", "said"),
    [(None, True, "the issuer refuses the credentials of this server"), ("http://127.0.0.1:1", False, "Unavailable: ")],
)
def test_a_program_that_could_ask_nobody_does_not_start(name: str, issuer: str | None, refuses: bool, said: str) -> None:
    async def story() -> None:
        async with running(name, issuer, refuses):
            pass

    with pytest.raises(AssertionError, match=rf"(?s){name} ended: .*{said}"):
        asyncio.run(story())


@pytest.mark.parametrize("name", ["notes.py", "notes_fastmcp.py", "api.py"])
def test_a_token_that_cannot_be_checked_now_is_not_refused(name: str) -> None:
    """Clients throw a token away after `invalid_token`."""

    async def story() -> None:
        async with running(name) as (writ, url), httpx.AsyncClient(timeout=60) as http:
            writ.is_down = True
            headers = {"authorization": f"Bearer {writ.token()}", "accept": "application/json, text/event-stream"}
            answer = await http.post(f"{url}/mcp", json=INITIALIZE, headers=headers)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert "www-authenticate" not in answer.headers

    asyncio.run(story())


@pytest.mark.parametrize("name", ["notes.py", "api.py"])
def test_a_client_in_a_browser_may_ask_and_read(name: str) -> None:
    """Fetch section 3.3; as the Rust layer and the gate answer."""

    async def story() -> None:
        async with running(name) as (_, url), httpx.AsyncClient() as http:
            page = {"origin": "https://page.example"}
            asks = {**page, "access-control-request-method": "POST", "access-control-request-headers": "authorization"}
            preflight = await http.options(f"{url}/mcp", headers=asks)
            assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (204, "*")
            assert "authorization" in preflight.headers["access-control-allow-headers"]
            assert "DELETE" in preflight.headers["access-control-allow-methods"]
            for answer in (await http.post(f"{url}/mcp", headers=page), await http.options(f"{url}/mcp", headers=page)):
                assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (401, "*")
                assert "www-authenticate" in answer.headers["access-control-expose-headers"]

    asyncio.run(story())
