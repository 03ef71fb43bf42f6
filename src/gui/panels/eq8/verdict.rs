//! What the filter decided about a cluster, and why, in one sentence.

use super::Eq8Picture;
use crate::gui::clustered::{From, ScoreOrigin};
use crate::gui::plot::ticks;
use crate::gui::words::share;

/// The sentence.
pub fn sentence(picture: &Eq8Picture<'_>) -> String {
    let Eq8Picture { shown, row, cluster, .. } = picture;
    let members = shown.table.members(*cluster);
    let kept = members.iter().filter(|&&i| shown.facts.keeps(i)).count();
    let images = ticks::counted(members.len(), "image", "images");
    let score = share(row.score);
    let Some(alpha) = shown.facts.threshold else {
        return match row.reliable {
            true => format!("Kept without a test: no threshold is in force, so all {images} keep the cluster's label."),
            false => format!("Dropped: there was no cluster to find a threshold from, so its {images} are instances."),
        };
    };
    let alpha = share(alpha);
    if !row.reliable {
        let who = match row.from {
            From::Best => "even its best member scores",
            From::Worst => "its worst member scores",
            From::Average => "its members score on average",
        };
        return format!(
            "Dropped: {who} {score}, below the threshold {alpha}, so its {images} go on as instances of their own."
        );
    }
    let who = match row.from {
        From::Best => "its best member scores",
        From::Worst => "even its worst member scores",
        From::Average => "its members score on average",
    };
    let head = format!("Kept: {who} {score}, not below the threshold {alpha}");
    if kept == members.len() {
        return format!("{head}, so all {images} keep the cluster's label.");
    }
    match shown.table.kind {
        ScoreOrigin::Spcl => {
            format!("{head}, but only the {kept} of {images} whose compactness reaches the cluster's keep its label.")
        }
        ScoreOrigin::Eq8 | ScoreOrigin::Other | ScoreOrigin::None => {
            format!("{head}; {kept} of {images} keep the cluster's label.")
        }
    }
}
