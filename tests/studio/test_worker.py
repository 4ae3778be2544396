import asyncio
import threading

import pytest

from tfrelight.studio.errors import StudioError
from tfrelight.studio.worker import Worker


def test_one_at_a_time_in_the_order_they_came():
    running, order = threading.Semaphore(1), []

    def work(number):
        assert running.acquire(blocking=False)
        order.append(number)
        running.release()
        return number

    async def main():
        worker = Worker()
        results = await asyncio.gather(*(worker.run(work, k) for k in range(10)))
        return results

    assert asyncio.run(main()) == order == list(range(10))


def test_errors_come_back():
    async def main():
        with pytest.raises(ZeroDivisionError):
            await Worker().run(lambda: 1 / 0)

    asyncio.run(main())


def test_who_waits_too_long_or_after_too_many_is_refused():
    release = threading.Event()

    async def main():
        worker = Worker(most=2, seconds=0.05)
        first = asyncio.create_task(worker.run(release.wait))
        await asyncio.sleep(0.02)
        second, third = (asyncio.create_task(worker.run(int)) for _ in range(2))
        await asyncio.sleep(0)
        with pytest.raises(StudioError, match="wait already"):
            await worker.run(int)
        for waiting in (second, third):
            with pytest.raises(StudioError, match="before this"):
                await waiting
        release.set()
        assert await first
        assert await worker.run(lambda: 7) == 7

    asyncio.run(main())
