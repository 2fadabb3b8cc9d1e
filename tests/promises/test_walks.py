"""Hard case H7: tools that walk frames and objects, as error trackers do, find no credential in what is ours.

Every error of the tree, and every way to it, is brought about on every client, with every place for a credential. Then
the frames of the error, of its causes and of its contexts are looked into, down to the ground: tuples, mappings,
attributes, slots, closures, bound methods, partials, generators. What a client or an SDK holds is its own, but for
``error.response``.
"""

from __future__ import annotations

import json
import traceback
import types
from base64 import b64encode
from collections.abc import Callable
from functools import partial
from inspect import iscoroutinefunction
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest

import xkit_auth
from xkit_auth import (
    PRESENT,
    AuthorizationPending,
    ConfigurationError,
    Connector,
    Failure,
    HostNotAllowed,
    NotConnected,
    Placement,
    PlatformAuthenticationError,
    PlatformError,
    PlatformProtocolError,
    PlatformRateLimited,
    PlatformUnavailable,
    ReauthorizationRequired,
    RequestView,
    Verdict,
    XkitAuthError,
    hookimpl,
)
from xkit_auth.sdk import bind, with_credential

OURS = str(Path(xkit_auth.__file__).parent)
FAKES = str(Path(xkit_auth.__file__).parent / "testing")
TOKEN = "Wq8rT5yPz2LmKd7Gh4"
OTHER = "Zx6vB1nMq9SdFg3Jk7"

PLACES = {
    "bearer": Placement(),
    "another header": Placement(header={"X-Api-Key": "key {token}"}),
    "basic": Placement(basic=("{field.user}", "{field.key}")),
    "two headers": Placement(header={"Authorization": "{field.user}", "X-Api-Key": "{field.key}"}),
    "query": Placement(query={"key": "{token}"}),
    "path": Placement(path="/bot{token}"),
    "header and query": Placement(header={"X-User": "{field.user}"}, query={"key": "{field.key}"}),
}
REVOKED = Failure(Verdict.RECONNECT, status=400, header={"X-Revoked": PRESENT})


class Plugin:
    """Its hooks do nothing, or what a journey wants."""

    def __init__(self):
        self.formats = self.queries = self.classifies = self.judges = self.binds = lambda **_names: None

    @hookimpl
    def xkit_auth_format_headers(self, credential, request):
        return self.formats(credential=credential, request=request)

    @hookimpl
    def xkit_auth_format_query(self, credential, request):
        return self.queries(credential=credential, request=request)

    @hookimpl
    def xkit_auth_classify_response(self, credential, response):
        return self.classifies(credential=credential, response=response)

    @hookimpl
    def xkit_auth_classify_exception(self, exception):
        return self.judges(exception=exception)

    @hookimpl
    def xkit_auth_bind(self, target, auth):
        return self.binds(target=target, auth=auth)


class World:
    """A user whose credential is held, on one client and in one place."""

    def __init__(self, sandbox, driver, place):
        self.sandbox, self.driver, self.place, self.user = sandbox, driver, place, ""
        self.plugin = Plugin()
        kinds = {"first": Placement(header={"X-Not-This": "{token}"}), "it": PLACES[place]}
        self.has_parts = "field" in str(PLACES[place].templates)
        sandbox.add_connector(Connector("acme", hosts=["x.example"], kinds=kinds, failures=[REVOKED]))
        self.url = sandbox.provider_url("acme")
        self.renew()

    def renew(self):
        """Begin with accounts that know of no trouble."""
        self.plain = self.sandbox.xkit(timeout=30)
        self.with_hooks = self.sandbox.xkit(plugins=[self.plugin], timeout=30)

    def begin(self, number, *, is_held=True):
        """Another user, so that nothing is left of the one before."""
        self.user = f"user-{number}"
        self.is_held = is_held
        self.connect(TOKEN)
        self.plugin.__init__()
        self.sandbox.up()
        self.use("plain")

    def use(self, account):
        """Go on with this account, which has asked for the credential before."""
        try:
            getattr(self, account).get_credential("acme", context=self.user)
        except PlatformError:  # it pauses, after what was before
            self.renew()
            getattr(self, account).get_credential("acme", context=self.user)
        self.xkit = getattr(self, account)
        if not self.is_held:
            self.xkit.forget()

    def connect(self, token):
        """Let Xkit hold this, in parts if the place wants parts."""
        parts = {"user": f"u-{token[::-1]}", "key": token}
        self.sandbox.connect("acme", self.user, credential=parts if self.has_parts else token)

    def auth(self, **arguments):
        return self.driver.auth("acme", context=self.user, xkit=self.xkit, **{"kind": "it", **arguments})

    def send(self, path="/status/401?body=no", *, base=None, **arguments):
        """A request that goes wrong."""
        with self.driver.session(auth=self.auth(**arguments)) as send:
            send("POST", (base or self.url) + path, content=b"body")

    def hook(self, **does):
        """Let the plugin's hooks do this from now on."""
        self.use("with_hooks")
        for name, function in does.items():
            setattr(self.plugin, name, function)

    def platform(self, content, status=200):
        """Let Xkit answer this."""
        body = content if isinstance(content, str) else json.dumps(content)
        self.sandbox.answer_with(body, status=status, context=self.user)

    def decorated(self, *, rejected=None, function=None, is_method=False):
        """A function that gets the credential, and uses this client with it."""
        fields = {"user": "user", "key": "key"} if self.has_parts else "token"

        def arguments(passed):
            if function is not None:
                function()
            return {"headers": {f"X-{name}": text for name, text in passed.items()}, "content": b"body"}

        def call(**passed):
            with self.driver.session() as send:
                send("POST", f"{self.url}/status/401", **arguments(passed)).raise_for_status()

        async def acall(**passed):
            async with self.driver.lib.AsyncClient(timeout=30, trust_env=False, verify=False) as client:
                (await client.post(f"{self.url}/status/401", **arguments(passed))).raise_for_status()

        decorate = with_credential("acme", context=self.user, xkit=self.xkit, argument=fields, rejected=rejected)
        if self.driver.loop is None:
            return decorate(as_method(call) if is_method else call)
        import anyio

        return partial(anyio.run, decorate(as_method(acall) if is_method else acall), backend=self.driver.loop)

    def bound(self, attempts=lambda headers, **_more: SimpleNamespace(status=401, headers={}, sent=dict(headers))):
        """A call of an SDK that has no slot."""
        view = RequestView(method="GET", url=f"{self.url}/x", headers={}, body=b"")

        def binds(target, auth):
            def request(_wrapped, _instance, _args, _kwargs):
                return auth.send(view, attempts, lambda answer: (answer.status, answer.headers, None))

            async def arequest(_wrapped, _instance, _args, _kwargs):
                async def attempt(headers):
                    return attempts(headers)

                return await auth.asend(view, attempt, lambda answer: (answer.status, answer.headers, None))

            auth.wrap(target, "request", request if self.driver.loop is None else arequest)
            return True

        self.hook(binds=binds)
        target = SimpleNamespace(request=lambda: None)
        with bind(target, "acme", context=self.user, xkit=self.xkit, kind="it"):
            if self.driver.loop is None:
                target.request()
            else:
                import anyio

                anyio.run(target.request, backend=self.driver.loop)


# Ways for Xkit to fail


XKIT_FAILS = {
    "the user is unknown": (NotConnected, lambda world: world.sandbox.forget_connection("acme", world.user)),
    "the user has disabled it": (NotConnected, lambda world: world.sandbox.disable("acme", world.user)),
    "the user is connecting": (AuthorizationPending, lambda world: world.sandbox.pending("acme", world.user)),
    "the user has revoked it": (
        ReauthorizationRequired,
        lambda world: world.platform(connection(status="error", error_message=TOKEN, error_code="x", credential=TOKEN)),
    ),
    "our keys are wrong": (
        PlatformAuthenticationError,
        lambda world: world.platform({"error": TOKEN, "credential": TOKEN}, 401),
    ),
    "we are too fast": (PlatformRateLimited, lambda world: world.platform({"error": TOKEN, "credential": TOKEN}, 429)),
    "it is down": (PlatformUnavailable, lambda world: world.platform(f"<html>{TOKEN}", 502)),
    "it is cut off": (PlatformUnavailable, lambda world: world.sandbox.down("reset")),
    "it makes no sense": (PlatformProtocolError, lambda world: world.platform(f'{{"connection": "{TOKEN}')),
    "it cannot be sent": (PlatformProtocolError, lambda world: world.connect(f"{OTHER}\n")),
}


def connection(**authorization):
    return {"connection": {"enabled": True, "authorization": authorization}}


# Ways for a plugin to fail


def raises(credential, **_names):
    text = " ".join(credential._texts())
    raise ValueError(f"cannot use {text}")


def raises_ours(credential, **_names):
    text = " ".join(credential._texts())
    raise PlatformUnavailable(f"cannot use {text}", hint=text) from KeyError(text)


def raises_it(*_args, **_names):
    raise ValueError(f"cannot use {TOKEN}")


PLUGIN_FAILS = {
    "with an error": raises,
    "with an error of ours": raises_ours,
    "with a text": lambda credential, **_names: " ".join(credential._texts()),
    "with what is no name": lambda credential, **_names: {" ".join(credential._texts()) + "\n": "x"},
    "with what is no value": lambda credential, **_names: {"X-Key": " ".join(credential._texts()) + "\n"},
    "with a list": lambda credential, **_names: list(credential._texts()),
}


def on_the_second(does):
    """What is right for the first credential, and goes wrong with the second."""
    seen = []

    def hook(credential, **names):
        seen.append(credential)
        return does(credential=credential, **names) if credential != seen[0] else None

    return hook


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


def as_method(function):
    """The same as the method of an object."""

    def method(_self, **passed):
        return function(**passed)

    async def amethod(_self, **passed):
        return await function(**passed)

    return types.MethodType(amethod if iscoroutinefunction(function) else method, object())


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
