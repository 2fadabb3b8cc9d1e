"""What the tests of binding and exceptions and decorated share."""

from __future__ import annotations

from base64 import b64encode
from functools import cached_property
from urllib.parse import quote

import pytest

from xkit_auth import hookimpl
from xkit_auth.sdk import bind

MINE, THEIRS = object(), object()


# Binding: what was done, and the way back


class Plain:
    shared = "of the class"

    def method(self):
        return "of the class"

    @cached_property
    def cached(self):
        return "computed"


# bind: the plugin's answer


class Binds:
    """A plugin whose hook is the function it is given."""

    def __init__(self, hook):
        self.hook = hook

    @hookimpl
    def xkit_auth_bind(self, target, auth):
        return self.hook(target, auth)


def bound(make_xkit, hook, target, connector="acme"):
    return bind(target, connector, context="user-1", xkit=make_xkit(plugins=[Binds(hook)]))


TOKEN = "a-tOken_of-5ome/length"


DISGUISES = {
    "plain": str,
    "base64": lambda text: b64encode(text.encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "reversed": lambda text: text[::-1],
    "spaced": " ".join,
    "percent-encoded": lambda text: quote(text, safe=""),
}


@pytest.fixture
def xkit_with_token(make_xkit, transport, answers):
    """An account that holds a credential."""
    transport.reply = lambda _call: answers.active(TOKEN)

    def make(*plugins):
        xkit = make_xkit(plugins=list(plugins))
        xkit.get_credential("acme", context="user-1")
        return xkit

    return make
