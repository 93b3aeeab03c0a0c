"""Each case of conformance/vectors/decisions.json, and what an action may hold."""

from __future__ import annotations

import asyncio
import copy
import json
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from vectors import table

from writ_kit.errors import ArgumentsInvalid, AskLater, Cancelled, Denied, Expired, StillWaiting, Unavailable
from writ_kit.resource import Action, Decisions, GateOptions, Looked, NotPermitted, Permit, UsageError
from writ_kit.resource._action import text_of

TABLE = table("decisions")
ISSUER, ACTION = TABLE["issuer"], TABLE["action"]
PERMITTED = TABLE["cases"][0]["evaluation"]


class Shown:
    def __init__(self, text: str) -> None:
        self.expose = lambda: text


CALLER: Any = SimpleNamespace(
    subject=SimpleNamespace(id="usr_alice"),
    gone=None,
    presented=SimpleNamespace(token=Shown("the-token"), dpop=SimpleNamespace(proof=Shown("the-proof"), htm="POST", htu="u")),
)


class ManualClock:
    """Time that moves when somebody waits."""

    def __init__(self) -> None:
        self.time = TABLE["now"]
        self.moved: Callable[[int], None] = lambda time: None

    def now(self) -> int:
        return int(self.time)

    async def sleep(self, seconds: float) -> None:
        self.move(seconds)

    def move(self, seconds: float) -> None:
        self.time += seconds
        self.moved(self.time)


class FakeServer:
    """An authorization server inside the test, that says what a table tells it to."""

    def __init__(self, script: dict[str, Any], clock: ManualClock) -> None:
        self.script = script
        self.clock = clock
        self.evaluations: list[Any] = []
        self.keys: list[str] = []
        self.requests: list[Any] = []
        self.outcomes: list[Any] = []
        self.cancelled = 0
        self.polls = 0
        self.refuses: int | None = None

    def client(self) -> httpx.AsyncClient:
        async def answer(request: httpx.Request) -> httpx.Response:
            await asyncio.sleep(0)
            return self.answer(request)

        return httpx.AsyncClient(transport=httpx.MockTransport(answer))

    def answer(self, request: httpx.Request) -> httpx.Response:
        url = str(request.url)
        assert url.startswith(ISSUER + "/"), f"the kit called {url}"
        body = json.loads(request.content) if request.content else None
        path = urlsplit(url).path
        if path == "/.well-known/authzen-configuration":
            return self.metadata()
        assert request.headers["authorization"] == httpx.BasicAuth("notes", "secret")._auth_header
        match f"{request.method} {path}":
            case "POST /access/v1/evaluation":
                self.keys.append(request.headers["idempotency-key"])
                self.evaluations.append(body)
                return self.say(self.script["evaluation"][len(self.evaluations) - 1])
            case "POST /access/v1/evaluations":
                assert "idempotency-key" not in request.headers
                return httpx.Response(200, json={"evaluations": [self.script["evaluation"][0]["body"]]})
            case "POST /access/v1/requests":
                self.requests.append(body)
                return self.say(self.script["request"])
            case "GET /access/v1/requests/apr_1":
                return self.status(request.headers.get("prefer", ""))
            case "POST /access/v1/requests/apr_1/cancel":
                self.cancelled += 1
                return self.say(self.script.get("cancel", {"status": 200, "body": {"task": {"status": "cancelled"}}}))
            case "POST /access/v1/outcomes":
                self.outcomes.append(body)
                return self.say(self.script.get("outcome", {"status": 204}))
        return httpx.Response(self.refuses or 404)

    def status(self, prefer: str) -> httpx.Response:
        scripted = self.script["status"]
        said = scripted[min(self.polls, len(scripted) - 1)]
        self.polls += 1
        if said is not None and said["body"].get("task", {}).get("status") == "pending":
            wait = re.search(r"wait=(\d+)", prefer)
            self.clock.move(int(wait[1]) if wait else 0)
        return self.say(said)

    def say(self, said: dict[str, Any] | None) -> httpx.Response:
        if said is None:
            raise httpx.ConnectError("nobody answers")
        return httpx.Response(said["status"], json=said.get("body"), headers=said.get("headers"))

    def metadata(self) -> httpx.Response:
        endpoint = f"{ISSUER}/access/v1"
        return httpx.Response(
            200,
            json={
                "policy_decision_point": ISSUER,
                "access_evaluation_endpoint": f"{endpoint}/evaluation",
                "access_evaluations_endpoint": f"{endpoint}/evaluations",
                "access_request_endpoint": f"{endpoint}/requests",
            },
        )


def scene(script: dict[str, Any], **more: Any) -> tuple[Decisions, FakeServer, ManualClock]:
    clock = ManualClock()
    server = FakeServer(script, clock)
    decisions = Decisions(ISSUER, TABLE["resource"], client_id="notes", client_secret="secret", client=server.client(), clock=clock, **more)
    return decisions, server, clock


async def judged(case: dict[str, Any]) -> tuple[dict[str, Any], list[Any], FakeServer]:
    decisions, server, clock = scene(case)
    gone = asyncio.Event()
    if "gone_after" in case:
        clock.moved = lambda time: gone.set() if time >= TABLE["now"] + case["gone_after"] else None
    seen: list[Any] = []
    unreported: list[Any] = []

    def run(args: dict[str, Any]) -> str:
        seen.append(args)
        if case.get("handler") == "throws":
            raise RuntimeError("the handler failed")
        return "done"

    options: GateOptions[str] = GateOptions(
        gone=gone, hold_for=case.get("hold_for"), unreported=lambda outcome, cause: unreported.append(outcome)
    )
    given = copy.deepcopy(ACTION["arguments"])
    running = asyncio.ensure_future(decisions.gated(CALLER, Action(ACTION["name"], given), run, options))
    await asyncio.sleep(0)
    given["title"] = "Everything"
    found: dict[str, Any] = {}
    try:
        assert await running == "done"
        found["ends"] = "completed"
    except NotPermitted as error:
        found["ends"] = error.code
        assert error.advice
        for name in ("reason", "retry_after", "sentence"):
            if hasattr(error, name) and (name != "sentence" or name in case["expect"]):
                found[name] = getattr(error, name)
    except RuntimeError as error:
        assert str(error) == "the handler failed"
        found["ends"] = "thrown"
    found |= {"ran": len(seen), "outcomes": [one["result"] for one in server.outcomes]}
    if server.requests:
        found["asked"] = len(server.requests)
    if "cancelled" in case["expect"]:
        found["cancelled"] = server.cancelled
    if unreported:
        found["unreported"] = len(unreported)
    return found, seen, server


@pytest.mark.parametrize("case", TABLE["cases"], ids=lambda case: case["name"])
def test_decision(case: dict[str, Any]) -> None:
    found, seen, server = asyncio.run(judged(case))
    expected = dict(case["expect"])
    wanted = expected.pop("arguments", ACTION["arguments"])
    assert found == expected
    assert all(args == wanted for args in seen)
    check_evaluations(server, case, wanted)


def check_evaluations(server: FakeServer, case: dict[str, Any], last: dict[str, Any]) -> None:
    """Each by a fresh key; what is asked is what was denied; the approval comes back as it was given."""
    assert len(set(server.keys)) == len(server.keys)
    assert all(re.fullmatch(r"[!-~]{16,128}", key) for key in server.keys)
    first, *rest = server.evaluations
    assert first == {
        "subject": {"type": "user", "id": "usr_alice"},
        "action": {"name": "delete_note", "properties": ACTION["arguments"]},
        "resource": {"type": "resource", "id": TABLE["resource"]},
        "context": {"access_token": "the-token"},
    }
    for asked in server.requests:
        denial = asked.pop("denial")
        assert asked == first
        assert denial["evaluation_id"] == "evl_1"
        assert denial["expires_at"] == "2026-09-21T14:23:20Z"
    for second in rest:
        ended = case["status"][-1] if case["status"] else case["request"]
        assert second["context"]["approval"] == ended["body"]["result"]["approval"]
        assert second["action"]["properties"] == last


@pytest.mark.parametrize(
    ("error", "status", "code", "after"),
    [
        (Denied("not_covered", "This was not granted."), 403, "access_denied", None),
        (ArgumentsInvalid("`/a` is no text"), 400, "invalid_request", None),
        (AskLater(90), 429, "temporarily_unavailable", "90"),
        (StillWaiting("apr_1", None), 409, "authorization_pending", "5"),
        (Expired("over"), 403, "expired_token", None),
        (Cancelled("stopped"), 403, "access_denied", None),
        (Unavailable("no answer"), 503, "temporarily_unavailable", "1"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_what_was_not_permitted_is_the_answer_of_an_api(error: NotPermitted, status: int, code: str, after: str | None) -> None:
    body = json.loads(error.body)
    assert (error.status, body["error"], dict(error.headers).get("retry-after")) == (status, code, after)
    assert body["error_description"] == f"{str(error).removesuffix('.')}; {error.advice}"


def test_a_permit_that_was_not_awaited_cannot_be_used_and_one_that_was_only_once() -> None:
    async def run() -> None:
        decisions, server, _ = scene({"evaluation": PERMITTED})
        promised = decisions.permit(CALLER, Action(**ACTION))
        assert not hasattr(promised, "run")
        permit = await promised
        assert isinstance(permit, Permit)
        assert await permit.run(lambda args: args["title"]) == "Shopping list"
        with pytest.raises(UsageError):
            await permit.run(lambda args: "again")
        assert len(server.outcomes) == 1

    asyncio.run(run())


def case_of(name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(case for case in TABLE["cases"] if case["name"] == name)
    return found


def test_looking_decides_nothing() -> None:
    async def run() -> None:
        for name, looked in [
            ("permitted at once", Looked(True, None, False)),
            ("denied: not_covered", Looked(False, "not_covered", False)),
            ("a yes", Looked(False, "approval_required", True)),
        ]:
            decisions, server, _ = scene(case_of(name))
            assert await decisions.look(CALLER, Action(**ACTION)) == looked
            assert server.evaluations == []

    asyncio.run(run())


def test_the_proof_goes_along_where_the_server_checks_it() -> None:
    async def run() -> None:
        decisions, server, _ = scene({"evaluation": PERMITTED}, proofs="sent")
        await decisions.permit(CALLER, Action(**ACTION))
        assert server.evaluations[0]["context"]["dpop"] == {"proof": "the-proof", "htm": "POST", "htu": "u"}

    asyncio.run(run())


def test_what_the_resource_says_has_at_most_140_characters() -> None:
    async def run() -> None:
        decisions, server, _ = scene(case_of("a yes"))
        with pytest.raises(UsageError):
            await decisions.gated(CALLER, Action(**ACTION), lambda args: 1, GateOptions(says="x" * 141))
        assert server.requests == []
        decisions, server, _ = scene(case_of("a yes"))
        options: GateOptions[int] = GateOptions(says="\U0001f4dd" * 140, call_again=True, waited_by="held")
        await decisions.gated(CALLER, Action(**ACTION), lambda args: 1, options)
        asked = server.requests[0]
        assert (len(asked["context"]["says"]), asked["context"]["waited_by"]) == (140, "held")
        assert asked["requested_access"] == {"urn:writ:call_again": True}

    asyncio.run(run())


def test_a_permit_that_is_used_too_late_does_nothing_and_says_so() -> None:
    async def run() -> None:
        decisions, server, clock = scene({"evaluation": PERMITTED})
        permit = await decisions.permit(CALLER, Action(**ACTION))
        clock.move(5)
        with pytest.raises(NotPermitted) as late:
            await permit.run(lambda args: pytest.fail("it ran"))
        assert late.value.code == "expired"
        assert server.outcomes == [{"decision_id": "dec_1", "result": "not_started"}]

    asyncio.run(run())


@pytest.mark.parametrize("secret", ["", " ", "secret\n", "two words"])
def test_a_secret_that_is_none_is_refused_at_the_start(secret: str) -> None:
    with pytest.raises(UsageError, match="is empty or has white space"):
        Decisions(ISSUER, TABLE["resource"], client_id="notes", client_secret=secret)


@pytest.mark.parametrize("status", [401, 403])
def test_a_secret_that_the_issuer_refuses_is_told(status: int) -> None:
    refused = "^the issuer refuses the credentials of this server: its client secret is what `writ client add` printed"

    async def run() -> None:
        decisions, server, _ = scene({"evaluation": [{"status": status, "body": {"error": "invalid_client"}}]})
        await decisions.check_credentials()
        with pytest.raises(Unavailable, match=refused):
            await decisions.permit(CALLER, Action(**ACTION))
        server.refuses = status
        with pytest.raises(UsageError, match=refused):
            await decisions.check_credentials()

    asyncio.run(run())


def test_a_cancelled_task_takes_its_question_back() -> None:
    waiting = case_of("the caller goes away")

    async def run() -> None:
        decisions, server, clock = scene(waiting)
        task = asyncio.ensure_future(decisions.gated(CALLER, Action(**ACTION), lambda args: "done"))
        clock.moved = lambda time: task.cancel() if time >= TABLE["now"] + 10 else None
        with pytest.raises(asyncio.CancelledError):
            await task
        for _ in range(20):
            await asyncio.sleep(0)
        assert server.cancelled == 1

    asyncio.run(run())


@pytest.mark.parametrize(
    "arguments",
    [{1: 1}, {"at": object()}, {"some": {1}}, {"raw": b"x"}],
    ids=lambda arguments: ascii(arguments)[:40],
)
def test_arguments_that_are_no_json_are_not_sent(arguments: Any) -> None:
    async def run() -> None:
        decisions, server, _ = scene({"evaluation": PERMITTED})
        with pytest.raises(UsageError):
            await decisions.gated(CALLER, Action("n", arguments), lambda args: None)
        assert server.evaluations == []

    asyncio.run(run())


def filled_in(case: dict[str, Any]) -> str:
    if "nested" in case:
        return case["text"].replace("%s", "[" * case["nested"] + "1" + "]" * case["nested"])
    return case["text"].replace("%s", "x" * case.get("letters", 0))


@pytest.mark.parametrize("case", table("arguments")["cases"], ids=lambda case: case["name"])
def test_arguments(case: dict[str, Any]) -> None:
    async def run() -> None:
        decisions, server, _ = scene({"evaluation": PERMITTED})
        given = json.loads(filled_in(case))
        judged = decisions.gated(CALLER, Action("n", given), lambda args: args)
        if "sentence" not in case:
            assert await judged == given
            assert server.evaluations[0]["action"]["properties"] == given
            return
        with pytest.raises(ArgumentsInvalid) as refused:
            await judged
        said = case["sentence"]
        assert (refused.value.code, refused.value.sentence) == ("arguments_invalid", said)
        assert refused.value.where == said[said.index("`/") : said.rindex(";")]
        assert server.evaluations == []

    asyncio.run(run())


@pytest.mark.parametrize("row", table("arguments")["numbers"], ids=lambda row: row["text"])
def test_a_number_in_arguments(row: dict[str, Any]) -> None:
    async def run() -> None:
        decisions, server, _ = scene({"evaluation": PERMITTED})
        given = json.loads('{"a":[' + row["text"] + "]}")
        judged = decisions.gated(CALLER, Action.tool("n", given), lambda args: args)
        by_text = row.get("written", row.get("canonical"))
        # What its parser made of it is all that comes here.
        written = row.get("parsed", {}).get("python", by_text)
        if written is None:
            with pytest.raises(ArgumentsInvalid) as refused:
                await judged
            assert refused.value.where == "`/arguments/a/0`: this number is not read alike by every parser: send it as text"
            assert server.evaluations == []
            return
        wanted = repr(json.loads('{"a":[' + written + "]}"))
        assert repr(await judged) == wanted
        assert repr(server.evaluations[0]["action"]["properties"]["arguments"]) == wanted
        assert text_of(given) == '{"a":[' + written + "]}"

    asyncio.run(run())


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('{"a": 1e400}', "`/arguments/a`: this number is not read alike by every parser: send it as text"),
        ('{"a": NaN}', "`/arguments/a`: this number is not read alike by every parser: send it as text"),
        ('{"a": "\\ud800"}', "`/arguments/a`: this is not Unicode"),
        ('{"\\ud800": 1}', "`/arguments`: this is not Unicode"),
    ],
)
def test_arguments_that_other_parsers_do_not_read_at_all(text: str, where: str) -> None:
    async def run() -> None:
        decisions, server, _ = scene({"evaluation": PERMITTED})
        with pytest.raises(ArgumentsInvalid) as refused:
            await decisions.gated(CALLER, Action.tool("n", json.loads(text)), lambda args: None)
        assert refused.value.where == where
        assert server.evaluations == []

    asyncio.run(run())


def texts() -> list[dict[str, Any]]:
    """The same table as texts, which have lost nothing: nobody's parser is asked what it made of them."""
    vectors = table("arguments")
    rows = [{"text": filled_in(case), "sentence": case.get("sentence")} for case in vectors["cases"]]
    for row in vectors["numbers"]:
        sent = row.get("written", row.get("canonical"))
        why = "this number is not read alike by every parser: send it as text"
        number = {"read": sent and '{"a":[{"b":' + sent + "}]}", "place": "/arguments/a/0/b", "why": why}
        rows.append({"text": '{"a":[{"b":' + row["text"] + "}]}", **number, "is_sent": True})
    return rows + vectors["texts"]


@pytest.mark.parametrize("row", texts(), ids=lambda row: ascii(row["text"])[:60])
def test_arguments_by_their_text(row: dict[str, Any]) -> None:
    async def run() -> None:
        decisions, server, _ = scene({"evaluation": PERMITTED})
        judged = decisions.gated(CALLER, Action("n", row["text"]), lambda args: args)
        said = row.get("sentence")
        if "place" in row and row.get("read") is None:
            said = f"The arguments cannot be judged: `{row['place']}`: {row['why']}; correct them and call again."
        if said is not None:
            with pytest.raises(ArgumentsInvalid) as refused:
                await judged
            assert refused.value.sentence == said
            assert server.evaluations == []
            return
        wanted = row.get("read") or row["text"]
        assert await judged == json.loads(wanted)
        assert server.evaluations[0]["action"]["properties"] == json.loads(wanted)
        if row.get("is_sent"):
            assert text_of(row["text"]) == wanted

    asyncio.run(run())
