#!/usr/bin/env bash
# A first pipeline, from an S3 bucket through an artifact store to an S3 bucket, command by command.
#
# Usage: tutorial.sh http://localhost:4566 [awslocal|aws]
#
# The commands say `awslocal`; with `aws` as second argument the AWS CLI runs them with --endpoint-url. Works in
# the current folder and leaves the answers there as *.answer.json. Ends with status 0 only if everything held.
set -euo pipefail

endpoint=${1:?usage: tutorial.sh ENDPOINT [awslocal|aws]}
client=${2:-awslocal}
fixtures=$(cd "$(dirname "$0")/../fixtures/tutorial" && pwd)
cp "$fixtures"/*.json .

export AWS_DEFAULT_REGION=eu-central-1
export AWS_ACCESS_KEY_ID=${AWS_ACCESS_KEY_ID:-test} AWS_SECRET_ACCESS_KEY=${AWS_SECRET_ACCESS_KEY:-test}
if [ "$client" = aws ]; then
    unset AWS_ENDPOINT_URL
    awslocal() { aws --endpoint-url "$endpoint" "$@"; }
else
    export AWS_ENDPOINT_URL=$endpoint DISABLE_DEPRECATION_NOTICE=1
fi
if ! command -v jq > /dev/null; then
    jq() { python3 -c 'import json, sys; print(json.dumps(json.load(sys.stdin)["Role"]["Arn"]))'; }
fi

echo "# Create prerequisite buckets"
awslocal s3 mb s3://source-bucket
awslocal s3 mb s3://target-bucket

awslocal s3api put-bucket-versioning \
    --bucket source-bucket \
    --versioning-configuration Status=Enabled

echo "Hello LocalStack!" > file
awslocal s3 cp file s3://source-bucket

awslocal s3 mb s3://artifact-store-bucket

echo "# Configure IAM"
awslocal iam create-role --role-name role --assume-role-policy-document file://role.json | jq .Role.Arn

awslocal iam put-role-policy --role-name role --policy-name policy --policy-document file://policy.json

echo "# Create pipeline"
awslocal codepipeline create-pipeline --pipeline file://./declaration.json | tee create-pipeline.answer.json

echo "# Verify pipeline execution"
executions() { awslocal codepipeline list-pipeline-executions --pipeline-name pipeline; }
deadline=$((SECONDS + 60))
until executions > list-pipeline-executions.answer.json \
    && ! grep -q '"status": "InProgress"' list-pipeline-executions.answer.json; do
    [ $SECONDS -lt $deadline ] || { echo "the execution did not end" >&2; exit 1; }
done
cat list-pipeline-executions.answer.json

awslocal s3 cp s3://target-bucket/output-file output-file
cat output-file
cmp file output-file

echo "# Examine action executions"
awslocal codepipeline list-action-executions --pipeline-name pipeline | tee list-action-executions.answer.json

echo "# Tagging pipelines"
awslocal codepipeline tag-resource \
    --resource-arn arn:aws:codepipeline:eu-central-1:000000000000:pipeline \
    --tags key=purpose,value=tutorial

awslocal codepipeline list-tags-for-resource \
    --resource-arn arn:aws:codepipeline:eu-central-1:000000000000:pipeline | tee tagged.answer.json

awslocal codepipeline untag-resource \
    --resource-arn arn:aws:codepipeline:eu-central-1:000000000000:pipeline \
    --tag-keys purpose

awslocal codepipeline list-tags-for-resource \
    --resource-arn arn:aws:codepipeline:eu-central-1:000000000000:pipeline | tee untagged.answer.json
