variable "ecs_cluster_name" {
  description = "Name or ARN of the cluster whose container instances are measured."
  type        = string

  validation {
    condition     = can(regex("^(arn:[a-z-]+:ecs:[a-z0-9-]+:[0-9]{12}:cluster/)?[A-Za-z0-9_-]{1,255}$", var.ecs_cluster_name))
    error_message = "A name or an ARN of an ECS cluster is expected."
  }
}

variable "image" {
  description = "Image of the exporter, with a tag or a digest: what runs on every host should not change by itself."
  type        = string

  validation {
    condition     = can(regex("^[^[:space:]]+(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|@sha256:[0-9a-f]{64})$", var.image))
    error_message = "An image with a tag or a digest is expected, as in registry/ecs-host-exporter:1.0.0."
  }
}

variable "name" {
  description = "Name of the service, its task family, and what belongs to them."
  type        = string
  default     = "ecs-host-exporter"

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,48}$", var.name))
    error_message = "Letters, digits, - and _ are expected, 48 at most."
  }
}

variable "port" {
  description = "Port of the metrics, on every host."
  type        = number
  default     = 9100

  validation {
    condition     = var.port == floor(var.port) && var.port >= 1024 && var.port <= 32767 && !contains([2375, 2376], var.port)
    error_message = "A port between 1024 (below it a capability is needed) and 32767 (above it Linux gives ports to clients) is expected, and not Docker's 2375 or 2376."
  }
}

variable "docker_gid" {
  description = "Group that Docker's socket belongs to on the hosts (stat -c %g /var/run/docker.sock; 900 on Bottlerocket). Without it, and without capabilities, the ECS agent alone names the containers."
  type        = number
  default     = null

  validation {
    condition     = var.docker_gid == null ? true : var.docker_gid == floor(var.docker_gid) && var.docker_gid > 0 && var.docker_gid < 4294967295
    error_message = "The number of a group is expected, and not root's."
  }
}

variable "capabilities" {
  description = "Capabilities to keep, for what docs/rights.md names. With any of them the exporter runs as user 0, since Linux gives them to no other; Docker's socket is then open to it."
  type        = set(string)
  default     = []

  validation {
    condition     = length(setsubtract(var.capabilities, ["DAC_READ_SEARCH", "SYS_ADMIN", "SYS_NICE", "SYS_PTRACE"])) == 0
    error_message = "No collector has a use for others than DAC_READ_SEARCH, SYS_ADMIN, SYS_NICE and SYS_PTRACE."
  }
}

variable "args" {
  description = "Further flags of the exporter; the port is among them already."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arg in var.args : startswith(arg, "-") && !startswith(arg, "--web.listen-address")])
    error_message = "Flags are expected, each as one word (--flag=value), and not --web.listen-address: that is the port's."
  }
}

variable "args_from" {
  description = "ARN of a parameter of Systems Manager or a secret with further flags (ECS_HOST_EXPORTER_ARGS). Needs execution_role_arn."
  type        = string
  default     = null

  validation {
    condition     = var.args_from == null ? true : can(regex("^arn:[a-z-]+:(ssm|secretsmanager):", var.args_from)) && var.execution_role_arn != null
    error_message = "An ARN of ssm or secretsmanager is expected, and execution_role_arn with it: ECS reads it in that role."
  }
}

variable "execution_role_arn" {
  description = "Role in which ECS pulls the image, reads args_from and writes logs, in place of the instance's."
  type        = string
  default     = null

  validation {
    condition     = var.execution_role_arn == null ? true : can(regex("^arn:[a-z-]+:iam::[0-9]{12}:role/", var.execution_role_arn))
    error_message = "An ARN of a role is expected."
  }
}

variable "keep_state" {
  description = "Keep counters of containers that ended over restarts of the exporter, in a Docker volume of each host (--storage.path)."
  type        = bool
  default     = false
}

variable "cpu" {
  description = "CPU units that the scheduler sets aside. They are shares, no quota: a scrape is never held back."
  type        = number
  default     = 64

  validation {
    condition     = var.cpu == floor(var.cpu) && var.cpu >= 2 && var.cpu <= 10240
    error_message = "CPU units between 2 and 10240 are expected."
  }
}

variable "memory_reservation" {
  description = "MiB of memory that the scheduler sets aside."
  type        = number
  default     = 64

  validation {
    condition     = var.memory_reservation == floor(var.memory_reservation) && var.memory_reservation >= 16 && var.memory_reservation <= var.memory
    error_message = "At least 16 MiB are expected, and no more than memory."
  }
}

variable "memory" {
  description = "MiB of memory at which the exporter is killed."
  type        = number
  default     = 256

  validation {
    condition     = var.memory == floor(var.memory) && var.memory >= 32
    error_message = "At least 32 MiB are expected."
  }
}

variable "minimum_healthy_percent" {
  description = "How much of the service stays up while it is replaced, in percent of the hosts, rounded up. On each host the old task ends before the new one starts, so a small cluster wants 0."
  type        = number
  default     = 0

  validation {
    condition     = var.minimum_healthy_percent >= 0 && var.minimum_healthy_percent < 100
    error_message = "0 to 99 is expected: with 100 nothing could ever be replaced."
  }
}

variable "placement_constraints" {
  description = "Expressions of ECS' cluster query language, all of which hosts must match."
  type        = list(string)
  default     = ["attribute:ecs.os-type == linux"]
}

variable "log_group" {
  description = "Log group that exists already, in place of one of its own."
  type        = string
  default     = null
}

variable "log_retention_days" {
  description = "How long its own log group keeps logs."
  type        = number
  default     = 14

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "A number of days that CloudWatch Logs offers is expected: 1, 3, 5, 7, 14, 30, 60, 90, …"
  }
}

variable "ecs_security_group" {
  description = "Security group of the container instances, in which to open the port. Without scrapers named, it is opened to the group itself."
  type        = string
  default     = null

  validation {
    condition     = var.ecs_security_group == null ? true : can(regex("^sg-[0-9a-f]+$", var.ecs_security_group))
    error_message = "An id of a security group is expected."
  }
}

variable "scraper_security_groups" {
  description = "Security groups of scrapers, for rules in ecs_security_group."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for group in var.scraper_security_groups : can(regex("^sg-[0-9a-f]+$", group))]) && (length(var.scraper_security_groups) == 0 || var.ecs_security_group != null)
    error_message = "Ids of security groups are expected, and ecs_security_group with them."
  }
}

variable "scraper_cidr_blocks" {
  description = "Addresses of scrapers, for rules in ecs_security_group."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for block in var.scraper_cidr_blocks : can(cidrnetmask(block)) && !endswith(block, "/0")]) && (length(var.scraper_cidr_blocks) == 0 || var.ecs_security_group != null)
    error_message = "IPv4 blocks are expected, not all of the internet, and ecs_security_group with them."
  }
}

variable "cloud_map" {
  description = "Private DNS namespace of Cloud Map in which to register every host's exporter."
  type        = object({ namespace_id = string })
  default     = null

  validation {
    condition     = var.cloud_map == null ? true : can(regex("^ns-[a-z0-9]+$", var.cloud_map.namespace_id))
    error_message = "An id of a namespace is expected."
  }
}

variable "amp" {
  description = <<-EOT
    Workspace of Amazon Managed Service for Prometheus. With it a Prometheus in agent mode runs beside each exporter, scrapes it and those tasks of its host that ask for it, and writes to the workspace.

    * workspace_arn: the workspace
    * image: Prometheus 3.0 or later, with a shell
    * port: its own, on the loopback of each host
    * memory: MiB at which it is killed; a quarter of them is set aside
    * scrape_interval: how often it scrapes
    * external_labels: labels of everything that it writes, beside the cluster's name
  EOT
  type = object({
    workspace_arn   = string
    image           = optional(string, "quay.io/prometheus/prometheus:v3.10.0")
    port            = optional(number, 9095)
    memory          = optional(number, 512)
    scrape_interval = optional(string, "30s")
    external_labels = optional(map(string), {})
  })
  default = null

  validation {
    condition     = var.amp == null ? true : can(regex("^arn:[a-z-]+:aps:[a-z0-9-]+:[0-9]{12}:workspace/ws-[A-Za-z0-9-]+$", var.amp.workspace_arn))
    error_message = "An ARN of a workspace is expected, as in arn:aws:aps:eu-west-1:111122223333:workspace/ws-…"
  }
  validation {
    condition     = var.amp == null ? true : can(regex("^[^[:space:]]+(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|@sha256:[0-9a-f]{64})$", var.amp.image))
    error_message = "An image with a tag or a digest is expected."
  }
  validation {
    condition     = var.amp == null ? true : var.amp.port == floor(var.amp.port) && var.amp.port >= 1024 && var.amp.port <= 32767 && var.amp.port != var.port
    error_message = "A port between 1024 and 32767 is expected, and not the exporter's."
  }
  validation {
    condition     = var.amp == null ? true : var.amp.memory == floor(var.amp.memory) && var.amp.memory >= 128
    error_message = "At least 128 MiB are expected."
  }
  validation {
    condition     = var.amp == null ? true : can(regex("^[1-9][0-9]*[sm]$", var.amp.scrape_interval))
    error_message = "Seconds or minutes are expected, as in 30s."
  }
  validation {
    condition     = var.amp == null ? true : alltrue([for name in keys(var.amp.external_labels) : can(regex("^[a-zA-Z_][a-zA-Z0-9_]*$", name)) && !startswith(name, "__")])
    error_message = "Names of labels are expected."
  }
}

variable "tags" {
  description = "Tags of everything that is made; the tasks have them, too."
  type        = map(string)
  default     = {}
}
