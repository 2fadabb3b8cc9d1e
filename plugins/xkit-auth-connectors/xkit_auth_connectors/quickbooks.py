"""QuickBooks Online.

A token that is no good is answered with 401 and error 3200. The same number with ``ApplicationAuthenticationFailed``
in the message means that the app's keys are wrong, or those of the sandbox, and then another token does not help.
Without ``Accept: application/json`` it says so in XML, with the message in an element or an attribute. A 403 with
``ApplicationAuthorizationFailed`` is about the company or what the application may do. Source: code and tests of other
clients; other integrations; reports of users (XML, 403).
"""

from __future__ import annotations

from xkit_auth import Connector, Contains, Failure, Verdict

quickbooks = Connector(
    "quickbooks",
    hosts=["quickbooks.api.intuit.com", "sandbox-quickbooks.api.intuit.com"],
    inspect={401: ("application/json", "application/xml", "text/xml"), 403: "application/json"},
    failures=[
        Failure(
            Verdict.DENIED,
            status=401,
            json={"fault.error.*.message": Contains("ApplicationAuthenticationFailed")},
        ),
        Failure(
            Verdict.DENIED,
            status=403,
            json={"fault.error.*.message": Contains("AuthorizationFailed")},
        ),
        Failure(Verdict.DENIED, status=401, text=Contains("ApplicationAuthenticationFailed")),
    ],
)

connectors = [quickbooks]
