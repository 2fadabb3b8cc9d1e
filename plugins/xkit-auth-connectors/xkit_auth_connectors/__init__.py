"""The connectors of some ninety providers for xkit-auth, one short module for each provider or family."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from xkit_auth import Connector, hookimpl

MODULES = (
    "adp",
    "airtable",
    "amplitude",
    "anthropic",
    "asana",
    "atlassian",
    "auth0",
    "bamboohr",
    "bigcommerce",
    "bitbucket",
    "box",
    "calendly",
    "clickup",
    "copper",
    "datadog",
    "discord",
    "docusign",
    "dropbox",
    "dropbox_sign",
    "eventbrite",
    "figma",
    "freshbooks",
    "freshdesk",
    "front",
    "gitlab",
    "gong",
    "google",
    "greenhouse",
    "gusto",
    "helpscout",
    "hubspot",
    "intercom",
    "lever",
    "linear",
    "linkedin",
    "mailchimp",
    "meta",
    "microsoft",
    "miro",
    "mixpanel",
    "monday",
    "notion",
    "okta",
    "openai",
    "outreach",
    "pagerduty",
    "paypal",
    "pinterest",
    "pipedrive",
    "quickbooks",
    "reddit",
    "salesforce",
    "salesloft",
    "segment",
    "sendgrid",
    "sentry",
    "servicenow",
    "shopify",
    "spotify",
    "square",
    "stripe",
    "surveymonkey",
    "telegram",
    "todoist",
    "trello",
    "twilio",
    "twitch",
    "twitter",
    "typeform",
    "webflow",
    "woocommerce",
    "wordpress",
    "workday",
    "xero",
    "zendesk",
    "zoho_crm",
    "zoom",
)


@hookimpl
def xkit_auth_connectors() -> list[Connector]:
    """The connectors of all modules."""
    return [connector for name in MODULES for connector in import_module(f"{__name__}.{name}").connectors]


@hookimpl
def xkit_auth_bind(target: object, auth: Any) -> bool | None:
    """The objects of notion-client, openai, python-gitlab and gspread."""
    from .sdk import bound  # imported when something is bound: most applications bind nothing

    return bound(target, auth) or None
