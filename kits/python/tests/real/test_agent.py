"""Agents with the kit, the built binary, and an API with the kit: authority from alice to the booker's call."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from writ_world import World

from writ_kit.agent import Agent, Denied, Grant, Key, ProtocolError, Refused, ResourceRefused

PROGRAM = Path(__file__).parents[2] / "examples" / "agent.py"
ALONE = {"subject": "person", "actors": ["agt_planner"]}


def test_an_agent_is_authorized_refreshes_delegates_asks_again_and_is_stopped(world: World) -> None:
    asyncio.run(story(world))


async def story(world: World) -> None:
    server, serving = await world.bank()
    planner, booker = [
        await Agent.discover(world.issuer, name, assertion=world.keys[name], dpop=Key.generate()) for name in ("agt_planner", "agt_booker")
    ]
    resource = world.resource

    async def told(agent: Agent, held: Grant, method: str = "GET") -> Any:
        return (await agent.call(held, method, f"{resource}/accounts")).json()

    redirect_uri = "https://planner.example/cb"
    pending = await planner.authorize(redirect_uri=redirect_uri, resource=resource, scope="accounts:read", purpose="Keep the books")
    callback = await asyncio.to_thread(world.person.approve, pending.url)
    with pytest.raises(ProtocolError):
        await pending.complete(callback.replace("state=", "state=x"), resource)
    grant = await pending.complete(callback, resource)
    assert await told(planner, grant) == ALONE
    refreshed = await planner.refresh(grant, resource=resource)
    assert await told(planner, refreshed) == ALONE

    handed = await planner.delegate(refreshed, booker.actor_assertion("agt_planner"))
    held = booker.accept(handed.expose())
    assert await told(booker, held) == {"subject": "person", "actors": ["agt_booker", "agt_planner"]}
    with pytest.raises(ProtocolError):
        planner.accept(handed.expose())

    with pytest.raises(ResourceRefused) as refused:
        await told(planner, refreshed, "POST")
    assert (refused.value.status, refused.value.code, refused.value.scope) == (403, "insufficient_scope", "accounts:write")
    question = await planner.confirm(refreshed, resource=resource, scope="accounts:write", binding_message="Invoice 4711")
    once, _ = await asyncio.gather(question.wait(), asyncio.to_thread(world.decide, "approve"))
    assert await told(planner, once, "POST") == ALONE
    again = await planner.confirm(refreshed, resource=resource, scope="accounts:write", binding_message="Invoice 4712")
    denied, _ = await asyncio.gather(again.wait(), asyncio.to_thread(world.decide, "deny"), return_exceptions=True)
    assert isinstance(denied, Denied)

    with pytest.raises(Refused) as other:
        await planner.own(resource="https://other.example")
    assert other.value.code == "invalid_target"
    world.writ("agent", "suspend", "agt_planner")
    await asyncio.sleep(1.1)
    with pytest.raises(ResourceRefused) as stopped:
        await told(planner, refreshed)
    assert (stopped.value.status, stopped.value.code) == (401, "invalid_token")
    server.should_exit = server.force_exit = True
    await serving


def test_the_program_of_the_readme(world: World) -> None:
    asyncio.run(program(world))


async def program(world: World) -> None:
    server, serving = await world.bank()
    environment = {**os.environ, "ISSUER": world.issuer, "RESOURCE": world.resource, "KEY": world.keys["agt_planner"].to_pem()}
    child = await asyncio.create_subprocess_exec(
        sys.executable, str(PROGRAM), env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdin is not None
    assert child.stdout is not None
    opened = (await child.stdout.readline()).decode().strip()
    callback = await asyncio.to_thread(world.person.approve, opened.removeprefix("open "))
    child.stdin.write(f"{callback}\n".encode())
    read = (await child.stdout.readline()).decode().strip()
    await asyncio.to_thread(world.decide, "approve")
    written = (await child.stdout.readline()).decode().strip()
    expected = '{"subject":"person","actors":["agt_planner"]}'
    assert [read.removeprefix("the address it came back to: "), written] == [expected, expected]
    assert await child.wait() == 0
    server.should_exit = server.force_exit = True
    await serving
