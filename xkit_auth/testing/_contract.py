"""What every connector must keep, as a check that a plugin's own tests can run."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from .._account import Directory
from .._connectors import LARGEST_BODY, SLOT, Connector, Placement, Policy, Sending, answer_view, params_for
from .._values import (
    MASK,
    ConfigurationError,
    Credential,
    Judgement,
    RequestView,
    ResponseView,
    Value,
    Verdict,
    XkitAuthError,
    a_kind_of,
    says_how_to_call,
)
from ..hookspecs import hookimpl
from ..plugins import Plugins

_ASKS_XKIT = (Verdict.REFETCH, Verdict.RECONNECT)
_SELF_HOSTED = ("self-hosted.example",)
_HARMFUL = ("", "evil.example/", "x@evil.example", "evil.example#", "evil.example?", "x\\y", "x y", "x\r\ny: z", "é")


class Answer(Value):
    """An example of a provider's answer, and what it means.

    Attributes:
        then: the verdict that it must lead to.
        status: the HTTP status.
        headers: its headers; the content type is ``application/json`` with ``json``, ``text/plain`` with ``text``, if
            you name none.
        json: its body, if that is JSON.
        text: its body, if it is another text.
        detail: with ``Verdict.CHALLENGE``, what the event must bring.

    Example:
        >>> from xkit_auth import Verdict
        >>> answer = Answer(Verdict.REFETCH, status=401, json={"error": "expired"})
    """

    __slots__ = ("detail", "headers", "json", "status", "text", "then")
    then: Verdict
    status: int
    headers: Mapping[str, str]
    json: Any
    text: str | None
    detail: str | None

    @says_how_to_call
    def __init__(
        self,
        then: Verdict,
        *,
        status: int,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        text: str | None = None,
        detail: str | None = None,
    ) -> None:
        self._set(then=then, status=status, headers=dict(headers or {}), json=json, text=text, detail=detail)

    @property
    def content(self) -> bytes:
        """The body as it comes over the wire."""
        import json

        return json.dumps(self.json).encode() if self.json is not None else (self.text or "").encode()

    @property
    def all_headers(self) -> dict[str, str]:
        """The headers with the content type."""
        usual = "application/json" if self.json is not None else "text/plain"
        return {"content-type": usual, **{name.lower(): value for name, value in self.headers.items()}}


@says_how_to_call
def check_connector(
    connector: Connector,
    *,
    answers: Iterable[Answer],
    sends: Mapping[str, Mapping[str, str]] | None = None,
    hosts: Mapping[str, Iterable[str]] | None = None,
    params: Mapping[str, str] | None = None,
    plugin: object = None,
    refusal_is_unknown: bool = False,
) -> None:
    """Check that a connector does what its author says, and that it is safe. No network is needed.

    Args:
        connector: the connector.
        answers: examples of the provider's answers. There must be one for each of the connector's rules, one at least
            that asks Xkit again (``REFETCH`` or ``RECONNECT``), and one at least that does not.
        sends: what is put on a request, for each kind: names and values of headers, as for a credential whose text is
            ``TOKEN`` and whose field ``email`` is ``EMAIL``. HTTP Basic is written unencoded, ``"Basic TOKEN:X"``. A
            query parameter is named ``"?name"``, and what goes before the path ``"/"``. Not for kinds whose headers a
            plugin computes.
        hosts: the hosts that may receive the credential, for each kind.
        params: examples of the params that the connector takes.
        plugin: the plugin that brings the connector, if it implements hooks.
        refusal_is_unknown: the provider's documentation does not show how it refuses a credential, so that no example
            has to ask Xkit again.

    Raises:
        AssertionError: something is not as it should be; the text says what.

    Example:
        >>> from xkit_auth import Connector, Verdict
        >>> check_connector(
        ...     Connector("acme", hosts=["acme.example"], header={"X-Key": "{token}"}),
        ...     sends={"oauth2": {"X-Key": "TOKEN"}},
        ...     hosts={"oauth2": ["acme.example"]},
        ...     answers=[
        ...         Answer(Verdict.REFETCH, status=401),
        ...         Answer(Verdict.ACCEPTED, status=403),
        ...     ],
        ... )
    """
    contract = _Contract(connector, answers, sends or {}, hosts or {}, params or {}, plugin, refusal_is_unknown)
    contract.placement()
    contract.hosts_only()
    contract.answers()
    contract.silence()


class ConnectorContract:
    """``check_connector`` as tests for pytest: inherit, and set the attributes, which are its arguments.

    A kind of credential that neither ``sends`` nor ``hosts`` names is a failure, which ``check_connector`` lets pass.

    Example:
        >>> from xkit_auth import Connector, Verdict
        >>> class TestAcme(ConnectorContract):
        ...     connector = Connector("acme", hosts=["api.acme.example"])
        ...     sends = {"oauth2": {"Authorization": "Bearer TOKEN"}}
        ...     hosts = {"oauth2": ["api.acme.example"]}
        ...     answers = [
        ...         Answer(Verdict.REFETCH, status=401),
        ...         Answer(Verdict.ACCEPTED, status=403),
        ...     ]
    """

    connector: ClassVar[Connector]
    answers: ClassVar[Iterable[Answer]]
    sends: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    hosts: ClassVar[Mapping[str, Iterable[str]]] = {}
    params: ClassVar[Mapping[str, str]] = {}
    plugin: ClassVar[object] = None
    refusal_is_unknown: ClassVar[bool] = False

    def _contract(self) -> _Contract:
        return _Contract(
            self.connector, self.answers, self.sends, self.hosts, self.params, self.plugin, self.refusal_is_unknown
        )

    def test_the_credential_goes_where_the_example_says(self) -> None:
        """Each kind of credential is written as it should be, and taken away again; none is left out."""
        contract = self._contract()
        contract.every_kind()
        contract.placement()

    def test_nobody_but_the_providers_hosts_may_have_the_credential(self) -> None:
        """The hosts are those of the example, and look-alikes are refused."""
        self._contract().hosts_only()

    def test_each_answer_means_what_the_example_says(self) -> None:
        """Each example is judged as it should be, and each rule has one."""
        self._contract().answers()

    def test_no_text_shows_the_credential(self) -> None:
        """Neither what is shown of the objects nor an error has any of it."""
        self._contract().silence()


class _Contract:
    def __init__(
        self,
        connector: Connector,
        answers: Iterable[Answer],
        sends: Mapping[str, Mapping[str, str]],
        hosts: Mapping[str, Iterable[str]],
        params: Mapping[str, str],
        plugin: object,
        refusal_is_unknown: bool,
    ) -> None:
        if not isinstance(connector, Connector):
            raise ConfigurationError(
                f"What is to be checked is not a Connector but {a_kind_of(connector)}",
                hint="Give the object itself: check_connector(Connector(…)), or connector = Connector(…) in the class.",
            )
        self.connector = connector
        self.examples = tuple(answers)
        self.sends = sends
        self.expected_hosts = hosts
        self.params = params
        self.refusal_is_unknown = refusal_is_unknown
        plugins = Plugins([plugin or _Brings(connector)], with_installed=False)
        brought = plugins.find(connector.slug)
        is_brought = brought is not None and brought.connector == connector
        self.demand(is_brought, "the plugin brings none of this slug, or another one")
        self.directory = Directory(None, (), http_to_loopback=False)
        self.directory.use(plugins)

    def demand(self, condition: object, what: str) -> None:
        if not condition:
            raise AssertionError(f"{self.connector.slug}: {what}")

    def policy(self, kind: str, params: Mapping[str, str] | None = None) -> Policy:
        given = self.params if params is None else params
        has_hosts = self.connector.kinds[kind].hosts or self.connector.hosts
        hosts = None if has_hosts else _SELF_HOSTED
        return self.directory.policy_for(self.connector.slug, hosts=hosts, params=given, kind=kind)

    def policies(self) -> Iterator[tuple[str, Policy]]:
        for kind in self.connector.kinds:
            yield kind, self.policy(kind)

    def request_to(self, policy: Policy) -> RequestView:
        host = next(iter(policy.hosts.entries)).replace("*", "x")
        return RequestView(method="GET", url=f"https://{host}/xkit-auth/check?xkit-auth=check", headers={}, body=b"")

    # Where it is written

    def every_kind(self) -> None:
        """Of each kind the example says something, unless there is only one and the example says nothing at all."""
        checked = {*self.sends, *self.expected_hosts}
        for kind, policy in self.policies():
            self.demand(
                kind in checked or policy.is_computed or not (checked or len(self.connector.kinds) > 1),
                f"the kind {kind!r} is not checked: say in sends= what it sends, and in hosts= where it may go",
            )

    def placement(self) -> None:
        """Each kind of credential is written as the example says, whole, and leaves nothing behind."""
        self.demand(set(self.sends) <= set(self.connector.kinds), "sends= names a kind that the connector has not")
        for kind, policy in self.policies():
            request = self.request_to(policy)
            sent = self._sent(policy, _credential(self.connector.kinds[kind], str.upper), request)
            wanted = self.sends.get(kind)
            self.demand(wanted is None or sent == wanted, f"kind {kind!r} sends {sent}, and the example says {wanted}")
            secret = _credential(self.connector.kinds[kind], lambda name: f"{name}-0123456789")
            sending = policy.write(secret, _always(request))
            put_in = sending.in_url.put_in(request.url) if sending.in_url else request.url
            self.demand(sending.bare(put_in) == request.url, f"kind {kind!r} leaves something in the URL")
            self.demand(sending.is_on(_put_on(sending), put_in), f"kind {kind!r} is not found where it was put")

    def _sent(self, policy: Policy, credential: Credential, request: RequestView) -> dict[str, str]:
        sending = policy.write(credential, lambda: request)
        headers: dict[str, str] = _put_on(sending)
        policy.add_extra(headers)
        sent = {name: _decoded(value) for name, value in headers.items()}
        if sending.in_url is not None:
            sent |= {f"?{name}": value for name, value in sending.in_url.pairs}
            sent |= {"/": sending.in_url.prefix} if sending.in_url.prefix else {}
        return sent

    # Where it may go

    def hosts_only(self) -> None:
        """The hosts are those that the example names, and nothing that only looks like them."""
        self.demand(set(self.expected_hosts) <= set(self.connector.kinds), "hosts= names an unknown kind")
        for kind, policy in self.policies():
            entries = policy.hosts.entries
            wanted = self.expected_hosts.get(kind)
            self.demand(
                wanted is None or sorted(entries) == sorted(wanted),
                f"the hosts of kind {kind!r} are {sorted(entries)}, and the example says {wanted and sorted(wanted)}",
            )
            for entry in entries:
                self.demand(policy.allows(f"https://{entry.replace('*', 'x')}/"), f"{entry} is not allowed")
                for url in _look_alikes(entry, entries):
                    self.demand(not policy.allows(url), f"kind {kind!r} would send the credential to {url}")
            for name in params_for(self.connector, kind):
                self._harmful_values(kind, name)

    def _harmful_values(self, kind: str, name: str) -> None:
        for value in _HARMFUL:
            try:
                self.policy(kind, {**self.params, name: value})
            except ConfigurationError:
                continue
            self.demand(False, f"the param {name!r} takes {value!r}")

    # What an answer means

    def answers(self) -> None:
        """Each example means what it says, and each rule has an example that it decides."""
        unused = set(range(len(self.connector.failures)))
        for example in self.examples:
            kind, placement = next(iter(self.connector.kinds.items()))
            policy = self.policy(kind)
            response = self._response(policy, example)
            judgement = policy.judge(_credential(placement, lambda _name: "0123456789"), response)
            wanted = Judgement(example.then, example.detail)
            self.demand(judgement == wanted, f"{example} is judged {judgement}, and should be {wanted}")
            unused.discard(self._first_that_holds(response))
        rules = ", ".join(repr(self.connector.failures[index]) for index in sorted(unused))
        self.demand(not unused, f"no example is decided by {rules}")
        asks = [example.then in _ASKS_XKIT for example in self.examples]
        self.demand(any(asks) or self.refusal_is_unknown, "no example asks Xkit again")
        self.demand(not all(asks), "there is no example that does not ask Xkit again")

    def _first_that_holds(self, response: ResponseView) -> int:
        rules = enumerate(self.connector.failures)
        return next((index for index, rule in rules if rule.judged(response)), -1)

    def _response(self, policy: Policy, example: Answer) -> ResponseView:
        headers, body = example.all_headers, example.content
        self.demand(len(body) <= LARGEST_BODY, f"{example} is larger than what is looked at")
        is_read = policy.wants_body(example.status, headers)
        return answer_view(example.status, headers, body if is_read else None, self.request_to(policy))

    # What is shown

    def silence(self) -> None:
        """Neither what is shown of the objects nor an error has any of the credential."""
        for kind, policy in self.policies():
            request = self.request_to(policy)
            secret = _credential(self.connector.kinds[kind], lambda _name: "0123456789")
            sending = policy.write(secret, _always(request))
            shown = [repr(each) for each in (self.connector, policy, sending, sending.in_url, request)]
            wrong = Credential({"unknown-part": "0123456789", "another": "0123456789"})
            said = []
            for credential in (secret, wrong):
                try:
                    policy.write(credential, _always(request))
                except XkitAuthError as error:
                    said += [str(error), repr(error), error.hint or ""]
            # A policy masks what shows it, so that nobody reads the plugin's words: the mask tells that it did.
            is_shown = any("0123456789" in text for text in [*shown, *said]) or any(MASK in text for text in said)
            self.demand(not is_shown, f"kind {kind!r}: a text shows the credential")


class _Brings:
    """A plugin for one connector."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector

    @hookimpl
    def xkit_auth_connectors(self) -> list[Connector]:
        return [self._connector]


def _credential(placement: Placement, text_of: Callable[[str], str]) -> Credential:
    """A credential as this kind wants it: one text, or the fields that its templates name."""
    slots = [slot for text in placement.templates for slot in SLOT.findall(text)]
    fields = dict.fromkeys(slot.removeprefix("field.") for slot in slots if slot.startswith("field."))
    if not fields:
        return Credential(text_of("token"))
    return Credential({name: text_of(name) for name in fields})


def _always(request: RequestView) -> Callable[[], RequestView]:
    return lambda: request


def _put_on(sending: Sending) -> dict[str, str]:
    headers: dict[str, str] = {}
    sending.put_on(headers)
    return headers


def _decoded(value: str) -> str:
    scheme, _, rest = value.partition(" ")
    try:
        return f"Basic {b64decode(rest, validate=True).decode('latin-1')}" if scheme == "Basic" else value
    except ValueError:  # it was encoded already when it came, or is so in the example
        return value


def _look_alikes(entry: str, entries: Sequence[str]) -> Iterator[str]:
    """URLs that a careless comparison would take for the entry's host, and that no other entry names."""
    base = entry.removeprefix("*.")
    place, colon, port = base.rpartition(":") if base.rpartition(":")[2].isdecimal() else (base, "", "443")
    port = f"{colon}{port}" if colon else ""
    hosts = [f"{place}.evil.example", f"evil{place}", f"sub.{place}"]
    if entry != base:
        hosts = [place, f"evil{place}", f"a.b.{place}", f"x.{place}.evil.example"]
    if place.startswith("["):
        hosts = [f"{place}.evil.example"]
    yield from (f"https://{host}{port}/" for host in hosts if not _is_named(f"{host}{port}", entries))
    inside = f"x.{place}" if entry != base else place
    other = f"{inside}:{int(port[1:] or 443) + 1}"
    yield from (f"https://{each}/" for each in [other] if not _is_named(each, entries))
    yield from (f"http://{inside}{port}/", f"https://{inside}.{port}/", f"https://user@{inside}{port}/")
    yield from (f"https://evil.example\\@{inside}/", f"https://{inside}%2eevil/", f"https://evil.example/{inside}")


def _is_named(host: str, entries: Sequence[str]) -> bool:
    """Whether one of the entries is meant to cover this host."""
    below = host.lower().partition(".")[2]
    return any(host.lower() == each.lower() or f"*.{below}" == each.lower() for each in entries)
