"""``ConnectorContract``: what responses mean, plugins, and texts without the credential."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.testing_contract import FINE, REFUSED, Brings, acme, check, complaint
from xkit_auth import (
    PRESENT,
    ConfigurationError,
    Credential,
    Failure,
    Judgement,
    RequestView,
    ResponseView,
    Verdict,
    hookimpl,
)
from xkit_auth._connectors.in_url import InUrl
from xkit_auth._connectors.policy import LARGEST_BODY, Sending
from xkit_auth.testing import Answer


def test_an_example_of_a_param_that_is_missing_is_said_by_name():
    subdomain = acme(hosts=["{param.p}.acme.example"], params={"p": "label"})

    with pytest.raises(ConfigurationError, match="'p' is missing"):
        check(subdomain)


# What an answer means

JUDGES = acme(
    inspect={200: "application/json", 401: ("application/json", "text/plain")},
    failures=[
        Failure(Verdict.REFETCH, status=200, json={"ok": False}),
        Failure(Verdict.CHALLENGE, status=401, challenge={"claims": PRESENT}, detail="claims"),
    ],
)


OK_FALSE = Answer(Verdict.REFETCH, status=200, json={"ok": False})


CLAIMS = Answer(Verdict.CHALLENGE, status=401, headers={"WWW-Authenticate": "Bearer claims=abc"}, detail="abc")


def changed(example: Answer, **changes: Any) -> Answer:
    fields = {name: getattr(example, name) for name in Answer.__slots__}
    return Answer(**{**fields, **changes})


@pytest.mark.parametrize(
    ("example", "judged"),
    [
        pytest.param(changed(OK_FALSE, then=Verdict.ACCEPTED), "REFETCH", id="another verdict"),
        pytest.param(changed(OK_FALSE, json={"ok": True}), "ACCEPTED", id="another body"),
        pytest.param(changed(OK_FALSE, status=201), "ACCEPTED", id="another status"),
        pytest.param(
            changed(OK_FALSE, headers={"Content-Type": "text/html"}), "ACCEPTED", id="a type that is not read"
        ),
        pytest.param(changed(OK_FALSE, headers={"Content-Disposition": "attachment"}), "ACCEPTED", id="a download"),
        pytest.param(changed(OK_FALSE, headers={"Content-Length": "99999"}), "ACCEPTED", id="called too long"),
        pytest.param(changed(CLAIMS, then=Verdict.REFETCH), "CHALLENGE", id="another verdict with a detail"),
        pytest.param(changed(CLAIMS, headers={}), "REFETCH", id="other headers"),
        pytest.param(changed(CLAIMS, detail="abd"), "detail='abc'", id="another detail"),
        pytest.param(changed(CLAIMS, detail=None), "detail='abc'", id="no detail"),
        pytest.param(changed(OK_FALSE, detail="abc"), "detail=None", id="a detail where there is none"),
    ],
)
def test_an_answer_must_mean_what_the_example_says(example, judged):
    right = [OK_FALSE, CLAIMS, REFUSED, FINE]
    check(JUDGES, answers=right)

    complained = complaint(JUDGES, answers=[*right, example])
    assert complained.startswith(f"{example} is judged ")
    assert judged in complained.partition("is judged ")[2].partition(", and should be ")[0]
    assert str(example.then) in complained.partition(", and should be ")[2]


def test_each_rule_must_decide_an_example():
    assert complaint(JUDGES, answers=[OK_FALSE, FINE]) == f"no example is decided by {JUDGES.failures[1]!r}"
    assert complaint(JUDGES, answers=[REFUSED, CLAIMS]) == f"no example is decided by {JUDGES.failures[0]!r}"
    both = complaint(JUDGES, answers=[REFUSED, FINE])
    assert repr(JUDGES.failures[0]) in both
    assert repr(JUDGES.failures[1]) in both


def test_a_rule_that_never_comes_to_its_turn_decides_nothing():
    in_vain = acme(failures=[Failure(Verdict.DENIED, status=403), Failure(Verdict.DENIED, status=(403, 403))])

    complained = complaint(in_vain, answers=[REFUSED, Answer(Verdict.DENIED, status=403)])

    assert complained == f"no example is decided by {in_vain.failures[1]!r}"


@pytest.mark.parametrize("answers", [[], [FINE], [FINE, Answer(Verdict.RATE_LIMITED, status=429)]])
def test_an_example_must_ask_xkit_again(answers):
    assert complaint(answers=answers) == "no example asks Xkit again"


@pytest.mark.parametrize("asks", [REFUSED, Answer(Verdict.RECONNECT, status=400, headers={"X": "revoked"})])
def test_an_example_must_not_ask_xkit_again(asks):
    revoked = acme(failures=[Failure(Verdict.RECONNECT, status=400, header={"X": "revoked"})])
    right = [asks, Answer(Verdict.RECONNECT, status=400, headers={"X": "revoked"})]

    check(revoked, answers=[*right, FINE])
    assert complaint(revoked, answers=right) == "there is no example that does not ask Xkit again"


def test_an_author_may_not_know_how_a_provider_refuses():
    check(answers=[FINE], refusal_is_unknown=True)
    check(answers=[FINE, REFUSED], refusal_is_unknown=True)
    assert complaint(answers=[], refusal_is_unknown=True) == "there is no example that does not ask Xkit again"
    assert complaint(answers=[REFUSED], refusal_is_unknown=True) == "there is no example that does not ask Xkit again"


@pytest.mark.parametrize("kind", ["json", "text"])
def test_an_example_is_no_larger_than_what_is_looked_at(kind):
    around = 2 if kind == "json" else 0
    fits = Answer(Verdict.ACCEPTED, status=403, **{kind: "x" * (LARGEST_BODY - around)})
    too_large = Answer(Verdict.ACCEPTED, status=403, **{kind: "x" * (LARGEST_BODY - around + 1)})
    assert (LARGEST_BODY, len(fits.content)) == (64 * 1024, 64 * 1024)

    check(answers=[REFUSED, fits])
    assert complaint(answers=[REFUSED, too_large]) == f"{too_large} is larger than what is looked at"


def test_examples_may_come_one_by_one():
    check(answers=iter([REFUSED, FINE]))


# Plugins


class Signs(Brings):
    """A plugin that computes what is sent, and judges."""

    @hookimpl
    def xkit_auth_format_headers(self, credential: Credential, request: RequestView) -> dict[str, str]:
        return {"X-Signed": f"{request.method} {credential.reveal()}"}

    @hookimpl
    def xkit_auth_classify_response(self, response: ResponseView) -> Judgement | None:
        return Judgement(Verdict.CHALLENGE, "more") if response.status == 418 else None


def test_a_plugin_is_asked_like_by_an_xkit():
    more = Answer(Verdict.CHALLENGE, status=418, detail="more")

    check(plugin=Signs(acme()), sends={"oauth2": {"X-Signed": "GET TOKEN"}}, answers=[REFUSED, more])
    assert complaint(answers=[REFUSED, more]).startswith(f"{more} is judged ")
    assert complaint(plugin=Signs(acme()), sends={"oauth2": {"Authorization": "Bearer TOKEN"}}).startswith("kind")


class Tells(Brings):
    """A plugin whose error quotes what it could not use."""

    def __init__(self, where: str) -> None:
        super().__init__(acme())
        self.where = where

    @hookimpl
    def xkit_auth_format_headers(self, credential: Credential) -> dict[str, str]:
        if credential.fields:
            quoted = credential.reveal("another")
            said = {"text": (f"cannot use {quoted}", None), "hint": ("cannot use it", f"Change {quoted}.")}
            text, hint = said.get(self.where, ("cannot use it", None))
            raise ConfigurationError(text, hint=hint)
        return {"X": credential.reveal()}


@pytest.mark.parametrize("where", ["text", "hint"])
def test_no_error_of_a_plugin_may_show_the_credential(where):
    check(plugin=Tells("nowhere"))

    assert complaint(plugin=Tells(where)) == "kind 'oauth2': a text shows the credential"


@pytest.mark.parametrize("shows", [Sending, InUrl])
def test_nothing_that_holds_the_credential_may_show_it(monkeypatch, shows):
    in_query = acme(query={"key": "{token}"})
    check(in_query)
    monkeypatch.setattr(
        shows, "__repr__", lambda self: str(self.credential.reveal() if shows is Sending else self.pairs)
    )

    assert complaint(in_query) == "kind 'oauth2': a text shows the credential"


def test_a_complaint_itself_does_not_show_a_true_credential():
    assert "0123456789" not in complaint(sends={"oauth2": {}})


def test_a_name_that_is_not_there_is_an_attribute_error():
    import xkit_auth.testing

    with pytest.raises(AttributeError, match="nothing_of_that_name"):
        xkit_auth.testing.nothing_of_that_name  # noqa: B018
