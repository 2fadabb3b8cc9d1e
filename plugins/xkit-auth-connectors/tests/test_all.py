"""All connectors together: each module brings its own, each has an example, and none takes another's name."""

from __future__ import annotations

import runpy
from importlib import import_module
from pathlib import Path

import pytest
import xkit_auth_connectors

from xkit_auth import ConfigurationError, Xkit
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


# Every param that is part of a host, and what a value may name beside the user's own account. Whoever adds one has to
# answer this: can a value name a host on which a stranger's code runs, or another service?
NAMES = {
    ("auth0", "host"): "another tenant, and Auth0's own hosts",
    ("bamboohr", "subdomain"): "another company, and BambooHR's own hosts",
    ("confluence", "site"): "another site",
    ("docusign", "host"): "DocuSign's own hosts",
    ("freshdesk", "subdomain"): "another account",
    ("jira", "site"): "another site",
    ("mailchimp", "dc"): "another data centre",
    ("okta", "host"): "another org, and Okta's own hosts",
    ("pipedrive", "company"): "another company, and Pipedrive's own hosts",
    ("salesforce", "host"): "another organization, which lets nobody in but its users",
    ("servicenow", "instance"): "another instance, WHICH RUNS ITS OWNER'S CODE: said in the module and in the README",
    ("sharepoint", "tenant"): "another tenant",
    ("shopify", "shop"): "another shop, whose apps get what is sent to some paths: said in the module",
    ("zendesk", "subdomain"): "another account",
}


def test_every_param_that_is_part_of_a_host_was_thought_about():
    hosts_of = {
        each.slug: (*each.hosts, *(host for kind in each.kinds.values() for host in kind.hosts)) for each in CONNECTORS
    }
    found = {
        (connector.slug, name)
        for connector in CONNECTORS
        for name in connector.params
        if any(f"{{param.{name}}}" in host for host in hosts_of[connector.slug])
    }
    assert found == NAMES.keys()


@pytest.mark.parametrize(
    ("slug", "params", "kind"),
    [
        ("okta", {"host": "evil.workflows.okta.com"}, None),
        ("okta", {"host": "evil.okta.com.evil.example"}, None),
        ("auth0", {"host": "evil.example"}, None),
        ("salesforce", {"host": "evil.my.site.com"}, None),
        ("salesforce", {"host": "evil.my.salesforce-sites.com"}, None),
        ("docusign", {"host": "docusign.net.evil.example"}, None),
        ("jira", {"site": "evil.example/"}, "api_token"),
        ("mailchimp", {"dc": "evil.example#"}, None),
        ("servicenow", {"instance": "evil.example"}, None),
        ("sharepoint", {"tenant": "evil.azurewebsites"}, "tenant_token"),
        ("shopify", {"shop": "evil.example:443/"}, None),
        ("zendesk", {"subdomain": "*"}, None),
    ],
)
def test_no_value_names_a_host_of_a_stranger(slug, params, kind):
    with (
        Xkit(publishable_key="pk", secret_key="sk", plugins=[xkit_auth_connectors]) as xkit,
        pytest.raises(ConfigurationError, match="not of the form"),
    ):
        xkit.directory.policy_for(slug, params=params, kind=kind)


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
