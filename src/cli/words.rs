//! The words of a command line, by the rules of kingpin, which node_exporter's users know.
//!
//! `--flag=value` or `--flag value`, where the value begins with no dash; `--x` or `--no-x` for a
//! boolean; nothing twice that is no list. A word that is no flag is a subcommand, of which there is
//! one at most.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};

use clap::{Arg, ArgAction, Command};

use super::line::{Flag, Line, ReadFile, Word};
use super::nearest::nearest;
use super::{Refused, Subcommand};

/// What a command line says.
#[derive(Debug)]
pub(super) enum Said {
    /// `--version`, before anything was wrong.
    Version,
    /// `--help`, and nothing was wrong.
    Help,
    /// What to do.
    Do(Box<Spoken>),
}

/// What a command line says to do.
#[derive(Debug)]
pub(super) struct Spoken {
    /// Every flag, as clap is told it.
    pub(super) words: Vec<OsString>,
    /// The booleans that were switched off.
    pub(super) off: HashSet<String>,
    /// The flags there are, those of the subcommand among them.
    pub(super) command: Command,
    /// The subcommand, if there is one.
    pub(super) subcommand: Option<&'static Subcommand>,
}

/// Reads the words of a command line whose flags are those of `command`.
pub(super) fn read(
    words: Vec<OsString>,
    command: Command,
    subcommands: &'static [Subcommand],
    file: ReadFile<'_>,
) -> Result<Said, Refused> {
    let mut line = Line::new(words, file);
    let mut said = Spoken { words: Vec::new(), off: HashSet::new(), command, subcommand: None };
    let mut seen = HashSet::new();
    let mut help = false;
    while let Some(word) = line.next()? {
        let flag = match word {
            Word::Plain(word) => {
                said.subcommand(&word, subcommands)?;
                continue;
            }
            Word::Short('h') => {
                help = true;
                continue;
            }
            Word::Short(letter) => return Err(Refused::UnknownShort(letter.to_string())),
            Word::Dash => return Err(Refused::UnknownShort(String::new())),
            Word::Long(flag) => flag,
        };
        match positive(&flag.name) {
            "version" => return Ok(Said::Version),
            "help" | "help-long" | "help-man" => help = true,
            _ => said.flag(flag, &mut line, &mut seen)?,
        }
    }
    Ok(if help { Said::Help } else { Said::Do(Box::new(said)) })
}

impl Spoken {
    fn subcommand(&mut self, word: &OsStr, known: &'static [Subcommand]) -> Result<(), Refused> {
        let found = known.iter().find(|known| OsStr::new(known.name) == word);
        let (Some(found), None) = (found, self.subcommand) else {
            return Err(Refused::Unexpected(lossy(word)));
        };
        self.command = (found.flags)(std::mem::take(&mut self.command));
        self.subcommand = Some(found);
        Ok(())
    }

    fn flag(
        &mut self,
        flag: Flag,
        line: &mut Line<'_>,
        seen: &mut HashSet<String>,
    ) -> Result<(), Refused> {
        let Flag { name, value } = flag;
        let Some(Meaning { arg, said }) = meaning(&self.command, &name) else {
            let known = self.command.get_arguments().filter_map(Arg::get_long);
            return Err(Refused::UnknownLong { nearest: nearest(&name, known), name });
        };
        let long = arg.get_long().unwrap_or_default().to_owned();
        if !matches!(arg.get_action(), ArgAction::Append) && !seen.insert(positive(&long).into()) {
            return Err(Refused::Repeated(positive(&long).into()));
        }
        match (said, value) {
            (Boolean::None, Some(value)) => self.add(&long, Some(value)),
            (Boolean::None, None) => match line.value()? {
                Some(value) => self.add(&long, Some(value)),
                None => return Err(Refused::NoValue(name)),
            },
            (_, Some(value)) => return Err(Refused::Unexpected(lossy(&value))),
            (Boolean::Switch, None) => self.add(&long, None),
            (Boolean::Value(on), None) => self.add(&long, Some(on.to_string().into())),
            (Boolean::Nothing, None) => {}
        }
        if name.starts_with("no-") {
            self.off.insert(positive(&name).into());
        }
        Ok(())
    }

    fn add(&mut self, long: &str, value: Option<OsString>) {
        let mut word = OsString::from(format!("--{long}"));
        if let Some(value) = value {
            word.push("=");
            word.push(value);
        }
        self.words.push(word);
    }
}

/// What a flag means to clap.
struct Meaning<'a> {
    arg: &'a Arg,
    said: Boolean,
}

/// How clap is told a boolean.
enum Boolean {
    /// It is none: a value follows.
    None,
    /// By the flag alone.
    Switch,
    /// By a value of `true` or `false`.
    Value(bool),
    /// Not at all: clap takes it to be so.
    Nothing,
}

/// Looks a flag up by its name, or by its opposite's.
fn meaning<'a>(command: &'a Command, name: &str) -> Option<Meaning<'a>> {
    let find = |name: &str| {
        command
            .get_arguments()
            .find(|arg| arg.get_long_and_aliases().contains(&name))
    };
    let switch = |arg: &Arg| matches!(arg.get_action(), ArgAction::SetTrue);
    if let Some(arg) = find(name) {
        let said = match arg {
            arg if switch(arg) => Boolean::Switch,
            arg if is_boolean(arg) => Boolean::Value(true),
            _ => Boolean::None,
        };
        return Some(Meaning { arg, said });
    }
    match name.strip_prefix("no-") {
        Some(positive) => {
            let arg = find(positive).filter(|arg| is_boolean(arg))?;
            let said = if switch(arg) { Boolean::Nothing } else { Boolean::Value(false) };
            Some(Meaning { arg, said })
        }
        None => {
            let arg = find(&format!("no-{name}")).filter(|arg| switch(arg))?;
            Some(Meaning { arg, said: Boolean::Nothing })
        }
    }
}

/// Whether a flag is a boolean: `--x` and `--no-x`.
fn is_boolean(arg: &Arg) -> bool {
    let truth = arg.get_value_parser().type_id() == std::any::TypeId::of::<bool>();
    match arg.get_action() {
        ArgAction::SetTrue => true,
        ArgAction::Set => truth,
        _ => false,
    }
}

/// Every name a flag has.
trait Names {
    fn get_long_and_aliases(&self) -> Vec<&str>;
}

impl Names for Arg {
    fn get_long_and_aliases(&self) -> Vec<&str> {
        let aliases = self.get_all_aliases().unwrap_or_default();
        self.get_long().into_iter().chain(aliases).collect()
    }
}

fn positive(name: &str) -> &str {
    name.strip_prefix("no-").unwrap_or(name)
}

fn lossy(word: &OsStr) -> String {
    word.to_string_lossy().into_owned()
}
