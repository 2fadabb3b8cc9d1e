"""A settled connector: how a response is judged, and texts and frames without the credential."""

from __future__ import annotations

import traceback
from base64 import b64encode
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest

from helpers.connectors_policy import SENDING, TOKEN, acme, no_view
from xkit_auth import (
    PRESENT,
    ConfigurationError,
    Connector,
    Credential,
    Failure,
    Judgement,
    NotConnected,
    Placement,
    PlatformProtocolError,
    Verdict,
)
from xkit_auth._connectors.in_url import in_url
from xkit_auth._connectors.policy import LARGEST_BODY, Sending
from xkit_auth._values.origin import Hosts

# What an answer means


def test_without_a_plugin_the_connectors_rules_judge(policy_of, answer_of):
    assert policy_of().judge(TOKEN, answer_of(401)) == Judgement(Verdict.REFETCH)


@pytest.mark.parametrize(
    ("said", "judgement"),
    [
        (None, Judgement(Verdict.REFETCH)),
        (Verdict.DENIED, Judgement(Verdict.DENIED)),
        (Judgement(Verdict.CHALLENGE, "detail"), Judgement(Verdict.CHALLENGE, "detail")),
    ],
)
def test_a_plugin_judges_first(policy_of, answer_of, said, judgement):
    assert policy_of(classify_hook=lambda **_names: said).judge(TOKEN, answer_of(401)) == judgement


@pytest.mark.parametrize("said", ["denied", 7, True, ("denied", None), Judgement("denied", None)])  # type: ignore[arg-type]
def test_a_judgement_that_is_none_is_a_mistake_of_the_plugin(policy_of, answer_of, said):
    with pytest.raises(ConfigurationError, match="neither a Verdict nor a Judgement"):
        policy_of(classify_hook=lambda **_names: said).judge(TOKEN, answer_of(401))


def test_a_plugin_that_raises_while_it_judges_is_named(policy_of, answer_of):
    with pytest.raises(ConfigurationError, match="xkit_auth_classify_response raised ZeroDivisionError"):
        policy_of(classify_hook=lambda **_names: 1 / 0).judge(TOKEN, answer_of(401))


@pytest.mark.parametrize(
    ("failures", "hook", "below"),
    [
        ([], None, 401),
        ([Failure(Verdict.DENIED, status=403)], None, 401),
        ([Failure(Verdict.DENIED, status=(400, 403))], None, 400),
        ([Failure(Verdict.DENIED, status=200, header={"x": PRESENT})], None, 200),
        ([Failure(Verdict.DENIED, header={"x": PRESENT})], None, 0),
        ([], lambda **_names: None, 0),
    ],
)
def test_below_a_certain_status_nothing_can_be_wrong(policy_of, failures, hook, below):
    assert policy_of(acme(failures=failures), classify_hook=hook).unremarkable_below == below


@pytest.mark.parametrize(
    ("status", "headers", "is_wanted"),
    [
        (200, {"content-type": "application/json"}, True),
        (200, {"content-type": "Application/JSON; charset=utf-8"}, True),
        (200, {"content-type": "application/json", "content-length": str(LARGEST_BODY)}, True),
        (200, {"content-type": "application/json", "content-length": str(LARGEST_BODY + 1)}, False),
        (200, {"content-type": "application/json", "content-length": "many"}, True),
        (200, {"content-type": "application/json", "content-disposition": "Attachment; filename=x"}, False),
        (200, {"content-type": "text/html"}, False),
        (200, {}, False),
        (201, {"content-type": "application/json"}, False),
    ],
)
def test_only_small_bodies_of_the_named_kind_are_read(policy_of, status, headers, is_wanted):
    policy = policy_of(acme(inspect={200: "application/json"}))

    assert policy.wants_body(status, headers) is is_wanted


def test_the_kind_of_body_is_named_in_any_case(policy_of):
    policy = policy_of(acme(inspect={200: "application/json"}))

    assert policy.wants_body(200, {"content-type": "Application/JSON"})


@pytest.mark.parametrize("detail", ["two\nlines", "x" * 5000, 7, "what token-1 is"])
def test_a_detail_that_is_long_or_odd_or_holds_the_credential_is_not_told(policy_of, answer_of, detail):
    hook = lambda **_names: Judgement(Verdict.CHALLENGE, detail)  # noqa: E731
    assert policy_of(classify_hook=hook).judge(TOKEN, answer_of(401)) == Judgement(Verdict.CHALLENGE)


def test_a_length_of_thousands_of_digits_is_large(policy_of):
    policy = policy_of(acme(inspect={200: "application/json"}))

    assert not policy.wants_body(200, {"content-type": "application/json", "content-length": "9" * 5000})


@pytest.mark.parametrize("content_type", ["application/stream+json", "application/json-seq", "application/x-ndjson"])
def test_what_is_by_its_type_a_stream_of_json_is_not_read(policy_of, content_type):
    assert not policy_of(acme(inspect={200: "application/json"})).wants_body(200, {"content-type": content_type})


@pytest.mark.parametrize("made", [{"\ud800": "a"}, {"a\r\nb": "c"}, {"": "a"}, {"a": ""}, {"a": 5}, {5: "a"}, [], {}])
def test_parameters_that_cannot_be_sent_are_the_plugins_mistake(policy_of, request_of, made):
    with pytest.raises(ConfigurationError, match="xkit_auth_format_query"):
        policy_of(query_hook=lambda **_names: made).write(TOKEN, request_of)


class Raising(dict[str, str]):
    def __iter__(self):
        raise ValueError("it holds token-1")

    keys = items = __iter__  # type: ignore[assignment]


def test_a_mapping_that_raises_is_the_plugins_mistake_and_its_text_is_withheld(policy_of, request_of):
    with pytest.raises(ConfigurationError, match="xkit_auth_format_headers raised ValueError") as caught:
        policy_of(format_hook=lambda **_names: Raising(a="b")).write(TOKEN, request_of)
    assert "token-1" not in str(caught.value)


@pytest.mark.parametrize("token", [".", "..", "..."])
def test_a_credential_of_dots_does_not_go_into_a_path(policy_of, token):
    policy = policy_of(acme(kinds={"bot": Placement(path="/{token}")}))

    with pytest.raises(PlatformProtocolError, match="nothing but dots"):
        policy.write(Credential(token), no_view)


def test_a_field_that_is_missing_leaves_no_other_in_a_traceback_with_local_variables(policy_of, request_of):
    import traceback

    placement = Placement(query={"a": "{field.a}"}, path="/{field.b}")
    policy = policy_of(acme(kinds={"both": placement}), query_hook=lambda **_names: {"p": "SECRET-1"})
    with pytest.raises(ConfigurationError) as caught:
        policy.write(Credential({"a": "SECRET-2", "c": "x"}), request_of)
    ours = caught.value.__traceback__.tb_next  # without the frame of this test
    shown = "".join(traceback.TracebackException(type(caught.value), caught.value, ours, capture_locals=True).format())
    assert "write" in shown
    assert "SECRET" not in shown


def test_a_policy_shows_its_slug_and_hosts():
    from xkit_auth._connectors.policy import Policy

    connector = acme()
    policy = Policy(
        "my-acme",
        connector,
        kind="oauth2",
        hosts=Hosts(connector.hosts),
        params={},
        http_to_loopback=False,
        format_hook=None,
        query_hook=None,
        classify_hook=None,
    )
    assert repr(policy) == "Policy('my-acme', Hosts(api.acme.example))"


def test_the_headers_of_other_kinds_are_known(policy_of):
    connector = Connector(
        "acme",
        hosts=["api.acme.example"],
        kinds={
            "oauth2": Placement(),
            "api_key": Placement(header={"X-Api-Key": "{token}", "X-Acme-Version": "2"}),
            "basic": Placement(basic=("{field.user}", "{field.password}")),
            "in_url": Placement(query={"key": "{token}"}),
        },
    )

    assert policy_of(connector, kind="oauth2").of_other_kinds == {"x-api-key"}
    assert policy_of(connector, kind="api_key").of_other_kinds == {"authorization"}
    assert policy_of(connector, kind="in_url").of_other_kinds == {"authorization", "x-api-key"}
    assert not policy_of(Connector("plain", hosts=["api.acme.example"])).of_other_kinds


# What a plugin says that had the credential


DISGUISES = {
    "plain": str,
    "base64": lambda text: b64encode(text.encode()).decode(),
    "in Basic": lambda text: b64encode(f"ann:{text}".encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "reversed": lambda text: text[::-1],
    "spaced": " ".join,
    "percent-encoded": lambda text: "".join(f"%{ord(each):02x}" for each in text),
    "escaped": lambda text: "".join(f"\\u{ord(each):04x}" for each in text),
    "a part": lambda text: text[3:10],
}


LONG = Credential("Wq8rT5yPz2LmKd7Gh4")


class OurOwn(NotConnected):
    """A plugin may raise errors of ours, and of classes of its own that are made of them."""


@pytest.mark.parametrize("kind", [ValueError, OurOwn], ids=["its own", "ours"])
@pytest.mark.parametrize("disguise", DISGUISES)
def test_no_text_of_a_plugin_says_the_credential_in_any_disguise(policy_of, request_of, answer_of, kind, disguise):
    said = f"no luck with {DISGUISES[disguise](LONG.reveal())}"

    def raises(**_names):
        try:
            raise KeyError(said)
        except KeyError as below:
            error = kind(said)
            error.hint = error.reconnect_url = said
            raise error from below

    policy = policy_of(format_hook=raises, query_hook=raises, classify_hook=raises)
    for asking in (lambda: policy.write(LONG, request_of), lambda: policy.judge(LONG, answer_of(401))):
        with pytest.raises((ConfigurationError, OurOwn)) as caught:
            asking()
        assert said not in f"{caught.value} {caught.value!r} {vars(caught.value)}"
        assert "[redacted]" in str(caught.value)
        assert caught.value.__cause__ is caught.value.__context__ is None
        frames = [frame.f_code.co_name for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
        assert "raises" not in frames


def test_an_error_of_ours_that_a_plugin_raises_keeps_what_is_harmless(policy_of, request_of):
    def raises(**_names):
        raise NotConnected("nobody is there", context="user-1", hint="Look elsewhere.")

    with pytest.raises(NotConnected, match="nobody is there") as caught:
        policy_of(format_hook=raises).write(LONG, request_of)
    assert (caught.value.context, caught.value.hint) == ("user-1", "Look elsewhere.")


def test_a_name_that_says_the_credential_is_not_quoted(policy_of, request_of):
    with pytest.raises(ConfigurationError) as caught:
        policy_of(format_hook=lambda **_names: {LONG.reveal(): "a\n"}).write(LONG, request_of)
    assert LONG.reveal() not in str(caught.value)


class Full(dict[str, str]):
    def __setitem__(self, name, value):
        raise LookupError("no more")


def test_headers_that_take_no_more_leave_nothing_in_our_frames(policy_of, walk):
    plain, sending = policy_of().plain(LONG), Sending(LONG, {"X-Key": LONG.reveal()})
    for put_on in (plain.put_on, sending.put_on, partial(policy_of().put_plain, LONG)):
        with pytest.raises(LookupError) as caught:
            put_on(Full())
        frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
        ours = [frame.f_locals for frame in frames if Path(frame.f_code.co_filename).name == "policy.py"]
        assert len(ours) == 1
        assert walk([LONG.reveal()]).found_in(ours) == []


@pytest.mark.parametrize(
    "holder", [SENDING, Sending(TOKEN, (), in_url("/bottoken-1", {"key": "token-1"})).in_url], ids=["headers", "url"]
)
def test_tools_that_look_into_tuples_mappings_and_attributes_find_nothing_that_is_sent(holder):
    assert not isinstance(holder, (tuple, Mapping))
    assert not hasattr(holder, "__dict__")
    assert "token-1" not in repr(holder)
