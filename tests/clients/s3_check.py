"""Everything a person would do with boto3 against the embedded S3.

Usage: s3_check.py http://localhost:4566 [small]

Plain asserts; the first that does not hold ends the script. `small` leaves out what moves many megabytes.
"""

import concurrent.futures
import datetime
import hashlib
import io
import json
import os
import sys
import tempfile
import urllib.error
import urllib.request
import uuid

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT = sys.argv[1]
SMALL = "small" in sys.argv[2:]
MIB = 1024 * 1024


def client(region="us-east-1", key="test", **config):
    config = Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}, **config)
    return boto3.client("s3", endpoint_url=ENDPOINT, region_name=region, aws_access_key_id=key,
                        aws_secret_access_key="secret", config=config)


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


def buckets():
    name = fresh()
    s3.create_bucket(Bucket=name)
    assert s3.head_bucket(Bucket=name)["ResponseMetadata"]["HTTPHeaders"]["x-amz-bucket-region"] == "us-east-1"
    assert name in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    assert s3.get_bucket_location(Bucket=name)["LocationConstraint"] is None
    away = client("eu-central-1")
    other = "check-" + uuid.uuid4().hex[:12]
    fails("IllegalLocationConstraintException", 400, away.create_bucket, Bucket=other)
    location = {"LocationConstraint": "eu-central-1"}
    away.create_bucket(Bucket=other, CreateBucketConfiguration=location)
    fails("BucketAlreadyOwnedByYou", 409, away.create_bucket, Bucket=other, CreateBucketConfiguration=location)
    assert away.get_bucket_location(Bucket=other)["LocationConstraint"] == "eu-central-1"
    stranger = client(key="111122223333")
    fails("BucketAlreadyExists", 409, stranger.create_bucket, Bucket=name)
    fails("AccessDenied", 403, stranger.list_objects_v2, Bucket=name)
    fails("403", 403, stranger.head_bucket, Bucket=name)
    assert name not in [bucket["Name"] for bucket in stranger.list_buckets()["Buckets"]]
    fails("AccessDenied", 403, s3.list_objects_v2, Bucket=name, ExpectedBucketOwner="111122223333")
    policy = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
                             "Action": "s3:*", "Resource": "*"}]}
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))
    assert stranger.list_objects_v2(Bucket=name)["KeyCount"] == 0
    s3.put_object(Bucket=name, Key="k", Body=b"x")
    error = fails("BucketNotEmpty", 409, s3.delete_bucket, Bucket=name)
    assert error["BucketName"] == name
    s3.delete_object(Bucket=name, Key="k")
    s3.delete_bucket(Bucket=name)
    away.delete_bucket(Bucket=other)
    error = fails("NoSuchBucket", 404, s3.list_objects_v2, Bucket=name)
    assert error["Message"] == "The specified bucket does not exist"
    fails("404", 404, s3.head_bucket, Bucket=name)
    fails("InvalidBucketName", 400, s3.create_bucket, Bucket="Upper-Case")


def objects():
    bucket = fresh()
    answer = s3.put_object(
        Bucket=bucket, Key="k", Body=b"hello", ContentType="text/plain", CacheControl="max-age=1",
        ContentDisposition="attachment", ContentEncoding="identity", ContentLanguage="de",
        Expires=datetime.datetime(2030, 1, 2, 3, 4, 5), Metadata={"One": "1", "two-words": "zwei"},
        Tagging="a=1&b=x%20y")
    md5 = hashlib.md5(b"hello").hexdigest()
    assert answer["ETag"] == f'"{md5}"' and "VersionId" not in answer
    assert answer["ServerSideEncryption"] == "AES256"
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == b"hello" and got["ContentLength"] == 5 and got["ETag"] == f'"{md5}"'
    assert got["Metadata"] == {"one": "1", "two-words": "zwei"} and got["ContentType"] == "text/plain"
    assert got["CacheControl"] == "max-age=1" and got["ContentDisposition"] == "attachment"
    assert got["ContentLanguage"] == "de" and got["ContentEncoding"] == "identity" and got["TagCount"] == 2
    assert got["ExpiresString"] == "Wed, 02 Jan 2030 03:04:05 GMT"
    head = s3.head_object(Bucket=bucket, Key="k")
    assert head["ContentLength"] == 5 and head["Metadata"] == got["Metadata"] and head["AcceptRanges"] == "bytes"
    over = s3.get_object(Bucket=bucket, Key="k", ResponseContentType="a/b")
    assert over["ContentType"] == "a/b"
    error = fails("NoSuchKey", 404, s3.get_object, Bucket=bucket, Key="none")
    assert error["Key"] == "none" and error["Message"] == "The specified key does not exist."
    fails("404", 404, s3.head_object, Bucket=bucket, Key="none")
    s3.put_object(Bucket=bucket, Key="empty")
    assert body(bucket, "empty") == b"" and s3.head_object(Bucket=bucket, Key="empty")["ContentLength"] == 0
    assert s3.head_object(Bucket=bucket, Key="empty")["ContentType"] == "binary/octet-stream"
    for size in [16 * 1024, 16 * 1024 + 1, MIB]:
        data = os.urandom(size)
        s3.put_object(Bucket=bucket, Key="sized", Body=data)
        assert body(bucket, "sized") == data, size
    fails("MetadataTooLarge", 400, s3.put_object, Bucket=bucket, Key="k", Metadata={"k": "v" * 2100})
    fails("InvalidStorageClass", 400, s3.put_object, Bucket=bucket, Key="k", StorageClass="NONE")
    s3.put_object(Bucket=bucket, Key="ia", Body=b"x", StorageClass="STANDARD_IA")
    assert s3.head_object(Bucket=bucket, Key="ia")["StorageClass"] == "STANDARD_IA"
    s3.put_object(Bucket=bucket, Key="kms", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId="alias/k")
    head = s3.head_object(Bucket=bucket, Key="kms")
    assert head["ServerSideEncryption"] == "aws:kms" and head["SSEKMSKeyId"] == "alias/k"
    s3.delete_object(Bucket=bucket, Key="k")
    s3.delete_object(Bucket=bucket, Key="k")
    fails("NoSuchKey", 404, s3.get_object, Bucket=bucket, Key="k")
    empty(bucket)
    s3.delete_bucket(Bucket=bucket)


def keys():
    bucket = fresh()
    odd = ["../../etc/passwd", "a//b", "/lead", "trail/", " blank ", "ü/ß/漢字/🙂", "a+b c%20d&e=f?g#h", "x" * 1024,
           "é" * 512, "quote\"'<>&;", "back\\slash", "..", ".", "a/./b/../c", "*", "~`!@$^()[]{}|", "nl\nnl"]
    for number, key in enumerate(odd):
        s3.put_object(Bucket=bucket, Key=key, Body=str(number).encode())
    for number, key in enumerate(odd):
        assert body(bucket, key) == str(number).encode(), key
        assert s3.head_object(Bucket=bucket, Key=key)["ContentLength"] == len(str(number))
    listed = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert listed == sorted(odd, key=lambda key: key.encode()), listed
    fails("KeyTooLongError", 400, s3.put_object, Bucket=bucket, Key="x" * 1025, Body=b"")
    for key in odd:
        s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": key})
        assert body(bucket, "copy") == body(bucket, key), key
    deleted = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in odd if key != "nl\nnl"]})
    assert len(deleted["Deleted"]) == len(odd) - 1 and "Errors" not in deleted, deleted
    empty(bucket)
    s3.delete_bucket(Bucket=bucket)


def lists():
    bucket = fresh()
    names = [f"d{n // 10}/k{n % 10}" for n in range(30)] + ["a", "z/1/2", "z/1/3"]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: s3.put_object(Bucket=bucket, Key=name, Body=b"1"), names))
    names.sort()
    for method, size in [("list_objects_v2", 7), ("list_objects", 7), ("list_objects_v2", 1000)]:
        pages = s3.get_paginator(method).paginate(Bucket=bucket, PaginationConfig={"PageSize": size})
        assert [entry["Key"] for page in pages for entry in page["Contents"]] == names, method
    for method in ["list_objects_v2", "list_objects"]:
        got, prefixes = [], []
        for page in s3.get_paginator(method).paginate(Bucket=bucket, Delimiter="/",
                                                      PaginationConfig={"PageSize": 2}):
            got += [entry["Key"] for entry in page.get("Contents", [])]
            prefixes += [entry["Prefix"] for entry in page.get("CommonPrefixes", [])]
        assert (got, prefixes) == (["a"], ["d0/", "d1/", "d2/", "z/"]), (method, got, prefixes)
    page = s3.list_objects_v2(Bucket=bucket, Prefix="z/", Delimiter="/")
    assert [entry["Prefix"] for entry in page["CommonPrefixes"]] == ["z/1/"] and page["KeyCount"] == 1
    page = s3.list_objects_v2(Bucket=bucket, StartAfter="d2/k8", FetchOwner=True)
    assert [entry["Key"] for entry in page["Contents"]] == ["d2/k9", "z/1/2", "z/1/3"]
    entry = page["Contents"][0]
    assert entry["Size"] == 1 and entry["StorageClass"] == "STANDARD" and entry["Owner"]["ID"]
    assert s3.list_objects_v2(Bucket=bucket, MaxKeys=0)["KeyCount"] == 0
    assert not s3.list_objects_v2(Bucket=bucket, MaxKeys=0)["IsTruncated"]
    assert s3.list_objects_v2(Bucket=bucket, MaxKeys=5000)["MaxKeys"] == 1000
    fails("InvalidArgument", 400, s3.list_objects_v2, Bucket=bucket, MaxKeys=-1)
    fails("InvalidArgument", 400, s3.list_objects_v2, Bucket=bucket, ContinuationToken="!")
    empty(bucket)
    s3.delete_bucket(Bucket=bucket)


def ranges():
    bucket = fresh()
    data = os.urandom(100_000)
    s3.put_object(Bucket=bucket, Key="k", Body=data)
    for text, part in [("bytes=0-0", data[:1]), ("bytes=10-19", data[10:20]), ("bytes=99990-", data[99990:]),
                       ("bytes=-5", data[-5:]), ("bytes=99999-200000", data[99999:]), ("bytes=-200000", data)]:
        got = s3.get_object(Bucket=bucket, Key="k", Range=text)
        assert got["ResponseMetadata"]["HTTPStatusCode"] == 206 and got["Body"].read() == part, text
        assert got["ContentRange"].endswith("/100000") and got["ContentLength"] == len(part)
    head = s3.head_object(Bucket=bucket, Key="k", Range="bytes=10-19")
    assert head["ContentLength"] == 10 and head["ResponseMetadata"]["HTTPStatusCode"] == 206
    error = fails("InvalidRange", 416, s3.get_object, Bucket=bucket, Key="k", Range="bytes=100000-")
    assert error["ActualObjectSize"] == "100000"
    for odd in ["bytes=5-1", "lines=1-2", "bytes=0-1,3-4"]:
        got = s3.get_object(Bucket=bucket, Key="k", Range=odd)
        assert got["ResponseMetadata"]["HTTPStatusCode"] == 200 and got["Body"].read() == data, odd
    empty(bucket)
    s3.delete_bucket(Bucket=bucket)


def conditions():
    bucket = fresh()
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["ETag"]
    modified = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    later, earlier = modified + datetime.timedelta(hours=1), modified - datetime.timedelta(hours=1)
    get = s3.get_object
    assert get(Bucket=bucket, Key="k", IfMatch=etag)["Body"].read() == b"1"
    assert get(Bucket=bucket, Key="k", IfNoneMatch='"x"', IfModifiedSince=earlier)["Body"].read() == b"1"
    fails("PreconditionFailed", 412, get, Bucket=bucket, Key="k", IfMatch='"x"')
    fails("304", 304, get, Bucket=bucket, Key="k", IfNoneMatch=etag)
    fails("304", 304, get, Bucket=bucket, Key="k", IfModifiedSince=modified)
    fails("PreconditionFailed", 412, get, Bucket=bucket, Key="k", IfUnmodifiedSince=earlier)
    fails("412", 412, s3.head_object, Bucket=bucket, Key="k", IfMatch='"x"')
    assert get(Bucket=bucket, Key="k", IfUnmodifiedSince=later)["Body"].read() == b"1"
    error = fails("PreconditionFailed", 412, s3.put_object, Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*")
    assert error["Condition"] == "If-None-Match"
    fails("PreconditionFailed", 412, s3.put_object, Bucket=bucket, Key="k", Body=b"2", IfMatch='"x"')
    fails("NoSuchKey", 404, s3.put_object, Bucket=bucket, Key="new", Body=b"2", IfMatch=etag)
    s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch=etag)
    s3.put_object(Bucket=bucket, Key="new", Body=b"2", IfNoneMatch="*")

    def race(number):
        try:
            s3.put_object(Bucket=bucket, Key="race", Body=str(number).encode(), IfNoneMatch="*")
            return 1
        except ClientError:
            return 0
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(race, range(16))) == 1, "exactly one of those who race makes the object"
    empty(bucket)
    s3.delete_bucket(Bucket=bucket)


def versions():
    bucket = fresh()
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"before")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    one = s3.put_object(Bucket=bucket, Key="k", Body=b"one")["VersionId"]
    two = s3.put_object(Bucket=bucket, Key="k", Body=b"two" * 10_000)["VersionId"]
    assert len(one) == 32 and one != two
    assert body(bucket, "k") == b"two" * 10_000 and body(bucket, "k", VersionId=one) == b"one"
    assert body(bucket, "k", VersionId="null") == b"before"
    assert s3.get_object(Bucket=bucket, Key="k")["VersionId"] == two
    gone = s3.delete_object(Bucket=bucket, Key="k")
    assert gone["DeleteMarker"] and gone["VersionId"] not in [one, two]
    marker = gone["VersionId"]
    try:
        s3.get_object(Bucket=bucket, Key="k")
    except ClientError as error:
        headers = error.response["ResponseMetadata"]["HTTPHeaders"]
        assert error.response["Error"]["Code"] == "NoSuchKey"
        assert headers["x-amz-delete-marker"] == "true" and headers["x-amz-version-id"] == marker
    fails("MethodNotAllowed", 405, s3.get_object, Bucket=bucket, Key="k", VersionId=marker)
    fails("405", 405, s3.head_object, Bucket=bucket, Key="k", VersionId=marker)
    fails("InvalidArgument", 400, s3.get_object, Bucket=bucket, Key="k", VersionId="nonsense")
    fails("NoSuchVersion", 404, s3.get_object, Bucket=bucket, Key="other", VersionId=one)
    listed = s3.list_object_versions(Bucket=bucket)
    assert [(v["VersionId"], v["IsLatest"]) for v in listed["Versions"]] == [(two, False), (one, False),
                                                                          ("null", False)]
    assert [(v["VersionId"], v["IsLatest"]) for v in listed["DeleteMarkers"]] == [(marker, True)]
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    back = s3.delete_object(Bucket=bucket, Key="k", VersionId=marker)
    assert back["DeleteMarker"] and back["VersionId"] == marker
    assert body(bucket, "k") == b"two" * 10_000
    s3.delete_object(Bucket=bucket, Key="k", VersionId=two)
    assert body(bucket, "k") == b"one"
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    assert s3.put_object(Bucket=bucket, Key="k", Body=b"null")["VersionId"] == "null"
    assert body(bucket, "k") == b"null" and body(bucket, "k", VersionId=one) == b"one"
    assert len(s3.list_object_versions(Bucket=bucket)["Versions"]) == 2, "the old null version is replaced"
    gone = s3.delete_object(Bucket=bucket, Key="k")
    assert gone["DeleteMarker"] and gone["VersionId"] == "null"
    listed = s3.list_object_versions(Bucket=bucket)
    assert len(listed["Versions"]) == 1 and listed["DeleteMarkers"][0]["VersionId"] == "null"
    fails("BucketNotEmpty", 409, s3.delete_bucket, Bucket=bucket)
    empty(bucket)
    s3.delete_bucket(Bucket=bucket)
    bucket = fresh(versioned=True)
    ids = {}
    for key in ["a", "b/1", "b/2", "c"]:
        ids[key] = [s3.put_object(Bucket=bucket, Key=key, Body=b"x")["VersionId"] for _ in range(6)][::-1]
    for size in [1, 2, 5, 1000]:
        pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, PaginationConfig={"PageSize": size})
        got = [(v["Key"], v["VersionId"], v["IsLatest"]) for page in pages for v in page["Versions"]]
        assert got == [(key, one, one == ids[key][0]) for key in sorted(ids) for one in ids[key]], size
    page = s3.list_object_versions(Bucket=bucket, Delimiter="/")
    assert [p["Prefix"] for p in page["CommonPrefixes"]] == ["b/"] and len(page["Versions"]) == 12
    page = s3.list_objects_v2(Bucket=bucket)
    assert [entry["Key"] for entry in page["Contents"]] == ["a", "b/1", "b/2", "c"]
    empty(bucket)
    s3.delete_bucket(Bucket=bucket)


def tags():
    bucket = fresh(versioned=True)
    version = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["VersionId"]
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []
    wanted = [{"Key": "a", "Value": "1"}, {"Key": "b c", "Value": ""}]
    assert s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": wanted})["VersionId"] == version
    assert s3.get_object_tagging(Bucket=bucket, Key="k", VersionId=version)["TagSet"] == wanted
    fails("InvalidTag", 400, s3.put_object_tagging, Bucket=bucket, Key="k",
          Tagging={"TagSet": [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]})
    fails("BadRequest", 400, s3.put_object_tagging, Bucket=bucket, Key="k",
          Tagging={"TagSet": [{"Key": str(n), "Value": ""} for n in range(11)]})
    s3.delete_object_tagging(Bucket=bucket, Key="k")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []
    fails("NoSuchKey", 404, s3.get_object_tagging, Bucket=bucket, Key="none")
    fails("NoSuchTagSet", 404, s3.get_bucket_tagging, Bucket=bucket)
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": wanted})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == wanted
    s3.delete_bucket_tagging(Bucket=bucket)
    fails("NoSuchTagSet", 404, s3.get_bucket_tagging, Bucket=bucket)
    empty(bucket)
    s3.delete_bucket(Bucket=bucket)


def copies():
    bucket, other = fresh(versioned=True), fresh()
    one = s3.put_object(Bucket=bucket, Key="k", Body=b"one", Metadata={"m": "1"}, ContentType="a/b",
                        Tagging="t=1")["VersionId"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"two")
    answer = s3.copy_object(Bucket=other, Key="c", CopySource={"Bucket": bucket, "Key": "k", "VersionId": one})
    assert answer["CopySourceVersionId"] == one
    assert answer["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(b"one").hexdigest()}"'
    got = s3.get_object(Bucket=other, Key="c")
    assert got["Body"].read() == b"one" and got["Metadata"] == {"m": "1"} and got["ContentType"] == "a/b"
    assert s3.get_object_tagging(Bucket=other, Key="c")["TagSet"] == [{"Key": "t", "Value": "1"}]
    s3.copy_object(Bucket=other, Key="c", CopySource={"Bucket": other, "Key": "c"}, MetadataDirective="REPLACE",
                   Metadata={"n": "2"}, ContentType="c/d", TaggingDirective="REPLACE", Tagging="u=2")
    got = s3.get_object(Bucket=other, Key="c")
    assert got["Body"].read() == b"one" and got["Metadata"] == {"n": "2"} and got["ContentType"] == "c/d"
    assert s3.get_object_tagging(Bucket=other, Key="c")["TagSet"] == [{"Key": "u", "Value": "2"}]
    fails("InvalidRequest", 400, s3.copy_object, Bucket=other, Key="c", CopySource={"Bucket": other, "Key": "c"})
    fails("NoSuchKey", 404, s3.copy_object, Bucket=other, Key="c", CopySource={"Bucket": other, "Key": "none"})
    fails("NoSuchBucket", 404, s3.copy_object, Bucket=other, Key="c", CopySource="no-such-bucket-here/k")
    fails("PreconditionFailed", 412, s3.copy_object, Bucket=other, Key="c", CopySourceIfMatch='"x"',
          CopySource={"Bucket": bucket, "Key": "k"})
    fails("PreconditionFailed", 412, s3.copy_object, Bucket=other, Key="c", CopySourceIfNoneMatch="*",
          CopySource={"Bucket": bucket, "Key": "k"})
    for name in [bucket, other]:
        empty(name)
        s3.delete_bucket(Bucket=name)


def checksums():
    bucket = fresh()
    data = b"123456789"
    known = {"CRC32": "y/Q5Jg==", "SHA1": "98O8HYCOBHMq32eZZczDTKeuNEE=",
             "SHA256": "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=", "CRC32C": "4waSgw==",
             "CRC64NVME": "rosUhgp5mIg="}
    for name, value in known.items():
        field = "Checksum" + name
        answer = s3.put_object(Bucket=bucket, Key=name, Body=data, **{field: value})
        assert answer[field] == value
        head = s3.head_object(Bucket=bucket, Key=name, ChecksumMode="ENABLED")
        assert head[field] == value and head["ChecksumType"] == "FULL_OBJECT"
        assert field not in s3.head_object(Bucket=bucket, Key=name)
        wrong = value.replace(value[0], "A" if value[0] != "A" else "B", 1)
        fails("BadDigest", 400, s3.put_object, Bucket=bucket, Key="bad", Body=data, **{field: wrong})
    fails("404", 404, s3.head_object, Bucket=bucket, Key="bad")
    plain = client(request_checksum_calculation="when_required")
    plain.put_object(Bucket=bucket, Key="plain", Body=data)
    assert s3.head_object(Bucket=bucket, Key="plain", ChecksumMode="ENABLED")["ChecksumCRC64NVME"] == known["CRC64NVME"]
    fails("InvalidDigest", 400, plain.put_object, Bucket=bucket, Key="bad", Body=data, ContentMD5="x")
    fails("BadDigest", 400, plain.put_object, Bucket=bucket, Key="bad", Body=data,
          ContentMD5="AAAAAAAAAAAAAAAAAAAAAA==")
    attributes = s3.get_object_attributes(Bucket=bucket, Key="SHA256", ObjectAttributes=[
        "ETag", "Checksum", "ObjectSize", "StorageClass", "ObjectParts"])
    assert attributes["ETag"].strip("\"") == hashlib.md5(data).hexdigest() and attributes["ObjectSize"] == 9
    assert attributes["Checksum"]["ChecksumSHA256"] == known["SHA256"] and "ObjectParts" not in attributes
    assert attributes["StorageClass"] == "STANDARD"
    empty(bucket)
    s3.delete_bucket(Bucket=bucket)


def multipart():
    bucket = fresh(versioned=True)
    part = 5 * MIB
    upload = s3.create_multipart_upload(Bucket=bucket, Key="m", Metadata={"a": "b"}, ContentType="x/y")["UploadId"]
    common = {"Bucket": bucket, "Key": "m", "UploadId": upload}
    parts = [os.urandom(part), os.urandom(part), b"end"]
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        tags_of_parts = list(pool.map(
            lambda n: s3.upload_part(**common, PartNumber=n + 1, Body=parts[n])["ETag"], range(3)))
    s3.upload_part(**common, PartNumber=9, Body=b"not used")
    assert [u["UploadId"] for u in s3.list_multipart_uploads(Bucket=bucket)["Uploads"]] == [upload]
    listed = s3.list_parts(**common, MaxParts=2)
    assert listed["IsTruncated"] and [p["PartNumber"] for p in listed["Parts"]] == [1, 2]
    rest = s3.list_parts(**common, PartNumberMarker=listed["NextPartNumberMarker"])
    assert [(p["PartNumber"], p["Size"]) for p in rest["Parts"]] == [(3, 3), (9, 8)]
    wanted = [{"PartNumber": n + 1, "ETag": tags_of_parts[n]} for n in range(3)]
    complete = s3.complete_multipart_upload
    fails("InvalidPartOrder", 400, complete, **common, MultipartUpload={"Parts": wanted[::-1]})
    fails("InvalidPart", 400, complete, **common, MultipartUpload={"Parts": [{"PartNumber": 4, "ETag": '"x"'}]})
    fails("InvalidPart", 400, complete, **common, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": '"x"'}]})
    small = wanted[2:] + [{"PartNumber": 9, "ETag": s3.upload_part(**common, PartNumber=9, Body=b"9")["ETag"]}]
    error = fails("EntityTooSmall", 400, complete, **common, MultipartUpload={"Parts": small})
    assert error["MinSizeAllowed"] == str(part) and error["PartNumber"] == "3"
    fails("MalformedXML", 400, complete, **common, MultipartUpload={"Parts": []})
    answer = complete(**common, MultipartUpload={"Parts": wanted})
    digest = hashlib.md5(b"".join(hashlib.md5(data).digest() for data in parts)).hexdigest()
    assert answer["ETag"] == f'"{digest}-3"' and answer["VersionId"]
    got = s3.get_object(Bucket=bucket, Key="m")
    assert got["Body"].read() == b"".join(parts) and got["Metadata"] == {"a": "b"} and got["ContentType"] == "x/y"
    edge = s3.get_object(Bucket=bucket, Key="m", Range=f"bytes={part - 3}-{part + 3}")["Body"].read()
    assert edge == parts[0][-3:] + parts[1][:4]
    second = s3.get_object(Bucket=bucket, Key="m", PartNumber=2)
    assert second["Body"].read() == parts[1] and second["PartsCount"] == 3
    attributes = s3.get_object_attributes(Bucket=bucket, Key="m", ObjectAttributes=["ObjectParts"])
    assert attributes["ObjectParts"]["TotalPartsCount"] == 3
    fails("NoSuchUpload", 404, complete, **common, MultipartUpload={"Parts": wanted})
    fails("NoSuchUpload", 404, s3.upload_part, **common, PartNumber=1, Body=b"")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="m2")["UploadId"]
    common = {"Bucket": bucket, "Key": "m2", "UploadId": upload}
    first = s3.upload_part_copy(**common, PartNumber=1, CopySource={"Bucket": bucket, "Key": "m"},
                                CopySourceRange=f"bytes=3-{part + 2}")["CopyPartResult"]["ETag"]
    last = s3.upload_part(**common, PartNumber=2, Body=b"!")["ETag"]
    s3.complete_multipart_upload(**common, MultipartUpload={"Parts": [
        {"PartNumber": 1, "ETag": first}, {"PartNumber": 2, "ETag": last}]})
    assert body(bucket, "m2") == b"".join(parts)[3:part + 3] + b"!"
    upload = s3.create_multipart_upload(Bucket=bucket, Key="m3")["UploadId"]
    common = {"Bucket": bucket, "Key": "m3", "UploadId": upload}
    s3.upload_part(**common, PartNumber=1, Body=os.urandom(100_000))
    fails("InvalidArgument", 400, s3.upload_part, **common, PartNumber=10_001, Body=b"")
    s3.abort_multipart_upload(**common)
    fails("NoSuchUpload", 404, s3.abort_multipart_upload, **common)
    fails("NoSuchUpload", 404, s3.list_parts, **common)
    for algorithm in ["CRC32", "SHA256"]:
        upload = s3.create_multipart_upload(Bucket=bucket, Key="sum", ChecksumAlgorithm=algorithm)
        assert upload["ChecksumType"] == "COMPOSITE"
        common = {"Bucket": bucket, "Key": "sum", "UploadId": upload["UploadId"]}
        sent = s3.upload_part(**common, PartNumber=1, Body=b"123456789", ChecksumAlgorithm=algorithm)
        field = "Checksum" + algorithm
        done = s3.complete_multipart_upload(**common, MultipartUpload={"Parts": [
            {"PartNumber": 1, "ETag": sent["ETag"], field: sent[field]}]})
        assert done[field].endswith("-1") and done["ChecksumType"] == "COMPOSITE", done
    empty(bucket)
    s3.delete_bucket(Bucket=bucket)


def transfers():
    bucket = fresh()
    size = (8 if SMALL else 64) * MIB + 12345
    data = os.urandom(size)
    config = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB, max_concurrency=6)
    s3.upload_fileobj(io.BytesIO(data), bucket, "big", Config=config)
    assert s3.head_object(Bucket=bucket, Key="big")["ETag"].endswith(f'-{-(-size // (5 * MIB))}"')
    with tempfile.TemporaryDirectory() as folder:
        s3.download_file(bucket, "big", folder + "/big", Config=config)
        with open(folder + "/big", "rb") as file:
            assert file.read() == data
    s3.copy({"Bucket": bucket, "Key": "big"}, bucket, "copied", Config=config)
    assert body(bucket, "copied") == data
    slow = s3.get_object(Bucket=bucket, Key="big")["Body"]
    begin = slow.read(10)
    s3.delete_object(Bucket=bucket, Key="big")
    assert begin + slow.read() == data, "who reads already reads to the end"
    empty(bucket)
    s3.delete_bucket(Bucket=bucket)


def presigned():
    bucket = fresh()
    for version in ["s3v4", "s3"]:
        signing = client(signature_version=version)
        put = signing.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "p q/ü"}, 60)
        request = urllib.request.Request(put, data=b"signed " + version.encode(), method="PUT")
        assert urllib.request.urlopen(request).status == 200
        get = signing.generate_presigned_url("get_object", {
            "Bucket": bucket, "Key": "p q/ü", "ResponseContentType": "a/b"}, 60)
        answer = urllib.request.urlopen(get)
        assert answer.read() == b"signed " + version.encode() and answer.headers["content-type"] == "a/b"
        missing = signing.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "none"}, 60)
        try:
            urllib.request.urlopen(missing)
            raise AssertionError("there is no such object")
        except urllib.error.HTTPError as error:
            text = error.read().decode()
            assert error.code == 404 and "<Code>NoSuchKey</Code>" in text and "<RequestId>" in text, text
    empty(bucket)
    s3.delete_bucket(Bucket=bucket)


def settings():
    bucket = fresh()
    unset = {
        "policy": "NoSuchBucketPolicy", "cors": "NoSuchCORSConfiguration", "website": "NoSuchWebsiteConfiguration",
        "lifecycle_configuration": "NoSuchLifecycleConfiguration",
        "replication": "ReplicationConfigurationNotFoundError",
        "ownership_controls": "OwnershipControlsNotFoundError", "tagging": "NoSuchTagSet",
    }
    for name, code in unset.items():
        fails(code, 404, getattr(s3, "get_bucket_" + name), Bucket=bucket)
    fails("ObjectLockConfigurationNotFoundError", 404, s3.get_object_lock_configuration, Bucket=bucket)
    fails("NoSuchPublicAccessBlockConfiguration", 404, s3.get_public_access_block, Bucket=bucket)
    encryption = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert encryption["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)
    assert "Status" not in s3.get_bucket_accelerate_configuration(Bucket=bucket)
    acl = s3.get_bucket_acl(Bucket=bucket)
    assert acl["Grants"][0]["Permission"] == "FULL_CONTROL" and acl["Grants"][0]["Grantee"]["ID"] == acl["Owner"]["ID"]
    allow = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/public/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]}, indent=1)
    for wrong in ("nonsense", '{"Version": "2012-10-17", "Statement": []}'):
        fails("MalformedPolicy", 400, s3.put_bucket_policy, Bucket=bucket, Policy=wrong)
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == policy
    rules = [{"ID": "r", "AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "MaxAgeSeconds": 5}]
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == rules
    website = {"IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "e.html"}}
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=website)
    got = s3.get_bucket_website(Bucket=bucket)
    assert got["IndexDocument"] == website["IndexDocument"] and got["ErrorDocument"] == website["ErrorDocument"]
    rules = [{"ID": "old", "Status": "Enabled", "Filter": {"Prefix": "x/"}, "Expiration": {"Days": 3}}]
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == rules
    rules = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "k"},
              "BucketKeyEnabled": True}]
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules})
    assert s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"] == rules
    assert s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ServerSideEncryption"] == "aws:kms"
    block = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True,
             "RestrictPublicBuckets": False}
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=block)
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"] == block
    rules = {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=rules)
    assert s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"] == rules
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={
        "EventBridgeConfiguration": {}})
    assert s3.get_bucket_notification_configuration(Bucket=bucket)["EventBridgeConfiguration"] == {}
    logging = {"LoggingEnabled": {"TargetBucket": bucket, "TargetPrefix": "l/"}}
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus=logging)
    assert s3.get_bucket_logging(Bucket=bucket)["LoggingEnabled"] == logging["LoggingEnabled"]
    s3.put_bucket_accelerate_configuration(Bucket=bucket, AccelerateConfiguration={"Status": "Enabled"})
    assert s3.get_bucket_accelerate_configuration(Bucket=bucket)["Status"] == "Enabled"
    s3.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration={"Payer": "Requester"})
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "Requester"
    for name in ["policy", "cors", "website", "lifecycle", "encryption", "ownership_controls", "replication"]:
        getattr(s3, "delete_bucket_" + name)(Bucket=bucket)
    s3.delete_public_access_block(Bucket=bucket)
    for name, code in unset.items():
        fails(code, 404, getattr(s3, "get_bucket_" + name), Bucket=bucket)
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read")
    assert len(s3.get_bucket_acl(Bucket=bucket)["Grants"]) == 2
    s3.put_object_acl(Bucket=bucket, Key="k", ACL="bucket-owner-full-control")
    assert len(s3.get_object_acl(Bucket=bucket, Key="k")["Grants"]) == 1
    fails("NoSuchKey", 404, s3.get_object_acl, Bucket=bucket, Key="none")
    fails("IllegalVersioningConfigurationException", 400, s3.put_bucket_versioning, Bucket=bucket,
          VersioningConfiguration={})
    locked = "check-" + uuid.uuid4().hex[:12]
    s3.create_bucket(Bucket=locked, ObjectLockEnabledForBucket=True)
    assert s3.get_bucket_versioning(Bucket=locked)["Status"] == "Enabled"
    assert s3.get_object_lock_configuration(Bucket=locked)["ObjectLockConfiguration"] == {
        "ObjectLockEnabled": "Enabled"}
    s3.delete_bucket(Bucket=locked)
    empty(bucket)
    s3.delete_bucket(Bucket=bucket)


CHECKS = [buckets, objects, keys, lists, ranges, conditions, versions, tags, copies, checksums, multipart, transfers,
          presigned, settings]

for check in CHECKS:
    started = datetime.datetime.now()
    check()
    print(f"{check.__name__}: ok, {(datetime.datetime.now() - started).total_seconds():.1f} s", flush=True)
