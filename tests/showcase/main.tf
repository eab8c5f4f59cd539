# The showcase by Terraform. Version 5 of the AWS provider cannot declare a Commands action: the action Package is a build
# with the same commands.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

variable "endpoint" { type = string }

provider "aws" {
  region                      = "us-east-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
  s3_use_path_style           = true

  endpoints {
    codebuild           = var.endpoint
    codepipeline        = var.endpoint
    codestarconnections = var.endpoint
    iam                 = var.endpoint
    s3                  = var.endpoint
    sts                 = var.endpoint
  }
}

locals {
  # The services that do the work, and what they may do.
  roles = {
    shop-pipeline = {
      service = "codepipeline.amazonaws.com"
      actions = ["s3:*", "codebuild:*", "codestar-connections:*", "codeconnections:*", "elasticbeanstalk:*", "logs:*"]
    }
    shop-builds = {
      service = "codebuild.amazonaws.com"
      actions = ["s3:*", "logs:*"]
    }
  }

  # Projects and their buildspecs in the source. Package has its own.
  projects = {
    shop-server  = "server/buildspec.yml"
    shop-pages   = "pages/buildspec.yml"
    shop-check   = "check/buildspec.yml"
    shop-package = null
  }

  package = {
    version = 0.2
    env     = { variables = { PREFIX = "shop" }, exported-variables = ["RELEASE"] }
    phases = { build = { commands = [
      "mkdir -p site/bin && cp *.html site/",
      "cp \"$CODEBUILD_SRC_DIR_Checked/bin/shop\" site/bin/",
      "echo \"#{Pages.PAGES} pages, #{Check.RESULT}\" > site/release.txt",
      "cat \"$CODEBUILD_SRC_DIR_Report/report.txt\" >> site/release.txt",
      "export RELEASE=\"$PREFIX-#{Server.VERSION}\"",
    ] } }
    artifacts = { files = ["site/**"] }
  }
}

resource "aws_s3_bucket" "artifacts" {
  bucket        = "shop-artifacts"
  force_destroy = true
}

resource "aws_s3_bucket" "site" {
  bucket        = "shop-site"
  force_destroy = true
}

resource "aws_iam_role" "role" {
  for_each = local.roles
  name     = each.key
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = each.value.service }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "role" {
  for_each = local.roles
  name     = "work"
  role     = aws_iam_role.role[each.key].id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = each.value.actions, Resource = "*" }]
  })
}

resource "aws_codebuild_project" "project" {
  for_each     = local.projects
  name         = each.key
  service_role = aws_iam_role.role["shop-builds"].arn

  source {
    type      = "CODEPIPELINE"
    buildspec = each.value
  }

  artifacts { type = "CODEPIPELINE" }

  environment {
    type         = "LINUX_CONTAINER"
    image        = "aws/codebuild/standard:7.0"
    compute_type = "BUILD_GENERAL1_SMALL"
  }
}

resource "aws_codestarconnections_connection" "shop" {
  name          = "shop"
  provider_type = "GitHub"
}

resource "aws_codepipeline" "shop" {
  name           = "shop"
  pipeline_type  = "V2"
  execution_mode = "QUEUED"
  role_arn       = aws_iam_role.role["shop-pipeline"].arn

  artifact_store {
    type     = "S3"
    location = aws_s3_bucket.artifacts.bucket
  }

  trigger {
    provider_type = "CodeStarSourceConnection"
    git_configuration {
      source_action_name = "Source"
      push {
        branches { includes = ["main"] }
        file_paths { excludes = ["docs/**"] }
      }
    }
  }

  stage {
    name = "Source"
    action {
      name             = "Source"
      category         = "Source"
      owner            = "AWS"
      provider         = "CodeStarSourceConnection"
      version          = "1"
      namespace        = "Src"
      output_artifacts = ["Source"]
      configuration = {
        ConnectionArn    = aws_codestarconnections_connection.shop.arn
        FullRepositoryId = "shop/web"
        BranchName       = "main"
        DetectChanges    = "false"
      }
    }
  }

  stage {
    name = "Build"
    action {
      name             = "Server"
      category         = "Build"
      owner            = "AWS"
      provider         = "CodeBuild"
      version          = "1"
      namespace        = "Server"
      input_artifacts  = ["Source"]
      output_artifacts = ["ServerFiles"]
      configuration    = { ProjectName = aws_codebuild_project.project["shop-server"].name }
    }
    action {
      name             = "Pages"
      category         = "Build"
      owner            = "AWS"
      provider         = "CodeBuild"
      version          = "1"
      namespace        = "Pages"
      input_artifacts  = ["Source"]
      output_artifacts = ["PagesFiles"]
      configuration = {
        ProjectName          = aws_codebuild_project.project["shop-pages"].name
        EnvironmentVariables = jsonencode([{ name = "COMMIT", value = "#{Src.CommitId}" }])
      }
    }
    action {
      name             = "Check"
      category         = "Test"
      owner            = "AWS"
      provider         = "CodeBuild"
      version          = "1"
      run_order        = 2
      namespace        = "Check"
      input_artifacts  = ["Source", "ServerFiles"]
      output_artifacts = ["Checked", "Report"]
      configuration = {
        ProjectName          = aws_codebuild_project.project["shop-check"].name
        PrimarySource        = "Source"
        EnvironmentVariables = jsonencode([{ name = "WANTED", value = "#{Server.VERSION}" }])
      }
    }
  }

  stage {
    name = "Package"
    action {
      name             = "Package"
      category         = "Build"
      owner            = "AWS"
      provider         = "CodeBuild"
      version          = "1"
      namespace        = "Package"
      input_artifacts  = ["PagesFiles", "Checked", "Report"]
      output_artifacts = ["Site"]
      configuration = {
        ProjectName       = aws_codebuild_project.project["shop-package"].name
        PrimarySource     = "PagesFiles"
        BuildspecOverride = yamlencode(local.package)
      }
    }
  }

  stage {
    name = "Release"
    action {
      name          = "Approve"
      category      = "Approval"
      owner         = "AWS"
      provider      = "Manual"
      version       = "1"
      configuration = { CustomData = "Release #{Package.RELEASE}?" }
    }
    action {
      name            = "Beanstalk"
      category        = "Deploy"
      owner           = "AWS"
      provider        = "ElasticBeanstalk"
      version         = "1"
      run_order       = 2
      input_artifacts = ["Site"]
      configuration   = { ApplicationName = "shop", EnvironmentName = "shop-production" }
    }
    action {
      name            = "Publish"
      category        = "Deploy"
      owner           = "AWS"
      provider        = "S3"
      version         = "1"
      run_order       = 2
      input_artifacts = ["Site"]
      configuration = {
        BucketName = aws_s3_bucket.site.bucket
        Extract    = "true"
        ObjectKey  = "#{Package.RELEASE}"
      }
    }
  }

  depends_on = [aws_iam_role_policy.role]
}
