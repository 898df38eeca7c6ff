//! Which build this is.

/// The version of the program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit it was built from, or `unknown`.
pub const REVISION: &str = or_unknown(option_env!("ECS_HOST_EXPORTER_REVISION"));
const BRANCH: &str = or_unknown(option_env!("ECS_HOST_EXPORTER_BRANCH"));
const RUSTC: &str = or_unknown(option_env!("ECS_HOST_EXPORTER_RUSTC"));

const fn or_unknown(fact: Option<&'static str>) -> &'static str {
    match fact {
        Some(fact) => fact,
        None => "unknown",
    }
}

/// What `--version` prints, laid out as node_exporter's is.
pub(super) fn block() -> String {
    let platform = format!("{}/{}", std::env::consts::OS, architecture());
    let facts = [("rust version:", RUSTC), ("platform:", platform.as_str())];
    let mut block =
        format!("{}, version {VERSION} (branch: {BRANCH}, revision: {REVISION})\n", super::NAME);
    for (name, fact) in facts {
        block.push_str(&format!("  {name:<18}{fact}\n"));
    }
    block
}

/// The architecture by the name that Docker and Go give it.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
