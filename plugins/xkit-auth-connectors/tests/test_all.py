"""All connectors together: each module brings its own, each has an example, and none takes another's name."""

from __future__ import annotations

import runpy
from importlib import import_module
from pathlib import Path

import pytest
import xkit_auth_connectors

from xkit_auth import ConfigurationError, Xkit
from xkit_auth._connectors.known import PACKAGES
from xkit_auth.plugins import Plugins
from xkit_auth.testing import ConnectorContract

CONNECTORS = xkit_auth_connectors.xkit_auth_connectors()
HERE = Path(xkit_auth_connectors.__file__).parent
NOT_CONNECTORS = {"__init__", "_graphql", "appsecret_proof", "sdk"}


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
    ("auth0", "host"): "another tenant, and Auth0's own hosts with one label before the region",
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


# Where customers of somebody run code or publish what they like, and what only looks like the provider's.
STRANGERS = (
    *(
        "evil.example",
        "evil.example/",
        "evil.example#",
        "evil.example?",
        "evil.example:443/",
        "evil.example\\",
        "x@evil.example",
    ),
    *("evil.github.io", "evil.azurewebsites.net", "evil.blob.core.windows.net", "evil.trafficmanager.net"),
    *(
        "evil.s3.amazonaws.com",
        "evil.s3-website-eu-west-1.amazonaws.com",
        "ec2-1-2-3-4.eu-west-1.compute.amazonaws.com",
    ),
    *("evil.herokuapp.com", "evil.vercel.app", "evil.ngrok.io", "evil.my.site.com", "evil.my.salesforce-sites.com"),
    *(
        "evil.force.com",
        "evil.atlassian-dev.net",
        "evil.zendesk.apps",
        "localhost",
        "localhost:8080",
        "127.0.0.1",
        "[::1]",
    ),
    *(
        "",
        " ",
        ".",
        "..",
        "*",
        "*.",
        "*.*",
        "*.com",
        "a.*",
        "**",
        "a b",
        "a\n",
        "a\0",
        "\u00fc",
        "\u2024",
        "a%2eb",
        "-a",
        "a-",
    ),
)

# Those that a rule of this one provider's has to keep out.
STRANGERS_OF = {
    "auth0": (
        "webtask.it.auth0.com",
        "sandbox.it.auth0.com",
        "acme.guardian.us.auth0.com",
        "auth0.com",
        "us.auth0.com.",
    ),
    "docusign": ("docusign.net", "docusign.net.evil.example", "evildocusign.net"),
    "okta": ("evil.workflows.okta.com", "okta.com", "acme.okta.com.evil.example", "acme.okta.io", "acme.oktacdn.com"),
    "salesforce": (
        "my.salesforce.com",
        "evil.my.salesforce.com.evil.example",
        "evil.salesforce.com",
        "evilmy.salesforce.com",
    ),
    "sharepoint": ("evil.azurewebsites", "evil.sharepoint.com"),
}

# What else each of them needs.
BESIDE = {"sharepoint": "tenant_token", "jira": "api_token", "confluence": "api_token"}


@pytest.mark.parametrize(("slug", "name"), NAMES)
def test_no_value_of_a_param_names_a_host_of_a_stranger(slug, name):
    with Xkit(publishable_key="pk", secret_key="sk", plugins=[xkit_auth_connectors]) as xkit:
        connector = xkit.directory.connector_for(slug)
        assert list(connector.params) == [name]
        for value in (*STRANGERS, *STRANGERS_OF.get(slug, ())):
            if connector.params[name] == "label" and value == "localhost":
                continue  # a label like any other: the provider's domain stands behind it
            with pytest.raises(ConfigurationError, match="not of the form"):
                xkit.directory.policy_for(slug, params={name: value}, kind=BESIDE.get(slug))


def test_a_value_ends_below_a_domain_on_which_the_provider_alone_gives_out_names():
    domains = {
        "auth0.com", "bamboohr.com", "atlassian.net", "docusign.net", "freshdesk.com", "api.mailchimp.com", "okta.com",
        "oktapreview.com", "pipedrive.com", "my.salesforce.com", "service-now.com", "sharepoint.com", "myshopify.com",
        "zendesk.com", "au.auth0.com", "ca.auth0.com", "eu.auth0.com", "jp.auth0.com", "uk.auth0.com", "us.auth0.com",
    }  # fmt: skip
    found = set()
    for connector in CONNECTORS:
        rules = {name: [rule] if isinstance(rule, str) else rule for name, rule in connector.params.items()}
        for entry in (*connector.hosts, *(host for kind in connector.kinds.values() for host in kind.hosts)):
            assert "*" not in entry, "a wildcard of a provider's was not thought about"
            for name, choices in rules.items():
                if f"{{param.{name}}}" in entry:
                    behind = entry.partition("}")[2]
                    found |= {behind or choice for choice in choices}
    assert {text.removeprefix("*").removeprefix(".") for text in found} == domains


@pytest.mark.parametrize("host", ["acme.auth0.com", "acme.eu.auth0.com", "dev-1.us.auth0.com"])
def test_a_tenant_of_auth0_is_in_a_region_or_in_none(host):
    with Xkit(publishable_key="pk", secret_key="sk", plugins=[xkit_auth_connectors]) as xkit:
        assert xkit.directory.policy_for("auth0", params={"host": host}).hosts.entries == (host,)


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


def test_the_core_knows_which_connectors_this_package_brings():
    names = {name for connector in CONNECTORS for name in (connector.slug, *connector.aliases)}
    assert set(PACKAGES["xkit-auth-connectors"].split()) == names
