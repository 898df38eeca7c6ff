//! The configurations of Prometheus in the documentation are right.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn promtool_takes_the_configurations() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let texts =
        ["discovery.md", "scaling.md"].map(|name| fs::read_to_string(docs.join(name)).unwrap());
    let blocks = texts.each_ref().map(|text| {
        let blocks = text.split("```yaml\n").skip(1);
        blocks
            .map(|rest| rest.split("```").next().unwrap())
            .collect::<Vec<_>>()
    });
    assert!(blocks.iter().all(|blocks| blocks.len() > 2));
    for block in blocks.concat() {
        let name = format!("docs-{}.yml", std::process::id());
        let file = std::env::temp_dir().join(name);
        fs::write(&file, block).unwrap();
        let checked = Command::new("promtool")
            .args(["check", "config"])
            .arg(&file)
            .output();
        fs::remove_file(&file).unwrap();
        match checked {
            Ok(checked) => {
                let said = String::from_utf8_lossy(&checked.stderr);
                assert!(checked.status.success(), "{said}\n{block}");
            }
            Err(error) => {
                assert!(std::env::var_os("CI").is_none(), "promtool: {error}");
                eprintln!("skipped: no promtool ({error})");
                return;
            }
        }
    }
}
