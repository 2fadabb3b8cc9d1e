"""``bind`` on clients: what is bound, what is not, and where its credential goes."""

from __future__ import annotations

import copy
import sys
from base64 import b64encode
from functools import partial
from urllib.parse import quote

import pytest

from helpers.bind import (
    acme,  # noqa: F401
    client_of,
    tokens_at,
)
from xkit_auth import (
    ANY,
    ConfigurationError,
    ConflictWarning,
    Connector,
    HostNotAllowed,
    Placement,
    Xkit,
    current_context,
    hookimpl,
    use_context,
)
from xkit_auth.sdk import bind


@pytest.fixture
def bound(driver, xkit):
    """Bind a client as whom the tests speak of: ``bound(client)``."""
    return partial(bind, connector="acme", context="user-1", xkit=xkit)


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
