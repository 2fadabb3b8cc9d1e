"""ServiceNow.

The param ``instance`` is the first part of the instance's host, ``acme`` of ``acme.service-now.com``; for a host of
your own, give ``hosts=``. An instance runs its owner's code, which can see the headers of a request: whoever may name
an instance gets what is sent there, so take the name only from the user whose credential it is. A token that is no
good is answered with 401 and ``User Not Authenticated``, and so is an account that a policy of the instance keeps
out: nothing tells the two apart. A JWT is sent like an OAuth token. Source: code and tests of other clients, and
other integrations. Unverified: user name and password with HTTP Basic, so that kind is left out, and the body of a
403.
"""

from __future__ import annotations

from xkit_auth import Connector

servicenow = Connector(
    "servicenow",
    hosts=["{param.instance}.service-now.com"],
    params={"instance": "label"},  # another customer's instance runs that customer's code
)

connectors = [servicenow]
