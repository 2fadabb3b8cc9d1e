"""THE decisions: what happens to a request once a provider has answered it.

Nothing here knows a library, a clock, a lock or a socket. The generator yields what it needs, an adapter does that
and sends back what came of it. An error that an adapter throws in passes through to the caller.
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
    """Wanted: the current credential, from Xkit if ours is still the one that was turned down. Send it back."""

    rejected: Credential
    verdict: Verdict


class Send(NamedTuple):
    """Wanted: the refused hop once more with these headers. Send back a view of its answer.

    Send back ``None`` if that answer is not one to this credential, because a redirect led elsewhere.
    """

    sending: Sending


class Tell(NamedTuple):
    """Wanted: pass on that the provider answered like this. That it accepted is told only to whoever wants to know.

    ``final`` says that no other credential is left to try; ``changed``, that this one, which Xkit gives now, is of
    another account than the one that was turned down.
    """

    credential: Credential
    judgement: Judgement
    final: bool
    changed: bool = False


class Judge(Protocol):
    """Whoever knows what an answer means and how a credential is written: a ``Policy``, or a stand-in for one."""

    slug: str

    def judge(self, credential: Credential, response: Any) -> Judgement:
        """What the answer says about the credential."""
        ...

    def write(self, credential: Credential, view: Callable[[], Any]) -> Sending:
        """The credential as it is sent."""
        ...


Step: TypeAlias = Fetch | Send | Tell
Life: TypeAlias = Generator[Step, Any, None]


def after_answer(
    policy: Judge,
    credential: Credential,
    answer: Any,
    view: Callable[[], Any],
    *,
    is_whole_again: Callable[[], bool],
    is_proof: Callable[[Any], bool] | None = None,
) -> Life:
    """Decide what follows from an answer to a request that carried ``credential`` to a host that may have it.

    ``is_proof`` says of an answer whether it is to be told that this accepted the credential.

    When it ends, the caller of the client gets the answer that came last. It is advanced with ``send``.
    ``is_whole_again`` makes the request's body ready to be sent again, and says whether that is certain to have worked.

    Raises:
        ReauthorizationRequired: the credential is revoked and Xkit has no other.
    """
    judgement = policy.judge(credential, answer)
    if judgement.verdict not in ASKS_AGAIN:
        if judgement.verdict is not Verdict.ACCEPTED or (is_proof is not None and is_proof(answer)):
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
        # What was meant for one account must not happen in another one: the caller decides, knowing of the refusal.
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
    """Send back what came of a step. The next one, or ``None`` when all is decided."""
    try:
        return flow.send(outcome)
    except StopIteration:
        return None
