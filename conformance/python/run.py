"""Entry: `python run.py PATH-OF-WRIT [--postgres URL] [FAMILY...]`. Libraries that people have, unmodified.

A family is a kind of client. Each is played on SQLite, and on PostgreSQL where the URL of a server is given, by a process
(`family.py`) with a fresh database and a server of its own: one that cannot begin keeps none of the others from being played.
"""

import argparse
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from database import SQLITE

FAMILIES = ["requests_oauth2client", "authlib", "mcp", "mcp_guests", "mcp_gate", "fastmcp"]
# Each mostly waits: a client for its server, a server for its disk.
AT_ONCE = 4
COUNTED = re.compile(r"^(\d+) passed, (\d+) failed$", re.MULTILINE)


def play_apart(binary, name, database):
    """What a family says is printed in one piece, without its own count."""
    command = [sys.executable, "-B", str(Path(__file__).with_name("family.py")), binary, name, database]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    counted = COUNTED.search(done.stdout)
    print(COUNTED.sub("", done.stdout).rstrip(), flush=True)
    if counted is None:
        return 0, 1
    passed, failed = int(counted[1]), int(counted[2])
    return passed, failed if done.returncode == 0 else max(failed, 1)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("binary")
    arguments.add_argument("--postgres", metavar="URL")
    arguments.add_argument("families", nargs="*", metavar="FAMILY", help=" ".join(FAMILIES))
    told = arguments.parse_args()
    if not set(told.families) <= set(FAMILIES):
        arguments.error(f"families: {' '.join(FAMILIES)}")
    databases = [SQLITE, told.postgres] if told.postgres else [SQLITE]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        played = [
            pool.submit(play_apart, told.binary, name, database)
            for name in told.families or FAMILIES
            for database in databases
        ]
        counts = [one.result() for one in played]
    passed, failed = (sum(column) for column in zip(*counts, strict=True))
    print(f"{passed} passed, {failed} failed")
    sys.exit(0 if passed and not failed else 1)


if __name__ == "__main__":
    main()
