//! What the flags of collectors have in common, as the parser that `node_exporter` uses has it.

use clap::{Arg, ArgAction, Args, Command};
use regex_lite::Regex;

use crate::files::{Error, Result};

/// Adds the flags `F` to a command line. Every flag without a value has its opposite, too: `--no-x`
/// beside `--x`, and `--x` where `--no-x` is declared because it is on by default. Not both at once.
pub fn augment<F: Args>(command: Command) -> Command {
    let own = F::augment_args(Command::new("flags"));
    own.get_arguments().fold(command, |command, flag| {
        let command = command.arg(flag);
        if !matches!(flag.get_action(), ArgAction::SetTrue) {
            return command;
        }
        let id = flag.get_id().as_str();
        let opposite = match id.strip_prefix("no-") {
            Some(positive) => positive.to_owned(),
            None => format!("no-{id}"),
        };
        let opposite = Arg::new(opposite.clone()).long(opposite);
        let opposite = opposite.action(ArgAction::SetTrue).hide(true);
        command.arg(opposite.conflicts_with(flag.get_id()))
    })
}

/// The regular expression that a flag gives, searched for anywhere.
pub fn regex(flag: &str, pattern: &str) -> Result<Regex> {
    Regex::new(pattern).map_err(|error| Error::Config(format!("--{flag}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Args, Debug)]
    #[group(skip)]
    struct Flags {
        #[arg(id = "collector.a.info", long)]
        info: bool,
        #[arg(id = "no-collector.a.guest", long)]
        no_guest: bool,
        #[arg(id = "collector.a.fields", long, default_value = "x")]
        fields: String,
    }

    fn parse(args: &[&str]) -> Result<Flags, clap::error::ErrorKind> {
        let command = augment::<Flags>(Command::new("exporter").no_binary_name(true));
        let matches = command.try_get_matches_from(args).map_err(|e| e.kind())?;
        Ok(clap::FromArgMatches::from_arg_matches(&matches).unwrap())
    }

    #[test]
    fn gives_every_switch_its_opposite() {
        let set = |args: &[&str]| parse(args).map(|f| (f.info, f.no_guest, f.fields));
        assert_eq!(set(&[]), Ok((false, false, "x".into())));
        assert_eq!(set(&["--collector.a.info"]), Ok((true, false, "x".into())));
        assert_eq!(set(&["--no-collector.a.info"]), Ok((false, false, "x".into())));
        assert_eq!(set(&["--collector.a.guest"]), Ok((false, false, "x".into())));
        assert_eq!(set(&["--no-collector.a.guest"]), Ok((false, true, "x".into())));
        assert_eq!(set(&["--collector.a.fields=y"]), Ok((false, false, "y".into())));
        let both = set(&["--collector.a.guest", "--no-collector.a.guest"]);
        assert_eq!(both, Err(clap::error::ErrorKind::ArgumentConflict));
    }

    #[test]
    fn names_the_flag_of_a_bad_expression() {
        let error = regex("collector.a.fields", "(").unwrap_err().to_string();
        assert!(error.starts_with("--collector.a.fields: "), "{error}");
        assert!(regex("collector.a.fields", "b").unwrap().is_match("abc"));
    }
}
