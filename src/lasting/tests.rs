use super::book::{Book, DAY, GRACE};
use super::settle::sums;
use super::*;
use crate::cgroup::{Cpu, Finals};
use crate::container::endings::{Ended, How};
use crate::inventory::agent::{Answer, Container as Told1, Metadata, Status, Task};
use crate::inventory::docker::{Health, Known, State};
use crate::inventory::{Happening, What, Who};

/// When the count began, and since when there are events.
const SINCE: f64 = 1_800_000_000.0;

const APP: [&str; 4] = ["prod", "", "web", "app"];

fn who(name: &str) -> Option<Who> {
    Some(Who {
        cluster: "prod".into(),
        task: "t1".into(),
        family: "web".into(),
        container: name.into(),
    })
}

fn happened(book: &mut Book, id: &str, after: f64, what: What) {
    let at = SINCE + after;
    let happening = Happening { id: id.into(), at, what, who: who("app") };
    book.told(Told::Happened(&happening), at);
}

fn known(id: &str, began: f64) -> Known {
    let known = Known {
        id: id.into(),
        pid: Some(7),
        created: Some(SINCE + began - 1.0),
        started: Some(SINCE + began),
        state: State::Running,
        ..Known::default()
    };
    let labels = [
        ("com.amazonaws.ecs.cluster", "prod"),
        ("com.amazonaws.ecs.task-arn", "arn:aws:ecs:r:1:task/prod/t1"),
        ("com.amazonaws.ecs.task-definition-family", "web"),
        ("com.amazonaws.ecs.container-name", "app"),
    ];
    let labels = labels.map(|(key, value)| (key.into(), value.into()));
    Known { labels: labels.into(), ..known }
}

fn over(known: Known, ended: f64, code: i64) -> Known {
    Known {
        pid: None,
        finished: Some(SINCE + ended),
        exit_code: Some(code),
        state: State::Exited,
        ..known
    }
}

fn ended(id: &str, inode: u64, cpu_nsec: u64, oom_kills: u64) -> Ended {
    let cpu = Cpu { usage_nsec: Some(cpu_nsec), ..Cpu::default() };
    Ended {
        id: id.into(),
        path: format!("/ecs/t1/{id}").into(),
        inode,
        task: Some("t1".into()),
        named: None,
        began: Some(SystemTime::UNIX_EPOCH + Duration::from_secs_f64(SINCE + 1.0)),
        ended: SystemTime::UNIX_EPOCH,
        finals: Finals {
            cpu: Some(cpu),
            oom_kills: Some(oom_kills),
            peak: Some(20 << 20),
            io: vec![],
        },
        how: How::Read,
        scraped: false,
    }
}

fn reading(id: &str, inode: u64, made: f64, cpu_nsec: u64) -> Reading<'_> {
    let numbers = Some(Numbers { cpu_nsec, oom_kills: 0 });
    Reading { id, inode, made: Some(SINCE + made), numbers }
}

fn settle(book: &mut Book, after: f64) {
    book.settle(SINCE + after, |_| Service::Is(""));
}

fn book() -> Book {
    let mut book = Book::new(SINCE);
    book.told(Told::Connected(SINCE), SINCE);
    book
}

/// A book with some of everything.
pub(super) fn busy() -> Book {
    let mut book = book();
    happened(&mut book, "a", 2.25, What::Started);
    happened(&mut book, "b\"\n\u{0}é", 3.1, What::Started);
    book.read([reading("a", 5, 2.0, 1_000)].into_iter(), SINCE + 4.0);
    settle(&mut book, 5.0);
    happened(&mut book, "a", 6.7, What::Health(Health::Unhealthy));
    happened(&mut book, "a", 8.9, What::Ended(Some(137)));
    book.ended(&ended("a", 5, 3_000, 1), SINCE + 9.0);
    book.read([reading("unknown", 6, 2.0, 7)].into_iter(), SINCE + 9.5);
    happened(&mut book, "c", 9.6, What::Started);
    book
}

fn tasks_of(starts: u64, stops: u64) -> TaskSums {
    TaskSums { starts, stops, ..TaskSums::default() }
}

fn all(book: &mut Book, after: f64) -> Sums {
    settle(book, after);
    sums(book, APP).cloned().unwrap_or_default()
}

#[test]
fn one_that_no_scrape_saw_is_counted() {
    let mut book = book();
    happened(&mut book, "a", 1.0, What::Started);
    book.ended(&ended("a", 5, 3_000_000, 1), SINCE + 4.0);
    happened(&mut book, "a", 4.0, What::Ended(Some(137)));
    book.told(Told::Looked(&over(known("a", 0.9), 3.9, 137)), SINCE + 5.0);
    happened(&mut book, "a", 6.0, What::Removed);
    let mut expected = Sums {
        starts: 1,
        oom_kills: 1,
        cpu_nsec: 3_000_000,
        finished_cpu_nsec: 3_000_000,
        ..Sums::default()
    };
    expected.exits.count(Some(137));
    expected.run_time.observe(&RUN_TIMES, 3.0);
    expected.peak.observe(&PEAKS, f64::from(20 << 20));
    assert_eq!(all(&mut book, 10.0), expected);
    let tasks: Vec<_> = book.task_sums().map(|(set, sums)| (set, *sums)).collect();
    assert_eq!(tasks, [(["prod", "", "web"], tasks_of(1, 0))]);
}

#[test]
fn numbers_of_the_living_only_grow_and_are_not_counted_twice() {
    let mut book = book();
    book.told(Told::Looked(&known("a", -100.0)), SINCE);
    let cpu = |book: &mut Book, after: f64| {
        let sums = all(book, after);
        (sums.cpu_nsec, sums.finished_cpu_nsec)
    };
    // It ran before the count began.
    book.read([reading("a", 5, -100.0, 1_000)].into_iter(), SINCE + 1.0);
    assert_eq!(cpu(&mut book, 1.0), (0, 0));
    book.read([reading("a", 5, -100.0, 1_500)].into_iter(), SINCE + 2.0);
    assert_eq!(cpu(&mut book, 2.0), (500, 0));
    // Its last numbers were missed, but for what a scrape saw; a scrape read it before that.
    book.ended(&ended("a", 5, 1_400, 0), SINCE + 3.0);
    book.read([reading("a", 5, -100.0, 1_500)].into_iter(), SINCE + 3.0);
    assert_eq!(cpu(&mut book, 3.0), (500, 500));
    // Again, in a group of the same path.
    book.read([reading("a", 9, 3.0, 70)].into_iter(), SINCE + 4.0);
    assert_eq!(cpu(&mut book, 4.0), (570, 500));
    book.ended(&ended("a", 9, 100, 0), SINCE + 5.0);
    book.read([].into_iter(), SINCE + 6.0);
    assert_eq!(cpu(&mut book, 6.0), (600, 600));
    assert!(book.lives.is_empty());
}

#[test]
fn one_whose_end_nobody_tells_is_over_after_a_while() {
    let mut book = book();
    happened(&mut book, "a", 1.0, What::Started);
    book.read([reading("a", 5, 1.0, 40)].into_iter(), SINCE + 2.0);
    book.read([].into_iter(), SINCE + 3.0);
    assert_eq!(all(&mut book, 3.0).finished_cpu_nsec, 0);
    book.read([].into_iter(), SINCE + 3.0 + GRACE);
    assert_eq!(all(&mut book, 3.0).finished_cpu_nsec, 40);
}

#[test]
fn restarts_are_those_of_docker_and_the_agent() {
    let mut book = book();
    let told = |book: &mut Book, docker: u64, agent: u64| {
        let known = Known { restarts: docker, ..known("a", 5.0) };
        book.told(Told::Looked(&known), SINCE + 6.0);
        let container = Told1 {
            id: "a".into(),
            created: Some(SINCE + 4.0),
            restarts: Some(agent),
            ..Told1::default()
        };
        let arn = "arn:aws:ecs:r:1:task/prod/t1".into();
        let task = Task { arn, containers: vec![container], ..Task::default() };
        let answer = Answer { tasks: vec![task], metadata: Metadata::default() };
        book.told(Told::Agent(&answer), SINCE + 6.0);
        all(book, 7.0).restarts
    };
    assert_eq!(told(&mut book, 1, 0), 1);
    assert_eq!(told(&mut book, 1, 2), 3);
    assert_eq!(told(&mut book, 4, 2), 6);
    assert_eq!(told(&mut book, 4, 2), 6);
}

#[test]
fn health_is_counted_when_it_changes() {
    let mut book = book();
    happened(&mut book, "a", 1.0, What::Started);
    let starting = Known { health: Some(Health::Starting), ..known("a", 0.9) };
    book.told(Told::Looked(&starting), SINCE + 1.0);
    book.told(Told::Looked(&starting), SINCE + 1.5);
    happened(&mut book, "a", 2.0, What::Health(Health::Healthy));
    book.told(Told::Looked(&Known { health: Some(Health::Healthy), ..starting }), SINCE + 3.0);
    happened(&mut book, "a", 4.0, What::Health(Health::Unhealthy));
    happened(&mut book, "a", 5.0, What::Health(Health::Healthy));
    assert_eq!(all(&mut book, 6.0).health, [2, 1, 1]);
}

#[test]
fn a_task_starts_with_its_first_container_and_stops_when_the_agent_says() {
    let mut book = book();
    let tasks = |book: &mut Book, after: f64| {
        settle(book, after);
        let sums: Vec<_> = book.task_sums().map(|(_, sums)| *sums).collect();
        sums
    };
    happened(&mut book, "a", 1.0, What::Started);
    happened(&mut book, "b", 2.0, What::Started);
    assert_eq!(tasks(&mut book, 2.0), [tasks_of(1, 0)]);
    let says = |book: &mut Book, known| {
        let arn = "arn:aws:ecs:r:1:task/prod/t1".into();
        let task = Task { arn, known: Some(known), ..Task::default() };
        let answer = Answer { tasks: vec![task], metadata: Metadata::default() };
        book.told(Told::Agent(&answer), SINCE + 3.0);
    };
    says(&mut book, Status::Running);
    assert_eq!(tasks(&mut book, 3.0), [tasks_of(1, 0)]);
    says(&mut book, Status::Stopped);
    says(&mut book, Status::Stopped);
    assert_eq!(tasks(&mut book, 4.0), [tasks_of(1, 1)]);
    // The agent forgets it, and Docker its containers.
    book.told(Told::Agent(&Answer::default()), SINCE + 5.0);
    happened(&mut book, "a", 5.0, What::Removed);
    happened(&mut book, "b", 5.0, What::Removed);
    assert_eq!(tasks(&mut book, 6.0), [tasks_of(1, 1)]);
    assert_eq!(tasks(&mut book, 7.0 + 2.0 * GRACE), [tasks_of(1, 1)]);
    assert!(book.tasks.is_empty() && book.containers.is_empty());
}

#[test]
fn a_task_is_counted_by_its_own_group_too() {
    let mut book = book();
    happened(&mut book, "a", 1.0, What::Started);
    let read = |book: &mut Book, after: f64, cpu_nsec: u64, peak: u64| {
        let (made, peak) = (Some(SINCE + 1.0), Some(peak << 20));
        let reading = TaskReading { id: "t1", inode: 4, made, cpu_nsec: Some(cpu_nsec), peak };
        let other = TaskReading { id: "t2", ..reading };
        book.read_tasks([reading, other].into_iter());
        settle(book, after);
        book.task_sums().map(|(_, sums)| *sums).next().unwrap()
    };
    assert_eq!(read(&mut book, 2.0, 100, 20), TaskSums { cpu_nsec: 100, ..tasks_of(1, 0) });
    assert_eq!(read(&mut book, 3.0, 150, 40), TaskSums { cpu_nsec: 150, ..tasks_of(1, 0) });
    happened(&mut book, "a", 4.0, What::Removed);
    let mut expected = TaskSums { cpu_nsec: 160, ..tasks_of(1, 1) };
    expected.peak.observe(&PEAKS, f64::from(40 << 20));
    // It is found to have stopped after what was read is counted.
    assert_eq!(read(&mut book, 5.0, 160, 40), TaskSums { cpu_nsec: 160, ..tasks_of(1, 0) });
    assert_eq!(read(&mut book, 6.0, 160, 40), expected);
}

#[test]
fn waits_for_the_service_and_not_for_ever() {
    let mut book = book();
    happened(&mut book, "a", 1.0, What::Started);
    book.settle(SINCE + 2.0, |_| Service::Asked);
    assert_eq!(book.sums().count(), 0);
    book.settle(
        SINCE + 3.0,
        |task| if task == "t1" { Service::Is("front") } else { Service::Asked },
    );
    happened(&mut book, "a", 4.0, What::Ended(Some(0)));
    book.settle(SINCE + 5.0, |_| Service::Asked);
    let found: Vec<_> = book.sums().map(|(set, sums)| (set, sums.starts)).collect();
    assert_eq!(found, [(["prod", "front", "web", "app"], 1)]);
    happened(&mut book, "b", 6.0, What::Started);
    book.settle(SINCE + 100.0, |_| Service::Asked);
    let found: Vec<_> = book.sums().map(|(set, sums)| (set, sums.starts)).collect();
    assert_eq!(found, [(APP, 1), (["prod", "front", "web", "app"], 1)]);
    // What is known later counts from then on.
    book.settle(SINCE + 101.0, |_| Service::Is("front"));
    happened(&mut book, "b", 102.0, What::Ended(Some(0)));
    let found: Vec<_> = book
        .sums()
        .map(|(set, sums)| (set, sums.starts, sums.exits.codes.get(&0).copied()))
        .collect();
    assert_eq!(found, [(APP, 1, None), (["prod", "front", "web", "app"], 1, Some(2))]);
}

#[test]
fn what_is_of_nobody_is_not_counted() {
    let mut book = book();
    let foreign = Happening { id: "x".into(), at: SINCE + 1.0, what: What::Started, who: None };
    book.told(Told::Happened(&foreign), SINCE + 1.0);
    book.ended(&ended("x", 5, 10, 0), SINCE + 2.0);
    book.ended(&ended("nobody", 6, 10, 0), SINCE + 2.0);
    settle(&mut book, 3.0);
    settle(&mut book, 10.0 + 2.0 * GRACE);
    assert_eq!(book.sums().count(), 0);
    assert_eq!(book.containers.keys().map(|id| &**id).collect::<Vec<_>>(), ["x"]);
}

#[test]
fn goes_on_after_a_restart() {
    let mut before = book();
    happened(&mut before, "lives", 1.0, What::Started);
    happened(&mut before, "ends", 1.0, What::Started);
    happened(&mut before, "leaves", 1.0, What::Started);
    let read = [reading("lives", 5, 1.0, 100), reading("ends", 6, 1.0, 100)];
    before.read(read.into_iter(), SINCE + 2.0);
    let was = all(&mut before, 3.0);
    assert_eq!((was.starts, was.cpu_nsec), (3, 200));

    let mut book = state::decode(&state::encode(&before, "boot"), "boot").unwrap();
    assert_eq!(all(&mut book, 99.0), was);
    book.told(Told::Connected(SINCE + 100.0), SINCE + 100.0);
    book.told(Told::Listed(&["lives", "ends", "new"].into()), SINCE + 100.0);
    for known in
        [known("lives", 0.9), over(known("ends", 0.9), 50.9, 3), over(known("new", 60.0), 61.0, 4)]
    {
        book.told(Told::Looked(&known), SINCE + 100.0);
        book.told(Told::Looked(&known), SINCE + 100.0);
    }
    book.read([reading("lives", 5, 1.0, 130)].into_iter(), SINCE + 101.0);
    let is = all(&mut book, 101.0);
    assert_eq!((is.starts, is.cpu_nsec), (4, 230));
    assert_eq!(is.exits, Exits { codes: [(3, 1), (4, 1)].into(), other: 0, unknown: 1 });

    // Without what was saved, what was before does not count.
    let mut fresh = Book::new(SINCE + 99.0);
    fresh.told(Told::Connected(SINCE + 100.0), SINCE + 100.0);
    for known in [known("lives", 0.9), over(known("ends", 0.9), 50.9, 3)] {
        fresh.told(Told::Looked(&known), SINCE + 100.0);
    }
    fresh.read([reading("lives", 5, 1.0, 130)].into_iter(), SINCE + 101.0);
    assert_eq!(all(&mut fresh, 101.0), Sums::default());
}

#[test]
fn sets_have_a_bound_and_are_let_go() {
    let mut book = book();
    for n in 0..SETS + 5 {
        let at = SINCE + 1.0;
        let id: Box<str> = format!("{n}").into();
        let who = who(&format!("app{n}"));
        let what = What::Started;
        book.told(Told::Happened(&Happening { id: id.clone(), at, what, who: who.clone() }), at);
        let what = What::Removed;
        book.told(Told::Happened(&Happening { id, at: at + 1.0, what, who }), at + 1.0);
    }
    settle(&mut book, 3.0);
    assert_eq!((book.sums().count(), book.left_out()), (SETS + 1, 5));
    let starts: u64 = book.sums().map(|(_, sums)| sums.starts).sum();
    assert_eq!(starts, SETS as u64 + 5);
    let generation = book.generation();
    settle(&mut book, 3.0 + DAY - 10.0);
    assert_eq!((book.sums().count(), book.generation()), (SETS + 1, generation));
    // As many come as go.
    let what = What::Started;
    for n in 0..SETS + 1 {
        let happening = Happening {
            id: format!("new{n}").into(),
            at: SINCE + DAY + GRACE,
            what,
            who: who(&format!("other{n}")),
        };
        book.told(Told::Happened(&happening), SINCE + DAY + GRACE);
    }
    settle(&mut book, 3.0 + DAY + GRACE + 10.0);
    assert_eq!((book.sums().count(), book.generation()), (1, generation + 1));
}

#[test]
fn no_value_but_names_and_numbers_is_saved() {
    let mut book = book();
    let mut known = known("a", 5.0);
    known.labels.insert("password".into(), "hunter2".into());
    known
        .environment
        .push(("APPMESH_RESOURCE_ARN", "hunter2".into()));
    known.name = "hunter2".into();
    known.image = "hunter2".into();
    book.told(Told::Looked(&known), SINCE + 6.0);
    settle(&mut book, 7.0);
    let text = String::from_utf8(state::encode(&book, "boot")).unwrap();
    assert!(text.contains("\"web\"") && !text.contains("hunter2"));
}
