//! The task metadata endpoint, version 4: what the ECS agent tells a task about itself, and nobody
//! else on the host.

/// What is kept of the answer to `…/v4/<id>/task`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Task {
    /// The service it is of; empty for a task of none. Since agent 1.63.1.
    pub service: Box<str>,
    /// `EC2` or `EXTERNAL`; empty before agent 1.45.
    pub launch_type: Box<str>,
    /// Where it runs; empty where the agent does not say.
    pub availability_zone: Box<str>,
    /// The VPC it is in; empty where the agent does not say.
    pub vpc: Box<str>,
    /// CPUs it may use in all. `None` where its definition sets no limit.
    pub cpus: Option<f64>,
    /// Bytes of memory it may use in all. `None` where its definition sets no limit.
    pub memory: Option<u64>,
    /// When its first image began to be pulled, in seconds since 1970.
    pub pull_started: Option<f64>,
    /// When its last image was pulled, in seconds since 1970.
    pub pull_stopped: Option<f64>,
}
