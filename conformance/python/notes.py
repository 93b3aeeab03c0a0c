"""An MCP server made with the MCP Python SDK: its metadata (RFC 9728) names the authorization server, PyJWT checks the tokens."""

import asyncio

import jwt
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken, TokenVerifier
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer
from starlette.responses import JSONResponse

from documents import HOST
from served import Served
from world import free_port

READ, WRITE = "notes:read", "notes:write"


class Verifier(TokenVerifier):
    def __init__(self, issuer, audience):
        self.keys = jwt.PyJWKClient(f"{issuer}/jwks")
        self.expected = {"issuer": issuer, "audience": audience, "algorithms": ["ES256"]}

    async def verify_token(self, token):
        return await asyncio.to_thread(self.verified, token)

    def verified(self, token):
        try:
            key = self.keys.get_signing_key_from_jwt(token)
            claims = jwt.decode(token, key, options={"require": ["exp", "aud", "iss", "sub"]}, **self.expected)
        except jwt.PyJWTError:
            return None
        return AccessToken(
            token=token,
            client_id=claims["client_id"],
            scopes=claims.get("scope", "").split(),
            expires_at=claims["exp"],
            resource=claims["aud"],
            subject=claims["sub"],
            claims=claims,
        )


class WritesGate:
    """The tool `add` wants a scope of its own: its caller is told so (RFC 6750 section 3.1). The server behind it verifies."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        headers = dict(scope.get("headers") or [])
        token = headers.get(b"authorization", b"").decode().removeprefix("Bearer ")
        if headers.get(b"mcp-name") == b"add" and token and WRITE not in scopes_of(token):
            challenge = {"www-authenticate": f'Bearer error="insufficient_scope", scope="{WRITE}"'}
            await JSONResponse({"error": "insufficient_scope"}, 403, challenge)(scope, receive, send)
            return
        await self.app(scope, receive, send)


def scopes_of(token):
    return jwt.decode(token, options={"verify_signature": False}).get("scope", "").split()


def serve_notes(family, issuer, tls=None):
    """The URL of the server, and nothing else."""
    port = free_port()
    url = f"https://{HOST}:{port}/mcp" if tls else f"http://127.0.0.1:{port}/mcp"
    settings = AuthSettings(
        issuer_url=issuer, resource_server_url=url, required_scopes=[READ], validate_token_resource=True
    )
    server = MCPServer("notes", token_verifier=Verifier(issuer, url), auth=settings)

    @server.tool()
    def whoami() -> dict:
        """Who asks."""
        return get_access_token().claims

    @server.tool()
    def add() -> str:
        """Adds a note."""
        return " ".join(get_access_token().scopes)

    app = WritesGate(server.streamable_http_app(json_response=True, stateless_http=True))
    served = Served(app, port, **(tls or {}))
    family.open(served, served.close)
    return url
