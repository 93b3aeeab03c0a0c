"""An authorization server inside the test that keeps questions as the real one does: each approval is of one call, once."""

from __future__ import annotations

import asyncio
import json
import re
import time
import uuid
from base64 import urlsafe_b64decode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
from vectors import sign, table

TABLE = table("verification")
ISSUER = "http://127.0.0.1:9"


def iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


@dataclass(eq=False)
class Task:
    object: str
    call_again: bool
    waited_by: str | None
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    status: str = "pending"
    used: bool = False
    decided_at: float = 0
    decided: asyncio.Event = field(default_factory=asyncio.Event)

    def fits(self, wanted: str) -> bool:
        return self.object == wanted and self.status == "approved" and not self.used


class FakeWrit:
    def __init__(self, resource: str) -> None:
        self.issuer = ISSUER
        self.resource = resource
        self.tasks: list[Task] = []
        self.denials: dict[str, str] = {}
        self.confirmed: dict[str, str] = {}
        """As of a record that `writ mcp add` wrote: by tool, the hash of the definition that an operator confirmed."""
        self.permits = 0
        self.outcomes: list[str] = []
        self.is_down = False
        self.refuses = False
        self.waited_by: list[str | None] = []
        self.client = httpx.AsyncClient(transport=httpx.MockTransport(self.answer))

    def token(self, client: str = "cimd_notes") -> str:
        """A guest's bearer token: enough for a stock MCP client."""
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": self.resource,
            "client_id": client,
            "jti": uuid.uuid4().hex,
            "iat": now,
            "exp": now + 300,
            "sub": "usr_alice",
            "sub_profile": "user",
            "act": {"iss": self.issuer, "sub": client, "sub_profile": "native_app", "dlg": f"dlg_{client}"},
            "mission": {"id": "tsk_1", "issuer": self.issuer, "authority_hash": "hash", "expires_at": iso(now + 3600)},
            "scope": "notes:write",
        }
        return sign(TABLE["keys"]["issuer"], {"alg": "ES256", "typ": "at+jwt", "kid": "a"}, claims)

    @property
    def open(self) -> list[Task]:
        return [task for task in self.tasks if task.status == "pending"]

    async def asked(self) -> Task:
        """Resolves when a question is open."""
        while not self.open:
            await asyncio.sleep(0.005)
        return self.open[0]

    def decide(self, task: Task, status: str) -> None:
        assert task.status == "pending", f"it is {task.status} already"
        task.status, task.decided_at = status, time.time()
        task.decided.set()

    async def answer(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content) if request.content else {}
        path = urlsplit(str(request.url)).path
        if self.is_down:
            return httpx.Response(503)
        if self.refuses and path.startswith("/access/"):
            return httpx.Response(401, json={})
        match f"{request.method} {path}":
            case "GET /.well-known/oauth-authorization-server":
                return httpx.Response(200, json={"issuer": self.issuer, "jwks_uri": f"{self.issuer}/jwks"})
            case "GET /jwks":
                return httpx.Response(200, json={"keys": TABLE["published"]})
            case "GET /.well-known/authzen-configuration":
                endpoints = {
                    "access_evaluation_endpoint": f"{self.issuer}/access/v1/evaluation",
                    "access_request_endpoint": f"{self.issuer}/access/v1/requests",
                }
                return httpx.Response(200, json={"policy_decision_point": self.issuer, **endpoints})
            case "POST /access/v1/evaluation":
                return self._evaluate(body)
            case "POST /access/v1/requests":
                return self._ask(body)
            case "POST /access/v1/outcomes":
                self.outcomes.append(body["result"])
                return httpx.Response(204)
        found = re.match(r"/access/v1/requests/([^/]+)", path)
        task = next((one for one in self.tasks if found and one.id == found[1]), None)
        if task is None:
            return httpx.Response(404, json={})
        if request.method == "POST":
            return self._cancel(task)
        wait = re.search(r"wait=(\d+)", request.headers.get("prefer", ""))
        return await self._status(task, int(wait[1]) if wait else 0)

    def _evaluate(self, asked: dict[str, Any]) -> httpx.Response:
        context = asked["context"]
        payload = context["access_token"].split(".")[1]
        claims = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        parts = [asked["subject"], asked["action"], asked["resource"], claims["act"]["dlg"]]
        wanted = json.dumps(parts, sort_keys=True)
        confirmed = self.confirmed.get(asked["resource"]["id"])
        if confirmed is not None and confirmed == context.get("definition_hash"):
            return self._permitted()
        shown = context.get("approval")
        fitting = [task for task in self.tasks if task.fits(wanted)]
        if shown is None:
            fitting = [task for task in fitting if task.call_again and time.time() - task.decided_at < 120]
        else:
            fitting = [task for task in fitting if task.id == shown["id"]]
        if fitting:
            return self._permit(fitting[0], context)
        identifier = uuid.uuid4().hex
        self.denials[identifier] = wanted
        hint = {"endpoint": f"{self.issuer}/access/v1/requests", "expires_at": iso(time.time() + 600)}
        told = {"evaluation_id": identifier, "reason": "approval_required", "access_request": hint}
        return httpx.Response(200, json={"decision": False, "context": told})

    def _permit(self, task: Task, context: dict[str, Any]) -> httpx.Response:
        task.used = True
        self.waited_by.append(context.get("waited_by", task.waited_by))
        return self._permitted()

    def _permitted(self) -> httpx.Response:
        self.permits += 1
        told = {"decision_id": f"dec_{self.permits}", "valid_until": iso(time.time() + 5)}
        return httpx.Response(200, json={"decision": True, "context": told})

    def _ask(self, asked: dict[str, Any]) -> httpx.Response:
        wanted = self.denials[asked["denial"]["evaluation_id"]]
        task = next((one for one in self.open if one.object == wanted), None)
        if task is None:
            again = asked.get("requested_access", {}).get("urn:writ:call_again") is True
            task = Task(wanted, again, asked["context"].get("waited_by"))
            self.tasks.append(task)
        return httpx.Response(202, json=self._shown(task))

    async def _status(self, task: Task, wait: int) -> httpx.Response:
        if task.status == "pending" and wait > 0:
            try:
                await asyncio.wait_for(task.decided.wait(), wait)
            except TimeoutError:
                pass
        return httpx.Response(200, json=self._shown(task), headers={"retry-after": "1"})

    def _cancel(self, task: Task) -> httpx.Response:
        if task.status != "pending":
            return httpx.Response(409, json={})
        self.decide(task, "cancelled")
        return httpx.Response(200, json=self._shown(task))

    def _shown(self, task: Task) -> dict[str, Any]:
        url = f"{self.issuer}/access/v1/requests/{task.id}"
        links = {"review": f"{self.issuer}/approve/{task.id}", "cancel": f"{url}/cancel"}
        told = {"id": task.id, "status": task.status, "status_endpoint": url, "links": links}
        shown: dict[str, Any] = {"task": {**told, "expires_at": iso(time.time() + 600)}}
        if task.status == "approved":
            approval = {"id": task.id, "approved_at": iso(task.decided_at), "approved_until": iso(task.decided_at + 120)}
            shown["result"] = {"mode": "reevaluate", "approval": approval}
        return shown
