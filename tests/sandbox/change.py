"""Counts changes, so that pages and waiting tests learn of them at once."""

import asyncio
import time


class Change:
    """Counts changes and wakes whoever waits for one."""

    def __init__(self):
        self.version = 0
        self.watchers = []          # other changes, whose waiters wake with ours
        self._waiting = set()

    def tell(self):
        self.version += 1
        self.wake()
        for other in self.watchers:
            other.wake()

    def wake(self):
        waiting, self._waiting = self._waiting, set()
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def next(self, timeout):
        """Returns whether something changed within `timeout` seconds."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            await asyncio.wait_for(future, timeout)
            return True
        except asyncio.TimeoutError:
            return False
        finally:
            self._waiting.discard(future)

    async def until(self, found, timeout):
        """Calls `found` after each change until it returns something true; None when the time is over."""
        deadline = time.monotonic() + timeout
        while True:
            result = found()
            if result:
                return result
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            await self.next(left)
