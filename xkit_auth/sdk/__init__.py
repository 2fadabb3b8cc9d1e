"""For SDKs that have no ``auth=``: give a client, an SDK's object or a function its credential.

It needs the extra ``sdk``, which brings wrapt.
"""

from __future__ import annotations

from importlib.util import find_spec

from .._values import to_install

if find_spec("wrapt") is None:
    raise ImportError(f"xkit_auth.sdk needs wrapt: {to_install('sdk')}")

from ._bind import bind
from ._binder import Binder
from ._binding import Binding
from ._find import find_error
from ._with_credential import with_credential

__all__ = ["Binder", "Binding", "bind", "find_error", "with_credential"]
