//! What `--help` prints, laid out as kingpin does.

use clap::Command;

use super::flags::Subcommand;
use crate::reference::{self, Flag};

/// Columns of a line.
const WIDTH: usize = 80;
/// Where the explanation of a flag begins.
const INDENT: usize = 31;

/// The help of a command line with its subcommands.
pub(super) fn text(command: Command, subcommands: &[Subcommand]) -> String {
    let name = command.get_name().to_owned();
    let mut out = format!(
        "usage: {name} [<flags>] [<command>]\n\n\
         Metrics of an Amazon ECS container instance and its containers, for Prometheus.\n\n\
         Without a command, it serves them. Arguments are read from the variable\n\
         {} of the environment, then from the command line;\n\
         @FILE stands for the lines of a file.\n\n\
         Commands:\n",
        super::VARIABLE
    );
    for known in subcommands {
        entry(&mut out, &format!("  {}", known.name), known.about);
    }
    out.push_str("\nFlags:\n");
    for flag in reference::flags(&command) {
        describe(&mut out, &flag);
    }
    for known in subcommands {
        let own = reference::flags(&(known.flags)(Command::new(known.name)));
        if !own.is_empty() {
            out.push_str(&format!("\nFlags of {}:\n", known.name));
        }
        for flag in &own {
            describe(&mut out, flag);
        }
    }
    out
}

fn describe(out: &mut String, flag: &Flag) {
    let Flag { spelling, help, default, repeatable } = flag;
    let indent = if spelling.starts_with("--") { "      " } else { "  " };
    let dots = if *repeatable { " ..." } else { "" };
    let default = default.as_ref().map(|text| format!(" (default: {text})"));
    let help = format!("{help}{}", default.unwrap_or_default());
    entry(out, &format!("{indent}{spelling}{dots}"), &help);
}

/// A term, and beside it, or below it where it is long, the lines that explain it.
fn entry(out: &mut String, term: &str, text: &str) {
    out.push_str(term);
    let mut column = term.chars().count();
    if column + 2 > INDENT {
        out.push('\n');
        column = 0;
    }
    out.extend(std::iter::repeat_n(' ', INDENT - column));
    column = INDENT;
    for (i, word) in text.split_whitespace().enumerate() {
        let length = word.chars().count();
        if i > 0 && column + 1 + length > WIDTH {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', INDENT));
            column = INDENT;
        } else if i > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps_what_is_long() {
        let mut out = String::new();
        entry(&mut out, "  -h, --help", "Print this.");
        entry(&mut out, "      --a.flag.with.a.long.name=VALUE", &"word ".repeat(12));
        let expected = "  -h, --help                   Print this.\n\
            \x20     --a.flag.with.a.long.name=VALUE\n\
            \x20                              word word word word word word word word word word\n\
            \x20                              word word\n";
        assert_eq!(out, expected);
    }
}
