"""QuickBooks Online.

A token that is no good is answered with 401 and error 3200. The same number with ``ApplicationAuthenticationFailed``
in the message means that the app's keys are wrong, or those of the sandbox, and then another token does not help.
Source: code and tests of other clients; other integrations. Unverified: the codes of a 403, and errors as XML, so
there is no rule for them.
"""

from __future__ import annotations

from xkit_auth import Connector, Contains, Failure, Verdict

quickbooks = Connector(
    "quickbooks",
    hosts=["quickbooks.api.intuit.com", "sandbox-quickbooks.api.intuit.com"],
    inspect={401: "application/json"},
    failures=[
        Failure(
            Verdict.DENIED,
            status=401,
            json={"fault.error.*.message": Contains("ApplicationAuthenticationFailed")},
        ),
    ],
)

connectors = [quickbooks]
