//! Which build this is.

use crate::exposition::{Family, Text, info};

/// Version of the exporter.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The commit it was built from, or `unknown`.
pub const REVISION: &str = env!("ECS_HOST_EXPORTER_REVISION");
/// The branch it was built from, or `unknown`.
pub const BRANCH: &str = env!("ECS_HOST_EXPORTER_BRANCH");
/// Version of the compiler that built it.
pub const RUSTC: &str = env!("ECS_HOST_EXPORTER_RUSTC");

pub(super) static BUILD: Family<3> = info("ecs_host_exporter_build_info")
    .help("Which build of the exporter this is, and which compiler made it.")
    .labels(["version", "revision", "rustversion"]);

/// For those who look for node_exporter: its label names, our values.
pub(super) static NODE_EXPORTER_BUILD: Family<7> = info("node_exporter_build_info")
    .help("Which build answers in the place of node_exporter.")
    .labels(["branch", "goarch", "goos", "goversion", "revision", "tags", "version"]);

pub(super) fn write(text: &mut Text) {
    text.family(&BUILD).sample((VERSION, REVISION, RUSTC), 1u64);
    let labels = [BRANCH, architecture(), "linux", "", REVISION, "", VERSION].map(Some);
    text.family(&NODE_EXPORTER_BUILD).sample(labels, 1u64);
}

/// The architecture, spelt as Go spells it.
pub fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
