"""What the checks of S3 share: a client, refusals, buckets made for one check."""

import time
import uuid

from botocore.exceptions import ClientError

import calls

MIB = 1024 * 1024


def client(region="us-east-1", key="test", **config):
    return calls.client("s3", region, key, parameter_validation=True, **config)


s3 = client()


def fails(code, status, call, *args, **kwargs):
    """The call is refused with that code and status; answers the error."""
    try:
        call(*args, **kwargs)
    except ClientError as error:
        answer = error.response
        got = (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"])
        assert got == (code, status), f"{got} instead of {(code, status)}"
        return answer["Error"]
    raise AssertionError(f"{call} was not refused")


def fresh(versioned=False):
    name = "check-" + uuid.uuid4().hex[:12]
    s3.create_bucket(Bucket=name)
    if versioned:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


def empty(bucket):
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        things = page.get("Versions", []) + page.get("DeleteMarkers", [])
        if things:
            objects = [{"Key": thing["Key"], "VersionId": thing["VersionId"]} for thing in things]
            assert "Errors" not in s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})


def body(bucket, key, **more):
    return s3.get_object(Bucket=bucket, Key=key, **more)["Body"].read()


def run(checks):
    for check in checks:
        started = time.monotonic()
        check()
        print(f"{check.__name__}: ok, {time.monotonic() - started:.1f} s", flush=True)
