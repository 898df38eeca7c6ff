//! Declarations. A family is declared once, as a constant; its `# HELP` and `# TYPE` lines, the
//! number of its label values and its row in the reference all come from there.
//!
//! Every declaration begins `counter(name).help(sentence)` or `gauge(name).help(sentence)`. It ends
//! in `.value(…)` for a line of a [`Table`], or in `.labels([…])` for a [`Family`] written by hand.

/// The type of a family, as the text format knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number that only grows, but for resets.
    Counter,
    /// A number that goes up and down.
    Gauge,
    /// A number the kernel does not classify.
    Untyped,
    /// A constant 1 whose labels say something. The text format calls it a gauge.
    Info,
    /// Counts of observations in buckets.
    Histogram,
}

impl Kind {
    /// The word on the `# TYPE` line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge | Self::Info => "gauge",
            Self::Histogram => "histogram",
            Self::Untyped => "untyped",
        }
    }
}

/// Begins the declaration of a counter.
pub const fn counter(name: &'static str) -> Named {
    Named { name, kind: Kind::Counter }
}

/// Begins the declaration of a gauge.
pub const fn gauge(name: &'static str) -> Named {
    Named { name, kind: Kind::Gauge }
}

/// Begins the declaration of a number that the kernel does not classify.
pub const fn untyped(name: &'static str) -> Named {
    Named { name, kind: Kind::Untyped }
}

/// Begins the declaration of a constant 1 whose labels say something.
pub const fn info(name: &'static str) -> Named {
    Named { name, kind: Kind::Info }
}

/// Begins the declaration of a histogram.
pub const fn histogram(name: &'static str) -> Named {
    Named { name, kind: Kind::Histogram }
}

/// A declaration that lacks its help.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Named {
    name: &'static str,
    kind: Kind,
}

impl Named {
    /// Says in one sentence what it is, on one line and without backslashes, which the text format
    /// would have to escape: a help that would not do does not compile.
    pub const fn help(self, help: &'static str) -> Described {
        assert!(is_plain(help.as_bytes()), "a help is one line without backslashes");
        Described { name: self.name, kind: self.kind, help }
    }
}

const fn is_plain(mut help: &[u8]) -> bool {
    while let [first, rest @ ..] = help {
        if matches!(first, b'\n' | b'\\') {
            return false;
        }
        help = rest;
    }
    true
}

/// A declaration that lacks its value or its labels.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Described {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) help: &'static str,
}

impl Described {
    /// Says where in a `T` it is found. `None` is a number this kernel does not have: it is left out.
    pub const fn value<T>(self, value: fn(&T) -> Option<f64>) -> Metric<T> {
        Metric { head: self, value }
    }

    /// Says that the name has a `<field>` in it, which the kernel fills in.
    pub const fn pattern(self) -> Pattern {
        self.pattern_by([])
    }

    /// As [`pattern`](Self::pattern), with labels that tell the samples of one field apart.
    pub const fn pattern_by<const N: usize>(self, labels: [&'static str; N]) -> Pattern<N> {
        Pattern { head: self, labels }
    }

    /// Says which labels tell its samples apart.
    pub const fn labels<const N: usize>(self, labels: [&'static str; N]) -> Family<N> {
        Family { head: self, labels }
    }
}

/// A family whose samples are written by hand, each with `N` label values.
#[derive(Debug)]
pub struct Family<const N: usize> {
    pub(super) head: Described,
    /// The names of its labels.
    pub labels: [&'static str; N],
}

impl<const N: usize> Family<N> {
    /// The family as data.
    pub const fn descriptor(&'static self) -> Descriptor {
        Descriptor::new(self.head, &self.labels)
    }
}

/// Families whose names only the kernel knows, such as `node_vmstat_<field>`. The one way past
/// declared names, for the long tails of `/proc/vmstat` and its like.
#[derive(Debug)]
pub struct Pattern<const N: usize = 0> {
    pub(super) head: Described,
    pub(super) labels: [&'static str; N],
}

impl<const N: usize> Pattern<N> {
    /// The pattern as data.
    pub const fn descriptor(&'static self) -> Descriptor {
        Descriptor::new(self.head, &self.labels)
    }
}

/// One number of a `T`.
#[derive(Debug)]
pub struct Metric<T> {
    pub(super) head: Described,
    pub(super) value: fn(&T) -> Option<f64>,
}

/// All metrics of a `T`. Each is a family; each row, a `T` with its labels, is a sample in it.
#[derive(Debug)]
pub struct Table<T: 'static, const N: usize = 0> {
    /// Names of the labels that tell the rows apart.
    pub labels: [&'static str; N],
    /// The metrics.
    pub metrics: &'static [Metric<T>],
}

impl<T, const N: usize> Table<T, N> {
    /// The families of the table as data.
    pub fn descriptors(&'static self) -> impl Iterator<Item = Descriptor> {
        self.metrics
            .iter()
            .map(|metric| Descriptor::new(metric.head, &self.labels))
    }
}

/// A family as data, for the reference and the tests.
#[derive(Clone, Copy, Debug)]
pub struct Descriptor {
    /// Full name, such as `node_load1`.
    pub name: &'static str,
    /// Type.
    pub kind: Kind,
    /// One sentence.
    pub help: &'static str,
    /// Names of its labels.
    pub labels: &'static [&'static str],
}

impl Descriptor {
    const fn new(head: Described, labels: &'static [&'static str]) -> Self {
        Self { name: head.name, kind: head.kind, help: head.help, labels }
    }
}
