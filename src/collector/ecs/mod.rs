//! What only a host of ECS can say.

pub mod scrape_targets;
