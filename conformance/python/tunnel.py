"""Ends TLS on loopback, as a proxy in front of a server that speaks plain http does."""

import asyncio
import threading

from world import free_port

CHUNK = 65536


class TlsTunnel:
    def __init__(self, context, port):
        self.context = context
        self.port = port
        self.outer = free_port()
        self.loop = asyncio.new_event_loop()
        begun = threading.Event()
        self.thread = threading.Thread(target=self.run, args=(begun,), daemon=True)
        self.thread.start()
        begun.wait()

    def run(self, begun):
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(
            asyncio.start_server(self.through, "127.0.0.1", self.outer, ssl=self.context)
        )
        begun.set()
        self.loop.run_forever()

    async def through(self, reader, writer):
        try:
            inside, outside = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            writer.close()  # nobody listens there yet
            return
        await asyncio.gather(pipe(reader, outside), pipe(inside, writer))

    def close(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()


async def pipe(reader, writer):
    try:
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
    except OSError:
        pass  # either side may leave at any time
    finally:
        writer.close()
