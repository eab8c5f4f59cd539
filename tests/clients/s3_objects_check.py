"""Objects of the embedded S3, their versions, tags and copies, as boto3 sees them. Usage: s3_objects_check.py ENDPOINT

Plain asserts; the first that does not hold ends the script.
"""

import concurrent.futures
import datetime
import hashlib
import os

from botocore.exceptions import ClientError

from s3_calls import MIB, body, empty, fails, fresh, run, s3


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


run([objects, keys, lists, ranges, conditions, versions, tags, copies])
