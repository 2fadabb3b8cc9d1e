"""Amazon Web Services for xkit-auth: each request is signed, with Signature Version 4, by botocore.

A credential has the parts ``access_key_id`` and ``secret_access_key``, and ``session_token`` if it is a temporary one.
The secret key itself is never sent. Two connectors, as S3 signs in a way of its own:

- ``aws``: one service in one region, ``params={"service": "dynamodb", "region": "eu-west-1"}``. Where the name to sign
  with is not that of the host (``email`` signs as ``ses``), say so with ``"signing_name"``.
- ``aws-s3``: S3 in one region, ``params={"region": "eu-west-1"}``, with a bucket in the path or in front of the host.

Regions and services are those that botocore 1.44 knows, as not all hosts below amazonaws.com are AWS's own. What is
newer, not in a region, such as IAM, or an endpoint for FIPS takes ``hosts=["iam.amazonaws.com"]`` and, to sign with,
``"signing_name"`` and ``"signing_region"``, which may be any.

An answer to HEAD has no body and no code. S3 answers 400 to one with a token that has expired, so that is worth another
token; a 403 may as well be about the object, and is left alone.

Source: code and tests of other clients, for the codes of refusals, as a header (``x-amzn-errortype``), as JSON
(``__type``, ``Error.Code``) and as XML (``<Code>``); reports of users, for EC2's ``RequestExpired`` and S3's HEAD.
Unverified, and so left out: hosts outside ``amazonaws.com``, and the meaning of any other code.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, unquote_plus, urlsplit, urlunsplit

from xkit_auth import (
    ConfigurationError,
    Connector,
    Contains,
    Credential,
    Failure,
    Placement,
    RequestView,
    ResponseView,
    Verdict,
    hookimpl,
)

if TYPE_CHECKING:
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest

_XML = ("application/xml", "text/xml")
_JSON = ("application/json", "application/x-amz-json-1.0", "application/x-amz-json-1.1")


def _either(then: Verdict, *codes: str) -> list[Failure]:
    """The rules for these error codes, wherever a protocol of AWS's says them: in a header, in JSON and in XML."""
    said = [Contains(code) for code in codes]
    return [
        Failure(then, status=(400, 401, 403), header={"x-amzn-errortype": said}),
        Failure(then, status=(400, 401, 403), json={"__type": said}),
        Failure(then, status=(400, 401, 403), json={"Error.Code": said}),
        Failure(then, status=(400, 401, 403), text=[Contains(f"<Code>{code}</Code>") for code in codes]),
    ]


_FAILURES = [
    *_either(
        Verdict.REFETCH,
        *("ExpiredToken", "ExpiredTokenException", "InvalidAccessKeyId", "InvalidClientTokenId"),
        # What EC2 says of a temporary credential that has expired, and S3 of one that it does not take any more.
        *("RequestExpired", "TokenRefreshRequired", "InvalidToken"),
        "UnrecognizedClientException",
    ),
    *_either(
        Verdict.DENIED,
        *("AccessDenied", "AccessDeniedException", "UnauthorizedOperation"),
        # A wrong secret, a clock that is wrong, or a mistake in the signing: another credential of the same user does
        # not put that right.
        *("SignatureDoesNotMatch", "InvalidSignatureException", "RequestTimeTooSkewed"),
    ),
]

# What a tenant may name. Below amazonaws.com there are also machines that customers run (ec2-….compute.amazonaws.com)
# and websites that they put into buckets (….s3-website-eu-west-1.amazonaws.com), so that no pattern will do.
_REGIONS = """
    af-south-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2
    ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7
    ca-central-1 ca-west-1 eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-2
    eu-west-3 il-central-1 me-central-1 me-south-1 mx-central-1 sa-east-1 us-east-1 us-east-2 us-gov-east-1
    us-gov-west-1 us-west-1 us-west-2
""".split()  # noqa: SIM905 - lines can be read
_SERVICES = """
    a2i-runtime.sagemaker abuse access-analyzer account acm acm-pca aco-automation admin.wickr agent-discovery
    agreement-marketplace aiops airflow amplify amplifybackend amplifyuibuilder aoss api.detective api.ecr
    api.ecr-public api.iotdeviceadvisor api.iotwireless api.mediatailor api.pricing api.sagemaker
    api.tunneling.iot apigateway apiportal app-integrations appconfig appconfigdata appfabric appflow
    application-autoscaling application-cost-profiler applicationinsights appmesh apprunner appstream2 appsync aps
    arc-zonal-shift athena auditmanager autoscaling autoscaling-plans b2bi backup backup-gateway batch bedrock
    bedrock-agent bedrock-agent-runtime bedrock-agentcore bedrock-agentcore-control bedrock-data-automation
    bedrock-data-automation-runtime bedrock-runtime billingconductor braket budgets cases cassandra
    catalog.marketplace ce chatbot chime cleanrooms cleanrooms-ml cloud9 cloudcontrolapi clouddirectory
    cloudformation cloudfront cloudhsm cloudhsmv2 cloudsearch cloudtrail cloudtrail-data codeartifact codebuild
    codecatalyst codecommit codeconnections codedeploy codeguru-profiler codeguru-reviewer codeguru-security
    codepipeline codestar-connections codestar-notifications cognito-identity cognito-idp cognito-sync comprehend
    comprehendmedical compute-optimizer config connect connect-campaigns contact-lens controlcatalog
    controlplane.payment-cryptography controltower cost-optimization-hub cur data-ats.iot data-signer data.iot
    data.jobs.iot data.mediastore data.qapps databrew dataexchange datapipeline dataplane.payment-cryptography
    datasync datazone dax deadline deployment-marketplace devicefarm devops-guru directconnect discovery dlm dms
    docdb docdb-elastic drs ds ds-data dynamodb ebs ec2 ec2-instance-connect ecs edge.sagemaker eks eks-auth
    elasticache elasticbeanstalk elasticfilesystem elasticloadbalancing elasticmapreduce elemental-inference email
    emr-containers emr-serverless end-user-messaging entitlement-marketplace entitlement.marketplace
    entityresolution es events eventsv2 evs featurestore-runtime.sagemaker firehose fis fms forecast forecastquery
    frauddetector freetier fsx gamelift gameliftstreams gateway-runtime.sagemaker geo geo-maps geo-places
    geo-routes glacier globalaccelerator glue grafana greengrass groundstation guardduty health healthlake iam
    iam-toolbox identity-chime identitystore imagebuilder importexport inferencerouter-runtime.sagemaker
    ingest.timestream inspector inspector-scan inspector2 internetmonitor iot iotfleetwise iotsecuredtunneling
    iotsitewise iotthingsgraph iottwinmaker iotwireless ivs ivschat ivsrealtime kafka kafkaconnect kendra
    kendra-ranking kinesis kinesis-queues kinesisanalytics kinesisvideo kms lakeformation lambda launchwizard
    license-manager license-manager-linux-subscriptions license-manager-user-subscriptions lightsail logs
    lookoutequipment m2 machinelearning macie2 mail-manager managedblockchain managedblockchain-query maps.geo
    marketplacecommerceanalytics media-pipelines-chime mediaconnect mediaconvert medialive mediapackage
    mediapackage-vod mediapackagev2 mediastore medical-imaging meetings-chime memory-db messaging-chime
    metering.marketplace metrics.sagemaker mgh mgn migrationhub-config migrationhub-orchestrator
    migrationhub-strategy mobileanalytics models-v2-lex models.lex monitoring mq mturk-requester neptune
    neptune-db neptune-graph network-firewall networkmanager networkmonitor notifications notifications-contacts
    nova-act oam observabilityadmin odb oidc omics organizations osis outposts participant.connect
    partnercentral-channel pca-connector-ad pca-connector-scep pcs personalize personalize-events
    personalize-runtime pi pinpoint pipes places.geo polly portal.sso profile proton qbusiness query.timestream
    quicksight ram rbin rds rds-data redshift redshift-data redshift-serverless refactor-spaces rekognition
    reporting-marketplace repostspace resiliencehub resource-explorer-2 resource-groups rolesanywhere route53
    route53-recovery-cluster route53-recovery-control-config route53-recovery-readiness route53domains
    route53profiles route53resolver routes.geo rtbfabric rum runtime-v2-lex runtime.lex runtime.sagemaker s3
    s3-control s3-outposts s3tables sagemaker-geospatial savingsplans scheduler schemas scn sdb search-dynamodb
    secretsmanager securityhub securitylake serverlessrepo servicecatalog servicecatalog-appregistry
    servicediscovery servicequotas shield signer signin sms-voice sms-voice.pinpoint snow-device-management
    snowball sns social-messaging sqs ssm ssm-contacts ssm-guiconnect ssm-incidents ssm-quicksetup ssm-sap sso
    states storagegateway streams.dynamodb sts support supportapp swf synthetics tagging tax textract thinclient
    timestream-influxdb transcribe transcribestreaming transfer translate trustedadvisor verifiedpermissions
    voice-chime voiceid vpc-lattice waf waf-regional wafv2 wellarchitected wellarchitected-agent wisdom workdocs
    workmail workmailmessageflow workspaces workspaces-web xray
""".split()  # noqa: SIM905

aws = Connector(
    "aws",
    hosts=["{param.service}.{param.region}.amazonaws.com"],
    params={"service": _SERVICES, "region": _REGIONS, "signing_name": "label", "signing_region": "label"},
    # What it is signed with; the template is for people, since the hook below writes the headers.
    kinds={
        "access_key": Placement(
            header={"Authorization": "AWS4-HMAC-SHA256 with {field.access_key_id} and {field.secret_access_key}"}
        )
    },
    inspect={400: _JSON + _XML, 401: _JSON + _XML, 403: _JSON + _XML},
    failures=_FAILURES,
)

aws_s3 = aws.replace(
    slug="aws-s3",
    hosts=["s3.{param.region}.amazonaws.com", "*.s3.{param.region}.amazonaws.com"],
    params={"region": _REGIONS, "signing_region": "label"},
)


@hookimpl
def xkit_auth_connectors() -> list[Connector]:
    """AWS's services, and S3."""
    return [aws, aws_s3]


@hookimpl
def xkit_auth_format_headers(
    connector: Connector, params: Mapping[str, str], credential: Credential, request: RequestView
) -> dict[str, str] | None:
    """The signature, and the headers that it needs."""
    if connector.slug not in (aws.slug, aws_s3.slug):
        return None
    is_s3 = connector.slug == aws_s3.slug
    region = params.get("signing_region") or _needed(connector.slug, params, "region")
    service = "s3" if is_s3 else params.get("signing_name") or _needed(connector.slug, params, "service")
    if request.body is None and not is_s3:
        raise ConfigurationError(
            "A body that is a file or a stream cannot be signed",
            connector=connector.slug,
            hint="Read it into bytes before it is sent. S3 takes streams: use the connector aws-s3.",
        )
    wanted, signer = _prepared(request, credential, service, region)
    if "session_token" in credential.fields:
        wanted.headers["X-Amz-Security-Token"] = credential.reveal("session_token")
    if is_s3:
        wanted.headers["X-Amz-Content-SHA256"] = signer.payload(wanted)
    wanted.headers["Authorization"] = _authorization(signer, wanted)
    ours = ("Authorization", "X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Content-SHA256")
    return {name: wanted.headers[name] for name in ours if name in wanted.headers}


@hookimpl
def xkit_auth_classify_response(connector: Connector, response: ResponseView) -> Verdict | None:
    """What S3 says without a word."""
    is_head = connector.slug == aws_s3.slug and response.request.method == "HEAD"
    return Verdict.REFETCH if is_head and response.status == 400 else None


def _prepared(request: RequestView, credential: Credential, service: str, region: str) -> tuple[AWSRequest, Any]:
    # Imported when something is signed: botocore takes longer than all plugins together.
    from botocore.auth import S3SigV4Auth, SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.config import Config
    from botocore.credentials import Credentials

    url, headers = _canonical(request.url), _signed_headers(request)
    wanted = AWSRequest(request.method, url, headers=headers, data=request.body or b"")
    wanted.headers["X-Amz-Date"] = wanted.context["timestamp"] = f"{_now():%Y%m%dT%H%M%SZ}"
    if request.body is None:
        wanted.context["client_config"] = Config(s3={"payload_signing_enabled": False})
    keys = Credentials(credential.reveal("access_key_id"), credential.reveal("secret_access_key"))
    return wanted, (S3SigV4Auth if service == "s3" else SigV4Auth)(keys, service, region)


def _authorization(signer: SigV4Auth, request: AWSRequest) -> str:
    # Not signer.add_auth(), which logs what it signs, session token and all.
    to_sign = signer.string_to_sign(request, signer.canonical_request(request))
    signed = signer.signed_headers(signer.headers_to_sign(request))
    signature = signer.signature(to_sign, request)
    return f"AWS4-HMAC-SHA256 Credential={signer.scope(request)}, SignedHeaders={signed}, Signature={signature}"


def _canonical(url: str) -> str:
    """The URL as AWS writes it before it signs: clients leave characters as they are that AWS encodes."""
    parts = urlsplit(url)
    path = quote(unquote(parts.path), safe="/-_.~")
    pairs = [pair.partition("=") for pair in parts.query.split("&")] if parts.query else []
    query = "&".join(f"{_encoded(name)}={_encoded(value)}" for name, _, value in pairs)
    return urlunsplit((parts.scheme, parts.netloc, path, query, ""))


def _encoded(text: str) -> str:
    return quote(unquote_plus(text), safe="-_.~")


def _signed_headers(request: RequestView) -> dict[str, str]:
    """The caller's headers that have to be signed. Others may be changed on the way, and would then spoil it."""
    made_here = ("x-amz-date", "x-amz-security-token", "x-amz-content-sha256")
    signed = ("host", "content-type", "content-md5")
    return {
        name: value
        for name, value in request.headers.items()
        if name in signed or (name.startswith("x-amz-") and name not in made_here)
    }


def _needed(connector: str, params: Mapping[str, str], name: str) -> str:
    if name not in params:
        raise ConfigurationError(
            f"The param {name!r} is missing",
            connector=connector,
            hint="Correct params= in your application: AWS signs for a service in a region.",
        )
    return params[name]


def _now() -> datetime:
    return datetime.now(UTC)
