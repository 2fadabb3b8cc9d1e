"""openai: it has a client of httpx2, or one of httpx that it was given, and wants some key before it starts."""

from __future__ import annotations

import httpx
import pytest
from openai import AsyncOpenAI, AuthenticationError, OpenAI

from xkit_auth import NotConnected
from xkit_auth.sdk import bind, find_error

KINDS = {
    "sync": (OpenAI, None),
    "async": (AsyncOpenAI, None),
    "sync on httpx": (OpenAI, httpx.Client),
    "async on httpx": (AsyncOpenAI, httpx.AsyncClient),
}
CHUNK = (
    'data: {"id": "1", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "%s"}}]}\n\n'
)


@pytest.fixture(params=KINDS)
def make(request, call):
    """Makes a client, which is closed when the test is over."""
    kind, http_client = KINDS[request.param]
    made = []

    def make(url):
        given = None if http_client is None else http_client(trust_env=False)
        made.append(kind(api_key="placeholder", base_url=f"{url}/v1", http_client=given, max_retries=0))
        return made[-1]

    yield make
    for openai in made:
        call(openai.close)


@pytest.fixture
def openai(make, sandbox):
    return make(sandbox.provider_url("openai"))


@pytest.mark.parametrize("verb", ["get", "post", "upload", "copy"])
def test_it_is_used_turned_down_renewed_and_sent_once_more(sandbox, xkit, openai, call, carried, renewed, verb):
    copy = openai.with_options(timeout=20)
    send = {
        "get": lambda: openai.models.retrieve("gpt"),
        "post": lambda: openai.embeddings.create(model="gpt", input="words", encoding_format="float"),
        "upload": lambda: openai.files.create(file=("plan.txt", b"the plan"), purpose="assistants"),
        "copy": lambda: copy.models.retrieve("gpt"),
    }[verb]
    old = sandbox.connect("openai", "user-1")
    with bind(openai, "openai", context="user-1", xkit=xkit):
        call(send)
        sandbox.expire("openai", "user-1")
        call(send)
    assert carried(sandbox.arrivals("openai")) == renewed(old, sandbox.credential("openai", "user-1"))
    assert len({len(arrival.body) for arrival in sandbox.arrivals("openai")}) == 1
    assert sandbox.call_count() == 2


def test_a_stream_is_renewed_before_its_first_event(sandbox, stand_in, xkit, make, call, carried, renewed):
    events = [CHUNK % word for word in ("two", " ", "words")]
    stand_in.says("/v1/chat/completions", "".join([*events, "data: [DONE]\n\n"]), Content_Type="text/event-stream")
    openai = make(stand_in.url)
    old = sandbox.connect("openai", "user-1")

    async def words_of(answer):
        return "".join([event.choices[0].delta.content async for event in await answer])

    def words():
        messages = [{"role": "user", "content": "Say two words"}]
        answer = openai.chat.completions.create(model="gpt", messages=messages, stream=True)
        if isinstance(openai, AsyncOpenAI):
            return words_of(answer)
        return "".join([event.choices[0].delta.content for event in answer])

    with bind(openai, "openai", context="user-1", xkit=xkit, hosts=[stand_in.host]):
        assert call(words) == "two words"
        stand_in.refuse(old)
        sandbox.expire("openai", "user-1")
        assert call(words) == "two words"
    assert carried(stand_in.arrivals) == renewed(old, sandbox.credential("openai", "user-1"))


def test_after_release_it_is_what_it_was(sandbox, xkit, openai, call, carried, look):
    token = sandbox.connect("openai", "user-1")
    with pytest.raises(AuthenticationError):
        call(openai.models.retrieve, "gpt")
    before = look(openai, openai._client)
    binding = bind(openai, "openai", context="user-1", xkit=xkit)
    copy = openai.with_options(timeout=20)
    call(openai.models.retrieve, "gpt")
    binding.release()
    assert look(openai, openai._client) == before
    for each in (openai, copy):
        with pytest.raises(AuthenticationError):
            call(each.models.retrieve, "gpt")
    own = ("Bearer placeholder", 401)
    assert carried(sandbox.arrivals("openai")) == [own, (f"Bearer {token}", 200), own, own]


def test_not_connected_is_found_in_what_it_raises(sandbox, xkit, openai, call):
    with bind(openai, "openai", context="nobody", xkit=xkit), pytest.raises(NotConnected) as caught:
        call(openai.models.retrieve, "gpt")
    assert find_error(caught.value) is caught.value
    assert sandbox.arrivals("openai") == []
    assert sandbox.call_count() == 1
