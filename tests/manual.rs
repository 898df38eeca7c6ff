//! The manual page and the completions of shells, made from the declarations of the flags.
//!
//! `UPDATE=1 cargo test --test manual` writes them anew.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test")]

use std::collections::HashSet;
use std::path::Path;

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Arg, ArgAction, Command, ValueHint};
use clap_complete::{Shell, generate};
use ecs_host_exporter::cli;
use ecs_host_exporter::reference::{self, Flag};
use roff::{Roff, bold, italic, roman};

#[test]
fn the_manual_page_is_current() {
    compare("deploy/man/ecs-host-exporter.8", &page());
}

#[test]
fn the_completions_are_current() {
    for (shell, path) in [
        (Shell::Bash, "deploy/completions/ecs-host-exporter.bash"),
        (Shell::Zsh, "deploy/completions/_ecs-host-exporter"),
        (Shell::Fish, "deploy/completions/ecs-host-exporter.fish"),
    ] {
        let mut text = Vec::new();
        generate(shell, &mut completed(), cli::NAME, &mut text);
        let mut text = String::from_utf8(text).unwrap();
        if shell == Shell::Fish {
            text.push_str(&commands_for_fish());
        }
        compare(path, &text);
    }
}

fn compare(path: &str, expected: &str) {
    let at = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(at.parent().unwrap()).unwrap();
        std::fs::write(&at, expected).unwrap();
    }
    let found = std::fs::read_to_string(&at).unwrap_or_default();
    assert!(found == expected, "{path} is old: UPDATE=1 cargo test --test manual");
}

/// The flags that the program has with and without a subcommand.
fn own_flags() -> Vec<Flag> {
    let theirs: HashSet<String> = cli::subcommands()
        .flat_map(|command| reference::flags(&command))
        .map(|flag| flag.spelling)
        .collect();
    let mut flags = reference::flags(&cli::command());
    flags.retain(|flag| !theirs.contains(&flag.spelling));
    flags
}

/// What shells are to complete: flags stand before and after a command, so that all are of one list.
/// The words of a command line are read by kingpin's rules, and clap is told here what it is not told
/// there: `--no-…`, and the commands.
fn completed() -> Command {
    let commands = cli::subcommands().map(|command| {
        let about = command.get_about().cloned().unwrap_or_default();
        PossibleValue::new(command.get_name().to_owned()).help(about)
    });
    let command = Arg::new("command").value_parser(PossibleValuesParser::new(commands));
    let flags = reference::flags(&cli::command());
    Command::new(cli::NAME)
        .disable_help_flag(true)
        .args(flags.iter().flat_map(spelled))
        .arg(command)
}

/// What clap leaves out for this shell.
fn commands_for_fish() -> String {
    let line = |command: Command| {
        let (name, about) = (command.get_name(), command.get_about().unwrap());
        let about = about.to_string().replace('\'', "\\'");
        format!("complete -c {} -n __fish_use_subcommand -f -a {name} -d '{about}'\n", cli::NAME)
    };
    cli::subcommands().map(line).collect()
}

/// A flag by each of its names.
fn spelled(flag: &Flag) -> Vec<Arg> {
    let (short, long) = flag.spelling.split_once("--").unwrap();
    let about = flag.help.split_inclusive(". ").next().unwrap_or_default();
    let named = |name: &str| {
        Arg::new(name.to_owned())
            .long(name.to_owned())
            .help(about.trim().to_owned())
    };
    if let Some(name) = long.strip_prefix("[no-]") {
        let opposite = named(&format!("no-{name}")).help(format!("The opposite of --{name}."));
        return [named(name), opposite]
            .map(|arg| arg.action(ArgAction::SetTrue))
            .into();
    }
    let Some((name, value)) = long.split_once('=') else {
        let arg = named(long).action(ArgAction::SetTrue);
        let letter = short.strip_prefix('-').and_then(|s| s.chars().next());
        return vec![match letter {
            Some(letter) => arg.short(letter),
            None => arg,
        }];
    };
    let action = if flag.repeatable { ArgAction::Append } else { ArgAction::Set };
    let arg = named(name).value_name(value.to_owned()).action(action);
    vec![match value {
        "DIR" => arg.value_hint(ValueHint::DirPath),
        "FILE" => arg.value_hint(ValueHint::FilePath),
        "PATH" => arg.value_hint(ValueHint::AnyPath),
        "LEVEL" => arg.value_parser(PossibleValuesParser::new(["debug", "info", "warn", "error"])),
        "FORMAT" => arg.value_parser(PossibleValuesParser::new(["logfmt", "json"])),
        _ => arg.value_hint(ValueHint::Other),
    }]
}

/// The manual page.
fn page() -> String {
    let mut page = Roff::new();
    let title = format!("{} {}", cli::NAME, env!("CARGO_PKG_VERSION"));
    // No date, so that it changes with what it says alone.
    page.control("TH", [&cli::NAME.to_uppercase(), "8", " ", &title]);
    // Expressions cannot be broken, and the words beside them are not to be spread out.
    page.control("ad", ["l"]);
    section(&mut page, "NAME");
    page.text([roman(cli::NAME), roman(" - "), roman(ABOUT)]);
    section(&mut page, "SYNOPSIS");
    page.text([bold(cli::NAME), roman(" [flags] [command]")]);
    section(&mut page, "DESCRIPTION");
    paragraphs(&mut page, DESCRIPTION);
    section(&mut page, "COMMANDS");
    for command in cli::subcommands() {
        let about = command.get_about().unwrap().to_string();
        entry(&mut page, command.get_name(), &about);
    }
    section(&mut page, "FLAGS");
    paragraphs(&mut page, FLAGS);
    describe(&mut page, &own_flags());
    for command in cli::subcommands() {
        let flags = reference::flags(&command);
        if !flags.is_empty() {
            section(&mut page, &format!("FLAGS OF {}", command.get_name().to_uppercase()));
            describe(&mut page, &flags);
        }
    }
    for (title, entries) in [
        ("ENVIRONMENT", ENVIRONMENT),
        ("FILES", FILES),
        ("SIGNALS", SIGNALS),
        ("EXIT STATUS", EXIT_STATUS),
    ] {
        section(&mut page, title);
        for (term, text) in entries {
            entry(&mut page, term, text);
        }
    }
    section(&mut page, "SEE ALSO");
    page.text([
        bold("systemd.exec"),
        roman("(5), "),
        bold("systemd.socket"),
        roman("(5), "),
        bold("cgroups"),
        roman("(7), "),
        bold("proc"),
        roman("(5)"),
    ]);
    page.render()
}

fn section(page: &mut Roff, title: &str) {
    page.control("SH", [title]);
}

fn paragraphs(page: &mut Roff, text: &str) {
    for (i, paragraph) in text.split("\n\n").enumerate() {
        if i > 0 {
            page.control("PP", []);
        }
        page.text([roman(paragraph.split_whitespace().collect::<Vec<_>>().join(" "))]);
    }
}

fn entry(page: &mut Roff, term: &str, text: &str) {
    page.control("TP", []);
    page.text([bold(term)]);
    page.text([roman(text)]);
}

fn describe(page: &mut Roff, flags: &[Flag]) {
    for Flag { spelling, help, default, repeatable } in flags {
        page.control("TP", []);
        match spelling.split_once('=') {
            Some((name, value)) => page.text([bold(name), bold("="), italic(value)]),
            None => page.text([bold(spelling.as_str())]),
        };
        let more = if *repeatable { " May be given more than once." } else { "" };
        let default = default.as_ref().map(|text| format!(" Default: {text}"));
        page.text([roman(format!("{help}{more}{}", default.unwrap_or_default()))]);
    }
}

const ABOUT: &str = "metrics of a host and its containers, for Prometheus";

const DESCRIPTION: &str =
    "Serves at /metrics what node_exporter and cAdvisor say of a host and its \
    containers, by their names, and joins to each container its ECS cluster, service, task and \
    name. It reads /proc, /sys and the control groups, asks Docker by its socket and the ECS agent \
    by its introspection, and writes to none of them.

    Without a command, it serves. It needs no rights of root; what root alone may read is left out \
    for others, and the command doctor says what that is.

    In a container the usual mounts of the host, /host/proc, /host/sys and /rootfs, are found \
    without a flag.";

const FLAGS: &str = "--flag=value or --flag value; --x or --no-x for a boolean. Flags stand before or \
    after the command. @FILE stands for the lines of a file, each of them a word.";

const ENVIRONMENT: &[(&str, &str)] = &[
    (
        "ECS_HOST_EXPORTER_ARGS",
        "Commands and flags, split as a shell would, which are read before those of the command \
         line. A flag that may be given once may be given in one of the two.",
    ),
    ("NOTIFY_SOCKET", "Whom to tell that requests are answered, set by systemd."),
    ("LISTEN_FDS, LISTEN_PID", "With --web.systemd-socket, the sockets to listen on."),
];

const FILES: &[(&str, &str)] = &[
    (
        "/etc/default/ecs-host-exporter",
        "Sets ECS_HOST_EXPORTER_ARGS for the unit ecs-host-exporter.service.",
    ),
    ("/var/run/docker.sock", "Docker's socket, unless --docker.socket names another."),
];

const SIGNALS: &[(&str, &str)] =
    &[("SIGTERM, SIGINT", "Answers the requests that are being answered, and ends.")];

const EXIT_STATUS: &[(&str, &str)] = &[
    ("0", "All is well."),
    (
        "1",
        "The command line is wrong, an address cannot be listened on, the exporter that healthcheck \
         asked is not well, or doctor found that something essential is missing.",
    ),
];
