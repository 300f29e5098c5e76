"""Requests that unmodified SDKs sent to a socket of ours, byte for byte, on 24 November 2026."""

from __future__ import annotations

from localcloud.account import Account
from localcloud.http import Request

ACCOUNT = Account(security_token="sts-token")
SENT_MS = 1_795_549_883_000
"""2026-11-24T19:51:23Z."""

OLD_HEADERS = {
    "host": "127.0.0.1:42913",
    "user-agent": "AlibabaCloud (Linux 6.18.44-fc-v769;x86_64) Python/3.11.7 Core/2.16.1 python-requests/2.18.3",
    "accept-encoding": "identity",
    "accept": "*/*",
    "connection": "keep-alive",
    "x-acs-version": "2014-05-26",
    "x-sdk-invoke-type": "normal",
    "x-sdk-client": "python/2.0.0",
}

# aliyun-python-sdk-core 2.16.1 with aliyun-python-sdk-ecs 4.24.83
OLD_RUN = Request(
    "POST",
    "/",
    "Type=RunShellScript&CommandContent=echo%20%22a%2Bb%20%2A~%20%C3%BC%22%0A&InstanceId.1=i-1&InstanceId.2=i-2"
    "&Parameters=%7B%22name%22%3A%20%22Jack%22%7D&Tag.1.Value=v%201&Tag.1.Key=k&Version=2014-05-26&Action=RunCommand"
    "&Format=JSON&RegionId=cn-hangzhou&Timestamp=2026-11-24T19%3A51%3A23Z&SignatureMethod=HMAC-SHA1&SignatureType="
    "&SignatureVersion=1.0&SignatureNonce=ca4ed328b43f34bf74ea683b96deb74f&AccessKeyId=LTAI5tLocalCloud"
    "&Signature=DlWX4zfZn07iRO3oOBoPm4uEOKc%3D",
    {**OLD_HEADERS, "x-acs-action": "RunCommand", "content-length": "0"},
    b"",
    SENT_MS,
)
OLD_GET = Request(
    "GET",
    "/",
    "InstanceIds=%5B%22i-1%22%5D&Version=2014-05-26&Action=DescribeInstances&Format=JSON&RegionId=cn-hangzhou"
    "&Timestamp=2026-11-24T19%3A51%3A23Z&SignatureMethod=HMAC-SHA1&SignatureType=&SignatureVersion=1.0"
    "&SignatureNonce=25a65392223b119f1633d34c975e851c&AccessKeyId=LTAI5tLocalCloud"
    "&Signature=eFOZPgfG%2FCHSBZPH%2B6GFCDRK9Qg%3D",
    {**OLD_HEADERS, "x-acs-action": "DescribeInstances"},
    b"",
    SENT_MS,
)
OLD_FORM = Request(
    "POST",
    "/",
    "Type=RunShellScript&InstanceId.1=i-1&Version=2014-05-26&Action=RunCommand&Format=JSON&RegionId=cn-hangzhou"
    "&Timestamp=2026-11-24T19%3A51%3A24Z&SignatureMethod=HMAC-SHA1&SignatureType=&SignatureVersion=1.0"
    "&SignatureNonce=2e4834cb6309a651416c248463c0bacc&AccessKeyId=LTAI5tLocalCloud"
    "&Signature=y6oH61%2FJ4t2QlFFGpez%2FZyEuV5M%3D",
    {
        **OLD_HEADERS,
        "x-acs-action": "RunCommand",
        "content-type": "application/x-www-form-urlencoded",
        "content-md5": "u5eWnXB3kbUmlMlP5iCT3g==",
        "content-length": "46",
    },
    b"CommandContent=echo+%22a%2Bb+%2A~+%C3%BC%22%0A",
    SENT_MS,
)
OLD_TOKEN = Request(
    "POST",
    "/",
    "SecurityToken=sts-token&Version=2014-05-26&Action=DescribeInstances&Format=JSON&RegionId=cn-hangzhou"
    "&Timestamp=2026-11-24T19%3A51%3A24Z&SignatureMethod=HMAC-SHA1&SignatureType=&SignatureVersion=1.0"
    "&SignatureNonce=d231307771cec35ef089946add4b375e&AccessKeyId=LTAI5tLocalCloud"
    "&Signature=bnETOOH4gKUdlnU%2B%2FrgPqoOINFc%3D",
    {**OLD_HEADERS, "x-acs-action": "DescribeInstances", "content-length": "0"},
    b"",
    SENT_MS,
)

# alibabacloud-ecs20140526 7.11.8 with alibabacloud-tea-openapi 0.4.6
NEW_HEADERS = {
    "accept-encoding": "identity",
    "host": "127.0.0.1:33637",
    "x-acs-version": "2014-05-26",
    "user-agent": "AlibabaCloud (Linux; x86_64) Python/3.11.7 Core/0.4.3 TeaDSL/2",
    "x-acs-date": "2026-11-24T19:42:02Z",
    "accept": "application/json",
    "x-acs-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "content-length": "0",
}
NEW_SENT_MS = 1_795_549_322_000
"""2026-11-24T19:42:02Z."""

NEW_RUN = Request(
    "POST",
    "/",
    "CommandContent=echo+%22a%2Bb+%2A~+%C3%BC%22%0A&InstanceId.1=i-1&InstanceId.2=i-2&KeepCommand=True"
    "&Parameters=%7B%22name%22%3A%22Jack%22%7D&RegionId=cn-hangzhou&Tag.1.Key=k&Tag.1.Value=v+1"
    "&Timeout=60&Type=RunShellScript",
    {
        **NEW_HEADERS,
        "x-acs-action": "RunCommand",
        "x-acs-signature-nonce": "c0d2442b9da98c9b259596fc34ee6208",
        "x-acs-credentials-provider": "static_ak",
        "authorization": "ACS3-HMAC-SHA256 Credential=LTAI5tLocalCloud,SignedHeaders=accept;host;user-agent;"
        "x-acs-action;x-acs-content-sha256;x-acs-credentials-provider;x-acs-date;x-acs-signature-nonce;x-acs-version,"
        "Signature=2efca34afec488a98783466dc4eec0bd0d7d42d8d56a039e72e60cec3985c79b",
    },
    b"",
    NEW_SENT_MS,
)
NEW_TOKEN = Request(
    "POST",
    "/",
    "InstanceId.1=i-1&InvokeId=t-1&RegionId=cn-hangzhou",
    {
        **NEW_HEADERS,
        "x-acs-action": "StopInvocation",
        "x-acs-signature-nonce": "65e2005c480dc7225b6da8ef1c4697f5",
        "x-acs-credentials-provider": "static_sts",
        "x-acs-accesskey-id": "LTAI5tLocalCloud",
        "x-acs-security-token": "sts-token",
        "authorization": "ACS3-HMAC-SHA256 Credential=LTAI5tLocalCloud,SignedHeaders=accept;host;user-agent;"
        "x-acs-accesskey-id;x-acs-action;x-acs-content-sha256;x-acs-credentials-provider;x-acs-date;"
        "x-acs-security-token;x-acs-signature-nonce;x-acs-version,"
        "Signature=9f8a5a71c4a4c4d58205584f4f77f6951fad7e8a08b3a898d73d9a78d70ef4a6",
    },
    b"",
    NEW_SENT_MS,
)

# The same SDK's `call_api`, with the parameters in the body.
NEW_BODY_SENT_MS = 1_795_551_029_000
"""2026-11-24T20:10:29Z."""
NEW_BODY_HEADERS = {
    **NEW_HEADERS,
    "host": "127.0.0.1:41449",
    "x-acs-action": "RunCommand",
    "x-acs-date": "2026-11-24T20:10:29Z",
    "x-acs-credentials-provider": "static_ak",
}
NEW_BODY_AUTHORIZATION = (
    "ACS3-HMAC-SHA256 Credential=LTAI5tLocalCloud,SignedHeaders=accept;content-type;host;user-agent;x-acs-action;"
    "x-acs-content-sha256;x-acs-credentials-provider;x-acs-date;x-acs-signature-nonce;x-acs-version,Signature="
)
NEW_FORM = Request(
    "POST",
    "/",
    "RegionId=cn-hangzhou&InstanceId.1=i-l001",
    {
        **NEW_BODY_HEADERS,
        "x-acs-signature-nonce": "83d76f65da63caa85f13171605003cec",
        "content-type": "application/x-www-form-urlencoded",
        "x-acs-content-sha256": "fc4e36b1b41ca0c48401819434909837c9d64c2d98c7bfbec2f56f1c1b9607c9",
        "authorization": f"{NEW_BODY_AUTHORIZATION}a2238f59384e51b7ecad49ddaf6a86df2924047c9ccee82810614b25752af5ea",
        "content-length": "66",
    },
    b"CommandContent=echo+%22%C3%BC+a%2Bb+%2A~%22%0A&Type=RunShellScript",
    NEW_BODY_SENT_MS,
)
NEW_JSON = Request(
    "POST",
    "/",
    "RegionId=cn-hangzhou",
    {
        **NEW_BODY_HEADERS,
        "x-acs-signature-nonce": "b3412b19c025b5bcbf4892b71bf1ea20",
        "content-type": "application/json; charset=utf-8",
        "x-acs-content-sha256": "daaef7bc2ad9932b0585220d993c2a92e768a2316a1916dae31a057f3b73b2aa",
        "authorization": f"{NEW_BODY_AUTHORIZATION}7a1dc6357346493a4a2af4df27e0bcdb132862068ec8f3acefbd8c64e99db2d0",
        "content-length": "116",
    },
    b'{"CommandContent":"echo \\"\xc3\xbc a+b\\"","Type":"RunShellScript","InstanceId":["i-l001"],'
    b'"Tag":[{"Key":"k","Value":"v"}]}',
    NEW_BODY_SENT_MS,
)
