"""A stock MCP server behind `writ gate`, set up as docs/mcp.md says it: the server knows nothing of us."""

import asyncio
import json
import subprocess
import time

import requests
from mcp.server.mcpserver import MCPServer

from served import Served
from world import READY_DEADLINE, STOP_DEADLINE, free_port

# Nobody is asked too often here: the budgets have scenes of their own.
ASKED_OFTEN = {f"WRIT__PROMPTS__PER_{what}": "1000000" for what in ("PERSON", "AGENT", "PAIR", "RESOURCE")} | {
    f"WRIT__PROMPTS__OPEN_PER_{what}": "1000000" for what in ("PAIR", "RESOURCE")
}


class Stock:
    """A server of the MCP Python SDK; `runs` holds what was done."""

    def __init__(self, family, runs):
        self.runs = runs
        self.server = MCPServer("notes")
        for name in ("delete_note", "empty_note", "search_notes"):
            self.describe(name, f"Does {name}")
        port = free_port()
        served = Served(self.server.streamable_http_app(), port)
        family.open(served, served.close)
        self.url = f"http://127.0.0.1:{port}/mcp"

    def describe(self, name, words):
        """The tool, from now on defined with these words."""

        def act(title: str):
            self.runs.append((name, title))
            return f"{name} {title}"

        if any(tool.name == name for tool in asyncio.run(self.server.list_tools())):
            self.server.remove_tool(name)
        self.server.add_tool(act, name=name, description=words)


def gated(family, world, upstream, client_id):
    """Steps 2 to 4 of docs/mcp.md; answers the URL that clients are given."""
    port = free_port()
    resource = f"http://127.0.0.1:{port}/mcp"
    told = ["--resource", resource, "--name", "Notes", "--client-id", client_id, "--confirm", "search_notes"]
    record = json.loads(world.writ("mcp", "add", upstream, *told))
    for name in ("delete", "empty"):
        record["actions"][f"{name}_note"]["says"] = {"en": f"{name} the note {{/title}}"}
    nothing = {"redirect_uris": [], "grant_types": [], "response_types": [], "bearer": False}
    secret = world.folder / f"{client_id}.secret"
    secret.write_text(world.client(client_id=client_id, client_name="Notes", **nothing)["client_secret"])
    path = world.folder / f"{client_id}.json"
    path.write_text(json.dumps(record))
    world.writ("resource", "add", "--file", str(path), "--guests", "bearer")
    named = ["--upstream", upstream, "--issuer", world.issuer, "--resource", resource, "--client-id", client_id]
    here = ["--client-secret-file", str(secret), "--listen", f"127.0.0.1:{port}", "--patience", "0"]
    gate = subprocess.Popen([world.binary, "gate", *named, *here], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    family.open(gate, lambda: ended(gate))
    ready(gate, resource.replace("/mcp", "/.well-known/oauth-protected-resource/mcp"))
    return resource


def ready(gate, url):
    deadline = time.monotonic() + READY_DEADLINE
    while time.monotonic() < deadline and gate.poll() is None:
        try:
            if requests.get(url, timeout=2).ok:
                return
        except requests.RequestException:
            pass  # nobody listens yet
        time.sleep(0.05)
    raise RuntimeError("`writ gate` was not ready")


def ended(gate):
    gate.terminate()
    try:
        gate.wait(STOP_DEADLINE)
    except subprocess.TimeoutExpired:
        gate.kill()
        gate.wait()
