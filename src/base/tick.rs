//! Progress of long work, and its cancellation.

/// Called with units done and in all, from one thread at a time or from several; `false` asks for the work to be
/// given up, which then fails as cancelled.
pub type Tick<'a> = &'a (dyn Fn(u64, u64) -> bool + Sync);

/// A [`Tick`] that neither watches nor stops the work.
pub fn no_tick(_: u64, _: u64) -> bool {
    true
}
