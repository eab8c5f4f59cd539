"""What the credentials of a job are good for. Usage: job_credentials_check.py ENDPOINT JOB_DATA."""

import json
import sys

from calls import client, refused

DATA = json.loads(sys.argv[2])
CREDENTIALS = DATA["artifactCredentials"]
S3 = client(
    "s3", key=CREDENTIALS["accessKeyId"], secret=CREDENTIALS["secretAccessKey"], token=CREDENTIALS["sessionToken"]
)


def place(artifact):
    location = artifact["location"]["s3Location"]
    return {"Bucket": location["bucketName"], "Key": location["objectKey"]}


def denied(action, call, **arguments):
    reason = f"because no session policy allows the {action} action"
    assert refused("AccessDenied", call, status=403, **arguments).endswith(reason)


read, written = place(DATA["inputArtifacts"][0]), place(DATA["outputArtifacts"][0])
assert S3.get_object(**read)["Body"].read() == b"content"
S3.put_object(**written, Body=b"built")
denied("s3:PutObject", S3.put_object, **read, Body=b"forged")
denied("s3:PutObject", S3.put_object, Bucket=written["Bucket"], Key="elsewhere", Body=b"")
denied("s3:GetObject", S3.get_object, Bucket="source-bucket", Key="file")
denied("s3:ListBucket", S3.list_objects_v2, Bucket=read["Bucket"])
denied("s3:DeleteObject", S3.delete_object, **written)
errors = S3.delete_objects(Bucket=read["Bucket"], Delete={"Objects": [{"Key": read["Key"]}]})["Errors"]
assert [error["Code"] for error in errors] == ["AccessDenied"], errors
assert S3.get_object(**read)["Body"].read() == b"content"
print("narrow")
