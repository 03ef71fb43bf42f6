//! The network on libtorch: backbones, attention, losses, hybrid memory, weights, attention maps.
//!
//! - [`net`] is the whole extractor: image batch in, feature out; [`resnet`], [`attention`] and [`layers`] are
//!   its parts, under PyTorch's parameter names.
//! - [`losses`], [`memory`], [`head`], [`optim`] and [`schedule`] are what training adds.
//! - [`weights`] reads and writes weights, [`maps`] holds attention maps, [`device`] finds where to compute,
//!   [`profile`] where its time goes.
//!
//! Nothing here panics over the edge of the room: torch's failures come back as [`error::ModelError`].

pub mod attention;
pub mod check;
pub mod cluster_memory;
pub mod device;
pub mod error;
pub mod head;
pub mod ibn;
mod init;
pub mod knn;
pub mod layers;
pub mod losses;
pub mod maps;
pub mod memory;
pub mod net;
pub mod optim;
pub mod pixels;
pub mod plane;
pub mod profile;
pub mod resnet;
pub mod schedule;
pub mod weights;

pub use error::ModelError;
