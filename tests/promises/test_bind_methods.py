"""``bind`` on the methods and inner clients of an SDK's object."""

from __future__ import annotations

import inspect
from functools import partial
from types import SimpleNamespace

import pytest

from helpers.bind import (
    acme,  # noqa: F401
    client_of,
    tokens_at,
)
from xkit_auth import (
    ConfigurationError,
    Connector,
    Default,
    Failure,
    HostNotAllowed,
    NotConnected,
    Placement,
    ReauthorizationRequired,
    RequestView,
    Verdict,
    hookimpl,
)
from xkit_auth.sdk import bind

# Objects of SDKs, by a plugin


class Sdk:
    """An SDK's object with no slot. It sends with whatever client it likes."""

    def __init__(self, driver, url):
        self.driver = driver
        self.url = url

    def call(self, path="", headers=None):
        reply = self.driver.send("GET", self.url + path, auth=None, headers=headers)
        return SimpleNamespace(status=reply.status, headers=reply.raw.headers, body=reply.raw.content)

    def request(self, path="", headers=None):
        return self.call(path, headers)


class AsyncSdk(Sdk):
    async def request(self, path="", headers=None):
        async with self.driver.lib.AsyncClient(timeout=30, trust_env=False, verify=False) as client:
            response = await client.get(self.url + path, headers=headers)
        return SimpleNamespace(status=response.status_code, headers=response.headers, body=response.content)


class KnowsSdk:
    """A plugin that binds it, and says what it was asked for."""

    replayable = True

    def __init__(self, **more):
        self.more = more
        self.attempts = []

    @hookimpl
    def xkit_auth_bind(self, target, auth):
        if not isinstance(target, Sdk):
            return None
        auth.wrap(target, "request", partial(self.arequest if isinstance(target, AsyncSdk) else self.request, auth))
        return True

    def view(self, sdk, path):
        return RequestView(method="GET", url=sdk.url + path, headers=self.more.pop("headers", {}), body=b"")

    def read(self, result):
        return result.status, result.headers, result.body

    def sent(self, headers):
        return headers

    def request(self, auth, wrapped, sdk, args, kwargs):
        path = args[0] if args else ""

        def attempt(headers):
            self.attempts.append(dict(headers))
            return wrapped(path, self.sent(headers))

        return auth.send(self.view(sdk, path), attempt, self.read, **self.more)

    async def arequest(self, auth, wrapped, sdk, args, kwargs):
        path = args[0] if args else ""

        async def attempt(headers):
            self.attempts.append(dict(headers))
            return await wrapped(path, self.sent(headers))

        return await auth.asend(self.view(sdk, path), attempt, self.read, **self.more)


@pytest.fixture
def sdk(driver, sandbox, acme):
    """An object of that SDK on this driver's library and loop."""
    return AsyncSdk(driver, acme) if driver.loop else Sdk(driver, acme)


def called(sdk, *path):
    """What its method gives, whether it is awaited or not."""
    if sdk.driver.loop is None:
        return sdk.request(*path)
    import anyio

    return anyio.run(sdk.request, *path, backend=sdk.driver.loop)


def test_a_method_is_wrapped_and_its_refused_call_is_made_again(sandbox, sdk):
    xkit = sandbox.xkit(plugins=[KnowsSdk()])
    before = dict(vars(sdk))
    with bind(sdk, "acme", context="user-1", xkit=xkit) as binding:
        assert repr(binding) == f"Binding({type(sdk).__name__}.request)"
        assert called(sdk, "/one").status == 200
        sandbox.expire("acme", "user-1")
        assert called(sdk, "/two").status == 200
    assert vars(sdk) == before
    assert called(sdk, "/three").status == 401
    new = f"Bearer {sandbox.credential('acme', 'user-1')}"
    assert tokens_at(sandbox) == ["Bearer first-token", "Bearer first-token", new, None]


def test_another_object_of_the_same_class_stays_as_it_is(sandbox, sdk):
    other = type(sdk)(sdk.driver, sdk.url)
    before = dict(vars(type(sdk)))
    with bind(sdk, "acme", context="user-1", xkit=sandbox.xkit(plugins=[KnowsSdk()])):
        assert dict(vars(type(sdk))) == before
        assert called(other).status == 401
    assert tokens_at(sandbox) == [None]


def test_the_wrapped_method_still_looks_like_itself(sandbox, sdk):
    before = inspect.signature(sdk.request), sdk.request.__name__, inspect.iscoroutinefunction(sdk.request)
    with bind(sdk, "acme", context="user-1", xkit=sandbox.xkit(plugins=[KnowsSdk()])):
        assert (inspect.signature(sdk.request), sdk.request.__name__) == before[:2]
        assert inspect.iscoroutinefunction(sdk.request) == before[2]


def test_an_object_that_is_bound_cannot_be_bound_again(sandbox, sdk):
    xkit = sandbox.xkit(plugins=[KnowsSdk()])
    with bind(sdk, "acme", context="user-1", xkit=xkit):
        with pytest.raises(ConfigurationError, match="bound already"):
            bind(sdk, "acme", context="user-2", xkit=xkit)
        assert called(sdk).status == 200
    assert tokens_at(sandbox) == ["Bearer first-token"]


def test_a_body_that_cannot_be_sent_twice_is_sent_once_and_the_next_call_is_right(sandbox, sdk):
    with bind(sdk, "acme", context="user-1", xkit=sandbox.xkit(plugins=[KnowsSdk(replayable=False)])):
        called(sdk)
        sandbox.expire("acme", "user-1")
        assert called(sdk).status == 401
        assert called(sdk).status == 200
    new = f"Bearer {sandbox.credential('acme', 'user-1')}"
    assert tokens_at(sandbox) == ["Bearer first-token", "Bearer first-token", new]


def test_a_refusal_after_which_xkit_has_nothing_carries_the_sdk_s_own_answer(sandbox, sdk):
    xkit = sandbox.xkit(plugins=[KnowsSdk()], reconnect_url="https://app.example/{context}")
    with bind(sdk, "acme", context="user-1", xkit=xkit):
        called(sdk)
        sandbox.revoke("acme", "user-1")
        with pytest.raises(ReauthorizationRequired) as caught:
            called(sdk)
    error = caught.value
    assert error.response.status == 401
    assert (error.connector, error.context) == ("acme", "user-1")
    assert error.reconnect_url == "https://app.example/user-1"


def test_nothing_is_sent_for_a_user_who_is_not_connected(sandbox, sdk):
    xkit = sandbox.xkit(plugins=[KnowsSdk()])
    with bind(sdk, "acme", context="nobody", xkit=xkit), pytest.raises(NotConnected) as caught:
        called(sdk)
    assert (caught.value.connector, caught.value.context, caught.value.response) == ("acme", "nobody", None)
    assert tokens_at(sandbox) == []


def test_another_host_is_refused_or_gets_nothing(sandbox, sdk):
    xkit = sandbox.xkit(plugins=[KnowsSdk()])
    sdk.url = sandbox.elsewhere_url
    with bind(sdk, "acme", context="user-1", xkit=xkit), pytest.raises(HostNotAllowed):
        called(sdk)
    assert (sandbox.call_count(), tokens_at(sandbox, "elsewhere")) == (0, [])
    with bind(sdk, "acme", context="user-1", xkit=xkit, off_host="bare"):
        assert called(sdk).status == 200
    assert (sandbox.call_count(), tokens_at(sandbox, "elsewhere")) == (0, [None])


def test_further_headers_go_along_and_those_marked_default_give_way(sandbox, sdk):
    sandbox.add_connector(
        Connector("acme", hosts=["x.example"], extra={"Acme-Version": Default("2"), "Acme-App": "always"})
    )
    plugin = KnowsSdk()
    with bind(sdk, "acme", context="user-1", xkit=sandbox.xkit(plugins=[plugin])):
        called(sdk)
        plugin.more = {"headers": {"acme-version": "3"}}
        called(sdk)
    assert plugin.attempts == [
        {"Acme-Version": "2", "Acme-App": "always", "Authorization": "Bearer first-token"},
        {"Acme-App": "always", "Authorization": "Bearer first-token"},
    ]


OWN = {"Authorization": "Bearer placeholder", "x-api-key": "placeholder", "X-Trace": "7"}


@pytest.mark.parametrize(
    ("kind", "name", "value", "gone"),
    [
        ("oauth2", "authorization", "Bearer first-token", "x-api-key"),
        ("api_key", "x-api-key", "first-token", "authorization"),
    ],
)
def test_what_an_sdk_has_of_its_own_gives_way_to_a_credential_of_whatever_kind(sandbox, sdk, kind, name, value, gone):
    class KnowsItsHeaders(KnowsSdk):
        def view(self, sdk, path):
            return RequestView(method="GET", url=sdk.url + path, headers=OWN, body=b"")

        def sent(self, headers):
            assert "first-token" not in repr(headers)
            return headers.over(OWN)

    kinds = {"oauth2": Placement(), "api_key": Placement(header={"X-Api-Key": "{token}"})}
    sandbox.add_connector(Connector("acme", hosts=["x.example"], kinds=kinds))
    with bind(sdk, "acme", context="user-1", xkit=sandbox.xkit(plugins=[KnowsItsHeaders()]), kind=kind):
        called(sdk)
    (arrival,) = sandbox.arrivals("acme")
    assert (arrival.headers[name], arrival.headers["x-trace"]) == (value, "7")
    assert gone not in arrival.headers


def test_without_the_credential_what_an_sdk_has_of_its_own_stays(sandbox, sdk):
    class KnowsItsHeaders(KnowsSdk):
        def sent(self, headers):
            return headers.over(OWN)

    sdk.url = sandbox.elsewhere_url
    xkit = sandbox.xkit(plugins=[KnowsItsHeaders()])
    with bind(sdk, "acme", context="user-1", xkit=xkit, off_host="bare"):
        called(sdk)
    assert tokens_at(sandbox, "elsewhere") == ["Bearer placeholder"]


@pytest.mark.parametrize("name", ["Host", "host"])
def test_an_sdk_that_names_another_host_beside_the_url_gets_nothing(sandbox, sdk, name):
    plugin = KnowsSdk(headers={name: "evil.example"})
    xkit = sandbox.xkit(plugins=[plugin])
    with bind(sdk, "acme", context="user-1", xkit=xkit), pytest.raises(HostNotAllowed, match="The Host header"):
        called(sdk)
    assert (sandbox.call_count(), tokens_at(sandbox)) == (0, [])
    with bind(sdk, "acme", context="user-1", xkit=xkit, off_host="bare"):
        plugin.more = {"headers": {name: "evil.example"}}
        called(sdk)
        plugin.more = {"headers": {name: sdk.url.removeprefix("http://").upper()}}
        called(sdk)
    assert tokens_at(sandbox) == [None, "Bearer first-token"]


def test_an_answer_behind_a_redirect_says_nothing_about_the_credential(sandbox, sdk):
    class FollowsRedirects(KnowsSdk):
        def read(self, result):
            return None

    with bind(sdk, "acme", context="user-1", xkit=sandbox.xkit(plugins=[FollowsRedirects()])):
        assert called(sdk, "/status/401").status == 401
    assert tokens_at(sandbox) == ["Bearer first-token"]
    assert sandbox.call_count() == 1


def test_a_credential_in_the_url_is_refused_before_anything_is_sent(sandbox, sdk):
    sandbox.add_connector(Connector("acme", hosts=["x.example"], kinds={"key": Placement(query={"key": "{token}"})}))
    xkit = sandbox.xkit(plugins=[KnowsSdk()])
    with (
        bind(sdk, "acme", context="user-1", xkit=xkit, kind="key"),
        pytest.raises(ConfigurationError, match="in the URL cannot be given to this SDK") as caught,
    ):
        called(sdk)
    assert (caught.value.connector, caught.value.context) == ("acme", "user-1")
    assert sandbox.arrivals("acme") == []


def test_the_connector_s_rules_may_read_the_body(sandbox, sdk):
    rule = Failure(Verdict.RECONNECT, status=400, json={"error": "revoked"})
    sandbox.add_connector(Connector("acme", hosts=["x.example"], failures=[rule], inspect={400: "application/json"}))
    with bind(sdk, "acme", context="user-1", xkit=sandbox.xkit(plugins=[KnowsSdk()])):
        assert called(sdk, '/status/400?body={"error":"other"}').status == 400
        assert sandbox.call_count() == 1
        with pytest.raises(ReauthorizationRequired, match="revoked the authorization") as caught:
            called(sdk, '/status/400?body={"error":"revoked"}')
    assert caught.value.response.body == b'{"error":"revoked"}'
    assert sandbox.call_count() == 2


@pytest.mark.parametrize(("status", "calls"), [(429, 1), (403, 1), (500, 1), (401, 2)])
def test_other_answers_come_back_untouched(sandbox, sdk, status, calls):
    with bind(sdk, "acme", context="user-1", xkit=sandbox.xkit(plugins=[KnowsSdk()])):
        assert called(sdk, f"/status/{status}").status == status
    assert len(sandbox.arrivals("acme")) == 1  # also for a 401 after which Xkit has no other credential
    assert sandbox.call_count() == calls


def test_a_second_refusal_is_the_caller_s(sandbox, sdk):
    with bind(sdk, "acme", context="user-1", xkit=sandbox.xkit(plugins=[KnowsSdk()])):
        called(sdk)
        sandbox.rotate("acme", "user-1")
        assert called(sdk, "/status/401").status == 401
    new = f"Bearer {sandbox.credential('acme', 'user-1')}"
    assert tokens_at(sandbox) == ["Bearer first-token", "Bearer first-token", new]


def test_an_exception_of_the_sdk_passes_through(sandbox, sdk):
    class Strict(KnowsSdk):
        def read(self, result):
            raise LookupError("the SDK's own")

    with bind(sdk, "acme", context="user-1", xkit=sandbox.xkit(plugins=[Strict()])), pytest.raises(LookupError):
        called(sdk)
    assert tokens_at(sandbox) == ["Bearer first-token"]


@pytest.mark.parametrize("raised", [NotConnected("Of another connector"), LookupError("its own")], ids=repr)
def test_what_an_attempt_raises_is_the_caller_s(sandbox, driver, acme, raised):
    class Raises(Sdk):
        def request(self, path="", headers=None):
            raise raised

    class AsyncRaises(AsyncSdk):
        async def request(self, path="", headers=None):
            raise raised

    sdk = (AsyncRaises if driver.loop else Raises)(driver, acme)
    plugin = KnowsSdk()
    with (
        bind(sdk, "acme", context="user-1", xkit=sandbox.xkit(plugins=[plugin])),
        pytest.raises(type(raised)) as caught,
    ):
        called(sdk)
    assert caught.value is raised
    assert len(plugin.attempts) == 1


@pytest.mark.drivers(sync=True)
def test_a_stop_iteration_of_an_attempt_is_not_taken_for_its_result(sandbox, driver, acme):
    class Stops(Sdk):
        def request(self, path="", headers=None):
            raise StopIteration("nothing is left to send")

    sdk = Stops(driver, acme)
    with (
        bind(sdk, "acme", context="user-1", xkit=sandbox.xkit(plugins=[KnowsSdk()])),
        pytest.raises((StopIteration, RuntimeError)),
    ):
        called(sdk)


def test_a_client_inside_an_sdk_s_object_is_filled(sandbox, driver, acme):
    class Wraps:
        @hookimpl
        def xkit_auth_bind(self, target, auth):
            return auth.fill(target.inner) or None

    with driver.session() as send:
        outer = SimpleNamespace(inner=client_of(send))
        with bind(outer, "acme", context="user-1", xkit=sandbox.xkit(plugins=[Wraps()])) as binding:
            assert send("GET", acme).status_code == 200
            with pytest.raises(ConfigurationError, match="bound already"):
                bind(outer, "acme", context="user-1", xkit=sandbox.xkit(plugins=[Wraps()]))
            assert binding
            assert send("GET", acme).status_code == 200
        assert send("GET", acme).status_code == 401
    assert tokens_at(sandbox) == ["Bearer first-token", "Bearer first-token", None]


def test_the_plugin_gets_auth_objects_for_the_slots_that_it_knows(sandbox, driver, acme):
    class Slot:
        @hookimpl
        def xkit_auth_bind(self, target, auth):
            auth.put(target, "auth", getattr(auth, f"for_{driver.library}")())
            return True

    outer = SimpleNamespace(auth="theirs")
    with bind(outer, "acme", context="user-1", xkit=sandbox.xkit(plugins=[Slot()])):
        assert driver.send("GET", acme, auth=outer.auth).status == 200
    assert outer.auth == "theirs"
    assert tokens_at(sandbox) == ["Bearer first-token"]
