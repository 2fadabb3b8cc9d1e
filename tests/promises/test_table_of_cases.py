"""The hard cases by number: what each is about, which clients it is about, and that a test stands behind each.

The sentence says what is promised. The test is found by the number in its name, ``test_c7_…``; together the tests of a
case cover all the clients that it is about.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

CASES = {
    # A. Where the credential may go
    "a1": ("a refusal by another host is the caller's, on requests", "requests"),
    "a2": ("a refusal by another host is the caller's, on httpx", "httpx"),
    "a4": ("no redirect carries the credential to another origin, whatever its header", "all"),
    "a5": ("another host is refused before anything is asked or sent", "all"),
    "a6": ("plain http is another origin", "all"),
    "a7": ("a first hop over plain http is refused, so there is no upgrade to worry about", "all"),
    "a9": ("a host that merely looks alike is another host", "all"),
    "a10": ("off the origin and back, the credential stays off", "all"),
    "a11": ("the credential wins over a header that the caller has set", "all"),
    "a13": ("a proxy's refusal is none of ours", "all"),
    "a14": ("a redirect of Xkit's is not followed", "all"),
    # B. netrc
    "b1": ("netrc does not replace the credential", "requests"),
    "b2": ("what netrc replaces on a redirect is put right, and said once", "requests"),
    "b4": ("NoAuth switches a session's auth off for one call", "requests"),
    # C. Refusals, and what is sent again
    "c1": ("a body that can be read once is fetched for and not sent again", "all"),
    "c2": ("a file goes back to where it stood, or is not sent again", "sync"),
    "c4": ("a form is sent again whole, or not at all", "all"),
    "c5": ("only the refused hop is repeated", "all"),
    "c6": ("the hops after a resend carry the new credential", "all"),
    "c7": ("there is one resend, redirects included", "all"),
    "c9": ("the same credential is not sent twice", "all"),
    "c10": ("what a new credential does not cure is the caller's", "all"),
    "c11": ("a 401 counts, however its challenge is written", "all"),
    "c12": ("a refusal with status 200 counts where the connector says so", "all"),
    "c13": ("a credential that somebody has replaced meanwhile is not fetched again", "all"),
    "c15": ("a call that began before the refusal proves nothing", "all"),
    "c17": ("other auth objects beside ours keep their whole flow", "all"),
    "c18": ("a urllib3.Retry for 401 is a conflict that is said", "requests"),
    "c19": ("an event hook that raises for a 401 is a conflict, with a way out", "httpx"),
    "c20": ("a session's hooks see the answer that is left", "requests"),
    "c21": ("the resend counts as one of the client's redirects", "httpx"),
    "c22": ("history and elapsed tell the truth", "all"),
    # D. Connections and streams
    "d2": ("a failed refetch gives the connection back", "sync"),
    "d3": ("an endless refusal is cut", "all"),
    "d4": ("a streamed answer is left unread", "all"),
    "d5": ("an open stream holds up nobody", "all"),
    "d6": ("streams of one HTTP/2 connection that are refused together ask once", "httpx"),
    "d7": ("what has no body is sent again: HEAD, and an upgrade", "all"),
    "d8": ("calls to Xkit do not go through the caller's client", "all"),
    "d9": ("stand-ins for a transport work", "all"),
    # E. Crowds
    "e1": ("a crowd makes one call", "all"),
    "e4": ("whose time is up gives up alone", "tasks"),
    "e5": ("a slow call for one user holds up no other", "all"),
    "e6": ("one auth object serves several event loops", "tasks"),
    "e7": ("threads and tasks share one call, and the loop goes on", "tasks"),
    "e8": ("trio is as good as asyncio", "tasks"),
    "e10": ("a flow that is left half-way locks nothing", "httpx"),
    "e11": ("a response pickles with its hook", "requests"),
    "e13": ("asking from inside a call to Xkit is an error and no deadlock", "core"),
    "e14": ("no request carries another user's credential, however threads are switched", "sync"),
    # F. Time, and Xkit
    "f1": ("a short life is no reason to ask for each request", "all"),
    "f2": ("a jump of a clock makes nothing immortal", "all"),
    "f4": ("Xkit's wish for a pause is obeyed", "all"),
    "f5": ("what is still good is served through an outage", "all"),
    "f6": ("a refusal during an outage is an error that says so", "all"),
    "f7": ("each situation has its own error, and is not asked about in a loop", "all"),
    "f8": ("what is revoked is not served any more", "all"),
    "f9": ("a credential that cannot be sent is refused without being shown", "all"),
    "f10": ("workers do not all wake at the same moment", "core"),
    "f11": ("a call to Xkit has an end", "all"),
    # G. Secrets
    "g1": ("nothing of ours shows a secret", "core"),
    "g2": ("a traceback with local variables shows none in our frames", "all"),
    "g3": ("a pickled response keeps its header from other hosts", "requests"),
    "g4": ("a client's own error holds no credential in its text", "all"),
    "g5": ("no log has a secret, at whatever level", "all"),
    "g6": ("the error for a wrong client shows nothing", "all"),
    # X. Clients
    "x1": ("another library's auth object is named in the error", "core"),
    "x2": ("niquests takes the auth object of requests", "core"),
    "x3": ("a request may be prepared in one thread and sent in another", "requests"),
}

WITHOUT_A_TEST = {
    "a3": "about aiohttp, for which there is no adapter",
    "g8": "about a store that machines share: there is none yet",
    "g9": "about a store in a file: there is none",
}

# A client is one letter for its family and one for how it is called.
CLIENTS = {
    "all": {"requests sync", "httpx sync", "httpx tasks"},
    "requests": {"requests sync"},
    "httpx": {"httpx sync", "httpx tasks"},
    "sync": {"requests sync", "httpx sync"},
    "tasks": {"httpx tasks"},
    "core": set(),
}


NUMBER = r"(?<=_)([a-gx]\d+)(?=_)"


def numbered_tests() -> dict[str, list[ast.FunctionDef]]:
    found: dict[str, list[ast.FunctionDef]] = {}
    for path in [*ROOT.glob("tests/**/test_*.py"), *ROOT.glob("plugins/*/tests/test_*.py")]:
        text = path.read_text(encoding="utf-8")
        if not re.search(rf"def test\w*{NUMBER}", text):
            continue  # most have none, and parsing them takes long
        module = ast.parse(text)
        classes = [node for node in module.body if isinstance(node, ast.ClassDef)]
        for node in (node for parent in (module, *classes) for node in parent.body):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                for number in re.findall(NUMBER, node.name):
                    found.setdefault(number, []).append(node)
    return found


def clients_of(test: ast.FunctionDef) -> set[str]:
    if "driver" not in {argument.arg for argument in test.args.args}:
        return set()
    wanted = set(CLIENTS["all"])
    for decorator in test.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.drivers":
            for keyword in decorator.keywords:
                wanted &= CLIENTS[str(keyword.arg)]
    return wanted


TESTS = numbered_tests()


@pytest.mark.parametrize("number", CASES)
def test_every_case_has_its_tests_on_all_the_clients_that_it_is_about(number):
    tests = TESTS.get(number, [])
    _, about = CASES[number]
    covered = set().union(*map(clients_of, tests))

    assert tests, f"no test has {number} in its name"
    assert covered >= CLIENTS[about], f"{number} is not tried on {CLIENTS[about] - covered}"


def test_every_number_in_the_name_of_a_test_is_in_the_table():
    assert set(TESTS) <= set(CASES)
    assert not set(CASES) & set(WITHOUT_A_TEST)
