import asyncio
import os

from fastmcp import FastMCP

from writ_kit.mcp.fastmcp import Gate, auth
from writ_kit.resource import Decisions, Verifier

issuer, resource = os.environ["ISSUER"], os.environ["RESOURCE"]
verifier = Verifier(issuer, resource, bearer="allow")
decisions = Decisions(issuer, resource, client_id="notes", client_secret=os.environ["CLIENT_SECRET"])
gate = Gate(decisions)
server = FastMCP("notes", auth=auth(verifier, resource.removesuffix("/mcp"), scopes=["notes:write"]))
notes = {"Shopping list": "milk"}


@server.tool
@gate.gated()
def delete_note(title: str) -> str:
    """Deletes a note."""
    return f"deleted {title}" if notes.pop(title, None) else f"there is no {title}"


async def main() -> None:
    await decisions.check_credentials()  # a wrong secret is told now
    await server.run_async(transport="http", host="127.0.0.1", port=int(os.environ.get("PORT", "8000")), show_banner=False)


asyncio.run(main())
