"""Plugins: how they are found, which are left out, and which are asked."""

from __future__ import annotations

import importlib
import sys
import types
from typing import Any

import pytest

from helpers.account_plugins import ACME, CREDENTIAL, Answers, Brings, acme, asked, directory, install, left_out  # noqa: F401
from xkit_auth import (
    ConfigurationError,
    Judgement,
    Verdict,
    hookimpl,
)
from xkit_auth._account.directory import Directory
from xkit_auth.plugins import Plugins, installed_connectors


def broken_ones(plugins: Plugins) -> dict[str, str]:
    return {name: why for name, why in plugins.broken if "throwaway" in name}


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
