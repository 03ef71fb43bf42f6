//! The ground floor: what every room needs and none owns. It uses crates only, no other room.

/// Which device to compute on, as a user names it.
pub mod device;

/// The user's folders for configuration, data and cache.
pub mod dirs;

/// Files that are there whole or not at all, and files that are opened without a trap.
pub mod fs;

/// Work whose panic must not take its thread along.
pub mod guard;

/// Seeded streams of random numbers, and names on disk that depend on content.
pub mod rng;

/// Files that are not here yet, and who brings them.
pub mod supply;

/// Named arrays in safetensors files.
pub mod tensors;

/// Numbers, counts and durations as text.
pub mod text;

/// Progress of long work, and its cancellation.
pub mod tick;

/// The time of day where the user is.
pub mod time;

/// The system's trash.
pub mod trash;
