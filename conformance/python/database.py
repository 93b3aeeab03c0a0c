"""A database that nobody else uses: a file, or one of its own on the PostgreSQL server whose URL is given."""

import secrets
import subprocess
from urllib.parse import urlsplit

SQLITE = "sqlite"


class Database:
    def __init__(self, server, folder):
        self.server = server
        if server == SQLITE:
            self.url = f"sqlite:{folder / 'writ.db'}"
            return
        self.name = f"writ_python_{secrets.token_hex(8)}"
        self.say(f"CREATE DATABASE {self.name}")
        self.url = urlsplit(server)._replace(path=f"/{self.name}").geturl()

    def remove(self):
        """The file is its folder's."""
        if self.server != SQLITE:
            self.say(f"DROP DATABASE {self.name} WITH (FORCE)")

    def say(self, statement):
        command = ["psql", self.server, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", statement]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def kind_of(server):
    return server.split(":", 1)[0]
