"""What is known of a provider, as data: where its credential goes, its hosts, its rules, and the policy they settle to.

It imports ``_values`` alone.
"""

from __future__ import annotations

from .connector import Connector, extra_for, filled_hosts, hosts_for, judged_by_rules, params_for
from .connector_check import why_no_slug
from .failure import PRESENT, Contains, Failure, StartsWith, choices_of
from .in_url import InUrl
from .known import hint_for_unknown, some
from .params import Params, checked_params, described
from .placement import SLOT, Default, Placement, Template, params_in, plain_texts
from .policy import LARGEST_BODY, LONG_ENOUGH, Policy, Sending, answer_view, fit_to_tell, wants_body

__all__ = [
    "LARGEST_BODY",
    "LONG_ENOUGH",
    "PRESENT",
    "SLOT",
    "Connector",
    "Contains",
    "Default",
    "Failure",
    "InUrl",
    "Params",
    "Placement",
    "Policy",
    "Sending",
    "StartsWith",
    "Template",
    "answer_view",
    "checked_params",
    "choices_of",
    "described",
    "extra_for",
    "filled_hosts",
    "fit_to_tell",
    "hint_for_unknown",
    "hosts_for",
    "judged_by_rules",
    "params_for",
    "params_in",
    "plain_texts",
    "some",
    "wants_body",
    "why_no_slug",
]
