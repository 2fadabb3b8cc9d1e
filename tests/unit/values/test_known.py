"""What is said of a connector that no plugin brings, and of a host that is not the connector's."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("httpx")

import httpx

from xkit_auth import ANY, ConfigurationError, Connector, HostNotAllowed, Xkit, hookimpl, plugins
from xkit_auth._connectors import known as _known
from xkit_auth._connectors.known import PACKAGES, hint_for_unknown
from xkit_auth.httpx import XkitAuth


class Brings:
    """A plugin of these connectors."""

    def __init__(self, *connectors: Connector) -> None:
        self.connectors = connectors

    @hookimpl
    def xkit_auth_connectors(self) -> tuple[Connector, ...]:
        return self.connectors


ACME = Connector("acme", aliases=["acme-eu"], hosts=["api.acme.example", "files.acme.example"])


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "entry_points", lambda group: [])
    monkeypatch.setattr(_known, "find_spec", lambda name: None)


def hint_of(slug: str, *connectors: Connector, **arguments: Any) -> str:
    plugged = [Brings(*connectors)] if connectors else []
    with Xkit(publishable_key="pk", secret_key="sk", plugins=plugged, **arguments) as xkit:
        with pytest.raises(ConfigurationError, match="No plugin knows this connector") as caught:
            xkit.directory.policy_for(slug)
        return str(caught.value.hint)


@pytest.mark.usefixtures("nothing_installed")
class TestAConnectorThatIsNotInstalled:
    @pytest.mark.parametrize(
        ("slug", "package"),
        [
            ("slack", "xkit-auth-slack"),
            ("github-oauth", "xkit-auth-github"),
            ("aws-s3", "xkit-auth-aws"),
            ("notion", "xkit-auth-connectors"),
        ],
    )
    def test_the_package_that_brings_it_is_named_first_and_hosts_last(self, slug: str, package: str) -> None:
        hint = hint_of(slug)
        assert hint.startswith(f"A package brings it: install {package}, from where the page")
        assert hint.index(package) < hint.index("Xkit(connectors=") < hint.index("hosts=[")

    @pytest.mark.parametrize(
        ("slug", "meant"), [("acmee", "acme"), ("Acme", "acme"), ("acme_eu", "acme-eu"), ("acne", "acme")]
    )
    def test_the_nearest_slug_that_is_installed_is_offered(self, slug: str, meant: str) -> None:
        assert hint_of(slug, ACME).startswith(f"Did you mean {meant!r}? If it is")

    @pytest.mark.parametrize(
        ("slug", "meant"),
        [("slak", "slack"), ("Slack", "slack"), ("google_drive", "google-drive"), ("sales-force", "salesforce")],
    )
    def test_one_that_could_be_installed_is_offered_with_its_package(self, slug: str, meant: str) -> None:
        hint = hint_of(slug, ACME)
        assert hint.startswith(f"Did you mean {meant!r}? A package brings it: install xkit-auth-")

    def test_what_is_like_nothing_is_not_guessed_at(self) -> None:
        hint = hint_of("zzz-internal", ACME)
        assert "Did you mean" not in hint
        assert "install xkit-auth" not in hint
        assert 'hosts=["' in hint

    def test_a_slug_of_the_project_is_named_with_what_it_is_said_to_mean(self) -> None:
        hint = hint_of("our-chat", connectors={"our-chat": "slak"})
        assert hint.startswith("Did you mean 'slack'?")
        assert "'our-chat' means 'slak'" in hint


def test_a_packager_that_strips_entry_points_is_told_from_a_package_that_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plugins, "entry_points", lambda group: [])
    monkeypatch.setattr(_known, "find_spec", lambda name: object() if name == "xkit_auth_slack" else None)
    hint = hint_of("slack")
    assert "Xkit(plugins=[xkit_auth_slack])" in hint
    assert "install xkit-auth" not in hint
    assert "install xkit-auth-github, from" in hint_of("github")


def test_a_package_that_is_too_old_is_to_be_upgraded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_known, "find_spec", lambda name: object())
    hint = hint_for_unknown("aws-s3", "aws-s3", ["aws"], [])
    assert hint.startswith("The package xkit-auth-aws brings it in a newer version")


def test_a_plugin_that_was_left_out_is_the_reason_and_need_not_be_installed() -> None:
    hint = hint_for_unknown("slack", "slack", [], [("slack (xkit-auth-slack)", "ImportError: no such library")])
    assert hint.startswith("The plugin slack (xkit-auth-slack) was left out: ImportError: no such library.")
    assert "install xkit-auth" not in hint


def test_something_else_in_the_place_of_a_package_is_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> None:
        raise ValueError(f"{name}.__spec__ is None")

    monkeypatch.setattr(_known, "find_spec", broken)
    assert "install xkit-auth-slack, from" in hint_for_unknown("slack", "slack", [], [])


def test_no_slug_is_of_two_packages() -> None:
    slugs = [slug for slugs in PACKAGES.values() for slug in slugs.split()]
    assert len(slugs) == len(set(slugs)) > 90


# A host that is not the connector's


def refused(url: str, connector: Any = "acme", **arguments: Any) -> str:
    with Xkit(publishable_key="pk", secret_key="sk", plugins=[Brings(ACME)]) as xkit:
        auth = XkitAuth(connector, context="ann", xkit=xkit, **arguments)
        with pytest.raises(HostNotAllowed) as caught:
            next(auth.sync_auth_flow(httpx.Request("GET", url)))
        return str(caught.value.hint)


def test_the_hosts_of_the_connector_are_named_and_how_to_add_one() -> None:
    hint = refused("https://uploads.acme.example/x")
    assert "Allowed are api.acme.example, files.acme.example, over https." in hint
    assert 'hosts=["uploads.acme.example", …]' in hint
    assert 'off_host="bare"' in hint


def test_a_port_is_part_of_the_host_that_is_to_be_added() -> None:
    assert 'hosts=["api.acme.example:8443", …]' in refused("https://api.acme.example:8443/")


def test_hosts_that_the_application_gave_are_the_ones_that_are_named() -> None:
    assert "Allowed are eu.acme.example, over" in refused("https://api.acme.example/", hosts=["eu.acme.example"])


def test_plain_http_to_the_right_host_wants_an_s_and_no_hosts() -> None:
    hint = refused("http://api.acme.example/")
    assert "Write https:// in the URL." in hint
    assert "wss://" in hint
    assert "hosts=" not in hint


def test_an_origin_that_cannot_be_read_is_to_be_written_otherwise() -> None:
    assert "without a user name" in refused("https://user@api.acme.example/")


def test_where_any_found_nobody_a_connector_is_to_be_named_with_the_host() -> None:
    assert 'instead of ANY, and the host: hosts=["acme.example"]' in refused("https://acme.example/", ANY)


def test_many_hosts_are_not_all_named() -> None:
    hint = refused("https://api.acme.example/", hosts=[f"h{number}.acme.example" for number in range(12)])
    assert "h7.acme.example and 4 more" in hint
