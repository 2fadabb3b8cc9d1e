"""Hard cases H13 and H14 on requests: libraries that answer in a provider's place are taken for one.

Tried with vcrpy, betamax, responses, requests-mock, requests-file, requests-cache and CacheControl, on an answer with
401 and on Slack's 200 that means the same.
"""

from __future__ import annotations

import json
import re
import warnings
from email.utils import formatdate
from pathlib import Path

import pytest

from xkit_auth import (
    ConflictWarning,
    Connector,
    HostNotAllowed,
    NotConnected,
    Placement,
    current_context,
    hookimpl,
    use_context,
)

pytestmark = pytest.mark.drivers(requests=True)

HOST = "api.acme.example"
USER = "user-1"
PLACEMENTS = {
    "acme": Placement(),
    "keyed": Placement(header={"X-Api-Key": "{token}"}),
    "in-url": Placement(query={"access_token": "{token}"}),
}


@pytest.fixture(params=[*PLACEMENTS, "slack"])
def provider(request, sandbox, driver, xkit):
    """A provider that refuses with 401, or as Slack does; its user's credential is held, and has just been replaced."""
    for slug, placement in PLACEMENTS.items():
        sandbox.add_connector(Connector(slug, hosts=[HOST], kinds={"it": placement}))

    class Provider:
        slug = request.param
        refusal = 200 if slug == "slack" else 401
        body = {"ok": False, "error": "token_expired"} if slug == "slack" else {}
        url = f"{sandbox.slack_url}/api/auth.test" if slug == "slack" else f"{sandbox.provider_url(slug)}/things"
        kind = {} if slug == "slack" else {"kind": "it"}
        token = sandbox.connect(slug, USER)

        @classmethod
        def auth(cls, user=USER, **arguments):
            return driver.auth(cls.slug, context=user, xkit=xkit, **cls.kind, **arguments)

        @classmethod
        def elsewhere(cls):
            """The auth object for a host that is not there."""
            return cls.auth(hosts=[HOST])

        @classmethod
        def answer(cls, request):
            """What it says to a request that did not reach it: a status and a body."""
            said = f"{dict(request.headers)}{request.url}"
            return (200, {"ok": True}) if sandbox.credential(cls.slug, USER) in said else (cls.refusal, cls.body)

    xkit.get_credential(Provider.slug, context=USER)
    sandbox.rotate(Provider.slug, USER)
    sandbox.clear()
    return Provider


@pytest.fixture
def session(driver):
    with driver.lib.Session() as session:
        session.trust_env = False
        yield session


def healed(sandbox, provider, get):
    """A request that is refused and healed, and a second one that is not."""
    for history in ([provider.refusal], []):
        response = get()
        assert response.status_code == 200
        assert response.json().get("ok", True)
        assert [each.status_code for each in response.history] == history
    assert sandbox.call_count() == 1


def healed_as_a_stream(sandbox, provider, get):
    """The same if nobody reads the body before the caller does, so that a 200 is not looked into."""
    response = get(stream=True)
    expected = [] if provider.refusal == 200 else [401]
    assert (response.status_code, [each.status_code for each in response.history]) == (200, expected)
    assert response.json()["ok"] is (provider.refusal != 200) if "ok" in response.json() else True


def refused_for_good(sandbox, provider, get):
    sandbox.disable(provider.slug, USER)
    with pytest.raises(NotConnected) as caught:
        get()
    response = caught.value.response
    assert response.status_code == provider.refusal
    assert provider.refusal == 401 or response.json() == provider.body
    assert provider.token not in f"{vars(response.request)}"


CASES = [healed, healed_as_a_stream, refused_for_good]


def said_in(page, what, **names):
    """What a block of one of the guides comes to."""
    text = (Path(__file__).parents[2] / "docs" / "how-to" / f"{page}.md").read_text(encoding="utf-8")
    (block,) = [each for each in re.findall(r"^```.*\n(?::.*\n)*((?:.*\n)*?)```$", text, re.MULTILINE) if what in each]
    exec(block, names)
    return names


# In tests


@pytest.mark.parametrize("case", CASES)
def test_h13_responses_is_taken_for_the_provider(sandbox, provider, session, case):
    responses = pytest.importorskip("responses")

    def answer(request):
        status, body = provider.answer(request)
        return status, {}, json.dumps(body)

    with responses.RequestsMock() as mock:
        mock.add_passthru(sandbox.base_url)
        mock.add_callback("GET", f"https://{HOST}/x", callback=answer, content_type="application/json")
        case(sandbox, provider, lambda **how: session.get(f"https://{HOST}/x", auth=provider.elsewhere(), **how))


@pytest.mark.parametrize("case", CASES)
def test_h13_requests_mock_is_taken_for_the_provider(sandbox, provider, session, case):
    requests_mock = pytest.importorskip("requests_mock")

    def answer(request, context):
        context.status_code, body = provider.answer(request)
        context.headers["Content-Type"] = "application/json"
        return body

    with requests_mock.Mocker(real_http=True) as mock:
        mock.get(f"https://{HOST}/x", json=answer)
        case(sandbox, provider, lambda **how: session.get(f"https://{HOST}/x", auth=provider.elsewhere(), **how))


def test_h13_what_requests_mock_redirects_stays_at_home(sandbox, provider, session):
    requests_mock = pytest.importorskip("requests_mock")
    with requests_mock.Mocker() as mock:
        mock.get(f"https://{HOST}/", status_code=302, headers={"Location": f"https://{HOST}/y"})
        mock.get(f"https://{HOST}/y", status_code=302, headers={"Location": "https://evil.example/"})
        mock.get("https://evil.example/", status_code=302, headers={"Location": f"https://{HOST}/z"})
        mock.get(f"https://{HOST}/z", status_code=401)
        assert session.get(f"https://{HOST}/", auth=provider.elsewhere()).status_code == 401
        carried = [provider.token in f"{each.headers}{each.url}" for each in mock.request_history]
    assert carried == [True, True, False, False]


@pytest.mark.parametrize("case", CASES)
def test_h13_vcrpy_records_and_replays_refusals(sandbox, provider, session, case, tmp_path):
    """With the token kept out as the guide to testing an application says it."""
    pytest.importorskip("vcr")
    recorder = said_in("test-your-application", "import vcr")["recorder"]
    for mode in ("once", "none"):
        with recorder.use_cassette(str(tmp_path / "cassette.yaml"), record_mode=mode):
            case(sandbox, provider, lambda **how: session.get(provider.url, auth=provider.auth(), **how))
        recorded = (tmp_path / "cassette.yaml").read_text()
        assert provider.token not in recorded
        if case is refused_for_good:
            return
        assert str(sandbox.credential(provider.slug, USER)) not in recorded
        assert (len(sandbox.arrivals(provider.slug)) > 0) is (mode == "once")
        sandbox.rotate(provider.slug, USER)
        sandbox.clear()


def test_h13_what_betamax_records_is_judged_and_what_it_replays_is_given_back(sandbox, provider, session, tmp_path):
    """A request out of a cassette is not the one that carried our credential, so its answer says nothing about that."""
    betamax = pytest.importorskip("betamax")
    recorder = betamax.Betamax(session, cassette_library_dir=str(tmp_path))
    matching = {"match_requests_on": ["method", "path"]}
    with recorder.use_cassette("cassette", record="once", **matching):
        healed(sandbox, provider, lambda: session.get(provider.url, auth=provider.auth()))
    sandbox.rotate(provider.slug, USER)
    sandbox.clear()
    with recorder.use_cassette("cassette", record="none", **matching):
        response = session.get(provider.url, auth=provider.auth())
    assert (response.status_code, response.history) == (provider.refusal, [])
    assert sandbox.arrivals(provider.slug) == []
    assert sandbox.call_count() == 0


@pytest.mark.parametrize("case", [refused_for_good])
def test_h13_what_betamax_records_is_refused_for_good(sandbox, provider, session, case, tmp_path):
    betamax = pytest.importorskip("betamax")
    with betamax.Betamax(session, cassette_library_dir=str(tmp_path)).use_cassette("cassette", record="once"):
        case(sandbox, provider, lambda **how: session.get(provider.url, auth=provider.auth(), **how))


def test_h13_a_file_is_no_place_for_a_credential(sandbox, provider, session, tmp_path):
    requests_file = pytest.importorskip("requests_file")
    session.mount("file://", requests_file.FileAdapter())
    (tmp_path / "here").write_text("content")
    url = (tmp_path / "here").as_uri()
    with pytest.raises(HostNotAllowed):
        session.get(url, auth=provider.auth())
    with session.get(url, auth=provider.auth(off_host="bare")) as response:
        assert response.text == "content"
    if provider.slug != "slack":  # whose provider redirects nobody
        redirected = f"{provider.url.removesuffix('/things')}/redirect?to={url}"
        with session.get(redirected, auth=provider.auth()) as response:
            assert response.text == "content"
            assert str(sandbox.credential(provider.slug, USER)) not in f"{vars(response.request)}"


# Caches


@pytest.fixture
def cache_of_requests_cache(driver):
    requests_cache = pytest.importorskip("requests_cache")
    session = requests_cache.CachedSession(backend="memory", allowable_codes=[200, 401])
    session.trust_env = False
    return session


@pytest.fixture
def cache_of_cachecontrol(session):
    cachecontrol = pytest.importorskip("cachecontrol")
    heuristics = pytest.importorskip("cachecontrol.heuristics")

    class Everything(heuristics.BaseHeuristic):
        def update_headers(self, response):
            return {"cache-control": "max-age=1000", "date": formatdate(usegmt=True)}

    return cachecontrol.CacheControl(session, heuristic=Everything())


@pytest.fixture(params=["cache_of_requests_cache", "cache_of_cachecontrol"])
def cached(request):
    """A session that keeps answers."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def unwarned():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConflictWarning)
        yield


@pytest.mark.usefixtures("unwarned")
def test_h13_what_a_cache_does_not_keep_is_healed(sandbox, provider, cached):
    response = cached.post(provider.url, auth=provider.auth())
    assert (response.status_code, [each.status_code for each in response.history]) == (200, [provider.refusal])
    for _ in range(2):
        assert cached.get(provider.url, auth=provider.auth()).status_code == 200
    assert sandbox.call_count() == 1


@pytest.mark.usefixtures("unwarned")
def test_h13_a_refusal_that_was_kept_says_nothing_about_the_credential_of_today(sandbox, driver, provider, cached):
    if provider.slug != "slack":
        pytest.skip("refusals with 401 are kept by nobody who has not asked for it")
    stale = {"Authorization": "Bearer an-old-one"}
    assert cached.get(provider.url, headers=stale).json()["ok"] is False
    sandbox.clear()
    for _ in range(2):
        response = cached.get(provider.url, auth=provider.auth())
        assert (response.json()["ok"], response.from_cache, response.history) == (False, True, [])
    assert sandbox.arrivals("slack") == []
    assert sandbox.call_count() == 0


@pytest.mark.usefixtures("unwarned")
def test_h13_a_refusal_that_answers_the_resend_is_not_one_of_the_new_credential(
    sandbox, driver, provider, cache_of_cachecontrol
):
    """CacheControl keeps Slack's refusals, too, and looks for them when the request is sent again."""
    if provider.slug != "slack":
        pytest.skip("refusals with 401 are kept by nobody who has not asked for it")
    events = []

    class Listener:
        @hookimpl
        def xkit_auth_event(self, event):
            events.append(event.kind)

    xkit = sandbox.xkit(timeout=30, plugins=[Listener()])
    xkit.get_credential("slack", context=USER)
    sandbox.rotate("slack", USER)
    response = cache_of_cachecontrol.get(provider.url, auth=driver.auth("slack", context=USER, xkit=xkit))
    assert (response.json()["ok"], response.from_cache) == (False, True)
    assert events.count("rejected") == 1


def test_h14_a_cache_is_said_once_to_mix_users_up(sandbox, provider, cached):
    with warnings.catch_warnings(record=True, action="always", category=ConflictWarning) as caught:
        for _ in range(4):
            cached.get(provider.url, auth=provider.auth())
    assert ["Shared caches" in str(each.message) for each in caught] == [True]


def test_h14_what_is_looked_at_for_a_cache_is_not_an_ordinary_session(provider, session):
    with warnings.catch_warnings(action="error", category=ConflictWarning):
        for _ in range(2):
            session.get(provider.url, auth=provider.auth())


class Users:
    """Alice and bob, who are served by one session."""

    def __init__(self, sandbox, provider):
        self._tokens = {user: sandbox.connect(provider.slug, user) for user in ("alice", "bob")}
        self._arrivals = lambda: sandbox.arrivals(provider.slug)
        self._url = provider.url

    def ask(self, session, auth):
        """Each asks twice, and has to get an answer of their own."""
        for user in ("alice", "bob", "alice", "bob"):
            with use_context(user):
                assert session.get(self._url, auth=auth).status_code == 200

    def came(self):
        """Who got through to the provider."""
        arrived = [f"{each.raw_headers}{each.query}" for each in self._arrivals()]
        return [user for each in arrived for user, token in self._tokens.items() if token in each]


@pytest.fixture
def users(sandbox, provider):
    return Users(sandbox, provider)


@pytest.mark.usefixtures("unwarned")
def test_h14_requests_cache_keeps_users_apart_as_the_guide_says_it(provider, users, tmp_path, monkeypatch):
    pytest.importorskip("requests_cache")
    monkeypatch.chdir(tmp_path)  # the cache of the guide is a file
    session = said_in("serve-many-users", "CachedSession(")["session"]
    with session:
        session.trust_env = False
        users.ask(session, provider.auth(user=current_context))
        session.cache.close()
    assert users.came() == ["alice", "bob"]


@pytest.mark.usefixtures("unwarned")
def test_h14_cachecontrol_keeps_users_apart_as_the_guide_says_it(provider, users, cache_of_cachecontrol):
    cache = said_in("serve-many-users", "CacheControl(")["CacheOfEachUser"]()
    adapter = cache_of_cachecontrol.get_adapter(provider.url)
    adapter.cache = adapter.controller.cache = cache
    users.ask(cache_of_cachecontrol, provider.auth(user=current_context))
    assert users.came() == ["alice", "bob"]
