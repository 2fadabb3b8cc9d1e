"""Requests that are copied, shared by threads or sent again by hand: nobody's credential ends up elsewhere."""

from __future__ import annotations

import io
import pickle
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import ContextVar
from importlib import import_module

import pytest

from xkit_auth import ConfigurationError, Connector, hookimpl


@pytest.fixture
def acme(sandbox, driver, xkit):
    """A connector with a header of its own, which clients carry along on redirects."""
    sandbox.add_connector(Connector("acme", hosts=["x.example"], header={"X-Api-Key": "{token}"}))

    class Acme:
        def __init__(self):
            self.url = sandbox.provider_url("acme")
            self.elsewhere = f"{self.url}/redirect?to={sandbox.elsewhere_url}"
            self.tokens = {user: sandbox.connect("acme", user) for user in ("ann", "bob")}
            self.auths = {user: driver.auth("acme", context=user, xkit=xkit) for user in self.tokens}

        def keys(self):
            return [each.headers.get("x-api-key") for each in sandbox.arrivals("acme")]

    return Acme()


def leaked(sandbox):
    return [each for each in sandbox.arrivals("elsewhere") if "x-api-key" in each.headers]


def prepared(driver, url, auth=None):
    return driver.lib.Request("GET", url, auth=auth).prepare()


@pytest.fixture
def session(driver):
    with driver.lib.Session() as session:
        session.trust_env = False
        yield session


@pytest.mark.drivers(requests=True)
def test_copies_of_one_request_can_belong_to_different_users(sandbox, driver, acme, session):
    base = prepared(driver, acme.elsewhere)
    copies = {user: base.copy() for user in acme.tokens}
    for user, copy in copies.items():
        copy.prepare_auth(acme.auths[user])
    for copy in copies.values():
        assert session.send(copy).status_code == 200
    for user, copy in copies.items():
        sandbox.expire("acme", user)
        assert session.send(copy).status_code == 200
    assert acme.keys()[:2] == [acme.tokens["ann"], acme.tokens["bob"]]
    assert acme.keys()[-1] == sandbox.credential("acme", "bob")
    assert leaked(sandbox) == []


@pytest.mark.drivers(requests=True)
def test_a_request_and_its_copy_are_each_healed(sandbox, driver, acme, session):
    one = prepared(driver, acme.url, acme.auths["ann"])
    other = one.copy()
    sandbox.expire("acme", "ann")
    assert [session.send(each).status_code for each in (other, one)] == [200, 200]
    assert sandbox.call_count() == 2


@pytest.mark.drivers(requests=True)
def test_requests_on_the_way_away_and_back_get_nothing_back(sandbox, driver, acme, session):
    from urllib.parse import quote

    back = f"{sandbox.elsewhere_url}/redirect?to={quote(acme.url, safe='')}"
    response = session.get(f"{acme.url}/redirect?to={quote(back, safe='')}", auth=acme.auths["ann"])
    assert [each.status_code for each in response.history] == [302, 302]
    assert "x-api-key" not in response.history[1].request.headers
    assert leaked(sandbox) == []


@pytest.mark.drivers(requests=True)
def test_a_hook_that_copies_headers_does_not_open_the_way(sandbox, driver, acme, session):
    seen = []
    session.hooks["response"].append(lambda response, **_how: seen.append(response.request.headers.copy()))
    assert session.get(acme.elsewhere, auth=acme.auths["ann"]).status_code == 200
    assert "x-api-key" not in session.get(acme.elsewhere, auth=acme.auths["ann"], allow_redirects=False).next.headers
    assert len(seen) == 3
    assert leaked(sandbox) == []


@pytest.mark.drivers(requests=True)
def test_a_copy_that_was_made_while_a_redirect_led_elsewhere_is_whole(sandbox, driver, acme, session):
    request = prepared(driver, acme.elsewhere, acme.auths["ann"])
    assert session.send(request, allow_redirects=False).status_code == 302
    copy = request.copy()
    assert "x-api-key" in copy.headers
    assert session.send(copy).status_code == 200
    assert leaked(sandbox) == []


@pytest.mark.drivers(requests=True)
def test_the_request_that_followed_a_redirect_can_be_sent_again(sandbox, driver, acme, session):
    sandbox.expire("acme", "ann")
    response = session.get(f"{acme.url}/redirect?to=/things", auth=acme.auths["ann"])
    assert response.status_code == 200
    sandbox.expire("acme", "ann")
    assert session.send(response.request).status_code == 200


@pytest.mark.drivers(requests=True)
def test_a_request_shared_by_threads_is_healed_in_each_with_one_call(sandbox, driver, acme):
    request = prepared(driver, acme.url, acme.auths["ann"])
    sandbox.expire("acme", "ann")
    sandbox.clear()
    together, statuses = threading.Barrier(6), []

    def send():
        with driver.lib.Session() as session:
            session.trust_env = False
            together.wait()
            statuses.append(session.send(request, timeout=30).status_code)

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 6
    assert sandbox.call_count() == 1


@pytest.mark.drivers(requests=True)
def test_a_resend_in_one_thread_uses_up_nothing_of_a_send_in_another(sandbox, driver, acme, monkeypatch):
    from xkit_auth._clients.requests.hop import Hop

    request = prepared(driver, acme.url, acme.auths["ann"])
    sandbox.expire("acme", "ann")
    both_are_refused, one_at_a_time, judged = threading.Barrier(2), threading.Lock(), Hop._judged

    def in_turn(*arguments):
        both_are_refused.wait(20)
        with one_at_a_time:
            return judged(*arguments)

    def send():
        with driver.lib.Session() as session:
            session.trust_env = False
            return session.send(request, timeout=30).status_code

    monkeypatch.setattr(Hop, "_judged", in_turn)
    with ThreadPoolExecutor(2) as pool:
        sent = [pool.submit(send) for _ in range(2)]
    assert [each.result() for each in sent] == [200, 200]


@pytest.mark.drivers(sync=True)
def test_a_request_shared_by_threads_never_takes_the_key_elsewhere(sandbox, driver, acme):
    if driver.library == "requests":
        request = prepared(driver, acme.elsewhere, acme.auths["ann"])
    else:
        request = driver.lib.Request("GET", acme.elsewhere)

    def send():
        with (
            driver.lib.Session()
            if driver.library == "requests"
            else driver.lib.Client(
                auth=acme.auths["ann"], follow_redirects=True, trust_env=False, verify=False
            ) as client
        ):
            if driver.library == "requests":
                client.trust_env = False
            for _ in range(40):
                # A Request of httpx is not made for being sent by two threads at a time. What may come of that is
                # the client's own affair, as long as nothing is taken elsewhere.
                with suppress(Exception):
                    client.send(request)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=send) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert len(sandbox.arrivals("elsewhere")) > 20
    assert leaked(sandbox) == []


@pytest.mark.drivers(httpx=True)
def test_a_broken_resend_leaves_nothing_on_the_request(sandbox, driver, acme, xkit):
    xkit.get_credential("acme", context="ann")
    sandbox.expire("acme", "ann")
    request = driver.lib.Request("GET", acme.url)
    with driver.session(auth=acme.auths["ann"], event_hooks={"request": [_Second(driver.loop)]}) as send:
        held = [cell.cell_contents for cell in send.__closure__]
        client = next(each for each in held if hasattr(each, "cookies"))
        portal = next((each for each in held if hasattr(each, "start_task_soon")), None)
        call = portal.call if portal else (lambda function, *arguments: function(*arguments))
        with pytest.raises(Oops):
            call(client.send, request)
    assert "trace" not in request.extensions
    assert "x-api-key" not in request.headers


class Oops(Exception):
    """What an event hook of the caller's raises."""


class _Second:
    """An event hook that raises for the second request, in a plain or an async client."""

    def __new__(cls, loop):
        seen = []

        def hook(request):
            seen.append(request)
            if len(seen) == 2:
                raise Oops

        async def ahook(request):
            hook(request)

        return ahook if loop else hook


def test_a_plugin_that_names_another_header_the_second_time_leaves_the_first_one_nowhere(sandbox, driver):
    class Fickle:
        def __init__(self):
            self.names = iter(("X-One", "X-Two"))

        @hookimpl
        def xkit_auth_format_headers(self, credential):
            return {next(self.names): credential.reveal()}

    sandbox.add_connector(Connector("acme", hosts=["x.example"], header={"X-One": "{token}"}))
    xkit = sandbox.xkit(plugins=[Fickle()])
    sandbox.connect("acme", "ann")
    xkit.get_credential("acme", context="ann")
    sandbox.expire("acme", "ann")
    url = f"{sandbox.provider_url('acme')}/redirect?to={sandbox.elsewhere_url}"
    auth = driver.auth("acme", context="ann", xkit=xkit)
    assert driver.send("GET", url, auth=auth, follow_redirects=True).status == 200
    named = [[name for name in ("x-one", "x-two") if name in each.headers] for each in sandbox.arrivals("acme")]
    assert named == [["x-one"], ["x-two"]]
    assert not {"x-one", "x-two"} & set(sandbox.arrivals("elsewhere")[0].headers)


@pytest.mark.needs_all
def test_x1_g6_the_wrong_librarys_auth_is_named_in_the_error(sandbox, driver, xkit):
    url = sandbox.provider_url("acme")
    for other in {"requests", "httpx", "httpx2"} - {driver.library}:
        auth = import_module(f"xkit_auth.{other}").XkitAuth("acme", context="ann", xkit=xkit)
        assert repr(auth) == f"xkit_auth.{other}.XkitAuth('acme')"
        with pytest.raises(ConfigurationError, match=f"is for {other},"):
            driver.send("GET", url, auth=auth)
    assert sandbox.calls == []
    assert sandbox.arrivals("acme") == []


@pytest.mark.drivers(requests=True)
@pytest.mark.parametrize("is_refused", [False, True])
def test_x3_a_request_can_be_prepared_in_one_thread_and_sent_in_another(
    sandbox, driver, acme, xkit, session, is_refused
):
    user = ContextVar("user")

    def in_a_thread_of(name, work):
        def run():
            user.set(name)
            return work()

        with ThreadPoolExecutor(1) as pool:
            return pool.submit(run).result()

    auth = driver.auth("acme", context=user, xkit=xkit)
    request = in_a_thread_of("ann", lambda: prepared(driver, acme.url, auth))
    if is_refused:
        sandbox.expire("acme", "ann")
    assert in_a_thread_of("bob", lambda: session.send(request)).status_code == 200
    assert acme.keys() == [acme.tokens["ann"], sandbox.credential("acme", "ann")][: 1 + is_refused]
    assert {call.context for call in sandbox.calls} == {"ann"}


def test_an_auth_object_pickles_without_its_account_and_says_so_when_it_is_used(sandbox, driver, xkit):
    auth = driver.auth("acme", context="ann", xkit=xkit)
    for lost in (
        pickle.loads(pickle.dumps(auth)),
        pickle.loads(pickle.dumps(driver.auth("acme", context=lambda: "ann"))),
    ):
        with pytest.raises(ConfigurationError, match="unpickled"):
            driver.send("GET", sandbox.provider_url("acme"), auth=lost)
    assert sandbox.calls == []


def test_copies_of_an_auth_object_share_its_account(sandbox, driver, xkit):
    from copy import copy, deepcopy

    sandbox.connect("acme", "ann")
    auth = driver.auth("acme", context="ann", xkit=xkit)
    for each in (auth, copy(auth), deepcopy(auth)):
        assert driver.send("GET", sandbox.provider_url("acme"), auth=each).status == 200
    assert sandbox.call_count() == 1


@pytest.mark.drivers(requests=True)
@pytest.mark.parametrize("has_connection", [True, False])
@pytest.mark.parametrize("raw", ["a file", "a stream", "a stream that breaks off", None])
def test_d9_an_adapter_of_another_kind_is_healed_if_it_can_send_again(
    sandbox, driver, acme, session, has_connection, raw
):
    from requests.adapters import BaseAdapter

    class Plain(BaseAdapter):
        def __init__(self):
            super().__init__()
            self.keys = []

        def send(self, request, **_how):
            self.keys.append(request.headers["X-Api-Key"])
            response = driver.lib.Response()
            response.request, response.url = request, request.url
            response.status_code = 401 if len(self.keys) == 1 else 200
            response.raw = {"a file": io.BytesIO(b"a body"), None: None}.get(raw, Streams(raw))
            if has_connection:
                response.connection = self
            return response

        def close(self):
            pass

    class Streams(io.BytesIO):
        def __init__(self, how):
            super().__init__(b"not by this way")
            self._breaks_off = how == "a stream that breaks off"

        def stream(self, _size, decode_content):
            assert decode_content
            yield b"a body"
            if self._breaks_off:
                raise TypeError("as vcrpy does")

    adapter = Plain()
    session.mount("http://", adapter)
    request = prepared(driver, acme.url, acme.auths["ann"])
    sandbox.rotate("acme", "ann")
    response = session.send(request, stream=True)
    assert response.status_code == (200 if has_connection else 401)
    assert len(adapter.keys) == (2 if has_connection else 1)
    assert [each.content for each in response.history] == [b"a body" if raw else b""] * has_connection


@pytest.mark.drivers(requests=True)
def test_what_followed_a_redirect_may_outlive_what_was_redirected(sandbox, driver, acme, session):
    import gc

    hop = session.send(
        prepared(driver, f"{acme.url}/redirect?to=/things", acme.auths["ann"]), allow_redirects=False
    ).next
    gc.collect()
    assert session.send(hop).status_code == 200
    sandbox.expire("acme", "ann")
    assert session.send(hop).status_code == 200


@pytest.mark.drivers(requests=True)
def test_a_request_that_was_put_together_by_hand_is_healed(sandbox, driver, acme, session):
    request = driver.lib.PreparedRequest()
    request.prepare_method("GET")
    request.prepare_url(acme.url, None)
    request.prepare_headers(None)
    request.prepare_auth(acme.auths["ann"])
    request.hooks = dict(request.hooks)
    sandbox.expire("acme", "ann")
    adapter = session.get_adapter(acme.url)
    refused = adapter.send(request, timeout=30)
    (hook,) = request.hooks["response"]
    assert hook(refused, timeout=30).status_code == 200
    assert "X-Api-Key" in repr(hook)
    assert acme.tokens["ann"] not in repr(hook)


@pytest.mark.drivers(requests=True)
def test_e11_a_redirected_response_pickles_and_copies(sandbox, driver, acme, session):
    from copy import deepcopy

    response = session.get(acme.elsewhere, auth=acme.auths["ann"])
    for copy in (pickle.loads(pickle.dumps(response)), deepcopy(response)):
        assert copy.status_code == 200
        assert [each.status_code for each in copy.history] == [302]
    assert session.send(deepcopy(prepared(driver, acme.url, acme.auths["ann"]))).status_code == 200


@pytest.mark.drivers(requests=True)
def test_e11_a_pickled_response_holds_neither_the_account_nor_what_it_holds(sandbox, driver, acme, session):
    request = prepared(driver, acme.url, acme.auths["ann"])
    sandbox.expire("acme", "ann")
    session.get(acme.url, auth=acme.auths["bob"])
    for _ in range(2):  # one that was refused and healed, and one that was not
        data = pickle.dumps(session.send(request))
        assert sandbox.secret_key.encode() not in data
        assert acme.tokens["bob"].encode() not in data
        (hook,) = pickle.loads(data).request.hooks["response"]
        assert vars(hook).keys() == {"_names", "home"}


@pytest.mark.drivers(requests=True)
def test_a_redirect_to_somewhere_that_takes_basic_is_no_question_of_netrc(sandbox, driver, xkit, session, netrc):
    netrc("127.0.0.1")
    session.trust_env = True
    sandbox.connect("acme", "ann")
    xkit.get_credential("acme", context="ann")
    sandbox.expire("acme", "ann")
    auth = driver.auth("acme", context="ann", xkit=xkit)
    # The one resend is used up by the first hop, so the second one, which netrc spoils, is left to the caller.
    assert session.get(f"{sandbox.provider_url('acme')}/redirect?to=/things", auth=auth).status_code == 401


@pytest.mark.drivers(requests=True)
def test_headers_that_the_caller_takes_off_stay_off(sandbox, driver, acme, session):
    request = prepared(driver, acme.url, acme.auths["ann"])
    del request.headers["X-Api-Key"]
    assert session.send(request).status_code == 401
    assert sandbox.call_count() == 1


@pytest.mark.drivers(requests=True)
def test_headers_that_the_caller_takes_off_a_stream_stay_off(sandbox, driver, acme, session):
    request = driver.lib.Request("POST", acme.url, auth=acme.auths["ann"], data=iter([b"once"])).prepare()
    del request.headers["X-Api-Key"]
    assert session.send(request).status_code == 401
    assert [each.body for each in sandbox.arrivals("acme")] == [b"once"]


@pytest.mark.drivers(requests=True)
def test_an_authorization_that_the_caller_puts_on_a_hop_is_the_callers(sandbox, driver, xkit, session):
    sandbox.connect("acme", "ann")
    auth = driver.auth("acme", context="ann", xkit=xkit)
    redirected = prepared(driver, f"{sandbox.provider_url('acme')}/redirect?to=/things", auth)
    hop = session.send(redirected, allow_redirects=False).next
    hop.headers["Authorization"] = "Bearer mine"
    assert session.send(hop).status_code == 401
    assert sandbox.call_count() == 1
