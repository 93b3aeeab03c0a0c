"""Authlib: a script with its OAuth2Session, and a web application with its Starlette integration."""

import os
from urllib.parse import parse_qs, urlsplit

import requests
from authlib.common.security import generate_token
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.integrations.starlette_client import OAuth
from authlib.oauth2.rfc6749.errors import MismatchingStateException
from joserfc.jwt import decode
from joserfc.jwk import KeySet
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import JSONResponse
from starlette.routing import Route

from person import Person
from plain_world import API, CALLBACK, PERSON, begun
from served import Served
from world import PASSWORD, free_port

# Plain http, which the server takes on loopback only.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"


def play(family):
    world = begun(family)
    api = world.api()
    metadata = requests.get(f"{world.issuer}/.well-known/openid-configuration", timeout=10).json()
    person = Person(PERSON, PASSWORD)

    def session(method, **more):
        registered = world.client(token_endpoint_auth_method=method, scope="read write", **more)
        return OAuth2Session(
            registered["client_id"],
            registered.get("client_secret"),
            scope="read",
            redirect_uri=CALLBACK,
            token_endpoint=metadata["token_endpoint"],
            token_endpoint_auth_method=method,
            code_challenge_method="S256",
        )

    def fetched(application, verifier=None, **more):
        verifier = verifier or generate_token(48)
        url, state = application.create_authorization_url(
            metadata["authorization_endpoint"], code_verifier=verifier, resource=API
        )
        landed = person.approve(url)
        return landed, application.fetch_token(
            authorization_response=landed, state=state, **{"code_verifier": verifier, **more}
        )

    for method in ("client_secret_basic", "client_secret_post", "none"):

        def code(method=method):
            application = session(method)
            landed, token = fetched(application)
            assert token["token_type"] == "Bearer", token
            assert token["scope"] == "read", token
            assert claims_of(token["access_token"], metadata)["aud"] == API
            again = application.refresh_token(refresh_token=token["refresh_token"])
            assert again["access_token"] != token["access_token"]

        family.scene(f"authlib: {method}: code with PKCE, and refresh", code)

    def automatic():
        application = session("client_secret_basic")
        _, token = fetched(application)
        application.token = {**token, "expires_at": 1}
        assert application.ensure_active_token(application.token)
        assert application.token["access_token"] != token["access_token"]

    family.scene("authlib: an expired token is refreshed by itself", automatic)

    def seen():
        _, token = fetched(session("none"))
        bank = OAuth2Session(api["client_id"], api["client_secret"])
        answer = bank.introspect_token(metadata["introspection_endpoint"], token=token["access_token"]).json()
        assert answer["active"] is True and answer["aud"] == API, answer

    family.scene("authlib: the API introspects", seen)

    def revoked():
        application = session("client_secret_basic")
        _, token = fetched(application)
        answer = application.revoke_token(metadata["revocation_endpoint"], token=token["refresh_token"])
        assert answer.status_code == 200, answer.text
        refused("invalid_grant", lambda: application.refresh_token(refresh_token=token["refresh_token"]))

    family.scene("authlib: revocation", revoked)

    misuse(family, world, metadata, session, fetched)

    def denied():
        application = session("none")
        url, _ = application.create_authorization_url(
            metadata["authorization_endpoint"], code_verifier=generate_token(48), resource=API
        )
        said = parse_qs(urlsplit(person.deny(url)).query)
        assert said["error"] == ["access_denied"], said
        assert said["iss"] == [world.issuer], said

    family.scene("authlib: the person says no", denied)

    for scope in ("openid", "openid profile email"):
        family.scene(f"authlib: a web application logs in with `{scope}`", lambda scope=scope: login(family, world, scope))


def misuse(family, world, metadata, session, fetched):
    person = Person(PERSON, PASSWORD)

    def stolen():
        refused("invalid_grant", lambda: fetched(session("none"), code_verifier=generate_token(48)))
        application = session("none")
        landed, _ = fetched(application)
        refused("invalid_grant", lambda: application.fetch_token(authorization_response=landed, code_verifier="x" * 43))

    family.scene("authlib: misuse: another verifier, a code used twice: invalid_grant", stolen)

    def plain():
        application = session("none")
        verifier = generate_token(48)
        for more in ({"code_challenge": verifier, "code_challenge_method": "plain"}, {"code_challenge": verifier}, {}):
            url, _ = application.create_authorization_url(metadata["authorization_endpoint"], resource=API, **more)
            said = parse_qs(urlsplit(redirect_of(url)).query)
            assert said["error"] == ["invalid_request"], said
            assert said["iss"] == [world.issuer], said

    family.scene("authlib: misuse: PKCE that is plain, unnamed or missing: invalid_request", plain)

    def elsewhere():
        application = session("none")
        application.redirect_uri = "https://evil.example/cb"
        url, _ = application.create_authorization_url(metadata["authorization_endpoint"], code_verifier=generate_token(48))
        page = requests.get(url, allow_redirects=False, timeout=10)
        assert page.status_code == 400 and "location" not in page.headers, page.headers
        application = session("none")
        verifier = generate_token(48)
        url, state = application.create_authorization_url(
            metadata["authorization_endpoint"], code_verifier=verifier, resource=API
        )
        landed = person.approve(url)
        about = {"authorization_response": landed, "state": state, "code_verifier": verifier}
        refused("invalid_grant", lambda: application.fetch_token(redirect_uri="https://evil.example/cb", **about))

    family.scene("authlib: misuse: another redirect URI gets a page, or invalid_grant", elsewhere)

    def wider():
        application, other = session("none"), session("none")
        _, token = fetched(application)
        about = {"refresh_token": token["refresh_token"]}
        refused("invalid_grant", lambda: other.refresh_token(**about))
        refused("invalid_scope", lambda: application.refresh_token(scope="read write", **about))

    family.scene("authlib: misuse: a refresh token of another client, or for more than was granted", wider)

    def guessed():
        for method in ("client_secret_basic", "client_secret_post"):
            application = session(method)
            application.client_secret = "wrong"
            refused("invalid_client", lambda application=application: application.refresh_token(refresh_token="any"))

    family.scene("authlib: misuse: a wrong secret: invalid_client", guessed)

    def password():
        application = session("client_secret_basic")
        about = {"username": PERSON, "password": PASSWORD, "grant_type": "password"}
        refused("unsupported_grant_type", lambda: application.fetch_token(**about))
        url, _ = application.create_authorization_url(metadata["authorization_endpoint"], response_type="token", resource=API)
        assert parse_qs(urlsplit(redirect_of(url)).query)["error"] == ["unsupported_response_type"]

    family.scene("authlib: misuse: grants of old: unsupported_grant_type, unsupported_response_type", password)

    def mixed_up():
        application = session("none")
        landed, _ = fetched(application)
        try:
            application.fetch_token(authorization_response=landed, state="another", code_verifier="x" * 43)
        except MismatchingStateException:
            return
        raise AssertionError("accepted, where another `state` was due")

    family.scene("authlib: misuse: an answer to another request: Authlib does not take it", mixed_up)


def redirect_of(url):
    """Where a refusal goes before any person is asked."""
    return requests.get(url, allow_redirects=False, timeout=10).headers["location"]


def login(family, world, scope):
    port = free_port()
    home = f"http://127.0.0.1:{port}"
    registered = world.client(redirect_uris=[f"{home}/auth"], scope="openid profile email")
    served = Served(web_application(world.issuer, registered, scope), port)
    family.open(served, served.close)
    browser = requests.Session()
    sent = browser.get(f"{home}/login", allow_redirects=False, timeout=20)
    assert sent.status_code == 302, sent.text
    landed = Person(PERSON, PASSWORD).approve(sent.headers["location"])
    answer = browser.get(landed, timeout=20)
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert said["sub"].startswith("usr_"), said
    assert said["iss"] == world.issuer, said


def web_application(issuer, registered, scope):
    """As Authlib's documentation has it."""
    oauth = OAuth()
    oauth.register(
        "writ",
        client_id=registered["client_id"],
        client_secret=registered["client_secret"],
        server_metadata_url=f"{issuer}/.well-known/openid-configuration",
        client_kwargs={"scope": scope, "code_challenge_method": "S256"},
    )

    async def start(request):
        return await oauth.writ.authorize_redirect(request, request.url_for("auth"))

    async def auth(request):
        try:
            token = await oauth.writ.authorize_access_token(request)
        except OAuthError as refusal:
            return JSONResponse({"error": refusal.error, "says": refusal.description}, 400)
        return JSONResponse(dict(token["userinfo"]))

    routes = [Route("/login", start), Route("/auth", auth, name="auth")]
    return Starlette(routes=routes, middleware=[Middleware(SessionMiddleware, secret_key="scenes")])


def claims_of(token, metadata):
    keys = KeySet.import_key_set(requests.get(metadata["jwks_uri"], timeout=10).json())
    decoded = decode(token, keys, algorithms=["ES256"])
    assert decoded.header["typ"] == "at+jwt"
    return decoded.claims


def refused(code, act):
    try:
        act()
    except OAuthError as refusal:
        assert refusal.error == code, f"{refusal.error}: {refusal.description}"
        return
    raise AssertionError(f"accepted, where `{code}` was due")
