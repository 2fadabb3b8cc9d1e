"""``with_credential``: which failures are refusals, and what follows from one."""

from __future__ import annotations

from base64 import b64encode

import pytest

from helpers.with_credential import (
    decorated,  # noqa: F401
    tokens_at,
)
from xkit_auth import (
    AuthorizationPending,
    ConfigurationError,
    NotConnected,
    PlatformUnavailable,
    ReauthorizationRequired,
    Verdict,
    hookimpl,
)


class Refused(Exception):
    """What an SDK raises that says nothing more."""


def test_it_gets_the_current_credential(sandbox, decorated):
    get = decorated()
    assert [get(), get()] == [200, 200]
    sandbox.rotate("acme", "user-1")
    decorated.xkit.forget()
    assert get() == 200
    assert tokens_at(sandbox) == ["first-token", "first-token", sandbox.credential("acme", "user-1")]
    assert sandbox.call_count() == 2


def test_a_call_whose_credential_is_turned_down_is_made_once_more(sandbox, decorated):
    get = decorated()
    get()
    sandbox.expire("acme", "user-1")
    assert get() == 200
    assert tokens_at(sandbox) == ["first-token", "first-token", sandbox.credential("acme", "user-1")]
    assert sandbox.call_count() == 2


def test_the_second_failure_is_the_caller_s(sandbox, decorated):
    get, fails = decorated(), decorated("/status/401")
    get()
    sandbox.expire("acme", "user-1")
    with pytest.raises(Exception) as caught:
        fails()
    assert len(decorated.errors) == 2
    assert caught.value is decorated.errors[1]
    assert tokens_at(sandbox) == ["first-token", "first-token", sandbox.credential("acme", "user-1")]
    assert sandbox.call_count() == 2


def test_a_credential_that_xkit_confirms_is_not_tried_again(sandbox, decorated):
    fails = decorated("/status/401")
    with pytest.raises(Exception) as caught:
        fails()
    assert caught.value is decorated.errors[0]
    assert tokens_at(sandbox) == ["first-token"]
    assert sandbox.call_count() == 2


@pytest.mark.parametrize("status", [400, 403, 404, 429, 500])
def test_other_failures_are_the_caller_s_at_once(sandbox, decorated, status):
    with pytest.raises(Exception) as caught:
        decorated(f"/status/{status}")()
    assert caught.value is decorated.errors[0]
    assert caught.value.response.status_code == status
    assert (len(tokens_at(sandbox)), sandbox.call_count()) == (1, 1)


def test_without_retry_the_next_call_gets_the_new_credential(sandbox, decorated):
    get = decorated(retry=False)
    get()
    sandbox.expire("acme", "user-1")
    with pytest.raises(Exception) as caught:
        get()
    assert caught.value is decorated.errors[0]
    assert get() == 200
    assert tokens_at(sandbox) == ["first-token", "first-token", sandbox.credential("acme", "user-1")]


# Errors of Xkit


def test_a_user_who_must_act_is_told_with_the_answer_and_the_sdk_s_exception(sandbox, decorated):
    decorated.xkit = sandbox.xkit(reconnect_url="https://app.example/{context}")
    get = decorated()
    get()
    sandbox.revoke("acme", "user-1")
    with pytest.raises(ReauthorizationRequired) as caught:
        get()
    error = caught.value
    assert error.__cause__ is decorated.errors[0]
    assert error.response is decorated.errors[0].response
    assert (error.connector, error.context, error.error_code) == ("acme", "user-1", "access_denied")
    assert error.reconnect_url == "https://app.example/user-1"
    assert tokens_at(sandbox) == ["first-token", "first-token"]


def test_the_answer_on_an_error_of_ours_does_not_show_the_credential(sandbox, decorated):
    get = decorated()
    get()
    sandbox.revoke("acme", "user-1")
    with pytest.raises(ReauthorizationRequired) as caught:
        get()
    assert "first-token" not in str(dict(caught.value.response.request.headers))


HOW_IT_IS_SENT = {
    "bearer": lambda token: {"headers": {"Authorization": f"Bearer {token}"}},
    "a header of another name": lambda token: {"headers": {"X-Api-Key": token}},
    "basic": lambda token: {"headers": {"Authorization": b"Basic " + b64encode(f"ann:{token}".encode())}},
    "query": lambda token: {"params": {"key": token, "a": "b"}},
    "json": lambda token: {"json": {"auth": {"token": token}}},
    "form": lambda token: {"data": {"token": token}},
    "bytes": lambda token: {"content": token.encode()},
    "hex": lambda token: {"headers": {"X-Api-Key": token.encode().hex()}},
    "cookie": lambda token: {"headers": {"Cookie": f"session={token}"}},
}


@pytest.mark.parametrize("how", HOW_IT_IS_SENT)
def test_wherever_a_function_has_put_the_credential_the_answer_on_our_error_does_not_lead_to_it(
    sandbox, driver, decorated, walk, how
):
    token = "first-Wq8/T5yPz2+LmKd"
    sandbox.connect("acme", "user-1", credential=token)

    def send(path, makes, *, token):
        with driver.session() as client:
            return decorated.judged(client("POST", decorated.url + path, **HOW_IT_IS_SENT[how](token)), makes)

    async def asend(path, makes, *, token):
        async with driver.lib.AsyncClient(timeout=30, trust_env=False, verify=False) as client:
            return decorated.judged(await client.post(decorated.url + path, **HOW_IT_IS_SENT[how](token)), makes)

    decorated.send, decorated.asend = send, asend
    decorated.xkit.get_credential("acme", context="user-1")
    sandbox.revoke("acme", "user-1")
    with pytest.raises(ReauthorizationRequired) as caught:
        decorated("/status/401")()
    assert caught.value.response is decorated.errors[0].response
    assert caught.value.response.status_code == 401
    assert walk([token]).found_in(caught.value.response) == []
    assert walk([token]).shows(str(caught.value)) is False


@pytest.mark.drivers(httpx=True)
def test_an_answer_without_a_request_is_good_enough(sandbox, driver, decorated):
    def mocked(response):
        return driver.lib.HTTPStatusError("401", request=response.request, response=driver.lib.Response(401))

    get = decorated(makes=mocked)
    get()
    sandbox.revoke("acme", "user-1")
    with pytest.raises(ReauthorizationRequired) as caught:
        get()
    assert caught.value.response is decorated.errors[0].response


def test_an_outage_of_xkit_after_a_refusal_says_so_with_the_answer(sandbox, decorated):
    get = decorated()
    get()
    sandbox.expire("acme", "user-1")
    sandbox.down("503")
    with pytest.raises(PlatformUnavailable) as caught:
        get()
    assert caught.value.response.status_code == 401
    assert caught.value.__cause__ is not None
    assert (caught.value.connector, caught.value.context) == ("acme", "user-1")
    assert tokens_at(sandbox) == ["first-token", "first-token"]


@pytest.mark.parametrize(
    ("happens", "error"),
    [("forget_connection", NotConnected), ("disable", NotConnected), ("pending", AuthorizationPending)],
)
def test_without_a_credential_it_is_not_called(sandbox, decorated, happens, error):
    getattr(sandbox, happens)("acme", "user-1")
    with pytest.raises(error) as caught:
        decorated()()
    assert (caught.value.connector, caught.value.context) == ("acme", "user-1")
    assert caught.value.response is None
    assert tokens_at(sandbox) == []


def test_an_error_of_ours_that_the_function_raises_is_no_refusal_of_its_credential(sandbox, decorated):
    def of_another_connector(response):
        error = NotConnected("The user never connected", connector="other", context="user-1")
        error.response = response
        return error

    with pytest.raises(NotConnected) as caught:
        decorated("/status/401", makes=of_another_connector)()
    assert caught.value is decorated.errors[0]
    assert caught.value.connector == "other"
    assert (len(tokens_at(sandbox)), sandbox.call_count()) == (1, 1)


# Which exception means that it was turned down


@pytest.mark.parametrize(
    "rejected",
    [
        Refused,
        (KeyError, Refused),
        Exception,
        lambda error: isinstance(error, Refused),
        lambda error: "dead" in str(error),
    ],
    ids=["class", "tuple", "base class", "function", "function of its text"],
)
def test_the_application_says_which_exception_it_is(sandbox, decorated, rejected):
    get = decorated(makes=lambda response: Refused("the token is dead"), rejected=rejected)
    get()
    sandbox.expire("acme", "user-1")
    assert get() == 200
    assert tokens_at(sandbox) == ["first-token", "first-token", sandbox.credential("acme", "user-1")]


@pytest.mark.parametrize("rejected", [KeyError, (KeyError,), lambda error: False, lambda error: None])
def test_any_other_exception_is_none_then_whatever_answer_it_brings(sandbox, decorated, rejected):
    get = decorated(rejected=rejected)
    sandbox.expire("acme", "user-1", renews=False)
    with pytest.raises(Exception) as caught:
        get()
    assert caught.value is decorated.errors[0]
    assert caught.value.response.status_code == 401
    assert (len(tokens_at(sandbox)), sandbox.call_count()) == (1, 1)


def test_an_exception_without_an_answer_is_none(sandbox, decorated):
    sandbox.expire("acme", "user-1", renews=False)
    with pytest.raises(Refused):
        decorated(makes=lambda response: Refused())()
    assert (len(tokens_at(sandbox)), sandbox.call_count()) == (1, 1)


class Classifies:
    """A plugin that says what an exception means."""

    def __init__(self, says):
        self.says = says
        self.asked = []

    @hookimpl
    def xkit_auth_classify_exception(self, connector, exception):
        self.asked.append((connector.slug, exception))
        return self.says(exception) if callable(self.says) else self.says


def test_the_plugin_says_which_exception_it_is(sandbox, decorated):
    plugin = Classifies(Verdict.REFETCH)
    decorated.xkit = sandbox.xkit(plugins=[plugin])
    get = decorated(makes=lambda response: Refused())
    get()
    sandbox.expire("acme", "user-1")
    assert get() == 200
    assert plugin.asked == [("acme", decorated.errors[0])]
    assert tokens_at(sandbox) == ["first-token", "first-token", sandbox.credential("acme", "user-1")]


def test_what_the_application_says_goes_before_the_plugin(sandbox, decorated):
    plugin = Classifies(Verdict.REFETCH)
    decorated.xkit = sandbox.xkit(plugins=[plugin])
    with pytest.raises(Refused):
        decorated("/status/401", makes=lambda response: Refused(), rejected=KeyError)()
    assert plugin.asked == []
    assert sandbox.call_count() == 1


@pytest.mark.parametrize(("verdict", "calls"), [(None, 2), (Verdict.ACCEPTED, 1)])
def test_what_the_plugin_says_goes_before_the_rules_and_none_leaves_it_to_them(sandbox, decorated, verdict, calls):
    decorated.xkit = sandbox.xkit(plugins=[Classifies(verdict)])
    with pytest.raises(Exception) as caught:
        decorated("/status/401")()
    assert caught.value is decorated.errors[0]
    assert sandbox.call_count() == calls


def test_what_the_plugin_calls_denied_is_not_called_again_and_xkit_is_asked_in_the_background(sandbox, decorated):
    decorated.xkit = sandbox.xkit(plugins=[Classifies(Verdict.DENIED)])
    with pytest.raises(Exception) as caught:
        decorated("/status/401")()
    assert caught.value is decorated.errors[0]
    assert len(decorated.errors) == 1
    sandbox.wait_for_calls(2)


def test_a_plugin_that_says_reconnect_leads_to_an_error_from_the_exception(sandbox, decorated):
    decorated.xkit = sandbox.xkit(plugins=[Classifies(Verdict.RECONNECT)], reconnect_url="https://x.example/{context}")
    with pytest.raises(ReauthorizationRequired, match="revoked the authorization") as caught:
        decorated("/status/400")()
    assert caught.value.__cause__ is decorated.errors[0]
    assert caught.value.response is decorated.errors[0].response
    assert caught.value.reconnect_url == "https://x.example/user-1"
    assert (len(tokens_at(sandbox)), sandbox.call_count()) == (1, 2)


def test_reconnect_is_made_good_by_a_newer_authorization(sandbox, decorated):
    decorated.xkit = sandbox.xkit(plugins=[Classifies(Verdict.RECONNECT)])
    get = decorated()
    get()
    sandbox.rotate("acme", "user-1")
    assert get() == 200
    assert tokens_at(sandbox) == ["first-token", "first-token", sandbox.credential("acme", "user-1")]


@pytest.mark.parametrize("says", ["refetch", True, 401, object()])
def test_a_plugin_that_answers_with_nonsense_is_named(sandbox, decorated, says):
    decorated.xkit = sandbox.xkit(plugins=[Classifies(says)])
    with pytest.raises(ConfigurationError, match="returned something that is not a Verdict") as caught:
        decorated("/status/401")()
    assert caught.value.__cause__ is decorated.errors[0]
    assert (caught.value.connector, caught.value.context) == ("acme", "user-1")
    assert sandbox.call_count() == 1


@pytest.mark.parametrize("kind", [ValueError, NotConnected])
def test_a_plugin_that_fails_is_named_and_shows_no_credential(sandbox, decorated, kind):
    def fails(exception):
        raise kind("what is first-token?")

    decorated.xkit = sandbox.xkit(plugins=[Classifies(fails)])
    with pytest.raises(ConfigurationError, match=f"xkit_auth_classify_exception raised {kind.__name__}") as caught:
        decorated("/status/401")()
    assert caught.value.__cause__ is decorated.errors[0]
    assert caught.value.__context__ is None or "first-token" not in str(caught.value.__context__)
    assert "first-token" not in str(caught.value)
