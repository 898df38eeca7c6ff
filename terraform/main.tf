# One task of the exporter on each container instance of a cluster.

data "aws_region" "current" {}

data "aws_caller_identity" "current" {}

locals {
  cluster = element(split("/", var.ecs_cluster_name), -1)
  state   = "/var/lib/ecs-host-exporter"

  # Where the hosts' trees are mounted; the exporter finds them there without a flag. The directory of
  # Docker's socket, not the socket: that is another file after each restart of Docker.
  mounts = {
    proc = { host = "/proc", container = "/host/proc" }
    sys  = { host = "/sys", container = "/host/sys" }
    root = { host = "/", container = "/rootfs" }
    run  = { host = "/var/run", container = "/host/run" }
  }

  # The health check is told the port, too; it knows the usual one.
  listen = var.port == 9100 ? [] : ["--web.listen-address=:${var.port}"]

  # How the two containers are held: neither may write to its image, nor become more than it is.
  held = {
    essential              = true
    privileged             = false
    readonlyRootFilesystem = true
    dockerSecurityOptions  = ["no-new-privileges"]
    restartPolicy          = { enabled = true, restartAttemptPeriod = 60 }
    ulimits                = [{ name = "nofile", softLimit = 65536, hardLimit = 65536 }]
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = local.log_group
        awslogs-region        = data.aws_region.current.id
        awslogs-stream-prefix = var.name
        # An exporter that waits for its log answers no scrape.
        mode            = "non-blocking"
        max-buffer-size = "1m"
      }
    }
  }

  exporter = merge(local.held, {
    name              = "exporter"
    image             = var.image
    command           = concat(local.listen, var.keep_state ? ["--storage.path=${local.state}"] : [], var.args)
    user              = length(var.capabilities) > 0 ? "0" : "65534:${coalesce(var.docker_gid, 65534)}"
    cpu               = var.cpu
    memory            = var.memory
    memoryReservation = var.memory_reservation
    linuxParameters = {
      initProcessEnabled = false
      capabilities       = { drop = ["ALL"], add = sort(var.capabilities) }
    }
    healthCheck = {
      command     = concat(["CMD", "/ecs-host-exporter", "healthcheck"], local.listen)
      interval    = 30
      timeout     = 5
      retries     = 3
      startPeriod = 10
    }
    # The scheduler so knows the port, and discoveries find it.
    portMappings = [{ containerPort = var.port, hostPort = var.port, protocol = "tcp" }]
    mountPoints = concat(
      [for name, mount in local.mounts : { sourceVolume = name, containerPath = mount.container, readOnly = true }],
      var.keep_state ? [{ sourceVolume = "state", containerPath = local.state, readOnly = false }] : [],
    )
    # By these prometheus-ecs-sd, prometheus-ecs-discovery, the CloudWatch agent and the ecsobserver of
    # the OpenTelemetry Collector find the exporter.
    environment = [
      { name = "PROMETHEUS", value = "true" },
      { name = "PROMETHEUS_PORT", value = tostring(var.port) },
    ]
    secrets = var.args_from == null ? [] : [{ name = "ECS_HOST_EXPORTER_ARGS", valueFrom = var.args_from }]
    dockerLabels = {
      PROMETHEUS_EXPORTER_PORT     = tostring(var.port)
      PROMETHEUS_EXPORTER_PATH     = "/metrics"
      PROMETHEUS_EXPORTER_JOB_NAME = var.name
      ECS_PROMETHEUS_EXPORTER_PORT = tostring(var.port)
      ECS_PROMETHEUS_METRICS_PATH  = "/metrics"
      ECS_PROMETHEUS_JOB_NAME      = var.name
    }
  })
}

resource "aws_ecs_task_definition" "this" {
  family                   = var.name
  requires_compatibilities = ["EC2"]
  network_mode             = "host"
  pid_mode                 = "host"
  execution_role_arn       = var.execution_role_arn
  task_role_arn            = one(aws_iam_role.prometheus[*].arn)
  container_definitions    = jsonencode(concat([local.exporter], local.prometheus))
  tags                     = var.tags

  dynamic "volume" {
    for_each = local.mounts
    content {
      name      = volume.key
      host_path = volume.value.host
    }
  }

  dynamic "volume" {
    for_each = var.keep_state ? ["state"] : []
    content {
      name = volume.value
      docker_volume_configuration {
        scope         = "shared"
        autoprovision = true
        driver        = "local"
      }
    }
  }

  # What Prometheus has not written yet lives as long as the task.
  dynamic "volume" {
    for_each = length(local.prometheus) > 0 ? ["prometheus"] : []
    content {
      name = volume.value
    }
  }

  dynamic "placement_constraints" {
    for_each = var.placement_constraints
    content {
      type       = "memberOf"
      expression = placement_constraints.value
    }
  }
}

resource "aws_ecs_service" "this" {
  name                = var.name
  cluster             = var.ecs_cluster_name
  task_definition     = aws_ecs_task_definition.this.arn
  scheduling_strategy = "DAEMON"
  # Said, because a cluster's default capacity provider refuses services of this kind.
  launch_type = "EC2"
  # The port is the host's: the old task ends before the new one starts.
  deployment_maximum_percent         = 100
  deployment_minimum_healthy_percent = var.minimum_healthy_percent
  enable_ecs_managed_tags            = true
  propagate_tags                     = "SERVICE"
  tags                               = var.tags

  dynamic "service_registries" {
    for_each = aws_service_discovery_service.this
    content {
      registry_arn   = service_registries.value.arn
      container_name = local.exporter.name
      container_port = var.port
    }
  }
}

locals {
  log_group = var.log_group == null ? one(aws_cloudwatch_log_group.this[*].name) : var.log_group
}

resource "aws_cloudwatch_log_group" "this" {
  count = var.log_group == null ? 1 : 0

  name              = "/ecs/${var.name}"
  retention_in_days = var.log_retention_days
  tags              = var.tags
}

locals {
  # Who may scrape.
  named_scrapers = merge(
    { for block in var.scraper_cidr_blocks : block => { cidr = block, group = null } },
    { for index, group in var.scraper_security_groups : "group ${index}" => { cidr = null, group = group } },
  )
  # Nobody named: who is in the hosts' own group, as a Prometheus on one of them. Asked in this order a
  # group that is not made yet can be planned with.
  scrapers = length(local.named_scrapers) > 0 ? local.named_scrapers : var.ecs_security_group == null ? {} : {
    itself = { cidr = null, group = var.ecs_security_group }
  }
}

resource "aws_vpc_security_group_ingress_rule" "scraper" {
  for_each = local.scrapers

  security_group_id            = var.ecs_security_group
  description                  = "Metrics of ${var.name}"
  ip_protocol                  = "tcp"
  from_port                    = var.port
  to_port                      = var.port
  cidr_ipv4                    = each.value.cidr
  referenced_security_group_id = each.value.group
  tags                         = var.tags
}

resource "aws_service_discovery_service" "this" {
  count = var.cloud_map == null ? 0 : 1

  name          = var.name
  force_destroy = true
  # Where the reloader of Amazon's Prometheus samples finds the metrics.
  tags = merge(var.tags, { METRICS_PATH = "/metrics", METRICS_PORT = tostring(var.port) })

  dns_config {
    namespace_id   = var.cloud_map.namespace_id
    routing_policy = "MULTIVALUE"
    # Tasks in the host's network can have no other records.
    dns_records {
      type = "SRV"
      ttl  = 15
    }
  }
}
