"""When to try again: every retryable error says it in seconds. The clocks stand still."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from xkit_auth import (
    AuthorizationPending,
    PlatformAuthenticationError,
    PlatformRateLimited,
    PlatformUnavailable,
    Xkit,
    XkitAuthError,
)
from xkit_auth._credentials.pauses import Pauses
from xkit_auth._sources.platform import NoAnswer


class Time:
    """In the place of the module."""

    def __init__(self, clock: Any) -> None:
        self.monotonic = clock.monotonic


@pytest.fixture
def xkit(make_xkit: Any, clock: Any, monkeypatch: Any) -> Xkit:
    for module in ("_credentials.broker", "_credentials.calls"):
        monkeypatch.setattr(f"xkit_auth.{module}.time", Time(clock))
    xkit = make_xkit()
    xkit.broker.cache.monotonic, xkit.broker.cache.wall = clock.monotonic, clock.wall
    xkit.broker._here().calls.pauses = Pauses(jitter=lambda: 0.0)
    return xkit


def failure(xkit: Xkit, context: str = "u") -> Any:
    with pytest.raises(XkitAuthError) as caught:
        xkit.get_credential("slack", context=context)
    assert (caught.value.retry_after is not None) is caught.value.retryable
    return caught.value


def test_an_outage_says_how_long_the_key_is_left_alone_and_then_xkit_is_asked(xkit, transport, clock):
    transport.reply = lambda _call: NoAnswer("down")
    for calls, seconds in ((1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (5, 5.0)):
        error = failure(xkit)
        assert isinstance(error, PlatformUnavailable)
        assert error.retry_after == seconds
        clock.advance(seconds - 0.25)
        assert failure(xkit).retry_after == 0.5  # as little as any pause
        assert len(transport.calls) == calls
        clock.advance(0.25)


def test_a_failure_with_retry_after_says_what_is_left_of_that_and_then_xkit_is_asked(xkit, transport, answers, clock):
    transport.reply = lambda _call: answers.json({}, status=503, headers={"Retry-After": "30"})
    error = failure(xkit)
    assert isinstance(error, PlatformUnavailable)
    assert error.retry_after == 30
    clock.advance(10)
    assert failure(xkit).retry_after == 20
    clock.advance(19)
    assert failure(xkit).retry_after == 1
    assert len(transport.calls) == 1
    clock.advance(1)
    assert failure(xkit).retry_after == 30
    assert len(transport.calls) == 2


def test_an_outage_of_the_account_says_how_long_that_pauses(xkit, transport, clock):
    transport.reply = lambda _call: NoAnswer("down")
    for user in "abcd":
        failure(xkit, user)
    clock.advance(0.5)
    assert failure(xkit, "e").retry_after == 1.0
    assert failure(xkit, "f").retry_after == 1.0


def test_a_user_who_is_still_connecting_is_asked_about_again_after_five_seconds(xkit, transport, answers, clock):
    connection = {"enabled": True, "authorization": {"status": "awaiting_callback"}}
    transport.reply = lambda _call: answers.json({"connection": connection})
    assert isinstance(failure(xkit), AuthorizationPending)
    assert failure(xkit).retry_after == 5.0
    clock.advance(3)
    assert failure(xkit).retry_after == 2.0
    assert len(transport.calls) == 1
    clock.advance(2)
    assert failure(xkit).retry_after == 5.0
    assert len(transport.calls) == 2


def test_a_limit_says_what_is_left_of_it(xkit, transport, answers, clock):
    transport.replies(answers.json({}, status=429, headers={"Retry-After": "30"}))
    assert failure(xkit).retry_after == 30
    clock.advance(10)
    assert isinstance(failure(xkit), PlatformRateLimited)
    assert failure(xkit).retry_after == 20


def test_what_does_not_pass_by_itself_says_none(xkit, transport, answers):
    transport.reply = lambda _call: answers.json({}, status=401)
    error = failure(xkit)
    assert isinstance(error, PlatformAuthenticationError)
    assert error.retry_after is None


def test_it_is_there_after_pickling(xkit, transport):
    transport.reply = lambda _call: NoAnswer("down")
    failure(xkit)
    assert pickle.loads(pickle.dumps(failure(xkit))).retry_after == 0.5


def every_error(base: type[XkitAuthError]) -> list[type[XkitAuthError]]:
    return [base, *(each for kind in base.__subclasses__() for each in every_error(kind))]


@pytest.mark.parametrize("error", every_error(XkitAuthError))
def test_every_retryable_error_has_one_whoever_makes_it(error):
    assert (error("so it is").retry_after is not None) is error.retryable
