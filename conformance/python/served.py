"""ASGI applications on loopback, each on a thread of its own with uvicorn."""

import threading
import time

import uvicorn

READY_DEADLINE = 20


class Served:
    def __init__(self, app, port, **more):
        self.server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", **more))
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        deadline = time.monotonic() + READY_DEADLINE
        while not self.server.started:
            if time.monotonic() > deadline or not self.thread.is_alive():
                raise RuntimeError("an application of these scenes did not start")
            time.sleep(0.02)

    def close(self):
        self.server.should_exit = True
        self.thread.join(READY_DEADLINE)
