"""The values: frozen, compared by content, silent about secrets."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from xkit_auth import (
    ANY,
    ConfigurationError,
    Connection,
    Credential,
    Event,
    Failure,
    Headers,
    Judgement,
    Placement,
    RequestView,
    ResponseView,
    Verdict,
    WebhookEvent,
)
from xkit_auth._values.model import Secret, Value


def view(**changes: Any) -> RequestView:
    return RequestView(
        **{"method": "GET", "url": "https://a.example/x?q=1", "headers": {"A": "b"}, "body": b"", **changes}
    )


VALUES = [
    Connection(context="u", connector="slack", enabled=True, raw={"a": 1}),
    view(),
    ResponseView(status=200, headers={"A": "b"}, json={"a": [1]}, request=view()),
    Event("fetched", connector="slack", context="u"),
    WebhookEvent(event_type="connection.enabled", connector="slack", context="u", connection_id="1"),
    Placement(header={"X-Api-Key": "{token}"}),
    Failure(Verdict.REFETCH, status=401, json={"a": 1}),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_is_frozen_and_has_no_place_for_anything_else(value):
    name = value.__slots__[0]
    before = getattr(value, name)

    with pytest.raises(AttributeError):
        setattr(value, name, "other")
    with pytest.raises(AttributeError):
        delattr(value, name)
    with pytest.raises((AttributeError, TypeError)):  # the latter by a dataclass with slots on Python 3.11
        value.anything = 1
    with pytest.raises(TypeError):
        vars(value)
    assert getattr(value, name) == before


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_copies_and_pickles_of_a_value_are_equal_to_it(value):
    for other in (copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
        assert other == value
        assert hash(other) == hash(value)
        assert type(other) is type(value)


def test_values_of_different_kind_or_content_are_not_equal():
    assert all(one != other for one in VALUES for other in VALUES if one is not other)
    assert view() != view(method="POST")
    assert VALUES[0] != 7


def test_equal_values_have_equal_hashes_in_whatever_order_their_mappings_are():
    one = Placement(header={"A": "{token}", "B": "x"})
    other = Placement(header={"B": "x", "A": "{token}"})

    assert one == other
    assert hash(one) == hash(other)


def test_a_value_shows_its_attributes():
    assert repr(Event("fetched", connector="slack", context="u")) == (
        "Event(kind='fetched', connector='slack', context='u', fingerprint=None, detail=None, seconds=None)"
    )


def test_a_value_that_was_never_finished_can_still_be_shown():
    for kind in {type(value) for value in VALUES if isinstance(value, Value)}:
        assert kind.__name__ in repr(kind.__new__(kind))


def test_a_request_shows_neither_its_query_nor_its_headers():
    assert repr(view()) == "RequestView(GET https://a.example/x)"
    assert repr(ResponseView(status=401, headers={"A": "b"}, json={"t": 1}, request=view())) == "ResponseView(401)"


def test_the_defaults_of_a_connection_are_nothing():
    connection = Connection(context="u", connector="slack", enabled=False)

    assert connection.status is connection.credential is connection.error_code is connection.error_message is None
    assert connection.display_label is None
    assert connection.raw == {}


# Credentials


def test_a_credential_gives_its_text_only_when_asked():
    credential = Credential("token-1", expires_at=7.0)

    assert credential.reveal() == "token-1"
    assert credential.fields == ()
    assert credential.expires_at == 7.0
    assert repr(credential) == str(credential) == f"{credential}" == "Credential([redacted])"


def test_a_credential_of_several_parts_gives_each_by_name():
    credential = Credential({"user": "me", "key": "k1"})

    assert credential.fields == ("user", "key")
    assert (credential.reveal("user"), credential.reveal("key")) == ("me", "k1")


def test_the_only_part_of_a_credential_needs_no_name():
    assert Credential({"key": "k1"}).reveal() == "k1"


@pytest.mark.parametrize(
    ("credential", "field", "text"),
    [
        (Credential("token-1"), "user", "the field 'user'.*is a single text"),
        (Credential({"user": "me", "key": "k1"}), None, "one text.*has the fields user, key"),
        (Credential({"user": "me", "ghp_abcdefghijkl": "k1"}), None, r"the fields user, \[redacted\]"),
        (Credential({"user": "me", "line\nbreak": "k1"}), None, r"the fields user, \[redacted\]"),
        (Credential({"user": "me", "key": "k1"}), "other", "the field 'other'.*has the fields user, key"),
        (Credential({}), None, "one text"),
    ],
)
def test_a_part_that_is_not_there_is_a_mistake_of_kind_or_connector(credential, field, text):
    with pytest.raises(ConfigurationError, match=text) as caught:
        credential.reveal(field)

    assert "kind=" in caught.value.hint
    assert "k1" not in str(caught.value)


def test_credentials_are_equal_if_their_text_is():
    assert Credential("a") == Credential("a", expires_at=1, fingerprint_key=Secret("k"))
    assert hash(Credential("a")) == hash(Credential("a"))
    assert Credential("a") != Credential("b")
    assert Credential("a") != "a"
    assert Credential({"x": "1", "y": "2"}) == Credential({"x": "1", "y": "2"})
    assert Credential({"x": "1"}) != Credential({"x": "2"})
    assert Credential({"x": "1"}) != Credential({"y": "1"})


def test_equal_credentials_have_equal_hashes_in_whatever_order_their_parts_are():
    one, other = Credential({"x": "1", "y": "2"}), Credential({"y": "2", "x": "1"})

    assert one == other
    assert hash(one) == hash(other)


def test_a_credential_keeps_what_it_was_given():
    parts = {"user": "me"}
    credential = Credential(parts)
    parts["user"] = "you"

    assert credential.reveal("user") == "me"


def test_a_credential_is_frozen():
    credential = Credential("a", expires_at=5.0)

    with pytest.raises(AttributeError):
        credential.expires_at = 7.0  # type: ignore[misc]
    with pytest.raises(AttributeError):
        credential.anything = 1  # type: ignore[attr-defined]


def test_a_fingerprint_tells_credentials_apart_and_depends_on_the_accounts_key():
    one, other = Credential("a", fingerprint_key=Secret("k1")), Credential("b", fingerprint_key=Secret("k1"))

    assert len(one.fingerprint) == 8
    assert int(one.fingerprint, 16) >= 0
    assert one.fingerprint == Credential("a", fingerprint_key=Secret("k1")).fingerprint
    assert one.fingerprint != other.fingerprint
    assert one.fingerprint != Credential("a", fingerprint_key=Secret("k2")).fingerprint
    assert len(Credential("\ud800").fingerprint) == 8
    assert Credential({"a": "1", "b": "2"}).fingerprint != Credential({"a": "12", "b": ""}).fingerprint


def test_a_copy_of_a_credential_is_the_same_one_and_it_does_not_pickle():
    credential = Credential("a")

    assert copy.copy(credential) is copy.deepcopy(credential) is credential
    with pytest.raises(TypeError, match="does not pickle"):
        pickle.dumps(credential)


def test_a_secret_does_not_pickle_and_is_false_if_empty():
    with pytest.raises(TypeError, match="does not pickle"):
        pickle.dumps(Secret("k"))
    assert Secret("k")
    assert not Secret("")
    assert Secret("k").reveal() == "k"


# Headers, judgements, ANY


def test_headers_are_found_by_name_in_any_case():
    headers = Headers({"X-One": "1", "x-two": "2"})

    assert headers["x-ONE"] == "1"
    assert "X-TWO" in headers
    assert headers.get("x-three") is None
    assert sorted(headers) == ["x-one", "x-two"]
    assert len(headers) == 2
    assert repr(headers) == "Headers(x-one, x-two)"
    with pytest.raises(KeyError):
        headers["x-three"]


def test_headers_are_frozen():
    with pytest.raises(TypeError):
        Headers({"a": "b"})["a"] = "c"  # type: ignore[index]


def test_a_judgement_needs_no_detail():
    assert Judgement(Verdict.DENIED) == (Verdict.DENIED, None)


def test_there_is_one_any():
    assert type(ANY)() is ANY
    assert copy.deepcopy(ANY) is ANY
    assert pickle.loads(pickle.dumps(ANY)) is ANY
    assert repr(ANY) == "ANY"
