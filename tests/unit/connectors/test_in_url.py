"""A credential in a URL: put in, found, and taken out again."""

from __future__ import annotations

import pytest

from xkit_auth._connectors.in_url import in_path, in_url

KEY = in_url("", {"key": "t&1"})
BOT = in_url("/bot1:A", {})
BOTH = in_url("/bot1:A", {"key": "t1", "a b": "é"})


@pytest.mark.parametrize(
    ("what", "url", "result"),
    [
        (KEY, "https://a.example", "https://a.example?key=t%261"),
        (KEY, "https://a.example/", "https://a.example/?key=t%261"),
        (KEY, "https://a.example/x?b=c", "https://a.example/x?b=c&key=t%261"),
        (KEY, "https://a.example/x?b=c#f", "https://a.example/x?b=c&key=t%261#f"),
        (KEY, "https://a.example/x#f?g", "https://a.example/x?key=t%261#f?g"),
        (KEY, "/x?b=c", "/x?b=c&key=t%261"),
        (KEY, "/", "/?key=t%261"),
        (BOT, "https://a.example", "https://a.example/bot1:A"),
        (BOT, "https://a.example/", "https://a.example/bot1:A/"),
        (BOT, "https://a.example/getMe?b=c#f", "https://a.example/bot1:A/getMe?b=c#f"),
        (BOT, "https://a.example?b=c", "https://a.example/bot1:A?b=c"),
        (BOT, "https://a.example#f", "https://a.example/bot1:A#f"),
        (BOT, "https://a.example:8443//x", "https://a.example:8443/bot1:A//x"),
        (BOT, "https://a.example/to/https://b.example/x", "https://a.example/bot1:A/to/https://b.example/x"),
        (BOT, "/getMe?b=https://b.example/", "/bot1:A/getMe?b=https://b.example/"),
        (BOT, "/", "/bot1:A/"),
        (BOTH, "https://a.example/x?b", "https://a.example/bot1:A/x?b&key=t1&a%20b=%C3%A9"),
        (in_url("", {}), "https://a.example/x?b=c&&d#f", "https://a.example/x?b=c&&d#f"),
    ],
)
def test_it_is_put_before_the_path_and_behind_the_query_and_taken_out_again(what, url, result):
    assert what.put_in(url) == result
    assert what.is_in(result)
    assert what.taken_out_of(result) == url


@pytest.mark.parametrize("what", [KEY, BOT, BOTH])
@pytest.mark.parametrize("url", ["https://a.example", "https://a.example/bot1:A/x?key=old#f", "/x?key=t1&y"])
def test_it_is_put_in_once_however_often(what, url):
    once = what.put_in(url)

    assert what.put_in(once) == once


@pytest.mark.parametrize(
    "query", ["key=mine", "key", "key=", "key=a=b", "%6bey=mine", "%6B%65%79=mine", "key=mine&key=another"]
)
def test_it_takes_the_place_of_parameters_of_the_same_name_however_they_are_written(query):
    assert KEY.put_in(f"https://a.example/?{query}&b=c") == "https://a.example/?b=c&key=t%261"


@pytest.mark.parametrize("query", ["key=t%261", "k%65y=t%261", "key=%74%26%31"])
def test_it_is_taken_out_however_it_is_written(query):
    assert KEY.taken_out_of(f"https://a.example/?b=c&{query}") == "https://a.example/?b=c"


def test_a_space_in_a_name_is_found_as_a_plus_too():
    assert BOTH.put_in("/?a+b=c&a%20b=d&ab=e") == "/bot1:A/?ab=e&key=t1&a%20b=%C3%A9"
    assert BOTH.taken_out_of("/?a+b=%c3%a9&ab=e") == "/?ab=e"


@pytest.mark.parametrize(
    "query", ["key=mine", "keys=a", "Key=a", "a=key", "a=b&key2=c", "ke%79s=a", "&", "a=1&&b=2", "a=%zz&b=+"]
)
def test_other_parameters_stay_as_they_are(query):
    assert KEY.taken_out_of(f"https://a.example/?{query}") == f"https://a.example/?{query}"


@pytest.mark.parametrize(
    ("what", "url"),
    [
        (KEY, "https://a.example/"),
        (KEY, "https://a.example/?key=other"),
        (KEY, "https://a.example/?key=t%262"),
        (KEY, "https://a.example/?xkey=t%261"),
        (KEY, "https://a.example/#?key=t%261"),
        (BOT, "https://a.example/"),
        (BOT, "https://a.example/bot1:AB/getMe"),
        (BOT, "https://a.example/x/bot1:A/getMe"),
        (BOT, "https://a.example/?/bot1:A/"),
        (BOTH, "https://a.example/bot1:A/"),
        (BOTH, "https://a.example/bot1:A/?key=t1"),
        (BOTH, "https://a.example/?key=t1&a%20b=%C3%A9"),
    ],
)
def test_what_only_looks_like_it_is_not_it(what, url):
    assert not what.is_in(url)


@pytest.mark.parametrize(
    "url", ["https://a.example/bot1:AB/x", "/xbot1:A/y", "/bot1", "/bot1:Ax/bot1:AB", "https://a.example/?a=/bot1:A/"]
)
def test_of_a_path_only_whole_segments_are_taken_away(url):
    assert BOT.taken_out_of(url) == url


@pytest.mark.parametrize(
    ("url", "bare"),
    [
        ("/v2/bot1:A/x", "/v2/x"),
        ("/bot1:AB/bot1:A", "/bot1:AB"),
        ("https://b.example/to/bot1:A?a=1", "https://b.example/to?a=1"),
    ],
)
def test_it_is_taken_out_of_a_path_wherever_it_has_got_to(url, bare):
    assert BOT.taken_out_of(url) == bare


def test_a_prefix_is_taken_out_decoded_too():
    assert in_url("/bot1%2FA", {}).taken_out_of("/bot1/A/x") == "/x"


def test_it_is_found_among_other_parameters_in_any_order():
    assert BOTH.is_in("/bot1:A?a%20b=%C3%A9&x&key=t1#f")
    assert BOT.is_in("/bot1:A")


@pytest.mark.parametrize(
    ("text", "path"), [("123:ABC-d_e", "123:ABC-d_e"), ("a/b?c#d", "a%2Fb%3Fc%23d"), ("a b%é", "a%20b%25%C3%A9")]
)
def test_what_goes_into_a_path_cannot_leave_it(text, path):
    assert in_path(text) == path


def test_what_goes_into_a_query_cannot_leave_it():
    what = in_url("", {"a&b": "c=d&e#f/g"})

    assert what.put_in("/") == "/?a%26b=c%3Dd%26e%23f%2Fg"


def test_it_is_not_shown():
    assert repr(BOTH) == str(BOTH) == f"{BOTH}" == "InUrl()"


# What is left when it has been taken out is what was there before


@pytest.mark.parametrize("url", ["https://a.example/?", "https://a.example/#", "https://a.example/?#", "/x?", "/x?#f"])
@pytest.mark.parametrize("what", [KEY, BOT])
def test_a_question_mark_or_hash_with_nothing_behind_it_stays_where_it_is(what, url):
    assert what.taken_out_of(what.put_in(url)) == url


@pytest.mark.parametrize("what", [BOT, BOTH])
def test_in_a_request_line_a_url_within_the_path_is_a_part_of_the_path(what):
    target = "/to/https://b.example/x"
    absolute = what.put_in(f"https://a.example{target}").removeprefix("https://a.example")

    assert what.put_in(target) == absolute
    assert what.is_in(absolute)
    assert what.taken_out_of(absolute) == target
