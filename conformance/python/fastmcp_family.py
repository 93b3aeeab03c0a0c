"""FastMCP: its server verifies our tokens by our keys, its client finds us from the server's URL and opens a browser of the person."""

import asyncio
import json
import logging
import os
import threading
import time
import warnings
import webbrowser

import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from fastmcp import Client, FastMCP
from fastmcp.client.auth import OAuth
from fastmcp.server.auth import RemoteAuthProvider
from fastmcp.server.auth.providers.jwt import JWTVerifier
from fastmcp.server.dependencies import get_access_token
from pydantic import AnyHttpUrl, ConfigDict, TypeAdapter

from documents import documents_of
from notes import READ, WRITE
from person import Person
from plain_world import API, OPEN, PERSON, begun
from served import Served
from world import PASSWORD, free_port

PORT_OF_CALLBACK = free_port()
# Plain http, which the server takes on loopback only.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
LOOPBACK = f"http://localhost:{PORT_OF_CALLBACK}/callback"

# `AnyHttpUrl(issuer)` would append a slash, which makes it another issuer (RFC 8414 section 3.3).
ISSUER = TypeAdapter(AnyHttpUrl, config=ConfigDict(url_preserve_empty_path=True))


def play(family):
    logging.disable(logging.CRITICAL)  # refusals are what is asked for: no word about them
    warnings.filterwarnings("ignore", message="Using in-memory token storage")
    webbrowser.register("person", None, PersonsBrowser(), preferred=True)
    documents = documents_of(family)
    world = begun(family, {**OPEN, **documents.settings()})
    url = serve(family, world.issuer)
    scopes = [READ, WRITE]
    guests = {"mode": "bearer", "scopes": scopes}
    world.add("resource", {"resource": url, "name": "Notes", "scopes": scopes, "guests": guests})
    known(family, world, url)
    guest(family, documents, url)


def known(family, world, url):
    for method in ("none", "client_secret_post"):

        def act(method=method):
            file = {"token_endpoint_auth_method": method, "redirect_uris": [LOOPBACK], "scope": READ}
            registered = world.client(**file)
            about = {"client_id": registered["client_id"], "client_secret": registered.get("client_secret")}
            claims = asked(url, OAuth(callback_port=PORT_OF_CALLBACK, **about))
            assert claims["client_id"] == registered["client_id"], claims

        family.scene(f"fastmcp: registered by an operator, {method}: the tool answers", act)

    def elsewhere():
        world.api()
        registered = world.client(token_endpoint_auth_method="none", redirect_uris=[LOOPBACK], scope="read")
        token = bearer_for(world, registered["client_id"])
        answer = requests.post(url, json={}, headers={"authorization": f"Bearer {token}"}, timeout=10)
        assert answer.status_code == 401, answer.text

    family.scene("fastmcp: misuse: the server refuses a token for another API", elsewhere)


def guest(family, documents, url):
    about = {"client_name": "FastMCP Client", "redirect_uris": [LOOPBACK], "token_endpoint_auth_method": "none"}

    def with_document():
        document = documents.publish("/fastmcp.json", about)
        claims = asked(url, OAuth(callback_port=PORT_OF_CALLBACK, client_metadata_url=document))
        assert claims["act"]["sub"] == document, claims

    family.scene("fastmcp: with a document: the tool answers", with_document)

    def registered():
        claims = asked(url, OAuth())
        assert claims["act"]["sub"] == claims["client_id"], claims

    family.scene("fastmcp: registers itself: the tool answers", registered)

    def lasting():
        oauth = OAuth()
        asked(url, oauth)
        oauth.context.token_expiry_time = time.time() - 1
        before = oauth.context.current_tokens.access_token
        asked(url, oauth)
        assert oauth.context.current_tokens.access_token != before

    family.scene("fastmcp: registers itself: an expired token is refreshed", lasting)


def asked(url, oauth):
    """The claims of the token that the server saw."""

    async def call():
        async with Client(url, auth=oauth) as client:
            answer = await client.call_tool("whoami", {})
            return json.loads(answer.content[0].text)

    claims = asyncio.run(call())
    assert claims["aud"] == url, claims
    return claims


def serve(family, issuer):
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    verifier = JWTVerifier(
        jwks_uri=f"{issuer}/jwks", issuer=issuer, audience=f"{base}/mcp", algorithm="ES256", required_scopes=[READ]
    )
    auth = RemoteAuthProvider(token_verifier=verifier, authorization_servers=[ISSUER.validate_python(issuer)], base_url=base)
    server = FastMCP("notes", auth=auth)

    @server.tool
    def whoami() -> str:
        """Who asks."""
        return json.dumps(get_access_token().claims)

    served = Served(server.http_app(path="/mcp"), port)
    family.open(served, served.close)
    return f"{base}/mcp"


class PersonsBrowser(webbrowser.BaseBrowser):
    """Decides on a thread of its own, and follows the redirect back to the application."""

    def open(self, url, new=0, autoraise=True):
        threading.Thread(target=self.visit, args=(url,), daemon=True).start()
        return True

    def visit(self, url):
        requests.get(Person(PERSON, PASSWORD).approve(url), timeout=20)


def bearer_for(world, client_id):
    about = {"redirect_uri": LOOPBACK, "token_endpoint_auth_method": "none", "code_challenge_method": "S256"}
    session = OAuth2Session(client_id, scope="read", token_endpoint=f"{world.issuer}/token", **about)
    verifier = generate_token(48)
    url, state = session.create_authorization_url(f"{world.issuer}/authorize", code_verifier=verifier, resource=API)
    landed = Person(PERSON, PASSWORD).approve(url)
    return session.fetch_token(authorization_response=landed, state=state, code_verifier=verifier)["access_token"]
