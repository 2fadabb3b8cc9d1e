"""Facebook's and Instagram's ``appsecret_proof``, for applications whose settings demand it.

With "Require App Secret" switched on, Meta wants each call to carry an HMAC of the token, made with the application's
secret. That secret is the application's own and not the user's, so it is not in Xkit: give it here.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import NoReturn

from xkit_auth import Connector, Credential, hookimpl

from .meta import facebook, instagram


class AppSecretProof:
    """A plugin that adds ``appsecret_proof`` to the requests of Facebook and Instagram.

    Args:
        app_secret: the application's secret, from its settings at Meta.

    The proof goes into the query, where logs may show it. Without the token it is of no use to anybody. A plugin
    that is given in ``plugins=`` is asked for each request of every connector: best give it to an ``Xkit`` that is for
    Meta.

    Example:
        >>> from xkit_auth import Xkit
        >>> xkit = Xkit(publishable_key="pk_1", secret_key="sk_1", plugins=[AppSecretProof("the secret")])
    """

    def __init__(self, app_secret: str) -> None:
        self._key = app_secret.encode()

    @hookimpl
    def xkit_auth_format_query(self, connector: Connector, credential: Credential) -> Mapping[str, str] | None:
        """The proof for this token."""
        if connector.slug not in (facebook.slug, instagram.slug):
            return None
        return {"appsecret_proof": hmac.new(self._key, credential.reveal().encode(), "sha256").hexdigest()}

    def __repr__(self) -> str:
        return "AppSecretProof()"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an AppSecretProof does not pickle: it holds a secret")
