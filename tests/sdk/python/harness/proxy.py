"""A TCP proxy on loopback that can be slow, silent, gone, or cut connections in the middle of an answer."""

import asyncio
import socket
import struct
import threading

_loop = None


def _running():
    """One event loop for all proxies, in a thread of its own."""
    global _loop
    if _loop is None:
        _loop = asyncio.new_event_loop()
        threading.Thread(target=_loop.run_forever, daemon=True, name="proxies").start()
    return _loop


def _ask(coroutine):
    return asyncio.run_coroutine_threadsafe(coroutine, _running()).result(10)


class Link:
    """One connection through the proxy."""

    def __init__(self, proxy, near, far):
        self.proxy, self.writers = proxy, (near, far)
        self.cut_next = False
        self.task = None

    async def carry(self, near, far):
        directions = [asyncio.ensure_future(one) for one in (
            self._pump(near, self.writers[1], False), self._pump(far, self.writers[0], True))]
        try:
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in directions:
                one.cancel()
            self.reset()

    async def _pump(self, reader, writer, answer):
        """Carries bytes on, each as long after its arrival as the proxy is slow: latency, and not less throughput."""
        loop, under_way = asyncio.get_running_loop(), asyncio.Queue()

        async def leave():
            while True:
                due, data = await under_way.get()
                if due > loop.time():
                    await asyncio.sleep(due - loop.time())
                await self.proxy.flowing.wait()
                if not data:
                    return
                if answer and self.cut_next:
                    writer.write(data[:len(data) // 2])
                    self.proxy.cuts += 1
                    return
                writer.write(data)
                await writer.drain()

        leaving = asyncio.ensure_future(leave())
        try:
            while not leaving.done():
                arriving = asyncio.ensure_future(reader.read(65536))
                await asyncio.wait([arriving, leaving], return_when=asyncio.FIRST_COMPLETED)
                if not arriving.done():
                    arriving.cancel()
                    break
                data = arriving.result()
                under_way.put_nowait((loop.time() + self.proxy.delay, data))
                if not data:
                    await leaving
        except OSError:
            pass
        finally:
            leaving.cancel()

    def reset(self):
        """Ends both sides at once, as a network does that has lost the connection."""
        for writer in self.writers:
            raw = writer.get_extra_info("socket")
            if raw is not None and raw.fileno() != -1:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()


class Proxy:
    """Listens on a port of its own for the server behind `port`. The methods are for threads outside of the loop."""

    def __init__(self, port):
        self.behind, self.port = port, 0
        self.delay = 0.0
        """Seconds that every byte takes, in each direction."""
        self.cuts = 0
        """Answers that were cut in the middle."""
        self.links, self.server, self.flowing = set(), None, None
        _ask(self._open())

    async def _open(self):
        if self.flowing is None:
            self.flowing = asyncio.Event()
        self.flowing.set()
        if self.server is None:
            self.server = await asyncio.start_server(self._take, "127.0.0.1", self.port)
            self.port = self.server.sockets[0].getsockname()[1]

    async def _take(self, near, near_writer):
        link = None
        try:
            await self.flowing.wait()
            far, far_writer = await asyncio.open_connection("127.0.0.1", self.behind)
            for writer in (near_writer, far_writer):
                writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link = Link(self, near_writer, far_writer)
            self.links.add(link)
            await link.carry(near, far)
        except OSError:
            near_writer.transport.abort()
        finally:
            self.links.discard(link)

    def slow(self, seconds):
        self.delay = seconds

    def silence(self):
        """A partition: connections stay, nothing gets through, new ones are taken and not answered."""
        _ask(self._silence())

    async def _silence(self):
        self.flowing.clear()

    def go_on(self, *, cut=False):
        """Ends a partition: what was held back is delivered late, or every connection that was in it is lost."""
        _ask(self._go_on(cut))

    async def _go_on(self, cut):
        if cut:
            await self._cut()
        await self._open()

    def refuse(self):
        """Cuts every connection and takes none."""
        _ask(self._refuse())

    async def _refuse(self):
        self.server.close()
        self.server = None
        await self._cut()

    def cut(self):
        _ask(self._cut())

    async def _cut(self):
        for link in list(self.links):
            link.reset()

    def cut_next_answers(self):
        """Every connection that stands now is cut in the middle of the next answer that it carries."""
        _ask(self._cut_next())

    async def _cut_next(self):
        for link in self.links:
            link.cut_next = True

    def close(self):
        if self.server is not None:
            self.refuse()
