"""The MCP Python SDK, client and server, with a client that nobody registered: by its metadata document, or it registers itself.

It is told the server's URL and nothing else. Every host is https: the document's, the MCP server's and ours.
"""

import logging

from documents import documents_of
from mcp_story import LOOPBACK, METHODS, Application, story
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
