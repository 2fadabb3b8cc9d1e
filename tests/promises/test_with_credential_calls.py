"""``with_credential``: responses in every form, arguments, accounts, events and tasks."""

from __future__ import annotations

import json
from functools import partial

import pytest

from helpers.with_credential import (
    Decorated,
    decorated,  # noqa: F401
    tokens_at,
)
from xkit_auth import (
    PRESENT,
    ConfigurationError,
    Connector,
    Failure,
    ReauthorizationRequired,
    Verdict,
    Xkit,
    current_context,
    hookimpl,
    use_context,
)
from xkit_auth.sdk import with_credential

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
