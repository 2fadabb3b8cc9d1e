"""The world in which each error is brought about, and the ways in which plugins and Xkit fail there."""

from __future__ import annotations

import json
import types
from functools import partial
from inspect import iscoroutinefunction
from types import SimpleNamespace

from xkit_auth import (
    PRESENT,
    AuthorizationPending,
    Connector,
    Failure,
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
    hookimpl,
)
from xkit_auth.sdk import bind, with_credential

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


def as_method(function):
    """The same as the method of an object."""

    def method(_self, **passed):
        return function(**passed)

    async def amethod(_self, **passed):
        return await function(**passed)

    return types.MethodType(amethod if iscoroutinefunction(function) else method, object())
