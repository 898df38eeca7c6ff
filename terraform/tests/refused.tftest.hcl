# Values that are refused before anything is made. Each run has a wrong value for each input it names.

mock_provider "aws" {}

variables {
  ecs_cluster_name = "production"
  image            = "registry.example/ecs-host-exporter:1.0.0"
}

run "of_the_wrong_form" {
  command = plan

  expect_failures = [
    var.ecs_cluster_name, var.image, var.name, var.port, var.docker_gid, var.capabilities, var.args,
    var.execution_role_arn, var.cpu, var.log_retention_days, var.ecs_security_group, var.cloud_map,
  ]

  variables {
    ecs_cluster_name   = "a cluster"
    image              = "registry.example/ecs-host-exporter"
    name               = "a name"
    port               = 80
    docker_gid         = 0
    capabilities       = ["DAC_OVERRIDE"]
    args               = ["collector.perf"]
    execution_role_arn = "exporter"
    cpu                = 0
    log_retention_days = 15
    ecs_security_group = "default"
    cloud_map          = { namespace_id = "internal" }
  }
}

run "dangerous" {
  command = plan

  expect_failures = [
    var.image, var.port, var.capabilities, var.args, var.minimum_healthy_percent, var.scraper_cidr_blocks,
  ]

  variables {
    image                   = "ecs-host-exporter:"
    port                    = 40000
    capabilities            = ["ALL"]
    args                    = ["--web.listen-address=:1"]
    minimum_healthy_percent = 100
    ecs_security_group      = "sg-01"
    scraper_cidr_blocks     = ["0.0.0.0/0"]
  }
}

run "without_what_they_need" {
  command = plan

  expect_failures = [
    var.args_from, var.memory_reservation, var.scraper_security_groups, var.scraper_cidr_blocks, var.amp,
  ]

  variables {
    args_from               = "arn:aws:ssm:eu-west-1:111122223333:parameter/exporter"
    memory_reservation      = 512
    scraper_security_groups = ["sg-01"]
    scraper_cidr_blocks     = ["10.0.0.0/8"]
    amp                     = { workspace_arn = "arn:aws:aps:eu-west-1:111122223333:workspace/ws-0a1b", port = 9100 }
  }
}

run "too_small_or_reserved" {
  command = plan

  expect_failures = [var.port, var.memory]

  variables {
    port               = 2375
    memory             = 16
    memory_reservation = 16
  }
}

run "no_workspace" {
  command         = plan
  expect_failures = [var.amp]

  variables {
    amp = { workspace_arn = "ws-0a1b" }
  }
}

run "never" {
  command         = plan
  expect_failures = [var.amp]

  variables {
    amp = { workspace_arn = "arn:aws:aps:eu-west-1:111122223333:workspace/ws-0a1b", scrape_interval = "0s" }
  }
}

run "label_of_prometheus_itself" {
  command         = plan
  expect_failures = [var.amp]

  variables {
    amp = { workspace_arn = "arn:aws:aps:eu-west-1:111122223333:workspace/ws-0a1b", external_labels = { "__a" = "b" } }
  }
}
