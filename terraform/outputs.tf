output "service_name" {
  description = "Name of the service; by it Prometheus' discovery of ECS finds the hosts."
  value       = aws_ecs_service.this.name
}

output "service_arn" {
  description = "ARN of the service."
  value       = aws_ecs_service.this.id
}

output "task_definition_arn" {
  description = "ARN of the task definition, with its revision."
  value       = aws_ecs_task_definition.this.arn
}

output "port" {
  description = "Port of the metrics, on every host."
  value       = var.port
}

output "log_group" {
  description = "Log group that is written to."
  value       = local.log_group
}

output "cloud_map_service_arn" {
  description = "ARN of the service in Cloud Map, where there is one."
  value       = one(aws_service_discovery_service.this[*].arn)
}

output "task_role_arn" {
  description = "ARN of the role of the tasks, where Prometheus runs beside the exporter."
  value       = one(aws_iam_role.prometheus[*].arn)
}

output "prometheus_config" {
  description = "Configuration of that Prometheus, where it runs; @HOST@ becomes the host's name."
  value       = local.prometheus_config
}
