"""What the scripts of this folder share: clients of the daemon whose URL is the first argument, calls that are refused, and
waiting."""

import sys
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT = sys.argv[1]


def client(service, region="us-east-1", key="test", secret="test", token=None, **config):
    """A client with those keys; nothing is tried again, so that every answer is seen."""
    config = {"retries": {"total_max_attempts": 1}, **config}
    return boto3.client(
        service,
        endpoint_url=ENDPOINT,
        region_name=region,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=Config(**config),
    )


def refused(code, call, *said, status=None, **arguments):
    """The call fails with that code, a text with all that is said and, where it is given, that status. The text."""
    try:
        answer = call(**arguments)
    except ClientError as error:
        found = error.response["Error"]
        assert found["Code"] == code, f"{arguments}: {found} instead of {code}"
        message = found.get("Message", "")
        assert all(text in message for text in said), (said, message)
        if status is not None:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == status, error.response
        return message
    raise AssertionError(f"{call} {arguments} was not refused but answered {answer}")


def until(what, look, seconds=60):
    """What a look finds as soon as it finds something."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)
    return found
