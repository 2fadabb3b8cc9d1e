"""Every error text in the code, by who has to act."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

pytest.importorskip("httpx")
import xkit_auth

# All of them

WHO = {
    "the application": """
        AfterAuth takes a function
        AllOf cannot take this {}
        AllOf takes two auth objects or more
        Failure({}=…) must be a mapping, not {}
        Failure(status=…) must be an HTTP status or several, not {}
        A Credential is made of a text or a mapping of texts, not of {}
        What was given as the connector looks like a key or a token
        AllOf was given a {}
        AllOf was given more than one XkitAuth
        A credential in the URL cannot be given to this SDK
        A use_context block was left {}
        bind() was given {} itself
        handle_webhook() was given {}, and not the body of a request as bytes or text
        hosts= must be a list of hosts{}
        hosts=: {}
        kind= must be the name of a kind of credential{}
        No {} for Xkit
        No plugin knows this connector
        Nobody knows a connector of this name, so that nothing would be forgotten
        Nobody knows how to bind an object of the class {}.{}
        off_host= must be "raise" or "bare"
        params= must be a mapping of texts{}
        params= makes something of the connector's hosts that is none: {}
        rejected= is not a Credential but {}
        rejected= is a class of exceptions, several, or a function, not an async one, that says so of one
        Calls to Xkit cannot be made: SSLKEYLOGFILE names a file that cannot be written ({})
        The URL is of another origin and has the credential in it
        Xkit was not asked: {}, and would see the keys, or answer in Xkit's place
        The base URL of Xkit's Platform API ({}) is not https
        The base URL of Xkit's Platform API cannot be used
        The connector has no credential of kind {}
        The connector has no hosts of its own
        The connector puts the credential into the URL, where logs show it
        The connector's slug {} cannot be used: {}
        The connectors {} all serve this URL
        The context (from {}) is not set here
        The context (from {}) is None: no use_context block is open here
        The decorated function returned a generator or something to be awaited, which could not be done again
        The function given as hosts= returned a wildcard: {}
        The function given as rejected= raised {}
        The function given as {}= cannot be called as it is
        The function given as {}= is async
        The generator {} must not hold a use_context block: between two of its steps, others would be served as…
        The param {} is not of the form that the connector allows
        The param {} {}
        The use_context block that is set here {}: nobody knows whose turn it is
        The {} for Xkit cannot be used: {}
        The {} {}
        This Xkit is closed
        This Xkit was closed while the call waited for its turn
        use_context is no decorator
        An Xkit is an account, and not an auth object
        This XkitAuth is for requests, and another library was given it
        This XkitAuth was given to a session that is {}, whose answers it cannot look at in time
        This auth object was unpickled and has lost its {}=
        This {} is bound already
        This {} is bound already, or is a copy of one that was
        This {} is for {}, and another library was given it
        {} is in use while a sandbox stands in for {}, where nothing is encrypted
        Two Xkit accounts are in use, and nothing says which one is meant
        What is to be checked is not a Connector but {}
        What Xkit(plugins=…) was given is no plugin: {}
        What was asked for is {}, but the credential that Xkit holds {}
        Xkit(connectors=…) must be a mapping of texts{}
        Xkit(plugins=…) must be a list of plugins{}
        Xkit(reconnect_url=…) must be a text or a function
        {}: {}
        Xkit({}=…) must be a number from {} to {}, not {}
        argument= is neither the name of an argument nor a mapping of arguments to parts of the credential
        with_credential decorates a function
        context= is an Xkit, which is an account and not a user
        xkit= is not an Xkit but {}
        {} does not allow that its {} is set, so that bind() cannot put anything there
        {} has no argument {} that can be passed by its name
        {} is a generator: a part of what it gives may be used when its credential is turned down
        {} is in use while a sandbox stands in for {}, where nothing is encrypted
        {} may not receive the credential
        {} must be a path or an ssl.SSLContext
        {} names another host than the URL: there the credential would be received by somebody else
        {} was given an ssl.SSLContext that lets anybody pass as Xkit
        """,
    "a plugin": """
        Connector {}: {}: {}
        The plugin {} cannot be used: {}
        The plugin's xkit_auth_bind {}
        The plugin's xkit_auth_classify_exception {}
        The plugin's {} {}
        The plugins {} both claim the connector {}
        Xkit was to be asked from inside a call to Xkit
        {} has no method {}, which bind() would wrap
        """,
    "this machine": """
        Asking Xkit broke off with {}
        No HTTP library is installed to call Xkit with
        The certificates for calls to Xkit cannot be used: {} names {}, {}
        The proxy for calls to Xkit cannot be read ({})
        Xkit could not be asked
        Xkit could not be asked: an answer did not end in time
        Xkit could not be asked: no thread could be started
        Xkit could not be asked: the certificate of {} is not trusted (CERTIFICATE_VERIFY_FAILED: {})
        Xkit could not be asked: the proxy refused our user name and password with HTTP 407 ({})
        {} cannot be imported to call Xkit with: {}
        {} names a SOCKS proxy for calls to Xkit, for which the package {} is missing
        """,
    "Xkit": """
        Xkit answered with HTTP {}, which is not part of its contract
        Xkit asks us to slow down with HTTP 429
        Xkit failed with HTTP {}
        Xkit has asked us to slow down, and was not asked
        Xkit refused our API keys with HTTP {}
        Xkit's answer cannot be used: {}
        """,
    "the user": """
        The credential that Xkit holds cannot be sent {}
        The provider has revoked the authorization, and Xkit has no newer one
        The user has not connected this connector, or has disabled it
        The user is still connecting (status {})
        The user must connect again ({})
        Xkit knows no such connection
        """,
    "xkit-auth": """
        Asking Xkit failed with {}
        """,
}


_LONGEST = 103


def errors_in_the_code():
    """What each error of ours says, and its hint, as far as that is written where it is made."""
    package = Path(xkit_auth.__file__).parent
    kinds = {
        name for name, value in vars(xkit_auth).items() if isinstance(value, type) and issubclass(value, Exception)
    }
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in kinds:
                hints = [keyword.value for keyword in node.keywords if keyword.arg == "hint"]
                what = skeleton(node.args[0], path)
                yield (
                    what if len(what) <= _LONGEST else what[:_LONGEST] + "…",
                    *(skeleton(hint, path) for hint in hints),
                )


def skeleton(node, path):
    """A text of the code, with ``{}`` for each value in it."""
    match node:
        case ast.Constant():
            return node.value.replace("{", "{{").replace("}", "}}")
        case ast.JoinedStr():
            return "".join(skeleton(part, path) for part in node.values)
        case ast.Name() if node.id in ("what", "problem"):  # made a few lines above
            values = [
                each.value
                for each in ast.walk(ast.parse(path.read_text()))
                if isinstance(each, ast.Assign)
                and ast.unparse(each.targets[0]) == node.id
                and each.lineno < node.lineno
            ]
            return skeleton(values[-1], path)
        case _:
            return "{}"


def test_of_every_error_in_the_code_it_is_known_who_has_to_change_something():
    assert {what for what, *_ in errors_in_the_code()} == {
        line.strip() for lines in WHO.values() for line in lines.strip().splitlines()
    }


def test_no_hint_blames_anybody_else():
    blamed = {line.strip(): who for who, lines in WHO.items() for line in lines.strip().splitlines()}
    for what, *hints in errors_in_the_code():
        who, said = blamed[what], " ".join((what, *hints))
        assert ("Correct the plugin" in said) <= (who == "a plugin"), what
        assert ("please report it" in said) is (who == "xkit-auth"), what
        assert ("plugin" in said) or who != "a plugin", what
        assert ("connect" in said.lower()) or who != "the user", what
        assert not (who in ("Xkit", "the user", "this machine") and "plugin" in said), what
