"""Hard case H7: tools that walk frames and objects, as error trackers do, find no credential in what is ours.

Every error of the tree, and every way to it, is brought about on every client, with every place for a credential. Then
the frames of the error, of its causes and of its contexts are looked into, down to the ground: tuples, mappings,
attributes, slots, closures, bound methods, partials, generators. What a client or an SDK holds is its own, but for
``error.response``.
"""

from __future__ import annotations

import traceback
import types
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest

import xkit_auth
from helpers.journeys import (
    OTHER,
    PLACES,
    PLUGIN_FAILS,
    TOKEN,
    XKIT_FAILS,
    World,
    on_the_second,
    raises_it,
    raises_ours,
)
from xkit_auth import (
    ConfigurationError,
    HostNotAllowed,
    PlatformProtocolError,
    PlatformUnavailable,
    ReauthorizationRequired,
    XkitAuthError,
)
from xkit_auth.sdk import bind

OURS = str(Path(xkit_auth.__file__).parent)


FAKES = str(Path(xkit_auth.__file__).parent / "testing")


# Journeys: what is done, and what comes of it


EVERYWHERE = tuple(PLACES)


EVERY_JOURNEY = ("bearer", "two headers")


JOURNEYS: dict[str, Journey] = {}


class Journey(NamedTuple):
    """What is done, and what comes of it."""

    error: type[Exception]
    happens: Callable[[World], object]
    is_held: bool
    places: tuple[str, ...]


def journey(error, name, *, is_held=True, places=EVERY_JOURNEY):
    def add(function):
        JOURNEYS[name] = Journey(error, function, is_held, places)
        return function

    return add


for _name, (_error, _fails) in XKIT_FAILS.items():
    journey(_error, f"{_name}, before a request", is_held=False)(
        lambda world, fails=_fails: (fails(world), world.send())
    )
    journey(_error, f"{_name}, after a refusal", places=EVERYWHERE)(
        lambda world, fails=_fails: (fails(world), world.send())
    )
    journey(_error, f"{_name}, after a function failed")(
        lambda world, fails=_fails: (fails(world), world.decorated()())
    )
    journey(_error, f"{_name}, before a function", is_held=False)(
        lambda world, fails=_fails: (fails(world), world.decorated()())
    )


for _name, _does in PLUGIN_FAILS.items():
    _error = PlatformUnavailable if _does is raises_ours else ConfigurationError
    journey(_error, f"a plugin that makes headers fails {_name}")(
        lambda world, does=_does: (world.hook(formats=does), world.send())
    )
    journey(_error, f"a plugin that makes headers fails {_name} after a refusal", places=EVERYWHERE)(
        lambda world, does=_does: (world.hook(formats=on_the_second(does)), world.connect(OTHER), world.send())
    )
    journey(_error, f"a plugin that makes parameters fails {_name}", places=EVERYWHERE)(
        lambda world, does=_does: (world.hook(queries=does), world.send())
    )
    journey(_error, f"a plugin that reads answers fails {_name}")(
        lambda world, does=_does: (world.hook(classifies=does), world.send())
    )


@journey(ReauthorizationRequired, "the provider has revoked it", places=EVERYWHERE)
def _(world):
    world.send("/status/400?header=x-revoked:1&body=no")


@journey(HostNotAllowed, "it may not go there")
def _(world):
    world.send(base=world.sandbox.elsewhere_url)


@journey(ConfigurationError, "nobody knows the kind")
def _(world):
    world.send(kind="none")


@journey(ConfigurationError, "it has other parts", is_held=False, places=EVERYWHERE)
def _(world):
    parts = TOKEN if world.has_parts else {"one": TOKEN, "two": OTHER}
    world.sandbox.connect("acme", world.user, credential=parts)
    world.send()


@journey(ConfigurationError, "it has other parts after a refusal", places=EVERYWHERE)
def _(world):
    parts = TOKEN if world.has_parts else {"one": TOKEN, "two": OTHER}
    world.sandbox.connect("acme", world.user, credential=parts)
    world.send()


@journey(ConfigurationError, "it has other parts than the function wants", is_held=False)
def _(world):
    world.sandbox.connect("acme", world.user, credential={"user": TOKEN, "another": OTHER})
    world.decorated()()


@journey(ConfigurationError, "who judges exceptions fails")
def _(world):
    world.hook(judges=raises_it)
    world.decorated()()


@journey(ConfigurationError, "the application judges exceptions and fails")
def _(world):
    world.decorated(rejected=raises_it)()


@journey(ConfigurationError, "who binds fails")
def _(world):
    world.hook(binds=raises_it)
    bind(SimpleNamespace(), "acme", context=world.user, xkit=world.xkit)


@journey(XkitAuthError, "an SDK is refused, and Xkit fails")
def _(world):
    world.use("with_hooks")
    world.platform({"error": TOKEN, "credential": TOKEN}, 502)
    world.bound()


@journey(Exception, "an SDK breaks off")
def _(world):
    def breaks(headers, **_more):
        del headers
        raise LookupError("no")

    world.bound(breaks)


@journey(Exception, "the second failure of a function is its own")
def _(world):
    world.connect(OTHER)
    world.decorated()()


@journey(Exception, "a function breaks off")
def _(world):
    world.decorated(function=no_luck)()


@journey(Exception, "a method of an object breaks off")
def _(world):
    world.decorated(function=no_luck, is_method=True)()


def no_luck():
    raise LookupError("no")


# What is looked at


def is_ours(frame):
    name = frame.f_code.co_filename
    return name.startswith(OURS) and not name.startswith(FAKES)


OF_PYTHON = {"builtins", "functools", "types", "collections", "collections.abc", "inspect", "weakref", "contextlib"}


def enters(value):
    """Whether the walk goes on in there: into our objects, and into what Python has for everybody."""
    if isinstance(value, types.FunctionType):
        return str(value.__module__).startswith("xkit_auth")
    if isinstance(value, (types.GeneratorType, types.CoroutineType)):
        code = value.gi_code if isinstance(value, types.GeneratorType) else value.cr_code
        return code.co_filename.startswith(OURS)
    module = type(value).__module__
    return module in OF_PYTHON or module.startswith("xkit_auth")


def chain_of(error):
    """The error, its causes and its contexts."""
    found, waiting = [], [error]
    while waiting:
        each = waiting.pop()
        if each is not None and each not in found:
            found.append(each)
            waiting += [each.__cause__, each.__context__]
    return found


def looked_into(in_frames, in_answers, error):
    """Where the walks find a secret, and how many frames of ours there are."""
    chain = chain_of(error)
    frames = [frame for each in chain for frame, _ in traceback.walk_tb(each.__traceback__) if is_ours(frame)]
    seen = {f"{Path(frame.f_code.co_filename).name}:{frame.f_code.co_name}": dict(frame.f_locals) for frame in frames}
    found = in_frames.found_in(seen, "frames")
    ours = [each for each in chain if isinstance(each, XkitAuthError)]
    told = {type(each).__name__: [str(each), repr(each), vars(each) | {"response": None}] for each in ours}
    found += in_answers.found_in(told, "told")
    found += in_answers.found_in([each.response for each in ours], "response")
    return found, len(frames)


SECRETS = [TOKEN, OTHER, b64encode(f"u-{TOKEN[::-1]}:{TOKEN}".encode()).decode()]


def walked(sandbox, driver, place, walk):
    """Where a secret is found after each journey in this place."""
    world = World(sandbox, driver, place)
    in_frames, in_answers = walk(SECRETS, enters=enters), walk(SECRETS)
    found = {}
    for number, (name, what) in enumerate(JOURNEYS.items()):
        if place in what.places:
            world.begin(number, is_held=what.is_held)
            with pytest.raises(what.error) as caught:
                what.happens(world)
            where, count = looked_into(in_frames, in_answers, caught.value)
            assert count > 0, name
            found |= {name: where} if where else {}
    return found


@pytest.mark.parametrize("place", EVERY_JOURNEY)
def test_h7_no_walk_finds_a_credential_in_our_frames_and_objects_after_any_error(sandbox, driver, place, walk):
    assert walked(sandbox, driver, place, walk) == {}


# Where a credential is put does not depend on what waits for the answer.
@pytest.mark.drivers(sync=True)
@pytest.mark.parametrize("place", [place for place in PLACES if place not in EVERY_JOURNEY])
def test_h7_nor_in_any_other_place(sandbox, driver, place, walk):
    assert walked(sandbox, driver, place, walk) == {}


@pytest.mark.drivers(httpx=True)
@pytest.mark.parametrize("place", ["query", "path"])
def test_h7_a_credential_that_makes_the_url_too_long_is_found_in_no_frame_of_ours(sandbox, driver, place, walk):
    world = World(sandbox, driver, place)
    world.begin(0, is_held=False)
    world.connect(TOKEN + "/" * 30_000)  # no more than Xkit may give, and too long as "%2F"
    with pytest.raises(PlatformProtocolError, match="too long") as caught:
        world.send()
    assert looked_into(walk(SECRETS, enters=enters), walk(SECRETS), caught.value)[0] == []


def leaves_of(kind):
    below = [
        leaf for each in kind.__subclasses__() if each.__module__.startswith("xkit_auth") for leaf in leaves_of(each)
    ]
    return below or [kind]


def test_every_error_that_there_is_is_brought_about():
    assert set(leaves_of(XkitAuthError)) <= {each.error for each in JOURNEYS.values()}
