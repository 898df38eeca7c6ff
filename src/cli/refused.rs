//! Why a command line is refused, in one line.

use std::path::PathBuf;

use clap::error::{ContextKind, ErrorKind};

use super::VARIABLE;

/// Why a command line is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no such flag.
    #[error("unknown long flag '--{name}'{}", .nearest.as_ref().map(|n| format!(" (nearest is '--{n}')")).unwrap_or_default())]
    UnknownLong {
        /// Its name, without the dashes.
        name: String,
        /// One that may have been meant.
        nearest: Option<String>,
    },
    /// There is no such flag of one letter.
    #[error("unknown short flag '-{0}'")]
    UnknownShort(String),
    /// A word, or the value of a boolean, that means nothing where it stands.
    #[error("unexpected {0}")]
    Unexpected(String),
    /// A flag without its value.
    #[error("expected argument for flag '--{0}'")]
    NoValue(String),
    /// A flag that is no list, given again.
    #[error("flag '{0}' cannot be repeated")]
    Repeated(String),
    /// A value that a flag does not take.
    #[error("invalid value {value:?} for flag '--{flag}': {reason}")]
    Value {
        /// The flag's name, without the dashes.
        flag: String,
        /// Its value.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A collector does not take its flags.
    #[error("{0}")]
    Collector(String),
    /// An argument file that cannot be read.
    #[error("failed to open arguments file {path:?}: {reason}")]
    File {
        /// Where it is.
        path: PathBuf,
        /// What the kernel said.
        reason: String,
    },
    /// Argument files that name each other.
    #[error("arguments file {0:?}: too many files, or a file that names itself")]
    Files(PathBuf),
    /// The variable of the environment is no list of words.
    #[error("{VARIABLE} has a quote without its end")]
    Variable,
}

impl Refused {
    /// What clap says of a value, in one line.
    pub(super) fn value(error: &clap::Error) -> Self {
        let context = |kind| error.get(kind).map(ToString::to_string);
        let flag = context(ContextKind::InvalidArg).unwrap_or_default();
        let flag = flag.split(' ').next().unwrap_or_default();
        let source = std::error::Error::source(error).map(ToString::to_string);
        let reason = match (error.kind(), source, context(ContextKind::ValidValue)) {
            (ErrorKind::InvalidUtf8, ..) => "text in UTF-8 expected".into(),
            (_, Some(source), _) => source,
            (_, None, Some(valid)) if !valid.is_empty() => format!("one of {valid} expected"),
            (ErrorKind::InvalidValue, None, _) => "something expected".into(),
            (kind, None, _) => kind.to_string(),
        };
        Self::Value {
            flag: flag.trim_start_matches('-').into(),
            value: context(ContextKind::InvalidValue).unwrap_or_default(),
            reason: one_line(&reason),
        }
    }
}

/// Text without its line breaks.
pub(super) fn one_line(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}
