#!/usr/bin/env bash
# The showcase by the AWS CLI: whatever AWS_ENDPOINT_URL, or the CLI's own settings, name as AWS.
set -euo pipefail
cd "$(dirname "$0")"
account=arn:aws:iam::000000000000

# A role that a service may assume, and what it may do.
role() {
    aws iam create-role --role-name "$1" --assume-role-policy-document '{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "'"$2"'"}, "Action": "sts:AssumeRole"}]}'
    aws iam put-role-policy --role-name "$1" --policy-name work --policy-document '{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": '"$3"', "Resource": "*"}]}'
}

# A project that builds what a pipeline gives it, by a buildspec of the source.
project() {
    aws codebuild create-project --name "$1" --service-role "$account:role/shop-builds" \
        --source "type=CODEPIPELINE,buildspec=$2" --artifacts type=CODEPIPELINE \
        --environment type=LINUX_CONTAINER,image=aws/codebuild/standard:7.0,computeType=BUILD_GENERAL1_SMALL
}

aws s3api create-bucket --bucket shop-artifacts
aws s3api create-bucket --bucket shop-site
role shop-pipeline codepipeline.amazonaws.com \
    '["s3:*", "codebuild:*", "codestar-connections:*", "codeconnections:*", "elasticbeanstalk:*", "logs:*"]'
role shop-builds codebuild.amazonaws.com '["s3:*", "logs:*"]'
project shop-server server/buildspec.yml
project shop-pages pages/buildspec.yml
project shop-check check/buildspec.yml
connection=$(aws codeconnections create-connection --connection-name shop --provider-type GitHub \
    --query ConnectionArn --output text)
aws codepipeline create-pipeline --pipeline "$(sed "s|CONNECTION_ARN|$connection|" pipeline.json)"
