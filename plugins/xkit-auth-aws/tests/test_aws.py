"""AWS: what arrives is signed, and signed anew when it is sent again."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
import xkit_auth_aws

from xkit_auth import ConfigurationError, Credential, RequestView, ResponseView, Verdict, Xkit
from xkit_auth._connectors.known import PACKAGES
from xkit_auth.testing import Answer, ConnectorContract

KEYS = {"access_key_id": "AKIDEXAMPLE", "secret_access_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
TEMPORARY = {**KEYS, "session_token": "session/token+of-an-hour=="}


def error(code: str) -> str:
    return f"<Error><Code>{code}</Code><Message>No.</Message></Error>"


class TestAws(ConnectorContract):
    connector = xkit_auth_aws.aws
    plugin = xkit_auth_aws
    params = {"service": "dynamodb", "region": "eu-west-1"}
    hosts = {"access_key": ["dynamodb.eu-west-1.amazonaws.com"]}
    answers = [
        Answer(
            Verdict.REFETCH,
            status=400,
            headers={"Content-Type": "application/x-amz-json-1.0"},
            json={"__type": "com.amazon.coral.service#ExpiredTokenException", "message": "It is expired."},
        ),
        Answer(Verdict.REFETCH, status=403, headers={"Content-Type": "text/xml"}, text=error("InvalidClientTokenId")),
        Answer(Verdict.DENIED, status=400, json={"__type": "AccessDeniedException"}),
        Answer(Verdict.DENIED, status=403, headers={"Content-Type": "text/xml"}, text=error("SignatureDoesNotMatch")),
        Answer(Verdict.ACCEPTED, status=400, json={"__type": "ResourceNotFoundException"}),
        # Bedrock, Lambda, API Gateway: the code is in a header, at times with more behind it.
        Answer(
            Verdict.REFETCH,
            status=403,
            headers={"x-amzn-ErrorType": "ExpiredTokenException"},
            json={"message": "The security token included in the request is expired"},
        ),
        Answer(
            Verdict.REFETCH,
            status=403,
            headers={
                "x-amzn-ErrorType": "UnrecognizedClientException:http://internal.amazon.com/coral/com.amazon.coral/"
            },
            json={"message": "The security token included in the request is invalid."},
        ),
        Answer(
            Verdict.DENIED,
            status=403,
            headers={"x-amzn-ErrorType": "AccessDeniedException"},
            json={"Message": "User: arn:aws:iam::1:user/u is not authorized to perform: lambda:InvokeFunction"},
        ),
        # IAM and STS, asked for JSON
        Answer(Verdict.REFETCH, status=403, json={"Error": {"Code": "ExpiredToken", "Message": "It is expired."}}),
        Answer(Verdict.DENIED, status=403, json={"Error": {"Code": "AccessDenied", "Message": "No."}}),
        # EC2
        Answer(
            Verdict.REFETCH,
            status=400,
            headers={"Content-Type": "text/xml;charset=UTF-8"},
            text="<Response><Errors><Error><Code>RequestExpired</Code><Message>Request has expired.</Message></Error>"
            "</Errors><RequestID>1</RequestID></Response>",
        ),
        Answer(
            Verdict.REFETCH,
            status=401,
            headers={"Content-Type": "text/xml;charset=UTF-8"},
            text="<Response><Errors><Error><Code>AuthFailure</Code><Message>AWS was not able to validate the provided"
            " access credentials</Message></Error></Errors></Response>",
        ),
        Answer(Verdict.ACCEPTED, status=404, headers={"x-amzn-ErrorType": "ResourceNotFoundException"}),
    ]


class TestS3(ConnectorContract):
    connector = xkit_auth_aws.aws_s3
    plugin = xkit_auth_aws
    params = {"region": "eu-west-1"}
    hosts = {"access_key": ["s3.eu-west-1.amazonaws.com", "*.s3.eu-west-1.amazonaws.com"]}
    answers = [
        *TestAws.answers,
        Answer(Verdict.REFETCH, status=400, headers={"Content-Type": "application/xml"}, text=error("ExpiredToken")),
        Answer(Verdict.DENIED, status=403, headers={"Content-Type": "application/xml"}, text=error("AccessDenied")),
        Answer(Verdict.REFETCH, status=400, headers={"Content-Type": "application/xml"}, text=error("InvalidToken")),
        Answer(Verdict.ACCEPTED, status=404, headers={"Content-Type": "application/xml"}, text=error("NoSuchKey")),
        Answer(Verdict.ACCEPTED, status=400),
    ]


@pytest.mark.parametrize(
    ("connector", "method", "status", "then"),
    [
        ("aws-s3", "HEAD", 400, Verdict.REFETCH),
        ("aws-s3", "HEAD", 403, Verdict.ACCEPTED),
        ("aws-s3", "HEAD", 404, Verdict.ACCEPTED),
        ("aws-s3", "GET", 400, Verdict.ACCEPTED),
        ("aws", "HEAD", 400, Verdict.ACCEPTED),
    ],
)
def test_a_head_to_s3_has_no_body_and_its_400_is_an_expired_token(connector, method, status, then):
    params = {"region": "eu-west-1"} if connector == "aws-s3" else {"region": "eu-west-1", "service": "sqs"}
    with Xkit(publishable_key="pk", secret_key="sk", plugins=[xkit_auth_aws]) as xkit:
        policy = xkit.directory.policy_for(connector, params=params)
        request = RequestView(method=method, url="https://b.s3.eu-west-1.amazonaws.com/k", headers={}, body=b"")
        response = ResponseView(status=status, headers={"content-type": "application/xml"}, request=request)
        assert policy.judge(Credential(KEYS), response).verdict is then


# The hosts


def hosts_of(connector, **params):
    with Xkit(publishable_key="pk", secret_key="sk", plugins=[xkit_auth_aws]) as xkit:
        return xkit.directory.policy_for(connector.slug, params=params).hosts


@pytest.mark.parametrize("service", ["dynamodb", "sts", "bedrock-runtime", "api.ecr", "email", "lambda"])
def test_a_service_in_a_region_is_one_host(service):
    hosts = hosts_of(xkit_auth_aws.aws, service=service, region="eu-west-1")
    assert hosts.entries == (f"{service}.eu-west-1.amazonaws.com",)


@pytest.mark.parametrize(
    ("service", "region"),
    [
        ("ec2-1-2-3-4", "compute-1"),
        ("ec2-1-2-3-4", "us-east-1"),
        ("ec2-1-2-3-4.eu-west-1", "compute"),
        ("ip-10-0-0-1", "eu-west-1"),
        ("my-bucket", "s3"),
        ("my-bucket", "s3-website-eu-west-1"),
        ("my-bucket", "s3-eu-west-1"),
        ("my-bucket.s3-website", "eu-central-1"),
        ("s3-website", "eu-central-1"),
        ("s3-website-eu-west-1", "eu-west-1"),
        ("abc123.execute-api", "eu-west-1"),
        ("my-load-balancer", "elb"),
        ("my-load-balancer.elb", "us-east-1"),
        ("search-mine", "es"),
        ("DynamoDB", "eu-west-1"),
        ("dynamodb", "eu-west-1a"),
        ("*", "eu-west-1"),
    ],
)
def test_a_tenant_cannot_name_a_host_on_which_a_customer_of_amazon_runs_something(service, region):
    with pytest.raises(ConfigurationError, match="not of the form") as caught:
        hosts_of(xkit_auth_aws.aws, service=service, region=region)
    assert len(caught.value.hint) < 1000


@pytest.mark.parametrize("region", ["compute", "s3-website", "elb", "eu-west-1.evil", "*"])
def test_a_tenant_cannot_name_a_region_of_s3_that_is_none(region):
    with pytest.raises(ConfigurationError, match="not of the form"):
        hosts_of(xkit_auth_aws.aws_s3, region=region)


# The signature


def signed(url, *, method="GET", headers=None, body=b"", keys=KEYS, connector=xkit_auth_aws.aws, **params):
    request = RequestView(method=method, url=url, headers=headers or {}, body=body)
    return xkit_auth_aws.xkit_auth_format_headers(connector, params, Credential(keys), request)


@pytest.fixture
def in_2015(monkeypatch):
    monkeypatch.setattr(xkit_auth_aws, "_now", lambda: datetime(2015, 8, 30, 12, 36, tzinfo=UTC))


def test_it_is_the_signature_of_awss_own_example(in_2015):
    headers = signed(
        "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
        headers={"Host": "iam.amazonaws.com", "Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
        service="iam",
        region="us-east-1",
    )
    assert headers == {
        "X-Amz-Date": "20150830T123600Z",
        "Authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request,"
        " SignedHeaders=content-type;host;x-amz-date,"
        " Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
    }


def test_body_method_and_token_are_part_of_the_signature(in_2015):
    url = "https://dynamodb.eu-west-1.amazonaws.com/"
    place = {"service": "dynamodb", "region": "eu-west-1"}
    made = [
        signed(url, **place),
        signed(url, method="POST", **place),
        signed(url, method="POST", body=b"{}", **place),
        signed(url, method="POST", body=b"{}", keys=TEMPORARY, **place),
        signed(url, method="POST", body=b"{}", headers={"X-Amz-Target": "ListTables"}, **place),
        signed(url, method="POST", body=b"{}", service="dynamodb", region="us-east-1"),
        signed(url, method="POST", body=b"{}", signing_name="other", **place),
    ]
    assert len({each["Authorization"] for each in made}) == len(made)
    assert made[3]["X-Amz-Security-Token"] == TEMPORARY["session_token"]
    assert "x-amz-security-token" in made[3]["Authorization"]
    assert "x-amz-target" in made[4]["Authorization"]


@pytest.mark.parametrize("connector", [xkit_auth_aws.aws, xkit_auth_aws.aws_s3])
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("?prefix=a+b", "?prefix=a%20b"),
        ("?prefix=a/b", "?prefix=a%2Fb"),
        ("?prefix=%7e", "?prefix=~"),
        ("?a=1&b=2", "?b=2&a=1"),
        ("?acl", "?acl="),
        ("a(b)+c,d:e@f=g", "a%28b%29%2Bc%2Cd%3Ae%40f%3Dg"),
        ("a%2fb", "a%2Fb"),
    ],
)
def test_what_clients_write_in_two_ways_has_one_signature(in_2015, connector, one, other):
    place = {"connector": connector, "service": "any", "region": "eu-west-1"}
    base = "https://s3.eu-west-1.amazonaws.com/"
    assert signed(base + one, **place) == signed(base + other, **place)


def test_headers_that_proxies_change_are_not_signed(in_2015):
    headers = {"User-Agent": "x", "Accept": "*/*", "Connection": "close", "X-Amz-Date": "the caller's own"}
    place = {"service": "iam", "region": "us-east-1"}
    assert signed("https://iam.amazonaws.com/", headers=headers, **place) == signed(
        "https://iam.amazonaws.com/", **place
    )


def test_s3_is_told_the_bodys_hash_and_takes_a_stream_unsigned(in_2015):
    url = "https://s3.eu-west-1.amazonaws.com/bucket/a%20b//c"
    s3 = {"connector": xkit_auth_aws.aws_s3, "region": "eu-west-1", "method": "PUT"}
    assert signed(url, body=b"text", **s3)["X-Amz-Content-SHA256"] == hashlib.sha256(b"text").hexdigest()
    stream = signed(url, body=None, **s3)
    assert stream["X-Amz-Content-SHA256"] == "UNSIGNED-PAYLOAD"
    assert stream["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/s3/")


def test_elsewhere_a_stream_is_refused_saying_what_to_do():
    with pytest.raises(ConfigurationError, match="cannot be signed") as caught:
        signed("https://iam.amazonaws.com/", body=None, service="iam", region="us-east-1")
    assert "bytes" in caught.value.hint


@pytest.mark.parametrize("connector", [xkit_auth_aws.aws, xkit_auth_aws.aws_s3])
def test_what_to_sign_with_may_be_newer_than_what_is_known(connector):
    known = {"service": "s3", "region": "eu-west-1"}
    other = {"signing_region": "eu-north-9", **({} if connector is xkit_auth_aws.aws_s3 else {"signing_name": "new"})}
    scope = "/eu-north-9/s3/aws4_request" if connector is xkit_auth_aws.aws_s3 else "/eu-north-9/new/aws4_request"
    for params in (other, {**known, **other}):
        headers = signed("https://new.eu-north-9.amazonaws.com/", connector=connector, **params)
        assert scope in headers["Authorization"]


@pytest.mark.parametrize("params", [{"service": "iam"}, {"region": "us-east-1"}])
def test_what_the_signature_needs_is_asked_for(params):
    with pytest.raises(ConfigurationError, match="is missing"):
        signed("https://iam.amazonaws.com/", **params)


def test_the_plugin_leaves_other_connectors_alone():
    other = xkit_auth_aws.aws.replace(slug="other")
    assert signed("https://iam.amazonaws.com/", connector=other) is None


def test_no_logger_sees_the_session_token(caplog):
    caplog.set_level(logging.DEBUG)
    signed("https://iam.amazonaws.com/", keys=TEMPORARY, service="iam", region="us-east-1")
    assert "session/token" not in caplog.text


# On the way: the provider computes the signature itself, from what has arrived


def hmac_of(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), "sha256").digest()


def is_signed_by(arrival, keys) -> bool:
    """Whether a request carries the signature of these keys, computed from scratch."""
    headers = arrival.headers
    match = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d+/([^/]+)/([^/]+)/aws4_request), SignedHeaders=(\S+), Signature=(\w+)",
        headers["authorization"],
    )
    key_id, scope, region, service, names, signature = match.groups()
    payload = headers.get("x-amz-content-sha256") or hashlib.sha256(arrival.body).hexdigest()
    canonical = "\n".join(
        [
            arrival.method,
            quote(quote(arrival.path, safe="/~"), safe="/~"),  # AWS wants it so, except of S3
            "&".join(sorted(arrival.query.split("&"))),
            *(f"{name}:{headers[name]}" for name in names.split(";")),
            "",
            names,
            payload,
        ]
    )
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = f"AWS4-HMAC-SHA256\n{headers['x-amz-date']}\n{scope}\n{digest}"
    key = f"AWS4{keys['secret_access_key']}".encode()
    for part in (scope.partition("/")[0], region, service, "aws4_request"):
        key = hmac_of(key, part)
    is_whole = payload in ("UNSIGNED-PAYLOAD", hashlib.sha256(arrival.body).hexdigest())
    return is_whole and key_id == keys["access_key_id"] and hmac_of(key, to_sign).hex() == signature


def keys_now(sandbox):
    return json.loads(sandbox.credential("aws", "user-1"))


@pytest.fixture
def auth(sandbox, driver):
    """An auth object for a host that lets everybody in, since a sandbox cannot verify what it is never sent."""
    sandbox.connect("aws", "user-1", credential=TEMPORARY)
    return driver.auth(
        "aws",
        context="user-1",
        xkit=sandbox.xkit(timeout=30),
        hosts=[sandbox.elsewhere_url.removeprefix("http://")],
        params={"service": "dynamodb", "region": "eu-west-1"},
    )


def test_what_arrives_is_signed(sandbox, driver, auth):
    url = f"{sandbox.elsewhere_url}/tables/a%20b?b=2&a=1"
    driver.send("POST", url, auth=auth, content=b'{"Limit": 1}', headers={"X-Amz-Target": "ListTables"})
    (arrival,) = sandbox.arrivals("elsewhere")
    assert is_signed_by(arrival, TEMPORARY)
    assert not is_signed_by(arrival, {**TEMPORARY, "secret_access_key": "another"})
    assert arrival.headers["x-amz-security-token"] == TEMPORARY["session_token"]
    assert "secret" not in str(arrival.headers)


def test_an_expired_token_is_asked_for_again_and_the_request_is_signed_anew_body_included(sandbox, driver, auth):
    driver.send("GET", f"{sandbox.elsewhere_url}/", auth=auth)
    sandbox.expire("aws", "user-1")
    refusal = quote('{"__type":"ExpiredTokenException"}')
    driver.send("POST", f"{sandbox.elsewhere_url}/status/400?body={refusal}", auth=auth, content=b'{"Limit": 1}')
    assert sandbox.call_count() == 2
    _, refused, again = sandbox.arrivals("elsewhere")
    assert is_signed_by(refused, TEMPORARY)
    assert is_signed_by(again, keys_now(sandbox))
    assert again.body == refused.body == b'{"Limit": 1}'
    assert again.headers["x-amz-security-token"] == keys_now(sandbox)["session_token"]


def test_what_a_policy_forbids_is_the_callers(sandbox, driver, auth):
    refusal = quote(error("AccessDenied"))
    url = f"{sandbox.elsewhere_url}/status/403?header=content-type:text/xml&body={refusal}"
    assert driver.send("GET", url, auth=auth).text == error("AccessDenied")
    sandbox.wait_for_calls(2)  # in the background, as the policy may have been changed; nothing is sent again
    assert len(sandbox.arrivals("elsewhere")) == 1


def test_the_core_knows_which_connectors_this_package_brings():
    assert PACKAGES["xkit-auth-aws"].split() == [each.slug for each in xkit_auth_aws.xkit_auth_connectors()]
