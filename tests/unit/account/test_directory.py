"""The connectors of an account: how a slug, a host or a path is settled, and who is told of events."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.account_plugins import ACME, CREDENTIAL, Answers, Brings, acme, asked, directory, install, left_out  # noqa: F401
from xkit_auth import (
    ANY,
    ConfigurationError,
    ConflictWarning,
    Connector,
    Failure,
    Judgement,
    ResponseView,
    Verdict,
    Xkit,
    hookimpl,
)
from xkit_auth.plugins import Plugins


def test_plugins_are_looked_for_once(install):
    install(ACME)
    mine = directory()

    assert mine.plugins() is mine.plugins()
    assert mine.listeners() is mine.listeners()
    assert mine.policy_for("acme") is mine.policy_for("acme")


def test_plugins_can_be_handed_over():
    mine, plugins = directory(), Plugins([Brings(acme("mine"))])
    mine.use(plugins)

    assert mine.plugins() is plugins
    assert mine.policy_for("mine").slug == "mine"


def test_a_slug_of_the_project_means_the_connector_that_the_application_says():
    mine = directory(Brings(acme("github")), slugs={"my-gh": "github"})

    policy = mine.policy_for("my-gh")

    assert policy.slug == "my-gh"
    assert policy.connector.slug == "github"


def test_without_plugin_and_hosts_the_error_says_both_ways_out():
    with pytest.raises(ConfigurationError) as caught:
        directory().policy_for("nobody-knows")

    assert caught.value.connector == "nobody-knows"
    for way_out in ("Install the plugin", "hosts=[", "Xkit(connectors="):
        assert way_out in caught.value.hint


def test_the_error_for_an_unknown_connector_names_plugins_that_were_left_out(install):
    name = install("raise ImportError('no such library')")
    with left_out("no such library"):
        mine = directory()
        mine.plugins()

    with pytest.raises(ConfigurationError, match="no such library") as caught:
        mine.policy_for("acme")
    assert name in str(caught.value)


def names_of(policy: Any) -> Any:
    """The names of the headers that it writes."""
    return policy.write(CREDENTIAL, lambda: None).names


def test_with_hosts_an_unknown_connector_is_a_bearer_token():
    policy = directory().policy_for("nobody-knows", hosts=["api.nobody.example"])

    assert policy.allows("https://api.nobody.example/x")
    assert names_of(policy) == ("Authorization",)


def test_hosts_do_not_make_a_slug_that_means_an_unknown_plugin_usable():
    with pytest.raises(ConfigurationError, match="No plugin"):
        directory(slugs={"my-gh": "github-enterprise-x"}).policy_for("my-gh", hosts=["a.example"])


def test_hosts_take_the_place_of_the_connectors_own():
    policy = directory(Brings(acme())).policy_for("acme", hosts=["self-hosted.example:8443"])

    assert policy.allows("https://self-hosted.example:8443/")
    assert not policy.allows("https://api.acme.example/")


@pytest.mark.parametrize(
    "hosts", ["api.acme.example", [], [7], [None], ["https://a.example"], ["*.com"], ["bücher.example"]]
)
def test_hosts_that_are_none_are_refused(hosts):
    for mine in (directory(), directory(Brings(acme()))):
        with pytest.raises(ConfigurationError, match="hosts="):
            mine.policy_for("acme", hosts=hosts)


@pytest.mark.parametrize("params", [7, "ab", {"subdomain": 7}, {7: "a"}, ["a"]])
def test_params_that_are_none_are_refused(params):
    with pytest.raises(ConfigurationError, match="params="):
        directory(Brings(acme())).policy_for("acme", params=params)


def test_params_are_filled_into_hosts_and_checked():
    mine = directory(Brings(Connector("acme", hosts=["{param.sub}.acme.example"], params={"sub": "label"})))

    assert mine.policy_for("acme", params={"sub": "one"}).allows("https://one.acme.example/")
    assert mine.policy_for("acme", params={"sub": "two"}).allows("https://two.acme.example/")
    with pytest.raises(ConfigurationError, match="'sub' is missing"):
        mine.policy_for("acme")
    with pytest.raises(ConfigurationError, match="not of the form"):
        mine.policy_for("acme", params={"sub": "evil.example/"})


@pytest.mark.parametrize(
    "value",
    [
        *("*", "*.", "evil.example/", "evil.example#", "evil.example:443/", "a@evil.example", "a%2f", "", ".", "a."),
        *("a.b", " a", "a\n", "b\xfccher", "\u017f", "[::1]", "a:1", "-a", "a-", "a_b", "a" * 64),
    ],
    ids=ascii,
)
def test_no_param_opens_another_host(value):
    labels = {"sub": "label", "region": ["eu", "us"], "host": ".acme.example"}
    hosts = ["{param.sub}.acme.example", "api.{param.region}.acme.example", "{param.host}"]
    mine, good = (
        directory(Brings(Connector("acme", hosts=hosts, params=labels))),
        {"sub": "a", "region": "eu", "host": "a.acme.example"},
    )
    assert mine.policy_for("acme", params=good).hosts.entries == (
        "a.acme.example",
        "api.eu.acme.example",
        "a.acme.example",
    )
    for name, wrong in (("sub", value), ("region", value), ("host", value), ("host", f"{value}.evil.example")):
        with pytest.raises(ConfigurationError, match="not of the form"):
            mine.policy_for("acme", params={**good, name: wrong})


@pytest.mark.parametrize("kind", [7, ["oauth2"], b"oauth2"], ids=repr)
def test_a_kind_that_is_no_name_is_refused(kind):
    with pytest.raises(ConfigurationError, match="kind="):
        directory(Brings(acme())).policy_for("acme", kind=kind)


@pytest.mark.parametrize("slugs", [7, "ab", {"my-gh": 7}, {7: "github"}, ["my-gh"]], ids=repr)
def test_slugs_that_are_none_are_refused_at_once(slugs):
    with pytest.raises(ConfigurationError, match=r"Xkit\(connectors=…\)"):
        directory(slugs=slugs)


@pytest.mark.parametrize("slug", ["my slack", "a/b", "a\\b", "a\tb"])
def test_a_slug_of_the_application_that_cannot_be_one_is_not_blamed_on_a_plugin(slug):
    with pytest.raises(ConfigurationError, match="cannot be used: a slug is a text without spaces") as caught:
        directory().policy_for(slug, hosts=["api.acme.example"])
    assert "your Xkit project" in caught.value.hint
    assert "plugin" not in str(caught.value)


def test_a_kind_is_one_of_the_connectors_own_and_the_first_if_none_is_named():
    from xkit_auth import Placement

    kinds = {"oauth2": Placement(), "api_key": Placement(header={"X-Api-Key": "{token}"})}
    mine = directory(Brings(acme(kinds=kinds)))

    assert names_of(mine.policy_for("acme")) == ("Authorization",)
    assert names_of(mine.policy_for("acme", kind="api_key")) == ("X-Api-Key",)
    with pytest.raises(ConfigurationError, match="no credential of kind 'basic'") as caught:
        mine.policy_for("acme", kind="basic")
    assert "oauth2, api_key" in caught.value.hint


def test_what_was_settled_is_not_remembered_without_end():
    mine = directory(Brings(Connector("acme", hosts=["{param.sub}.acme.example"], params={"sub": "label"})))
    for number in range(1100):
        mine.policy_for("acme", params={"sub": f"s{number}"})

    assert len(mine._policies) <= 1024


# ANY


def test_any_chooses_the_connector_by_the_hosts_of_all_that_are_known(install):
    install(ACME)
    mine = directory(Brings(acme("other", "api.other.example")))

    assert repr(ANY) == "ANY"
    assert mine.slug_for("https://api.acme.example/x") == "acme"
    assert mine.slug_for("https://api.other.example/x") == "other"
    assert mine.slug_for("https://api.nobody.example/x") is None


def test_any_chooses_among_the_projects_slugs_if_there_are_some():
    mine = directory(
        Brings(acme("github", "api.github.example"), acme("slack", "slack.example")), slugs={"my-gh": "github"}
    )

    assert mine.slug_for("https://api.github.example/") == "my-gh"
    assert mine.slug_for("https://slack.example/") is None


def test_any_between_two_candidates_is_an_error_naming_both():
    mine = directory(Brings(acme("one"), acme("two")))

    with pytest.raises(ConfigurationError, match="one and two"):
        mine.slug_for("https://api.acme.example/")


def paths_of(**paths: list[str]) -> Any:
    connectors = [Connector(slug, hosts=["api.acme.example"], paths=each) for slug, each in paths.items()]
    return directory(Brings(*connectors))


@pytest.mark.parametrize(
    ("path", "slug"),
    [("/drive/v3", "drive"), ("/upload/drive/x", "drive"), ("/calendar/", "calendar")],
)
def test_any_tells_apart_by_path(path, slug):
    mine = paths_of(drive=["/drive/", "/upload/drive/"], calendar=["/calendar/"])

    assert mine.slug_for(f"https://api.acme.example{path}") == slug


@pytest.mark.parametrize("path", ["", "/", "/drive", "/drivers/", "/x/drive/", "/?a=/drive/", "/Drive/"])
def test_any_never_guesses_between_paths(path):
    mine = paths_of(drive=["/drive/"], calendar=["/calendar/"])

    with pytest.raises(ConfigurationError, match="calendar and drive all serve"):
        mine.slug_for(f"https://api.acme.example{path}")


def test_a_connector_without_paths_claims_all_of_its_host():
    mine = paths_of(drive=["/drive/"], everything=[])

    assert mine.slug_for("https://api.acme.example/other") == "everything"
    with pytest.raises(ConfigurationError, match="drive and everything"):
        mine.slug_for("https://api.acme.example/drive/")


def test_the_only_connector_of_a_host_serves_all_of_its_paths():
    assert paths_of(drive=["/drive/"]).slug_for("https://api.acme.example/other") == "drive"


def test_any_looks_through_the_connectors_once_for_each_origin(monkeypatch):
    mine = directory(Brings(acme("one"), acme("two", "two.example")))
    mine.slug_for("https://api.acme.example/1")
    monkeypatch.setattr(mine, "plugins", lambda: pytest.fail("looked again"))

    assert mine.slug_for("https://API.acme.example/2") == "one"


def test_origins_are_not_remembered_without_end():
    mine = directory(Brings(acme()))
    for number in range(1100):
        assert mine.slug_for(f"https://h{number}.example/") is None

    assert len(mine._by_origin) <= 1024


def test_any_leaves_out_connectors_that_want_params():
    mine = directory(Brings(Connector("p", hosts=["{param.a}.acme.example"], params={"a": "label"}), acme()))

    assert mine.slug_for("https://api.acme.example/") == "acme"


# Listeners


def test_every_plugin_that_listens_is_told_with_the_credentials_fingerprint():
    told: list[Any] = []

    class Listens:
        @hookimpl
        def xkit_auth_event(self, event: Any) -> None:
            told.append((self, event))

    plugins = [Listens(), Listens()]
    mine = directory(*plugins)
    mine.tell("rejected", "slack", "u", CREDENTIAL, "refetch")

    assert {id(plugin) for plugin, _ in told} == set(map(id, plugins))
    event = told[0][1]
    assert (event.kind, event.connector, event.context) == ("rejected", "slack", "u")
    assert (event.fingerprint, event.detail) == (CREDENTIAL.fingerprint, "refetch")


def test_a_listener_that_raises_is_logged_once_by_name_and_the_others_are_told(caplog):
    told: list[Any] = []

    class Raises:
        @hookimpl
        def xkit_auth_event(self) -> None:
            raise ValueError("text that may hold anything")

    class Listens:
        @hookimpl
        def xkit_auth_event(self, event: Any) -> None:
            told.append(event)

    mine = directory(Raises(), Listens(), Raises())
    for _ in range(3):
        mine.tell("fetched", "slack", "u")

    assert len(told) == 3
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 2
    assert all("Raises" in message and "ValueError" in message for message in messages)
    assert "text that may" not in caplog.text


def test_looking_for_listeners_never_costs_anybody_their_answer(install, caplog):
    install("raise ImportError('no such library')")
    mine = directory()

    for _ in range(2):
        mine.tell("fetched", "slack", "u")  # the warning about the plugin is an error in these tests

    (record,) = caplog.records
    assert "PluginWarning" in record.getMessage()


def test_a_conflict_with_the_clients_settings_is_said_once():
    mine = directory()

    with pytest.warns(ConflictWarning, match="in the way|Retry") as warned:
        repeat(mine.warn_once, "netrc is in the way", "netrc is in the way", "and so is a Retry", "netrc is in the way")
    assert [str(each.message) for each in warned] == ["netrc is in the way", "and so is a Retry"]


def repeat(function: Any, *arguments: str) -> None:
    for argument in arguments:
        function(argument)


def test_a_rule_of_the_connector_is_used_if_no_plugin_answers(answer_of):
    connector = acme(failures=[Failure(Verdict.RECONNECT, status=403)])
    policy = directory(Brings(connector), Answers("silent")).policy_for("acme")

    assert policy.judge(CREDENTIAL, answer_of(403)) == Judgement(Verdict.RECONNECT)
    assert isinstance(answer_of(403), ResponseView)


def test_a_plugin_that_cannot_be_hashed_is_refused_by_name():
    class Unhashable(list):
        @hookimpl
        def xkit_auth_event(self, event):
            pass

    with pytest.raises(ConfigurationError, match="hashable"):
        Xkit(publishable_key="pk", secret_key="sk", plugins=[Unhashable()])
