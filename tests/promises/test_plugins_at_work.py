"""What plugins can say about a request, seen at the far side on every client."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from xkit_auth import (
    ANY,
    ConfigurationError,
    Connector,
    Default,
    Failure,
    HostNotAllowed,
    Judgement,
    Placement,
    PlatformProtocolError,
    Verdict,
    Xkit,
    hookimpl,
)

SIGNED = Connector("signed", hosts=["x.example"])


class Signer:
    """A plugin that signs each request with the credential."""

    @hookimpl
    def xkit_auth_connectors(self):
        return [SIGNED]

    @hookimpl
    def xkit_auth_format_headers(self, connector, credential, request):
        if connector.slug != "signed":
            return None
        digest = hmac.new(credential.reveal().encode(), request.body or b"", hashlib.sha256).hexdigest()
        return {"X-Signature": f"{request.method}:{digest}", "X-Key": credential.reveal()}


def signature(token, method, body):
    return f"{method}:{hmac.new(token.encode(), body, hashlib.sha256).hexdigest()}"


def test_a_plugin_signs_each_request_and_signs_anew_when_it_is_sent_again(sandbox, driver):
    xkit = sandbox.xkit(plugins=[Signer()])
    old = sandbox.connect("signed", "user-1")
    auth = driver.auth("signed", context="user-1", xkit=xkit)
    url = sandbox.provider_url("signed")
    assert driver.send("POST", url, auth=auth, content=b"one").status == 200
    sandbox.expire("signed", "user-1")
    assert driver.send("POST", url, auth=auth, content=b"two").status == 200
    new = sandbox.credential("signed", "user-1")
    assert [each.headers["x-signature"] for each in sandbox.arrivals("signed")] == [
        signature(old, "POST", b"one"),
        signature(old, "POST", b"two"),
        signature(new, "POST", b"two"),
    ]


def test_headers_that_a_plugin_makes_do_not_follow_a_redirect_elsewhere(sandbox, driver):
    xkit = sandbox.xkit(plugins=[Signer()])
    token = sandbox.connect("signed", "user-1")
    auth = driver.auth("signed", context="user-1", xkit=xkit)
    url = f"{sandbox.provider_url('signed')}/redirect?to={sandbox.elsewhere_url}"
    assert driver.send("GET", url, auth=auth, follow_redirects=True).status == 200
    (arrival,) = sandbox.arrivals("elsewhere")
    assert not {"x-signature", "x-key"} & set(arrival.headers)
    assert token not in str(arrival.raw_headers)


@pytest.mark.parametrize("made", [ValueError("token {token} is odd"), {"X-Key": "a\nb"}, {"X Key": "a"}, "Bearer", {}])
def test_a_plugin_that_fails_to_make_headers_keeps_the_request_from_being_sent(sandbox, driver, made):
    class Broken:
        @hookimpl
        def xkit_auth_format_headers(self, credential):
            if isinstance(made, Exception):
                raise type(made)(str(made).format(token=credential.reveal()))
            return made

    xkit = sandbox.xkit(plugins=[Broken()])
    token = sandbox.connect("acme", "user-1")
    with pytest.raises(ConfigurationError, match="xkit_auth_format_headers") as caught:
        driver.send("GET", sandbox.provider_url("acme"), auth=driver.auth("acme", context="user-1", xkit=xkit))
    assert sandbox.arrivals("acme") == []
    assert token not in str(caught.value)
    assert caught.value.__context__ is None or token not in str(caught.value.__context__)


def test_a_plugin_judges_answers_and_its_challenge_reaches_the_listeners(sandbox, driver):
    class Judge:
        def __init__(self):
            self.events = []

        @hookimpl
        def xkit_auth_classify_response(self, response):
            if response.status == 401:
                return Judgement(Verdict.CHALLENGE, f"claims for {response.request.method}")
            return Verdict.REFETCH if response.status == 418 else None

        @hookimpl
        def xkit_auth_event(self, event):
            self.events.append((event.kind, event.detail))

    judge = Judge()
    xkit = sandbox.xkit(plugins=[judge])
    sandbox.connect("acme", "user-1")
    auth = driver.auth("acme", context="user-1", xkit=xkit)
    url = sandbox.provider_url("acme")
    assert driver.send("GET", f"{url}/status/401", auth=auth).status == 401
    assert ("challenged", "claims for GET") in judge.events
    assert sandbox.call_count() == 1
    assert driver.send("GET", f"{url}/status/418", auth=auth).status == 418
    assert sandbox.call_count() == 2


def test_listeners_hear_the_whole_story_and_never_a_secret(sandbox, driver):
    class Listener:
        def __init__(self):
            self.events = []

        @hookimpl
        def xkit_auth_event(self, event):
            self.events.append(event)

    listener = Listener()
    xkit = sandbox.xkit(plugins=[listener])
    token = sandbox.connect("acme", "user-1")
    auth = driver.auth("acme", context="user-1", xkit=xkit)
    url = sandbox.provider_url("acme")
    for _ in range(2):
        driver.send("GET", url, auth=auth)
    sandbox.expire("acme", "user-1")
    driver.send("GET", url, auth=auth)
    newer = sandbox.credential("acme", "user-1")
    kinds = [event.kind for event in listener.events]
    assert kinds == ["fetched", "cache_hit", "cache_hit", "rejected", "fetched", "resent"]
    assert len({event.fingerprint for event in listener.events}) == 2
    assert {(event.connector, event.context) for event in listener.events} == {("acme", "user-1")}
    assert token not in str(listener.events)
    assert newer not in str(listener.events)


def test_extra_headers_go_along_and_those_marked_default_give_way(sandbox, driver, xkit):
    sandbox.add_connector(
        Connector("acme", hosts=["x.example"], extra={"Acme-Version": Default("2"), "Acme-App": "always"})
    )
    sandbox.connect("acme", "user-1")
    auth = driver.auth("acme", context="user-1", xkit=xkit)
    url = sandbox.provider_url("acme")
    driver.send("GET", url, auth=auth)
    driver.send("GET", url, auth=auth, headers={"acme-version": "3", "acme-app": "mine"})
    seen = [(each.headers["acme-version"], each.headers["acme-app"]) for each in sandbox.arrivals("acme")]
    assert seen == [("2", "always"), ("3", "always")]


def test_a_connector_with_several_kinds_is_told_which_one_it_is(sandbox, driver, xkit):
    kinds = {"oauth2": Placement(), "api_key": Placement(header={"X-Key": "{token}"})}
    sandbox.add_connector(Connector("acme", hosts=["x.example"], kinds=kinds))
    token = sandbox.connect("acme", "user-1")
    url = sandbox.provider_url("acme")
    for kind in (None, "api_key", lambda context: "api_key" if context == "user-1" else "oauth2"):
        assert driver.send("GET", url, auth=driver.auth("acme", context="user-1", xkit=xkit, kind=kind)).status == 200
    first, *others = sandbox.arrivals("acme")
    assert first.headers["authorization"] == f"Bearer {token}"
    assert all(each.headers["x-key"] == token and "authorization" not in each.headers for each in others)
    with pytest.raises(ConfigurationError, match="oauth2, api_key"):
        driver.send("GET", url, auth=driver.auth("acme", context="user-1", xkit=xkit, kind="basic"))


def test_params_fill_hosts_and_headers_and_are_checked(sandbox, driver):
    class Plugin:
        @hookimpl
        def xkit_auth_connectors(self):
            params = {"subdomain": "label", "tenant": "id", "region": ("eu", "us"), "site": ".acme.example"}
            hosts = ["{param.subdomain}.acme.example", "{param.site}"]
            return [Connector("acme", hosts=hosts, params=params, extra={"Tenant": "{param.tenant}.{param.region}"})]

    good = {"subdomain": "ann", "tenant": "t_1", "region": "eu", "site": "bob.acme.example"}
    from xkit_auth import Xkit

    with Xkit(publishable_key="pk", secret_key="sk", plugins=[Plugin()]) as xkit:
        directory = xkit.directory
        policy = directory.policy_for("acme", params=good)
        assert policy.allows("https://ann.acme.example/")
        assert policy.allows("https://bob.acme.example/")
        assert not policy.allows("https://eve.acme.example/")
        assert policy.extra == (("Tenant", "t_1.eu", False),)
        for name, bad in [
            ("subdomain", "evil.example/"),
            ("subdomain", "a.b"),
            ("tenant", "x/y"),
            ("region", "mars"),
            ("site", "acme.example"),
            ("site", "evil.example"),
        ]:
            auth = driver.auth("acme", context="user-1", xkit=xkit, params={**good, name: bad})
            with pytest.raises(ConfigurationError, match=name):
                driver.send("GET", "https://ann.acme.example/", auth=auth)
        auth = driver.auth("acme", context="user-1", xkit=xkit, params=lambda _context: None)
        with pytest.raises(ConfigurationError, match="is missing"):
            driver.send("GET", "https://ann.acme.example/", auth=auth)


def test_any_chooses_the_connector_by_the_requests_host(sandbox, driver, xkit):
    sandbox.connect("acme", "user-1")
    sandbox.connect("other", "user-1")
    auth = driver.auth(ANY, context="user-1", xkit=xkit)
    for slug in ("acme", "other"):
        assert driver.send("GET", sandbox.provider_url(slug), auth=auth).status == 200
    assert [call.connector for call in sandbox.calls] == ["acme", "other"]
    with pytest.raises(HostNotAllowed, match="those of the connectors in use"):
        driver.send("GET", sandbox.elsewhere_url, auth=auth)


def test_any_names_both_connectors_that_serve_a_host(sandbox, driver):
    xkit = sandbox.xkit(connectors={"one": "acme", "two": "acme"})
    sandbox.connect("one", "user-1")
    with pytest.raises(ConfigurationError, match="one and two"):
        driver.send("GET", sandbox.provider_url("acme"), auth=driver.auth(ANY, context="user-1", xkit=xkit))


class OneHost:
    """A plugin whose connectors share a host: in the sandbox, each provider has one of its own."""

    def __init__(self, host):
        self.host = host

    @hookimpl
    def xkit_auth_connectors(self):
        drive = Connector("drive", hosts=[self.host], paths=["/drive/", "/upload/drive/"])
        return [drive, Connector("calendar", hosts=[self.host], paths=["/calendar/"])]


def test_any_tells_connectors_of_one_host_apart_by_path(sandbox, driver):
    url = sandbox.provider_url("shared")
    for slug in ("drive", "calendar"):
        sandbox.connect(slug, "user-1", credential=f"of-the-{slug}")
    keys = {"publishable_key": sandbox.publishable_key, "secret_key": sandbox.secret_key}
    with Xkit(**keys, base_url=sandbox.base_url, plugins=[OneHost(url.removeprefix("http://"))]) as xkit:
        auth = driver.auth(ANY, context="user-1", xkit=xkit)
        for path in ("/drive/v3/files", "/calendar/v3/events?a=1", "/upload/drive/v3"):
            driver.send("GET", url + path, auth=auth)
        arrived = [each.headers["authorization"] for each in sandbox.arrivals("shared")]
        assert arrived == ["Bearer of-the-drive", "Bearer of-the-calendar", "Bearer of-the-drive"]
        with pytest.raises(ConfigurationError, match="calendar and drive all serve"):
            driver.send("GET", f"{url}/oauth2/v3/userinfo", auth=auth)


def test_a_user_name_with_a_colon_cannot_be_sent_as_basic(sandbox, driver, xkit):
    sandbox.add_connector(Connector("acme", hosts=["x.example"], basic=("{field.user}", "{field.password}")))
    sandbox.connect("acme", "user-1", credential={"user": "a:b", "password": "s3cret-text"})
    with pytest.raises(PlatformProtocolError, match="colon"):
        driver.send("GET", sandbox.provider_url("acme"), auth=driver.auth("acme", context="user-1", xkit=xkit))
    assert sandbox.arrivals("acme") == []


def test_a_credential_without_the_field_that_the_connector_wants_is_said_by_name(sandbox, driver, xkit):
    sandbox.add_connector(Connector("acme", hosts=["x.example"], basic=("{field.user}", "{token}")))
    sandbox.connect("acme", "user-1", credential={"name": "ann", "password": "s3cret-text"})
    with pytest.raises(ConfigurationError, match="name, password") as caught:
        driver.send("GET", sandbox.provider_url("acme"), auth=driver.auth("acme", context="user-1", xkit=xkit))
    assert (caught.value.connector, caught.value.context) == ("acme", "user-1")


def test_a_rule_can_look_into_the_body_of_a_400(sandbox, driver, xkit):
    rule = Failure(Verdict.REFETCH, status=400, json={"error.code": (190, 102)})
    sandbox.add_connector(Connector("acme", hosts=["x.example"], failures=[rule], inspect={400: "application/json"}))
    sandbox.connect("acme", "user-1")
    auth = driver.auth("acme", context="user-1", xkit=xkit)
    url = f"{sandbox.provider_url('acme')}/status/400?header=content-type:application/json&body="
    assert driver.send("GET", f'{url}{{"error":{{"code":190}}}}', auth=auth).status == 400
    assert sandbox.call_count() == 2
    assert driver.send("GET", f'{url}{{"error":{{"code":1}}}}', auth=auth).text == '{"error":{"code":1}}'
    assert sandbox.call_count() == 2
