"""``with_credential``: a function gets the current credential, and is called once more if that was turned down."""

from __future__ import annotations

import json
from base64 import b64encode
from functools import partial

import pytest

from xkit_auth import (
    PRESENT,
    AuthorizationPending,
    ConfigurationError,
    Connector,
    Failure,
    NotConnected,
    PlatformUnavailable,
    ReauthorizationRequired,
    Verdict,
    Xkit,
    current_context,
    hookimpl,
    use_context,
)
from xkit_auth.sdk import with_credential


class Refused(Exception):
    """What an SDK raises that says nothing more."""


class Decorated:
    """A function of an SDK, sync or async as the driver is, that is decorated as a test wants it."""

    def __init__(self, sandbox, driver, xkit):
        self.driver = driver
        self.url = sandbox.provider_url("acme")
        self.xkit = xkit
        self.errors = []

    def judged(self, response, makes):
        if makes is not None and response.status_code >= 400:
            self.errors.append(makes(response))
            raise self.errors[-1]
        if makes is None:
            try:
                response.raise_for_status()
            except Exception as error:
                self.errors.append(error)
                raise
        return response.status_code

    def __call__(self, path="/things", *, makes=None, **options):
        """A call of the decorated function: it raises what its library does, or what ``makes`` makes of the answer."""
        decorate = with_credential("acme", **{"context": "user-1", "xkit": self.xkit, **options})
        if self.driver.loop is None:
            return partial(decorate(self.send), path, makes)
        return partial(self.awaited, decorate(self.asend), path, makes)

    def send(self, path, makes, *, token):
        headers = {"Authorization": f"Bearer {token}"}
        return self.judged(self.driver.send("GET", self.url + path, auth=None, headers=headers).raw, makes)

    async def asend(self, path, makes, *, token):
        headers = {"Authorization": f"Bearer {token}"}
        async with self.driver.lib.AsyncClient(timeout=30, trust_env=False, verify=False) as client:
            return self.judged(await client.get(self.url + path, headers=headers), makes)

    def awaited(self, function, *args, **kwargs):
        import anyio

        return anyio.run(partial(function, *args, **kwargs), backend=self.driver.loop)


@pytest.fixture
def decorated(sandbox, driver, xkit):
    sandbox.connect("acme", "user-1", credential="first-token")
    return Decorated(sandbox, driver, xkit)


def tokens_at(sandbox):
    return [each.headers["authorization"].removeprefix("Bearer ") for each in sandbox.arrivals("acme")]


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


RULES = [
    Failure(Verdict.REFETCH, status=400, json={"error": "expired"}),
    Failure(Verdict.RECONNECT, status=403, header={"X-Reason": "revoked"}),
    Failure(Verdict.DENIED, status=401, json={"error": "scope"}),
]


@pytest.fixture
def with_rules(sandbox):
    inspect = {400: "application/json", 401: "application/json"}
    sandbox.add_connector(Connector("acme", hosts=["x.example"], failures=RULES, inspect=inspect))


def test_the_connector_s_rules_read_the_answer_that_the_exception_brings(sandbox, with_rules, decorated):
    fails = decorated('/status/400?body={"error":"expired"}')
    with pytest.raises(Exception, match="400"):
        fails()
    assert sandbox.call_count() == 2
    with pytest.raises(Exception, match="401"):
        decorated('/status/401?body={"error":"scope"}')()
    assert len(tokens_at(sandbox)) == 2
    sandbox.wait_for_calls(3)  # in the background
    with pytest.raises(ReauthorizationRequired) as caught:
        decorated("/status/403?header=X-Reason:revoked")()
    assert caught.value.__cause__ is decorated.errors[-1]


class Bearing(Exception):
    """An SDK's exception with attributes of its own."""

    def __init__(self, **attributes):
        super().__init__("the SDK's own words")
        vars(self).update(attributes)


class Part:
    """An SDK's own object for an answer."""

    def __init__(self, **attributes):
        vars(self).update(attributes)


FORMS = {
    "a response of its own": lambda r: Bearing(
        response=Part(status=r.status_code, headers=dict(r.headers), body=r.text)
    ),
    "slack": lambda r: Bearing(
        response=Part(status_code=r.status_code, headers=dict(r.headers), data=json.loads(r.content))
    ),
    "status and body": lambda r: Bearing(status=r.status_code, headers=r.headers, body=r.content),
    "http_status and json_body": lambda r: Bearing(
        http_status=r.status_code, headers=dict(r.headers), json_body=json.loads(r.content)
    ),
    "response_code and response_body": lambda r: Bearing(response_code=r.status_code, response_body=r.json()),
    "status_code and data, without headers": lambda r: Bearing(status_code=r.status_code, data=r.json()),
    "a response that is a text": lambda r: Bearing(response="HTTP 400", status=r.status_code, data=r.json()),
    "no response": lambda r: Bearing(response=None, status=r.status_code, data=r.json()),
}


@pytest.mark.drivers(sync=True)
@pytest.mark.parametrize("makes", FORMS.values(), ids=FORMS)
def test_answers_are_read_in_all_the_forms_that_sdks_have(sandbox, with_rules, decorated, makes):
    with pytest.raises(Bearing):
        decorated('/status/400?body={"error":"expired"}', makes=makes)()
    assert sandbox.call_count() == 2
    with pytest.raises(Bearing):
        decorated('/status/400?body={"error":"other"}', makes=makes)()
    assert sandbox.call_count() == 2


@pytest.mark.drivers(requests=True)
def test_a_stream_that_nobody_wants_to_judge_is_not_read(sandbox, driver, xkit):
    token, url = sandbox.connect("acme", "user-1"), sandbox.provider_url("acme")
    with driver.lib.Session() as session:
        session.trust_env = False

        @with_credential("acme", context="user-1", xkit=xkit)
        def get(*, token):
            headers = {"Authorization": f"Bearer {token}"}
            session.get(f"{url}/status/403", headers=headers, stream=True).raise_for_status()

        with pytest.raises(driver.lib.HTTPError) as caught:
            get()
        with caught.value.response as response:
            assert response.raw.tell() == 0
    assert tokens_at(sandbox) == [token]


# What is passed


@pytest.mark.drivers(sync=True)
def test_a_credential_of_several_parts_is_passed_by_its_parts(sandbox, driver, xkit):
    sandbox.connect("acme", "user-1", credential={"user": "ann", "password": "first-password"})
    url = sandbox.provider_url("acme")

    @with_credential("acme", context="user-1", xkit=xkit, argument={"login": "user", "secret": "password"})
    def get(path, *, login, secret):
        headers = {"Authorization": f"Bearer {secret}", "X-Login": login}
        reply = driver.send("GET", url + path, auth=None, headers=headers)
        reply.raw.raise_for_status()
        return login

    assert get("/x") == "ann"
    sandbox.expire("acme", "user-1")
    renewed_login = get("/x")
    new = json.loads(sandbox.credential("acme", "user-1"))
    assert renewed_login == new["user"] != "ann"
    assert tokens_at(sandbox) == ["first-password", "first-password", new["password"]]


@pytest.mark.drivers(sync=True)
@pytest.mark.parametrize("argument", ["token", {"token": "no-such-part"}], ids=repr)
@pytest.mark.parametrize("rejected", [None, Exception])
def test_a_part_that_the_credential_does_not_have_is_said_by_name(sandbox, decorated, argument, rejected):
    sandbox.connect("acme", "user-1", credential={"user": "ann", "password": "first-password"})
    with pytest.raises(ConfigurationError, match="user, password") as caught:
        decorated(argument=argument, rejected=rejected)()
    assert tokens_at(sandbox) == []
    assert sandbox.call_count() == 1
    assert (caught.value.connector, caught.value.context) == ("acme", "user-1")


def test_who_passes_a_credential_has_it_their_way(sandbox, decorated):
    get = decorated()
    with pytest.raises(Exception) as caught:
        get(token="my-own")
    assert caught.value is decorated.errors[0]
    assert tokens_at(sandbox) == ["my-own"]
    assert sandbox.call_count() == 0


@pytest.mark.drivers(sync=True)
def test_the_context_is_looked_up_for_each_call(sandbox, decorated):
    sandbox.connect("acme", "user-2", credential="second-token")
    get = decorated(context=current_context)
    for user in ("user-1", "user-2"):
        with use_context(user):
            assert get() == 200
    with pytest.raises(ConfigurationError, match="current_context"):
        get()
    assert tokens_at(sandbox) == ["first-token", "second-token"]


def test_calls_share_what_is_held_with_everybody_of_the_same_account(sandbox, driver, decorated):
    get = decorated()
    auth = driver.auth("acme", context="user-1", xkit=decorated.xkit)
    driver.send("GET", decorated.url, auth=auth)
    sandbox.expire("acme", "user-1")
    assert get() == 200
    assert driver.send("GET", decorated.url, auth=auth).history == []
    assert sandbox.call_count() == 2


def test_the_slug_may_mean_a_connector_of_another_name(sandbox, with_rules, driver):
    sandbox.connect("mine", "user-1", credential="my-token")
    decorated = Decorated(sandbox, driver, sandbox.xkit(connectors={"mine": "acme"}))
    function = decorated.send if driver.loop is None else decorated.asend
    decorate = with_credential("mine", context="user-1", xkit=decorated.xkit)
    get = partial(decorate(function), '/status/400?body={"error":"expired"}', None)
    with pytest.raises(Exception, match="400"):
        get() if driver.loop is None else decorated.awaited(get)
    assert [call.connector for call in sandbox.calls] == ["mine", "mine"]
    assert tokens_at(sandbox) == ["my-token"]


@pytest.mark.drivers(sync=True)
@pytest.mark.parametrize("slug", ["nobody-knows-it", "with a space"])
def test_a_connector_that_no_plugin_knows_has_the_rules_that_hold_everywhere(sandbox, decorated, slug):
    decorated.xkit = Xkit(
        publishable_key=sandbox.publishable_key, secret_key=sandbox.secret_key, base_url=sandbox.base_url
    )
    sandbox.connect(slug, "user-1", credential="of-this-slug")

    @with_credential(slug, context="user-1", xkit=decorated.xkit)
    def get(*, token):
        return decorated.send("/status/401", None, token=token)

    with decorated.xkit, pytest.raises(Exception) as caught:
        get()
    assert caught.value is decorated.errors[0]
    assert sandbox.call_count() == 2


def test_listeners_hear_of_it_and_never_a_secret(sandbox, decorated):
    class Listener:
        events = []

        @hookimpl
        def xkit_auth_event(self, event):
            self.events.append(event)

    decorated.xkit = sandbox.xkit(plugins=[Listener()])
    get = decorated()
    get()
    sandbox.expire("acme", "user-1")
    get()
    kinds = [event.kind for event in Listener.events]
    assert [kind for kind in kinds if kind != "cache_hit"] == ["fetched", "rejected", "fetched", "resent"]
    assert "first-token" not in str(Listener.events)
    assert sandbox.credential("acme", "user-1") not in str(Listener.events)


@pytest.mark.drivers(sync=True)
@pytest.mark.parametrize(("claims", "told"), [("of-the-provider", "of-the-provider"), ("x-first-token-x", None)])
def test_a_challenge_reaches_the_listeners_unless_it_says_the_credential_back(sandbox, decorated, claims, told):
    class Listener:
        details = []

        @hookimpl
        def xkit_auth_event(self, event):
            if event.kind == "challenged":
                self.details.append(event.detail)

    rule = Failure(Verdict.CHALLENGE, status=401, challenge={"claims": PRESENT}, detail="claims")
    sandbox.add_connector(Connector("acme", hosts=["x.example"], failures=[rule]))
    decorated.xkit = sandbox.xkit(plugins=[Listener()])
    with pytest.raises(Exception, match="401"):
        decorated(f'/status/401?header=www-authenticate:Bearer claims="{claims}"')()
    assert Listener.details == [told]
    assert sandbox.call_count() == 1


@pytest.mark.drivers(sync=True)
def test_without_an_account_the_process_s_own_is_used_when_it_is_called(sandbox, decorated, monkeypatch):
    monkeypatch.setattr(Xkit, "_the_default", None)
    get = decorated(xkit=None)
    monkeypatch.setenv("XKIT_PUBLISHABLE_KEY", sandbox.publishable_key)
    monkeypatch.setenv("XKIT_SECRET_KEY", sandbox.secret_key)
    monkeypatch.setenv("XKIT_BASE_URL", sandbox.base_url)
    assert get() == 200
    Xkit.default().close()
    assert tokens_at(sandbox) == ["first-token"]


@pytest.mark.drivers(tasks=True)
def test_calls_in_tasks_that_are_refused_together_ask_xkit_once(sandbox, driver, decorated):
    import anyio

    get = with_credential("acme", context="user-1", xkit=decorated.xkit)(decorated.asend)

    async def all_of_them():
        await get("/x", None)
        sandbox.expire("acme", "user-1")
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(get, "/x", None)

    anyio.run(all_of_them, backend=driver.loop)
    assert sandbox.call_count() == 2
    assert tokens_at(sandbox).count(sandbox.credential("acme", "user-1")) == 5


@pytest.mark.drivers(tasks=True)
def test_a_call_that_is_cancelled_is_not_made_again(sandbox, driver, decorated):
    import anyio

    started = []

    @with_credential("acme", context="user-1", xkit=decorated.xkit, rejected=lambda error: True)
    async def waits(*, token):
        started.append(token)
        await anyio.sleep_forever()

    async def cancelled():
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as group:
                group.start_soon(waits)
                while not started:
                    await anyio.lowlevel.checkpoint()
                scope.cancel()

    anyio.run(cancelled, backend=driver.loop)
    assert started == ["first-token"]
