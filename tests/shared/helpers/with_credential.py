"""What the tests of with credential and with credential calls share."""

from __future__ import annotations

from functools import partial

import pytest

from xkit_auth.sdk import with_credential


class Decorated:
    """A function of an SDK, sync or async as the driver is, that is decorated as a test wants it."""

    def __init__(self, sandbox, driver, xkit):
        self.driver = driver
        self.url = sandbox.provider_url("acme")
        self.xkit = xkit
        self.errors = []

    def judged(self, response, makes):
        if makes is not None and response.status_code >= 400:
            self.errors.append(makes(response))
            raise self.errors[-1]
        if makes is None:
            try:
                response.raise_for_status()
            except Exception as error:
                self.errors.append(error)
                raise
        return response.status_code

    def __call__(self, path="/things", *, makes=None, **options):
        """A call of the decorated function: it raises what its library does, or what ``makes`` makes of the answer."""
        decorate = with_credential("acme", **{"context": "user-1", "xkit": self.xkit, **options})
        if self.driver.loop is None:
            return partial(decorate(self.send), path, makes)
        return partial(self.awaited, decorate(self.asend), path, makes)

    def send(self, path, makes, *, token):
        headers = {"Authorization": f"Bearer {token}"}
        return self.judged(self.driver.send("GET", self.url + path, auth=None, headers=headers).raw, makes)

    async def asend(self, path, makes, *, token):
        headers = {"Authorization": f"Bearer {token}"}
        async with self.driver.lib.AsyncClient(timeout=30, trust_env=False, verify=False) as client:
            return self.judged(await client.get(self.url + path, headers=headers), makes)

    def awaited(self, function, *args, **kwargs):
        import anyio

        return anyio.run(partial(function, *args, **kwargs), backend=self.driver.loop)


@pytest.fixture
def decorated(sandbox, driver, xkit):
    sandbox.connect("acme", "user-1", credential="first-token")
    return Decorated(sandbox, driver, xkit)


def tokens_at(sandbox):
    return [each.headers["authorization"].removeprefix("Bearer ") for each in sandbox.arrivals("acme")]
