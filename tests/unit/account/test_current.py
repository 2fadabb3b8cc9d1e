"""``use_context`` and ``current_context`` in functions, threads and tasks."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial

import pytest
import trio
import trio.lowlevel

from helpers.account_current import (
    nothing_is_left_set,  # noqa: F401
    now,
    refused,
)
from xkit_auth import ConfigurationError, current_context, use_context


def test_outside_of_any_block_it_is_nobody_s_turn():
    assert now() is None
    with pytest.raises(LookupError):
        current_context.get()


def test_within_the_block_it_is_this_context_and_the_block_gives_it():
    with use_context("user-42") as given:
        assert given == now() == "user-42"
    assert now() is None


def test_blocks_can_be_nested_and_each_puts_back_what_it_found():
    with use_context("ann"):
        with use_context("bob"):
            with use_context("ann"):
                assert now() == "ann"
            assert now() == "bob"
        assert now() == "ann"
    assert now() is None


def test_an_exception_ends_the_block_and_passes():
    with pytest.raises(ZeroDivisionError), use_context("ann"):
        raise ZeroDivisionError
    assert now() is None


def test_one_object_can_be_used_again_and_within_itself():
    ann = use_context("ann")
    for _ in range(2):
        with ann, use_context("bob"):
            with ann:
                assert now() == "ann"
            assert now() == "bob"
        assert now() is None


def test_making_it_changes_nothing():
    use_context("ann")
    assert now() is None


@pytest.mark.parametrize("wrong", [None, "", "  ", ".", "..", 42, b"ann", current_context, "\ud800"])
def test_what_is_no_context_is_refused_at_once_and_nothing_is_set(wrong):
    with pytest.raises(ConfigurationError, match="The context is"):
        use_context(wrong)
    assert now() is None


def test_another_thread_does_not_see_it(in_thread):
    with use_context("ann"):
        assert in_thread(now)() is None


def test_a_thread_that_is_started_with_a_copy_has_it_and_keeps_its_own(in_thread):
    def within():
        with use_context("bob"):
            return now()

    with use_context("ann"):
        copy = contextvars.copy_context()
        assert in_thread(lambda: copy.run(now))() == "ann"
        assert in_thread(lambda: copy.run(within))() == "bob"
        assert in_thread(lambda: copy.run(now))() == "ann"


def test_one_object_serves_several_threads(in_thread):
    shared, both_are_inside, first_has_left = use_context("ann"), threading.Barrier(2), threading.Event()

    def first():
        try:
            with shared:
                both_are_inside.wait(20)
        finally:
            first_has_left.set()
        return now()

    def second():
        with shared:
            both_are_inside.wait(20)
            assert first_has_left.wait(20)
            inside = now()
        return inside, now()

    results = [in_thread(first), in_thread(second)]
    assert [result() for result in results] == [None, ("ann", None)]


def test_a_block_that_is_left_where_it_was_not_entered_says_so_and_is_nobody_s_from_then_on():
    elsewhere, block = contextvars.copy_context(), use_context("ann")
    elsewhere.run(block.__enter__)
    with pytest.raises(ConfigurationError, match="left in another task or thread") as caught:
        block.__exit__(None, None, None)
    assert "FastAPI" in caught.value.hint
    assert now() is None
    refused(elsewhere.run, now)


def test_a_block_that_is_left_in_a_copy_of_where_it_was_entered_ends_there_and_here():
    # which is how asgiref carries it between the threads of a sync middleware's hooks
    block = use_context("ann")
    block.__enter__()
    copy = contextvars.copy_context()
    copy.run(block.__exit__)
    assert copy.run(now) is None
    refused(now)
    with pytest.raises(ConfigurationError, match="left in another task or thread before it was left here"):
        block.__exit__()
    assert now() is None


def test_an_exception_that_is_on_its_way_is_not_replaced():
    block, error = use_context("ann"), ZeroDivisionError()
    contextvars.copy_context().run(block.__enter__)
    assert not block.__exit__(type(error), error, None)
    assert now() is None


def test_tasks_have_what_was_current_when_they_were_made_and_keep_theirs_apart():
    async def serve(user, ready):
        with use_context(user):
            ready.set_result(None)
            await asyncio.gather(*(each for each in others if each is not ready))
            return now(), await asyncio.create_task(seen()), await asyncio.to_thread(now)

    async def seen():
        return now()

    async def all_of_them():
        others.extend(asyncio.get_running_loop().create_future() for _ in range(3))
        users = ("ann", "bob", "eve")
        with use_context("nobody"):
            tasks = [asyncio.create_task(serve(user, ready)) for user, ready in zip(users, others, strict=True)]
            before = await asyncio.create_task(seen())
        return before, await asyncio.gather(*tasks), now()

    others: list[asyncio.Future[None]] = []
    before, served, after = asyncio.run(all_of_them())
    assert before == "nobody"
    assert served == [(user,) * 3 for user in ("ann", "bob", "eve")]
    assert after is None


def test_a_block_that_is_left_before_one_inside_of_it_leaves_nobody():
    around, outer, inner = use_context("eve"), use_context("ann"), use_context("bob")
    for block in (around, outer, inner):
        block.__enter__()
    with pytest.raises(ConfigurationError, match="out of order"):
        outer.__exit__()
    refused(now)
    inner.__exit__()
    assert now() == "eve"
    around.__exit__()
    assert now() is None


def test_a_block_within_what_is_out_of_order_says_what_it_says_and_leaves_nobody_again():
    outer, inner = use_context("ann"), use_context("bob")
    outer.__enter__()
    inner.__enter__()
    with pytest.raises(ConfigurationError):
        outer.__exit__()
    with use_context("eve"):
        assert now() == "eve"
    refused(now)
    inner.__exit__()
    assert now() is None


def test_two_tasks_that_leave_each_other_s_blocks_leave_nobody():
    async def swap(mine, other, together):
        mine.__enter__()
        await together.wait()
        with pytest.raises(ConfigurationError, match="left in another task"):
            other.__exit__()
        await together.wait()
        refused(now)

    async def both_of_them():
        ann, bob, together = use_context("ann"), use_context("bob"), asyncio.Barrier(2)
        await asyncio.gather(swap(ann, bob, together), swap(bob, ann, together))

    asyncio.run(both_of_them())
    assert now() is None


def test_a_block_that_is_left_too_often_says_so_and_takes_nobody_else_s():
    block = use_context("ann")
    with use_context("bob"):
        with block:
            pass
        with pytest.raises(ConfigurationError, match="more often"):
            block.__exit__()
        assert now() == "bob"


# What goes on when the block has ended


def test_a_task_that_outlives_its_block_is_nobody_s(make_copy):
    with use_context("eve"):
        with use_context("ann"):
            elsewhere = make_copy()
            assert elsewhere(now) == "ann"
        error = refused(elsewhere, now)
        assert "has ended" in str(error)
        assert "tasks_may_outlive=True" in error.hint
        assert (error.context, error.retryable) == ("ann", False)
        refused(elsewhere, current_context)
        assert now() == "eve"


def test_a_task_that_outlives_its_block_says_itself_whose_work_it_does(make_copy):
    def work():
        with use_context("bob"):
            return now()

    with use_context("ann"):
        elsewhere = make_copy()
    assert elsewhere(work) == "bob"
    refused(elsewhere, now)


def test_a_task_may_outlive_its_block_if_the_application_asks_for_it(make_copy):
    def work():
        with use_context("bob"):
            inside = now()
        return inside, now()

    with use_context("ann", tasks_may_outlive=True):
        elsewhere = make_copy()
    assert now() is None
    assert elsewhere(work) == ("bob", "ann")


def test_what_may_outlive_its_block_ends_with_one_around_it_that_may_not(make_copy):
    with use_context("ann"):
        with use_context("ann", tasks_may_outlive=True):
            inner = make_copy()
        outer = make_copy()
    assert inner(now) == "ann"
    refused(outer, now)


def test_a_chain_of_tasks_each_started_by_the_last_keeps_none_of_their_blocks():
    def step():
        with use_context("ann"):
            return contextvars.copy_context()

    last = contextvars.copy_context()
    for _ in range(20):
        last = last.run(step)
    gc.collect()
    assert len([each for each in gc.get_objects() if type(each).__name__ == "_Block"]) < 5


@pytest.fixture(params=["copy", "thread", "task"])
def make_copy(request):
    """Makes something that goes on with a copy of the context, and gives what calls functions there."""
    with ExitStack() as stack:
        yield {"copy": _copy, "thread": partial(_thread, stack), "task": partial(_task, stack)}[request.param]


def _copy():
    return contextvars.copy_context().run


def _thread(stack):
    pool, copy = stack.enter_context(ThreadPoolExecutor(1)), contextvars.copy_context()
    return lambda function: pool.submit(copy.run, function).result(20)


def _task(stack):
    """A worker in an event loop of its own, which is started here and does what it is given."""
    loop = asyncio.new_event_loop()
    stack.callback(loop.close)
    jobs: asyncio.Queue[object] = asyncio.Queue()

    async def work():
        while (job := await jobs.get()) is not None:
            function, result = job
            try:
                result.set_result(function())
            except Exception as error:
                result.set_exception(error)

    worker = loop.create_task(work())

    async def do(function):
        result = loop.create_future()
        jobs.put_nowait((function, result))
        return await result

    async def end():
        jobs.put_nowait(None)
        await worker

    stack.callback(lambda: loop.run_until_complete(end()))
    return lambda function: loop.run_until_complete(do(function))


def test_tasks_and_threads_of_trio_have_the_block_as_long_as_it_is_open():
    async def serve(user):
        with use_context(user):
            await trio.lowlevel.checkpoint()
            return now(), await trio.to_thread.run_sync(now)

    async def worker(started, go_on):
        before = now()
        started.set()
        await go_on.wait()
        assert before == "ann"
        refused(now)

    async def everybody():
        async with trio.open_nursery() as nursery:
            started, go_on = trio.Event(), trio.Event()
            with use_context("ann"):
                nursery.start_soon(worker, started, go_on)
                await started.wait()
            served = await serve("bob")
            go_on.set()
        return served

    assert trio.run(everybody) == ("bob", "bob")
