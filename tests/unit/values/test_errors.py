"""The tree of errors, and what stands on each of them."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import xkit_auth
from xkit_auth import (
    AuthorizationPending,
    ConfigurationError,
    ConflictWarning,
    ConnectionUnavailable,
    HostNotAllowed,
    NotConnected,
    PlatformAuthenticationError,
    PlatformError,
    PlatformProtocolError,
    PlatformRateLimited,
    PlatformUnavailable,
    PluginWarning,
    ReauthorizationRequired,
    XkitAuthError,
)
from xkit_auth._values.errors import own_copy, say

TREE: dict[type[XkitAuthError], type[Exception]] = {
    XkitAuthError: Exception,
    ConfigurationError: XkitAuthError,
    HostNotAllowed: XkitAuthError,
    ConnectionUnavailable: XkitAuthError,
    NotConnected: ConnectionUnavailable,
    AuthorizationPending: ConnectionUnavailable,
    ReauthorizationRequired: ConnectionUnavailable,
    PlatformError: XkitAuthError,
    PlatformAuthenticationError: PlatformError,
    PlatformRateLimited: PlatformError,
    PlatformUnavailable: PlatformError,
    PlatformProtocolError: PlatformError,
}
RETRYABLE = {AuthorizationPending, PlatformRateLimited, PlatformUnavailable}


@pytest.mark.parametrize(("kind", "base"), TREE.items())
def test_the_tree_is_as_it_is_documented(kind, base):
    assert kind.__bases__ == (base,)
    assert getattr(xkit_auth, kind.__name__) is kind


def test_no_error_is_missing_from_the_tree():
    exported = {getattr(xkit_auth, name) for name in xkit_auth.__all__}

    assert {each for each in exported if isinstance(each, type) and issubclass(each, XkitAuthError)} == set(TREE)


@pytest.mark.parametrize("kind", TREE)
def test_an_error_says_whether_retrying_may_help(kind):
    error = kind("It happened")

    assert error.retryable is (kind in RETRYABLE)
    assert ("Retrying may help." in str(error)) is error.retryable
    assert ("Retrying does not help." in str(error)) is not error.retryable


@pytest.mark.parametrize("kind", TREE)
def test_an_error_has_every_attribute_from_the_start(kind):
    error = kind("It happened")

    assert error.connector is error.context is error.response is None
    assert error.hint == ""
    if issubclass(kind, ConnectionUnavailable):
        assert error.reconnect_url is None
    if kind is ReauthorizationRequired:
        assert error.status is error.error_code is error.error_message is None
    if kind is PlatformRateLimited:
        assert error.retry_after == 5.0


def test_the_text_says_what_where_and_what_to_do():
    error = PlatformUnavailable("It happened", connector="slack", context="u", hint="Do this.")

    assert str(error) == "It happened (connector 'slack', context 'u'). Retrying may help. Do this."
    assert str(ConfigurationError("It happened")) == "It happened. Retrying does not help."
    assert str(ConfigurationError("It happened", context="a\nb")).startswith("It happened (context 'a\\nb').")


def test_a_reconnect_link_is_in_the_text():
    error = NotConnected("It happened", hint="Do this.")
    error.reconnect_url = "https://app.example/slack"

    assert str(error).endswith("Do this. Reconnect link: https://app.example/slack")


def filled(kind: type[XkitAuthError]) -> Any:
    error: Any = kind("It happened", connector="slack", context="u", hint="Do this.")
    error.response = object()
    error.extra = "kept"
    say(error, "what Xkit said")
    error.retry_after = 7.0
    error.reconnect_url = "https://app.example"
    error.status = "error"
    return error


@pytest.mark.parametrize("kind", TREE)
@pytest.mark.parametrize("copied", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy])
def test_an_error_pickles_with_all_but_its_response(kind, copied):
    error = filled(kind)

    again = copied(error)

    assert type(again) is kind
    assert again.args == error.args
    assert str(again) == str(error)
    assert vars(again) == {**vars(error), "response": None}
    assert error.response is not None


@pytest.mark.parametrize("kind", TREE)
def test_a_waiters_own_copy_shares_the_cause_and_nothing_of_the_traceback(kind):
    try:
        raise filled(kind) from OSError("cause")
    except XkitAuthError as caught:
        error = caught

    mine = own_copy(error, "slack", "u")

    assert mine is not error
    assert type(mine) is kind
    assert vars(mine) == vars(error)
    assert mine.args == error.args
    assert mine.__cause__ is error.__cause__
    assert mine.__traceback__ is None
    assert mine.__context__ is None


@pytest.mark.parametrize("kind", TREE)
@pytest.mark.parametrize("other", [("slack", "v"), ("github", "u")])
def test_somebody_elses_failure_is_told_without_what_was_said_about_them(kind, other):
    error = filled(kind)
    error.__cause__ = OSError("cause")

    theirs = own_copy(error, *other)

    assert type(theirs) is kind
    assert (theirs.connector, theirs.context) == other
    assert (theirs.args, theirs.hint) == (error.args, error.hint)
    assert theirs.__cause__ is theirs.__context__ is None
    assert "what Xkit said" in str(error)
    assert "what Xkit said" not in str(theirs) + repr(vars(theirs))


def test_warnings_are_warnings_for_users():
    assert issubclass(PluginWarning, UserWarning)
    assert issubclass(ConflictWarning, UserWarning)
