"""The decisions: every verdict, every outcome of asking again. The generator is stepped by hand."""

from __future__ import annotations

from typing import Any

import pytest

from xkit_auth import (
    Credential,
    Judgement,
    NotConnected,
    PlatformProtocolError,
    PlatformUnavailable,
    ReauthorizationRequired,
    Verdict,
)
from xkit_auth._clients.flow import ASKS_AGAIN, Fetch, Send, Tell, advance, after_answer

OLD = Credential("token-old")
NEW = Credential("token-new")


class Ended(Exception):
    """The generator has nothing more to want."""


class Life:
    """``after_answer`` with the provider's judgements given in advance."""

    def __init__(
        self, policy_of: Any, request_of: Any, answer_of: Any, *verdicts: Any, replayable: bool = True
    ) -> None:
        left = list(verdicts)
        self.judged: list[Credential] = []

        def classify(credential: Credential, response: Any, connector: Any) -> Any:
            self.judged.append(credential)
            return left.pop(0)

        self.policy = policy_of(classify_hook=classify)
        self.an_answer = answer_of(401)
        self.viewed = 0

        def view() -> Any:
            self.viewed += 1
            return request_of()

        self._steps = after_answer(self.policy, OLD, self.an_answer, view, is_whole_again=lambda: replayable)

    def give(self, value: Any = None) -> Any:
        try:
            return self._steps.send(value)
        except StopIteration:
            raise Ended from None

    def fail(self, error: Exception) -> Any:
        return self._steps.throw(error)

    def ends_with(self, value: Any = None) -> bool:
        with pytest.raises(Ended):
            self.give(value)
        return True


@pytest.fixture
def life(policy_of: Any, request_of: Any, answer_of: Any) -> Any:
    def make(*verdicts: Any, replayable: bool = True) -> Life:
        return Life(policy_of, request_of, answer_of, *verdicts, replayable=replayable)

    return make


def test_exactly_two_verdicts_ask_xkit_again():
    assert set(ASKS_AGAIN) == {Verdict.REFETCH, Verdict.RECONNECT}


def test_an_accepted_answer_wants_nothing(life):
    assert life(Verdict.ACCEPTED).ends_with()


@pytest.mark.parametrize("verdict", [Verdict.DENIED, Verdict.RATE_LIMITED, Verdict.CHALLENGE])
@pytest.mark.parametrize("replayable", [True, False])
def test_an_answer_that_a_new_token_does_not_mend_is_told_and_given_back(life, verdict, replayable):
    steps = life(verdict, replayable=replayable)

    assert steps.give() == Tell(OLD, Judgement(verdict), final=False)
    assert steps.ends_with()


def test_the_detail_of_a_challenge_is_told_with_it(life):
    challenge = Judgement(Verdict.CHALLENGE, "step up to a second factor")

    assert life(challenge).give() == Tell(OLD, challenge, final=False)


@pytest.mark.parametrize("verdict", ASKS_AGAIN)
@pytest.mark.parametrize("replayable", [True, False])
def test_a_refused_credential_is_asked_for_again_naming_the_one_that_was_refused(life, verdict, replayable):
    steps = life(verdict, replayable=replayable)

    wanted = steps.give()

    assert wanted == Fetch(OLD, verdict)
    assert wanted.rejected is OLD


@pytest.mark.parametrize("verdict", ASKS_AGAIN)
def test_another_credential_sends_the_refused_hop_once_more(life, verdict):
    steps = life(verdict)
    steps.give()

    wanted = steps.give(NEW)

    assert isinstance(wanted, Send)
    headers: dict[str, str] = {}
    wanted.sending.put_on(headers)
    assert headers == {"Authorization": "Bearer token-new"}
    assert wanted.sending.credential is NEW


@pytest.mark.parametrize("first", ASKS_AGAIN)
def test_when_the_second_answer_is_accepted_that_is_all(life, answer_of, first):
    steps = life(first, Verdict.ACCEPTED)
    steps.give()
    steps.give(NEW)

    assert steps.ends_with(answer_of(200))
    assert steps.judged == [OLD, NEW]


@pytest.mark.parametrize("first", ASKS_AGAIN)
@pytest.mark.parametrize("second", ASKS_AGAIN)
def test_a_second_refusal_is_told_as_final_and_nothing_is_sent_a_third_time(life, answer_of, first, second):
    steps = life(first, second)
    steps.give()
    steps.give(NEW)

    assert steps.give(answer_of(401)) == Tell(NEW, Judgement(second), final=True)
    assert steps.ends_with()


@pytest.mark.parametrize("second", [Verdict.DENIED, Verdict.RATE_LIMITED, Verdict.CHALLENGE])
def test_what_the_second_answer_says_is_told_like_what_the_first_one_says(life, answer_of, second):
    judgement = Judgement(second, "said about the second")
    steps = life(Verdict.REFETCH, judgement)
    steps.give()
    steps.give(NEW)

    assert steps.give(answer_of(403)) == Tell(NEW, judgement, final=False)
    assert steps.ends_with()


def test_an_answer_from_elsewhere_to_the_second_sending_is_not_judged(life):
    steps = life(Verdict.REFETCH)
    steps.give()
    steps.give(NEW)

    assert steps.ends_with(None)
    assert steps.judged == [OLD]


@pytest.mark.parametrize("replayable", [True, False])
def test_the_same_credential_is_not_sent_again(life, replayable):
    steps = life(Verdict.REFETCH, replayable=replayable)
    steps.give()

    assert steps.ends_with(Credential("token-old"))


@pytest.mark.parametrize("replayable", [True, False])
def test_a_revoked_credential_that_xkit_confirms_means_that_the_user_must_act(life, replayable):
    steps = life(Verdict.RECONNECT, replayable=replayable)
    steps.give()

    with pytest.raises(ReauthorizationRequired) as caught:
        steps.give(Credential("token-old"))

    assert caught.value.connector == "acme"
    assert "connect again" in caught.value.hint


@pytest.mark.parametrize("verdict", ASKS_AGAIN)
def test_a_body_that_cannot_be_sent_twice_is_not_sent_twice_but_the_credential_is_fetched(life, verdict):
    steps = life(verdict, replayable=False)

    assert isinstance(steps.give(), Fetch)
    assert steps.ends_with(NEW)
    assert steps.viewed == 0


@pytest.mark.parametrize("verdict", ASKS_AGAIN)
@pytest.mark.parametrize("error", [PlatformUnavailable("down"), NotConnected("gone"), ReauthorizationRequired("bad")])
@pytest.mark.parametrize("replayable", [True, False])
def test_a_failure_of_asking_again_reaches_the_caller_as_it_is(life, verdict, error, replayable):
    steps = life(verdict, replayable=replayable)
    steps.give()

    with pytest.raises(type(error)) as caught:
        steps.fail(error)

    assert caught.value is error


def test_a_failure_of_sending_again_reaches_the_caller_as_it_is(life):
    steps = life(Verdict.REFETCH)
    steps.give()
    steps.give(NEW)
    broken = ConnectionResetError("the client's own")

    with pytest.raises(ConnectionResetError) as caught:
        steps.fail(broken)

    assert caught.value is broken


def test_a_new_credential_that_cannot_be_written_is_an_error_and_nothing_is_sent(policy_of, request_of, answer_of):
    from xkit_auth import Connector

    connector = Connector("acme", hosts=["api.acme.example"], basic=("{token}", "x"))
    steps = after_answer(policy_of(connector), OLD, answer_of(401), request_of, is_whole_again=lambda: True)
    assert next(steps) == Fetch(OLD, Verdict.REFETCH)

    with pytest.raises(PlatformProtocolError, match="colon"):
        steps.send(Credential("user:name"))


def test_whoever_wants_to_know_is_told_that_an_answer_accepted_a_credential(policy_of, request_of, answer_of):
    def steps(first, *, wanted):
        return after_answer(
            policy_of(), OLD, first, request_of, is_whole_again=lambda: True, is_proof=wanted.__contains__
        )

    good, refused, second = answer_of(200), answer_of(401), answer_of(200)
    assert list(steps(good, wanted=[])) == []
    assert list(steps(good, wanted=[good])) == [Tell(OLD, Judgement(Verdict.ACCEPTED), final=False)]
    for wanted in ([], [second]):
        life = steps(refused, wanted=wanted)
        assert isinstance(advance(life, None), Fetch)
        assert isinstance(advance(life, NEW), Send)
        told = advance(life, second)
        assert told == (Tell(NEW, Judgement(Verdict.ACCEPTED), final=False) if wanted else None)


def test_the_request_is_looked_at_anew_for_the_second_sending(policy_of, request_of, answer_of):
    seen = []

    def sign(connector: Any, credential: Any, request: Any, **_more: Any) -> dict[str, str]:
        seen.append(request)
        return {"X-Signature": f"signed-{credential.reveal()}"}

    views = [request_of(url="https://api.acme.example/second")]
    policy = policy_of(format_hook=sign)
    steps = after_answer(policy, OLD, answer_of(401), lambda: views[0], is_whole_again=lambda: True)
    next(steps)
    wanted = steps.send(NEW)

    assert isinstance(wanted, Send)
    assert wanted.sending.names == ("X-Signature",)
    assert seen == views


def test_without_rules_of_its_own_401_asks_again_and_429_does_not(policy_of, request_of, answer_of):
    refused = after_answer(policy_of(), OLD, answer_of(401), request_of, is_whole_again=lambda: True)
    limited = after_answer(policy_of(), OLD, answer_of(429), request_of, is_whole_again=lambda: True)
    forbidden = after_answer(policy_of(), OLD, answer_of(403), request_of, is_whole_again=lambda: True)

    assert next(refused) == Fetch(OLD, Verdict.REFETCH)
    assert next(limited) == Tell(OLD, Judgement(Verdict.RATE_LIMITED), final=False)
    assert list(forbidden) == []


def test_a_flow_that_is_dropped_half_way_leaves_nothing_behind(life):
    steps = life(Verdict.REFETCH)
    steps.give()

    steps._steps.close()

    assert steps.ends_with()


def test_a_driver_advances_step_by_step_until_there_is_none(policy_of, request_of, answer_of):
    steps = after_answer(policy_of(), OLD, answer_of(401), request_of, is_whole_again=lambda: True)

    assert advance(steps, None) == Fetch(OLD, Verdict.REFETCH)
    assert isinstance(advance(steps, NEW), Send)
    assert advance(steps, answer_of(200)) is None
    assert advance(steps, None) is None
