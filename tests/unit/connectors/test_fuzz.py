"""Whatever comes from outside: only documented outcomes, and nothing of a credential in any of them."""

from __future__ import annotations

import importlib.util
import json
import re
import string
import traceback
from collections.abc import Callable
from ipaddress import IPv6Address
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xkit_auth import Connection, Connector, Credential, Failure, Judgement, Verdict, XkitAuthError
from xkit_auth._account.webhook import read_webhook
from xkit_auth._connectors.connector import judged_by_rules
from xkit_auth._connectors.in_url import in_path, in_url
from xkit_auth._sources.account import Account
from xkit_auth._sources.platform import Answer, credential_of, read_connection, retry_after
from xkit_auth._values.challenge import challenges_in
from xkit_auth._values.model import RequestView, ResponseView
from xkit_auth._values.origin import Hosts, Origin, origin_of
from xkit_auth._values.text import looks_secret, shown, why_not_a_credential

bounded = settings(
    max_examples=150,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

KEY = "sk_test_9f8e7d6c5b4a"
ACCOUNT = Account("pk_test_1", KEY, "https://xkit.example")

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
statuses = st.sampled_from([200, 200, 200, 201, 302, 400, 401, 403, 404, 408, 429, 500, 503]) | st.integers(100, 999)
tokens = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=12, max_size=60)
headers = st.dictionaries(st.sampled_from(["Retry-After", "Content-Encoding", "X"]), st.text(max_size=20), max_size=3)


def parts_of(secret: str) -> set[str]:
    return {secret[start : start + 6] for start in range(len(secret) - 5)}


def gives_away(text: str, secret: str, besides: str) -> list[str]:
    """The parts of a secret that a text holds and would not hold if the secret were another one."""
    return [part for part in parts_of(secret) if part in text and part not in besides]


def everything_said(error: BaseException | None) -> str:
    said = []
    while error is not None:
        said += [str(error), repr(error), "".join(traceback.format_exception_only(error))]
        error = error.__cause__ or error.__context__
    return "\n".join(said)


def outcome(status: int, fields: dict[str, str], body: bytes) -> Connection | XkitAuthError:
    try:
        connection = read_connection(Answer(status, fields, body), ACCOUNT, "slack", "u", wall=1.7e9)
    except XkitAuthError as error:
        return error
    try:
        credential = credential_of(connection)
    except XkitAuthError as error:
        return error
    assert all(why_not_a_credential(text) is None for text in credential._texts())
    assert credential.expires_at is None or isinstance(credential.expires_at, float)
    return connection


@bounded
@given(statuses, headers, st.binary(max_size=300))
def test_any_bytes_are_a_connection_or_a_documented_error(status, fields, body):
    assert outcome(status, fields, body)


@bounded
@given(statuses, anything)
def test_any_json_is_a_connection_or_a_documented_error(status, body):
    assert outcome(status, {}, json.dumps(body).encode())


@st.composite
def answers(draw: Any) -> tuple[str, dict[str, Any]]:
    """A credential, and an answer that is nearly right and quotes it anywhere."""
    token = draw(tokens)
    start = draw(st.integers(0, 6))
    quote = draw(st.sampled_from([token, f"bad {token}!", token[start:], f"<{token[start : start + 6]}>"]))
    some = anything | st.just(token) | st.just(quote) | st.just(KEY) | st.just({"a": [token]}) | st.just(token + "\n")
    names = ["status", "credential", "access_token", "access_credential", "error_code", "error_message"]
    names += ["display_label", "expires_at", "expires_in", "other"]
    authorization = draw(st.dictionaries(st.sampled_from(names), some, max_size=6))
    authorization.setdefault("credential", token)
    authorization.setdefault("status", draw(st.sampled_from(["active", "active", "error", "other", None])))
    connection = {"enabled": draw(st.sampled_from([True, True, False, None])), "authorization": authorization}
    body = {"connection": draw(st.just(connection) | some), "error": draw(some), "errors": draw(some)}
    if draw(st.booleans()):
        body["authorization"] = authorization
    return token, body


@bounded
@given(statuses, answers())
def test_no_error_and_no_connection_shows_any_part_of_the_credential_or_the_key(status, answer):
    token, body = answer
    stands_under_its_name = token in json.dumps(body).encode("ascii").decode("unicode_escape", "replace")
    encoded = json.dumps(body).encode()

    result = outcome(status, {}, encoded)

    known = any(
        isinstance(place, dict) and place.get(name) == token
        for place in (
            body.get("authorization"),
            body["connection"].get("authorization") if isinstance(body["connection"], dict) else None,
        )
        for name in ("credential", "access_token", "access_credential")
    )
    fixed = everything_said(outcome(status, {}, b"{}")) + "Connection(context= connector= enabled= status= error_code="
    fixed += (
        "error_message display_label= credential= authorization access_token access_credential expires_at [redacted]"
    )
    said = everything_said(result) if isinstance(result, XkitAuthError) else repr(result)
    assert gives_away(said, KEY, fixed) == []
    if known and stands_under_its_name:
        assert gives_away(said, token, fixed) == []


@bounded
@given(st.text(max_size=40) | st.from_regex(r"[0-9]{1,12}(\.[0-9]+)?", fullmatch=True) | st.none())
def test_retry_after_is_always_between_nothing_and_a_minute(value):
    assert 0 <= retry_after(value, 1.7e9, 5.0) <= 60


@bounded
@given(anything, st.binary(max_size=200))
def test_a_webhook_is_an_event_or_a_value_error(message, raw):
    for body in (raw, json.dumps(message), json.dumps({"event_type": "a", "payload": message})):
        try:
            event = read_webhook(body)
        except ValueError as error:
            said = str(error)
        else:
            said = "" if event.connector and event.context else "an event without names"
        assert said == "" or said.startswith("not a webhook of Xkit's")


@bounded
@given(st.text(max_size=400), tokens)
def test_what_is_shown_is_short_printable_and_free_of_secrets(text, token):
    for line in (shown(text, [token]), shown(text + token, [token]), shown(token[:8] + text, [token])):
        assert len(line) <= 200
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", line)
        assert line == "[redacted]" or not any(part in line for part in parts_of(token))
    assert looks_secret(text) in (True, False)


# The classifier

JUDGES = Connector(
    "acme",
    hosts=["a.example"],
    inspect={200: "application/json", 401: "application/json"},
    failures=[
        Failure(Verdict.RECONNECT, status=401, json={"error.code": ("revoked", None)}),
        Failure(Verdict.REFETCH, status=200, json={"errors.0": False}),
        Failure(Verdict.DENIED, header={"X": "no"}),
    ],
)


@bounded
@given(st.integers(), st.dictionaries(st.text(max_size=10), st.text(max_size=20), max_size=4), anything)
def test_any_answer_of_a_provider_has_a_judgement(policy_of, status, fields, body):
    request = RequestView(method="GET", url="https://a.example", headers=fields, body=None)
    answer = ResponseView(status=status, headers=fields, json=body, request=request)

    judgement = judged_by_rules(JUDGES, answer)

    assert isinstance(judgement, Judgement)
    assert isinstance(judgement.verdict, Verdict)
    if status == 401:
        assert judgement.verdict in (Verdict.REFETCH, Verdict.RECONNECT, Verdict.DENIED)
    policy = policy_of(JUDGES)
    assert policy.judge(Credential("t"), answer) == judgement
    assert policy.wants_body(status, fields) in (True, False)
    if status < policy.unremarkable_below:
        assert judgement.verdict is Verdict.ACCEPTED


# Challenges

token_characters = "!#$%&'*+-.^_`|~" + string.digits + string.ascii_letters
names = st.text(token_characters, min_size=1, max_size=12)
spaces = st.text(" \t", max_size=3)
bits = st.sampled_from([*' \t,=";\\\n\x00é/', "Bearer ", "Basic", "error=", '="', '\\"', "realm", "abc==", "a=b"])
shreds = st.lists(bits | st.text(max_size=4), max_size=40).map("".join)


@bounded
@given(st.text(max_size=200) | shreds)
def test_any_challenge_is_read_without_an_error(header):
    for scheme, params in challenges_in(header):
        assert scheme == scheme.lower()
        assert set(scheme) <= set(token_characters)
        assert all(name and name == name.lower() and set(name) <= set(token_characters) for name in params)
        assert all(len(value) <= len(header) for value in params.values())
        assert scheme or params


@st.composite
def challenges(draw: Any) -> tuple[str, list[tuple[str, dict[str, str]]]]:
    """A header by the book, and what it says."""
    written, meant = [], []
    for _ in range(draw(st.integers(1, 4))):
        scheme = draw(names)
        params = draw(st.lists(st.tuples(names, st.text(max_size=12)), max_size=4, unique_by=lambda it: it[0].lower()))
        pieces = []
        for name, value in params:
            is_bare = value and set(value) <= set(token_characters) and draw(st.booleans())
            quoted = "".join(f"\\{each}" if each in '"\\' or draw(st.booleans()) else each for each in value)
            equals = f"{draw(spaces)}={draw(spaces)}"
            pieces.append(f"{name}{equals}{value}" if is_bare else f'{name}{equals}"{quoted}"')
        if params:
            written.append(f"{scheme} {draw(spaces)}{pieces[0]}")
            written += pieces[1:]
        else:
            token = draw(st.sampled_from(["", " YII=", " abc", "  a/b+c=="]))
            written.append(scheme + token)
        meant.append((scheme.lower(), {name.lower(): value for name, value in params}))
    comma = draw(st.sampled_from([",", ", ", " ,", " , ,\t"]))
    return comma.join(written), meant


@bounded
@given(challenges())
def test_a_challenge_by_the_book_is_read_as_it_was_meant(written_and_meant):
    written, meant = written_and_meant

    assert [(scheme, dict(params)) for scheme, params in challenges_in(written)] == meant


# Credentials in URLs

url_pieces = st.text("ab/=&%+.:@", max_size=12)
queries = st.lists(st.sampled_from(["a", "a=1", "b=%20", "", "c=d=e", "a=1", "x+y=z"]), min_size=1, max_size=5).map(
    "&".join
)
places = st.builds(
    "{}{}{}".format,
    st.sampled_from(["https://api.acme.example", "http://127.0.0.1:8000", "HTTPS://u@a.example"]),
    st.just("") | url_pieces.map(lambda path: f"/{path}"),
    st.just("") | queries.filter(bool).map(lambda query: f"?{query}"),
)
targets = st.builds(
    "/{}{}".format,
    url_pieces.filter(lambda path: "://" not in path),
    st.just("") | queries.filter(bool).map("?{}".format),
)
with_fragment = st.builds(
    "{}{}".format, places, st.just("") | st.text("ab#?/&=", min_size=1, max_size=5).map("#{}".format)
)
whats = st.builds(
    in_url,
    st.just("") | st.text(min_size=1, max_size=12).map(lambda token: f"/bot{in_path(token)}"),
    st.dictionaries(st.sampled_from(["key", "k y", "é&"]), st.text(max_size=12), max_size=3),
)


@bounded
@given(whats, with_fragment | targets)
def test_what_was_put_into_a_url_is_there_and_is_taken_out_again(what, url):
    there = what.put_in(url)

    assert what.is_in(there)
    assert what.put_in(there) == there
    assert what.taken_out_of(there) == what.taken_out_of(url) == url
    assert origin_of(there) == origin_of(url)


# Origins

odd = st.sampled_from(
    [*list("aA0-_.:/?#@\\[]%\t\n \u212a\u017fé。"), "slack.com", "evil.example", "443", "::1", "127.0.0.1"]
)
hosts = st.sampled_from(["slack.com", "api.slack.com", "[::1]", "127.0.0.1", "localhost", "A_b.example", ""])
schemes = st.sampled_from(["https://", "http://", "HTTPS://", "https:", "//", "https:///", "https:\\\\", ""])
endings = st.sampled_from(["", "/", ":443", ":8443/", "?a=b", "#a", "/a\\b", ":080/@x"])
junk = st.lists(odd, max_size=5).map("".join)
urls = (
    st.text(max_size=40)
    | st.builds("{}{}{}{}".format, schemes, junk, hosts, junk)
    | st.builds("{}{}{}".format, schemes, hosts, endings)
    | st.builds("{}{}{}{}".format, schemes, hosts, endings, junk)
)


def by_urllib(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def by_urllib3(url: str) -> tuple[str | None, str | None, int | None]:
    from urllib3.util import parse_url

    parts = parse_url(url)
    return parts.scheme, parts.host, parts.port


def by_httpx(url: str) -> tuple[str, str, int | None]:
    import httpx

    parts = httpx.URL(url)
    return parts.scheme, parts.raw_host.decode(), parts.port


def by_httpx2(url: str) -> tuple[str, str, int | None]:
    import httpx2

    parts = httpx2.URL(url)
    return parts.scheme, parts.raw_host.decode(), parts.port


PARSERS: dict[str, Callable[[str], Any]] = {
    "urllib": by_urllib,
    "urllib3": by_urllib3,
    "httpx": by_httpx,
    "httpx2": by_httpx2,
}
INSTALLED = [name for name in PARSERS if importlib.util.find_spec(name)]


def comparable(host: str) -> object:
    bare = host.strip("[]")
    return IPv6Address(bare) if ":" in bare else bare


@bounded
@given(urls)
def test_any_url_has_an_origin_in_plain_ascii_or_none(url):
    origin = origin_of(url)

    if origin is not None:
        assert origin.scheme in ("http", "https")
        assert re.fullmatch(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]", origin.host)
        assert 0 < origin.port < 65536
        assert origin_of(f"{origin}/") == origin
        assert Hosts(["*.slack.com", "slack.com"]).allow(origin, http_to_loopback=True) in (True, False)


@pytest.mark.parametrize("parser", INSTALLED)
def test_where_we_read_an_origin_every_client_reads_the_same_one(parser):
    agreed = 0

    @bounded
    @given(urls)
    def check(url: str) -> None:
        nonlocal agreed
        origin = origin_of(url)
        if origin is None:
            return
        try:
            scheme, host, port = PARSERS[parser](url)
        except Exception:  # a client that cannot read it does not send anything either
            return
        theirs = Origin(str(scheme).lower(), str(host).lower(), port or {"http": 80, "https": 443}[origin.scheme])
        assert (theirs.scheme, comparable(theirs.host), theirs.port) == (
            origin.scheme,
            comparable(origin.host),
            origin.port,
        )
        agreed += 1

    check()
    assert agreed > 10
