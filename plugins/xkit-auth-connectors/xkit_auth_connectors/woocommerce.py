"""WooCommerce.

Every shop is self-hosted, so the application gives ``hosts=``. Consumer key and secret are user name and password of
HTTP Basic; where a server drops that header, WooCommerce says that the consumer key is missing, and the kind
``api_key_in_query`` helps. Other 401s tell of a wrong key or of a missing permission, with the same codes. Source:
WooCommerce's REST API documentation, and code of other clients. OAuth 1.0a, which plain http needs, is left out.
"""

from __future__ import annotations

from xkit_auth import Connector, Contains, Failure, Placement, Verdict

woocommerce = Connector(
    "woocommerce",
    hosts=[],
    kinds={
        "api_key": Placement(basic=("{field.consumer_key}", "{field.consumer_secret}")),
        "api_key_in_query": Placement(
            query={"consumer_key": "{field.consumer_key}", "consumer_secret": "{field.consumer_secret}"}
        ),
    },
    inspect={401: "application/json"},
    failures=[Failure(Verdict.DENIED, status=401, json={"message": Contains("Consumer key is missing")})],
)

connectors = [woocommerce]
