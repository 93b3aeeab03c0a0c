"""A person, an API, and clients of profile `oauth21`, registered while `writ serve` runs."""

from documents import HOST
from tunnel import TlsTunnel
from world import PASSWORD, World, free_port, kept

PERSON = "alice"
API = "https://api.example/v1"
# Clients may come with a document, and register themselves.
OPEN = {"WRIT__FEATURES__GUESTS": "true", "WRIT__REGISTRATION__MODE": "open", "WRIT__REGISTRATION__PER_ADDRESS": "1000"}
# Never fetched: the person of these scenes stops at it.
CALLBACK = "https://app.example/cb"


class PlainWorld(World):
    def begin(self):
        self.writ("migrate")
        self.writ("user", "add", PERSON, "--password-stdin", said=PASSWORD)
        self.serve()
        return self

    def client(self, **file):
        """What was registered, with its secret where one is due."""
        usual = {
            "client_name": "Shop",
            "profile": "oauth21",
            "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code", "refresh_token"],
            "bearer": True,
        }
        return self.add("client", {**usual, **file})

    def api(self, resource=API, **file):
        nothing = {"redirect_uris": [], "grant_types": [], "response_types": [], "bearer": False}
        served = self.client(client_id="api", client_name="API", **nothing)
        usual = {"resource": resource, "name": "API", "scopes": ["read", "write"], "client_id": "api"}
        self.add("resource", {**usual, **file})
        return served


def begun(family, settings=None):
    return kept(family, PlainWorld(family.binary, family.database, settings=settings)).begin()


def begun_behind_tls(family, documents, settings):
    """The same with an https issuer at the host of the documents: TLS ends before it."""
    port = free_port()
    tunnel = TlsTunnel(documents.context(), port)
    family.open(tunnel, tunnel.close)
    issuer = {"WRIT__SERVER__ISSUER": f"https://{HOST}:{tunnel.outer}"}
    return kept(family, PlainWorld(family.binary, family.database, port, {**settings, **issuer})).begin()
