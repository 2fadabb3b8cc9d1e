"""Whose turn it is: ``use_context`` and ``current_context``."""

from __future__ import annotations

import asyncio
import contextvars
import copy
import gc
import pickle
import threading
import types
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from functools import partial

import pytest
import trio
import trio.lowlevel

from xkit_auth import ConfigurationError, current_context, use_context


def now():
    return current_context.get(None)


@pytest.fixture(autouse=True)
def nothing_is_left_set():
    yield
    assert now() is None


def refused(function, *args):
    with pytest.raises(ConfigurationError, match="nobody knows whose turn it is") as caught:
        function(*args)
    return caught.value


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


# Generators


class Manager:
    """A context manager of the application's own."""

    def __init__(self, user):
        self.block = use_context(user)

    def __enter__(self):
        return self.block.__enter__()

    def __exit__(self, *reason):
        self.block.__exit__(*reason)


class AsyncManager(Manager):
    async def __aenter__(self):
        await asyncio.sleep(0)
        return self.block.__enter__()

    async def __aexit__(self, *reason):
        self.block.__exit__(*reason)


@contextmanager
def turn(user):
    with use_context(user):
        yield user


@contextmanager
def turn_by_turn(user):
    with ExitStack() as stack:
        yield stack.enter_context(turn(user))


@asynccontextmanager
async def async_turn(user):
    await asyncio.sleep(0)
    with turn_by_turn(user):
        yield user


def with_the_block(user):
    with use_context(user):
        yield now()


def with_an_exit_stack(user):
    with ExitStack() as stack:
        stack.enter_context(use_context(user))
        yield now()


def with_a_manager(user):
    with turn_by_turn(user):
        yield now()


def with_a_class(user):
    with Manager(user):
        yield now()


def by_hand(user):
    block = use_context(user)
    block.__enter__()
    yield now()
    block.__exit__()


def from_another(user):
    yield from with_the_block(user)


def in_an_expression(user):
    return (now() for _ in range(1) if use_context(user).__enter__())


async def async_with_the_block(user):
    with use_context(user):
        yield now()


async def async_with_an_exit_stack(user):
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(async_turn(user))
        yield now()


async def async_with_a_class(user):
    async with AsyncManager(user):
        yield now()


SYNC = [with_the_block, with_an_exit_stack, with_a_manager, with_a_class, by_hand, from_another, in_an_expression]
ASYNC = [async_with_the_block, async_with_an_exit_stack, async_with_a_class]


@pytest.mark.parametrize("generator", SYNC, ids=lambda function: function.__name__)
def test_a_generator_that_would_hold_a_block_is_refused_and_nothing_is_set(generator):
    with pytest.raises(ConfigurationError, match="must not hold a use_context block") as caught:
        next(generator("ann"))
    assert "context=" in caught.value.hint
    assert now() is None


@pytest.mark.parametrize("generator", ASYNC, ids=lambda function: function.__name__)
def test_an_async_generator_that_would_hold_a_block_is_refused_and_nothing_is_set(generator):
    async def ask():
        with pytest.raises(ConfigurationError, match="must not hold a use_context block"):
            await anext(generator("ann"))
        return now()

    assert asyncio.run(ask()) is None


def test_the_error_names_the_generator():
    with pytest.raises(ConfigurationError, match="The generator with_the_block must not"):
        list(from_another("ann"))


@pytest.mark.parametrize("manager", [turn, turn_by_turn, Manager], ids=lambda each: each.__name__)
def test_a_context_manager_that_is_made_of_a_generator_holds_it_for_a_function(manager):
    with manager("ann") as given:
        assert given == now() == "ann"
    assert now() is None
    with ExitStack() as stack:
        stack.enter_context(manager("ann"))
        assert now() == "ann"
    assert now() is None


@pytest.mark.parametrize("manager", [async_turn, AsyncManager], ids=lambda each: each.__name__)
def test_a_context_manager_that_is_made_of_an_async_generator_holds_it_for_a_coroutine(manager):
    async def serve(user):
        async with manager(user) as given:
            await asyncio.sleep(0)
            assert given == now() == user
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(manager(user))
            await asyncio.sleep(0)
            assert now() == user
        return now()

    async def everybody():
        return await asyncio.gather(*map(serve, ("ann", "bob", "eve")))

    assert asyncio.run(everybody()) == [None] * 3


def test_a_decorated_function_has_the_block_whoever_calls_it():
    @turn("ann")
    def step():
        return now()

    def steps():
        yield step()
        yield now()

    assert list(steps()) == ["ann", None]


def test_each_step_of_a_generator_may_enter_and_leave_a_block_within_a_function():
    def step(user):
        with use_context(user):
            return now()

    def steps(user):
        for _ in range(3):
            yield step(user)

    with use_context("eve"):
        taken = [user for pair in zip(steps("ann"), steps("bob"), strict=True) for user in (*pair, now())]
    assert taken == ["ann", "bob", "eve"] * 3


def test_the_end_of_a_context_manager_may_be_another_user_s():
    @contextmanager
    def cleaned_up():
        yield
        with use_context("ann"):
            ends.append(now())

    ends: list[str] = []
    with cleaned_up():
        pass
    assert (ends, now()) == (["ann"], None)


def test_a_coroutine_that_an_async_generator_awaits_may_hold_a_block():
    async def serve(user):
        with use_context(user):
            return now(), await asyncio.create_task(seen()), await asyncio.to_thread(now)

    async def seen():
        return now()

    async def answers():
        for user in ("ann", "bob"):
            yield await serve(user)

    async def everybody():
        return [answer async for answer in answers()]

    assert asyncio.run(everybody()) == [("ann",) * 3, ("bob",) * 3]


def test_a_coroutine_made_of_a_generator_may_hold_a_block():
    @types.coroutine
    def serve(user):
        with use_context(user):
            yield from asyncio.sleep(0).__await__()
            return now()

    async def everybody():
        return await asyncio.gather(*(asyncio.create_task(_awaited(serve(user))) for user in ("ann", "bob")))

    async def _awaited(served):
        return await served

    assert asyncio.run(everybody()) == ["ann", "bob"]


@pytest.fixture
def ann_s_turn():
    with use_context("ann"):
        yield


@pytest.mark.usefixtures("ann_s_turn")
def test_a_fixture_of_pytest_may_hold_a_block():
    assert now() == "ann"


# What a function enters for a generator that calls it cannot be refused there: a task of Celery's is begun like this.


def begin(user):
    block = use_context(user)
    block.__enter__()
    return block


def through_a_function(user):
    block = begin(user)
    yield now()
    yield now()
    block.__exit__()


def test_what_a_function_has_entered_for_a_generator_is_nobody_s_between_its_steps():
    steps = through_a_function("ann")
    assert next(steps) == "ann"
    assert "a generator that waits" in str(refused(now))
    assert next(steps) == "ann"
    assert list(steps) == []
    assert now() is None


def test_two_generators_in_turns_never_have_each_other_s_user():
    def in_turns():
        ann, bob = through_a_function("ann"), through_a_function("bob")
        assert (next(ann), next(bob)) == ("ann", "bob")
        refused(next, ann)
        refused(now)

    contextvars.copy_context().run(in_turns)


def test_a_generator_that_is_never_finished_leaves_nobody_in_its_thread():
    with ThreadPoolExecutor(1) as pool:
        steps = through_a_function("ann")
        assert pool.submit(next, steps).result(20) == "ann"
        refused(pool.submit(now).result, 20)
        del steps
        gc.collect()
        refused(pool.submit(now).result, 20)


def entered_by_hand():
    use_context("ann").__enter__()


def on_a_stack():
    ExitStack().enter_context(use_context("ann"))


def on_a_stack_that_another_takes_over():
    with ExitStack() as stack:
        stack.enter_context(use_context("ann"))
        stack.pop_all()


@pytest.mark.parametrize("enter", [entered_by_hand, on_a_stack, on_a_stack_that_another_takes_over])
def test_a_block_that_was_entered_and_never_left_is_not_for_the_next_job_of_its_thread(enter):
    with ThreadPoolExecutor(1) as pool:
        pool.submit(enter).result()
        gc.collect()
        error = pool.submit(refused, now).result()
        assert "was entered and never left" in str(error)

        def in_a_block_of_its_own():
            with use_context("bob"):
                return now()

        assert pool.submit(in_a_block_of_its_own).result() == "bob"
        pool.submit(refused, now).result()


def test_what_a_coroutine_has_entered_for_an_async_generator_is_nobody_s_between_its_steps():
    async def enter_on(stack):
        stack.enter_context(use_context("ann"))

    async def steps():
        async with AsyncExitStack() as stack:
            await enter_on(stack)
            await asyncio.sleep(0)
            yield now()

    async def consume():
        async for step in steps():
            assert step == "ann"
            refused(now)
        assert now() is None

    asyncio.run(consume())


def test_a_coroutine_that_an_async_generator_awaits_may_hold_a_block_on_a_stack_of_its_own():
    async def work():
        async with AsyncExitStack() as stack:
            stack.enter_context(use_context("ann"))
            await asyncio.sleep(0)
            return now()

    async def steps():
        yield await work()
        yield await work()

    async def consume():
        async for step in steps():
            assert (step, now()) == ("ann", None)

    asyncio.run(consume())


def test_functions_that_begin_and_end_a_context_manager_may_enter_and_leave_a_block():
    @contextmanager
    def turn(user):
        block = begin(user)
        yield
        block.__exit__()

    def steps():
        yield now()

    with turn("ann"):
        assert now() == "ann"
        assert list(steps()) == ["ann"]
    assert now() is None


# The object


def test_it_is_one_object_that_names_itself_and_is_found_again_by_copies_and_pickles():
    assert (current_context.name, repr(current_context)) == ("xkit_auth.current_context", "<xkit_auth.current_context>")
    assert copy.deepcopy(current_context) is copy.copy(current_context) is current_context
    assert pickle.loads(pickle.dumps(current_context)) is current_context


def test_it_can_be_called_and_says_what_to_do_if_nobody_has_said_whose_turn_it_is():
    with use_context("ann"):
        assert current_context() == "ann"
    with pytest.raises(ConfigurationError, match=r"context \(from xkit_auth.current_context\) is None") as caught:
        current_context()
    assert "use_context" in caught.value.hint
