"""Stock MCP clients, servers with the kit, and the built binary: what alice says at her phone is what happens."""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
import socket
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import fastmcp
import httpx
import httpx2
import pytest
import uvicorn
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.mcpserver import MCPServer
from writ_world import World

from writ_kit import mcp as sdk_door
from writ_kit.mcp import fastmcp as fastmcp_door
from writ_kit.resource import Decisions, LiveCheck, Verifier

SETTINGS = {"WRIT__FEATURES__GUESTS": "true", "WRIT__REGISTRATION__MODE": "open"}
REDIRECT = "http://127.0.0.1:9/callback"


def register(here: World, resource: str) -> None:
    here.begin("notes-api")
    says = {"en": "delete the note {/title}", "de": "die Notiz {/title} löschen"}
    record = {
        "resource": resource,
        "name": "Notes",
        "scopes": ["notes:write"],
        "client_id": "notes-api",
        "guests": {"mode": "bearer", "scopes": ["notes:write"]},
        "actions": {"delete_note": {"scope": "notes:write", "ask": True, "says": says}},
    }
    here.add("resource", record)


def confirm(here: World, opened: str, resource: str) -> None:
    """As docs/mcp.md has it: the tools as they are become actions, and `read_note` needs no person."""
    told = ["--resource", resource, "--name", "Notes", "--client-id", "notes-api", "--confirm", "read_note"]
    record = json.loads(here.writ("mcp", "add", opened, *told))
    here.add("resource", {**record, "guests": {"mode": "bearer", "scopes": ["tools"]}})


def app_of(kind: str, here: World, resource: str, runs: list[str], description: str = "Shows a note", guarded: bool = True) -> Any:
    live = LiveCheck("notes-api", here.secret)
    verifier = Verifier(here.issuer, resource, bearer="allow", live=live)
    decisions = Decisions(here.issuer, resource, client_id="notes-api", client_secret=here.secret)

    def delete_note(title: str) -> str:
        runs.append(title)
        return f"deleted {title}"

    def read_note(title: str, tag: str | None = None) -> str:
        runs.append(title)
        return f"{title}: milk"

    door: Any = sdk_door if kind == "sdk" else fastmcp_door
    gated = door.Gate(decisions, patience=1, progress_every=1).gated()
    auth = fastmcp_door.auth(verifier, resource.removesuffix("/mcp")) if guarded else None
    server: Any = MCPServer("notes") if kind == "sdk" else fastmcp.FastMCP("notes", auth=auth)
    server.tool()(gated(delete_note))
    server.tool(description=description)(gated(read_note))
    if kind == "fastmcp":
        return server.http_app()
    app = server.streamable_http_app()
    return sdk_door.Guard(app, verifier) if guarded else app


@asynccontextmanager
async def served(app: Any, listener: socket.socket) -> AsyncIterator[str]:
    notes = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
    serving = asyncio.create_task(notes.serve(sockets=[listener]))
    while not notes.started:
        await asyncio.sleep(0.005)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
    notes.should_exit = notes.force_exit = True
    await serving


def listening() -> socket.socket:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    return listener


@asynccontextmanager
async def stock(url: str, token: str) -> AsyncIterator[Client]:
    async with httpx2.AsyncClient(headers={"authorization": f"Bearer {token}"}, timeout=60) as http:
        async with Client(streamable_http_client(url, http_client=http), mode="legacy") as client:
            yield client


def guest_token(here: World, resource: str, scope: str) -> str:
    """As an MCP client gets one: it registers itself, and alice agrees."""
    metadata = {"client_name": "Claude", "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none"}
    client = httpx.post(f"{here.issuer}/register", json=metadata).raise_for_status().json()["client_id"]
    verifier = secrets.token_urlsafe(32)
    challenge = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {"client_id": client, "response_type": "code", "redirect_uri": REDIRECT, "resource": resource, "state": "state"}
    pkce = {"code_challenge": challenge, "code_challenge_method": "S256", "scope": scope}
    callback = here.person.approve(f"{here.issuer}/authorize?{urlencode({**asked, **pkce})}")
    code = parse_qs(urlsplit(callback).query)["code"][0]
    form = {"grant_type": "authorization_code", "client_id": client, "code": code, "redirect_uri": REDIRECT}
    answer = httpx.post(f"{here.issuer}/token", data={**form, "code_verifier": verifier})
    token: str = answer.raise_for_status().json()["access_token"]
    return token


async def ignore(progress: float, total: float | None, message: str | None) -> None: ...


@pytest.mark.parametrize("kind", ["sdk", "fastmcp"])
def test_one_yes_is_one_call_a_no_is_none_and_a_call_that_died_asks_nobody(kind: str, tmp_path: Path) -> None:
    here = World(tmp_path, **SETTINGS)
    resource = f"{here.resource}/mcp"
    register(here, resource)
    server = here.serve()
    try:
        asyncio.run(story(kind, here, resource))
    finally:
        server.terminate()
        server.wait(10)


async def story(kind: str, here: World, resource: str) -> None:
    runs: list[str] = []
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(asyncio.timeout(120))
        await stack.enter_async_context(served(app_of(kind, here, resource, runs), here.listener))
        token = await asyncio.to_thread(guest_token, here, resource, "notes:write")
        client = await stack.enter_async_context(stock(resource, token))

        async def call(title: str, progress: Any = None) -> str:
            answer = await client.call_tool("delete_note", {"title": title}, progress_callback=progress)
            return answer.content[0].text  # type: ignore[union-attr]

        assert "Waiting for a person" in await call("Shopping list")
        screen = await asyncio.to_thread(here.phone.screen)
        assert all(words in screen.text for words in ("Claude", "Notes", "Delete the note", "Shopping list"))
        await asyncio.to_thread(here.decide, "approve")
        assert "Waiting for a person" in await call("Groceries")
        assert await call("Shopping list") == "deleted Shopping list"
        assert runs == ["Shopping list"]
        await asyncio.to_thread(here.decide, "deny")

        second = asyncio.create_task(call("Shopping list", ignore))
        await asyncio.to_thread(here.decide, "approve")
        assert await second == "deleted Shopping list"

        third = asyncio.create_task(call("Letters", ignore))
        while not await asyncio.to_thread(here.waiting):
            await asyncio.sleep(0.05)
        third.cancel()
        await asyncio.gather(third, return_exceptions=True)
        while await asyncio.to_thread(here.waiting):
            await asyncio.sleep(0.05)

        fourth = asyncio.create_task(call("Diary", ignore))
        await asyncio.to_thread(here.decide, "deny")
        assert "The person said no" in await fourth
        assert "The person said no" in await call("Diary", ignore)
        assert runs == ["Shopping list", "Shopping list"]


@pytest.mark.parametrize("kind", ["sdk", "fastmcp"])
def test_a_tool_that_mcp_add_confirmed_asks_nobody_until_its_definition_changes(kind: str, tmp_path: Path) -> None:
    here = World(tmp_path, **SETTINGS)
    here.begin("notes-api")
    resource = f"{here.resource}/mcp"
    runs: list[str] = []

    async def record() -> None:
        async with served(app_of(kind, here, resource, runs, guarded=False), listening()) as opened:
            await asyncio.to_thread(confirm, here, opened, resource)

    async def read(app: Any, listener: socket.socket, token: str) -> str:
        async with served(app, listener) as url, stock(url, token) as client:
            answer = await client.call_tool("read_note", {"title": "Diary"})
            return answer.content[0].text  # type: ignore[union-attr]

    async def confirmed() -> None:
        async with asyncio.timeout(120):
            first, changed = (app_of(kind, here, resource, runs, said) for said in ("Shows a note", "Shows a note, and mails it"))
            token = await asyncio.to_thread(guest_token, here, resource, "tools")
            assert await read(first, here.listener, token) == "Diary: milk"
            assert not await asyncio.to_thread(here.waiting)
            assert "Waiting for a person" in await read(changed, listening(), token)
            assert await asyncio.to_thread(here.waiting)
            assert runs == ["Diary"]

    asyncio.run(record())
    server = here.serve()
    try:
        asyncio.run(confirmed())
    finally:
        server.terminate()
        server.wait(10)
