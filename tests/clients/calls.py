"""What the scripts of this folder share: clients of the daemon whose URL is the first argument, calls that are refused, and
waiting."""

import sys
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT = sys.argv[1]


def client(service, region="us-east-1", key="test", secret="test", token=None, **config):
    """A client with those keys. Bad input leaves this machine to be refused by the daemon, and nothing is tried again."""
    usual = {"parameter_validation": False, "retries": {"total_max_attempts": 1}, "s3": {"addressing_style": "path"}}
    config = {**usual, **config}
    return boto3.client(
        service,
        endpoint_url=ENDPOINT,
        region_name=region,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=Config(**config),
    )


def refused(code, call, *said, status=400, **arguments):
    """The call is refused with that code, that status (None: any) and a message with those words; answers the message."""
    try:
        answer = call(**arguments)
    except ClientError as error:
        found, head = error.response["Error"], error.response["ResponseMetadata"]
        got = (found["Code"], head["HTTPStatusCode"])
        assert got == (code, status or got[1]), f"{got} instead of {(code, status)}: {found.get('Message')}"
        assert head["RequestId"], error.response
        for words in said:
            assert words in found["Message"], f"{words!r} is not in {found['Message']!r}"
        return found["Message"]
    raise AssertionError(f"{call.__name__} {arguments} was not refused with {code} but answered {answer}")


def until(what, look, seconds=60):
    """What a look finds as soon as it finds something."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)
    return found


def ended(codepipeline, pipeline, execution):
    """An execution, once it has ended."""

    def look():
        found = codepipeline.get_pipeline_execution(pipelineName=pipeline, pipelineExecutionId=execution)
        found = found["pipelineExecution"]
        return found if found["status"] not in ("InProgress", "Stopping") else None

    return until(f"the end of {execution} of {pipeline}", look)
