"""One family on one database; `run.py` starts it."""

import importlib
import sys
import threading
import traceback

from database import kind_of


class Family:
    """Plays scenes, and closes what they opened in the opposite order."""

    def __init__(self, binary, database):
        self.binary = binary
        self.database = database
        self.opened = []
        self.passed = self.failed = 0
        self.counting = threading.Lock()

    def open(self, thing, close):
        self.opened.append(close)
        return thing

    def scene(self, title, act):
        title = f"{kind_of(self.database)}, {title}"
        try:
            act()
        except Exception:  # a failed scene is counted, and the others go on
            said = f"FAILED  {title}\n{traceback.format_exc()}"
        else:
            said = f"ok      {title}"
        with self.counting:
            self.passed += said.startswith("ok")
            self.failed += not said.startswith("ok")
            print(said, flush=True)

    def close(self):
        for close in reversed(self.opened):
            close()


def main():
    binary, name, database = sys.argv[1:]
    family = Family(binary, database)
    try:
        importlib.import_module(f"{name}_family").play(family)
    except Exception:
        family.failed += 1
        print(f"FAILED  {name}: outside any scene\n{traceback.format_exc()}", flush=True)
    finally:
        family.close()
    print(f"{family.passed} passed, {family.failed} failed")
    sys.exit(0 if family.passed and not family.failed else 1)


if __name__ == "__main__":
    main()
