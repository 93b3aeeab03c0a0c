"""Stock clients of the MCP Python SDK and of FastMCP against servers with the kit: one yes, one run; no yes, none."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import json
import socket
import sys
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import fastmcp
import httpx2
import pytest
import uvicorn
from fake_writ import ISSUER, FakeWrit, Task
from fastmcp.client.transports import StreamableHttpTransport
from mcp import Client
from mcp.client.auth.utils import get_client_metadata_scopes
from mcp.client.streamable_http import streamable_http_client
from mcp.server.mcpserver import Context, MCPServer
from mcp.shared.auth import ProtectedResourceMetadata
from mcp.shared.exceptions import MCPError
from mcp_types import URL_ELICITATION_REQUIRED, ElicitResult, Implementation

from writ_kit import mcp as sdk_door
from writ_kit.mcp import fastmcp as fastmcp_door
from writ_kit.resource import Decisions, Verifier

sys.path.append(str(Path(__file__).parents[3] / "conformance" / "python"))
from without_a_yes import ATTEMPTS, none_without_a_yes

RESOURCE = "http://127.0.0.1:8/mcp"
SHOPPING = {"title": "Shopping list"}
PATIENCE = 20.0


class World:
    """Servers of one resource; `runs` counts what was really done."""

    def __init__(self, kind: str, stack: AsyncExitStack, **settings: Any) -> None:
        self.writ = FakeWrit(RESOURCE)
        self.runs: list[tuple[str, str]] = []
        self.waited: list[str] = []
        self.kind = kind
        self.description = "Deletes a note"
        self._stack = stack
        self._settings = {"patience": 0, "progress_every": 1, "waiting": lambda by, tool: self.waited.append(by), **settings}
        self._verifier = Verifier(ISSUER, RESOURCE, bearer="allow", client=self.writ.client)
        self._decisions = Decisions(ISSUER, RESOURCE, client_id="notes", client_secret="secret", client=self.writ.client)

    async def serve(self) -> str:
        app = self._sdk_app() if self.kind == "sdk" else self._fastmcp_app()
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:
            await asyncio.sleep(0.005)

        async def end() -> None:
            server.should_exit = server.force_exit = True
            await serving

        self._stack.push_async_callback(end)
        return f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"

    def _sdk_app(self) -> Any:
        server = MCPServer("notes")
        gate = sdk_door.Gate(self._decisions, **self._settings)

        @server.tool(description=self.description)
        @gate.gated()
        def delete_note(title: str, tag: str | None = None) -> str:
            return self.run("delete_note", title)

        @server.tool()
        @gate.gated()
        async def empty_note(title: str, ctx: Context) -> str:
            assert sdk_door.caller_of(ctx).subject.id == "usr_alice"
            return self.run("empty_note", title)

        return sdk_door.Guard(server.streamable_http_app(), self._verifier)

    def _fastmcp_app(self) -> Any:
        server: Any = fastmcp.FastMCP("notes", auth=fastmcp_door.auth(self._verifier, "http://127.0.0.1:8"))
        gate = fastmcp_door.Gate(self._decisions, **self._settings)

        @server.tool(description=self.description)
        @gate.gated()
        def delete_note(title: str, tag: str | None = None) -> str:
            return self.run("delete_note", title)

        @server.tool
        @gate.gated()
        async def empty_note(title: str, ctx: fastmcp.Context) -> str:
            assert fastmcp_door.caller_of().subject.id == "usr_alice"
            return self.run("empty_note", title)

        return server.http_app()

    def run(self, tool: str, title: str) -> str:
        self.runs.append((tool, title))
        return f"{tool} {title}"


@asynccontextmanager
async def world(kind: str, **settings: Any) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        yield World(kind, stack, **settings)


@asynccontextmanager
async def stock(
    here: World, url: str, mode: str, *, client: str = "cimd_notes", pages: Any = None, name: str | None = None
) -> AsyncIterator[Any]:
    """A client as its makers ship it: `legacy` and `auto` of the MCP SDK, `fastmcp` of FastMCP."""
    headers = {"authorization": f"Bearer {here.writ.token(client)}"}
    if mode == "fastmcp":
        transport = StreamableHttpTransport(url, headers=headers)
        async with fastmcp.Client(transport, mode="legacy") as found:
            yield FastCaller(found)
        return
    async with httpx2.AsyncClient(headers=headers, timeout=60) as http:
        transport = streamable_http_client(url, http_client=http)
        told = None if name is None else Implementation(name=name, version="1")
        async with Client(transport, mode=mode, elicitation_callback=pages, client_info=told) as found:
            yield SdkCaller(found)


class SdkCaller:
    def __init__(self, client: Client) -> None:
        self._client = client

    async def hash_of(self, tool: str) -> str:
        """Of the definition as it is listed: its members are ASCII, and it has no numbers."""
        found = next(one for one in (await self._client.list_tools()).tools if one.name == tool)
        plain = found.model_dump(by_alias=True, mode="json", exclude_none=True)
        text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()

    async def call(self, tool: str = "delete_note", arguments: Any = SHOPPING, progress: Any = None) -> tuple[bool, str]:
        answer = await self._client.call_tool(tool, arguments, progress_callback=progress)
        return not answer.is_error, answer.content[0].text  # type: ignore[union-attr]


class FastCaller:
    """FastMCP's client sends a progress token with every call."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def call(self, tool: str = "delete_note", arguments: Any = SHOPPING, progress: Any = None) -> tuple[bool, str]:
        answer = await self._client.call_tool(tool, arguments, raise_on_error=False, progress_handler=progress)
        return not answer.is_error, answer.content[0].text


def scene(story: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Runs it, and never for ever."""

    @functools.wraps(story)
    def run(**given: Any) -> None:
        async def bounded() -> None:
            async with asyncio.timeout(3 * PATIENCE):
                await story(**given)

        asyncio.run(bounded())

    return run


SERVERS = pytest.mark.parametrize("kind", ["sdk", "fastmcp"])
MODES = pytest.mark.parametrize("mode", ["legacy", "auto"])
EVERY_MODE = pytest.mark.parametrize("mode", ["legacy", "auto", "fastmcp"])


def gated(kind: str, mode: str = "legacy", **settings: Any) -> Any:
    @asynccontextmanager
    async def opened() -> AsyncIterator[tuple[World, str, Any]]:
        async with world(kind, **settings) as here:
            url = await here.serve()
            async with stock(here, url, mode) as client:
                yield here, url, client

    return opened()


@SERVERS
@scene
async def test_a_client_that_is_told_to_call_again_passes_after_one_yes(kind: str) -> None:
    async with gated(kind) as (here, _, client):
        passed, text = await client.call()
        assert not passed
        assert "Waiting for a person" in text
        assert "Call this tool again" in text
        assert here.runs == []
        here.writ.decide(await here.writ.asked(), "approved")
        assert await client.call() == (True, "delete_note Shopping list")
        assert not (await client.call())[0]
        assert here.runs == [("delete_note", "Shopping list")]
        assert here.writ.outcomes == ["completed"]
        assert here.waited[0] == "call_again"
        assert here.writ.waited_by == ["call_again"]


@SERVERS
@EVERY_MODE
@scene
async def test_a_client_with_a_progress_token_hears_of_progress(kind: str, mode: str) -> None:
    async with gated(kind, mode) as (here, _, client):
        heard: list[float] = []
        said: set[str | None] = set()

        async def hear(progress: float, total: float | None, message: str | None) -> None:
            heard.append(progress)
            said.add(message)

        calling = asyncio.create_task(client.call("empty_note", progress=hear))
        task = await here.writ.asked()
        while len(heard) < 2:
            await asyncio.sleep(0.02)
        assert not task.call_again
        here.writ.decide(task, "approved")
        assert await calling == (True, "empty_note Shopping list")
        assert heard == sorted(set(heard))
        # The tool's own progress begins at 0.
        assert heard[-1] < 0
        # As the gate says it too.
        assert said == {f"waiting for a person's yes to empty_note: decide here: {here.writ.issuer}/approve/{task.id}"}
        assert (len(here.runs), here.waited, here.writ.waited_by) == (1, ["progress"], ["progress"])


@SERVERS
@MODES
@scene
async def test_a_client_with_url_elicitation_gets_the_approval_page(kind: str, mode: str) -> None:
    async with world(kind) as here:
        seen: list[Any] = []

        async def open_page(context: Any, params: Any) -> ElicitResult:
            seen.append(params)
            here.writ.decide(await here.writ.asked(), "approved")
            return ElicitResult(action="accept")

        async with stock(here, await here.serve(), mode, pages=open_page) as client:
            assert await client.call() == (True, "delete_note Shopping list")
        assert (seen[0].mode, seen[0].url) == ("url", f"{ISSUER}/approve/{here.writ.tasks[0].id}")
        assert (len(here.runs), here.waited, here.writ.waited_by) == (1, ["url_elicitation"], ["url_elicitation"])


@SERVERS
@MODES
@scene
async def test_who_declines_the_page_wants_no_question(kind: str, mode: str) -> None:
    async with world(kind) as here:

        async def decline(context: Any, params: Any) -> ElicitResult:
            return ElicitResult(action="decline")

        async with stock(here, await here.serve(), mode, pages=decline) as client:
            passed, text = await client.call()
        assert not passed
        assert "cancelled" in text
        assert (here.runs, here.writ.tasks[0].status) == ([], "cancelled")


@scene
async def test_the_page_in_the_error_and_the_call_again() -> None:
    """FastMCP passes no such error on, and its gate says so."""
    with pytest.raises(sdk_door.UsageError):
        fastmcp_door.Gate(None, url_elicitation="required")  # type: ignore[arg-type]
    async with world("sdk", url_elicitation="required") as here:

        async def never(context: Any, params: Any) -> ElicitResult:
            raise AssertionError("it was asked by a request")

        async with stock(here, await here.serve(), "legacy", pages=never) as client:
            with pytest.raises(MCPError) as wanted:
                await client.call()
            assert wanted.value.error.code == URL_ELICITATION_REQUIRED
            here.writ.decide(await here.writ.asked(), "approved")
            assert await client.call() == (True, "delete_note Shopping list")
        assert len(here.runs) == 1


@SERVERS
@scene
async def test_a_client_that_carries_our_state_comes_again(kind: str) -> None:
    """2026-07-28, and neither page nor progress: the client comes again by itself, with what it was given."""
    async with gated(kind, "auto", hold_for=1) as (here, _, client):
        calling = asyncio.create_task(client.call())
        task = await here.writ.asked()
        await asyncio.sleep(1.2)
        assert here.runs == []
        here.writ.decide(task, "approved")
        assert await calling == (True, "delete_note Shopping list")
        assert (here.waited, here.writ.waited_by) == (["input_required"], ["input_required"])


@SERVERS
@EVERY_MODE
@scene
async def test_a_no_is_told_as_a_no(kind: str, mode: str) -> None:
    async with gated(kind, mode) as (here, _, client):
        calling = asyncio.create_task(client.call(progress=ignore))
        here.writ.decide(await here.writ.asked(), "denied")
        passed, text = await calling
        assert not passed
        assert "The person said no; do not repeat this call." in text
        assert "do not repeat" in text
        assert here.runs == []


async def ignore(progress: float, total: float | None, message: str | None) -> None: ...


@SERVERS
@EVERY_MODE
@scene
async def test_a_call_that_died_takes_its_question_back(kind: str, mode: str) -> None:
    """A call that died takes its question back, and a later yes does nothing."""
    async with gated(kind, mode) as (here, url, client):
        calling = asyncio.create_task(client.call(progress=ignore))
        task = await here.writ.asked()
        await asyncio.sleep(0.2)
        calling.cancel()
        await asyncio.gather(calling, return_exceptions=True)
        while task.status == "pending":
            await asyncio.sleep(0.01)
        assert task.status == "cancelled"
        async with stock(here, url, "legacy") as other:
            assert not (await other.call())[0]
        assert here.runs == []


@SERVERS
@MODES
@scene
async def test_a_confirmed_tool_passes_without_a_question_until_it_is_defined_otherwise(kind: str, mode: str) -> None:
    async with gated(kind) as (here, url, client):
        here.writ.confirmed["delete_note"] = await client.hash_of("delete_note")
        async with stock(here, url, mode) as other:
            assert await other.call() == (True, "delete_note Shopping list")
        assert (len(here.runs), here.writ.tasks) == (1, [])
        here.description = "Deletes a note, and mails it"
        async with stock(here, await here.serve(), "legacy") as changed:
            assert not (await changed.call())[0]
        assert not (await client.call("empty_note"))[0]
        assert len(here.runs) == 1


@SERVERS
@scene
async def test_an_optional_argument_that_was_not_given_is_none(kind: str) -> None:
    async with gated(kind) as (here, _, client):
        await client.call()
        await client.call(arguments={**SHOPPING, "tag": "old"})
        assert ["tag" in task.object for task in here.writ.tasks] == [False, True]


def ours(here: World) -> Task:
    wanted = ("delete_note", '"Shopping list"', "dlg_cimd_notes")
    return next(task for task in here.writ.tasks if all(part in task.object for part in wanted))


@SERVERS
@scene
async def test_fifty_calls_at_once_and_one_yes(kind: str) -> None:
    async with gated(kind) as (here, _, client):
        await client.call()
        here.writ.decide(await here.writ.asked(), "approved")
        answers = await asyncio.gather(*(client.call() for _ in range(50)))
        assert len(here.runs) == 1
        assert [passed for passed, _ in answers].count(True) == 1


@SERVERS
@scene
async def test_an_approval_of_yesterday_does_nothing(kind: str) -> None:
    async with gated(kind) as (here, _, client):
        await client.call()
        task = await here.writ.asked()
        here.writ.decide(task, "approved")
        task.decided_at -= 24 * 3600
        assert not (await client.call())[0]
        assert here.runs == []


class Scene:
    """As the attempts want it."""

    def __init__(self, here: World, url: str, client: Any, elsewhere: str) -> None:
        self.here = here
        self.url = url
        self.elsewhere = elsewhere
        self.runs = here.runs
        self.call_client = client

    async def call(self, tool: str, arguments: Any) -> bool:
        passed: bool = (await self.call_client.call(tool, arguments))[0]
        return passed

    async def call_of(self, kind: str) -> bool:
        told = {"client": "cimd_other" if kind == "client" else "cimd_notes", "name": "Alice" if kind == "name" else None}
        async with stock(self.here, self.elsewhere if kind == "server" else self.url, "legacy", **told) as other:
            passed: bool = (await other.call())[0]
            return passed

    async def approve(self) -> None:
        await self.call_client.call()
        self.here.writ.decide(ours(self.here), "approved")


@SERVERS
@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: attempt.__name__)
@scene
async def test_without_a_yes_none_passes(kind: str, attempt: Any) -> None:
    async with gated(kind) as (here, url, client):
        await none_without_a_yes(Scene(here, url, client, await here.serve()), attempt, 20)
        assert len(here.writ.outcomes) == 1


@pytest.mark.parametrize(("scopes", "asked"), [(None, None), ([], None), (["notes:write"], "notes:write"), (["a", "b"], "a b")])
def test_a_client_of_fastmcp_asks_for_the_scopes_of_the_server(scopes: list[str] | None, asked: str | None) -> None:
    async def story() -> None:
        async with AsyncExitStack() as stack:
            verifier = World("fastmcp", stack)._verifier
            server: Any = fastmcp.FastMCP("notes", auth=fastmcp_door.auth(verifier, "http://127.0.0.1:8", scopes=scopes))
            transport = httpx2.ASGITransport(server.http_app())
            async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8") as http:
                found = await http.get("/.well-known/oauth-protected-resource/mcp")
            assert ("scopes_supported" in found.json()) == (asked is not None)  # RFC 9728 section 3.2: none is no member
            document = ProtectedResourceMetadata.model_validate(found.json())
            assert get_client_metadata_scopes(None, document) == asked

    asyncio.run(story())
