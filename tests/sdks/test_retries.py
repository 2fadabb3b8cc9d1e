"""The recipe for trying again, with stamina."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from xkit_auth import NotConnected, PlatformAuthenticationError, PlatformUnavailable
from xkit_auth.httpx import XkitAuth

stamina = pytest.importorskip("stamina")
PAGE = Path(__file__).parent.parent.parent / "docs" / "how-to" / "wait-and-try-again.md"


@pytest.fixture
def recipe(sandbox) -> Any:
    (body,) = re.findall(r":caption: retries\.py\n\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    page: dict[str, Any] = {}
    exec(body.replace("https://slack.com", sandbox.slack_url), page)
    return page


@pytest.fixture
def retries(xkit) -> Any:
    """The errors that were tried again after. No time goes by: when one is, whatever was paused may be asked again."""
    errors = []

    def note(details: Any) -> None:
        errors.append(details.caused_by)
        xkit.broker._here().calls.pauses.of_key.clear()

    stamina.instrumentation.set_on_retry_hooks([note])
    with stamina.set_testing(True, attempts=4):
        yield errors
    stamina.instrumentation.set_on_retry_hooks(None)


def test_what_may_pass_is_tried_again(sandbox, xkit, recipe, retries):
    sandbox.connect("slack", "user-42")
    sandbox.down("503", times=2)
    client = httpx.Client(auth=XkitAuth("slack", context="user-42", xkit=xkit), trust_env=False)
    with client, pytest.raises(KeyError, match="members"):  # the sandbox's Slack has none
        recipe["list_users"](client)
    assert [type(error) for error in retries] == [PlatformUnavailable] * 2
    assert [recipe["seconds_to_wait"](error) for error in retries] == [error.retry_after for error in retries]


@pytest.mark.parametrize("error", [NotConnected, PlatformAuthenticationError])
def test_what_needs_somebody_is_not(sandbox, xkit, recipe, retries, error):
    if error is PlatformAuthenticationError:
        sandbox.answer_with('{"error": "unauthorized"}', status=401)
    client = httpx.Client(auth=XkitAuth("slack", context="nobody", xkit=xkit), trust_env=False)
    with client, pytest.raises(error):
        recipe["list_users"](client)
    assert retries == []
