"""Random chains of redirects, over real clients whose sockets alone are replaced: a credential stays at home.

Each chain is made from one number. Where each hop leads, what the provider says there, and what is looked at
afterwards: all of it is worked out here, from the bytes that arrived, without any help of the library's.
"""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from helpers.chains import PLACEMENTS, TARGETS, Chain, mistakes_in, signature
from helpers.far_side import FarSide, options_for
from xkit_auth import (
    Connector,
    Credential,
    Failure,
    NotConnected,
    Verdict,
    Xkit,
    hookimpl,
)

BLOCK = 100
"""Chains that share one client."""


def pytest_generate_tests(metafunc):
    if "seeds" in metafunc.fixturenames:
        starts = range(0, metafunc.config.getoption("chains"), BLOCK)
        metafunc.parametrize("seeds", [range(start, start + BLOCK) for start in starts], ids=[f"{at}" for at in starts])


def test_no_credential_leaves_its_origin_or_comes_back_to_it(driver, seeds, request):
    broken = []
    with world(driver) as run:
        for seed in seeds:
            chain = Chain(seed, driver)
            broken += [told for told in [run(chain)] if told]
    if broken:
        replay = f"--chains {seeds.stop} '{request.node.nodeid}'"
        pytest.fail("\n\n".join([f"{len(broken)} of {len(seeds)} chains. Again: {replay}", *broken[:3]]), pytrace=False)


# The application's side


class Keeper(Xkit):
    """An ``Xkit`` that has the credentials of the chain at hand, and calls nobody."""

    def begin(self, chain):
        self._chain = chain
        self._now = chain.old

    def get_credential(self, connector, *, context, rejected=None):
        assert context == f"user-{self._chain.seed}"
        if rejected is not None and self._chain.refetch == "gone":
            raise NotConnected("The user has disconnected", connector=connector, context=context)
        if rejected is not None and self._chain.refetch == "new":
            self._now = self._chain.new
        return Credential(self._now)

    async def aget_credential(self, connector, *, context, rejected=None):
        return self.get_credential(connector, context=context, rejected=rejected)


class Connectors:
    """One connector for each placement, plain and like Slack."""

    names = tuple(name for name in PLACEMENTS if name != "signed")

    @hookimpl
    def xkit_auth_connectors(self):
        hosts = [target.removeprefix("https://") for target in TARGETS]
        like_slack = {
            "inspect": {200: "application/json"},
            "failures": [Failure(Verdict.REFETCH, status=200, json={"ok": False, "error": ("expired",)})],
        }
        for name in self.names:
            for more, options in (("", {}), ("-slack", like_slack)):
                yield Connector(f"{name}{more}", hosts=hosts, kinds={"it": PLACEMENTS[name]}, **options)


class SigningConnectors(Connectors):
    """A connector whose plugin writes two headers."""

    names = ("signed",)

    @hookimpl
    def xkit_auth_format_headers(self, credential):
        return {"X-Token": credential.reveal(), "X-Signature": signature(credential.reveal())}


@contextmanager
def world(driver):
    """Yields ``run(chain)``, which gives what went wrong, or nothing."""
    far_side = FarSide()
    keys = {"publishable_key": "pk_test_chains", "secret_key": "sk_test_chains"}
    with (
        Keeper(**keys, plugins=[Connectors()]) as plain,
        Keeper(**keys, plugins=[SigningConnectors()]) as signing,
        driver.session(**options_for(driver, far_side), follow_redirects=True) as send,
    ):

        def run(chain):
            far_side.begin(chain)
            xkit = signing if chain.placement == "signed" else plain
            xkit.begin(chain)
            raised = None
            try:
                _send(driver, send, xkit, chain)
            except Exception as error:  # whether it may be raised is one of the things to judge
                raised = error
            mistakes = list(mistakes_in(chain, far_side.arrivals, raised))
            if not mistakes:
                return ""
            arrived = "".join(f"\n    {arrival!r}" for arrival in far_side.arrivals)
            return f"{'; '.join(mistakes)}\n{chain!r}\n  arrived:{arrived}\n  raised: {raised!r}"

        yield run


def _send(driver, send, xkit, chain):
    slug = f"{chain.placement}-slack" if chain.is_slack_like else chain.placement
    auth = driver.auth(slug, context=f"user-{chain.seed}", xkit=xkit, kind="it")
    url = f"{chain.home.removesuffix(':443')}/hop-0"
    send(chain.method, url, auth=auth, **chain.arguments())
