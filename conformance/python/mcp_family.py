"""The MCP Python SDK, client and server, with a client that an operator registered; it is told the server's URL and nothing else."""

import logging

from mcp.shared.auth import OAuthClientInformationFull

from mcp_story import LOOPBACK, METHODS, Application, story
from notes import READ, WRITE, serve_notes
from plain_world import begun


def play(family):
    logging.disable(logging.CRITICAL)  # refusals are what is asked for: no word about them
    world = begun(family)
    url = serve_notes(family, world.issuer)
    world.add("resource", {"resource": url, "name": "Notes", "scopes": [READ, WRITE]})
    for method in METHODS:

        def make(method=method):
            file = {"token_endpoint_auth_method": method, "redirect_uris": [LOOPBACK], "scope": f"{READ} {WRITE}"}
            registered = world.client(**file)
            secret = registered.get("client_secret")
            about = {"redirect_uris": [LOOPBACK], "token_endpoint_auth_method": method}
            information = OAuthClientInformationFull(client_id=registered["client_id"], client_secret=secret, **about)
            return Application(url, method, client=information)

        story(family, f"mcp: registered by an operator, {method}", url, make, guest=False)
