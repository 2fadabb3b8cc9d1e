"""The base of ``AllOf``: which auth objects can be combined on one request."""

from __future__ import annotations

from typing import Any

from .._values import ConfigurationError
from .auth import BaseAuth


class BaseAllOf:
    """Several auth objects on one request."""

    def __init__(self, *auths: Any) -> None:
        """Check that these can be combined; the first is the outermost.

        Raises:
            ConfigurationError: there are fewer than two, one is not an auth object of this library, or two are ours.
        """
        if len(auths) == 1 and isinstance(auths[0], (list, tuple)):
            raise ConfigurationError(
                f"AllOf was given a {type(auths[0]).__name__}",
                hint="Give it the auth objects one by one: AllOf(first, second).",
            )
        if len(auths) < 2:
            raise ConfigurationError("AllOf takes two auth objects or more", hint="A single one needs no AllOf.")
        for auth in auths:
            if not self._takes(auth):
                name = type(auth).__name__
                raise ConfigurationError(
                    f"AllOf cannot take this {name}",
                    hint="Give it auth objects of the client's own library, such as its BasicAuth or HTTPBasicAuth for"
                    " a user name and password.",
                )
        self._auths = auths
        if self._number_of_ours() > 1:
            raise ConfigurationError(
                "AllOf was given more than one XkitAuth", hint="A request carries the credential of one connection."
            )

    def _takes(self, auth: Any) -> bool:
        """Return whether this is an auth object of the library."""
        return callable(auth)

    def _number_of_ours(self) -> int:
        return sum(
            auth._number_of_ours() if isinstance(auth, BaseAllOf) else isinstance(auth, BaseAuth)
            for auth in self._auths
        )

    def __repr__(self) -> str:
        # Only type names, since the repr of another library's object may show a secret.
        return f"AllOf({', '.join(type(auth).__name__ for auth in self._auths)})"
