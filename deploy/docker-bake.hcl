# The image for both architectures, from the root of the sources:
#
#   docker buildx bake -f deploy/docker-bake.hcl             for this machine, into its Docker
#   docker buildx bake -f deploy/docker-bake.hcl release     for both, pushed to IMAGE
#
# A builder with a machine of each architecture (docker buildx create --append) takes minutes; one
# that emulates the other takes an hour.
variable "IMAGE" {
  default = "ecs-host-exporter"
}
variable "VERSION" {
  default = "dev"
}
variable "TAG" {
  default = VERSION
}
variable "REVISION" {
  default = "unknown"
}
variable "SOURCE" {
  default = ""
}

group "default" {
  targets = ["image"]
}

target "image" {
  args = {
    VERSION  = VERSION
    REVISION = REVISION
    SOURCE   = SOURCE
  }
  tags   = ["${IMAGE}:${TAG}"]
  output = ["type=docker"]
}

target "release" {
  inherits  = ["image"]
  platforms = ["linux/amd64", "linux/arm64"]
  attest    = ["type=provenance,mode=max", "type=sbom"]
  output    = ["type=registry"]
}
