"""Requests exactly as official SDKs sent them to the local cloud, captured on 2026-11-24.

`OLD_*`: aliyun-fc2 2.5.2, without the headers that are neither signed nor read; `NEW_*`: alibabacloud_fc20230330 4.8.3.
"""

from __future__ import annotations

from localcloud.http import Request

OLD_AT_MS = 1_795_551_647_000
NEW_AT_MS = 1_795_550_910_000

OLD_INVOKE = Request(
    "POST",
    "/2016-08-15/services/fleetrun.prod/functions/f/invocations",
    "",
    {
        "host": "127.0.0.1:44915",
        "date": "Tue, 24 Nov 2026 20:20:47 GMT",
        "content-type": "application/json",
        "x-fc-log-type": "Tail",
        "x-fc-invocation-type": "Sync",
        "authorization": "FC LTAI5tLocalCloud:ZbJ3QigMDrpNbsbyBLmuPaIBMKF/fmq4iYoQ13j6sbM=",
    },
    b'{"n": 1}',
    OLD_AT_MS,
)
OLD_LIST = Request(
    "GET",
    "/2016-08-15/services/fleetrun/functions",
    "limit=2&prefix=a+b",
    {
        "host": "127.0.0.1:44915",
        "date": "Tue, 24 Nov 2026 20:20:47 GMT",
        "content-type": "application/json",
        "authorization": "FC LTAI5tLocalCloud:rkXPB/DRuPmDaSMDhv8x69pGre54tOAstlYT7W8jyw8=",
    },
    b"",
    OLD_AT_MS,
)
OLD_PROXY = Request(
    "GET",
    "/2016-08-15/proxy/fleetrun/f/a%20b/%C3%BC",
    "",
    {
        "host": "127.0.0.1:44915",
        "date": "Tue, 24 Nov 2026 20:20:47 GMT",
        "content-type": "application/json",
        "authorization": "FC LTAI5tLocalCloud:l6He3fNDt/iBmdzbFxUO1C0hOwL/uxoz/B1Lo2LvX3U=",
    },
    b"",
    OLD_AT_MS,
)
OLD_PROXY_QUERY = Request(
    "POST",
    "/2016-08-15/proxy/fleetrun/f/x",
    "k=%C3%A4+%C3%B6&a=1&a=2&e=",
    {
        "host": "127.0.0.1:44915",
        "date": "Tue, 24 Nov 2026 20:20:47 GMT",
        "content-type": "application/json",
        "authorization": "FC LTAI5tLocalCloud:Q9y7jnw3RGoNuy5CHEZEC8Dx31sD2SUnZcZvuluWcnY=",
    },
    b"x",
    OLD_AT_MS,
)
NEW_LIST = Request(
    "GET",
    "/2023-03-30/functions",
    "limit=2&prefix=f",
    {
        "host": "127.0.0.1:39687",
        "x-acs-version": "2023-03-30",
        "x-acs-action": "ListFunctions",
        "user-agent": "AlibabaCloud (Linux; x86_64) Python/3.11.7 Core/0.4.3 TeaDSL/2",
        "x-acs-date": "2026-11-24T20:08:29Z",
        "x-acs-signature-nonce": "820d64229b2b12010a59297dc8877554",
        "accept": "application/json",
        "x-acs-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "x-acs-credentials-provider": "static_ak",
        "authorization": (
            "ACS3-HMAC-SHA256 Credential=LTAI5tLocalCloud,"
            "SignedHeaders=accept;host;user-agent;x-acs-action;x-acs-content-sha256;x-acs-credentials-p"
            "rovider;x-acs-date;x-acs-signature-nonce;x-acs-version,"
            "Signature=0b2895fba1091c3be8315b71436dd196371faa29bfe763264250d458de72d255"
        ),
    },
    b"",
    NEW_AT_MS,
)
NEW_INVOKE = Request(
    "POST",
    "/2023-03-30/functions/f3/invocations",
    "",
    {
        "host": "127.0.0.1:39687",
        "x-acs-version": "2023-03-30",
        "x-acs-action": "InvokeFunction",
        "user-agent": "AlibabaCloud (Linux; x86_64) Python/3.11.7 Core/0.4.3 TeaDSL/2",
        "x-acs-date": "2026-11-24T20:08:29Z",
        "x-acs-signature-nonce": "be50715c56b9d11ebca958cbdf011b01",
        "accept": "application/json",
        "x-fc-log-type": "Tail",
        "content-type": "application/octet-stream",
        "x-acs-content-sha256": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
        "x-acs-credentials-provider": "static_ak",
        "authorization": (
            "ACS3-HMAC-SHA256 Credential=LTAI5tLocalCloud,"
            "SignedHeaders=accept;content-type;host;user-agent;x-acs-action;x-acs-content-sha256;x-acs-"
            "credentials-provider;x-acs-date;x-acs-signature-nonce;x-acs-version;x-fc-log-type,"
            "Signature=8a23994a61498992c594e9d8c8cf2410f0ae0b431bc5cf3c5438431bec325b72"
        ),
    },
    b"hello",
    NEW_AT_MS,
)
NEW_TRIGGER = Request(
    "POST",
    "/2023-03-30/functions/f3/triggers",
    "",
    {
        "host": "127.0.0.1:39687",
        "x-acs-version": "2023-03-30",
        "x-acs-action": "CreateTrigger",
        "user-agent": "AlibabaCloud (Linux; x86_64) Python/3.11.7 Core/0.4.3 TeaDSL/2",
        "x-acs-date": "2026-11-24T20:08:30Z",
        "x-acs-signature-nonce": "a4aa1e469f56ced7541f70e0d4a93364",
        "accept": "application/json",
        "content-type": "application/json; charset=utf-8",
        "x-acs-content-sha256": "71b63dfa2e0c0af9c27a08cbe45801c58fd992c72a182975bda1e01be5a9e142",
        "x-acs-credentials-provider": "static_ak",
        "authorization": (
            "ACS3-HMAC-SHA256 Credential=LTAI5tLocalCloud,"
            "SignedHeaders=accept;content-type;host;user-agent;x-acs-action;x-acs-content-sha256;x-acs-"
            "credentials-provider;x-acs-date;x-acs-signature-nonce;x-acs-version,"
            "Signature=45798370e74b63c7523444371c3ca19d92e71299ea6230d138527b9c89b49db4"
        ),
    },
    b'{"triggerConfig":"{\\"cronExpression\\": \\"@every 5m\\", \\"enable\\": true, \\"payload\\": \\"\\"}",'
    b'"triggerName":"t","triggerType":"timer"}',
    NEW_AT_MS,
)
NEW_LAYER = Request(
    "GET",
    "/2023-03-30/layerarn/acs%3Afc%3Acn-hangzhou%3A1234567890123456%3Alayers%2Flay%2Fversions%2F1",
    "",
    {
        "host": "127.0.0.1:39687",
        "x-acs-version": "2023-03-30",
        "x-acs-action": "GetLayerVersionByArn",
        "user-agent": "AlibabaCloud (Linux; x86_64) Python/3.11.7 Core/0.4.3 TeaDSL/2",
        "x-acs-date": "2026-11-24T20:08:30Z",
        "x-acs-signature-nonce": "c7568aedf1ecc6e9fbe5e6c0aaee24aa",
        "accept": "application/json",
        "x-acs-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "x-acs-credentials-provider": "static_ak",
        "authorization": (
            "ACS3-HMAC-SHA256 Credential=LTAI5tLocalCloud,"
            "SignedHeaders=accept;host;user-agent;x-acs-action;x-acs-content-sha256;x-acs-credentials-p"
            "rovider;x-acs-date;x-acs-signature-nonce;x-acs-version,"
            "Signature=53bd88092a73cff6c8296dad63f131592f3b7a0c264e4519752b6e5bfb71aa56"
        ),
    },
    b"",
    NEW_AT_MS,
)
