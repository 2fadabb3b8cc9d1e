"""Rules that read a provider's answer: when one holds, which of them wins, and what it says then."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from xkit_auth import (
    PRESENT,
    Connector,
    Contains,
    Failure,
    Judgement,
    RequestView,
    ResponseView,
    StartsWith,
    Verdict,
)
from xkit_auth._connectors.connector import judged_by_rules
from xkit_auth._connectors.failure import choices_of, steps_of

# Matchers


@pytest.mark.parametrize(
    ("matcher", "found", "matches"),
    [
        (Contains("expired"), "expired", True),
        (Contains("expired"), "The token EXPIRED today", True),
        (Contains("EXPIRED"), "is expired", True),
        (Contains("straße"), "STRASSE 1", True),
        (Contains("expired"), "revoked", False),
        (Contains("expired"), "", False),
        (Contains(""), "", True),
        (StartsWith("expired"), "Expired: today", True),
        (StartsWith("EXPIRED"), "expired", True),
        (StartsWith("expired"), "token expired", False),
        (StartsWith("expired"), " expired", False),
        (PRESENT, "", True),
        (PRESENT, "anything", True),
    ],
)
def test_a_matcher_looks_into_a_text_in_any_case(matcher, found, matches):
    assert matcher.matches(found) is matches


@pytest.mark.parametrize("matcher", [Contains(""), StartsWith(""), PRESENT])
@pytest.mark.parametrize("found", [None, True, 0, 1.5, b"", [], {}, ["a"], {"a": "b"}])
def test_a_matcher_matches_nothing_but_texts(matcher, found):
    assert not matcher.matches(found)


def test_a_matcher_shows_its_text():
    assert repr(Contains("a'b")) == 'Contains("a\'b")'
    assert repr(StartsWith("a")) == "StartsWith('a')"
    assert repr(Contains.__new__(Contains)) == "Contains('')"


def test_a_matcher_is_frozen():
    with pytest.raises(AttributeError, match="frozen"):
        Contains("a").text = "b"  # type: ignore[misc]
    with pytest.raises(AttributeError, match="frozen"):
        PRESENT.text = "b"  # type: ignore[misc]


@pytest.mark.parametrize("kind", [Contains, StartsWith])
def test_matchers_are_the_same_if_they_match_the_same(kind):
    assert kind("a") == kind("a")
    assert hash(kind("a")) == hash(kind("a"))
    assert kind("a") != kind("b")
    assert len({kind("a"), kind("a"), kind("b")}) == 2
    assert Contains("a") != StartsWith("a")


@pytest.mark.parametrize("kind", [Contains, StartsWith])
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda matcher: pickle.loads(pickle.dumps(matcher))])
def test_a_copy_of_a_matcher_matches_the_same(kind, copied):
    matcher = copied(kind("expired"))

    assert type(matcher) is kind
    assert matcher.text == "expired"
    assert not matcher.matches("revoked")


@pytest.mark.parametrize(
    ("wanted", "choices"),
    [
        ("a", ("a",)),
        (None, (None,)),
        ({"a": 1}, ({"a": 1},)),
        (PRESENT, (PRESENT,)),
        (["a", 1, None], ("a", 1, None)),
        (("a", PRESENT), ("a", PRESENT)),
        ({"a"}, ("a",)),
        (frozenset(["a"]), ("a",)),
        ([], ()),
    ],
)
def test_a_list_is_a_choice_and_anything_else_stands_for_itself(wanted, choices):
    assert choices_of(wanted) == choices


# One rule


def rule(**conditions: Any) -> Failure:
    return Failure(Verdict.RECONNECT, **conditions)


def answer(status: int, headers: dict[str, str] | None = None, *, json: Any = None, text: Any = None) -> ResponseView:
    request = RequestView(method="GET", url="https://api.acme.example/x", headers={}, body=b"")
    return ResponseView(status=status, headers=headers or {}, json=json, text=text, request=request)


@pytest.mark.parametrize(
    ("conditions", "status", "holds"),
    [
        ({}, 200, True),
        ({"status": 401}, 401, True),
        ({"status": 401}, 403, False),
        ({"status": (401, 403)}, 403, True),
        ({"status": {401, 403}}, 403, True),
        ({"status": range(500, 600)}, 503, True),
        ({"status": (status for status in (401, 403))}, 403, True),
        ({"header": {"WWW-Authenticate": Contains("expired")}}, 401, True),
        ({"header": {"www-authenticate": Contains("EXPIRED")}}, 401, True),
        ({"header": {"www-authenticate": Contains("revoked")}}, 401, False),
        ({"header": {"www-authenticate": [Contains("revoked"), "other", StartsWith("bearer")]}}, 401, True),
        ({"header": {"www-authenticate": PRESENT}}, 401, True),
        ({"header": {"x-reason": "token expired"}}, 401, True),
        ({"header": {"X-Reason": "TOKEN Expired"}}, 401, True),
        ({"header": {"x-reason": "expired"}}, 401, False),
        ({"header": {"x-reason": ("other", "token expired")}}, 401, True),
        ({"header": {"x-reason": {"other", "another"}}}, 401, False),
        ({"header": {"x-empty": ""}}, 401, True),
        ({"header": {"x-empty": PRESENT}}, 401, True),
        ({"header": {"x-missing": PRESENT}}, 401, False),
        ({"header": {"x-missing": "a"}}, 401, False),
        ({"header": {"x-missing": ""}}, 401, False),
        ({"header": {"x-reason": PRESENT, "www-authenticate": PRESENT}}, 401, True),
        ({"header": {"x-reason": PRESENT, "x-missing": PRESENT}}, 401, False),
        ({"status": 401, "header": {"www-authenticate": Contains("expired")}}, 403, False),
        ({"json": {"ok": False}}, 200, True),
        ({"json": {"ok": 0}}, 200, False),
        ({"json": {"count": True}}, 200, False),
        ({"json": {"count": 1}}, 200, True),
        ({"json": {"count": 1.0}}, 200, False),
        ({"json": {"half": 0.5}}, 200, True),
        ({"json": {"none": None}}, 200, True),
        ({"json": {"none": PRESENT}}, 200, False),
        ({"json": {"missing": None}}, 200, False),
        ({"json": {"error.code": "bad"}}, 200, True),
        ({"json": {"error.code": "BAD"}}, 200, False),
        ({"json": {"error.code": Contains("BA")}}, 200, True),
        ({"json": {"error.code": StartsWith("ad")}}, 200, False),
        ({"json": {"error.code": PRESENT}}, 200, True),
        ({"json": {"error.code": ["good", StartsWith("B")]}}, 200, True),
        ({"json": {"error.code": ("good", "bad")}}, 200, True),
        ({"json": {"error.code": {"good", "bad"}}}, 200, True),
        ({"json": {"error.code": frozenset(["good"])}}, 200, False),
        ({"json": {"error.code": ["good"]}}, 200, False),
        ({"json": {"count": ["1", None, 1]}}, 200, True),
        ({"json": {"error": "bad"}}, 200, False),
        ({"json": {"error": PRESENT}}, 200, False),
        ({"json": {"ERROR.Code": "bad"}}, 200, True),
        ({"json": {"errors.0.code": "first"}}, 200, True),
        ({"json": {"errors.1.code": "second"}}, 200, True),
        ({"json": {"errors.1.code": "first"}}, 200, False),
        ({"json": {"errors.2.code": "first"}}, 200, False),
        ({"json": {"errors.-1.code": "second"}}, 200, False),
        ({"json": {"errors.x": "first"}}, 200, False),
        ({"json": {"errors.²": "first"}}, 200, False),
        ({"json": {"errors.*.code": "second"}}, 200, True),
        ({"json": {"errors.*.code": "third"}}, 200, False),
        ({"json": {"errors.*.*": "second"}}, 200, True),
        ({"json": {"*.code": "bad"}}, 200, True),
        ({"json": {"*.*.code": "first"}}, 200, True),
        ({"json": {"*": 1}}, 200, True),
        ({"json": {"count.*": 1}}, 200, False),
        ({"json": {"error..tag": "dotted"}}, 200, True),
        ({"json": {"error..TAG": "dotted"}}, 200, True),
        ({"json": {"error.tag": "dotted"}}, 200, False),
        ({"json": {".tag": "top"}}, 200, True),
        ({"json": {"error..deep.0": "deep"}}, 200, True),
        ({"json": {"error..deep..x": "deep"}}, 200, False),
        ({"json": {"7": "seven"}}, 200, True),
        ({"json": {"error.code.deeper": "bad"}}, 200, False),
        ({"json": {"error.code.0": "b"}}, 200, False),
        ({"json": {"ok": False, "error.code": "bad"}}, 200, True),
        ({"json": {"ok": False, "error.code": "good"}}, 200, False),
        ({"status": 401, "json": {"ok": False}}, 200, False),
    ],
)
def test_a_rule_holds_if_each_of_its_conditions_does(conditions, status, holds):
    body = {
        "ok": False,
        "count": 1,
        "half": 0.5,
        "none": None,
        "error": {"code": "bad", ".tag": "dotted", ".deep": ["deep"]},
        "errors": [{"code": "first"}, {"code": "second"}],
        ".tag": "top",
        "7": "seven",
    }
    headers = {"WWW-Authenticate": 'Bearer error="Expired"', "X-Reason": " Token Expired ", "X-Empty": ""}

    assert (rule(**conditions).judged(answer(status, headers, json=body)) is not None) is holds


def test_a_key_is_meant_as_it_is_written_if_it_is_there_so():
    body = {"Error": "upper", "error": "lower"}

    assert rule(json={"error": "lower"}).judged(answer(200, json=body))
    assert not rule(json={"error": "upper"}).judged(answer(200, json=body))
    assert rule(json={"ERROR": "upper"}).judged(answer(200, json=body))
    assert rule(json={"ERROR": "lower"}).judged(answer(200, json=body))


@pytest.mark.parametrize(
    ("path", "body"), [("0.code", [{"code": "bad"}]), ("*.code", [{}, {"code": "bad"}]), ("0.0.0", [[["bad"]]])]
)
def test_a_body_may_be_a_list(path, body):
    assert rule(json={path: "bad"}).judged(answer(200, json=body))


def test_a_body_that_was_not_read_holds_nothing():
    assert rule(json={"ok": False}).judged(answer(200)) is None
    assert rule(json={"ok": None}).judged(answer(200)) is None
    assert rule(json={"0": "a"}).judged(answer(200, json="a")) is None
    assert rule(text=PRESENT).judged(answer(200)) is None
    assert rule(text="").judged(answer(200, json={})) is None


@pytest.mark.parametrize(
    ("wanted", "holds"),
    [
        ("invalid token", True),
        ("INVALID Token", True),
        ("invalid", False),
        (Contains("ID TOK"), True),
        (StartsWith("invalid"), True),
        (Contains("expired"), False),
        (["expired", Contains("token")], True),
        (["expired", "revoked"], False),
        (PRESENT, True),
    ],
)
def test_a_body_that_is_no_json_is_a_text(wanted, holds):
    assert (rule(status=401, text=wanted).judged(answer(401, text="Invalid token")) is not None) is holds
    assert rule(status=403, text=wanted).judged(answer(401, text="Invalid token")) is None


def test_white_space_around_a_text_does_not_count():
    assert rule(text="expired").judged(answer(401, text="\r\nexpired \n"))
    assert rule(text="").judged(answer(401, text="\n"))


def test_an_answer_is_both_what_its_headers_and_what_its_text_say():
    wanted = rule(header={"x": "a"}, challenge={"error": "b"}, text="c", status=401)
    right = {"X": "a", "WWW-Authenticate": "Bearer error=b"}

    assert wanted.judged(answer(401, right, text="c"))
    assert not wanted.judged(answer(400, right, text="c"))
    assert not wanted.judged(answer(401, {**right, "X": "b"}, text="c"))
    assert not wanted.judged(answer(401, {**right, "WWW-Authenticate": "Bearer error=c"}, text="c"))
    assert not wanted.judged(answer(401, right, text="d"))


# Challenges


@pytest.mark.parametrize(
    ("wanted", "header", "holds"),
    [
        ({"error": "invalid_token"}, 'Bearer realm="a", error="invalid_token"', True),
        ({"error": "invalid_token"}, "bearer ERROR=Invalid_Token", True),
        ({"Error": "INVALID_TOKEN"}, "Bearer error=invalid_token", True),
        ({"error": "invalid_token"}, "Bearer error=invalid", False),
        ({"error": "invalid_token"}, "Bearer error_description=invalid_token", False),
        ({"error": "invalid_token"}, 'Bearer error_description="error=invalid_token"', False),
        ({"error": "invalid_token"}, "Bearer", False),
        ({"error": "invalid_token"}, "", False),
        ({"error": "invalid_token"}, "Basic realm=a, Bearer error=invalid_token", True),
        ({"error": "invalid_token"}, "Bearer error=invalid_token, Basic realm=a", True),
        ({"error": "invalid_token"}, "error=invalid_token", True),
        ({"error": PRESENT}, 'Bearer error=""', True),
        ({"error": ["a", StartsWith("b")]}, "Bearer error=bc", True),
        ({"error": "a", "claims": PRESENT}, "Bearer error=a, claims=b", True),
        ({"error": "a", "claims": PRESENT}, "Bearer error=a, Bearer claims=b", False),
        ({"error": "a", "claims": PRESENT}, "Bearer error=a, Bearer error=a, claims=b", True),
    ],
)
def test_one_of_the_challenges_must_have_all_of_the_parameters(wanted, header, holds):
    assert (rule(challenge=wanted).judged(answer(401, {"WWW-Authenticate": header})) is not None) is holds


def test_an_answer_without_a_challenge_has_none_of_its_parameters():
    assert rule(challenge={"error": PRESENT}).judged(answer(401)) is None


@pytest.fixture
def wants_claims() -> Callable[..., Judgement | None]:
    def judged(header: str, **changes: Any) -> Judgement | None:
        wanted = {"challenge": {"error": "insufficient_claims", "claims": PRESENT}, "detail": "claims", **changes}
        return Failure(Verdict.CHALLENGE, **wanted).judged(answer(401, {"WWW-Authenticate": header}))

    return judged


def test_a_judgement_brings_the_detail_of_the_challenge_that_is_meant(wants_claims):
    header = 'Bearer error=other, claims=one, Bearer error="insufficient_claims", Claims="two", Basic claims=three'

    assert wants_claims(header) == Judgement(Verdict.CHALLENGE, "two")
    assert wants_claims(header, detail=None) == Judgement(Verdict.CHALLENGE)
    assert wants_claims("Bearer error=insufficient_claims") is None


def test_the_name_of_a_detail_is_read_in_any_case_like_the_names_of_parameters(wants_claims):
    found = wants_claims("Bearer error=insufficient_claims, claims=two", challenge={"Claims": PRESENT}, detail="Claims")

    assert found == Judgement(Verdict.CHALLENGE, "two")


def test_without_a_detail_a_judgement_is_the_verdict_alone():
    for conditions in ({"status": 401}, {"challenge": {"error": "a"}}, {"header": {"x": "y"}}):
        found = rule(**conditions).judged(answer(401, {"WWW-Authenticate": "Bearer error=a", "X": "y"}))

        assert found == Judgement(Verdict.RECONNECT, None)


# Paths into JSON


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("a", ("a",)),
        ("a.b.c", ("a", "b", "c")),
        ("0.a", ("0", "a")),
        ("*", ("*",)),
        ("a.*.b", ("a", "*", "b")),
        ("a..b", ("a", ".b")),
        (".a", (".a",)),
        (".a..b", (".a", ".b")),
        ("a..b.c", ("a", ".b", "c")),
        ("a b.é", ("a b", "é")),
        ("a\n.b", ("a\n", "b")),
    ],
)
def test_a_path_is_steps_with_dots_between(path, steps):
    assert steps_of(path) == steps


@pytest.mark.parametrize("path", ["", ".", "..", "a.", "a..", "a...b", "..a", "a.b.", ".a."])
def test_a_path_with_an_empty_step_is_none(path):
    with pytest.raises(ValueError, match="has an empty step"):
        steps_of(path)


# What a rule is


def test_a_rule_keeps_what_it_was_given():
    header, challenge, json = {"x": "a"}, {"error": "a"}, {"ok": False}
    made = rule(status=[401], header=header, challenge=challenge, json=json)
    for given in (header, challenge, json):
        given.clear()

    assert rule(text=(each for each in ("a", PRESENT))).text == ("a", PRESENT)
    assert made == rule(status=(401,), header={"x": "a"}, challenge={"error": "a"}, json={"ok": False})
    assert rule(status=401).status == (401,)
    assert rule() == rule(status=(), header={}, challenge={}, json={}, text=None, detail=None)


def test_rules_are_the_same_if_they_say_the_same():
    made = rule(status=401, header={"x": Contains("a")}, text="b")

    assert made == rule(status=[401], header={"x": Contains("a")}, text="b")
    assert made != rule(status=401, header={"x": Contains("b")}, text="b")
    assert made != Failure(Verdict.DENIED, status=401, header={"x": Contains("a")}, text="b")
    assert pickle.loads(pickle.dumps(made)) == made
    assert repr(rule(status=401, text=PRESENT)).startswith("Failure(")


@pytest.mark.parametrize("text", [None, "a", PRESENT, ("a", "b"), ["a", "b"], {"a", "b"}])
def test_a_rule_is_a_value_and_has_a_hash(text):
    assert hash(rule(status=401, text=text)) == hash(rule(status=401, text=text))


# Which rule wins


def test_the_first_rule_that_holds_wins_and_then_come_those_for_everybody(answer_of):
    acme = Connector(
        "acme",
        hosts=["a.example"],
        failures=[
            Failure(Verdict.RECONNECT, status=401, header={"x-revoked": PRESENT}),
            Failure(Verdict.DENIED, status=(401, 429), header={"x-denied": PRESENT}),
            Failure(Verdict.CHALLENGE, status=403),
        ],
    )

    def verdict(status: int, *names: str) -> Verdict:
        return judged_by_rules(acme, answer_of(status, headers=dict.fromkeys(names, ""))).verdict

    assert verdict(401, "x-revoked", "x-denied") is Verdict.RECONNECT
    assert verdict(401, "x-denied") is Verdict.DENIED
    assert verdict(401) is Verdict.REFETCH
    assert verdict(403) is Verdict.CHALLENGE
    assert verdict(429) is Verdict.RATE_LIMITED
    assert verdict(429, "x-denied") is Verdict.DENIED
    assert {verdict(status) for status in (200, 302, 400, 407, 500)} == {Verdict.ACCEPTED}
    assert judged_by_rules(acme, answer_of(401)) == Judgement(Verdict.REFETCH)
