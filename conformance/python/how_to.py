"""Entry: `python how_to.py PATH-OF-WRIT [PAGE...]`. Plays the pages of docs/how-to as a reader would, from an empty folder.

Its code blocks are what is run, so page and program are the same text; only the ports are others, so that pages can be played
beside each other. The words after a block's language say what a reader does with it:

- a block of another language than `sh` and `text`: it is the file that the sentence before it names last, in backticks
- `sh`: a command that must end well; `text` after it: what it prints, where `...` is anything
- `sh keep-running`: goes on in a terminal of its own; `text` after it: what it prints when it is ready
- `sh install`: is not run; the packages that it names must be those that are installed here, by version

Browsers, and lines of a command's output that say `open URL`, are the visitor's (`visitor.py`).
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGES = HERE.parents[1] / "docs" / "how-to"
NODE_MODULES = HERE.parent / "clients" / "node_modules"
VISITOR = HERE / "visitor.py"

BLOCK = re.compile(r"^( *)```(\w+)([^\n]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
PORT = re.compile(r"\b(?:localhost|127\.0\.0\.1):(\d{4,5})\b")
NAMED = re.compile(r"`([\w.-]+\.\w+)`")
PINNED = re.compile(r"\s((?:@[\w.-]+/)?[\w.-]+)(==|@)(\d[\w.]*)")
# The one port that `writ init` writes.
ISSUER = "http://localhost:8080"
DEADLINE = 60
STOP_DEADLINE = 10
AT_ONCE = 2


class Page:
    def __init__(self, name, binary, folder):
        self.folder = folder
        self.at = folder / "page"
        self.at.mkdir()
        # Where node looks for packages.
        (folder / "node_modules").symlink_to(NODE_MODULES)
        self.ports = {}
        self.running = []
        self.text = (PAGES / name).read_text()
        for port in PORT.findall(self.text):
            self.ports.setdefault(port, str(free_port()))
        self.environment = self.surroundings(Path(binary).resolve())

    def surroundings(self, binary):
        issuer = self.with_ports(ISSUER)
        return {
            "PATH": os.pathsep.join([str(binary.parent), str(Path(sys.executable).parent), os.environ["PATH"]]),
            "HOME": str(self.folder),
            "BROWSER": f"{sys.executable} -B {VISITOR} %s &",
            "PYTHONUNBUFFERED": "1",
            "WRIT__SERVER__ISSUER": issuer,
            "WRIT__SERVER__LISTEN": issuer.removeprefix("http://").replace("localhost", "127.0.0.1"),
        }

    def with_ports(self, text):
        return re.sub(r"\b\d{4,5}\b", lambda found: self.ports.get(found[0], found[0]), text)

    def play(self):
        blocks = list(BLOCK.finditer(self.text))
        assert blocks, "no block"
        for place, found in enumerate(blocks):
            indent, language, words, body = found.groups()
            body = self.with_ports(re.sub(rf"^{indent}", "", body, flags=re.MULTILINE))
            if language == "text":
                continue
            after = blocks[place + 1] if place + 1 < len(blocks) else None
            expected = after and after[2] == "text" and self.with_ports(re.sub(rf"^{after[1]}", "", after[4], flags=re.M))
            self.block(language, words.strip(), body, expected, self.text[: found.start()])

    def block(self, language, words, body, expected, before):
        if language != "sh":
            name = NAMED.findall(before.rstrip().rsplit("\n\n", 1)[-1])[-1]
            (self.at / name).write_text(body)
        elif words == "install":
            installed(body)
        elif words == "keep-running":
            assert expected, f"by what does a reader see that this is ready?\n{body}"
            self.running.append(Running(body, self.at, self.environment))
            self.running[-1].until(expected)
        else:
            assert words == "", f"`sh {words}` is not known"
            self.command(body, expected)

    def command(self, script, expected):
        started = Running(f"set -e\n{script}\npwd > '{self.folder}/at'", self.at, self.environment, visits=True)
        self.running.append(started)
        started.end()
        self.at = Path((self.folder / "at").read_text().strip())
        if "writ init " in script:
            self.move()
        if expected:
            started.until(expected)

    def move(self):
        """`init` writes the port of the page; this server has another one."""
        there = self.environment["WRIT__SERVER__ISSUER"]
        Running(f"set -e; writ issuer change {there} --yes --config writ.toml", self.at, self.environment).end()

    def close(self):
        for one in reversed(self.running):
            one.close()


class Running:
    """A script of a page, in a process group of its own."""

    def __init__(self, script, at, environment, visits=False):
        self.script = script
        self.environment = environment
        self.visits = visits
        self.said = ""
        self.process = subprocess.Popen(
            ["bash", "-uo", "pipefail", "-c", script],
            cwd=at,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.said += line
            if asked := self.visits and re.match(r"open (http\S+)", line):
                self.visit(asked[1])

    def visit(self, url):
        """What a reader does who is told to open a page."""
        command = self.environment["BROWSER"].removesuffix(" &").split()
        command = [url if word == "%s" else word for word in command]
        subprocess.Popen(command, env=self.environment, stdout=subprocess.DEVNULL)

    def until(self, expected):
        wanted = re.compile(".*".join(re.escape(part.strip("\n")) for part in (expected or "").split("...")), re.DOTALL)
        deadline = time.monotonic() + DEADLINE
        while not wanted.search(self.said):
            gone = self.process.poll() is not None and not self.reader.is_alive()
            if gone or time.monotonic() > deadline:
                raise AssertionError(f"this does not say\n{expected}\n{self}")
            time.sleep(0.05)

    def end(self):
        code = self.process.wait(DEADLINE)
        assert code == 0, f"ended with {code}\n{self}"

    def __str__(self):
        return f"$ {self.script}\n{self.said}"

    def close(self):
        """The group outlives its shell while anything of it runs."""
        for kind in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, kind)
                self.process.wait(STOP_DEADLINE)
            except ProcessLookupError:
                return
            except subprocess.TimeoutExpired:
                continue


def installed(script):
    named = PINNED.findall(script)
    assert named, f"no package with a version: {script}"
    for name, sign, wanted in named:
        if sign == "==":
            found = version(name)
        else:
            found = json.loads((NODE_MODULES / name / "package.json").read_text())["version"]
        assert found == wanted, f"{name}: the page has {wanted}, and {found} is what was tried"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def played(binary, name):
    with tempfile.TemporaryDirectory(prefix="writ-how-to-", ignore_cleanup_errors=True) as folder:
        page = Page(name, binary, Path(folder))
        try:
            page.play()
        except Exception:  # a failed page is counted, and the others go on
            said = "\n".join(str(one) for one in page.running)
            print(f"FAILED  how-to: {name}\n{traceback.format_exc()}\n{said}", flush=True)
            return False
        finally:
            page.close()
    print(f"ok      how-to: {name}", flush=True)
    return True


def main():
    known = sorted(path.name for path in PAGES.glob("*.md"))
    if len(sys.argv) < 2 or not set(sys.argv[2:]) <= set(known):
        sys.exit(f"usage: python how_to.py PATH-OF-WRIT [PAGE...]\npages: {' '.join(known)}")
    binary, wanted = sys.argv[1], sys.argv[2:] or known
    with ThreadPoolExecutor(AT_ONCE) as pool:
        results = list(pool.map(lambda name: played(binary, name), wanted))
    print(f"{results.count(True)} passed, {results.count(False)} failed")
    sys.exit(0 if results and all(results) else 1)


if __name__ == "__main__":
    main()
