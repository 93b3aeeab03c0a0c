import asyncio
import os

import uvicorn
from mcp.server.mcpserver import MCPServer

from writ_kit.mcp import Gate, Guard
from writ_kit.resource import Decisions, Verifier

issuer, resource = os.environ["ISSUER"], os.environ["RESOURCE"]
verifier = Verifier(issuer, resource, bearer="allow")
decisions = Decisions(issuer, resource, client_id="notes", client_secret=os.environ["CLIENT_SECRET"])
gate = Gate(decisions)
server = MCPServer("notes")
notes = {"Shopping list": "milk"}


@server.tool()
@gate.gated()
def delete_note(title: str) -> str:
    """Deletes a note."""
    # Runs after a person's yes, once, with the arguments that the person saw.
    return f"deleted {title}" if notes.pop(title, None) else f"there is no {title}"


app = Guard(server.streamable_http_app(), verifier, metadata={"scopes_supported": ["notes:write"]})


async def main() -> None:
    await decisions.check_credentials()  # a wrong secret is told now
    await uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=int(os.environ.get("PORT", "8000")))).serve()


asyncio.run(main())
