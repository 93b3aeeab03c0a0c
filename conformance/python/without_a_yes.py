"""What a stranger would try to have a gated tool run without a person's yes: judged against servers with the kit, and against the gate.

A scene has `call(tool, arguments)` of one client (`delete_note` with `NOTE` unless it is said), which answers whether the tool ran;
`call_of(session)` for the same call of another one: of another `session`, `client`, `name` or `server`; `approve()`, which asks for the call
of the first client and says yes; and `runs`, which counts what was really done.
"""

NOTE = {"title": "Shopping list"}


async def again(scene, at):
    return await scene.call("delete_note", NOTE)


async def in_another_session(scene, at):
    return await scene.call_of("session")


async def at_another_server(scene, at):
    return await scene.call_of("server")


async def with_other_arguments(scene, at):
    return await scene.call("delete_note", {"title": f"Shopping list {at}"})


async def with_another_tool(scene, at):
    return await scene.call("empty_note", NOTE)


async def as_another_client(scene, at):
    return await scene.call_of("client")


async def under_another_name(scene, at):
    return await scene.call_of("name")


ATTEMPTS = [
    again,
    in_another_session,
    at_another_server,
    with_other_arguments,
    with_another_tool,
    as_another_client,
    under_another_name,
]


async def none_without_a_yes(scene, attempt, times):
    """Made so many times before the yes, and as often after it was used."""
    for at in range(times):
        assert not await attempt(scene, at), f"{attempt.__name__}, before a yes"
    assert scene.runs == []
    await scene.approve()
    if attempt is not again:
        assert await scene.call("delete_note", NOTE), "what was approved"
    passed = [await attempt(scene, at) for at in range(times)].count(True)
    # One yes is one call, whoever makes it first.
    assert (len(scene.runs), passed) == (1, 1 if attempt is again else 0), f"{attempt.__name__}, after the yes"
