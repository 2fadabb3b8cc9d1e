"""gspread: it has a session of requests if it is given one, and else one of Google's that brings a token of its own."""

from __future__ import annotations

import gspread
import pytest
import requests
from google.oauth2.credentials import Credentials

from xkit_auth import ConfigurationError, NotConnected
from xkit_auth.sdk import bind, find_error

SHEETS = "https://sheets.googleapis.com"
SHEET = "/v4/spreadsheets/sheet-1"
CELLS = {"range": "Plans!A1:B2", "majorDimension": "ROWS", "values": [["what", "when"]]}


@pytest.fixture
def session():
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture
def sheets(stand_in, session):
    """A client of a Google that is here."""

    class Here(gspread.HTTPClient):
        def request(self, method, endpoint, *args, **kwargs):
            assert endpoint.startswith(SHEETS)
            return super().request(method, endpoint.replace(SHEETS, stand_in.url), *args, **kwargs)

    sheet = {"sheetId": 0, "title": "Plans", "index": 0, "sheetType": "GRID", "gridProperties": {}}
    stand_in.says(SHEET, {"properties": {"title": "All plans"}, "sheets": [{"properties": sheet}]})
    stand_in.says(f"{SHEET}/values/%27Plans%27%21A1%3AB2", CELLS)
    return gspread.Client(auth=None, session=session, http_client=Here)


def read(sheet):
    assert sheet.get("A1:B2") == [["what", "when"]]


def write(sheet):
    sheet.update([["what", "when"]], "A1:B2")


@pytest.mark.parametrize("work", [read, write])
def test_it_is_used_turned_down_renewed_and_sent_once_more(sandbox, stand_in, xkit, sheets, carried, renewed, work):
    old = sandbox.connect("google-drive", "user-1")
    with bind(sheets, "google-drive", context="user-1", xkit=xkit, hosts=[stand_in.host]):
        sheet = sheets.open_by_key("sheet-1").sheet1
        stand_in.arrivals.clear()
        work(sheet)
        stand_in.refuse(old)
        sandbox.expire("google-drive", "user-1")
        work(sheet)
    assert carried(stand_in.arrivals) == renewed(old, sandbox.credential("google-drive", "user-1"))
    assert {arrival.method for arrival in stand_in.arrivals} == {"GET" if work is read else "PUT"}
    assert len({arrival.body for arrival in stand_in.arrivals}) == 1
    assert sandbox.call_count() == 2


def test_after_release_it_is_what_it_was(sandbox, stand_in, xkit, sheets, session, carried, look):
    token = sandbox.connect("google-drive", "user-1")
    before = look(sheets, sheets.http_client, session)
    binding = bind(sheets, "google-drive", context="user-1", xkit=xkit, hosts=[stand_in.host])
    sheet = sheets.open_by_key("sheet-1").sheet1
    binding.release()
    assert look(sheets, sheets.http_client, session) == before
    read(sheet)
    assert carried(stand_in.arrivals) == [(f"Bearer {token}", 200), (f"Bearer {token}", 200), (None, 200)]


def test_credentials_of_googles_library_are_refused(sandbox, xkit, look):
    sheets = gspread.Client(auth=Credentials(token="its-own"))
    before = look(sheets, sheets.http_client, sheets.http_client.session)
    with pytest.raises(ConfigurationError, match="which would win") as caught:
        bind(sheets, "google-drive", context="user-1", xkit=xkit)
    assert look(sheets, sheets.http_client, sheets.http_client.session) == before
    assert "its-own" not in str(caught.value)
    sheets.http_client.session.close()


def test_not_connected_is_found_in_what_it_raises(sandbox, stand_in, xkit, sheets):
    with (
        bind(sheets, "google-drive", context="nobody", xkit=xkit, hosts=[stand_in.host]),
        pytest.raises(NotConnected) as caught,
    ):
        sheets.open_by_key("sheet-1")
    assert find_error(caught.value) is caught.value
    assert stand_in.arrivals == []
    assert sandbox.call_count() == 1
