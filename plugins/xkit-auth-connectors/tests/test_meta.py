"""Meta's Graph APIs: Facebook and Instagram, whose refusals are of the same form."""

from __future__ import annotations

import hmac
import pickle

import pytest
from xkit_auth_connectors.appsecret_proof import AppSecretProof
from xkit_auth_connectors.meta import facebook, instagram

from xkit_auth import Verdict
from xkit_auth.testing import Answer, ConnectorContract


def says(code, subcode=None):
    error = {"message": "No.", "type": "OAuthException", "code": code}
    return {"error": error if subcode is None else {**error, "error_subcode": subcode}}


ANSWERS = [
    *(Answer(Verdict.REFETCH, status=status, json=says(code)) for status in (400, 401) for code in (190, 102)),
    *(Answer(Verdict.REFETCH, status=400, json=says(190, subcode)) for subcode in (463, 464, 467)),
    *(Answer(Verdict.RECONNECT, status=400, json=says(190, subcode)) for subcode in (458, 459, 460, 493)),
    Answer(Verdict.RECONNECT, status=401, json=says(190, 458)),
    *(Answer(Verdict.RATE_LIMITED, status=400, json=says(code)) for code in (4, 17, 341)),
    *(Answer(Verdict.DENIED, status=400, json=says(code)) for code in (3, 10, 200, 299, 368)),
    Answer(Verdict.DENIED, status=401, json=says(10)),
    Answer(Verdict.ACCEPTED, status=400, json={"error": {"message": "Something else."}}),
    Answer(Verdict.ACCEPTED, status=403),
]
SENDS = {"oauth2": {"Authorization": "Bearer TOKEN"}, "oauth2_in_query": {"?access_token": "TOKEN"}}


class TestFacebook(ConnectorContract):
    connector = facebook
    sends = SENDS
    hosts = {"oauth2": ["graph.facebook.com"], "oauth2_in_query": ["graph.facebook.com"]}
    answers = ANSWERS


class TestInstagram(ConnectorContract):
    connector = instagram
    sends = SENDS
    hosts = dict.fromkeys(SENDS, ("graph.instagram.com", "graph.facebook.com"))
    answers = ANSWERS


# The proof of the application's secret


@pytest.mark.parametrize("slug", ["facebook", "instagram"])
def test_the_proof_goes_along_and_is_made_anew_for_a_new_token(sandbox, driver, slug):
    xkit = sandbox.xkit(plugins=[AppSecretProof("the app's secret")], timeout=30)
    sandbox.connect(slug, "user-1")
    auth = driver.auth(slug, context="user-1", xkit=xkit)
    url = f"{sandbox.provider_url(slug)}/v20.0/me?fields=id"
    driver.send("GET", url, auth=auth)
    sandbox.expire(slug, "user-1")
    assert driver.send("GET", url, auth=auth).status == 200
    arrivals = sandbox.arrivals(slug)
    assert len(arrivals) == 3
    for arrival in arrivals:
        token = arrival.headers["authorization"].removeprefix("Bearer ")
        proof = hmac.new(b"the app's secret", token.encode(), "sha256").hexdigest()
        assert arrival.query == f"fields=id&appsecret_proof={proof}"


def test_other_connectors_get_no_proof(sandbox, driver):
    xkit = sandbox.xkit(plugins=[AppSecretProof("the app's secret")], timeout=30)
    sandbox.connect("slack", "user-1")
    driver.send("GET", f"{sandbox.slack_url}/api/auth.test", auth=driver.auth("slack", context="user-1", xkit=xkit))
    (arrival,) = sandbox.arrivals("slack")
    assert arrival.query == ""


def test_the_secret_of_the_application_is_not_shown_and_does_not_pickle():
    plugin = AppSecretProof("the app's secret")
    assert "secret" not in repr(plugin).lower().replace("appsecretproof", "")
    with pytest.raises(TypeError, match="does not pickle"):
        pickle.dumps(plugin)
