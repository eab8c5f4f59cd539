"""Buckets of the embedded S3 with their settings, and how bytes come and go, as boto3 sees them.

Usage: s3_check.py ENDPOINT [small]. Plain asserts; the first that does not hold ends the script. `small` leaves out what moves
many megabytes.
"""

import concurrent.futures
import hashlib
import io
import json
import os
import sys
import tempfile
import urllib.error
import urllib.request
import uuid

from boto3.s3.transfer import TransferConfig

from s3_calls import MIB, body, client, empty, fails, fresh, run, s3

SMALL = "small" in sys.argv[2:]


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


run([buckets, checksums, multipart, transfers, presigned, settings])
