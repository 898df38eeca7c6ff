# The examples, with what they make themselves not yet known.

mock_provider "aws" {
  override_during = apply
}

run "minimal" {
  command = plan

  module {
    source = "./examples/minimal"
  }

  variables {
    cluster                = "production"
    image                  = "registry.example/ecs-host-exporter:1.0.0"
    docker_gid             = 992
    ecs_security_group     = "sg-01"
    scraper_security_group = "sg-02"
  }

  assert {
    condition     = output.service_name == "ecs-host-exporter"
    error_message = "It can be planned."
  }
}

run "amp" {
  command = plan

  module {
    source = "./examples/amp"
  }

  variables {
    cluster = "production"
    image   = "registry.example/ecs-host-exporter:1.0.0"
  }

  assert {
    condition     = aws_prometheus_workspace.this.alias == "production"
    error_message = "It can be planned before there is a workspace."
  }
}
