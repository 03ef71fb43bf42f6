//! What came of what people said by hand: since when it counts, and the mAP beside it.

use crate::method::hand::HandEdit;
use crate::run::RunView;

/// One thing that was said.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// What.
    pub edit: HandEdit,
    /// The first epoch, from 0, whose clustering it counted in.
    pub since: Option<usize>,
    /// The epoch whose clustering lay before whoever said it: what it changes at once is counted there.
    pub at: Option<usize>,
    /// **Ground truth**: the target's mAP before the first epoch that it counted in, and after it.
    pub map: Option<[f64; 2]>,
}

/// All that was said and stands, in order.
pub fn answered(view: &RunView) -> Vec<Answered> {
    let of = |(place, edit): (usize, &HandEdit)| {
        let counts = view.hands.iter().find(|(_, hand)| hand.edits.get(place) == Some(edit));
        let since = counts.map(|(epoch, _)| *epoch);
        let before = since.unwrap_or(usize::MAX);
        let map = |done: usize| view.target_retrieval.get(&done).map(|r| r.mAP);
        Answered {
            edit: edit.clone(),
            since,
            at: view.clusters.range(..before).next_back().map(|(epoch, _)| *epoch),
            map: since.and_then(|epoch| Some([map(epoch)?, map(epoch + 1)?])),
        }
    };
    view.hand.edits.iter().enumerate().map(of).collect()
}
