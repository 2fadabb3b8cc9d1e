"""Hard cases H13 and H14 on httpx and httpx2: libraries that answer in a provider's place are taken for one.

Tried with respx, pytest-httpx, vcrpy and hishel, on an answer with 401 and on Slack's 200 that means the same.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec

import pytest

from xkit_auth import ConflictWarning, NotConnected

pytestmark = [
    pytest.mark.drivers(httpx=True),
    # On trio a stream of httpx that is closed early says so.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

HOST = "api.acme.example"
USER = "user-1"


@pytest.fixture(params=["401", "slack"])
def provider(request, sandbox, driver, xkit):
    """A provider that refuses with 401, or as Slack does; its user's credential is held."""

    class Provider:
        slug = {"401": "acme", "slack": "slack"}[request.param]
        refusal = {"401": 401, "slack": 200}[request.param]
        body = {"401": {}, "slack": {"ok": False, "error": "token_expired"}}[request.param]
        url = (
            f"{sandbox.provider_url('acme')}/things" if request.param == "401" else f"{sandbox.slack_url}/api/auth.test"
        )
        token = sandbox.connect(slug, USER)
        auth = driver.auth(slug, context=USER, xkit=xkit)

        @classmethod
        def elsewhere(cls):
            """The auth object for a host that is not there."""
            return driver.auth(cls.slug, context=USER, xkit=xkit, hosts=[HOST])

        @classmethod
        def answer(cls, request):
            """What it says to a request that did not reach it."""
            said = request.headers["authorization"].removeprefix("Bearer ")
            is_good = said == sandbox.credential(cls.slug, USER)
            return driver.lib.Response(200 if is_good else cls.refusal, json={"ok": True} if is_good else cls.body)

    xkit.get_credential(Provider.slug, context=USER)
    sandbox.rotate(Provider.slug, USER)
    sandbox.clear()
    return Provider


def healed(driver, sandbox, provider, send, url):
    """A request that is refused and healed, and a second one that is not."""
    for history in ([provider.refusal], []):
        response = send("GET", url)
        assert response.status_code == 200
        assert response.json().get("ok", True)
        assert [each.status_code for each in response.history] == history
    assert sandbox.call_count() == 1


def refused_for_good(driver, sandbox, provider, send, url):
    sandbox.disable(provider.slug, USER)
    with pytest.raises(NotConnected) as caught:
        send("GET", url)
    assert caught.value.response.status_code == provider.refusal
    assert provider.token not in str(caught.value.response.request.headers.raw)


CASES = [healed, refused_for_good]

for_pytest_httpx = (
    pytest.mark.httpx_mock(
        should_mock=lambda request: request.url.host == HOST,
        can_send_already_matched_responses=True,
        assert_all_responses_were_requested=False,
    )
    if find_spec("pytest_httpx")
    else pytest.mark.skip(reason="pytest-httpx is not installed")
)


@pytest.mark.parametrize("case", CASES)
def test_h13_respx_is_taken_for_the_provider(sandbox, driver, provider, case):
    respx = pytest.importorskip("respx")
    if driver.library != "httpx":
        pytest.skip("respx is for httpx alone")
    for using in ("httpx", "httpcore"):
        with respx.mock(using=using, assert_all_called=False) as router:
            router.route(host="127.0.0.1").pass_through()
            router.get(f"https://{HOST}/").mock(side_effect=provider.answer)
            with driver.session(auth=provider.elsewhere()) as send:
                case(driver, sandbox, provider, send, f"https://{HOST}/")
        if case is not healed:
            return
        sandbox.rotate(provider.slug, USER)
        sandbox.clear()


@for_pytest_httpx
@pytest.mark.parametrize("case", CASES)
def test_h13_pytest_httpx_is_taken_for_the_provider(request, sandbox, driver, provider, case):
    if driver.library != "httpx":
        pytest.skip("pytest-httpx is for httpx alone")
    request.getfixturevalue("httpx_mock").add_callback(provider.answer)
    with driver.session(auth=provider.elsewhere()) as send:
        case(driver, sandbox, provider, send, f"https://{HOST}/")


@pytest.mark.parametrize("case", CASES)
def test_h13_vcrpy_records_and_replays_refusals(sandbox, driver, provider, case, tmp_path):
    vcr = pytest.importorskip("vcr")

    def not_of_xkit(request):
        return None if request.url.startswith(sandbox.base_url) else request

    recorder = vcr.VCR(before_record_request=not_of_xkit, filter_headers=["authorization"])
    cassette = str(tmp_path / "cassette.yaml")
    with recorder.use_cassette(cassette, record_mode="once"), driver.session(auth=provider.auth) as send:
        case(driver, sandbox, provider, send, provider.url)
    recorded = (tmp_path / "cassette.yaml").read_text()
    assert provider.token not in recorded
    assert str(sandbox.credential(provider.slug, USER)) not in recorded
    if case is healed:
        sandbox.rotate(provider.slug, USER)
        sandbox.clear()
        with recorder.use_cassette(cassette, record_mode="none"), driver.session(auth=provider.auth) as send:
            case(driver, sandbox, provider, send, provider.url)
        assert sandbox.arrivals(provider.slug) == []


def caching(driver, tmp_path, **options):
    """A transport of hishel's around the usual one."""
    if not find_spec("hishel") or int(version("hishel").partition(".")[0]) < 2:
        pytest.skip("hishel is not installed, or one that has other names for its parts")
    hishel, module = import_module("hishel"), import_module(f"hishel.{driver.library}")
    path = str(tmp_path / "cache.db")
    if driver.loop == "trio":
        pytest.skip("hishel's storage is for asyncio")
    if driver.loop:
        storage = hishel.AsyncSqliteStorage(database_path=path)
        return module.AsyncCacheTransport(driver.lib.AsyncHTTPTransport(verify=False), storage=storage, **options)
    storage = hishel.SqliteStorage(database_path=path)
    return module.CacheTransport(driver.lib.HTTPTransport(verify=False), storage=storage, **options)


@pytest.mark.parametrize("case", CASES)
def test_h13_hishel_hands_on_refusals(sandbox, driver, provider, case, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConflictWarning)
        with driver.session(auth=provider.auth, transport=caching(driver, tmp_path, rfc=True)) as send:
            case(driver, sandbox, provider, send, provider.url)


def test_h14_hishel_is_said_once_to_mix_users_up(sandbox, driver, provider, tmp_path):
    with (
        warnings.catch_warnings(record=True, action="always", category=ConflictWarning) as caught,
        driver.session(auth=provider.auth, transport=caching(driver, tmp_path)) as send,
    ):
        send("POST", provider.url)
        send("POST", provider.url)
    assert ["Shared caches" in str(each.message) for each in caught] == [True]


def test_h14_what_comes_out_of_a_cache_says_nothing_about_the_credential(sandbox, driver, provider, tmp_path):
    if provider.slug != "slack":
        pytest.skip("as it is set by default, hishel keeps no answer but 2xx")
    sandbox.expire("slack", USER, renews=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConflictWarning)
        with driver.session(auth=provider.auth, transport=caching(driver, tmp_path)) as send:
            for _ in range(3):
                assert send("GET", provider.url).json()["ok"] is False
    assert sandbox.call_count() == 1
    assert len(sandbox.arrivals("slack")) == 1


def test_h14_a_key_of_each_users_own_keeps_them_apart(sandbox, driver, provider, xkit, tmp_path):
    """As the guide to serving many users says it."""
    sandbox.connect(provider.slug, "bob")
    auths = {user: driver.auth(provider.slug, context=user, xkit=xkit) for user in (USER, "bob")}
    with warnings.catch_warnings(), driver.session(transport=caching(driver, tmp_path)) as send:
        warnings.simplefilter("ignore", ConflictWarning)
        for user, auth in auths.items():
            for _ in range(2):
                extensions = {"caching": {"key": f"{user} GET {provider.url}"}}
                send("GET", provider.url, auth=auth, extensions=extensions)
    bobs = f"Bearer {sandbox.credential(provider.slug, 'bob')}"
    assert [each.headers["authorization"] == bobs for each in sandbox.arrivals(provider.slug)].count(True) == 1
