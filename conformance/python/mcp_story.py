"""What an application does with the MCP Python SDK after it is known, however it became so."""

import asyncio
import json
import time
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata

from notes import READ, WRITE
from person import Person
from plain_world import PERSON
from world import PASSWORD

LOOPBACK = "http://localhost:3030/callback"
METHODS = ["none", "client_secret_post", "client_secret_basic"]


def story(family, title, url, make, guest):
    kept = {}

    def first():
        kept["application"] = make()
        claims = json.loads(asyncio.run(kept["application"].call("whoami")))
        assert claims["aud"] == url, claims
        assert claims["scope"] == READ, claims
        assert ("act" in claims) == guest, claims
        assert len(kept["application"].visits) == 1

    def refreshed():
        application = kept["application"]
        before = application.tokens.access_token
        for _ in range(2):
            asyncio.run(application.call("whoami", expired=True))
        assert application.tokens.access_token != before
        assert len(application.visits) == 1, "without the person"

    def stepped_up():
        application = kept["application"]
        said = asyncio.run(application.call("add"))
        assert WRITE in said.split() and READ in said.split(), said
        assert len(application.visits) == 2
        again = asyncio.run(application.call("add", expired=True))
        assert set(again.split()) == set(said.split()), again
        assert len(application.visits) == 2, "refreshed with what was granted"

    def denied():
        application = make()
        application.decision = "deny"
        try:
            asyncio.run(application.call("whoami"))
        except Exception as refusal:  # whatever the SDK wraps it in
            assert "access_denied" in flat(refusal), flat(refusal)
        else:
            raise AssertionError("accepted, where `access_denied` was due")

    family.scene(f"{title}: given the URL alone, the tool answers", first)
    family.scene(f"{title}: expired tokens are refreshed without the person", refreshed)
    family.scene(f"{title}: insufficient_scope asks the person for more", stepped_up)
    family.scene(f"{title}: the person says no", denied)


def flat(error):
    inner = "".join(flat(one) for one in getattr(error, "exceptions", ()))
    return f"{error}\n{inner}"


class Application:
    """What an application keeps for the SDK (its `TokenStorage`), and the person's browser."""

    def __init__(self, url, method, client=None, document=None):
        self.url = url
        self.tokens = None
        self.client = client
        self.visits = []
        self.decision = "approve"
        self.landed = None
        self.injected = None
        metadata = {"client_name": "Scenes", "redirect_uris": [LOOPBACK], "token_endpoint_auth_method": method}
        self.provider = OAuthClientProvider(
            server_url=url,
            client_metadata=OAuthClientMetadata(**metadata),
            storage=self,
            redirect_handler=self.visit,
            callback_handler=self.callback,
            client_metadata_url=document,
        )

    async def call(self, tool, expired=False):
        if expired:
            self.provider.context.token_expiry_time = time.time() - 1
        async with httpx2.AsyncClient(auth=self.provider, timeout=30) as http:
            async with Client(streamable_http_client(self.url, http_client=http)) as client:
                answer = await client.call_tool(tool, {})
                assert not answer.is_error, answer
                return answer.content[0].text

    async def visit(self, url):
        self.visits.append(url)
        person = Person(PERSON, PASSWORD)
        act = person.approve if self.decision == "approve" else person.deny
        landed = await asyncio.to_thread(act, url)
        self.landed = {name: values[0] for name, values in parse_qs(urlsplit(landed).query).items()}

    async def callback(self):
        if "error" in self.landed:
            raise RuntimeError(f"{self.landed['error']}: {self.landed.get('error_description')}")
        return AuthorizationCodeResult(
            code=self.injected or self.landed["code"], state=self.landed.get("state"), iss=self.landed.get("iss")
        )

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client_info):
        self.client = client_info
