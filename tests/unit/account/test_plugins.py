"""Finding plugins, checking them, and who is asked what. Installed ones are real distributions on ``sys.path``."""

from __future__ import annotations

import importlib
import itertools
import sys
import textwrap
import types
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from xkit_auth import (
    ANY,
    ConfigurationError,
    ConflictWarning,
    Connector,
    Credential,
    Failure,
    Judgement,
    PluginWarning,
    ResponseView,
    Verdict,
    Xkit,
    hookimpl,
)
from xkit_auth._account.directory import Directory
from xkit_auth.plugins import Plugins, installed_connectors

_numbers = itertools.count(1)

CREDENTIAL = Credential("token-1")


@pytest.fixture
def install(tmp_path: Any, monkeypatch: Any) -> Iterator[Any]:
    """Install a plugin: a module and its metadata, in a folder of ``sys.path``. Gives the name that errors call it."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    modules: list[str] = []

    def put(source: str, *, entry: str | None = None, target: str | None = None) -> str:
        number = next(_numbers)
        module = f"throwaway_plugin_{number}"
        modules.append(module)
        entry = entry or f"p{number}"
        target = module if target is None else target.replace("*", module)
        (folder / f"{module}.py").write_text("import xkit_auth\n" + textwrap.dedent(source))
        info = folder / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[xkit_auth]\n{entry} = {target}\n")
        importlib.invalidate_caches()
        return f"{entry} ({module})"

    yield put
    for module in modules:
        sys.modules.pop(module, None)


ACME = """
    @xkit_auth.hookimpl
    def xkit_auth_connectors():
        return [xkit_auth.Connector("acme", aliases=["acme-oauth"], hosts=["api.acme.example"])]
"""


class Brings:
    """A plugin object that brings connectors."""

    def __init__(self, *connectors: Connector) -> None:
        self.connectors = connectors

    @hookimpl
    def xkit_auth_connectors(self) -> Any:
        return self.connectors


def acme(slug: str = "acme", host: str = "api.acme.example", **more: Any) -> Connector:
    return Connector(slug, hosts=[host], **more)


def broken_ones(plugins: Plugins) -> dict[str, str]:
    return {name: why for name, why in plugins.broken if "throwaway" in name}


def left_out(match: str) -> Any:
    return pytest.warns(PluginWarning, match=match)


# Found


def test_an_installed_plugin_is_found_with_its_connectors_by_slug_and_alias(install):
    name = install(ACME)

    plugins = Plugins()

    assert plugins.find("acme").plugin == plugins.find("acme-oauth").plugin == name
    assert plugins.find("acme").connector.hosts == ("api.acme.example",)
    assert plugins.find("unknown to everybody") is None
    assert broken_ones(plugins) == {}


def test_connectors_are_listed_by_their_own_slug(install):
    install(ACME)

    assert "acme" in installed_connectors()
    assert "acme-oauth" not in installed_connectors()


def test_an_entry_point_may_name_an_object_in_a_module(install):
    install(
        """
        class Plugin:
            @xkit_auth.hookimpl
            def xkit_auth_connectors(self):
                return [xkit_auth.Connector("inside", hosts=["a.example"])]
        plugin = Plugin()
        """,
        target="*:plugin",
    )

    assert Plugins().find("inside") is not None


# Broken


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("raise ImportError('no such library')", "ImportError: no such library"),
        ("1 / 0", "ZeroDivisionError"),
        ("def broken(:", "SyntaxError"),
        ("@xkit_auth.hookimpl\ndef xkit_auth_connector(): pass", "xkit_auth_connector is not a hook"),
        ("def xkit_auth_conectors(): pass", "xkit_auth_conectors is not a hook"),
        ("def xkit_auth_connectors(): return []", "not marked with @xkit_auth.hookimpl"),
        ("@xkit_auth.hookimpl\nasync def xkit_auth_connectors(): pass", "is async"),
        ("@xkit_auth.hookimpl\nasync def xkit_auth_connectors():\n    yield 1", "is async"),
        ("@xkit_auth.hookimpl\ndef xkit_auth_event(event, secrets): pass", "secrets"),
        ("@xkit_auth.hookimpl\ndef xkit_auth_connectors(): return [7]", "not a Connector"),
        ("@xkit_auth.hookimpl\ndef xkit_auth_connectors(): return 7", "TypeError"),
        ("@xkit_auth.hookimpl\ndef xkit_auth_connectors(): raise RuntimeError('boom')", "RuntimeError: boom"),
        (
            "@xkit_auth.hookimpl\ndef xkit_auth_connectors(): return [xkit_auth.Connector('a b', hosts=[])]",
            "a slug is a text without spaces",
        ),
    ],
)
def test_a_broken_plugin_is_left_out_by_name_and_the_others_work_on(install, source, why):
    name = install(source)
    install(ACME)

    with left_out(why) as warned:
        plugins = Plugins()

    assert [name] == list(broken_ones(plugins))
    assert why in broken_ones(plugins)[name]
    assert name in str(warned[0].message)
    assert plugins.find("acme") is not None


def test_a_plugin_that_is_left_out_is_told_nothing_and_asked_nothing(install):
    name = install(
        """
        told = []
        @xkit_auth.hookimpl
        def xkit_auth_event(event):
            told.append(event)
        @xkit_auth.hookimpl
        def xkit_auth_format_headers(connector, credential, request, session):
            return {"X": "y"}
        """
    )
    with left_out("session"):
        directory = Directory(None, (), http_to_loopback=False)
        directory.plugins()

    assert name not in [listener for listener, _ in directory.listeners()]
    directory.tell("fetched", "slack", "u")
    module = name.split("(")[1].rstrip(")")
    assert sys.modules[module].told == []


def test_a_module_that_two_entry_points_name_is_taken_once(install):
    name = install(ACME, entry="a")
    install("", entry="b", target=name.split("(")[1].rstrip(")"))

    with left_out("already registered"):
        plugins = Plugins()

    assert plugins.find("acme").plugin == name


# Given


@pytest.mark.parametrize(
    ("attribute", "hook", "why"),
    [
        ("xkit_auth_evnt", lambda self: None, "xkit_auth_evnt is not a hook"),
        ("xkit_auth_event", lambda self: None, "not marked"),
        ("xkit_auth_connectors", hookimpl(lambda self: [7]), "not a Connector"),
        ("xkit_auth_connectors", hookimpl(lambda self: 1 / 0), "ZeroDivisionError"),
        ("xkit_auth_event", hookimpl(lambda self, evnt: None), "evnt"),
    ],
)
def test_a_mistake_in_a_given_plugin_is_an_error_at_once_that_names_it(attribute, hook, why):
    plugin = type("MyPlugin", (), {attribute: hook})()

    with pytest.raises(ConfigurationError, match=why) as caught:
        Directory(None, [plugin], http_to_loopback=False)

    assert "MyPlugin (given in plugins=)" in str(caught.value)


def test_an_object_without_any_hook_is_a_plugin_that_does_nothing():
    plugin = types.ModuleType("settings")
    plugin.xkit_auth_settings = {"a": 1}  # type: ignore[attr-defined]

    assert len(Plugins([plugin]).listeners()) == len(Plugins().listeners())


def test_an_object_that_pluggy_cannot_keep_is_a_mistake_of_its_own_and_of_no_other_plugin():
    with pytest.raises(ConfigurationError, match="SimpleNamespace"):
        Plugins([types.SimpleNamespace()])


def test_given_objects_override_installed_ones_even_by_alias(install):
    install(ACME)
    mine = Brings(acme("acme", "mine.example"), acme("another", "other.example", aliases=["acme-oauth"]))

    plugins = Plugins([mine])

    assert plugins.find("acme").connector.hosts == ("mine.example",)
    assert plugins.find("acme-oauth").connector.slug == "another"


def test_an_installed_module_that_is_given_too_is_taken_once(install):
    name = install(ACME)
    module = importlib.import_module(name.split("(")[1].rstrip(")"))

    plugins = Plugins([module])

    assert plugins.find("acme").plugin == f"{module.__name__} (given in plugins=)"


def test_two_objects_of_one_class_are_two_plugins():
    plugins = Plugins([Brings(acme("a")), Brings(acme("b"))])

    assert plugins.find("a").plugin != plugins.find("b").plugin


def test_the_same_object_twice_is_a_mistake():
    plugin = Brings(acme())

    with pytest.raises(ConfigurationError, match="Brings"):
        Plugins([plugin, plugin])


# Conflicts


def test_a_slug_that_two_plugins_claim_is_an_error_naming_both_when_it_is_used(install):
    names = [install(ACME), install(ACME)]
    plugins = Plugins()

    for slug in ("acme", "acme-oauth"):
        with pytest.raises(ConfigurationError) as caught:
            plugins.find(slug)
        assert all(name in str(caught.value) for name in names)
    assert "acme" not in plugins.connectors()


def test_two_given_plugins_can_be_in_conflict_as_well():
    plugins = Plugins([Brings(acme()), Brings(acme("other", aliases=["acme"]))])

    with pytest.raises(ConfigurationError, match="both claim"):
        plugins.find("acme")
    assert plugins.find("other") is not None


def test_a_given_plugin_settles_a_conflict_of_installed_ones(install):
    install(ACME)
    install(ACME)

    assert Plugins([Brings(acme("acme", "mine.example"))]).find("acme").connector.hosts == ("mine.example",)


def test_a_connector_that_lists_its_own_slug_as_an_alias_is_no_conflict():
    assert Plugins([Brings(acme(aliases=["acme"]))]).find("acme") is not None


# Who is asked


class Answers:
    """A plugin that answers every hook, and notes that it was asked."""

    asked: ClassVar[list[str]] = []

    def __init__(self, name: str, headers: Any = None, verdict: Any = None, connectors: Any = ()) -> None:
        self.name, self.headers, self.verdict, self.connectors = name, headers, verdict, connectors

    @hookimpl
    def xkit_auth_connectors(self) -> Any:
        return self.connectors

    @hookimpl
    def xkit_auth_format_headers(self, connector: Any, credential: Any, request: Any) -> Any:
        self.asked.append(self.name)
        return self.headers

    @hookimpl
    def xkit_auth_classify_response(self, response: Any) -> Any:
        self.asked.append(self.name)
        return self.verdict


@pytest.fixture
def asked(monkeypatch: Any) -> list[str]:
    notes: list[str] = []
    monkeypatch.setattr(Answers, "asked", notes)
    return notes


def test_given_plugins_are_asked_in_order_and_the_first_answer_counts(asked, request_of, answer_of):
    mine = [
        Answers("first"),
        Answers("second", headers={"X-Second": "s"}, verdict=Verdict.DENIED),
        Answers("third", headers={"X-Third": "t"}, connectors=[acme()]),
    ]
    policy = Directory(None, mine, http_to_loopback=False).policy_for("acme")

    assert policy.write(CREDENTIAL, request_of).names == ("X-Second",)
    assert asked == ["first", "second"]
    asked.clear()
    assert policy.judge(CREDENTIAL, answer_of(200)) == Judgement(Verdict.DENIED)
    assert asked == ["first", "second"]


def test_after_the_given_ones_the_plugin_that_brought_the_connector_is_asked_and_no_other(
    asked, install, request_of, answer_of
):
    source = """
        asked = []
        @xkit_auth.hookimpl
        def xkit_auth_connectors():
            return [xkit_auth.Connector({slug!r}, hosts=["{slug}.example"])]
        @xkit_auth.hookimpl
        def xkit_auth_format_headers(connector):
            asked.append(connector.slug)
            return {{"X-Installed": connector.slug}}
        @xkit_auth.hookimpl
        def xkit_auth_classify_response(connector):
            asked.append(connector.slug)
    """
    modules = [install(source.format(slug=slug)).split("(")[1].rstrip(")") for slug in ("one", "two")]
    policy = Directory(None, [Answers("given")], http_to_loopback=False).policy_for("one")

    assert policy.write(CREDENTIAL, request_of).names == ("X-Installed",)
    assert policy.judge(CREDENTIAL, answer_of(401)) == Judgement(Verdict.REFETCH)
    assert asked == ["given", "given"]
    assert sys.modules[modules[0]].asked == ["one", "one"]
    assert sys.modules[modules[1]].asked == []


def test_if_nobody_who_may_be_asked_has_a_hook_there_is_none(install):
    install(
        """
        @xkit_auth.hookimpl
        def xkit_auth_format_headers():
            return {"X": "y"}
        """
    )
    plugins = Plugins([Brings(acme())])

    assert plugins.hook_for("xkit_auth_format_headers", plugins.find("acme")) is None
    assert plugins.hook_for("xkit_auth_classify_response", None) is None


def test_a_plugin_takes_only_the_arguments_that_it_needs(request_of):
    class Plain:
        @hookimpl
        def xkit_auth_format_headers(self, credential: Any) -> Any:
            return {"X-Token": credential.reveal()}

    policy = Directory(None, [Plain(), Brings(acme())], http_to_loopback=False).policy_for("acme")

    headers: dict[str, str] = {}
    policy.write(CREDENTIAL, request_of).put_on(headers)
    assert headers == {"X-Token": "token-1"}


# Connectors by slug


def directory(*plugins: Any, slugs: Any = None) -> Directory:
    return Directory(slugs, plugins, http_to_loopback=False)


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
