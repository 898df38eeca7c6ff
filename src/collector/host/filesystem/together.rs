//! Which mounts are asked in one go.

use std::sync::Arc;

use crate::collector::mounts::Mount;

/// Its own mounts and those that another collector wants, to be asked by one thread in one go.
#[derive(Default)]
pub(super) struct Together {
    own: Arc<[Mount]>,
    wanted: Arc<[Mount]>,
    all: Arc<[Mount]>,
}

impl Together {
    pub(super) fn of(&mut self, own: &Arc<[Mount]>, wanted: &Arc<[Mount]>) -> &Arc<[Mount]> {
        if !Arc::ptr_eq(&self.own, own) || !Arc::ptr_eq(&self.wanted, wanted) {
            let more = wanted
                .iter()
                .filter(|mount| own.iter().all(|known| known.id != mount.id));
            self.all = own.iter().chain(more).cloned().collect();
            (self.own, self.wanted) = (Arc::clone(own), Arc::clone(wanted));
        }
        &self.all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mounts<const N: usize>(ids: [u64; N]) -> Arc<[Mount]> {
        ids.map(|id| Mount { id, ..Mount::default() }).into()
    }

    #[test]
    fn has_each_mount_once_and_its_own_first() {
        let mut together = Together::default();
        let (own, wanted) = (mounts([1, 2]), mounts([2, 3]));
        let all = Arc::clone(together.of(&own, &wanted));
        assert_eq!(all.iter().map(|mount| mount.id).collect::<Vec<_>>(), [1, 2, 3]);
        assert!(Arc::ptr_eq(together.of(&own, &wanted), &all), "kept while neither changes");
        assert_eq!(together.of(&own, &mounts([])).len(), 2);
    }
}
