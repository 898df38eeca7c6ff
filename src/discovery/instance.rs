//! What EC2 instance this is, by its firmware: no question to anybody.

use crate::files::{Files, Roots};

/// An EC2 instance. Empty what the firmware does not say: that of Xen instances says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instance {
    /// Its id, such as `i-0123456789abcdef0`.
    pub id: String,
    /// Its type, such as `m7g.large`.
    pub kind: String,
}

impl Instance {
    /// Of the host that has these roots.
    pub fn find(roots: &Roots, files: &mut Files) -> Self {
        let dir = roots.sys.join("class/dmi/id");
        let mut word = |name: &str| {
            let parsed = files.load(&dir.join(name), |text| {
                Ok(String::from_utf8_lossy(text.trim_ascii()).into_owned())
            });
            parsed.unwrap_or_default()
        };
        if word("sys_vendor") != "Amazon EC2" {
            return Self::default();
        }
        let id = Some(word("board_asset_tag")).filter(|id| id.starts_with("i-"));
        let kind = Some(word("product_name")).filter(|kind| kind.contains('.'));
        Self { id: id.unwrap_or_default(), kind: kind.unwrap_or_default() }
    }
}
