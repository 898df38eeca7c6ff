//! Logs, to standard error: logfmt as node_exporter writes it, or JSON.
//!
//! ```text
//! time=2026-11-21T09:49:02.311Z level=INFO source=main.rs:52 msg="Starting ecs-host-exporter" version=0.1.0
//! ```

use std::fmt::{self, Debug, Write as _};
use std::io::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// What is logged, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// This and what is worse.
    pub level: Level,
    /// How a line looks.
    pub format: Format,
}

impl Default for Settings {
    fn default() -> Self {
        Self { level: Level::INFO, format: Format::Logfmt }
    }
}

/// How a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `key=value` pairs.
    Logfmt,
    /// An object.
    Json,
}

/// Logs to standard error from now on, panics too. Does nothing the second time.
pub fn start(settings: Settings) {
    let lines = Lines { format: settings.format };
    let filter = LevelFilter::from_level(settings.level);
    let subscriber = tracing_subscriber::registry().with(filter).with(lines);
    if tracing::subscriber::set_global_default(subscriber).is_err() {
        return;
    }
    std::panic::set_hook(Box::new(|panic| {
        let at = panic.location().map(ToString::to_string);
        let why = panic.payload_as_str();
        tracing::error!(at, why, "panicked");
    }));
}

/// Writes a line for each event.
struct Lines {
    format: Format,
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let file = metadata.file().unwrap_or_default();
        let file = file.rsplit('/').next().unwrap_or(file);
        let source = format!("{file}:{}", metadata.line().unwrap_or_default());
        let mut fields =
            Fields { format: self.format, message: String::new(), rest: String::new() };
        event.record(&mut fields);
        let head = Head { now: SystemTime::now(), level: *metadata.level(), source: &source };
        let line = line(&head, &fields);
        // Who closed our standard error does not want to know.
        let _closed = std::io::stderr().write_all(line.as_bytes());
    }
}

/// What every line begins with.
struct Head<'a> {
    now: SystemTime,
    level: Level,
    source: &'a str,
}

fn line(head: &Head<'_>, fields: &Fields) -> String {
    let Head { now, level, source } = head;
    let Fields { format, message, rest } = fields;
    match format {
        Format::Logfmt => {
            let (now, source, message) =
                (Time(*now, Precision::Millis), Logfmt(source), Logfmt(message));
            format!("time={now} level={level} source={source} msg={message}{rest}\n")
        }
        Format::Json => {
            let now = Time(*now, Precision::Nanos);
            let (source, message) = (Json(source), Json(message));
            format!(
                "{{\"time\":\"{now}\",\"level\":\"{level}\",\"source\":{source},\"msg\":{message}{rest}}}\n"
            )
        }
    }
}

/// The fields of an event: its message, and the others as they are to be written.
struct Fields {
    format: Format,
    message: String,
    rest: String,
}

impl Fields {
    fn text(&mut self, field: &Field, value: &str) {
        match (field.name(), self.format) {
            ("message", _) => value.clone_into(&mut self.message),
            (name, Format::Logfmt) => self.add(format_args!(" {}={}", Logfmt(name), Logfmt(value))),
            (name, Format::Json) => self.add(format_args!(",{}:{}", Json(name), Json(value))),
        }
    }

    /// A number or a boolean, which stands without quotes.
    fn plain(&mut self, field: &Field, value: impl fmt::Display) {
        match self.format {
            Format::Logfmt => self.add(format_args!(" {}={value}", Logfmt(field.name()))),
            Format::Json => self.add(format_args!(",{}:{value}", Json(field.name()))),
        }
    }

    fn add(&mut self, text: fmt::Arguments<'_>) {
        let _cannot_fail = self.rest.write_fmt(text);
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.text(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON knows neither NaN nor the infinities.
        if value.is_finite() {
            self.plain(field, value);
        } else {
            self.text(field, &value.to_string());
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.plain(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.plain(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.plain(field, value);
    }
}

/// Text in quotes where it would otherwise not end where it ends.
struct Logfmt<'a>(&'a str);

impl fmt::Display for Logfmt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let odd = |c: char| matches!(c, '"' | '=') || c.is_whitespace() || c.is_control();
        if !self.0.is_empty() && !self.0.contains(odd) {
            return f.write_str(self.0);
        }
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                c if c.is_ascii_control() => write!(f, "\\x{:02x}", u32::from(c))?,
                c if c.is_control() => write!(f, "\\u{:04x}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

/// Text as JSON writes it.
struct Json<'a>(&'a str);

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self.0).map_err(|_| fmt::Error)?)
    }
}

/// A time of day in UTC, such as `2026-11-21T09:49:02.311Z`.
struct Time(SystemTime, Precision);

#[derive(Clone, Copy)]
enum Precision {
    Millis,
    Nanos,
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since: Duration = self.0.duration_since(UNIX_EPOCH).unwrap_or_default();
        let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
        let (year, month, day) = civil(days);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        match self.1 {
            Precision::Millis => write!(f, ".{:03}Z", since.subsec_millis()),
            Precision::Nanos => write!(f, ".{:09}Z", since.subsec_nanos()),
        }
    }
}

/// Year, month and day of the days since 1970, counted in eras of 400 years that begin in March: see
/// [`civil_from_days`](https://howardhinnant.github.io/date_algorithms.html#civil_from_days).
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march + 2) / 5 + 1;
    let month = if march < 10 { march + 3 } else { march - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    /// Keeps the fields of events in place of writing them.
    struct Kept(Format, Arc<Mutex<Vec<String>>>);

    impl<S: Subscriber> Layer<S> for Kept {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            let mut fields = Fields { format: self.0, message: String::new(), rest: String::new() };
            event.record(&mut fields);
            let now = UNIX_EPOCH + Duration::from_nanos(1_795_254_542_311_000_042);
            let head = Head { now, level: *event.metadata().level(), source: "main.rs:52" };
            self.1.lock().unwrap().push(line(&head, &fields));
        }
    }

    fn logged(format: Format, log: impl FnOnce()) -> Vec<String> {
        let lines = Arc::default();
        let kept = Kept(format, Arc::clone(&lines));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(kept), log);
        std::mem::take(&mut lines.lock().unwrap())
    }

    fn events() {
        let path = std::path::Path::new("/a b");
        tracing::info!(version = "0.1.0", "Starting ecs-host-exporter");
        tracing::warn!(n = 3, part = 0.5, yes = true, path = %path.display(), empty = "", "odd");
        tracing::error!(error = "say \"a=b\"\n\u{7}\\", nan = f64::NAN, kind = ?Some("x"), "failed");
    }

    #[test]
    fn writes_logfmt() {
        let expected = [
            "time=2026-11-21T09:49:02.311Z level=INFO source=main.rs:52 msg=\"Starting ecs-host-exporter\" version=0.1.0\n",
            "time=2026-11-21T09:49:02.311Z level=WARN source=main.rs:52 msg=odd n=3 part=0.5 yes=true path=\"/a b\" empty=\"\"\n",
            "time=2026-11-21T09:49:02.311Z level=ERROR source=main.rs:52 msg=failed error=\"say \\\"a=b\\\"\\n\\x07\\\\\" nan=NaN kind=\"Some(\\\"x\\\")\"\n",
        ];
        assert_eq!(logged(Format::Logfmt, events), expected);
    }

    #[test]
    fn writes_json() {
        let expected = [
            "{\"time\":\"2026-11-21T09:49:02.311000042Z\",\"level\":\"INFO\",\"source\":\"main.rs:52\",\"msg\":\"Starting ecs-host-exporter\",\"version\":\"0.1.0\"}\n",
            "{\"time\":\"2026-11-21T09:49:02.311000042Z\",\"level\":\"WARN\",\"source\":\"main.rs:52\",\"msg\":\"odd\",\"n\":3,\"part\":0.5,\"yes\":true,\"path\":\"/a b\",\"empty\":\"\"}\n",
            "{\"time\":\"2026-11-21T09:49:02.311000042Z\",\"level\":\"ERROR\",\"source\":\"main.rs:52\",\"msg\":\"failed\",\"error\":\"say \\\"a=b\\\"\\n\\u0007\\\\\",\"nan\":\"NaN\",\"kind\":\"Some(\\\"x\\\")\"}\n",
        ];
        let lines = logged(Format::Json, events);
        assert_eq!(lines, expected);
        for line in lines {
            serde_json::from_str::<serde_json::Value>(&line).unwrap();
        }
    }

    #[test]
    fn knows_the_calendar() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(11_017), (2000, 3, 1));
        assert_eq!(civil(20_778), (2026, 11, 21));
        assert_eq!(civil(47_540), (2100, 2, 28));
        assert_eq!(civil(47_541), (2100, 3, 1));
    }
}
