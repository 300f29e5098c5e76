"""What `moto_server` does of the same kind: SQS, DynamoDB, SSM through boto3. Runs in `.venv-bench`; prints JSON.

.venv-bench/bin/python -m tests.bench.moto_side
"""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.bench.rates import free_port, memory_mb, rate, running

QUEUED = 1_000
"""Messages in the long queue; 10,000 take moto more than ten minutes to take in."""
INSTANCES = 50
BODY = "x" * 200


def main() -> None:
    port = free_port()
    command = [str(Path(sys.executable).with_name("moto_server")), "-H", "127.0.0.1", "-p", str(port)]
    url = f"http://127.0.0.1:{port}"
    with running(command, lambda _: _answers(url)) as (pid, started_s):
        figures = {
            "start": {"seconds": started_s},
            "queue": _queue(url, pid, 0),
            "counter": _counter(url, pid),
            "invoke": _send_command(url, pid),
            "long queue": {**_queue(url, pid, QUEUED), "queued": QUEUED},
        }
        figures["memory"] = {"mb": memory_mb(pid)}
    sys.stdout.write(json.dumps(figures) + "\n")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/moto-api/", timeout=5):
            return True
    except (urllib.error.URLError, ConnectionError):
        return False


def _client(url: str, service: str) -> Any:
    import boto3

    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.client(service, endpoint_url=url, region_name="us-east-1", **keys)


def _queue(url: str, pid: int, queued: int) -> dict[str, float]:
    sqs = _client(url, "sqs")
    queue = sqs.create_queue(QueueName=f"bench-{queued}")["QueueUrl"]
    for start in range(0, queued, 10):
        entries = [{"Id": str(number), "MessageBody": BODY} for number in range(start, start + 10)]
        sqs.send_message_batch(QueueUrl=queue, Entries=entries)

    def round_trip() -> None:
        sqs.send_message(QueueUrl=queue, MessageBody=BODY)
        (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])

    return rate(round_trip, server=pid)


def _counter(url: str, pid: int) -> dict[str, float]:
    dynamo = _client(url, "dynamodb")
    dynamo.create_table(
        TableName="bench",
        KeySchema=[{"AttributeName": "part", "KeyType": "HASH"}, {"AttributeName": "number", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "part", "AttributeType": "S"},
            {"AttributeName": "number", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    key = {"part": {"S": "counter"}, "number": {"N": "0"}}
    dynamo.put_item(TableName="bench", Item={**key, "used": {"N": "0"}, "note": {"S": "x" * 50}})
    return rate(
        lambda: dynamo.update_item(
            TableName="bench",
            Key=key,
            UpdateExpression="ADD used :one",
            ConditionExpression="used < :limit",
            ExpressionAttributeValues={":one": {"N": "1"}, ":limit": {"N": "1000000000"}},
            ReturnValues="UPDATED_NEW",
        ),
        server=pid,
    )


def _send_command(url: str, pid: int) -> dict[str, float]:
    ssm = _client(url, "ssm")
    ids = [f"i-{number:017x}" for number in range(INSTANCES)]
    return rate(
        lambda: ssm.send_command(
            InstanceIds=ids, DocumentName="AWS-RunShellScript", Parameters={"commands": ["echo hello"]}
        ),
        server=pid,
    )


if __name__ == "__main__":
    main()
