//! What the flags of collectors have in common, as the parser that `node_exporter` uses has it.

use std::time::Duration;

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

/// A time with its unit, as Go writes it: `500ms`, `1m30s`.
pub fn duration(text: &str) -> Result<Duration, &'static str> {
    const WRONG: &str = "a time with its unit expected, such as 500ms";
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let mut seconds = 0.0;
    let mut rest = text;
    while let (Some(number), after) = up_to(rest, |c: char| !c.is_ascii_digit() && c != '.') {
        let (unit, after) = up_to(after, |c: char| c.is_ascii_digit() || c == '.');
        let unit = match unit.ok_or(WRONG)? {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return Err(WRONG),
        };
        seconds += number.parse::<f64>().map_err(|_| WRONG)? * unit;
        rest = after;
    }
    if text.is_empty() || !rest.is_empty() {
        return Err(WRONG);
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| WRONG)
}

/// What comes before a character, if anything does, and the rest.
fn up_to(text: &str, end: impl Fn(char) -> bool) -> (Option<&str>, &str) {
    let (before, rest) = text.split_at(text.find(end).unwrap_or(text.len()));
    (Some(before).filter(|before| !before.is_empty()), rest)
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

    #[test]
    fn reads_times_as_go_does() {
        for (text, ms) in [
            ("0", 0),
            ("500ms", 500),
            ("1.5s", 1500),
            ("1m30s", 90_000),
            ("1h", 3_600_000),
            (".5s", 500),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in
            ["", "5", "s", "5x", "-1s", "1s2", "1..5s", "1 s", "9e9h", "99999999999999999999h"]
        {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
