# The exporter and a Prometheus agent on every container instance, writing to Amazon Managed Service for
# Prometheus. No port is opened: everything is scraped on its own host.

terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

variable "cluster" {
  description = "Name of the cluster."
  type        = string
}

variable "image" {
  description = "Image of the exporter."
  type        = string
}

resource "aws_prometheus_workspace" "this" {
  alias = var.cluster
}

module "ecs_host_exporter" {
  source = "../.."

  ecs_cluster_name = var.cluster
  image            = var.image
  # User 0 that may read everything and write nothing: numbers of containers' file systems.
  capabilities = ["DAC_READ_SEARCH"]

  amp = {
    workspace_arn   = aws_prometheus_workspace.this.arn
    external_labels = { environment = "production" }
  }
}

output "prometheus_endpoint" {
  description = "Where to read from."
  value       = aws_prometheus_workspace.this.prometheus_endpoint
}

output "prometheus_config" {
  description = "What the agent is told."
  value       = module.ecs_host_exporter.prometheus_config
}
