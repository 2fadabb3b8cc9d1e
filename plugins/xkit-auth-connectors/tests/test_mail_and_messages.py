"""Mail and messages: Mailchimp, SendGrid, Twilio, Discord, Telegram."""

from __future__ import annotations

from xkit_auth_connectors.discord import discord
from xkit_auth_connectors.mailchimp import mailchimp
from xkit_auth_connectors.sendgrid import sendgrid
from xkit_auth_connectors.telegram import telegram
from xkit_auth_connectors.twilio import twilio

from xkit_auth import Verdict
from xkit_auth.testing import Answer, ConnectorContract


class TestMailchimp(ConnectorContract):
    connector = mailchimp
    params = {"dc": "us21"}
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}, "api_key": {"Authorization": "Basic any:TOKEN"}}
    hosts = {"oauth2": ["us21.api.mailchimp.com"], "api_key": ["us21.api.mailchimp.com"]}
    answers = [
        Answer(
            Verdict.REFETCH,
            status=401,
            headers={"Content-Type": "application/problem+json"},
            json={"title": "API Key Invalid", "status": 401, "detail": "Invalid, or of another data centre."},
        ),
        Answer(Verdict.ACCEPTED, status=403),
        Answer(Verdict.RATE_LIMITED, status=429),
    ]


class TestSendGrid(ConnectorContract):
    connector = sendgrid
    sends = {"api_key": {"Authorization": "Bearer TOKEN"}}
    hosts = {"api_key": ["api.sendgrid.com"]}
    answers = [
        Answer(Verdict.REFETCH, status=401, json={"errors": [{"message": "The grant is expired, or revoked"}]}),
        Answer(Verdict.DENIED, status=401, json={"errors": [{"message": "missing required scope: some.scope"}]}),
        Answer(Verdict.ACCEPTED, status=403),
        Answer(Verdict.RATE_LIMITED, status=429),
    ]


class TestTwilio(ConnectorContract):
    connector = twilio
    sends = {"basic": {"Authorization": "Basic ACCOUNT_SID:AUTH_TOKEN"}}
    hosts = {"basic": ["api.twilio.com"]}
    answers = [
        Answer(Verdict.REFETCH, status=401, json={"code": 20003, "message": "Authenticate", "status": 401}),
        Answer(Verdict.ACCEPTED, status=403),
        Answer(Verdict.RATE_LIMITED, status=429),
    ]


class TestDiscord(ConnectorContract):
    connector = discord
    sends = {"oauth2": {"Authorization": "Bearer TOKEN"}, "bot_token": {"Authorization": "Bot TOKEN"}}
    hosts = {"oauth2": ["discord.com"], "bot_token": ["discord.com"]}
    answers = [
        Answer(Verdict.REFETCH, status=401, json={"message": "401: Unauthorized", "code": 0}),
        Answer(Verdict.REFETCH, status=401, json={"message": "Invalid authentication token", "code": 50014}),
        Answer(Verdict.REFETCH, status=403, json={"message": "Invalid OAuth2 access token", "code": 50025}),
        Answer(Verdict.DENIED, status=403, json={"message": "Missing access", "code": 50001}),
        Answer(Verdict.DENIED, status=403, json={"message": "Missing permissions", "code": 50013}),
        Answer(Verdict.ACCEPTED, status=403),
        Answer(Verdict.RATE_LIMITED, status=429),
    ]


class TestTelegram(ConnectorContract):
    connector = telegram
    sends = {"bot_token": {"/": "/botTOKEN"}, "bot_token_files": {"/": "/file/botTOKEN"}}
    hosts = {"bot_token": ["api.telegram.org"], "bot_token_files": ["api.telegram.org"]}
    answers = [
        Answer(Verdict.REFETCH, status=401, json={"ok": False, "error_code": 401, "description": "Unauthorized"}),
        Answer(Verdict.REFETCH, status=404, json={"ok": False, "error_code": 404, "description": "Not Found"}),
        Answer(Verdict.ACCEPTED, status=404, text="Not Found"),
        Answer(Verdict.ACCEPTED, status=403),
        Answer(Verdict.ACCEPTED, status=409),
        Answer(Verdict.RATE_LIMITED, status=429),
    ]
