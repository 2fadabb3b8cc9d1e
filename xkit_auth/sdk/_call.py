"""One call of a decorated function: whose credential it gets, and what its exception says about that."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

from .._account import Xkit
from .._clients import Context, Trip, checked_whose, context_now
from .._connectors import Connector, Sending, answer_view, fit_to_tell, judged_by_rules, wants_body
from .._values import ConfigurationError, Credential, Judgement, RequestView, Verdict, XkitAuthError, remedy_for, told
from ._drive import Life, life_of
from ._exceptions import answer_in, attribute_of

Rejected = type[BaseException] | tuple[type[BaseException], ...] | Callable[[Exception], bool]

_UNKNOWN = Connector("unknown", hosts=[])
_NO_REQUEST = RequestView(method="", url="", headers={}, body=None)


def checked_arguments(context: object, xkit: object, rejected: object) -> None:
    """Look at what can be looked at before the first call.

    Raises:
        ConfigurationError: an argument makes no sense.
    """
    checked_whose(context, xkit)
    classes = rejected if isinstance(rejected, tuple) else (rejected,) if isinstance(rejected, type) else None
    if classes is not None:
        makes_sense = all(isinstance(each, type) and issubclass(each, BaseException) for each in classes)
    else:
        makes_sense = rejected is None or (callable(rejected) and not inspect.iscoroutinefunction(rejected))
    if not makes_sense:
        raise ConfigurationError(
            "rejected= is a class of exceptions, several, or a function, not an async one, that says so of one",
            hint="Correct what your application gives as rejected=.",
        )


def nothing() -> RequestView:
    """There is no request to be seen."""
    return _NO_REQUEST


class Outcome(NamedTuple):
    """What a call came to."""

    value: Any
    error: Exception | None

    def unpacked(self) -> Any:
        """What the function returned or raised."""
        if self.error is not None:
            raise self.error
        return self.value


class Call(Trip):
    """A trip that is its own policy: it judges exceptions, and the credential goes to the function as it is."""

    _failed_with: Exception | None = None
    _is_watched = False

    def __init__(self, slug: str, context: Context, xkit: Xkit | None, rejected: Rejected | None) -> None:
        self.slug = slug
        self.context = context_now(context)
        self._xkit = Xkit.default() if xkit is None else xkit
        self._rejected = rejected

    @property
    def xkit(self) -> Xkit:
        """The account that is asked."""
        return self._xkit

    @property
    def policy(self) -> Any:
        """Whoever judges and writes."""
        return self

    @property
    def origin(self) -> None:
        """None: a function may call any."""

    @property
    def is_watched(self) -> bool:
        """Whether it counts what comes of the function."""
        return self._is_watched

    def watch(self) -> None:
        """See what comes of the function, whatever that is."""
        self._is_watched = True

    def is_proof(self, answer: Outcome) -> bool:
        """Whether somebody wants to know that the function has returned, and it has."""
        return self.is_watched and answer.error is None

    def life(self, *, retry: bool) -> Life:
        """What follows from what."""
        return life_of(self, nothing, self.seen, replayable=retry, answer_of=self.answer_of)

    def write(self, credential: Credential, view: Callable[[], Any]) -> Sending:
        """The credential as it is."""
        return Sending(credential, ())

    def seen(self, outcome: Outcome) -> Outcome:
        """What is judged."""
        self._failed_with = outcome.error
        return outcome

    def answer_of(self, outcome: Outcome) -> Any:
        """The provider's answer, as far as the function's exception brings it."""
        return attribute_of(outcome.error, "response")

    def blame(self, error: XkitAuthError) -> None:
        """Put on an error of ours the exception of the function that led to it."""
        error.__cause__ = error.__cause__ or self._failed_with

    def judge(self, credential: Credential, outcome: Outcome) -> Judgement:
        """What an exception says about the credential."""
        if outcome.error is None:
            return Judgement(Verdict.ACCEPTED)
        if isinstance(outcome.error, XkitAuthError):  # about something else that the function does
            return Judgement(Verdict.ACCEPTED)
        if self._rejected is None:
            return self._by_plugin(credential, outcome.error)
        return Judgement(Verdict.REFETCH if self._is_rejected(credential, outcome.error) else Verdict.ACCEPTED)

    def _is_rejected(self, credential: Credential, error: Exception) -> bool:
        if isinstance(self._rejected, (type, tuple)):
            return isinstance(error, self._rejected)
        assert self._rejected is not None
        try:
            return bool(self._rejected(error))
        except Exception as raised:
            problem = told(raised, credential._texts())
        raise ConfigurationError(
            f"The function given as rejected= raised {problem}", hint="Correct that function in your application."
        ) from error

    def _by_plugin(self, credential: Credential, error: Exception) -> Judgement:
        connector = self.xkit.directory.connector_for(self.slug) or _UNKNOWN
        hook = self.xkit.directory.hook_for("xkit_auth_classify_exception", self.slug)
        verdict = None if hook is None else self._asked(hook, connector, credential, error)
        if verdict is not None:
            return Judgement(verdict)
        said = answer_in(error)
        if said is None:
            return Judgement(Verdict.ACCEPTED)
        body = said.body() if wants_body(connector, said.status, said.headers) else None
        judgement = judged_by_rules(connector, answer_view(said.status, said.headers, body, _NO_REQUEST))
        return fit_to_tell(judgement, credential)

    def _asked(
        self, hook: Callable[..., Any], connector: Connector, credential: Credential, error: Exception
    ) -> Verdict | None:
        remedy = "Correct the plugin."
        try:
            verdict = hook(connector=connector, exception=error)
        except Exception as raised:
            problem, remedy = f"raised {told(raised, credential._texts())}", remedy_for(raised)
        else:
            if verdict is None or isinstance(verdict, Verdict):
                return verdict
            problem = "returned something that is not a Verdict"
        raise ConfigurationError(f"The plugin's xkit_auth_classify_exception {problem}", hint=remedy)
