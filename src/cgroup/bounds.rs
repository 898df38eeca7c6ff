//! What a group may use once the limits of the groups around it are counted in.

use super::{Limit, Spec};

/// The least of a group's own limits and those of its ancestors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// Bytes of memory.
    pub memory: Limit,
    /// CPUs; `None` where no quota is set.
    pub cpus: Option<f64>,
    /// Threads.
    pub threads: Limit,
}

impl Bounds {
    /// Those of a group alone.
    pub fn of(spec: &Spec) -> Self {
        let cpus = match (spec.cpu_quota_usec, spec.cpu_period_usec) {
            (Some(Limit::At(quota)), Some(period)) if period > 0 => {
                Some(quota as f64 / period as f64)
            }
            _ => None,
        };
        let or_max = |limit: Option<Limit>| limit.unwrap_or(Limit::Max);
        Self { memory: or_max(spec.memory), cpus, threads: or_max(spec.threads) }
    }

    /// With those of a group around it counted in.
    pub fn within(self, outer: Self) -> Self {
        Self {
            memory: self.memory.min(outer.memory),
            cpus: match (self.cpus, outer.cpus) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            },
            threads: self.threads.min(outer.threads),
        }
    }
}

/// The path of the group around this one. `None` for the root, and for those directly below it:
/// the root has no limits.
pub fn parent(path: &str) -> Option<&str> {
    let (parent, _) = path.trim_end_matches('/').rsplit_once('/')?;
    (!parent.is_empty()).then_some(parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_counts() {
        let spec = |memory, quota, threads| Spec {
            memory,
            cpu_quota_usec: quota,
            cpu_period_usec: Some(100_000),
            threads,
            ..Spec::default()
        };
        let own = Bounds::of(&spec(Some(Limit::At(64)), Some(Limit::Max), None));
        let task = Bounds::of(&spec(Some(Limit::At(256)), Some(Limit::At(50_000)), None));
        let slice =
            Bounds::of(&spec(Some(Limit::Max), Some(Limit::At(150_000)), Some(Limit::At(9))));
        let all = own.within(task).within(slice);
        let expected = Bounds { memory: Limit::At(64), cpus: Some(0.5), threads: Limit::At(9) };
        assert_eq!(all, expected);
        assert_eq!(slice.within(task).within(own), expected, "in any order");
        let none = Bounds::of(&Spec::default());
        assert_eq!(none, Bounds { memory: Limit::Max, cpus: None, threads: Limit::Max });
        let no_period = Spec { cpu_period_usec: Some(0), ..spec(None, Some(Limit::At(1)), None) };
        assert_eq!(Bounds::of(&no_period), none);
    }

    #[test]
    fn goes_up_to_below_the_root() {
        let up = |path: &'static str| {
            std::iter::successors(Some(path), |path| parent(path)).collect::<Vec<_>>()
        };
        assert_eq!(up("/ecs/task/id"), ["/ecs/task/id", "/ecs/task", "/ecs"]);
        assert_eq!((up("/"), up("/a"), up("")), (vec!["/"], vec!["/a"], vec![""]));
    }
}
