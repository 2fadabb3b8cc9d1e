"""Whose turn it is: ``use_context`` and ``current_context``."""

from __future__ import annotations

import asyncio
import contextvars
import threading

import pytest

from xkit_auth import ConfigurationError, current_context, use_context


def now():
    return current_context.get(None)


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
    with use_context("ann"):
        copy = contextvars.copy_context()

    def within():
        with use_context("bob"):
            return now()

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


def test_a_block_that_is_left_where_it_was_not_entered_says_so():
    elsewhere, block = contextvars.copy_context(), use_context("ann")
    elsewhere.run(block.__enter__)
    with pytest.raises(ConfigurationError, match="left in another task or thread") as caught:
        block.__exit__(None, None, None)
    assert "FastAPI" in caught.value.hint
    assert (now(), elsewhere.run(now)) == (None, "ann")


def test_a_block_that_is_left_in_a_copy_of_where_it_was_entered_says_so_and_still_ends_where_it_began():
    block = use_context("ann")
    with block:
        copy = contextvars.copy_context()
        with pytest.raises(ConfigurationError, match="left in another task or thread"):
            copy.run(block.__exit__, None, None, None)
        assert (now(), copy.run(now)) == ("ann", "ann")
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


def test_blocks_are_left_in_the_order_that_they_were_entered_in():
    outer, inner = use_context("ann"), use_context("bob")
    outer.__enter__()
    inner.__enter__()
    with pytest.raises(ConfigurationError, match="out of order"):
        outer.__exit__()
    assert now() == "bob"
    inner.__exit__()
    outer.__exit__()
    assert now() is None
