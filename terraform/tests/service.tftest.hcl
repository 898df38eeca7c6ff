# What the task may do, and how the service rolls.

mock_provider "aws" {
  mock_data "aws_region" {
    defaults = { id = "eu-west-1" }
  }
}

variables {
  ecs_cluster_name = "production"
  image            = "registry.example/ecs-host-exporter:1.0.0"
}

run "as_it_is" {
  command = plan

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].privileged == false && jsondecode(aws_ecs_task_definition.this.container_definitions)[0].readonlyRootFilesystem == true
    error_message = "The container is not privileged and may not write to its image."
  }
  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].user == "65534:65534"
    error_message = "It is nobody."
  }
  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].linuxParameters.capabilities.drop == ["ALL"] && length(jsondecode(aws_ecs_task_definition.this.container_definitions)[0].linuxParameters.capabilities.add) == 0
    error_message = "It has no capability."
  }
  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].dockerSecurityOptions == ["no-new-privileges"]
    error_message = "It gains none."
  }
  assert {
    condition     = alltrue([for mount in jsondecode(aws_ecs_task_definition.this.container_definitions)[0].mountPoints : mount.readOnly])
    error_message = "All mounts are read only."
  }
  assert {
    condition = {
      for mount in jsondecode(aws_ecs_task_definition.this.container_definitions)[0].mountPoints :
      mount.containerPath => one([for volume in aws_ecs_task_definition.this.volume : volume.host_path if volume.name == mount.sourceVolume])
      } == {
      "/host/proc" = "/proc"
      "/host/sys"  = "/sys"
      "/rootfs"    = "/"
      "/host/run"  = "/var/run"
    }
    error_message = "The four mounts are those that the exporter looks for, and the socket's directory is one of them."
  }
  assert {
    condition     = aws_ecs_task_definition.this.network_mode == "host" && aws_ecs_task_definition.this.pid_mode == "host"
    error_message = "Network and process ids are the host's."
  }
  assert {
    condition     = aws_ecs_task_definition.this.task_role_arn == null && length(aws_iam_role.prometheus) == 0
    error_message = "It has no role: it calls no API."
  }
  assert {
    condition     = length(jsondecode(aws_ecs_task_definition.this.container_definitions)) == 1
    error_message = "There is one container."
  }

  assert {
    condition     = aws_ecs_task_definition.this.cpu == null && aws_ecs_task_definition.this.memory == null
    error_message = "The task has no quota of CPU, which would hold scrapes back."
  }
  assert {
    condition     = [jsondecode(aws_ecs_task_definition.this.container_definitions)[0].cpu, jsondecode(aws_ecs_task_definition.this.container_definitions)[0].memoryReservation, jsondecode(aws_ecs_task_definition.this.container_definitions)[0].memory] == [64, 64, 256]
    error_message = "The container has shares, a reservation and a limit."
  }
  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].ulimits == [{ name = "nofile", softLimit = 65536, hardLimit = 65536 }]
    error_message = "It may keep the files of many containers open."
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].healthCheck == { command = ["CMD", "/ecs-host-exporter", "healthcheck"], interval = 30, timeout = 5, retries = 3, startPeriod = 10 }
    error_message = "The health check needs no shell."
  }
  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].restartPolicy == { enabled = true, restartAttemptPeriod = 60 } && jsondecode(aws_ecs_task_definition.this.container_definitions)[0].essential
    error_message = "It is restarted in place, and its end is the task's."
  }

  assert {
    condition     = aws_ecs_service.this.scheduling_strategy == "DAEMON" && aws_ecs_service.this.launch_type == "EC2"
    error_message = "One on each host, whatever the cluster's capacity provider."
  }
  assert {
    condition     = aws_ecs_service.this.deployment_maximum_percent == 100 && aws_ecs_service.this.deployment_minimum_healthy_percent == 0
    error_message = "The old task frees the port first, on a cluster of one host too."
  }
  assert {
    condition     = aws_ecs_service.this.cluster == "production" && aws_ecs_service.this.name == "ecs-host-exporter"
    error_message = "It is where and what was asked for."
  }
  assert {
    condition     = aws_ecs_service.this.propagate_tags == "SERVICE" && aws_ecs_service.this.enable_ecs_managed_tags
    error_message = "Tasks carry the tags of the service."
  }
  assert {
    condition     = [for constraint in aws_ecs_task_definition.this.placement_constraints : "${constraint.type} ${constraint.expression}"] == ["memberOf attribute:ecs.os-type == linux"]
    error_message = "It stays on Linux."
  }
  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.scraper) == 0 && length(aws_service_discovery_service.this) == 0
    error_message = "Nothing is opened or registered unasked."
  }
}

run "is_found" {
  command = plan

  variables {
    port = 9777
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].portMappings == [{ containerPort = 9777, hostPort = 9777, protocol = "tcp" }]
    error_message = "The scheduler and discoveries know the port."
  }
  assert {
    condition     = { for variable in jsondecode(aws_ecs_task_definition.this.container_definitions)[0].environment : variable.name => variable.value } == { PROMETHEUS = "true", PROMETHEUS_PORT = "9777" }
    error_message = "prometheus-ecs-sd finds it."
  }
  assert {
    condition = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].dockerLabels == {
      PROMETHEUS_EXPORTER_PORT     = "9777"
      PROMETHEUS_EXPORTER_PATH     = "/metrics"
      PROMETHEUS_EXPORTER_JOB_NAME = "ecs-host-exporter"
      ECS_PROMETHEUS_EXPORTER_PORT = "9777"
      ECS_PROMETHEUS_METRICS_PATH  = "/metrics"
      ECS_PROMETHEUS_JOB_NAME      = "ecs-host-exporter"
    }
    error_message = "Discoveries by labels find it."
  }
}

run "another_port" {
  command = plan

  variables {
    port = 9777
    args = ["--collector.ethtool"]
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].command == ["--web.listen-address=:9777", "--collector.ethtool"]
    error_message = "It listens there."
  }
  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].healthCheck.command == ["CMD", "/ecs-host-exporter", "healthcheck", "--web.listen-address=:9777"]
    error_message = "It is asked there."
  }
  assert {
    condition     = output.port == 9777
    error_message = "It is said."
  }
}

run "inputs_of_older_modules" {
  command = plan

  variables {
    ecs_cluster_name   = "arn:aws:ecs:eu-west-1:111122223333:cluster/production"
    ecs_security_group = "sg-0123456789abcdef0"
    port               = 9100
  }

  assert {
    condition     = aws_ecs_service.this.cluster == "arn:aws:ecs:eu-west-1:111122223333:cluster/production"
    error_message = "An ARN is as good as a name."
  }
  assert {
    condition     = one(values(aws_vpc_security_group_ingress_rule.scraper)).referenced_security_group_id == "sg-0123456789abcdef0"
    error_message = "Members of the group may scrape."
  }
}

run "more_rights" {
  command = plan

  variables {
    capabilities = ["SYS_PTRACE", "DAC_READ_SEARCH"]
    docker_gid   = 992
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].user == "0"
    error_message = "Capabilities count for user 0 alone."
  }
  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].linuxParameters.capabilities == { drop = ["ALL"], add = ["DAC_READ_SEARCH", "SYS_PTRACE"] }
    error_message = "Those that are named, and no others."
  }
  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].privileged == false && jsondecode(aws_ecs_task_definition.this.container_definitions)[0].readonlyRootFilesystem == true && jsondecode(aws_ecs_task_definition.this.container_definitions)[0].dockerSecurityOptions == ["no-new-privileges"]
    error_message = "The rest stays."
  }
}

run "docker_by_its_group" {
  command = plan

  variables {
    docker_gid = 992
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].user == "65534:992"
    error_message = "Nobody, in the group of Docker's socket."
  }
}

run "state" {
  command = plan

  variables {
    keep_state = true
  }

  assert {
    condition     = [for mount in jsondecode(aws_ecs_task_definition.this.container_definitions)[0].mountPoints : mount if !mount.readOnly] == [{ sourceVolume = "state", containerPath = "/var/lib/ecs-host-exporter", readOnly = false }]
    error_message = "One place can be written to."
  }
  assert {
    condition     = one(one([for volume in aws_ecs_task_definition.this.volume : volume if volume.name == "state"]).docker_volume_configuration).scope == "shared"
    error_message = "It outlives the task."
  }
  assert {
    condition     = contains(jsondecode(aws_ecs_task_definition.this.container_definitions)[0].command, "--storage.path=/var/lib/ecs-host-exporter")
    error_message = "It is used."
  }
}

run "flags_from_a_secret" {
  command = plan

  variables {
    args_from          = "arn:aws:ssm:eu-west-1:111122223333:parameter/exporter"
    execution_role_arn = "arn:aws:iam::111122223333:role/exporter-execution"
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].secrets == [{ name = "ECS_HOST_EXPORTER_ARGS", valueFrom = "arn:aws:ssm:eu-west-1:111122223333:parameter/exporter" }]
    error_message = "ECS hands them over."
  }
  assert {
    condition     = aws_ecs_task_definition.this.execution_role_arn == "arn:aws:iam::111122223333:role/exporter-execution"
    error_message = "ECS may read them."
  }
}

run "logs" {
  command = plan

  assert {
    condition     = one(aws_cloudwatch_log_group.this).name == "/ecs/ecs-host-exporter" && one(aws_cloudwatch_log_group.this).retention_in_days == 14
    error_message = "It has a log group that forgets."
  }
  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].logConfiguration.logDriver == "awslogs" && jsondecode(aws_ecs_task_definition.this.container_definitions)[0].logConfiguration.options.mode == "non-blocking" && jsondecode(aws_ecs_task_definition.this.container_definitions)[0].logConfiguration.options.awslogs-region == "eu-west-1"
    error_message = "A log that is slow stops nothing."
  }
}

run "logs_elsewhere" {
  command = plan

  variables {
    log_group = "/shared"
  }

  assert {
    condition     = length(aws_cloudwatch_log_group.this) == 0 && jsondecode(aws_ecs_task_definition.this.container_definitions)[0].logConfiguration.options.awslogs-group == "/shared" && output.log_group == "/shared"
    error_message = "A log group that exists is used."
  }
}

run "opened_to_scrapers" {
  command = plan

  variables {
    ecs_security_group      = "sg-01"
    scraper_security_groups = ["sg-02"]
    scraper_cidr_blocks     = ["10.1.0.0/16"]
  }

  assert {
    condition     = { for name, rule in aws_vpc_security_group_ingress_rule.scraper : name => coalesce(rule.cidr_ipv4, rule.referenced_security_group_id) } == { "group 0" = "sg-02", "10.1.0.0/16" = "10.1.0.0/16" }
    error_message = "Those that are named may scrape, and nobody else."
  }
  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_ingress_rule.scraper : rule.security_group_id == "sg-01" && rule.from_port == 9100 && rule.to_port == 9100 && rule.ip_protocol == "tcp"])
    error_message = "One port is opened."
  }
}

run "registered" {
  command = plan

  variables {
    cloud_map = { namespace_id = "ns-abc123" }
  }

  assert {
    condition     = one(aws_service_discovery_service.this).tags == tomap({ METRICS_PATH = "/metrics", METRICS_PORT = "9100" })
    error_message = "The reloader of Amazon's samples finds path and port."
  }
  assert {
    condition     = one(one(aws_service_discovery_service.this).dns_config).namespace_id == "ns-abc123" && one(one(one(aws_service_discovery_service.this).dns_config).dns_records).type == "SRV"
    error_message = "Tasks in the host's network have SRV records."
  }
  assert {
    condition     = one(aws_ecs_service.this.service_registries).container_name == "exporter" && one(aws_ecs_service.this.service_registries).container_port == 9100
    error_message = "It is the exporter that is registered."
  }
}
