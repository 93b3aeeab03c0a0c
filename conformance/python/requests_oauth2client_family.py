"""requests-oauth2client asks people by CIBA and by the device flow.

Every scene has a person of its own, so that all of them wait at the same time.
"""

import json
from concurrent.futures import ThreadPoolExecutor

import requests
from jwskate import SignedJwt
from requests_oauth2client import (
    AccessDenied,
    AuthorizationPending,
    BackChannelAuthenticationError,
    BackChannelAuthenticationPollingJob,
    DeviceAuthorizationPollingJob,
    DPoPKey,
    ExpiredToken,
    InvalidGrant,
    OAuth2Client,
    PrivateKeyJwt,
    SlowDown,
)

from phone import Phone
from world import BANK, PASSWORD, World, kept

MOST_POLLS = 12


def play(family):
    world = kept(family, World(family.binary, family.database))
    world.register()
    world.serve()
    played = scenes(world)
    with ThreadPoolExecutor(len(played)) as pool:
        list(pool.map(lambda scene: family.scene(*scene), played))


def scenes(world):
    """Title and act of each scene."""
    asker, till = client(world, "agt_asker"), client(world, "till")
    details = json.dumps([world.payment])

    def phone(name):
        return Phone(world.issuer, name, PASSWORD)

    def ask(name, **more):
        return asker.backchannel_authentication_request(
            None, login_hint=name, authorization_details=details, resource=BANK, **more
        )

    def redeem(who, asked, key):
        return who.ciba(asked, requests_kwargs={"dpop": True, "dpop_key": key})

    def polled(who, asked, key, **more):
        job = BackChannelAuthenticationPollingJob(who, asked, requests_kwargs={"dpop": True, "dpop_key": key}, **more)
        return until_answered(job)

    def approved():
        key = DPoPKey.generate()
        asked = ask("approver", binding_message="Invoice 4711")
        screen = phone("approver").open("/app")
        assert "KLM" in screen.text
        phone("approver").decide("approve", number=number_of(asked))
        token = polled(asker, asked, key)
        claims = SignedJwt(token.access_token).claims
        assert claims["act"]["sub"] == "agt_asker", claims
        assert claims["cnf"] == {"jkt": key.dpop_jkt}, claims
        assert claims["approval"]["basis"] == "password", claims
        assert [d["creditor"]["name"] for d in claims["authorization_details"]] == ["KLM"]
        refused(InvalidGrant, lambda: redeem(asker, asked, key))

    def denied():
        key = DPoPKey.generate()
        asked = ask("denier")
        phone("denier").decide("deny")
        refused(AccessDenied, lambda: polled(asker, asked, key))

    def expired():
        key = DPoPKey.generate()
        asked = ask("absent", requested_expiry=10)
        refused(ExpiredToken, lambda: polled(asker, asked, key))

    def hasty():
        key = DPoPKey.generate()
        asked = ask("slow")
        refused(AuthorizationPending, lambda: redeem(asker, asked, key))
        refused(SlowDown, lambda: redeem(asker, asked, key))
        phone("slow").decide("approve", number=number_of(asked))
        token = polled(asker, asked, key, interval=asked.interval + 6)
        assert token.access_token

    def identified():
        key = DPoPKey.generate()
        asked = till.backchannel_authentication_request(
            "openid", login_hint="shopper", acr_values="urn:writ:acr:password", binding_message="K7"
        )
        phone("shopper").decide("approve", number=number_of(asked))
        token = polled(till, asked, key)
        identity = SignedJwt(str(token.id_token))
        identity.validate(till.authorization_server_jwks, issuer=world.issuer, audience="till", alg="RS256")
        assert identity.claims["acr"] == "urn:writ:acr:password"

    def unknown():
        try:
            till.backchannel_authentication_request("openid", login_hint="nobody-at-all")
        except BackChannelAuthenticationError as refusal:
            assert refusal.error == "unknown_user_id", refusal.error
        else:
            raise AssertionError("accepted, where `unknown_user_id` was due")

    def device():
        key = DPoPKey.generate()
        asked = asker.authorize_device(authorization_details=details, resource=BANK)
        hand = phone("typist")
        hand.decide("approve", screen=hand.enter(asked.user_code), number=number_of(asked))
        token = until_answered(DeviceAuthorizationPollingJob(asker, asked, dpop=True, dpop_key=key))
        claims = SignedJwt(token.access_token).claims
        assert claims["cnf"] == {"jkt": key.dpop_jkt}, claims
        refused(InvalidGrant, lambda: asker.device_code(asked, dpop=True, dpop_key=key))

    def device_denied():
        key = DPoPKey.generate()
        asked = asker.authorize_device(authorization_details=details, resource=BANK)
        hand = phone("refuser")
        hand.decide("deny", screen=hand.enter(asked.user_code))
        refused(AccessDenied, lambda: until_answered(DeviceAuthorizationPollingJob(asker, asked, dpop=True, dpop_key=key)))

    return [
        ("requests-oauth2client: an agent asks, the person approves, the token is bound and good once", approved),
        ("requests-oauth2client: the person says no", denied),
        ("requests-oauth2client: nobody answers, and expiry means no", expired),
        ("requests-oauth2client: who polls too fast is told to slow down", hasty),
        ("requests-oauth2client: a plain client gets an ID token", identified),
        ("requests-oauth2client: an unknown person is unknown_user_id", unknown),
        ("requests-oauth2client: the device flow, approved", device),
        ("requests-oauth2client: the device flow, denied", device_denied),
    ]


def client(world, name):
    """The library reads these two endpoints from no metadata."""
    url = f"{world.issuer}/.well-known/oauth-authorization-server"
    metadata = requests.get(url, timeout=10).json()
    return OAuth2Client.from_discovery_endpoint(
        url,
        issuer=world.issuer,
        backchannel_authentication_endpoint=metadata["backchannel_authentication_endpoint"],
        device_authorization_endpoint=metadata["device_authorization_endpoint"],
        # draft-ietf-oauth-rfc7523bis: the issuer and nothing else.
        auth=PrivateKeyJwt(name, world.keys[name], aud=world.issuer),
        id_token_signed_response_alg="RS256",
        testing=True,
    )


def number_of(asked):
    """The number that the person is to pick, if the server wants one."""
    return getattr(asked, "other", {}).get("number_to_match")


def until_answered(job):
    for _ in range(MOST_POLLS):
        token = job()
        if token is not None:
            return token
    raise AssertionError(f"still pending after {MOST_POLLS} polls")


def refused(kind, act):
    try:
        act()
    except kind:
        return
    raise AssertionError(f"accepted, where {kind.__name__} was due")
