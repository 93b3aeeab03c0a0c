"""The MCP Python SDK, client and server, with a client that nobody registered: by its metadata document, or it registers itself.

It is told the server's URL and nothing else. Every host is https: the document's, the MCP server's and ours.
"""

import asyncio
import json
import logging

import requests

from documents import documents_of
from mcp_story import LOOPBACK, METHODS, Application, flat, story
from notes import READ, WRITE, serve_notes
from plain_world import OPEN, begun_behind_tls


def play(family):
    logging.disable(logging.CRITICAL)  # refusals are what is asked for: no word about them
    documents = documents_of(family)
    documents.trust()
    world = begun_behind_tls(family, documents, {**OPEN, **documents.settings()})
    url = serve_notes(family, world.issuer, documents.tls())
    allowed = {"mode": "bearer", "scopes": [READ, WRITE]}
    world.add("resource", {"resource": url, "name": "Notes", "scopes": [READ, WRITE], "guests": allowed})
    document = documents.publish(
        "/client.json",
        {"client_name": "Scenes", "redirect_uris": [LOOPBACK], "token_endpoint_auth_method": "none"},
    )
    story(family, "mcp: with a document", url, lambda: Application(url, "none", document=document), guest=True)
    for method in METHODS:

        def make(method=method):
            return Application(url, method)

        story(family, f"mcp: registers itself, {method}", url, make, guest=True)
    misuse(family, world, documents, url)


def misuse(family, world, documents, url):
    allowed = {"mode": "bearer", "scopes": [READ, WRITE]}
    other = serve_notes(family, world.issuer, documents.tls())
    world.add("resource", {"resource": other, "name": "Other notes", "scopes": [READ, WRITE], "guests": allowed})
    foreign = serve_notes(family, world.issuer, documents.tls())

    def elsewhere():
        stranger = Application(other, "none")
        asyncio.run(stranger.call("whoami"))
        headers = {"authorization": f"Bearer {stranger.tokens.access_token}"}
        said = requests.post(url, json={}, headers=headers, timeout=10)
        assert said.status_code == 401, said.text
        assert 'error="invalid_token"' in said.headers["www-authenticate"], said.headers
        application = Application(url, "none", client=stranger.client)
        application.tokens = stranger.tokens.model_copy(update={"refresh_token": None})
        claims = json.loads(asyncio.run(application.call("whoami")))
        assert claims["aud"] == url, claims
        assert len(application.visits) == 1, "asked the person anew"

    family.scene("mcp: misuse: a token for another MCP server: 401, and the SDK asks the person", elsewhere)

    def unknown():
        refused("invalid_target", Application(foreign, "none"))

    family.scene("mcp: misuse: an MCP server that nobody registered: invalid_target", unknown)

    def injected():
        stranger, application = Application(url, "none"), Application(url, "none")
        asyncio.run(stranger.call("whoami"))
        application.injected = stranger.landed["code"]
        refused("invalid_grant", application)

    family.scene("mcp: misuse: a code of another client: invalid_grant", injected)

    def refreshed():
        stranger, application = Application(url, "none"), Application(url, "none")
        for one in (stranger, application):
            asyncio.run(one.call("whoami"))
        body = {
            "grant_type": "refresh_token",
            "client_id": application.client.client_id,
            "refresh_token": stranger.tokens.refresh_token,
        }
        said = requests.post(f"{world.issuer}/token", data=body, timeout=10).json()
        assert said["error"] == "invalid_grant", said

    family.scene("mcp: misuse: a refresh token of another client: invalid_grant", refreshed)

    def unlisted():
        document = {"client_name": "Scenes", "redirect_uris": [f"{documents.origin}/cb"], "token_endpoint_auth_method": "none"}
        application = Application(url, "none", document=documents.publish("/elsewhere.json", document))
        try:
            asyncio.run(application.call("whoami"))
        except Exception as refusal:  # whatever the SDK wraps it in
            assert "(400)" in flat(refusal), flat(refusal)
        else:
            raise AssertionError("a redirect that does not stand in the document was taken")

    family.scene("mcp: misuse: a redirect URI that does not stand in the document: a page and no redirect", unlisted)


def refused(code, application):
    try:
        asyncio.run(application.call("whoami"))
    except Exception as refusal:  # whatever the SDK wraps it in
        assert code in flat(refusal), flat(refusal)
        return
    raise AssertionError(f"accepted, where `{code}` was due")
