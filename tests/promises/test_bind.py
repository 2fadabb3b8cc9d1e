"""``bind``: a client, or an object of an SDK, gets its credential, gives it back, and nothing else is touched."""

from __future__ import annotations

import copy
import inspect
import sys
from base64 import b64encode
from functools import partial
from types import SimpleNamespace
from urllib.parse import quote

import pytest

from xkit_auth import (
    ANY,
    ConfigurationError,
    ConflictWarning,
    Connector,
    Default,
    Failure,
    HostNotAllowed,
    NotConnected,
    Placement,
    ReauthorizationRequired,
    RequestView,
    Verdict,
    Xkit,
    current_context,
    hookimpl,
    use_context,
)
from xkit_auth.sdk import bind


@pytest.fixture
def acme(sandbox):
    """The origin of a provider to which a user is connected."""
    sandbox.connect("acme", "user-1", credential="first-token")
    return sandbox.provider_url("acme")


@pytest.fixture
def bound(driver, xkit):
    """Bind a client as whom the tests speak of: ``bound(client)``."""
    return partial(bind, connector="acme", context="user-1", xkit=xkit)


def client_of(send):
    """The client behind a driver's ``send``."""
    around = inspect.getclosurevars(send).nonlocals
    return around.get("session") or around["client"]


def tokens_at(sandbox, slug="acme"):
    return [each.headers.get("authorization") for each in sandbox.arrivals(slug)]


# Clients


def test_a_client_has_its_auth_as_long_as_it_is_bound(sandbox, driver, bound, acme):
    with driver.session() as send:
        binding = bound(client_of(send))
        assert binding
        assert send("GET", acme).status_code == 200
        binding.release()
        assert not binding
        assert send("GET", acme).status_code == 401
    assert tokens_at(sandbox) == ["Bearer first-token", None]


def test_a_refused_credential_is_replaced_as_with_auth(sandbox, driver, bound, acme):
    with driver.session() as send, bound(client_of(send)):
        send("GET", acme)
        sandbox.expire("acme", "user-1")
        assert send("POST", acme, content=b"body").status_code == 200
        assert send("GET", acme).status_code == 200
    new = f"Bearer {sandbox.credential('acme', 'user-1')}"
    assert tokens_at(sandbox) == ["Bearer first-token", "Bearer first-token", new, new]
    assert [each.body for each in sandbox.arrivals("acme")] == [b"", b"body", b"body", b""]


def test_a_with_block_gives_the_handle_and_takes_it_off_whatever_happens(sandbox, driver, bound, acme):
    with driver.session() as send:
        with bound(client_of(send)) as binding:
            assert repr(binding).startswith(f"Binding({type(client_of(send)).__name__}.auth")
        assert repr(binding) == "Binding(released)"
        with pytest.raises(ZeroDivisionError), bound(client_of(send)):
            raise ZeroDivisionError
        assert client_of(send).auth is None
        send("GET", acme)
    assert tokens_at(sandbox) == [None]


@pytest.mark.parametrize("has_one", [False, True])
def test_release_restores_exactly_what_was_there(driver, bound, acme, has_one):
    with driver.session() as send:
        client = client_of(send)
        if has_one:
            client.auth = ("user", "password")
        before = dict(vars(client))
        with bound(client):
            assert type(client.auth) is driver.module.XkitAuth
        assert vars(client) == before
        assert all(vars(client)[name] is value for name, value in before.items())


def test_no_class_no_module_and_no_other_client_is_touched(sandbox, driver, bound, acme):
    with driver.session() as send, driver.session() as send_as_nobody:
        client, other = client_of(send), client_of(send_as_nobody)
        libraries = [module for name, module in sys.modules.items() if name.partition(".")[0] == driver.library]
        watched = [*type(client).__mro__, *libraries, other]
        before = [dict(vars(each)) for each in watched]
        with bound(client):
            assert [dict(vars(each)) for each in watched] == before
            send("GET", acme)
            assert send_as_nobody("GET", acme).status_code == 401
    assert tokens_at(sandbox) == ["Bearer first-token", None]


def test_release_leaves_an_auth_that_somebody_has_set_since(driver, bound, acme):
    with driver.session() as send:
        client = client_of(send)
        before = set(vars(client))
        binding = bound(client)
        client.auth = theirs = driver.auth("acme", context="user-2")
        with pytest.warns(ConflictWarning, match=r"\.auth was changed after bind"):
            binding.release()
        assert client.auth is theirs
        assert set(vars(client)) == before


def test_a_second_release_does_nothing(driver, bound, acme):
    with driver.session() as send:
        client = client_of(send)
        with bound(client) as first:
            first.release()
            second = bound(client)
            first.release()
            assert second
            assert type(client.auth) is driver.module.XkitAuth
        assert type(client.auth) is driver.module.XkitAuth
        second.release()
        assert client.auth is None


def test_a_client_cannot_be_bound_twice_and_keeps_the_first_binding(sandbox, driver, bound, acme, xkit):
    sandbox.connect("acme", "user-2", credential="of-another")
    with driver.session() as send, bound(client_of(send)):
        before = dict(vars(client_of(send)))
        with pytest.raises(ConfigurationError, match="is bound already"):
            bind(client_of(send), "acme", context="user-2", xkit=xkit)
        assert vars(client_of(send)) == before
        send("GET", acme)
    assert tokens_at(sandbox) == ["Bearer first-token"]


@pytest.mark.drivers(requests=True)
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_of_a_bound_session_can_be_bound_itself(sandbox, driver, bound, acme, copied):
    with driver.session() as send, bound(client_of(send)):
        twin = copied(client_of(send))
        with twin, bound(twin):
            assert twin.get(acme).status_code == 200
    assert tokens_at(sandbox) == ["Bearer first-token"]


def test_an_auth_that_the_application_has_set_itself_gives_way_and_comes_back(sandbox, driver, bound, acme, xkit):
    sandbox.connect("acme", "user-2", credential="of-another")
    with driver.session(auth=driver.auth("acme", context="user-2", xkit=xkit)) as send:
        with bound(client_of(send)):
            send("GET", acme)
        send("GET", acme)
    assert tokens_at(sandbox) == ["Bearer first-token", "Bearer of-another"]


def test_clients_can_be_bound_as_different_users(sandbox, driver, xkit):
    for user in ("ann", "bob"):
        sandbox.connect("acme", user, credential=f"token-of-{user}")
    url = sandbox.provider_url("acme")
    with (
        driver.session() as as_ann,
        driver.session() as as_bob,
        bind(client_of(as_ann), "acme", context="ann", xkit=xkit),
    ):
        with bind(client_of(as_bob), "acme", context=lambda: "bob", xkit=xkit):
            as_ann("GET", url)
            as_bob("GET", url)
        as_ann("GET", url)
    assert tokens_at(sandbox) == ["Bearer token-of-ann", "Bearer token-of-bob", "Bearer token-of-ann"]


@pytest.mark.drivers(sync=True)
def test_one_client_can_serve_each_user_in_turn(sandbox, driver, xkit):
    for user in ("ann", "bob"):
        sandbox.connect("acme", user, credential=f"token-of-{user}")
    url = sandbox.provider_url("acme")
    with driver.session() as send, bind(client_of(send), "acme", context=current_context, xkit=xkit):
        for user in ("ann", "bob"):
            with use_context(user):
                send("GET", url)
        with pytest.raises(ConfigurationError, match=r"context \(from xkit_auth.current_context\) is None"):
            send("GET", url)
    assert tokens_at(sandbox) == ["Bearer token-of-ann", "Bearer token-of-bob"]


def test_the_arguments_are_those_of_an_auth_object(sandbox, driver, xkit):
    kinds = {"oauth2": Placement(), "key": Placement(query={"k": "{token}", "site": "{param.site}"})}
    sandbox.add_connector(Connector("acme", hosts=["x.example"], params={"site": "label"}, kinds=kinds))
    sandbox.connect("acme", "user-1", credential="first-token")
    url, elsewhere = sandbox.provider_url("acme"), sandbox.elsewhere_url
    arguments = {"context": "user-1", "xkit": xkit, "kind": "key", "params": {"site": "s1"}, "off_host": "bare"}
    with driver.session() as send:
        with bind(client_of(send), "acme", **arguments):
            send("GET", url)
            send("GET", elsewhere)
        with bind(client_of(send), "acme", **arguments, hosts=[elsewhere.removeprefix("http://")]):
            send("GET", url)
            send("GET", elsewhere)
    assert [each.query for each in sandbox.arrivals("acme")] == ["k=first-token&site=s1", ""]
    assert [each.query for each in sandbox.arrivals("elsewhere")] == ["", "k=first-token&site=s1"]


def test_any_chooses_the_connector_by_the_host(sandbox, driver, xkit, acme):
    sandbox.connect("other", "user-1", credential="other-token")
    with driver.session() as send, bind(client_of(send), ANY, context="user-1", xkit=xkit):
        send("GET", acme)
        send("GET", sandbox.provider_url("other"))
        with pytest.raises(HostNotAllowed):
            send("GET", sandbox.elsewhere_url)
    assert tokens_at(sandbox) == ["Bearer first-token"]
    assert tokens_at(sandbox, "other") == ["Bearer other-token"]
    assert tokens_at(sandbox, "elsewhere") == []


@pytest.mark.parametrize(
    ("connector", "wrong"),
    [
        ("", {}),
        (None, {}),
        ("acme", {"context": None}),
        ("acme", {"context": ""}),
        ("acme", {"xkit": "sk_test"}),
        ("acme", {"hosts": "api.acme.example"}),
        ("acme", {"off_host": "send"}),
    ],
)
def test_wrong_arguments_are_found_at_once_and_nothing_is_bound(driver, connector, wrong):
    with driver.session() as send:
        before = dict(vars(client_of(send)))
        with pytest.raises(ConfigurationError):
            bind(client_of(send), connector, **{"context": "user-1", **wrong})
        assert vars(client_of(send)) == before


def test_without_an_account_the_process_s_own_is_used_when_a_request_is_made(sandbox, driver, acme, monkeypatch):
    monkeypatch.setattr(Xkit, "_the_default", None)
    with driver.session() as send:
        binding = bind(client_of(send), "acme", context="user-1", hosts=[acme.removeprefix("http://")])
        monkeypatch.setenv("XKIT_PUBLISHABLE_KEY", sandbox.publishable_key)
        monkeypatch.setenv("XKIT_SECRET_KEY", sandbox.secret_key)
        monkeypatch.setenv("XKIT_BASE_URL", sandbox.base_url)
        assert send("GET", acme).status_code == 200
        binding.release()
    Xkit.default().close()
    assert tokens_at(sandbox) == ["Bearer first-token"]


# Redirects of httpx on transports that do not call their trace


@pytest.fixture
def keyed(sandbox):
    """The same for a connector with a header of its own, which clients carry along on redirects."""
    sandbox.add_connector(Connector("acme", hosts=["x.example"], header={"X-Api-Key": "{token}"}))
    sandbox.connect("acme", "user-1", credential="first-token")
    return sandbox.provider_url("acme")


@pytest.fixture(params=["traced", "quiet"])
def transport(request, driver):
    """Options of a session: none, or a transport that sends as usual and does not call its trace."""
    if driver.library == "requests" or request.param == "traced":
        return {}

    def quiet(request):
        extensions = {name: value for name, value in request.extensions.items() if name != "trace"}
        headers, stream = request.headers, request.stream
        return driver.lib.Request(request.method, request.url, headers=headers, stream=stream, extensions=extensions)

    class Quiet(driver.lib.HTTPTransport):
        def handle_request(self, request):
            return super().handle_request(quiet(request))

    class AsyncQuiet(driver.lib.AsyncHTTPTransport):
        async def handle_async_request(self, request):
            return await super().handle_async_request(quiet(request))

    return {"transport": AsyncQuiet(verify=False) if driver.loop else Quiet(verify=False)}


def keys_at(sandbox, slug):
    return [each.headers.get("x-api-key") for each in sandbox.arrivals(slug)]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_takes_the_header_elsewhere(sandbox, driver, bound, keyed, transport, status):
    url = f"{keyed}/redirect?status={status}&to={quote(sandbox.elsewhere_url)}/x"
    with driver.session(follow_redirects=True, **transport) as send, bound(client_of(send)):
        response = send("POST", url, content=b"body")
    assert [each.status_code for each in (*response.history, response)] == [status, 200]
    assert keys_at(sandbox, "acme") == ["first-token"]
    assert keys_at(sandbox, "elsewhere") == [None]


def test_a_request_that_is_sent_again_does_not_take_it_elsewhere_either(sandbox, driver, bound, keyed, transport):
    url = f"{keyed}/redirect?to={quote(sandbox.elsewhere_url)}"
    with driver.session(follow_redirects=True, **transport) as send, bound(client_of(send)):
        send("GET", keyed)
        sandbox.expire("acme", "user-1")
        assert send("GET", url).status_code == 200
    assert keys_at(sandbox, "acme")[1:] == ["first-token", sandbox.credential("acme", "user-1")]
    assert keys_at(sandbox, "elsewhere") == [None]


def test_a_redirect_within_the_origin_takes_it_along(sandbox, driver, bound, keyed, transport):
    with driver.session(follow_redirects=True, **transport) as send, bound(client_of(send)):
        assert send("GET", f"{keyed}/redirect?to=/x").status_code == 200
    assert [each.path for each in sandbox.arrivals("acme") if each.headers.get("x-api-key")] == ["/redirect", "/x"]


def test_it_does_not_come_back_from_elsewhere(sandbox, driver, bound, keyed, transport):
    back = f"{sandbox.elsewhere_url}/redirect?to={quote(keyed)}/x"
    with driver.session(follow_redirects=True, **transport) as send, bound(client_of(send)):
        send("GET", f"{keyed}/redirect?to={quote(back, safe='')}")
    assert keys_at(sandbox, "elsewhere") == [None]
    assert sandbox.call_count() == 1


@pytest.mark.drivers(httpx=True)
def test_a_redirect_that_the_caller_may_follow_does_not_have_it(sandbox, driver, bound, keyed, transport):
    with driver.session(**transport) as send, bound(client_of(send)):
        response = send("GET", f"{keyed}/redirect?to={quote(sandbox.elsewhere_url)}")
    assert "x-api-key" not in response.next_request.headers
    assert keys_at(sandbox, "acme") == ["first-token"]


@pytest.mark.drivers(httpx=True)
def test_a_header_of_that_name_that_is_the_caller_s_own_goes_where_the_client_takes_it(
    sandbox, driver, bound, keyed, transport
):
    url = f"{keyed}/redirect?to={quote(sandbox.elsewhere_url)}"
    with driver.session(follow_redirects=True, **transport) as send, bound(client_of(send)):
        send("GET", url, auth=None, headers={"X-Api-Key": "first-token", "X-Mine": "1"})
    (arrival,) = sandbox.arrivals("elsewhere")
    assert (arrival.headers["x-api-key"], arrival.headers["x-mine"]) == ("first-token", "1")


@pytest.mark.drivers(httpx=True)
def test_an_auth_object_that_is_given_to_a_call_is_kept_at_home_too(sandbox, driver, bound, keyed, xkit, transport):
    sandbox.add_connector(Connector("other", hosts=["x.example"], header={"X-Other-Key": "{token}"}))
    sandbox.connect("other", "user-1", credential="other-token")
    url = f"{sandbox.provider_url('other')}/redirect?to={quote(sandbox.elsewhere_url)}"
    with driver.session(follow_redirects=True, **transport) as send, bound(client_of(send)):
        send("GET", url, auth=driver.auth("other", context="user-1", xkit=xkit))
    (arrival,) = sandbox.arrivals("elsewhere")
    assert "other-token" not in str(arrival.raw_headers)


@pytest.mark.drivers(httpx=True)
@pytest.mark.parametrize("header", ["X-Api-Key", "Authorization"])
@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/x", "http://127.0.0.1:1/", "https://127.0.0.1/", "/x"]
)
def test_a_mock_transport_sees_it_at_home_only(sandbox, driver, bound, header, target):
    sandbox.add_connector(Connector("acme", hosts=["x.example"], header={header: "{token}"}))
    sandbox.connect("acme", "user-1", credential="first-token")
    home = sandbox.provider_url("acme")
    seen = []

    def handle(request):
        seen.append((str(request.url), request.headers.get(header)))
        return driver.lib.Response(302, headers={"location": target}) if len(seen) == 1 else driver.lib.Response(200)

    with driver.session(follow_redirects=True, transport=driver.lib.MockTransport(handle)) as send:
        with bound(client_of(send)):
            assert send("GET", home).status_code == 200
        assert "_redirect_headers" not in vars(client_of(send))
    assert [token for _, token in seen] == ["first-token", "first-token" if target == "/x" else None]


@pytest.mark.drivers(httpx=True)
@pytest.mark.parametrize("place", ["header", "query", "path"])
@pytest.mark.parametrize("disguised", [str, lambda text: b64encode(text.encode()).decode()])
def test_a_mock_transport_that_says_it_back_in_a_redirect_elsewhere_leads_nowhere(
    sandbox, driver, bound, place, disguised
):
    kinds = {"header": {"X-Key": "{token}"}, "query": {"key": "{token}"}, "path": "/bot{token}"}
    sandbox.add_connector(Connector("acme", hosts=["x.example"], kinds={place: Placement(**{place: kinds[place]})}))
    sandbox.connect("acme", "user-1", credential="first-token")
    seen = []

    def handle(request):
        seen.append(str(request.url))
        said = disguised(f"{request.url} {request.headers.get('x-key')}")
        return driver.lib.Response(302, headers={"location": f"https://evil.example/?next={said}"})

    with (
        driver.session(follow_redirects=True, transport=driver.lib.MockTransport(handle)) as send,
        bound(client_of(send), kind=place),
        pytest.raises(HostNotAllowed, match="has the credential in it") as caught,
    ):
        send("GET", sandbox.provider_url("acme"))
    assert len(seen) == 1
    assert (caught.value.connector, caught.value.context) == ("acme", "user-1")
    assert "first-token" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.drivers(httpx=True, sync=True)
def test_headers_with_a_signature_do_not_leave_on_a_mock_transport(sandbox, driver):
    class Signer:
        @hookimpl
        def xkit_auth_format_headers(self, credential, request):
            return {"X-Signature": f"{request.method}-{credential.reveal()}", "X-Key": credential.reveal()}

    token = sandbox.connect("acme", "user-1")
    seen = []

    def handle(request):
        seen.append(request.headers)
        return driver.lib.Response(307, headers={"location": "https://evil.example/"}) if len(seen) == 1 else answer

    answer = driver.lib.Response(200)
    xkit, transport = sandbox.xkit(plugins=[Signer()]), driver.lib.MockTransport(handle)
    with (
        driver.session(follow_redirects=True, transport=transport) as send,
        bind(client_of(send), "acme", context="user-1", xkit=xkit),
    ):
        send("POST", sandbox.provider_url("acme"))
    assert seen[0]["x-signature"] == f"POST-{token}"
    assert not {"x-signature", "x-key"} & set(seen[1])


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
