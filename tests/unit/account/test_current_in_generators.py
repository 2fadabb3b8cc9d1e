"""``use_context`` in generators, and blocks that are never left."""

from __future__ import annotations

import asyncio
import contextvars
import copy
import gc
import pickle
import types
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager

import pytest

from helpers.account_current import (
    nothing_is_left_set,  # noqa: F401
    now,
    refused,
)
from xkit_auth import ConfigurationError, current_context, use_context

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
