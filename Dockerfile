# A static binary in an empty image.
#
#   docker build -t ecs-host-exporter .
#
# The build image can be any with cargo and a C compiler: --build-arg BUILD_IMAGE=…
ARG BUILD_IMAGE=rust:1.95-slim-bookworm

FROM ${BUILD_IMAGE} AS build
WORKDIR /src
# Writes the list of crates into the binary, where scanners of images find it: an empty file system
# says nothing of what is in it.
RUN command -v cargo-auditable || cargo install --locked cargo-auditable@0.7.7
COPY Cargo.toml Cargo.lock ./
COPY src src
COPY tests/bench tests/bench
# What --version says: there is no git in here.
ARG REVISION=unknown
ARG BRANCH=unknown
# Packed relocations are 0.4 MB less; a C library before 2.36 cannot start with them, which would show here.
ENV RUSTFLAGS="-C target-feature=+crt-static -C link-arg=-Wl,-z,pack-relative-relocs"
RUN target="$(uname -m)-unknown-linux-gnu" \
 && ECS_HOST_EXPORTER_REVISION="$REVISION" ECS_HOST_EXPORTER_BRANCH="$BRANCH" \
    cargo auditable build --locked --profile dist --bin ecs-host-exporter --target "$target" \
 && cp "target/$target/dist/ecs-host-exporter" /ecs-host-exporter \
 && /ecs-host-exporter --version
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
