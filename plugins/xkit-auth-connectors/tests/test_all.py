"""All connectors together: each module brings its own, each has an example, and none takes another's name."""

from __future__ import annotations

import runpy
from importlib import import_module
from pathlib import Path

import pytest
import xkit_auth_connectors

from xkit_auth.plugins import Plugins
from xkit_auth.testing import ConnectorContract

CONNECTORS = xkit_auth_connectors.xkit_auth_connectors()
HERE = Path(xkit_auth_connectors.__file__).parent
NOT_CONNECTORS = {"__init__", "appsecret_proof", "sdk"}


def test_every_module_is_in_the_list_and_the_list_is_sorted():
    assert list(xkit_auth_connectors.MODULES) == sorted(
        path.stem for path in HERE.glob("*.py") if path.stem not in NOT_CONNECTORS
    )


@pytest.mark.parametrize("name", xkit_auth_connectors.MODULES)
def test_a_module_says_what_it_knows_and_where_from(name):
    text = import_module(f"xkit_auth_connectors.{name}").__doc__
    assert "Source: " in text.replace("\n", " ")


def test_no_two_connectors_have_a_slug_or_alias_in_common():
    names = [name for connector in CONNECTORS for name in (connector.slug, *connector.aliases)]
    assert len(names) == len(set(names))
    assert not Plugins([xkit_auth_connectors], with_installed=False).broken


@pytest.mark.parametrize("connector", CONNECTORS, ids=lambda connector: connector.slug)
def test_every_connector_has_an_example_of_each_of_its_kinds(connector, contracts):
    contract = contracts[connector.slug]
    assert contract.sends.keys() == connector.kinds.keys()
    assert contract.hosts.keys() == connector.kinds.keys()


@pytest.fixture(scope="module")
def contracts():
    """The contracts in the files beside this one, by the slugs of their connectors."""
    found = {}
    for path in Path(__file__).parent.glob("test_*.py"):
        if path.name != Path(__file__).name:
            for value in runpy.run_path(str(path)).values():
                if isinstance(value, type) and issubclass(value, ConnectorContract) and value is not ConnectorContract:
                    found[value.connector.slug] = value
    return found
