"""The built binary with alice, a bank and two agents, and the bank's API, which the kit protects."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from writ_kit.agent import Key
from writ_kit.resource import LiveCheck, Protect, Rejection, Verifier, caller_of

ROOT = Path(__file__).parents[4]
sys.path.append(str(ROOT / "conformance" / "python"))

from person import Person  # noqa: E402
from phone import REQUEST, Phone  # noqa: E402

PASSWORD = "correct horse battery staple"
SCOPES = ["accounts:read", "accounts:write"]
GRANTS = [
    "authorization_code",
    "refresh_token",
    "client_credentials",
    "urn:ietf:params:oauth:grant-type:token-exchange",
    "urn:openid:params:grant-type:ciba",
]
READY_SECONDS = 20


class World:
    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.issuer = f"http://127.0.0.1:{free_port()}"
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.resource = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.keys = {name: Key.generate() for name in ("agt_planner", "agt_booker")}
        self.person = Person("alice", PASSWORD)
        self.phone = Phone(self.issuer, "alice", PASSWORD)
        self.environment = {
            "PATH": os.environ["PATH"],
            "WRIT__SERVER__LISTEN": self.issuer.removeprefix("http://"),
            "WRIT__SERVER__DRAIN_SECONDS": "0",
            "WRIT__SERVER__ISSUER": self.issuer,
            "WRIT__DATABASE__URL": f"sqlite:{folder / 'writ.db'}",
            "WRIT__KEYS__MASTER": secrets.token_urlsafe(32),
            "WRIT__TYPES__PATH": str(ROOT / "config" / "types"),
            "WRIT__FEATURES__MISSION_INTENT": "true",
            **settings,
        }

    def begin(self, api: str) -> None:
        """A fresh database with alice and the client of a resource server."""
        self.writ("migrate")
        self.writ("user", "add", "alice", "--password-stdin", said=PASSWORD)
        client = {"client_id": api, "client_name": api, "profile": "oauth21", "redirect_uris": [], "grant_types": []}
        method = {"response_types": [], "token_endpoint_auth_method": "client_secret_basic"}
        self.secret = self.add("client", {**client, **method})["client_secret"]

    def register(self) -> None:
        self.begin("bank-api")
        self.add("resource", {"resource": self.resource, "name": "Bank", "scopes": SCOPES, "client_id": "bank-api"})
        self.add("agent", self.agent("agt_planner", {"agents": ["agt_booker"], "depth": 2}))
        self.add("agent", self.agent("agt_booker", {"agents": [], "depth": 2}))

    def agent(self, name: str, onward: dict[str, Any]) -> dict[str, Any]:
        ceiling = {"scopes": [{"resource": self.resource, "scope": scope} for scope in SCOPES], "lifetime": 3600}
        return {
            "client_id": name,
            "client_name": name[4:],
            "profile": "agent",
            "redirect_uris": [f"https://{name[4:]}.example/cb"],
            "grant_types": GRANTS,
            "jwks": {"keys": [self.keys[name].public_jwk()]},
            "scope": " ".join(SCOPES),
            "agent": {"owner": "alice", "sponsor": "alice", "publisher": "Acme", "ceiling": ceiling, "onward": onward},
        }

    def add(self, kind: str, document: dict[str, Any]) -> Any:
        path = self.folder / f"{kind}.json"
        path.write_text(json.dumps(document))
        return json.loads(self.writ(kind, "add", "--file", str(path)))

    def writ(self, *arguments: str, said: str = "") -> str:
        command = [os.environ["WRIT_BINARY"], *arguments]
        done = subprocess.run(command, env=self.environment, input=said, capture_output=True, text=True, timeout=60)  # noqa: S603
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def serve(self) -> subprocess.Popen[bytes]:
        server = subprocess.Popen([os.environ["WRIT_BINARY"], "serve"], env=self.environment, stderr=subprocess.DEVNULL)  # noqa: S603
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.issuer}/.well-known/oauth-authorization-server").is_success:
                    return server
            except httpx.HTTPError:
                time.sleep(0.05)
        server.kill()
        raise AssertionError("`writ serve` was not ready")

    async def bank(self) -> tuple[uvicorn.Server, asyncio.Task[None]]:
        """Says who calls, to whom may read or write."""

        async def accounts(request: Request) -> JSONResponse:
            caller = caller_of(request.scope)
            try:
                caller.require_scope("accounts:read" if request.method == "GET" else "accounts:write")
            except Rejection as rejection:
                return JSONResponse(json.loads(rejection.body), rejection.status, dict(rejection.headers))
            return JSONResponse({"subject": caller.subject.kind, "actors": [actor.sub for actor in caller.actors]})

        verifier = Verifier(self.issuer, self.resource, live=LiveCheck("bank-api", self.secret))
        app = Protect(Starlette(routes=[Route("/accounts", accounts, methods=["GET", "POST"])]), verifier)
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
        serving = asyncio.create_task(server.serve(sockets=[self.listener]))
        while not server.started:
            await asyncio.sleep(0.005)
        return server, serving

    def waiting(self) -> bool:
        return bool(REQUEST.findall(self.phone.open("/app").text))

    def decide(self, decision: str) -> None:
        """As soon as the question is there."""
        while not self.waiting():
            time.sleep(0.05)
        self.phone.decide(decision)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
