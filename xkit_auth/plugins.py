"""Finding plugins, checking them, and saying by name what is wrong with one.

Installed plugins are entry points of the group ``xkit_auth``. One that is broken is left out with a ``PluginWarning``
that names it; the others work on. A plugin object given to ``Xkit(plugins=…)`` is the application's own code, so there
a mistake is a ``ConfigurationError`` at once.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, NamedTuple

import pluggy

from . import hookspecs
from ._connectors import Connector
from ._values import ConfigurationError, PluginWarning, XkitAuthError, did_you_mean, remedy_for, shown

ENTRY_POINT_GROUP = "xkit_auth"

_HOOKS = tuple(name for name in vars(hookspecs) if name.startswith("xkit_auth_"))
_ARGUMENTS = {name: frozenset(inspect.signature(getattr(hookspecs, name)).parameters) for name in _HOOKS}


class Broken(NamedTuple):
    """An installed plugin that could not be used, and why."""

    name: str
    why: str


class Brought(NamedTuple):
    """A connector, and the plugin that brings it."""

    connector: Connector
    plugin: str


class Plugins:
    """The plugins of one ``Xkit``: objects given to it, and those that are installed.

    Args:
        objects: the application's own plugin objects; they override installed ones.
        with_installed: whether to look for installed ones at all.

    Raises:
        ConfigurationError: one of ``objects`` is not a plugin.
    """

    def __init__(self, objects: Iterable[object] = (), *, with_installed: bool = True) -> None:
        self._manager = pluggy.PluginManager("xkit_auth")
        self._manager.add_hookspecs(hookspecs)
        self.broken: list[Broken] = []
        self._given: list[str] = []
        self._by_name: dict[str, list[Brought]] = {}
        objects = list(objects)
        installed = self._registered_installed(but_not=objects) if with_installed else []
        for plugin in reversed(objects):  # pluggy asks the plugin first that was registered last
            self._given.insert(0, self._registered_object(plugin))
        for name in installed:
            self._collect(name)
        own: dict[str, list[Brought]] = {}
        for name in self._given:
            self._collect(name, own)
        self._by_name.update(own)

    # Registering

    def _registered_installed(self, but_not: list[object]) -> list[str]:
        names = []
        for entry in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda entry: entry.name):
            name = _name_of(entry)
            try:
                plugin = entry.load()
                if any(plugin is given for given in but_not):
                    continue
                self._register(plugin, name)
            except Exception as error:  # whatever a plugin's import raises, the others must not suffer
                self._manager.set_blocked(name)  # pluggy may keep what it had taken before it found the mistake
                self._leave_out(name, _told(error))
            else:
                names.append(name)
        return names

    def _registered_object(self, plugin: object) -> str:
        problem = _why_none(plugin)
        if problem:
            raise ConfigurationError(
                f"What Xkit(plugins=…) was given is no plugin: {problem}",
                hint="In your application, give objects or modules with hooks that are marked with @xkit_auth.hookimpl."
                " A Connector is what such a plugin returns from xkit_auth_connectors.",
            )
        name = f"{getattr(plugin, '__name__', None) or type(plugin).__name__} (given in plugins=)"
        if self._manager.has_plugin(name):
            name = f"{name} #{len(self._given) + 1}"
        try:
            self._register(plugin, name)
        except (ValueError, pluggy.PluginValidationError) as error:
            problem = _told(error)
        else:
            return name
        raise ConfigurationError(f"The plugin {name} cannot be used: {problem}", hint="Correct the plugin.")

    def _register(self, plugin: object, name: str) -> None:
        problem = _problem_with(plugin)
        if problem:
            raise ValueError(problem)
        self._manager.register(plugin, name=name)

    def _leave_out(self, name: str, why: str) -> None:
        self.broken.append(Broken(name, why))
        warnings.warn(f"The xkit-auth plugin {name} is left out: {why}", PluginWarning, stacklevel=2)

    # Connectors

    def _collect(self, name: str, into: dict[str, list[Brought]] | None = None) -> None:
        plugin = self._manager.get_plugin(name)
        try:
            connectors = self._connectors_of(plugin)
        except Exception as error:
            if into is not None:
                problem = f"The plugin {name} cannot be used: {_told(error)}"
                raise ConfigurationError(problem, hint=remedy_for(error)) from None
            self._manager.unregister(name=name)
            self._leave_out(name, _told(error))
            return
        target = self._by_name if into is None else into
        for connector in connectors:
            for slug in {connector.slug, *connector.aliases}:
                target.setdefault(slug, []).append(Brought(connector, name))

    def _connectors_of(self, plugin: object) -> list[Connector]:
        caller = self._only("xkit_auth_connectors", [plugin])
        answers = caller() if caller else ()
        if caller and not answers:
            raise ValueError("xkit_auth_connectors gave None: let it return a list, which may be empty")
        if any(isinstance(each, Connector) for each in answers):
            raise ValueError("xkit_auth_connectors gave a Connector by itself: let it return [Connector(…)], a list")
        connectors = [connector for brought in answers for connector in brought]
        if not all(isinstance(connector, Connector) for connector in connectors):
            raise ValueError("xkit_auth_connectors gave something that is not a Connector")
        return connectors

    def find(self, slug: str) -> Brought | None:
        """The connector that ``slug`` means, as a slug or an alias, or ``None``.

        Raises:
            ConfigurationError: two plugins claim it; the text names both.
        """
        claims = self._by_name.get(slug, [])
        if len(claims) > 1:
            names = " and ".join(sorted(claim.plugin for claim in claims))
            raise ConfigurationError(
                f"The plugins {names} both claim the connector {slug!r}",
                connector=slug,
                hint="Take one of them away; a plugin given in Xkit(plugins=…) overrides those that are installed.",
            )
        return claims[0] if claims else None

    def knows(self, slug: str) -> bool:
        """Whether a plugin brings a connector of this slug or alias."""
        return slug in self._by_name

    def connectors(self) -> Mapping[str, Connector]:
        """Every connector by its own slug that is claimed by one plugin alone."""
        return {
            slug: claims[0].connector
            for slug, claims in self._by_name.items()
            if len(claims) == 1 and claims[0].connector.slug == slug
        }

    def names(self) -> list[str]:
        """Every slug and alias that a plugin claims."""
        return list(self._by_name)

    def get(self, name: str) -> object:
        """The plugin of this name."""
        return self._manager.get_plugin(name)

    def all(self) -> list[Brought]:
        """Every connector once, by its slug; those that share a name, too."""
        claims = [claim for each in self._by_name.values() for claim in each]
        return sorted(dict.fromkeys(claims), key=lambda claim: (claim.connector.slug, claim.plugin))

    # Hooks

    def hook_for(self, name: str, brought: Brought | None) -> Callable[..., Any] | None:
        """The hook as asked of the given objects and then of the plugin that brought the connector; ``None`` if nobody
        there implements it. No other plugin is asked.
        """
        asked = list(self._given)
        if brought is not None and brought.plugin not in asked:
            asked.insert(0, brought.plugin)
        plugins = [self._manager.get_plugin(each) for each in asked]
        return self._only(name, plugins)

    def listeners(self) -> list[tuple[str, Callable[..., Any]]]:
        """``xkit_auth_event`` of each plugin that implements it, with the plugin's name."""
        hooks = [(name, self._only("xkit_auth_event", [plugin])) for name, plugin in self._manager.list_name_plugin()]
        return [(name, hook) for name, hook in hooks if hook is not None]

    def _only(self, name: str, plugins: list[Any]) -> Callable[..., Any] | None:
        everyone = self._manager.get_plugins()
        caller = self._manager.subset_hook_caller(name, [each for each in everyone if each not in plugins])
        return caller if caller.get_hookimpls() else None


def installed_connectors() -> Mapping[str, Connector]:
    """The connectors of the installed plugins, by their own slug."""
    return Plugins().connectors()


def _name_of(entry: EntryPoint) -> str:
    return f"{entry.name} ({entry.dist.name})" if entry.dist else entry.name


def _told(error: Exception) -> str:
    text = shown(error.args[0] if isinstance(error, XkitAuthError) else error)
    return text if isinstance(error, (ValueError, XkitAuthError)) else f"{type(error).__name__}: {text}"


def _why_none(plugin: object) -> str | None:
    """Why what an application gives cannot be a plugin, or ``None`` if it can."""
    if isinstance(plugin, Connector):
        return f"it is {plugin!r} itself"
    hooks = [name for name in dir(plugin) if name.startswith("xkit_auth_")]
    if isinstance(plugin, str):
        return "it is a text: import the module, and give the module itself"
    if not hooks:
        return f"this {type(plugin).__name__} has no hooks"
    if isinstance(plugin, type) and any(inspect.isfunction(inspect.getattr_static(plugin, name)) for name in hooks):
        return f"{plugin.__name__} is a class, and what is wanted is an object of it"
    return None


def _arguments_of(hook: Any) -> frozenset[str]:
    """The names by which pluggy would hand a hook what it asks for: those without a default."""
    parameters = inspect.signature(hook).parameters.values()
    return frozenset(
        each.name for each in parameters if each.default is each.empty and each.kind is each.POSITIONAL_OR_KEYWORD
    )


def _problem_with(plugin: object) -> str | None:
    """What pluggy itself would let pass in silence: a misspelt hook, one without its mark, an async one."""
    if type(plugin).__hash__ is None:
        return "it is not hashable, so pluggy cannot keep it"
    for name in dir(plugin):
        if not name.startswith("xkit_auth_"):
            continue
        hook = getattr(plugin, name, None)
        marked = getattr(hook, "xkit_auth_impl", None) is not None
        if name not in _HOOKS and (marked or inspect.isroutine(hook)):
            near = did_you_mean(name, _HOOKS)
            return f"{name} is not a hook of xkit-auth{near}; the hooks are {', '.join(_HOOKS)}"
        if name in _HOOKS and not marked:
            return f"{name} is not marked with @xkit_auth.hookimpl"
        foreign = _arguments_of(hook) - _ARGUMENTS[name] if name in _HOOKS else set()
        if foreign:
            argument = min(foreign)
            near = did_you_mean(argument, _ARGUMENTS[name])
            return f"{name} is given no {argument}{near}; its arguments are {', '.join(sorted(_ARGUMENTS[name]))}"
        if inspect.iscoroutinefunction(hook) or inspect.isasyncgenfunction(hook):
            return f"{name} is async; hooks are ordinary functions that do no I/O"
    return None
