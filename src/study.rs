//! What follows from what runs left, computed without window or network.

/// When each cluster was first seen, epoch by epoch.
pub mod births;

/// An epoch's clustering, whether the run made it or a what-if did.
pub mod clusters;

/// How filters compare.
pub mod comparison;

/// What is wrong with a run, and what would mend it.
pub mod diagnosis;

/// How long a run will take.
pub mod estimate;

/// The one filter language.
pub mod filter;

/// One rank list: what stands where, and whether it is right.
pub mod hits;

/// By which parameters an epoch was clustered and judged.
pub mod judged;

/// What images can be filtered by.
pub mod image_filter;

/// Two epochs compared: what became of each cluster.
pub mod lineage;

/// The images nearest to one, by features and by Jaccard distance.
pub mod nearest;

/// Which queries are listed, and in which order.
pub mod queries;

/// What queries can be filtered by.
pub mod query_filter;

/// What a threshold keeps.
pub mod reliability;

/// What Eq. 10 does to a row of the memory.
pub mod remembered;

/// The sets behind Eq. 8 for one image.
pub mod sets;

/// What is known of each cluster.
pub mod table;

/// Several runs in one table, with statistics.
pub mod compare;

/// A comparison as a table for a paper or a spreadsheet.
pub mod compared;

/// One run in the numbers that are compared.
pub mod outline;

/// Two runs side by side: the same queries, the same images.
pub mod pairing;

/// Published results, and a run's place among them.
pub mod published;

/// The trials of a sweep as a table over seeds.
pub mod trials;

/// Thousands of clusterings of one stored epoch, each judged without truth.
pub mod search;

/// Paired tests over queries, spread over seeds.
pub mod statistics;

/// The camera gap.
pub mod cameras;

/// The epochs of a run, judged without truth.
pub mod compass;

/// What is worth a look in a clustering.
pub mod worth;

/// What came of what people said by hand.
pub mod answers;

/// How photos look: dark, blurred, of an odd shape or size.
pub mod photos;
