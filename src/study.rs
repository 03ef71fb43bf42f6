//! What follows from the snapshots of a run, computed without window or network: pure, and tested as such.

/// When each cluster was first seen, epoch by epoch.
pub mod births;

/// An epoch's clustering, whether the run made it or a what-if did.
pub mod clusters;

/// One rank list: what stands where, and whether it is right.
pub mod hits;

/// Two epochs compared: what became of each cluster.
pub mod lineage;

/// The images nearest to one, by features and by Jaccard distance.
pub mod nearest;

/// Which queries are listed, and in which order.
pub mod queries;

/// The filter of the queries.
pub mod query_filter;

/// What a threshold keeps.
pub mod reliability;

/// The sets behind Eq. 8 for one image.
pub mod sets;

/// What is known of each cluster.
pub mod table;
