//! What a collector needs of the host, declared beside what it says.

/// Something of the host without which a collector says less, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// To read this file of the host, or what is below this directory.
    Read(&'static str),
    /// To be in the host's network: it asks the kernel or others by a socket.
    Network(&'static str),
    /// To be among the host's processes: it asks the kernel by their numbers.
    Pids(&'static str),
    /// To be user 0, whom the kernel's own files belong to; no capability is needed for that.
    Root(&'static str),
    /// A capability, as a task definition names it, and what it is for.
    Capability(&'static str, &'static str),
}
