# What tests/deploy/apply makes: a cluster and what is around it, and the module with few options and
# with all.

terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

provider "aws" {
  skip_credentials_validation = true
  skip_metadata_api_check     = true
}

variable "variant" {
  type    = string
  default = "minimal"
}

resource "aws_ecs_cluster" "this" {
  name = "production"
}

resource "aws_vpc" "this" {
  cidr_block = "10.0.0.0/16"
}

resource "aws_security_group" "hosts" {
  vpc_id = aws_vpc.this.id
}

resource "aws_security_group" "scraper" {
  vpc_id = aws_vpc.this.id
}

resource "aws_service_discovery_private_dns_namespace" "this" {
  name = "production.internal"
  vpc  = aws_vpc.this.id
}

resource "aws_prometheus_workspace" "this" {}

module "minimal" {
  source = "./module"
  count  = var.variant == "minimal" ? 1 : 0

  ecs_cluster_name        = aws_ecs_cluster.this.name
  image                   = "registry.example/ecs-host-exporter:1.0.0"
  docker_gid              = 992
  ecs_security_group      = aws_security_group.hosts.id
  scraper_security_groups = [aws_security_group.scraper.id]
}

module "full" {
  source = "./module"
  count  = var.variant == "full" ? 1 : 0

  ecs_cluster_name    = aws_ecs_cluster.this.arn
  image               = "registry.example/ecs-host-exporter:1.0.0"
  name                = "everything"
  port                = 9777
  capabilities        = ["DAC_READ_SEARCH", "SYS_PTRACE"]
  args                = ["--collector.ethtool"]
  keep_state          = true
  ecs_security_group  = aws_security_group.hosts.id
  scraper_cidr_blocks = ["10.0.0.0/16"]
  cloud_map           = { namespace_id = aws_service_discovery_private_dns_namespace.this.id }
  amp                 = { workspace_arn = aws_prometheus_workspace.this.arn }
  tags                = { team = "platform" }
}

output "task_definition_arn" {
  value = one(concat(module.minimal, module.full)[*].task_definition_arn)
}

output "prometheus_config" {
  value = one(concat(module.minimal, module.full)[*].prometheus_config)
}
