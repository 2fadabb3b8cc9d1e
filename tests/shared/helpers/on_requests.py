"""What the tests of copies on requests and used again on requests and said back on requests share."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from xkit_auth import Connector, Placement

KINDS = {
    "bearer": Placement(),
    "key": Placement(header={"X-Api-Key": "{token}"}),
    "basic": Placement(basic=("user", "{token}")),
    "query": Placement(query={"key": "{token}"}),
    "path": Placement(path="/bot{token}"),
}


TOKEN = "tok-1:a/b c+d"


@pytest.fixture(params=["bearer", "key", "query"])
def kind(request):
    """Where the credential goes: what requests strips, what it does not, and what it shows."""
    return request.param


@pytest.fixture
def acme(sandbox, driver, xkit, kind):
    """A connected user of a connector that takes its credential in every way."""

    class Acme:
        def __init__(self):
            sandbox.add_connector(Connector("acme", hosts=["api.acme.example"], kinds=KINDS))
            sandbox.connect("acme", "user-1", credential=TOKEN)
            self.url = sandbox.provider_url("acme")

        def auth(self, connector="acme", **arguments):
            return driver.auth(connector, context="user-1", xkit=xkit, **{"kind": kind, **arguments})

        def request(self, to=None, method="GET", status=302, **arguments):
            """A request to the provider, which redirects it if ``to`` says where."""
            url = f"{self.url}/things" if to is None else redirect(self.url, to, status)
            return driver.lib.Request(method, url, **{"auth": self.auth(), **arguments}).prepare()

        def expired(self, request):
            """The same request, whose credential is not good any more."""
            sandbox.expire("acme", "user-1")
            return request

        def carried(self, slug="acme"):
            return [carries(each) for each in sandbox.arrivals(slug)]

    return Acme()


@pytest.fixture
def session(driver):
    with driver.lib.Session() as session:
        session.trust_env = False
        yield session


def carries(arrival):
    """Whether anything of the credential arrived: its beginning, or the beginning of its base64 after ``user:``."""
    arrived = f"{arrival.raw_headers}{arrival.path}?{arrival.query}"
    return any(part in arrived for part in ("tok-1", "dXNlcjp0b2st", "sandbox-"))


def redirect(url, to, status=302):
    return f"{url}/redirect?to={quote(to, safe='')}&status={status}"


def to(request, url):
    request.url = url
