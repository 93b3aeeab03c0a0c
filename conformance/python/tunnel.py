"""Ends TLS on loopback, as a proxy in front of a server that speaks plain http does."""

import asyncio
import threading

from world import free_port

HOST = "127.0.0.1"
CHUNK = 65536
READY_DEADLINE = 20


class TlsTunnel:
    def __init__(self, context, port):
        self.context = context
        self.port = port
        self.outer = free_port()
        self.begun = threading.Event()
        self.thread = threading.Thread(target=asyncio.run, args=(self.serve(),), daemon=True)
        self.thread.start()
        if not self.begun.wait(READY_DEADLINE):
            raise RuntimeError("no TLS in front of the server")

    async def serve(self):
        self.loop, self.ended = asyncio.get_running_loop(), asyncio.Event()
        await asyncio.start_server(self.through, HOST, self.outer, ssl=self.context)
        self.begun.set()
        await self.ended.wait()

    async def through(self, reader, writer):
        try:
            inside, outside = await asyncio.open_connection(HOST, self.port)
        except OSError:
            writer.close()  # nobody listens there yet
            return
        await asyncio.gather(pipe(reader, outside), pipe(inside, writer))

    def close(self):
        self.loop.call_soon_threadsafe(self.ended.set)
        self.thread.join(READY_DEADLINE)


async def pipe(reader, writer):
    try:
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
    except OSError:
        pass  # either side may leave at any time
    finally:
        writer.close()
