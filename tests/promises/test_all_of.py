"""Hard cases C17 and C19: other auth objects and hooks beside ours, on every client."""

from __future__ import annotations

import warnings

import pytest

from xkit_auth import ConfigurationError, ConflictWarning, Connector


def signature(driver, value="signed"):
    """An auth object of the caller's that puts a header of its own on the request."""
    if driver.library == "requests":

        def sign(request):
            request.headers["X-Signature"] = value
            return request

        return sign

    class Sign(driver.lib.Auth):
        def auth_flow(self, request):
            request.headers["X-Signature"] = value
            yield request

    return Sign()


@pytest.mark.parametrize("ours_is_first", [True, False])
def test_c17_a_refusal_is_healed_beside_another_auth_object(sandbox, driver, acme, ours_is_first):
    pair = (acme.auth, signature(driver)) if ours_is_first else (signature(driver), acme.auth)
    reply = driver.send("POST", acme.url, auth=driver.module.AllOf(*pair), json={"pay": 1})
    assert (reply.status, reply.history) == (200, [401])
    refused, again = sandbox.arrivals("acme")
    assert refused.headers["authorization"] == f"Bearer {acme.token}"
    assert again.headers["authorization"] == f"Bearer {sandbox.credential('acme', 'user-1')}"
    assert [each.headers["x-signature"] for each in (refused, again)] == ["signed", "signed"]
    assert refused.body == again.body == b'{"pay":1}' or refused.body == again.body == b'{"pay": 1}'
    assert sandbox.call_count() == 1


def test_c17_three_go_together_too(sandbox, driver, acme):
    auth = driver.module.AllOf(signature(driver, "first"), acme.auth, signature(driver, "last"))
    assert driver.send("GET", acme.url, auth=auth).status == 200
    assert [each.headers["x-signature"] for each in sandbox.arrivals("acme")] == ["last", "last"]


@pytest.mark.drivers(httpx=True)
def test_c17_each_flow_sees_what_is_left_when_those_inside_it_are_content(sandbox, driver, acme):
    seen = []

    class AsksAgain(driver.lib.Auth):
        def auth_flow(self, request):
            for _ in range(3):
                response = yield request
                seen.append(response.status_code)

    auth = driver.module.AllOf(AsksAgain(), acme.auth)
    reply = driver.send("GET", acme.url, auth=auth)
    assert seen == [200, 200, 200]
    assert [each.status for each in sandbox.arrivals("acme")] == [401, 200, 200, 200]
    assert reply.history == [401, 200, 200]


@pytest.mark.drivers(httpx=True)
def test_c17_what_an_inner_auth_reads_of_the_answer_is_read_for_it(sandbox, driver, acme):
    seen = []

    class Reads(driver.lib.Auth):
        requires_response_body = True

        def auth_flow(self, request):
            response = yield request
            seen.append(len(response.content))

    assert driver.send("GET", acme.url, auth=driver.module.AllOf(acme.auth, Reads())).status == 200
    assert len(seen) == 2
    assert all(seen)


def test_c17_a_header_of_our_own_still_stays_at_home(sandbox, driver, xkit):
    sandbox.add_connector(Connector("acme", hosts=["x.example"], header={"X-Api-Key": "{token}"}))
    token = sandbox.connect("acme", "user-1")
    auth = driver.module.AllOf(signature(driver), driver.auth("acme", context="user-1", xkit=xkit))
    url = f"{sandbox.provider_url('acme')}/redirect?to={sandbox.elsewhere_url}"
    assert driver.send("GET", url, auth=auth, follow_redirects=True).status == 200
    assert [each.headers["x-api-key"] for each in sandbox.arrivals("acme")] == [token]
    assert [each.headers.get("x-api-key") for each in sandbox.arrivals("elsewhere")] == [None]


def test_c17_an_error_of_ours_comes_through(sandbox, driver, acme):
    from xkit_auth import NotConnected

    sandbox.disable("acme", "user-1")
    with pytest.raises(NotConnected) as caught:
        driver.send("GET", acme.url, auth=driver.module.AllOf(signature(driver), acme.auth))
    assert caught.value.response.status_code == 401


def test_c17_what_cannot_go_together_is_refused_when_it_is_put_together(driver, acme):
    together = driver.module.AllOf
    with pytest.raises(ConfigurationError, match="two auth objects or more"):
        together(acme.auth)
    with pytest.raises(ConfigurationError, match="cannot take this tuple"):
        together(acme.auth, ("user", "password"))
    with pytest.raises(ConfigurationError, match="more than one XkitAuth"):
        together(acme.auth, together(signature(driver), acme.auth))


def test_c17_its_repr_shows_nothing_of_the_others(driver, acme):
    class Chatty(driver.lib.auth.AuthBase if driver.library == "requests" else driver.lib.Auth):
        def __repr__(self):
            return "a secret"

        def __call__(self, request):
            return request

    assert repr(driver.module.AllOf(Chatty(), acme.auth)) == "AllOf(Chatty, XkitAuth)"


@pytest.mark.drivers(httpx=True)
def test_c19_a_check_that_comes_after_auth_does_not_keep_it_from_healing(sandbox, driver, acme):
    check = driver.module.AfterAuth(driver.lib.Response.raise_for_status)
    auth = driver.module.AllOf(check, acme.auth)
    assert driver.send("GET", acme.url, auth=auth).status == 200
    sandbox.expire("acme", "user-1", renews=False)
    with pytest.raises(driver.lib.HTTPStatusError) as caught:
        driver.send("GET", acme.url, auth=auth)
    assert caught.value.response.status_code == 401
    assert repr(check) == "AfterAuth(…)"


@pytest.mark.drivers(httpx=True, tasks=True)
def test_c19_such_a_check_may_be_async(sandbox, driver, acme):
    seen = []

    async def check(response):
        seen.append((response.status_code, len(await response.aread())))

    assert (
        driver.send("GET", acme.url, auth=driver.module.AllOf(driver.module.AfterAuth(check), acme.auth)).status == 200
    )
    assert [status for status, size in seen if size] == [200]


@pytest.mark.drivers(httpx=True)
def test_c19_a_check_that_is_no_function_is_refused(driver):
    with pytest.raises(ConfigurationError, match="takes a function"):
        driver.module.AfterAuth("raise_for_status")


@pytest.mark.drivers(httpx=True, sync=True)
def test_c19_a_hook_that_raises_too_early_is_named_inside_other_auth_objects_too(sandbox, driver, acme):
    hooks = {"response": [lambda response: response.raise_for_status()]}
    auth = driver.module.AllOf(signature(driver), signature(driver), acme.auth)
    with (
        driver.session(auth=auth, event_hooks=hooks) as send,
        pytest.warns(ConflictWarning, match="event hook"),
        pytest.raises(driver.lib.HTTPStatusError),
    ):
        send("GET", acme.url)


@pytest.mark.drivers(requests=True)
def test_c20_hooks_of_other_auth_objects_see_the_answer_that_is_left(sandbox, driver, acme):
    seen = []

    def other(request):
        request.register_hook("response", lambda response, **how: seen.append(response.status_code))
        return request

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert driver.send("GET", acme.url, auth=driver.module.AllOf(other, acme.auth)).status == 200
    assert seen == [200]


@pytest.mark.drivers(httpx=True)
def test_c17_a_send_that_breaks_closes_every_flow_at_once(driver):
    closed = []

    class Notes(driver.lib.Auth):
        def __init__(self, name):
            self.name = name

        def sync_auth_flow(self, request):
            try:
                yield request
            finally:
                closed.append(self.name)

        async def async_auth_flow(self, request):
            try:
                yield request
            finally:
                closed.append(self.name)

    held = []  # so that it is not the garbage collector that closes them

    class Holds(driver.module.AllOf):
        def sync_auth_flow(self, request):
            held.append(super().sync_auth_flow(request))
            return held[-1]

        def async_auth_flow(self, request):
            held.append(super().async_auth_flow(request))
            return held[-1]

    with pytest.raises(driver.lib.ConnectError):
        driver.send("GET", "http://127.0.0.1:1/", auth=Holds(Notes("outer"), Notes("middle"), Notes("inner")))
    assert closed == ["inner", "middle", "outer"]


@pytest.mark.needs_all
@pytest.mark.parametrize("name", ["AllOf", "AfterAuth"])
def test_x1_what_is_for_another_library_says_so(sandbox, driver, name):
    import xkit_auth.httpx
    import xkit_auth.httpx2

    other = xkit_auth.httpx2 if driver.library == "httpx" else xkit_auth.httpx
    parts = [other.AfterAuth(lambda response: None)] * 2
    auth = other.AllOf(*parts) if name == "AllOf" else parts[0]
    with pytest.raises(
        ConfigurationError, match=f"This {name} is for {other.__name__.removeprefix('xkit_auth.')}, and"
    ):
        driver.send("GET", sandbox.elsewhere_url, auth=auth)
    assert sandbox.arrivals("elsewhere") == []
