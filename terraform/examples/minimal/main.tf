# The exporter on every container instance of a cluster, opened to a Prometheus elsewhere.

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

variable "docker_gid" {
  description = "Group of Docker's socket on the hosts."
  type        = number
}

variable "ecs_security_group" {
  description = "Security group of the container instances."
  type        = string
}

variable "scraper_security_group" {
  description = "Security group of Prometheus."
  type        = string
}

module "ecs_host_exporter" {
  source = "../.."

  ecs_cluster_name        = var.cluster
  image                   = var.image
  docker_gid              = var.docker_gid
  ecs_security_group      = var.ecs_security_group
  scraper_security_groups = [var.scraper_security_group]
}

output "service_name" {
  description = "What Prometheus' discovery of ECS keeps."
  value       = module.ecs_host_exporter.service_name
}
