//! What mends a trouble: words, and the very line of a task definition, of `docker run`, of a
//! systemd unit or of the command line.

use serde::Serialize;

/// What mends a trouble, ready to be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Remedy {
    /// What to do.
    pub(super) words: &'static str,
    /// For the task definition.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) task_definition: String,
    /// For `docker run`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) docker_run: String,
    /// For the `[Service]` of a unit.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) unit: String,
    /// For the exporter's command line.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) flag: String,
}

impl Remedy {
    /// Whether there is nothing to do.
    pub(super) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// The same, as it is written here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Advice {
    words: &'static str,
    task_definition: &'static str,
    docker_run: &'static str,
    unit: &'static str,
    flag: &'static str,
}

impl From<Advice> for Remedy {
    fn from(advice: Advice) -> Self {
        let Advice { words, task_definition, docker_run, unit, flag } = advice;
        Self {
            words,
            task_definition: task_definition.into(),
            docker_run: docker_run.into(),
            unit: unit.into(),
            flag: flag.into(),
        }
    }
}

/// Nothing is to be mended, or nothing can be done here.
pub(super) const NOTHING: Advice =
    Advice { words: "", task_definition: "", docker_run: "", unit: "", flag: "" };

/// Words alone.
pub(super) const fn words(words: &'static str) -> Advice {
    Advice { words, ..NOTHING }
}

/// The lines of a container.
const fn container(words: &'static str, task: &'static str, docker: &'static str) -> Advice {
    Advice { words, task_definition: task, docker_run: docker, ..NOTHING }
}

/// The same, with what a unit needs.
const fn or_unit(remedy: Advice, unit: &'static str) -> Advice {
    Advice { unit, ..remedy }
}

pub(super) const PROC: Advice = or_unit(
    container(
        "mount the host's /proc at /host/proc, read-only",
        r#""volumes": [{"name": "proc", "host": {"sourcePath": "/proc"}}], "mountPoints": [{"sourceVolume": "proc", "containerPath": "/host/proc", "readOnly": true}]"#,
        "--volume=/proc:/host/proc:ro",
    ),
    "ProtectProc=default and ProcSubset=all",
);

pub(super) const SYS: Advice = or_unit(
    container(
        "mount the host's /sys at /host/sys, read-only, with what is mounted below",
        r#""volumes": [{"name": "sys", "host": {"sourcePath": "/sys"}}], "mountPoints": [{"sourceVolume": "sys", "containerPath": "/host/sys", "readOnly": true}]"#,
        "--volume=/sys:/host/sys:ro",
    ),
    "no InaccessiblePaths= below /sys",
);

/// The path that hosts had their control groups at before Amazon Linux 2.
pub(super) const OLD_CGROUP: Advice = container(
    "take the mount of /cgroup out, it is of Amazon Linux 1, and mount the host's /sys",
    r#""volumes": [{"name": "sys", "host": {"sourcePath": "/sys"}}], "mountPoints": [{"sourceVolume": "sys", "containerPath": "/host/sys", "readOnly": true}]"#,
    "--volume=/sys:/host/sys:ro",
);

pub(super) const ROOTFS: Advice = container(
    "mount the host's / at /rootfs, read-only, or give --path.rootfs",
    r#""volumes": [{"name": "rootfs", "host": {"sourcePath": "/"}}], "mountPoints": [{"sourceVolume": "rootfs", "containerPath": "/rootfs", "readOnly": true}]"#,
    "--volume=/:/rootfs:ro,rslave",
);

pub(super) const PIDS: Advice =
    container("set pidMode to host", r#""pidMode": "host""#, "--pid=host");

pub(super) const NETWORK: Advice = or_unit(
    container("set networkMode to host", r#""networkMode": "host""#, "--network=host"),
    "PrivateNetwork=no",
);

pub(super) const DOCKER_MOUNT: Advice = Advice {
    flag: "--docker.socket=PATH, or --docker.socket= for no Docker",
    ..container(
        "mount the host's /var/run, in which the socket is",
        r#""volumes": [{"name": "run", "host": {"sourcePath": "/var/run"}}], "mountPoints": [{"sourceVolume": "run", "containerPath": "/host/run", "readOnly": true}]"#,
        "--volume=/var/run:/host/run:ro",
    )
};

pub(super) const DOCKER_START: Advice = Advice {
    flag: "--docker.socket=PATH, or --docker.socket= for no Docker",
    ..words("start Docker, unless the host has none")
};

/// Where a socket is mounted as a file, a new one of the same name is not seen.
pub(super) const DOCKER_STALE: Advice = container(
    "start Docker; if it was restarted, mount the directory of the socket in place of the socket",
    r#""volumes": [{"name": "run", "host": {"sourcePath": "/var/run"}}], "mountPoints": [{"sourceVolume": "run", "containerPath": "/host/run", "readOnly": true}]"#,
    "--volume=/var/run:/host/run:ro",
);

/// With the group that a socket belongs to.
pub(super) fn docker_group(group: Option<u32>) -> Remedy {
    let group = group.map_or("GROUP".to_owned(), |id| id.to_string());
    Remedy {
        words: "run with the group that the socket belongs to",
        task_definition: format!(r#""user": "65534:{group}""#),
        docker_run: format!("--user=65534:{group}"),
        unit: "SupplementaryGroups=docker".into(),
        flag: String::new(),
    }
}

/// A family of sockets that a unit forbids.
pub(super) const FAMILIES: Advice = or_unit(
    words("let the unit use sockets of this kind"),
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
);

pub(super) const AGENT_NETWORK: Advice = Advice {
    words: "set networkMode to host: the agent listens on the host's loopback alone",
    flag: "--ecs.agent-address=HOST:PORT, or --ecs.agent-address= for no ECS",
    ..NETWORK
};

pub(super) const AGENT_START: Advice = Advice {
    flag: "--ecs.agent-address= where the host is not of ECS",
    ..words("start the agent, unless the host is not of ECS")
};

pub(super) const RIGHTS: Advice = or_unit(
    container(
        "run as root with DAC_READ_SEARCH, where that matters",
        r#""user": "0", "linuxParameters": {"capabilities": {"drop": ["ALL"], "add": ["DAC_READ_SEARCH"]}}"#,
        "--user=0 --cap-drop=ALL --cap-add=DAC_READ_SEARCH",
    ),
    "AmbientCapabilities=CAP_DAC_READ_SEARCH",
);

pub(super) const PTRACE: Advice = or_unit(
    container(
        "give the capability to look into processes of others",
        r#""user": "0", "linuxParameters": {"capabilities": {"drop": ["ALL"], "add": ["DAC_READ_SEARCH", "SYS_PTRACE"]}}"#,
        "--user=0 --cap-drop=ALL --cap-add=DAC_READ_SEARCH --cap-add=SYS_PTRACE",
    ),
    "AmbientCapabilities=CAP_DAC_READ_SEARCH CAP_SYS_PTRACE",
);

/// Docker's seccomp profile lets those with `SYS_ADMIN` count events; older ones do not know
/// `PERFMON`.
pub(super) const PERF: Advice = or_unit(
    container(
        "give the capability to count events of the whole host",
        r#""user": "0", "linuxParameters": {"capabilities": {"drop": ["ALL"], "add": ["SYS_ADMIN"]}}"#,
        "--user=0 --cap-drop=ALL --cap-add=SYS_ADMIN",
    ),
    "AmbientCapabilities=CAP_PERFMON",
);

pub(super) const SELINUX: Advice = container(
    "SELinux denies it: run without its label, on an agent with ECS_SELINUX_CAPABLE=true",
    r#""dockerSecurityOptions": ["label:disable"]"#,
    "--security-opt=label=disable",
);

pub(super) const APPARMOR: Advice = container(
    "AppArmor denies it: run without its profile, on an agent with ECS_APPARMOR_CAPABLE=true",
    r#""dockerSecurityOptions": ["apparmor:unconfined"]"#,
    "--security-opt=apparmor=unconfined",
);

pub(super) const OPEN_FILES: Advice = or_unit(
    container(
        "set the ulimit nofile to 65536",
        r#""ulimits": [{"name": "nofile", "softLimit": 65536, "hardLimit": 65536}]"#,
        "--ulimit=nofile=65536",
    ),
    "LimitNOFILE=65536",
);

/// Switches a collector on, or off.
pub(super) fn switch(words: &'static str, on: bool, name: &str) -> Remedy {
    let no = if on { "" } else { "no-" };
    Remedy { flag: format!("--{no}collector.{name}"), words, ..Remedy::default() }
}
