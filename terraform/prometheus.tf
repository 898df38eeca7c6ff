# The second container: Prometheus in agent mode, which scrapes its own host and writes to a workspace
# of Amazon Managed Service for Prometheus.

locals {
  # arn:PARTITION:aps:REGION:ACCOUNT:workspace/ID
  workspace = var.amp == null ? null : split(":", var.amp.workspace_arn)
  amp = var.amp == null ? null : {
    region = local.workspace[3]
    url = format(
      "https://aps-workspaces.%s.amazonaws.com%s/%s/api/v1/remote_write",
      local.workspace[3],
      local.workspace[1] == "aws-cn" ? ".cn" : "",
      replace(local.workspace[5], "workspace/", "workspaces/"),
    )
  }

  prometheus_config = var.amp == null ? null : templatefile("${path.module}/prometheus.yml.tftpl", {
    labels   = merge({ cluster = local.cluster }, var.amp.external_labels)
    interval = var.amp.scrape_interval
    name     = var.name
    port     = var.port
    amp      = local.amp
  })

  prometheus = var.amp == null ? [] : [merge(local.held, {
    name  = "prometheus"
    image = var.amp.image
    # Without it the exporter goes on, and others may scrape.
    essential = false
    # Nothing but a shell can put the host's name, by which hosts are told apart, into a configuration.
    entryPoint = ["/bin/sh", "-c"]
    command = [join(" ", [
      "printf '%s' \"$PROMETHEUS_CONFIG\" | sed \"s/@HOST@/$(hostname)/\" >/prometheus/prometheus.yml",
      "&& exec /bin/prometheus --agent",
      "--config.file=/prometheus/prometheus.yml",
      "--storage.agent.path=/prometheus/agent",
      "--web.listen-address=127.0.0.1:${var.amp.port}",
    ])]
    environment       = [{ name = "PROMETHEUS_CONFIG", value = local.prometheus_config }]
    user              = "65534:65534"
    cpu               = 64
    memory            = var.amp.memory
    memoryReservation = floor(var.amp.memory / 4)
    linuxParameters = {
      initProcessEnabled = false
      capabilities       = { drop = ["ALL"], add = [] }
    }
    healthCheck = {
      command     = ["CMD", "/bin/promtool", "check", "healthy", "--url=http://127.0.0.1:${var.amp.port}"]
      interval    = 30
      timeout     = 5
      retries     = 3
      startPeriod = 60
    }
    portMappings = [{ containerPort = var.amp.port, hostPort = var.amp.port, protocol = "tcp" }]
    mountPoints  = [{ sourceVolume = "prometheus", containerPath = "/prometheus", readOnly = false }]
  })]
}

resource "aws_iam_role" "prometheus" {
  count = var.amp == null ? 0 : 1

  name_prefix = "${substr(var.name, 0, 30)}-"
  description = "What Prometheus beside ${var.name} may do: write to its workspace"
  tags        = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "prometheus" {
  count = var.amp == null ? 0 : 1

  name = "remote-write"
  role = aws_iam_role.prometheus[0].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "aps:RemoteWrite"
      Resource = var.amp.workspace_arn
    }]
  })
}
