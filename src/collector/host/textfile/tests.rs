use std::fs::{File, create_dir_all, remove_dir_all, remove_file, rename, write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::*;
use crate::collector::trial::Trial;
use crate::files::Scratch;

/// A directory of text files, and an exporter that reads them.
struct Host {
    dir: Scratch,
    host: Trial<Textfile>,
    /// Writes are a minute apart.
    minutes: u64,
}

impl Host {
    fn new(files: &[(&str, &str)]) -> Self {
        Self::with("", files)
    }

    fn with(pattern: &str, files: &[(&str, &str)]) -> Self {
        let dir = Scratch::new();
        let flag = format!("--collector.textfile.directory={}/{pattern}", dir.display());
        let mut host = Self { dir, host: Trial::new(&[&flag], &[]), minutes: 0 };
        files.iter().for_each(|(name, text)| host.write(name, text));
        host
    }

    fn write(&mut self, name: &str, text: &str) {
        self.dir.write(name, text);
        let path = self.dir.join(name);
        self.touch(&path);
        self.touch(path.parent().unwrap());
    }

    fn touch(&mut self, path: &Path) {
        self.minutes += 1;
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(60 * self.minutes);
        File::open(path).unwrap().set_modified(at).unwrap();
    }

    /// What the next scrape says, without the directory.
    fn says(&mut self) -> String {
        self.host
            .collect()
            .unwrap()
            .replace(&*self.dir.to_string_lossy(), "")
    }

    /// The same with the headers.
    fn says_all(&mut self) -> String {
        let mut text = Text::default();
        self.host
            .collector
            .collect(&mut self.host.host, &mut text)
            .unwrap();
        let text = String::from_utf8(text.to_vec()).unwrap();
        text.replace(&*self.dir.to_string_lossy(), "")
    }
}

const GOOD: &str = "node_textfile_scrape_error 0\n";
const BAD: &str = "node_textfile_scrape_error 1\n";

fn modified(name: &str, minutes: u32) -> String {
    format!("node_textfile_mtime_seconds{{file=\"/{name}\"}} {}\n", 60 * minutes)
}

#[test]
fn says_nothing_without_a_directory() {
    for args in [&[][..], &["--collector.textfile.directory="]] {
        let mut host = Trial::<Textfile>::new(args, &[]);
        assert_eq!(host.collect().unwrap(), GOOD);
    }
}

#[test]
fn puts_families_of_several_files_together() {
    let mut host = Host::new(&[
        ("b.prom", "# HELP x From b.\n# TYPE x gauge\nx{f=\"b\"} 2\ny 1\n"),
        ("a.prom", "z 1\n# TYPE x gauge\nx{f=\"a\"} 1\nx{f=\"b\"} 9\ny{a=\"\"} 3\n"),
        ("c.txt", "not read"),
    ]);
    let all = host.says_all();
    let expected = "# HELP x From b.\n# TYPE x gauge\nx{f=\"a\"} 1\nx{f=\"b\"} 9\n\
        # HELP y Metric read from /a.prom, /b.prom\n# TYPE y untyped\ny{a=\"\"} 3\n\
        # HELP z Metric read from /a.prom\n# TYPE z untyped\nz 1\n";
    let (own, families) = all.split_once(GOOD).unwrap();
    assert_eq!(families, expected);
    assert!(own.contains(&(modified("a.prom", 3) + &modified("b.prom", 1))), "{own}");
}

#[test]
fn leaves_out_what_contradicts_another_file_or_the_exporter() {
    let said = |a: &str, b: &str| {
        let mut host = Host::new(&[("a.prom", a), ("b.prom", b)]);
        let said = host.says();
        let said = said.split_once("node_textfile_scrape_error ").unwrap().1;
        said.to_owned()
    };
    assert_eq!(said("# TYPE x gauge\nx 1\n", "x{a=\"b\"} 2\n"), "1\nx 1\n");
    assert_eq!(said("# HELP x A.\nx 1\n", "# HELP x B.\nx{a=\"b\"} 2\n"), "1\nx 1\n");
    assert_eq!(said("# HELP x A.\nx 1\n", "x{a=\"b\"} 2\n"), "0\nx 1\nx{a=\"b\"} 2\n");
    assert_eq!(said("node_load1 1\nx 1\n", ""), "1\nx 1\n");
    assert_eq!(said("node_scrape_collector_success 1\nprocess_open_fds 1\n", ""), "1\n");
    let histogram = "# TYPE x histogram\nx_sum 1\n";
    let whole = "1\nx_bucket{le=\"+Inf\"} 0\nx_sum 1\nx_count 0\n";
    assert_eq!(said(histogram, "x_count 5\n"), whole);
}

#[test]
fn a_bad_file_is_left_out_whole() {
    let mut host = Host::new(&[("a.prom", "a 1\n"), ("b.prom", "b 1\nb x\n")]);
    create_dir_all(host.dir.join("c.prom")).unwrap();
    std::os::unix::fs::symlink("nowhere", host.dir.join("d.prom")).unwrap();
    let expected = [modified("a.prom", 1).as_str(), BAD, "a 1\n"].concat();
    assert_eq!(host.says(), expected);
}

#[test]
fn reads_again_what_changed_and_nothing_else() {
    let mut host = Host::new(&[("a.prom", "a 1\n")]);
    assert_eq!(host.says(), [&modified("a.prom", 1), GOOD, "a 1\n"].concat());
    host.write("a.prom", "a 2\n");
    assert_eq!(host.says(), [&modified("a.prom", 3), GOOD, "a 2\n"].concat());
    let path = host.dir.join("a.prom");
    write(&path, "a 3\n").unwrap();
    host.minutes = 2;
    host.touch(&path);
    assert_eq!(host.says(), [&modified("a.prom", 3), GOOD, "a 2\n"].concat(), "looks the same");
    host.write("new", "a 4\n");
    rename(host.dir.join("new"), &path).unwrap();
    assert!(host.says().ends_with("a 4\n"), "another inode");
    remove_file(&path).unwrap();
    assert_eq!(host.says(), GOOD);
}

#[test]
fn a_directory_that_cannot_be_read_is_an_error_and_may_come_back() {
    let mut host = Host::with("sub/", &[]);
    assert_eq!(host.says(), BAD);
    assert_eq!(host.host.host.failures.count, 1);
    host.write("sub/a.prom", "a 1\n");
    assert_eq!(host.says(), [&modified("sub/a.prom", 1), GOOD, "a 1\n"].concat());
    remove_dir_all(host.dir.join("sub")).unwrap();
    assert_eq!(host.says(), BAD);
}

#[test]
fn a_pattern_finds_directories_as_they_come() {
    let mut host = Host::with("*/x", &[("1/x/a.prom", "a 1\n")]);
    assert_eq!(host.says(), [&modified("1/x/a.prom", 1), GOOD, "a 1\n"].concat());
    host.write("2/x/b.prom", "b 1\n");
    let files = [modified("1/x/a.prom", 1), modified("2/x/b.prom", 3)].concat();
    assert_eq!(host.says(), [&files, GOOD, "a 1\nb 1\n"].concat());
}

#[test]
fn more_files_than_may_be_are_an_error() {
    let mut host = Host::new(&[]);
    for n in 0..=MOST {
        write(host.dir.join(format!("{n:04}.prom")), format!("a{{n=\"{n}\"}} 1\n")).unwrap();
    }
    let said = host.says();
    assert!(said.contains(BAD));
    assert_eq!(said.lines().filter(|line| line.starts_with("a{")).count(), MOST);
}
