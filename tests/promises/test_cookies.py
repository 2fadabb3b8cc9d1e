"""Cookies: those of a refused answer go out with nothing, and the recipe of the docs keeps all of them out."""

from __future__ import annotations

from http.cookiejar import CookieJar, DefaultCookiePolicy

import pytest


@pytest.fixture
def acme(sandbox, driver, xkit):
    """Two users whose credentials are held and have just expired, at a provider that sets cookies."""

    class Acme:
        url = f"{sandbox.provider_url('acme')}/status/200?header=set-cookie:who%3Done"
        refusing = f"{sandbox.provider_url('acme')}/status/401?header=set-cookie:who%3Drefused"

        @staticmethod
        def auth(user):
            return driver.auth("acme", context=user, xkit=xkit)

    for user in ("alice", "bob"):
        sandbox.connect("acme", user)
        xkit.get_credential("acme", context=user)
        sandbox.rotate("acme", user)
    sandbox.clear()
    return Acme


def no_cookies(driver):
    """The recipe of the guide to serving many users."""
    policy = DefaultCookiePolicy(allowed_domains=[])
    if driver.library != "requests":
        return {"cookies": CookieJar(policy)}
    from requests.cookies import RequestsCookieJar

    jar = RequestsCookieJar()
    jar.set_policy(policy)
    return {"cookies": jar}


def cookies(sandbox):
    return [each.headers.get("cookie") for each in sandbox.arrivals("acme")]


def kept(send):
    held = [cell.cell_contents for cell in send.__closure__]
    client = next(each for each in held if hasattr(each, "send") and hasattr(each, "cookies"))
    jar = getattr(client.cookies, "jar", client.cookies)
    return [cookie.value for cookie in jar]


def test_with_the_recipe_no_cookie_goes_out_or_is_kept_whatever_is_sent_again(sandbox, driver, acme):
    with driver.session(**no_cookies(driver)) as send:
        for user in ("alice", "bob", "alice"):
            response = send("GET", acme.refusing, auth=acme.auth(user))
            assert [each.status_code for each in response.history] in ([401], [])
            assert send("GET", acme.url, auth=acme.auth(user)).status_code == 200
        assert kept(send) == []
    assert len(cookies(sandbox)) > 6
    assert set(cookies(sandbox)) == {None}


def test_with_the_recipe_a_request_that_is_sent_again_by_its_owner_has_no_cookie(sandbox, driver, acme):
    with driver.session(**no_cookies(driver)) as send:
        response = send("GET", acme.refusing, auth=acme.auth("alice"))
        assert "cookie" not in response.request.headers
        assert "cookie" not in response.history[0].request.headers
        if driver.library == "requests":
            assert list(response.request._cookies) == []


def test_a_refused_answers_cookie_does_not_go_out_with_the_second_send_and_is_kept_as_the_client_keeps_cookies(
    sandbox, driver, acme
):
    with driver.session() as send:
        send("GET", acme.refusing, auth=acme.auth("alice"))
        assert cookies(sandbox) == [None, None]
        assert kept(send) == ["refused"]


def test_a_cookie_that_was_there_before_goes_out_with_both(sandbox, driver, acme):
    with driver.session() as send:
        send("GET", acme.refusing, auth=acme.auth("alice"), headers={"cookie": "mine=1"})
    assert cookies(sandbox) == ["mine=1", "mine=1"]
