import asyncio
import os

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from writ_kit.resource import Action, Decisions, NotPermitted, Protect, Verifier, caller_of

issuer, resource = os.environ["ISSUER"], os.environ["RESOURCE"]
verifier = Verifier(issuer, resource, bearer="allow")
decisions = Decisions(issuer, resource, client_id="notes", client_secret=os.environ["CLIENT_SECRET"])
notes = {"Shopping list": "milk"}


async def delete_note(request: Request) -> Response:
    caller = caller_of(request.scope)
    action = Action("delete_note", {"title": request.path_params["title"]})
    try:
        # Judged, asked where a person must agree, run once, reported.
        deleted = await decisions.gated(caller, action, lambda args: notes.pop(args["title"], None) is not None)
    except NotPermitted as no:
        # 403, or 429 with `Retry-After` where nobody could be asked now.
        return Response(no.body, no.status, dict(no.headers))
    return JSONResponse({"deleted": deleted, "for": caller.subject.id})


app = Starlette(routes=[Route("/notes/{title}", delete_note, methods=["DELETE"])])


async def main() -> None:
    await decisions.check_credentials()  # a wrong secret is told now
    port = int(os.environ.get("PORT", "8000"))
    await uvicorn.Server(uvicorn.Config(Protect(app, verifier), host="127.0.0.1", port=port)).serve()


asyncio.run(main())
