//! The way out of a failure that parameters can mend: fewer images at once, a lower rate.

use super::checkpoint::{self, Next};
use super::error::EngineError;
use super::event::{Cure, Phase};
use super::session::Session;
use crate::method::params::{Params, Value};
use crate::model::error::ModelError;

/// How much lower the learning rate is tried.
const LOWER: f64 = 0.1;

/// What would let the run go on after that error, if anything would.
pub(super) fn of(error: &EngineError, session: &Session) -> Option<Cure> {
    let (params, position) = (session.params(), session.position);
    let computing_features = position.phase == Phase::Adapt && position.next != Next::Train;
    let (key, value) = match (error, position.phase) {
        (EngineError::Model(ModelError::OutOfMemory(_)), Phase::Adapt) if computing_features => {
            ("eval.batch", half(params.eval.batch, 1)?)
        }
        (EngineError::Model(ModelError::OutOfMemory(_)), Phase::Adapt) => {
            ("adapt.batch", half(params.adapt.batch, params.adapt.instances)?)
        }
        (EngineError::Model(ModelError::OutOfMemory(_)), Phase::Pretrain) => {
            ("pretrain.batch", half(params.pretrain.batch, params.pretrain.instances)?)
        }
        (EngineError::Diverged(_), Phase::Adapt) => ("adapt.lr", lower(params.adapt.lr)),
        (EngineError::Diverged(_), Phase::Pretrain) => ("pretrain.lr", lower(params.pretrain.lr)),
        _ => return None,
    };
    let mut then: Params = params.clone();
    then.set(key, &value).ok()?;
    // What belongs to a run as a whole needs another run.
    let resume = position.phase == Phase::Adapt && checkpoint::last(&session.folder).is_file();
    let words = match resume {
        true => format!("Go on from the last checkpoint with {key} = {value}."),
        false => format!("Begin a new run with {key} = {value}."),
    };
    Some(Cure { words, resume, changes: vec![(key.to_owned(), value)] })
}

/// About half as many images, in whole groups.
fn half(batch: usize, group: usize) -> Option<Value> {
    let group = group.max(1);
    let fewer = (batch / 2 / group).max(1) * group;
    (fewer < batch).then_some(Value::Int(fewer as i64))
}

fn lower(rate: f64) -> Value {
    // As people write it: 3.5e-5, not 3.4999999999999997e-5.
    let text = format!("{:.3e}", rate * LOWER);
    Value::Float(text.parse().unwrap_or(rate * LOWER).max(1e-6))
}
