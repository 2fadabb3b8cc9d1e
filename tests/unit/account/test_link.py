"""The link that sends a user to connect again."""

from __future__ import annotations

from typing import Any

import pytest

from xkit_auth import ConfigurationError, NotConnected, PlatformUnavailable, ReauthorizationRequired, Xkit
from xkit_auth._account.link import ReconnectLink


def linked(given: Any, **names: Any) -> Any:
    error = NotConnected("no", **{"connector": "slack", "context": "u", **names})
    ReconnectLink(given).put_on(error)
    return error


def test_without_anything_given_there_is_no_link():
    assert linked(None).reconnect_url is None


@pytest.mark.parametrize(
    ("template", "url"),
    [
        ("https://app.example/", "https://app.example/"),
        ("https://app.example/{connector}", "https://app.example/a%2Fb%3F%26%20%C3%A9"),
        ("https://app.example/?c={context}&c={context}", "https://app.example/?c=%22%3C%2F%3E&c=%22%3C%2F%3E"),
        ("{context}{connector}", "%22%3C%2F%3Ea%2Fb%3F%26%20%C3%A9"),
    ],
)
def test_names_are_filled_in_with_every_character_encoded(template, url):
    assert linked(template, connector="a/b?& é", context='"</>').reconnect_url == url


def test_names_that_are_not_known_leave_their_place_empty():
    assert linked("https://app.example/{connector}/{context}", connector=None, context=None).reconnect_url == (
        "https://app.example//"
    )


@pytest.mark.parametrize("template", ["{user}", "{", "}", "{context", "{}", "{{context}}", "{context!r}"])
def test_a_template_that_cannot_be_filled_is_refused_when_it_is_given(template):
    with pytest.raises(ConfigurationError, match="reconnect_url") as caught:
        ReconnectLink(template)

    assert caught.value.__context__ is None


@pytest.mark.parametrize("given", [7, b"https://app.example", ["a"]])
def test_what_is_neither_text_nor_function_is_refused(given):
    with pytest.raises(ConfigurationError, match="a text or a function"):
        ReconnectLink(given)


def test_a_function_is_called_with_both_names():
    assert linked(lambda **names: repr(sorted(names.items()))).reconnect_url == (
        "[('connector', 'slack'), ('context', 'u')]"
    )


def test_a_function_that_raises_does_not_hide_the_error_and_is_named_in_its_hint():
    error = linked(lambda context, connector: {}["secret text"])

    assert error.reconnect_url is None
    assert "reconnect_url raised KeyError" in error.hint
    assert "secret text" not in str(error)


def test_a_link_that_is_there_already_stays():
    error = ReauthorizationRequired("no")
    error.reconnect_url = "https://first.example"
    ReconnectLink("https://second.example").put_on(error)

    assert error.reconnect_url == "https://first.example"


def test_an_error_that_connecting_again_does_not_mend_has_no_link():
    error = PlatformUnavailable("down")
    ReconnectLink("https://app.example").put_on(error)

    assert not hasattr(error, "reconnect_url")


def test_an_xkit_takes_it_from_the_environment_unless_it_is_given(monkeypatch):
    def link_of(**arguments):
        error = NotConnected("no", connector="slack", context="u")
        with Xkit(publishable_key="pk", secret_key="sk", **arguments) as xkit:
            xkit.explain(error)
        return error.reconnect_url

    assert link_of() is None
    monkeypatch.setenv("XKIT_RECONNECT_URL", "https://env.example/{connector}")
    assert link_of() == "https://env.example/slack"
    assert link_of(reconnect_url="https://app.example/{context}") == "https://app.example/u"
    assert link_of(reconnect_url="") is None
    monkeypatch.setenv("XKIT_RECONNECT_URL", "https://env.example/{user}")
    with pytest.raises(ConfigurationError, match=r"^XKIT_RECONNECT_URL: .*\{user\}"):
        link_of()
