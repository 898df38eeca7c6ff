//! What only a host of Amazon ECS can say.

pub mod lasting;
pub mod totals;
