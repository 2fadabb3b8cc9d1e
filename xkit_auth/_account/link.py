"""Where to send a user who must connect again."""

from __future__ import annotations

from collections.abc import Callable

from .._connectors import Template
from .._values import ConfigurationError, ConnectionUnavailable, XkitAuthError, percent_encoded, plain, plain_if_text

ReconnectUrl = str | Callable[..., str | None]
"""A template with ``{context}`` and ``{connector}``, or a function that takes both by name."""


class ReconnectLink:
    """Makes the link from what the application gave as ``reconnect_url``, and puts it on errors.

    Args:
        given: a template, a function, or nothing.
        name: where the application gave it.
    """

    def __init__(self, given: ReconnectUrl | None, *, name: str = "Xkit(reconnect_url=…)") -> None:
        self._function = given if callable(given) else None
        self._template: Template | None = None
        if given is None or callable(given) or given == "":
            return
        if not isinstance(given, str):
            raise ConfigurationError(
                "Xkit(reconnect_url=…) must be a text or a function",
                hint='Write it like reconnect_url="https://app.example/connect/{connector}?for={context}".',
            )
        try:
            self._template = Template(plain(given), allowed=("context", "connector"))
        except ValueError as mistake:
            problem = str(mistake)
        else:
            return
        raise ConfigurationError(
            f"{name}: {problem}",
            hint="It knows {context} and {connector}. Anything else takes a function, reconnect_url=make_link, which is"
            " called with context= and connector=.",
        )

    def put_on(self, error: XkitAuthError) -> None:
        """Put the link on the error, if it is one that a user can mend by connecting again."""
        if not isinstance(error, ConnectionUnavailable) or error.reconnect_url is not None:
            return
        names = {"context": error.context or "", "connector": error.connector or ""}
        if self._template is not None:
            error.reconnect_url = self._template.filled(lambda name: percent_encoded(names[name]))
        elif self._function is not None:
            try:
                link = self._function(**names)
                error.reconnect_url = None if link is None else str(plain_if_text(link))
            except Exception as mistake:
                # The error that is about to be raised matters more than a link.
                error.hint += f" (There is no reconnect link: reconnect_url raised {type(mistake).__name__}.)"
