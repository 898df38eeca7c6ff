# A static binary in an empty image.
#
#   docker build -t ecs-host-exporter .
#
# The build image can be any with cargo and a C compiler: --build-arg BUILD_IMAGE=…
ARG BUILD_IMAGE=rust:1.95-slim-bookworm

FROM ${BUILD_IMAGE} AS build
WORKDIR /src
# An empty file system says nothing of what is in it: the binary itself has the list of crates.
RUN command -v cargo-auditable || cargo install --locked cargo-auditable@0.7.7
COPY Cargo.toml Cargo.lock ./
COPY deploy/build deploy/hot deploy/sorting-cc deploy/
COPY src src
COPY tests/bench tests/bench
# What --version says: there is no git in here.
ARG REVISION=unknown
ARG BRANCH=unknown
RUN ECS_HOST_EXPORTER_REVISION="$REVISION" ECS_HOST_EXPORTER_BRANCH="$BRANCH" deploy/build \
 && mv target/*/dist/ecs-host-exporter /
# Docker gives a new volume the rights of what it is mounted over: one for state is anybody's to write.
RUN mkdir -p /state/var/lib && mkdir -m 777 /state/var/lib/ecs-host-exporter

FROM scratch
ARG VERSION=unknown
ARG REVISION=unknown
ARG SOURCE=
LABEL org.opencontainers.image.title="ecs-host-exporter" \
      org.opencontainers.image.description="Host and container metrics of Amazon ECS container instances for Prometheus" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="$SOURCE" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=build /ecs-host-exporter /ecs-host-exporter
COPY --from=build /state /
# Enough for all but what the documentation names; the Docker socket wants its group: --user 65534:<gid>.
USER 65534:65534
EXPOSE 9100
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["/ecs-host-exporter", "healthcheck"]
ENTRYPOINT ["/ecs-host-exporter"]
