"""A user connects another account while a request is refused: it must not happen in the other account as well."""

from __future__ import annotations

import json

import anyio
import pytest

from xkit_auth import Connector, Failure, ReauthorizationRequired, Verdict, hookimpl
from xkit_auth.sdk import with_credential

BODY = b'{"text": "for the private workspace alone"}'


class Recorder:
    """A plugin that notes every event."""

    def __init__(self):
        self.events = []

    @hookimpl
    def xkit_auth_event(self, event):
        self.events.append(event)

    @property
    def kinds(self):
        return [event.kind for event in self.events]


@pytest.fixture
def acme(sandbox, driver):
    """A user whose credential is held, and who has just connected another account, having revoked the first."""

    class Acme:
        url = sandbox.provider_url("acme")
        recorder = Recorder()
        xkit = sandbox.xkit(plugins=[recorder])
        auth = driver.auth("acme", context="user-1", xkit=xkit)

        @staticmethod
        def knows(authorization_id, label):
            """Xkit gives a new credential of the account that is known by these names."""
            token = sandbox.connect("acme", "user-1")
            authorization = {"id": authorization_id, "status": "active", "credential": token, "display_label": label}
            known = {name: value for name, value in authorization.items() if value is not None}
            answer = {"connection": {"enabled": True, "authorization": known}}
            sandbox.answer_with(json.dumps(answer))
            return token

        @classmethod
        def moves(cls, before, after):
            cls.knows(*before)
            cls.xkit.get_credential("acme", context="user-1")
            sandbox.revoke("acme", "user-1")
            return cls.knows(*after)

    return Acme


OTHERS = [
    ((1, "private"), (1, "work")),
    ((1, "private"), (2, "private")),
    ((1, None), (2, "work")),
    ((None, "private"), (7, "work")),
    (("a", None), ("b", None)),
]
THE_SAME = [
    ((1, "private"), (1, "private")),
    ((1, None), ("1", "work")),
    ((None, "private"), (1, "private")),
    ((1, None), (None, "work")),
    ((None, None), (None, None)),
    ((1, ""), (1, "work")),
]


@pytest.mark.parametrize(("before", "after"), OTHERS)
def test_what_was_refused_in_one_account_is_not_done_in_another(sandbox, driver, acme, before, after):
    token = acme.moves(before, after)

    reply = driver.send("POST", f"{acme.url}/messages", auth=acme.auth, content=BODY)

    assert (reply.status, reply.history) == (401, [])
    (arrival,) = sandbox.arrivals("acme")
    assert (arrival.body, arrival.status) == (BODY, 401)
    assert acme.recorder.kinds[-2:] == ["fetched", "account_changed"]
    changed = acme.recorder.events[-1]
    assert (changed.connector, changed.context) == ("acme", "user-1")
    assert changed.fingerprint == acme.xkit.get_credential("acme", context="user-1").fingerprint
    assert "resent" not in acme.recorder.kinds
    # The next request is the new account's.
    assert driver.send("POST", acme.url, auth=acme.auth, content=b"next").status == 200
    assert sandbox.arrivals("acme")[-1].headers["authorization"] == f"Bearer {token}"


@pytest.mark.parametrize(("before", "after"), THE_SAME)
def test_only_names_that_are_known_of_both_tell_accounts_apart(sandbox, driver, acme, before, after):
    acme.moves(before, after)

    assert driver.send("POST", acme.url, auth=acme.auth, content=BODY).status == 200

    assert [arrival.body for arrival in sandbox.arrivals("acme")] == [BODY, BODY]
    assert "account_changed" not in acme.recorder.kinds


def test_it_is_all_the_same_whose_request_has_found_it_out(sandbox, driver, acme):
    class IsQuicker:
        """Has the new credential fetched when a request has just been refused."""

        @hookimpl
        def xkit_auth_event(self, event):
            if event.kind == "rejected":
                xkit.get_credential("acme", context="user-1", rejected=refused)

    xkit = sandbox.xkit(plugins=[IsQuicker()])
    acme.knows(1, "private")
    refused = xkit.get_credential("acme", context="user-1")
    sandbox.revoke("acme", "user-1")
    acme.knows(2, "work")
    auth = driver.auth("acme", context="user-1", xkit=xkit)

    assert driver.send("POST", acme.url, auth=auth, content=BODY).status == 401
    assert len(sandbox.arrivals("acme")) == 1


def test_a_function_that_was_refused_in_one_account_is_not_called_for_another(sandbox, driver, acme):
    acme.moves((1, "private"), (2, "work"))
    called = []

    class Refused(Exception):
        pass

    def refuse(token):
        called.append(token)
        raise Refused

    async def arefuse(token):
        refuse(token)

    decorate = with_credential("acme", context="user-1", xkit=acme.xkit, rejected=Refused)
    with pytest.raises(Refused):
        anyio.run(decorate(arefuse), backend=driver.loop) if driver.loop else decorate(refuse)()

    assert len(called) == 1
    assert acme.recorder.kinds[-1] == "account_changed"
    assert acme.xkit.get_credential("acme", context="user-1").reveal() not in called


def test_another_account_after_a_revocation_is_no_reason_to_send_the_user_to_connect(sandbox, driver):
    revoked = Failure(Verdict.RECONNECT, status=401)
    sandbox.add_connector(Connector("acme", hosts=["x.example"], failures=[revoked]))
    xkit, url = sandbox.xkit(), sandbox.provider_url("acme")
    sandbox.connect("acme", "user-1", display_label="private")
    auth = driver.auth("acme", context="user-1", xkit=xkit)
    xkit.get_credential("acme", context="user-1")
    sandbox.revoke("acme", "user-1", known_to_xkit=False)
    with pytest.raises(ReauthorizationRequired):
        driver.send("POST", url, auth=auth, content=BODY)
    xkit.forget()
    xkit.get_credential("acme", context="user-1")
    sandbox.connect("acme", "user-1", display_label="work")

    assert driver.send("POST", url, auth=auth, content=BODY).status == 401
    assert driver.send("POST", url, auth=auth, content=BODY).status == 200


def test_nothing_tells_by_which_names_an_account_is_known(sandbox, xkit):
    sandbox.connect("acme", "user-1", display_label="amy@private.example")

    credential = xkit.get_credential("acme", context="user-1")

    assert "amy" not in repr([getattr(credential, name) for name in credential.__slots__])
