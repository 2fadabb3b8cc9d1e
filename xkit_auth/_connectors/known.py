"""Which package brings which connector, so that an error can name it: data alone, and nothing of it is imported."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from importlib.util import find_spec

from .._values import shown, to_install

PACKAGES = {
    "xkit-auth-slack": "slack",
    "xkit-auth-github": "github github-oauth",
    "xkit-auth-aws": "aws aws-s3",
    "xkit-auth-connectors": """
        adp airtable amplitude anthropic asana auth0 bamboohr bigcommerce bitbucket box calendly clickup confluence
        copper datadog discord docusign dropbox dropbox-sign eventbrite facebook figma freshbooks freshdesk front gitlab
        gmail gong google-calendar google-drive greenhouse gusto hellosign helpscout hubspot instagram intercom jira
        lever linear linkedin mailchimp microsoft-graph microsoft-teams miro mixpanel monday notion okta onedrive openai
        outlook outreach pagerduty paypal pinterest pipedrive quickbooks reddit salesforce salesloft segment sendgrid
        sentry servicenow sharepoint shopify spotify square stripe surveymonkey telegram todoist trello twilio twitch
        twitter typeform webflow woocommerce wordpress workday x xero youtube zendesk zoho-crm zoom
    """,
}
"""The slugs and aliases of the connectors in this project's packages."""

_PACKAGE_OF = {slug: package for package, slugs in PACKAGES.items() for slug in slugs.split()}
_MOST_HOSTS = 8


def hint_for_unknown(slug: str, meant: str, installed: Collection[str], left_out: Iterable[tuple[str, str]]) -> str:
    """What to do about a connector that no plugin brings, the likeliest first.

    Args:
        slug: as the application says it.
        meant: what ``Xkit(connectors=…)`` makes of it.
        installed: the slugs and aliases that plugins bring.
        left_out: the plugins that could not be used, each with the reason.
    """
    broken = [f"The plugin {name} was left out: {why}." for name, why in left_out]
    package = _PACKAGE_OF.get(meant)
    if package is None:
        ways = _nearest(meant, installed) or ["Install the plugin that brings it, if there is one."]
    else:
        ways = [] if any(package in each for each in broken) else [_way_to(package, meant, installed)]
    if slug != meant:
        return " ".join([*broken, *ways, f"Xkit(connectors=…) says that {shown(slug)!r} means {shown(meant)!r}."])
    own = "If it is a slug of your own project, say which connector it means: Xkit(connectors={…})."
    hosts = 'If no plugin brings it, name the hosts that may receive its credential as a Bearer token: hosts=["…"].'
    return " ".join([*broken, *ways, own, hosts])


def _way_to(package: str, slug: str, installed: Collection[str]) -> str:
    module = package.replace("-", "_")
    if not _is_there(module):
        return f"A package brings it: {to_install(packages=[package])}."
    if any(other in installed for other in PACKAGES[package].split()):
        return f"The package {package} brings it in a newer version: {to_install(packages=[package])}."
    return (
        f"The package {package} brings {slug}, and is here without its entry point, as PyInstaller and zipapp leave it:"
        f" give the module, Xkit(plugins=[{module}]), or let the packager copy the package's metadata."
    )


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):  # somebody has put something else in its place
        return False


def _nearest(slug: str, installed: Collection[str]) -> list[str]:
    from difflib import get_close_matches  # only for this error

    plain = slug.lower().replace("_", "-").replace(" ", "-")
    for names in (installed, _PACKAGE_OF):
        close = [plain] if plain in names else get_close_matches(plain, list(names), 1, 0.7)
        if close:
            (near,) = close
            where = "" if near in installed else f" {_way_to(_PACKAGE_OF[near], near, installed)}"
            return [f"Did you mean {near!r}?{where}"]
    return []


def some(hosts: Iterable[str]) -> str:
    """Hosts, named one after the other, if they are not too many."""
    names = list(hosts)
    rest = len(names) - _MOST_HOSTS
    return ", ".join(names[:_MOST_HOSTS]) + (f" and {rest} more" if rest > 0 else "")
