"""The decisions about a request after its response: whether to fetch another credential, resend or raise.

This module knows no client library, clock, lock or socket. ``after_answer`` is a generator: it yields the next step,
and the client's code performs that and sends its outcome back. An error that is thrown in reaches the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar

from .._connectors import Sending
from .._values import Credential, Judgement, ReauthorizationRequired, Verdict

_Step = TypeVar("_Step")
_Outcome = TypeVar("_Outcome")

ASKS_AGAIN = (Verdict.REFETCH, Verdict.RECONNECT)


class Fetch(NamedTuple):
    """Fetch the current credential, from Xkit if the held one is still the rejected one; send it back."""

    rejected: Credential
    verdict: Verdict


class Send(NamedTuple):
    """Resend the rejected hop with these headers; send back a view of the response.

    Send back ``None`` if the response is not one to this credential, for example because a redirect led elsewhere.
    """

    sending: Sending


class Tell(NamedTuple):
    """Record what the response means for the credential; that it was accepted, only if ``is_proof`` asks for it.

    ``final``: there is no other credential to try. ``changed``: this credential, which Xkit returns now, is of another
    account than the rejected one.
    """

    credential: Credential
    judgement: Judgement
    final: bool
    changed: bool = False


class Judge(Protocol):
    """What judges a response and writes a credential: a ``Policy``, or a test double of one."""

    slug: str

    def judge(self, credential: Credential, response: Any) -> Judgement:
        """Return what the response means for the credential."""
        ...

    def write(self, credential: Credential, view: Callable[[], Any]) -> Sending:
        """Return the credential as it is sent."""
        ...


Step: TypeAlias = Fetch | Send | Tell
Life: TypeAlias = Generator[Step, Any, None]


def after_answer(
    policy: Judge,
    credential: Credential,
    response: Any,
    view: Callable[[], Any],
    *,
    is_whole_again: Callable[[], bool],
    is_proof: Callable[[Any], bool] | None = None,
) -> Life:
    """Decide what follows from a response to a request that carried ``credential`` to an allowed host.

    Advance it with ``send``. When it ends, the caller of the client gets the latest response.

    Args:
        policy: judges responses and writes credentials.
        credential: the credential that the request carried.
        response: a view of the response.
        view: returns a view of the request, for writing a credential.
        is_whole_again: rewinds the request's body, and returns whether all of it is certain to be sent again.
        is_proof: returns whether this response is to be recorded if it accepts the credential.

    Raises:
        ReauthorizationRequired: the credential is revoked and Xkit has no other.
    """
    judgement = policy.judge(credential, response)
    if judgement.verdict not in ASKS_AGAIN:
        if judgement.verdict is not Verdict.ACCEPTED or (is_proof is not None and is_proof(response)):
            yield Tell(credential, judgement, final=False)
        return
    current = yield Fetch(credential, judgement.verdict)
    assert isinstance(current, Credential)
    if current == credential:
        if judgement.verdict is Verdict.RECONNECT:
            raise ReauthorizationRequired(
                "The provider has revoked the authorization, and Xkit has no newer one",
                connector=policy.slug,
                hint="Send the user to connect again.",
            )
        return
    if current._is_of_another_account(credential):
        # A request that was meant for one account must not run in another. The caller gets the rejection, and decides.
        yield Tell(current, judgement, final=False, changed=True)
        return
    if not is_whole_again():
        return
    second = yield Send(policy.write(current, view))
    if second is not None:
        judgement = policy.judge(current, second)
        if judgement.verdict is not Verdict.ACCEPTED or (is_proof is not None and is_proof(second)):
            yield Tell(current, judgement, final=judgement.verdict in ASKS_AGAIN)


def advance(flow: Generator[_Step, _Outcome, None], outcome: _Outcome) -> _Step | None:
    """Send back the outcome of a step. Return the next step, or ``None`` at the end."""
    try:
        return flow.send(outcome)
    except StopIteration:
        return None
