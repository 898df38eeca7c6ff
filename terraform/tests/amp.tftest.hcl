# Prometheus beside the exporter.

mock_provider "aws" {
  mock_data "aws_region" {
    defaults = { id = "eu-west-1" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
}

variables {
  ecs_cluster_name = "production"
  image            = "registry.example/ecs-host-exporter:1.0.0"
  amp = {
    workspace_arn = "arn:aws:aps:eu-central-1:111122223333:workspace/ws-0a1b"
  }
}

run "role" {
  command = plan

  assert {
    condition     = jsondecode(one(aws_iam_role_policy.prometheus).policy).Statement == [{ Effect = "Allow", Action = "aps:RemoteWrite", Resource = "arn:aws:aps:eu-central-1:111122223333:workspace/ws-0a1b" }]
    error_message = "It may write to its workspace, and nothing else."
  }
  assert {
    condition     = jsondecode(one(aws_iam_role.prometheus).assume_role_policy).Statement == [{ Effect = "Allow", Principal = { Service = "ecs-tasks.amazonaws.com" }, Action = "sts:AssumeRole", Condition = { StringEquals = { "aws:SourceAccount" = "111122223333" } } }]
    error_message = "Tasks of this account alone have the role."
  }
}

run "container" {
  command = plan

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[1].essential == false && jsondecode(aws_ecs_task_definition.this.container_definitions)[0].essential == true
    error_message = "The exporter does not depend on Prometheus."
  }
  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[1].user == "65534:65534" && jsondecode(aws_ecs_task_definition.this.container_definitions)[1].linuxParameters.capabilities == { drop = ["ALL"], add = [] } && jsondecode(aws_ecs_task_definition.this.container_definitions)[1].readonlyRootFilesystem && !jsondecode(aws_ecs_task_definition.this.container_definitions)[1].privileged && jsondecode(aws_ecs_task_definition.this.container_definitions)[1].dockerSecurityOptions == ["no-new-privileges"]
    error_message = "It is held as the exporter is."
  }
  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[1].mountPoints == [{ sourceVolume = "prometheus", containerPath = "/prometheus", readOnly = false }]
    error_message = "It sees nothing of the host."
  }
  assert {
    condition     = strcontains(jsondecode(aws_ecs_task_definition.this.container_definitions)[1].command[0], "--web.listen-address=127.0.0.1:9095")
    error_message = "It is asked on the loopback alone."
  }
  assert {
    condition     = [jsondecode(aws_ecs_task_definition.this.container_definitions)[1].memoryReservation, jsondecode(aws_ecs_task_definition.this.container_definitions)[1].memory] == [128, 512]
    error_message = "It has its limits."
  }
}

run "configuration" {
  command = plan

  variables {
    port = 9777
    amp = {
      workspace_arn   = "arn:aws:aps:eu-central-1:111122223333:workspace/ws-0a1b"
      scrape_interval = "15s"
      external_labels = { team = "platform" }
    }
  }

  assert {
    condition     = yamldecode(output.prometheus_config).remote_write[0].url == "https://aps-workspaces.eu-central-1.amazonaws.com/workspaces/ws-0a1b/api/v1/remote_write" && yamldecode(output.prometheus_config).remote_write[0].sigv4 == { region = "eu-central-1" }
    error_message = "It writes to the workspace, signed."
  }
  assert {
    condition     = yamldecode(output.prometheus_config).global == { scrape_interval = "15s", external_labels = { cluster = "production", team = "platform" } }
    error_message = "Everything it writes says where it is from."
  }
  assert {
    condition     = yamldecode(output.prometheus_config).scrape_configs[0].static_configs == [{ targets = ["localhost:9777"], labels = { instance = "@HOST@:9777" } }]
    error_message = "It scrapes the exporter, by the host's name."
  }
  assert {
    condition     = yamldecode(output.prometheus_config).scrape_configs[1].http_sd_configs[0].url == "http://localhost:9777/sd/targets"
    error_message = "It scrapes the host's tasks."
  }
  assert {
    condition     = { for variable in jsondecode(aws_ecs_task_definition.this.container_definitions)[1].environment : variable.name => variable.value }["PROMETHEUS_CONFIG"] == output.prometheus_config
    error_message = "It is told so."
  }
}

run "in_china" {
  command = plan

  variables {
    ecs_cluster_name = "arn:aws-cn:ecs:cn-north-1:111122223333:cluster/production"
    amp = {
      workspace_arn = "arn:aws-cn:aps:cn-north-1:111122223333:workspace/ws-0a1b"
    }
  }

  assert {
    condition     = yamldecode(output.prometheus_config).remote_write[0].url == "https://aps-workspaces.cn-north-1.amazonaws.com.cn/workspaces/ws-0a1b/api/v1/remote_write"
    error_message = "Other partitions have other names."
  }
  assert {
    condition     = yamldecode(output.prometheus_config).global.external_labels == { cluster = "production" }
    error_message = "The cluster's name is taken from its ARN."
  }
}
