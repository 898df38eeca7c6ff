use super::*;

use std::cell::Cell;
use std::time::Duration;

use clap::{ArgAction, Args};
use tracing::Level;

use crate::collector::{Collector, Host};
use crate::exposition::{Descriptor, Text};
use crate::files::{Error, Result as Measured};

/// A collector that does nothing, with the flags `F`.
macro_rules! fake {
    ($name:ident, $called:literal, $by_default:literal, $flags:ty, $new:expr) => {
        struct $name;

        impl Collector for $name {
            const NAME: &'static str = $called;
            const ABOUT: &'static str = "Nothing.";
            const BY_DEFAULT: bool = $by_default;
            type Flags = $flags;

            fn families() -> impl Iterator<Item = Descriptor> {
                std::iter::empty()
            }

            fn new(flags: Self::Flags, _: &Roots) -> Measured<Self> {
                let new: fn($flags) -> Measured<()> = $new;
                new(flags).map(|()| Self)
            }

            fn collect(&mut self, _: &mut Host, _: &mut Text) -> Measured<()> {
                Ok(())
            }
        }
    };
}

fake!(Plain, "plain", true, (), |()| Ok(()));
fake!(Off, "off", false, (), |()| Ok(()));
fake!(Grouped, "container.plain", true, (), |()| Ok(()));
fake!(Picky, "picky", true, Flags, |flags| {
    TOLD.set(Some((flags.netlink, flags.no_guest, flags.more)));
    match regex_lite::Regex::new(&flags.include) {
        Ok(_) => Ok(()),
        Err(_) => Err(Error::Config(format!("--collector.picky.include:\n{}", flags.include))),
    }
});

thread_local! {
    /// Booleans as the collector was last told them.
    static TOLD: Cell<Option<(bool, bool, bool)>> = const { Cell::new(None) };
}

#[derive(Args)]
#[group(skip)]
struct Flags {
    #[arg(id = "collector.picky.include", long, alias = "collector.picky.old", default_value = "")]
    include: String,
    #[arg(id = "collector.picky.netlink", long, action = ArgAction::Set, default_value_t = true)]
    netlink: bool,
    #[arg(id = "no-collector.picky.guest", long)]
    no_guest: bool,
    #[arg(id = "collector.picky.more", long)]
    more: bool,
}

const SPECS: &[Spec] =
    &[Spec::of::<Plain>(), Spec::of::<Off>(), Spec::of::<Picky>(), Spec::of::<Grouped>()];

/// What is asked with these arguments, where these paths are there and these files can be read.
fn asked(
    arguments: &[&str],
    variable: Option<&str>,
    there: &[&str],
    files: &[(&str, &str)],
) -> Result<Asked, Refused> {
    parse(World {
        arguments: arguments.iter().map(OsString::from).collect(),
        variable: variable.map(OsString::from),
        exists: &|path| there.iter().any(|p| Path::new(p) == path),
        read: &|path| {
            let found = files.iter().find(|(name, _)| Path::new(name) == path);
            found
                .map(|(_, text)| text.as_bytes().into())
                .ok_or(io::Error::from_raw_os_error(2))
        },
        specs: SPECS,
    })
}

fn config(arguments: &[&str]) -> Config {
    match asked(arguments, None, &[], &[]) {
        Ok(Asked::Run(config)) => *config,
        Ok(Asked::Text(text)) => panic!("{text}"),
        Err(refused) => panic!("{refused}"),
    }
}

fn names(arguments: &[&str]) -> Vec<&'static str> {
    let collectors = config(arguments).collectors;
    collectors.into_iter().map(|(name, _)| name).collect()
}

fn refusal(arguments: &[&str]) -> String {
    match asked(arguments, None, &[], &[]) {
        Ok(_) => "none".into(),
        Err(refused) => refused.to_string(),
    }
}

#[test]
fn serves_by_default() {
    let config = config(&[]);
    assert_eq!(config.action, Action::Serve);
    assert_eq!(config.listen, [":9100"]);
    assert_eq!(config.log, log::Settings::default());
    assert_eq!((config.roots, config.origin), (Roots::default(), Origin::Own));
    assert_eq!(
        config.inventory,
        inventory::Settings {
            docker: vec!["/var/run/docker.sock".into(), "/host/run/docker.sock".into()],
            agent: Some("127.0.0.1:51678".into()),
            labels: inventory::Labels::default(),
            service: inventory::Service::Metadata,
            endpoint: "127.0.0.1:51679".into(),
        }
    );
    let http = config.http;
    assert_eq!(http.metrics_path, "/metrics");
    assert_eq!((http.max_requests, http.exporter_metrics), (40, true));
    assert_eq!(http.timeout_margin, Duration::from_millis(500));
    assert!(!config.systemd_units && !config.in_container);
    assert_eq!((config.systemd_socket, config.web_config), (false, None));
    assert_eq!((config.discovery_http, config.discovery_file), (true, None));
    assert_eq!((config.discovery.address, config.discovery.own), (None, None));
}

#[test]
fn takes_every_flag() {
    let config = config(&[
        "--web.listen-address=127.0.0.1:1",
        "--web.listen-address",
        "[::1]:2",
        "--web.systemd-socket",
        "--web.config.file=web.yml",
        "--web.telemetry-path=/m",
        "--web.max-requests=1e1",
        "--web.disable-exporter-metrics",
        "--web.scrape-timeout-margin=1s",
        "--path.procfs=/p",
        "--path.sysfs",
        "/s",
        "--path.rootfs=/r",
        "--docker.socket=/d.sock",
        "--ecs.agent-address=",
        "--ecs.metadata-address=127.0.0.1:1",
        "--collector.ecs.service-name=label:team.service",
        "--no-sd.http",
        "--sd.file=/sd/targets.json",
        "--sd.rule=family=web,port=80",
        "--sd.rule=container=~app.*,port=8080,path=/m",
        "--sd.labels=cloudmap",
        "--sd.host-address=10.0.0.1",
        "--collector.container.labels=a,b c",
        "--collector.container.labels=*",
        "--container.systemd-units",
        "--runtime.gomaxprocs=3",
        "--log.level=WARN",
        "--log.format=json",
    ]);
    assert_eq!(config.listen, ["127.0.0.1:1", "[::1]:2"]);
    assert_eq!((config.systemd_socket, config.web_config), (true, Some("web.yml".into())));
    let http = config.http;
    assert_eq!(http.metrics_path, "/m");
    assert_eq!((http.max_requests, http.exporter_metrics), (10, false));
    assert_eq!(http.timeout_margin, Duration::from_secs(1));
    let roots = Roots {
        proc: "/p".into(),
        sys: "/s".into(),
        rootfs: "/r".into(),
        udev: "/r/run/udev/data".into(),
    };
    assert_eq!((config.roots, config.origin), (roots, Origin::Flags));
    let labels = inventory::Labels::asked(["a,b c", "*"]).unwrap();
    let docker = vec!["/d.sock".into()];
    let service = inventory::Service::Label("team.service".into());
    let endpoint = "127.0.0.1:1".into();
    let expected = inventory::Settings { docker, agent: None, labels, service, endpoint };
    assert_eq!(config.inventory, expected);
    let discovery = config.discovery;
    assert_eq!((discovery.rules.len(), discovery.address.as_deref()), (2, Some("10.0.0.1")));
    assert_eq!(discovery.preset, Some(discovery::Preset::CloudMap));
    assert_eq!(
        (config.discovery_http, config.discovery_file),
        (false, Some("/sd/targets.json".into()))
    );
    assert!(config.systemd_units);
    assert_eq!(config.log, log::Settings { level: Level::WARN, format: log::Format::Json });
}

#[test]
fn switches_collectors() {
    assert_eq!(names(&[]), ["plain", "picky", "container.plain"]);
    assert_eq!(
        names(&["--no-collector.plain", "--collector.off"]),
        ["off", "picky", "container.plain"]
    );
    assert_eq!(names(&["--collector.disable-defaults"]), [""; 0]);
    assert_eq!(names(&["--collector.disable-defaults", "--collector.off"]), ["off"]);
    assert_eq!(
        names(&["--collector.container.plain", "--collector.disable-defaults"]),
        ["container.plain"]
    );
    assert_eq!(
        names(&["--no-collector.off", "--no-collector.container.plain"]),
        ["plain", "picky"]
    );
}

#[test]
fn tells_collectors_their_booleans_however_they_declare_them() {
    let told = |arguments: &[&str]| {
        config(arguments);
        TOLD.take()
    };
    assert_eq!(told(&[]), Some((true, false, false)));
    assert_eq!(told(&["--no-collector.picky.netlink"]), Some((false, false, false)));
    assert_eq!(told(&["--collector.picky.netlink"]), Some((true, false, false)));
    assert_eq!(told(&["--no-collector.picky.guest"]), Some((true, true, false)));
    assert_eq!(told(&["--collector.picky.guest"]), Some((true, false, false)));
    assert_eq!(told(&["--collector.picky.more"]), Some((true, false, true)));
    assert_eq!(told(&["--no-collector.picky.more"]), Some((true, false, false)));
    assert_eq!(told(&["--no-collector.picky"]), None, "what is off is not made");
}

#[test]
fn refuses_as_kingpin_does() {
    for (arguments, expected) in [
        (&["--bogus"][..], "unknown long flag '--bogus'"),
        (&["--bogus", "--version"], "unknown long flag '--bogus'"),
        (&["--help", "--bogus"], "unknown long flag '--bogus'"),
        (&["-x"], "unknown short flag '-x'"),
        (&["-hx"], "unknown short flag '-x'"),
        (&["-"], "unknown short flag '-'"),
        (&["---x"], "unknown long flag '---x'"),
        (&["--=3"], "unknown long flag '--'"),
        (&["foo"], "unexpected foo"),
        (&["--", "foo"], "unexpected foo"),
        (&["--", "--bogus"], "unexpected --bogus"),
        (&[""], "unexpected "),
        (&["once", "once"], "unexpected once"),
        (&["--collect=plain", "once"], "unknown long flag '--collect'"),
        (&["--collector.plain=false"], "unexpected false"),
        (&["--collector.plain", "false"], "unexpected false"),
        (&["--web.max-req=1"], "unknown long flag '--web.max-req'"),
        (&["--no-web.max-requests"], "unknown long flag '--no-web.max-requests'"),
        (&["--web.max-requests"], "expected argument for flag '--web.max-requests'"),
        (&["--web.max-requests", "-1"], "expected argument for flag '--web.max-requests'"),
        (
            &["--web.telemetry-path", "--version"],
            "expected argument for flag '--web.telemetry-path'",
        ),
        (
            &["--web.max-requests=1", "--web.max-requests=1"],
            "flag 'web.max-requests' cannot be repeated",
        ),
        (
            &["--collector.plain", "--no-collector.plain"],
            "flag 'collector.plain' cannot be repeated",
        ),
        (
            &["--collector.picky.old=a", "--collector.picky.include=b"],
            "flag 'collector.picky.include' cannot be repeated",
        ),
        (
            &["--collector.picky.guest", "--no-collector.picky.guest"],
            "flag 'collector.picky.guest' cannot be repeated",
        ),
    ] {
        assert_eq!(refusal(arguments), expected, "{arguments:?}");
    }
    for fine in [
        &["--web.max-requests=-1"][..],
        &["--web.max-requests=1.9"],
        &["--no-web.disable-exporter-metrics"],
        &["--"],
        &["--web.listen-address="],
        &["--web.config.file="],
    ] {
        assert_eq!(refusal(fine), "none", "{fine:?}");
    }
}

#[test]
fn names_the_flag_whose_value_is_wrong() {
    for (argument, expected) in [
        (
            "--web.max-requests=abc",
            "invalid value \"abc\" for flag '--web.max-requests': a number expected",
        ),
        (
            "--web.max-requests=",
            "invalid value \"\" for flag '--web.max-requests': a number expected",
        ),
        (
            "--runtime.gomaxprocs=x",
            "invalid value \"x\" for flag '--runtime.gomaxprocs': a number expected",
        ),
        (
            "--web.listen-address=9100",
            "invalid value \"9100\" for flag '--web.listen-address': host:port expected",
        ),
        (
            "--log.level=loud",
            "invalid value \"loud\" for flag '--log.level': one of debug, info, warn, error expected",
        ),
        (
            "--log.format=xml",
            "invalid value \"xml\" for flag '--log.format': one of logfmt, json expected",
        ),
        (
            "--web.telemetry-path=m",
            "invalid value \"m\" for flag '--web.telemetry-path': a path that begins with / expected",
        ),
        (
            "--web.scrape-timeout-margin=5",
            "invalid value \"5\" for flag '--web.scrape-timeout-margin': a time with its unit expected, such as 500ms",
        ),
        ("--path.procfs=", "invalid value \"\" for flag '--path.procfs': something expected"),
        ("--collector.picky.include=(", "--collector.picky.include: ("),
    ] {
        assert_eq!(refusal(&[argument]), expected);
    }
    assert_eq!(refusal(&["--no-collector.picky", "--collector.picky.include=("]), "none");
}

#[test]
fn knows_the_collectors_that_are_not_there() {
    let missing = |arguments| config(arguments).missing;
    assert_eq!(missing(&["--no-collector.runit", "--no-collector.supervisord"]), [""; 0]);
    let runit = ["--collector.runit", "--collector.runit.servicedir=/etc/service"];
    assert_eq!(missing(&runit), ["runit"]);
    let url = "--collector.supervisord.url=http://localhost:9001/RPC2";
    let both = ["--collector.supervisord", url, "--collector.runit"];
    assert_eq!(missing(&both), ["runit", "supervisord"]);
    assert_eq!(names(&runit), names(&[]));
}

#[test]
fn names_the_nearest_collector() {
    let near = "unknown long flag '--no-collector.plian' (nearest is '--no-collector.plain')";
    assert_eq!(refusal(&["--no-collector.plian"]), near);
    assert_eq!(refusal(&["--collector.xyzzyx"]), "unknown long flag '--collector.xyzzyx'");
}

#[test]
fn says_which_build_it_is_before_anything_is_wrong() {
    for arguments in
        [&["--version"][..], &["--version", "--bogus"], &["--no-version"], &["once", "--version=3"]]
    {
        let Ok(Asked::Text(text)) = asked(arguments, None, &[], &[]) else {
            panic!("{arguments:?}")
        };
        assert!(text.starts_with("ecs-host-exporter, version "), "{text}");
    }
}

#[test]
fn helps_with_every_flag() {
    for arguments in [&["--help"][..], &["-h"], &["--help-long"], &["once", "--help"]] {
        let Ok(Asked::Text(text)) = asked(arguments, None, &[], &[]) else {
            panic!("{arguments:?}")
        };
        for flag in [
            "\n  -h, --help ",
            "\n      --web.listen-address=ADDRESS ...\n",
            "\n      --[no-]collector.plain ",
            "\n      --no-collector.picky.guest\n",
            "\n  healthcheck ",
            "\n      --collect=NAME ...",
        ] {
            assert!(text.contains(flag), "{flag:?} in\n{text}");
        }
        assert!(!text.contains("gomaxprocs"));
        assert!(text.lines().all(|line| line.len() < 120), "{text}");
    }
}

#[test]
fn takes_flags_before_and_after_a_subcommand() {
    let action = |arguments: &[&str]| {
        let config = config(arguments);
        assert_eq!(config.listen, [":1"]);
        config.action
    };
    let once =
        |names: &[&str]| Action::Once { collect: names.iter().map(|n| (*n).into()).collect() };
    let listen = "--web.listen-address=:1";
    assert_eq!(action(&[listen, "once"]), once(&[]));
    assert_eq!(action(&["once", "--collect=a", "--collect", "node", listen]), once(&["a", "node"]));
    assert_eq!(action(&[listen, "doctor"]), Action::Doctor { json: false });
    assert_eq!(action(&["doctor", "--json", listen]), Action::Doctor { json: true });
    assert_eq!(action(&["reference", listen]), Action::Reference);
    let healthcheck = |address: &str| Action::Healthcheck { address: address.into() };
    assert_eq!(action(&["healthcheck", listen]), healthcheck(":1"));
    assert_eq!(action(&["healthcheck", listen, "--web.address=[::1]:2"]), healthcheck("[::1]:2"));
}

#[test]
fn reads_files_of_arguments() {
    let files = [
        ("/a", "# what we want\n--web.telemetry-path=/x y\n\n--log.level\nerror\r\n@b"),
        ("/loop", "@/loop"),
        ("b", "--docker.socket\n"),
        ("c", "/c.sock"),
        ("/good", "--log.level\nerror\n@b\n@c"),
    ];
    let asked = |arguments: &[&str]| asked(arguments, None, &[], &files);
    let refusal = |arguments: &[&str]| asked(arguments).map(|_| ()).unwrap_err().to_string();
    let Ok(Asked::Run(config)) = asked(&["@/good", "--web.max-requests=3"]) else { panic!() };
    assert_eq!(config.log.level, Level::ERROR);
    assert_eq!(config.inventory.docker, [Path::new("/c.sock")]);
    assert_eq!(config.http.max_requests, 3);
    assert_eq!(refusal(&["@/a"]), "expected argument for flag '--docker.socket'");
    assert_eq!(
        refusal(&["@/a", "@c"]),
        "invalid value \"/x y\" for flag '--web.telemetry-path': a path that begins with / expected"
    );
    assert_eq!(
        refusal(&["@/none"]),
        "failed to open arguments file \"/none\": No such file or directory (os error 2)"
    );
    assert_eq!(
        refusal(&["@/loop"]),
        "arguments file \"/loop\": too many files, or a file that names itself"
    );
    assert_eq!(refusal(&["--", "@/good"]), "unexpected @/good");
}

#[test]
fn reads_the_environment_first() {
    let asked = |variable: &str, arguments: &[&str]| asked(arguments, Some(variable), &[], &[]);
    let variable = "--web.telemetry-path='/my-'metrics --log.level debug";
    let Ok(Asked::Run(config)) = asked(variable, &["--log.format=json"]) else { panic!() };
    assert_eq!(config.http.metrics_path, "/my-metrics");
    assert_eq!(config.log, log::Settings { level: Level::DEBUG, format: log::Format::Json });
    let refusal = |variable: &str, arguments: &[&str]| {
        asked(variable, arguments)
            .map(|_| ())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        refusal("--log.level 'debug", &[]),
        "ECS_HOST_EXPORTER_ARGS has a quote without its end"
    );
    assert_eq!(
        refusal("--log.level=debug", &["--log.level=info"]),
        "flag 'log.level' cannot be repeated"
    );
}

#[test]
fn finds_the_mounts_of_a_container() {
    let there = [
        "/.dockerenv",
        "/host/proc/loadavg",
        "/host/sys/devices",
        "/rootfs/etc",
        "/rootfs/run/docker.sock",
    ];
    let config = |arguments: &[&str], there: &[&str]| {
        let Ok(Asked::Run(config)) = asked(arguments, None, there, &[]) else { panic!() };
        *config
    };
    let found = config(&[], &there);
    let mounts = Roots {
        proc: "/host/proc".into(),
        sys: "/host/sys".into(),
        rootfs: "/rootfs".into(),
        udev: "/rootfs/run/udev/data".into(),
    };
    assert_eq!((found.roots, found.origin), (mounts.clone(), Origin::Mounts));
    assert_eq!(found.inventory.docker[1], Path::new("/rootfs/run/docker.sock"));
    let udev = config(&["--path.udev.data=/u"], &there);
    assert_eq!((udev.roots, udev.origin), (Roots { udev: "/u".into(), ..mounts }, Origin::Mounts));
    let flag = config(&["--path.procfs=/proc"], &there);
    assert_eq!((flag.roots, flag.origin), (Roots::default(), Origin::Flags));
    assert!(
        config(&["--docker.socket="], &there)
            .inventory
            .docker
            .is_empty()
    );
    let host = config(&[], &there[1..]);
    assert_eq!((host.roots, host.origin), (Roots::default(), Origin::Own), "not in a container");
}

#[test]
fn the_real_flags_are_sound() {
    command().debug_assert();
}
