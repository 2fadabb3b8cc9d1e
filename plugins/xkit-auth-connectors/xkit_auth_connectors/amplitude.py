"""Amplitude, the APIs that are asked for data.

The API key and the secret key are user name and password of HTTP Basic. Source: other integrations, and for the hosts
a third party's description of this API. Unverified: how a refusal looks (a 401 is taken for one, a 403 is not).
Ingestion wants the API key in the JSON body, which only code can do: that and its hosts are left out.
"""

from __future__ import annotations

from xkit_auth import Connector, Placement

amplitude = Connector(
    "amplitude",
    hosts=["amplitude.com", "analytics.eu.amplitude.com"],
    kinds={"api_key": Placement(basic=("{field.api_key}", "{field.secret_key}"))},
)

connectors = [amplitude]
