use super::*;

use std::collections::HashSet;
use std::time::Duration;

use crate::inventory::docker::{Known, parse_inspect};
use crate::inventory::{Errors, Labels, agent};
use crate::scrape::{Fared, Outcome};

const NOW: SystemTime = SystemTime::UNIX_EPOCH;

fn fared(outcome: Outcome, micros: u64, samples: usize) -> Option<Fared> {
    let took = Some(Duration::from_micros(micros)).filter(|_| outcome != Outcome::Late);
    Some(Fared { at: NOW, took, outcome, samples, text: None })
}

/// A page after a scrape of a few collectors.
fn seen(containers: Vec<Known>) -> Seen {
    let account = Account {
        last: Some(Last { at: NOW, took: Duration::from_micros(4249) }),
        collectors: vec![
            ("fine", fared(Outcome::Ok, 850, 1364)),
            ("absent", fared(Outcome::Absent("/x".into()), 9, 0)),
            ("partly", fared(Outcome::Partly("<b>: broken".into()), 10, 1)),
            ("failing", fared(Outcome::Failed("/y: no".into()), 11, 0)),
            ("late", fared(Outcome::Late, 0, 0)),
            ("unasked", None),
        ],
        own: None,
    };
    let families = vec![("container_a".into(), 1300), ("node_b".into(), 65)];
    Seen {
        now: NOW + Duration::from_secs(42),
        version: "1.2.3",
        links: vec![
            ("/m\"<".into(), "Metrics"),
            ("/r".into(), "Reference"),
            ("/h".into(), "Health"),
        ],
        summary: Summary { name: "host<1>".into(), cpus: 2, ..Summary::default() },
        account,
        counted: Arc::new(Counted { series: 1365, bytes: 2048, families }),
        sources: vec![
            Source {
                up: true,
                last_success: Some(NOW),
                errors: Errors::of(1),
                ..Source::new("docker")
            },
            Source { errors: Errors::of(7), ..Source::new("ecs_agent") },
        ],
        inventory: Arc::new(Inventory::of(containers, None, &Labels::default())),
    }
}

/// The text of a page, an element a line, without its style and script.
fn lines(page: &str) -> Vec<String> {
    let body = page
        .split_once("</style>")
        .unwrap()
        .1
        .split_once("<script>")
        .unwrap()
        .0;
    let text = body
        .replace("</tr>", "\n")
        .replace("</div>", "\n")
        .replace("</section>", "\n");
    let text = text.replace("</tbody>", "").replace("<tbody>", "");
    let mut out = String::new();
    let mut inside = false;
    for c in text.chars() {
        match c {
            '<' => inside = true,
            '>' => {
                inside = false;
                out.push(' ');
            }
            c if !inside => out.push(c),
            _ => {}
        }
    }
    let line = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    out.lines()
        .map(line)
        .filter(|line| !line.is_empty())
        .collect()
}

#[test]
fn says_how_things_stand() {
    let page = page::whole(&seen(vec![]));
    let lines = lines(&page);
    for expected in [
        "host&lt;1&gt;",
        "42 s ago 1,365 series in 4.2 ms, 2 KiB of text",
        "Collectors 2 failed 1 fine, 1 with nothing to measure here",
        "Docker answers 1 failure",
        "ECS agent never answered 7 failures",
        "failing failed: /y: no 0 11 µs",
        "partly went on without &lt;b&gt;: broken 1 10 µs",
        "late was not done in time 0 –",
        "fine 1,364 850 µs",
        "container_ a 1,300 95.2 %",
    ] {
        assert!(lines.iter().any(|line| line.contains(expected)), "{expected}: {lines:#?}");
    }
    assert!(page.contains("<a href=\"/m&quot;&lt;\">Metrics</a>"));
    assert!(!page.contains("unasked"));
}

#[test]
fn says_so_where_nothing_is_known() {
    let seen = Seen {
        account: Account { collectors: vec![("fine", None)], ..Account::default() },
        counted: Arc::default(),
        sources: vec![],
        ..seen(vec![])
    };
    let lines = lines(&page::whole(&seen));
    for expected in ["none yet", "1 on None has run yet.", "Nobody has told of any."] {
        assert!(lines.iter().any(|line| line.contains(expected)), "{expected}: {lines:#?}");
    }
}

#[test]
fn lists_containers_by_task() {
    let docker =
        parse_inspect(include_bytes!("../../../fixtures/ecs-agent-cgroup2/docker/inspect.json"));
    let metadata = agent::parse_metadata(include_bytes!(
        "../../../fixtures/ecs-agent-cgroup2/agent/metadata.json"
    ));
    let tasks = include_bytes!("../../../fixtures/ecs-agent-cgroup2/agent/tasks.json");
    let tasks = agent::parse_tasks(tasks).unwrap();
    let answer = agent::Answer { metadata: metadata.unwrap(), tasks };
    let inventory = Inventory::of(docker.unwrap(), Some(answer), &Labels::default());
    let lines = lines(&page::whole(&Seen { inventory: Arc::new(inventory), ..seen(vec![]) }));
    let from = lines
        .iter()
        .position(|line| line.contains("Up for") && line.contains("State"))
        .unwrap();
    let rows: Vec<_> = lines[from + 1..]
        .iter()
        .take(5)
        .map(String::as_str)
        .collect();
    assert_eq!(
        rows,
        [
            "batch : 3 task e09f0aba4e35 , cluster tb-cluster , running",
            "job busybox:local 3e2ae73eeb9a running 0 s",
            "web : 7 task 188321f4b693 , cluster tb-cluster , running",
            "app busybox:local 102c76bf37ea running 0 s",
            "sidecar busybox:local d9ca084fa171 running 0 s",
        ]
    );
}

/// A label may hold anything.
#[test]
fn hostile_labels_stay_text() {
    const HOSTILE: &str =
        "</script><script>alert(1)</script><img src=x onerror=\"alert('2')\">\u{202e}\0";
    let json = |value: &str| {
        let value = serde_json::to_string(value).unwrap();
        format!(
            r#"[{{"Id":{value},"Name":{value},"Config":{{"Image":{value},"Labels":{{
                "com.amazonaws.ecs.cluster":{value},"com.amazonaws.ecs.task-arn":{value},
                "com.amazonaws.ecs.container-name":{value},
                "com.amazonaws.ecs.task-definition-family":{value},
                "com.amazonaws.ecs.task-definition-version":{value}}}}},
                "State":{{"Status":"running"}}}}]"#
        )
    };
    let page = |json: &[u8]| page::whole(&seen(parse_inspect(json).unwrap()));
    let elements = |page: &str| -> HashSet<String> {
        let tag = |rest: &str| rest.split([' ', '>']).next().unwrap().to_owned();
        page.split('<').skip(1).map(tag).collect()
    };
    let harmless = page(json("x").as_bytes());
    let hostile = page(json(HOSTILE).as_bytes());
    assert!(hostile.contains("&lt;script&gt;alert(1)"), "it is shown");
    assert_eq!(elements(&hostile), elements(&harmless), "and is nothing but text");
    assert!(!hostile.contains("<script>alert") && !hostile.contains("<img"));
    assert_eq!(hostile.matches("<script").count(), 1);

    let long = page(json(&"\"&<".repeat(350_000)).as_bytes());
    assert_eq!(elements(&long), elements(&harmless));
    assert!(long.len() < harmless.len() + 40_000, "{} bytes", long.len());

    let mut invalid = json("before-here-after").into_bytes();
    for at in 0..invalid.len() {
        if invalid[at..].starts_with(b"here") {
            invalid[at..at + 4].copy_from_slice(b"\xff\xfe\xc0\x80");
        }
    }
    let invalid = page(&invalid);
    assert!(invalid.contains("before-\u{fffd}") && elements(&invalid) == elements(&harmless));
}

#[test]
fn is_small() {
    let nothing = page::whole(&seen(vec![]));
    assert!(nothing.len() < 20_000, "{} bytes", nothing.len());
}

#[test]
fn nothing_of_the_page_is_run_but_what_the_policy_names() {
    let page = page::whole(&seen(vec![]));
    let policy = policy();
    let policy = policy.to_str().unwrap();
    for (kind, open, close) in
        [("style", "<style>", "</style>"), ("script", "<script>", "</script>")]
    {
        let (_, rest) = page.split_once(open).unwrap();
        let (text, _) = rest.split_once(close).unwrap();
        let hash = STANDARD.encode(digest(&SHA256, text.as_bytes()));
        assert!(policy.contains(&format!("{kind}-src 'sha256-{hash}';")), "{policy}");
    }
    assert!(policy.starts_with("default-src 'none'; "));
    for attribute in [" style=", " onclick=", " onload=", " src=", "javascript:"] {
        let (body, _) = page.split_once("<script>").unwrap();
        assert!(!body.contains(attribute), "{attribute}");
    }
}
