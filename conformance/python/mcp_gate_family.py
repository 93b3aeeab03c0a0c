"""The MCP Python SDK and FastMCP, clients unchanged, at a server behind `writ gate`: what matters waits for the person's yes, however the
client can wait; and nothing passes without one.
"""

import asyncio
import json
import logging
import os
import re
import warnings
import webbrowser
from contextlib import AsyncExitStack, asynccontextmanager

import fastmcp
import httpx2
from fastmcp.client.auth import OAuth
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import URL_ELICITATION_REQUIRED, ElicitResult, Implementation

from fastmcp_family import PersonsBrowser
from gate import ASKED_OFTEN, Stock, gated
from mcp_story import Application
from phone import REQUEST, Phone
from plain_world import OPEN, PERSON, begun
from without_a_yes import ATTEMPTS, NOTE, none_without_a_yes
from world import PASSWORD

# Each attempt so many times; a thousand in `tests/run heavy`.
TIMES = int(os.environ.get("WRIT_TRIES", "20"))
PATIENCE = 60 + 2 * TIMES
# Calls of FastMCP wait for the person: so many at once, for so long.
HELD, HELD_SECONDS = 8, 2
VERSION = "2025-11-25"


def play(family):
    logging.disable(logging.CRITICAL)  # refusals are what is asked for: no word about them
    warnings.filterwarnings("ignore", message="Using in-memory token storage")
    webbrowser.register("person", None, PersonsBrowser(), preferred=True)
    here = Here(family)
    for mode in ("legacy", "auto"):
        waits(family, here, mode)
    for attempt in ATTEMPTS:
        title = attempt.__name__.replace("_", " ")
        family.scene(f"gate: none passes without a yes: {title}", lambda one=attempt: here.run(tried(here, one)))
    further(family, here)
    fast(family, here)


class Here:
    """The gate, the person, and an application to which the person agreed."""

    def __init__(self, family):
        self.runs = []
        world = begun(family, {**OPEN, **ASKED_OFTEN})
        self.phone = Phone(world.issuer, PERSON, PASSWORD)
        self.stock = Stock(family, self.runs)
        self.url, self.other = (gated(family, world, self.stock.url, name) for name in ("notes", "notes-2"))
        self.application = Application(self.url, "none")
        self.kept = {}

    def run(self, story):
        async def bounded():
            self.runs.clear()
            async with asyncio.timeout(PATIENCE):
                await story

        asyncio.run(bounded())

    async def approve(self, page):
        await asyncio.to_thread(lambda: self.phone.decide("approve", self.phone.open(page)))

    async def asked(self, title):
        """The page of the open question about this note."""
        while True:
            for page in set(REQUEST.findall((await asyncio.to_thread(self.phone.open, "/app")).text)):
                if title in (await asyncio.to_thread(self.phone.open, page)).text:
                    return page
            await asyncio.sleep(0.05)

    def application_of(self, kind):
        """`client`: another one. `server`: the same at the other gate."""
        if kind not in ("client", "server"):
            return self.application
        if kind not in self.kept:
            known = self.application.client if kind == "server" else None
            self.kept[kind] = Application(self.url if kind == "client" else self.other, "none", client=known)
        return self.kept[kind]


@asynccontextmanager
async def connected(application, mode="legacy", pages=None, name="scenes"):
    about = {"mode": mode, "elicitation_callback": pages, "client_info": Implementation(name=name, version="1")}
    async with httpx2.AsyncClient(auth=application.provider, timeout=30) as http:
        async with Client(streamable_http_client(application.url, http_client=http), **about) as client:
            yield client


async def called(client, tool="delete_note", arguments=NOTE, progress=None):
    answer = await client.call_tool(tool, arguments, progress_callback=progress)
    return not answer.is_error, answer.content[0].text


async def ran(client, tool="delete_note", arguments=NOTE):
    """Whether the tool ran, as the client sees it: an error of the protocol is a no as well."""
    try:
        return (await called(client, tool, arguments))[0]
    except MCPError:
        return False


def page_of(text):
    found = re.search(r"decide here: (\S+)$", text)
    assert found, text
    return found[1]


def waits(family, here, mode):
    async def called_again():
        async with connected(here.application, mode) as client:
            assert await called(client, "search_notes") == (True, "search_notes Shopping list"), "it was confirmed"
            passed, text = await called(client)
            assert not passed
            await here.approve(page_of(text))
            assert await called(client) == (True, "delete_note Shopping list")
            assert not (await called(client))[0], "one yes is one call"
        assert len(here.runs) == 2

    async def heard():
        seen = []

        async def hear(progress, total, message):
            seen.append(progress)

        async with connected(here.application, mode) as client:
            calling = asyncio.create_task(called(client, "delete_note", {"title": "Progress"}, hear))
            await here.approve(await here.asked("Progress"))
            assert await calling == (True, "delete_note Progress")
        assert seen

    async def told_no():
        denied = {"title": f"Denied {mode}"}
        async with connected(here.application, mode) as client:
            page = page_of((await called(client, "delete_note", denied))[1])
            await asyncio.to_thread(lambda: here.phone.decide("deny", here.phone.open(page)))
            for _ in range(2):
                told = await called(client, "delete_note", denied)
                assert told == (False, "The person said no; do not repeat this call."), told
        assert here.runs == []

    async def opened():
        seen = []

        async def open_page(context, params):
            seen.append(params.url)
            await here.approve(params.url)
            return ElicitResult(action="accept")

        async with connected(here.application, mode, open_page) as client:
            if mode == "auto":
                assert await called(client, "delete_note", {"title": "Page"}) == (True, "delete_note Page")
                assert len(seen) == 1
                return
            try:
                await called(client, "delete_note", {"title": "Page"})
            except MCPError as wanted:
                assert wanted.error.code == URL_ELICITATION_REQUIRED, wanted
                await here.approve(wanted.error.data["elicitations"][0]["url"])
            assert await called(client, "delete_note", {"title": "Page"}) == (True, "delete_note Page")

    family.scene(f"gate: {mode}: who can only call again passes after one yes, once", lambda: here.run(called_again()))
    family.scene(f"gate: {mode}: who hears of progress goes on with the yes", lambda: here.run(heard()))
    family.scene(f"gate: {mode}: who calls again after a no is told the no", lambda: here.run(told_no()))
    family.scene(f"gate: {mode}: who opens pages gets the page", lambda: here.run(opened()))


class Tried:
    def __init__(self, here, client, stack):
        self.here = here
        self.client = client
        self.stack = stack
        self.runs = here.runs
        self.others = {}

    async def call(self, tool, arguments):
        return await ran(self.client, tool, arguments)

    async def call_of(self, kind):
        application = self.here.application_of(kind)
        name = "Alice" if kind == "name" else "scenes"
        if kind == "session":
            async with connected(application) as other:
                return await ran(other)
        if kind not in self.others:
            self.others[kind] = await self.stack.enter_async_context(connected(application, name=name))
        return await ran(self.others[kind])

    async def approve(self):
        _, text = await called(self.client)
        await self.here.approve(page_of(text))


async def tried(here, attempt):
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(connected(here.application))
        await none_without_a_yes(Tried(here, client, stack), attempt, TIMES)


class Raw:
    """Messages as no SDK sends them, in a session of their own."""

    def __init__(self, http, application):
        self.http = http
        self.url = application.url
        self.application = application
        self.headers = {"accept": "application/json, text/event-stream"}

    async def begin(self):
        about = {"protocolVersion": VERSION, "capabilities": {}, "clientInfo": {"name": "scenes", "version": "1"}}
        begun = await self.send({"id": 0, "method": "initialize", "params": about})
        self.headers |= {"mcp-session-id": begun.headers["mcp-session-id"], "mcp-protocol-version": VERSION}
        await self.send({"method": "notifications/initialized"})
        return self

    async def send(self, message):
        headers = self.headers | {"authorization": f"Bearer {self.application.tokens.access_token}"}
        answer = await self.http.post(self.url, headers=headers, json={"jsonrpc": "2.0", **message})
        assert answer.is_success, answer.text
        return answer

    async def call(self):
        """Always with the same id. The SDK gets another token when this one is over."""
        async with connected(self.application):
            pass
        text = (await self.send({"id": 1, "method": "tools/call", "params": {"name": "delete_note", "arguments": NOTE}})).text
        data = re.search(r"^data: (\{.*)$", text, re.MULTILINE)
        result = json.loads(data[1] if data else text)["result"]
        return not result.get("isError", False), result["content"][0]["text"]


def further(family, here):
    async def same_id():
        async with connected(here.application):
            pass
        async with httpx2.AsyncClient(timeout=30) as http:
            raw = await Raw(http, here.application).begin()
            for _ in range(TIMES):
                passed, text = await raw.call()
                assert not passed, text
            assert here.runs == []
            await here.approve(page_of(text))
            passed = [(await raw.call())[0] for _ in range(TIMES)]
        assert (passed.count(True), len(here.runs)) == (1, 1), passed

    async def outside():
        wrong = [{}, {"titel": "Diary"}, {"title": ["Diary"]}, {"title": {"of": "Diary"}}, {"title": 7}]
        before = set(REQUEST.findall((await asyncio.to_thread(here.phone.open, "/app")).text))
        async with connected(here.application) as client:
            for at in range(TIMES):
                answer = await client.call_tool("delete_note", wrong[at % len(wrong)])
                assert answer.is_error
                assert answer.meta["writ/code"] == "arguments_invalid", answer
                text = answer.content[0].text
                assert text.startswith("The arguments do not fit the tool's schema: "), text
                assert text.endswith("; correct them and call again."), text
        after = set(REQUEST.findall((await asyncio.to_thread(here.phone.open, "/app")).text))
        assert (after - before, here.runs) == (set(), [])

    async def changed():
        """The gate reads a server's tools anew for each session."""
        await asyncio.to_thread(here.stock.describe, "search_notes", "Searches, and mails what it finds")
        async with connected(here.application) as client:
            for _ in range(TIMES):
                passed, text = await called(client, "search_notes")
                assert not passed, "it was confirmed as something else"
            assert here.runs == []
            await here.approve(page_of(text))
            passed = [await ran(client, "search_notes") for _ in range(TIMES)]
        assert (passed.count(True), len(here.runs)) == (1, 1), passed

    family.scene("gate: none passes without a yes: the same JSON-RPC id again", lambda: here.run(same_id()))
    family.scene("gate: none passes without a yes: arguments outside the schema", lambda: here.run(outside()))
    family.scene(
        "gate: none passes without a yes: a tool whose definition changed, though it was confirmed", lambda: here.run(changed())
    )


def fast(family, here):
    """FastMCP's client sends a progress token with every call, so its calls wait."""
    oauth = OAuth()

    async def waiting(client, title):
        try:
            async with asyncio.timeout(HELD_SECONDS):
                answer = await client.call_tool("delete_note", {"title": title}, raise_on_error=False)
        except TimeoutError:
            return False
        return not answer.is_error

    async def one_yes():
        async with fastmcp.Client(here.url, auth=oauth) as client:
            calling = asyncio.create_task(client.call_tool("delete_note", {"title": "Fast"}))
            await here.approve(await here.asked("Fast"))
            assert (await calling).content[0].text == "delete_note Fast"
            assert not await waiting(client, "Fast")
        assert len(here.runs) == 1

    async def none():
        async with fastmcp.Client(here.url, auth=oauth) as client:
            for begin in range(0, TIMES, HELD):
                titles = [f"Held {at}" for at in range(begin, begin + HELD)]
                assert not any(await asyncio.gather(*(waiting(client, title) for title in titles)))
        assert here.runs == []

    async def once(client, waits):
        async def hear(progress, total, message):
            waits.set()

        return await client.call_tool("delete_note", {"title": "Rushed"}, raise_on_error=False, progress_handler=hear)

    async def many():
        async with fastmcp.Client(here.url, auth=oauth) as client:
            # A call that comes after the yes is a question of its own.
            waits = [asyncio.Event() for _ in range(HELD)]
            calls = [asyncio.create_task(once(client, one)) for one in waits]
            await asyncio.gather(*(one.wait() for one in waits))
            await here.approve(await here.asked("Rushed"))
            passed = [not answer.is_error for answer in await asyncio.gather(*calls)]
            assert (passed.count(True), len(here.runs)) == (1, 1), passed

    family.scene("gate: fastmcp: a call goes on with the yes, once", lambda: here.run(one_yes()))
    family.scene("gate: fastmcp: none passes without a yes", lambda: here.run(none()))
    family.scene("gate: fastmcp: many calls at once, one yes: one runs", lambda: here.run(many()))
