"""A kind of ``str`` that an application gives means the text that it holds, wherever it may be given."""

from __future__ import annotations

from base64 import b64decode
from enum import Enum

import pytest

pytest.importorskip("httpx")

import httpx

from xkit_auth import Connector, Credential, NotConnected, Placement, Xkit, use_context
from xkit_auth._connectors.connector import filled_hosts
from xkit_auth._connectors.placement import Default
from xkit_auth._sources.account import LONGEST_NAME, Account, checked_name
from xkit_auth._values.errors import ConfigurationError
from xkit_auth._values.text import shown
from xkit_auth.httpx import XkitAuth
from xkit_auth.sdk import with_credential
from xkit_auth.testing import Sandbox


class Liar(str):
    """It prints, formats, compares and hashes as another text, and is of another length."""

    __slots__ = ()

    def __str__(self):
        return "another"

    __repr__ = __str__

    def __format__(self, _spec):
        return "another"

    def __eq__(self, other):
        return other == "another"

    def __hash__(self):
        return hash("another")

    def __len__(self):
        return 7

    def __contains__(self, _part):
        return False

    def strip(self, *_characters):
        return "another"

    def isspace(self):
        return False


class Constants(str, Enum):  # noqa: UP042 - a StrEnum prints what it holds
    """As applications have them: they print their own names."""

    PUBLIC = "pk_1"
    SECRET = "sk_1"
    URL = "https://xkit.example/api"
    LINK = "https://app.example/{connector}?for={context}"
    TOKEN = "a token of somebody's"
    PART = "user"
    SLUG = "acme"
    HOST = "{param.site}.acme.example"
    SITE = "site"
    KIND = "api_key"
    HEADER = "X-Api-Key"
    TEMPLATE = "{token}"
    USER = "user-1"

    def __str__(self):
        return self.name

    def __format__(self, _spec):
        return self.name


@pytest.mark.parametrize("text", ["", " ", ".", "..", "a\nb", "a\0", "\ud800", "a" * (LONGEST_NAME + 1)])
def test_a_name_is_refused_for_the_text_that_it_holds(text):
    with pytest.raises(ConfigurationError, match="The context "):
        checked_name("context", Liar(text))


def test_a_name_is_taken_for_the_text_that_it_holds():
    name = checked_name("context", Liar("user-1"))
    assert (type(name), name) == (str, "user-1")
    with use_context(Liar("user-1")) as context:
        assert (type(context), context) == (str, "user-1")


def test_keys_and_the_base_url_of_an_account_are_sent_as_they_are():
    account = Account(Constants.PUBLIC, Constants.SECRET, Constants.URL)
    assert b64decode(account.headers()["authorization"].removeprefix("Basic ")) == b"pk_1:sk_1"
    assert account.connection_url("acme", "user-1").startswith("https://xkit.example/api/contexts/")
    assert account.is_same_as(Account("pk_1", "sk_1", "https://xkit.example/api"))


def test_a_proxy_is_the_one_that_its_url_names():
    with Xkit(publishable_key="pk", secret_key="sk", proxy=Liar("http://proxy.example:3128")) as xkit:
        route = xkit.broker._network.route_to("https://xkit.example")
    assert route.proxy.url == "http://proxy.example:3128"


@pytest.mark.parametrize("link", [Constants.LINK, lambda **_names: Liar("https://app.example/acme?for=user-1")])
def test_a_reconnect_link_is_the_text_that_was_given(link):
    error = NotConnected("Nobody", connector="acme", context="user-1")
    with Xkit(publishable_key="pk", secret_key="sk", reconnect_url=link) as xkit:
        xkit.explain(error)
    assert str(error.reconnect_url) == "https://app.example/acme?for=user-1"


def test_a_credential_is_the_text_that_it_was_made_of():
    whole, parts = Credential(Constants.TOKEN), Credential({Constants.PART: Constants.TOKEN})
    assert f"{whole.reveal()} {parts.reveal(Liar('user'))}" == f"{Constants.TOKEN.value} {Constants.TOKEN.value}"
    assert f"{parts.fields[0]}" == "user"
    assert whole == Credential(Constants.TOKEN.value)


def test_a_connector_is_made_of_the_texts_that_it_is_given():
    placement = Placement(header={Constants.HEADER: Constants.TEMPLATE})
    connector = Connector(
        Constants.SLUG,
        hosts=[Constants.HOST],
        aliases=[Liar("acme-oauth")],
        params={Constants.SITE: [Constants.USER]},
        kinds={Constants.KIND: placement},
        extra={Liar("X-Version"): Default("2")},
    )
    plain = Connector(
        "acme",
        hosts=["{param.site}.acme.example"],
        aliases=["acme-oauth"],
        params={"site": ("user-1",)},
        kinds={"api_key": Placement(header={"X-Api-Key": "{token}"})},
        extra={"X-Version": Default("2")},
    )
    assert connector == plain
    assert repr(connector) == "Connector('acme')"
    assert filled_hosts(connector, "api_key", {"site": "user-1"}).entries == ("user-1.acme.example",)
    assert isinstance(connector.extra["X-Version"], Default)


def test_what_an_error_shows_is_the_text_that_was_given():
    assert shown(Liar("given")) == "given"


def test_an_argument_that_gets_the_credential_is_found_by_the_text_that_names_it():
    with Sandbox() as sandbox:
        token = sandbox.connect("acme", "user-1")

        @with_credential("acme", context="user-1", argument=Liar("token"), xkit=sandbox.xkit())
        def function(token):
            return token

        @with_credential("acme", context="user-1", argument={Liar("user"): Liar("user")}, xkit=sandbox.xkit())
        def part(user):
            return user

        assert function() == token
        sandbox.connect("acme", "user-1", credential={"user": "someone"})
        assert part() == "someone"


def test_a_sandbox_knows_connections_by_the_texts_that_name_them():
    with Sandbox() as sandbox:
        slug, user, mine = Liar("acme"), Liar("user-1"), Liar("mine")
        sandbox.add_connector(Connector(slug, hosts=["api.acme.example"]))
        token = sandbox.connect(slug, user, credential=Liar("sandbox-token"))
        assert f"{token}" == sandbox.credential("acme", "user-1") == sandbox.credential(slug, user) == "sandbox-token"
        xkit = sandbox.xkit(connectors={mine: slug})
        sandbox.connect("mine", "user-2")
        auth = XkitAuth(mine, context="user-2", xkit=xkit)
        assert httpx.get(sandbox.provider_url(slug), auth=auth, timeout=30).status_code == 200
        assert xkit.get_credential("acme", context="user-1").reveal() == token
        assert len(sandbox.arrivals(slug)) == sandbox.call_count(slug, user) == 1
        token = sandbox.rotate(slug, user)
        xkit.forget(slug, context=user)
        assert xkit.get_credential("acme", context="user-1").reveal() == token
        sandbox.answer_with('{"error": "gone"}', status=404, connector=slug, context=user)
        with pytest.raises(NotConnected):
            xkit.get_connection("acme", context="user-1")
        sandbox.up()
        for change in (sandbox.expire, sandbox.pending, sandbox.disable):
            sandbox.connect(slug, user)
            before = xkit.get_connection("acme", context="user-1")
            change(slug, user)
            assert xkit.get_connection("acme", context="user-1") != before
        sandbox.connect(slug, user)
        sandbox.revoke(slug, user)
        assert xkit.get_connection("acme", context="user-1").error_code == "access_denied"
        sandbox.forget_connection(slug, user)
        with pytest.raises(NotConnected):
            xkit.get_connection("acme", context="user-1")
