"""Entry: `python clients.py PATH-OF-WRIT [FAMILY...]`. Libraries that people have, unmodified.

A family is a kind of client: each has a process, a fresh database and a server of its own, so that one that cannot begin keeps
none of the others from being played.
"""

import importlib
import re
import subprocess
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor

FAMILIES = ["authlib", "mcp", "mcp_guests", "fastmcp"]
COUNTED = re.compile(r"^(\d+) passed, (\d+) failed$", re.MULTILINE)


class Family:
    """Plays scenes one after the other, and closes what they opened in the opposite order."""

    def __init__(self, binary):
        self.binary = binary
        self.opened = []
        self.passed = self.failed = 0

    def open(self, thing, close):
        self.opened.append(close)
        return thing

    def scene(self, title, act):
        try:
            act()
        except Exception:  # a failed scene is counted, and the others go on
            self.failed += 1
            print(f"FAILED  {title}\n{traceback.format_exc()}", flush=True)
            return
        self.passed += 1
        print(f"ok      {title}", flush=True)

    def close(self):
        for close in reversed(self.opened):
            close()


def play_here(binary, name):
    family = Family(binary)
    try:
        importlib.import_module(f"{name}_family").play(family)
    except Exception:
        family.failed += 1
        print(f"FAILED  {name}: outside any scene\n{traceback.format_exc()}", flush=True)
    finally:
        family.close()
    return family.passed, family.failed


def play_apart(binary, name):
    """What a family says is printed in one piece, without its own count."""
    command = [sys.executable, "-B", __file__, binary, name]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    counted = COUNTED.search(done.stdout)
    print(COUNTED.sub("", done.stdout).rstrip(), flush=True)
    if counted is None:
        return 0, 1
    passed, failed = int(counted[1]), int(counted[2])
    return passed, failed if done.returncode == 0 else max(failed, 1)


def main():
    if len(sys.argv) < 2 or not set(sys.argv[2:]) <= set(FAMILIES):
        sys.exit(f"usage: python clients.py PATH-OF-WRIT [FAMILY...]\nfamilies: {' '.join(FAMILIES)}")
    binary, wanted = sys.argv[1], sys.argv[2:] or FAMILIES
    if len(wanted) == 1:
        counts = [play_here(binary, wanted[0])]
    else:
        with ThreadPoolExecutor(2) as pool:
            counts = list(pool.map(lambda name: play_apart(binary, name), wanted))
    passed, failed = (sum(column) for column in zip(*counts, strict=True))
    print(f"{passed} passed, {failed} failed")
    sys.exit(0 if passed and not failed else 1)


if __name__ == "__main__":
    main()
