"""A person, a bank, an agent and a shop, registered through the command line of the built binary; and `writ serve`."""

import base64
import json
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import requests
from jwskate import Jwk

from database import SQLITE, Database

TYPES = Path(__file__).resolve().parents[2] / "config" / "types"
BANK = "https://bank.example"
PASSWORD = "correct horse battery staple"
CIBA = "urn:openid:params:grant-type:ciba"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
PEOPLE = ["approver", "denier", "absent", "slow", "shopper", "typist", "refuser"]
READY_DEADLINE = 20
STOP_DEADLINE = 10


class World:
    """`settings` are further keys of the configuration; an `issuer` in them is of a proxy in front of `port`."""

    def __init__(self, binary, database=SQLITE, port=None, settings=None):
        self.binary = binary
        self.folder = Path(tempfile.mkdtemp(prefix="writ-python-"))
        self.database = Database(database, self.folder)
        port = port or free_port()
        self.environment = {
            "PATH": os.environ["PATH"],
            "WRIT__SERVER__LISTEN": f"127.0.0.1:{port}",
            "WRIT__SERVER__DRAIN_SECONDS": "0",
            "WRIT__SERVER__ISSUER": f"http://127.0.0.1:{port}",
            "WRIT__DATABASE__URL": self.database.url,
            "WRIT__TYPES__PATH": str(TYPES),
            "WRIT__KEYS__MASTER": base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode(),
            **(settings or {}),
        }
        self.issuer = self.environment["WRIT__SERVER__ISSUER"]
        self.log = self.folder / "log"
        self.server = None
        self.payment = example_payment()
        self.keys = {name: Jwk.generate(alg="ES256").with_kid_thumbprint() for name in ("agt_asker", "till")}

    def register(self):
        self.writ("migrate")
        for name in PEOPLE:
            self.writ("user", "add", name, "--password-stdin", said=PASSWORD)
        self.add("client", bank_api())
        self.add("resource", bank())
        self.add("agent", self.agent())
        self.add("client", self.till())

    def serve(self):
        with self.log.open("wb") as log:
            self.server = subprocess.Popen(
                [self.binary, "serve"], env=self.environment, stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + READY_DEADLINE
        while time.monotonic() < deadline:
            if self.server.poll() is not None:
                raise RuntimeError(f"`writ serve` ended with {self.server.returncode}")
            try:
                if requests.get(f"{self.issuer}/.well-known/oauth-authorization-server", timeout=2).ok:
                    return
            except requests.RequestException:
                pass  # nobody listens yet
            time.sleep(0.05)
        raise RuntimeError(f"`writ serve` was not ready after {READY_DEADLINE} s")

    def remove(self):
        if self.server is not None and self.server.poll() is None:
            self.server.terminate()
            try:
                self.server.wait(STOP_DEADLINE)
            except subprocess.TimeoutExpired:
                self.server.kill()
                self.server.wait()
        self.database.remove()
        shutil.rmtree(self.folder, ignore_errors=True)

    def writ(self, *arguments, said=""):
        """One command of the binary; answers what it printed."""
        done = subprocess.run(
            [self.binary, *arguments], env=self.environment, input=said, capture_output=True, text=True, timeout=60
        )
        if done.returncode != 0:
            raise RuntimeError(f"`writ {' '.join(arguments)}` ended with {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def add(self, kind, document):
        path = self.folder / f"{kind}.json"
        path.write_text(json.dumps(document))
        return json.loads(self.writ(kind, "add", "--file", str(path)))

    def jwks(self, name):
        return {"keys": [self.keys[name].public_jwk().to_dict()]}

    def agent(self):
        return {
            "client_id": "agt_asker",
            "client_name": "Booking helper",
            "profile": "agent",
            "grant_types": [CIBA, DEVICE],
            "redirect_uris": [],
            "response_types": [],
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": self.jwks("agt_asker"),
            "scope": "accounts:read",
            "dpop_bound_access_tokens": True,
            "authorization_details_types": ["payment"],
            "number_matching": True,
            "agent": {
                "owner": PEOPLE[0],
                "sponsor": PEOPLE[0],
                "publisher": "Acme",
                "ceiling": {
                    "scopes": [{"resource": BANK, "scope": "accounts:read"}],
                    "authorization_details": [self.payment],
                    "lifetime": 3600,
                },
                "onward": {"agents": [], "depth": 1},
                "may_ask": PEOPLE,
            },
        }

    def till(self):
        return {
            "client_id": "till",
            "client_name": "Shop",
            "profile": "oauth21",
            "grant_types": [CIBA],
            "redirect_uris": [],
            "response_types": [],
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": self.jwks("till"),
            "scope": "openid",
            "dpop_bound_access_tokens": True,
            "may_ask": PEOPLE,
        }


def kept(family, world):
    """Ends with the family, and shows its log if a scene failed."""

    def close():
        if family.failed and world.log.exists():
            print(world.log.read_text())
        world.remove()

    return family.open(world, close)


def bank_api():
    return {
        "client_id": "bank-api",
        "client_name": "Bank API",
        "profile": "oauth21",
        "redirect_uris": [],
        "grant_types": [],
        "response_types": [],
        "token_endpoint_auth_method": "client_secret_basic",
    }


def bank():
    return {
        "resource": BANK,
        "name": "Bank",
        "scopes": ["accounts:read"],
        "authorization_details_types": ["payment"],
        "client_id": "bank-api",
    }


def example_payment():
    example = json.loads((TYPES / "payment.json").read_text())["example"]
    return {**{k: v for k, v in example.items() if k not in ("ref", "type_hash")}, "locations": [BANK]}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
