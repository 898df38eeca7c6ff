//! An exporter of host and container metrics for EC2 instances of Amazon ECS.
//!
//! A scrape is one line, and the modules are its stations:
//!
//! ```text
//! roots ─► read ─► parse ─► typed snapshot ─► families ─► text ─► HTTP
//! ```
//!
//! Each layer knows only those above it in this list:
//!
//! * [`exposition`]: what is said: families, tables of metrics, the text format.
//! * [`kernel`]: what the kernel says: pure parsers of the formats that several readers share.
//! * [`files`]: where the host's trees are mounted, and how one file is read.
//! * [`system`]: what the kernel answers to system calls.
//! * [`cgroup`]: control groups, v1 and v2, as one vocabulary.
//! * [`container`]: the rows of the container metrics.
//! * [`inventory`]: what Docker and the ECS agent say of containers, in the background.
//! * [`lasting`]: what outlives a container, counted.
//! * [`discovery`]: which containers ask to be scraped, and where.
//! * [`collector`]: one file for each thing measured.
//! * [`scrape`]: runs the collectors; deadlines, failures.
//! * [`select`]: which collectors a request asks for.
//! * [`own`]: what the exporter says about itself.
//! * [`summary`]: the host in a few words, for people.
//! * [`mod@reference`]: the tables of all metrics and flags, from the same declarations.
//! * [`rights`]: the tables of what the parts of a task definition are for, from these, too.
//! * [`http`]: the server: routes, encodings, limits.
//! * [`log`]: what the program says of itself, to standard error.
//! * [`notify`]: what systemd is told of the program's state.
//! * [`probe`]: one question over HTTP, for commands that ask, print, and end.
//! * [`healthcheck`]: whether a running exporter is well.
//! * [`doctor`]: what of the host can be seen, and what would mend the rest.
//! * [`cli`]: the command line.

pub mod cgroup;
pub mod cli;
pub mod collector;
pub mod container;
pub mod discovery;
pub mod doctor;
pub mod exposition;
pub mod files;
pub mod healthcheck;
pub mod http;
pub mod inventory;
pub mod kernel;
pub mod lasting;
pub mod log;
pub mod notify;
pub mod own;
pub mod probe;
pub mod reference;
pub mod rights;
pub mod scrape;
pub mod select;
pub mod summary;
pub mod system;
