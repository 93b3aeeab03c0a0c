"""A person, an API, and clients of profile `oauth21`, registered while `writ serve` runs."""

from world import PASSWORD, World

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
    world = PlainWorld(family.binary, settings)

    def close():
        if family.failed and world.log.exists():
            print(world.log.read_text())
        world.remove()

    family.open(world, close)
    return world.begin()
