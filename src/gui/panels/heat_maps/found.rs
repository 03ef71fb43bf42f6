//! The maps of the epoch looked at and of the one it is compared with.

use std::sync::Arc;

use super::PanelCtx;
use crate::engine::event::{ImageMaps, ImageRef, Phase};
use crate::gui::view_model::{EpochPart, Loaded, RunView};
use crate::gui::words::is_over;

/// The maps to show and after how many epochs they were computed: those that came live, then those of the
/// snapshot. Nothing is copied: a network's maps are megabytes.
pub struct FoundMaps<'a> {
    /// Epochs done.
    pub epoch: usize,
    /// Whether they are of a network that is still pre-trained.
    pub early: bool,
    live: &'a [ImageMaps],
    stored: Option<Arc<Vec<ImageMaps>>>,
}

impl FoundMaps<'_> {
    /// All of them; an image's newest alone.
    pub fn images(&self) -> Vec<&ImageMaps> {
        let known = |image: ImageRef| self.live.iter().any(|l| l.image == image);
        let stored = self.stored.iter().flat_map(|s| s.iter()).filter(|i| !known(i.image));
        self.live.iter().chain(stored).collect()
    }
}

/// The maps of the epoch looked at, or what to say instead.
pub fn looked_at<'a>(cx: &PanelCtx<'a>) -> Result<FoundMaps<'a>, (&'static str, String)> {
    let view = cx.view;
    let snapshot = view.newest_snapshot(EpochPart::HeatMaps, cx.selection.epoch);
    let live = view.live_maps.as_ref().filter(|(epoch, _)| {
        cx.selection.epoch.is_none_or(|e| e == *epoch) && snapshot.is_none_or(|stored| *epoch >= stored)
    });
    let (live_epoch, live) = live.map_or((None, &[][..]), |(epoch, images)| (Some(*epoch), images.as_slice()));
    let mut stored = None;
    if let Some(epoch) = snapshot.filter(|s| live_epoch.is_none_or(|live| live == *s)) {
        match cx.snapshots.heat_maps(view, epoch) {
            Loaded::Ready(images) => stored = Some(images),
            Loaded::Failed(why) if live.is_empty() => return Err(("These maps cannot be read", why)),
            Loaded::Loading if live.is_empty() => return Err(("Reading the maps", String::new())),
            Loaded::Absent | Loaded::Loading | Loaded::Failed(_) => {}
        }
    }
    let early = view.phase == Phase::Pretrain && snapshot.is_none() && view.target_retrieval.is_empty();
    let found = FoundMaps { epoch: live_epoch.or(snapshot).unwrap_or(0), early, live, stored };
    if !found.live.is_empty() || found.stored.as_ref().is_some_and(|s| !s.is_empty()) {
        return Ok(found);
    }
    let text = match &view.params {
        Some(params) if !params.attention.enabled => {
            "This run trains without attention blocks: switch attention on for the next run."
        }
        _ if is_over(view) => {
            let text = "The maps of the watched images come with each evaluation, and this run ended before one.";
            return Err(("No attention maps", text.to_owned()));
        }
        _ => "The maps of the watched images come with each evaluation; the first follows pre-training.",
    };
    Err(("No attention maps yet", text.to_owned()))
}

/// What the epoch looked at is compared with.
pub enum Other<'a> {
    /// Nothing.
    None,
    /// It cannot be shown; why.
    Not(String),
    /// These maps.
    Maps(FoundMaps<'a>),
}

/// The maps of the epoch that is compared with: the newest that are not after it.
pub fn compared_with<'a>(cx: &PanelCtx<'a>) -> Other<'a> {
    let view = cx.view;
    let Some(against) = cx.selection.against else { return Other::None };
    let Some(epoch) = view.newest_snapshot(EpochPart::HeatMaps, Some(against)) else {
        return Other::Not("that epoch has no heat maps".to_owned());
    };
    match cx.snapshots.heat_maps(view, epoch) {
        Loaded::Ready(images) => Other::Maps(FoundMaps { epoch, early: false, live: &[], stored: Some(images) }),
        Loaded::Loading => Other::Not("reading…".to_owned()),
        Loaded::Absent => Other::Not("that epoch has no heat maps".to_owned()),
        Loaded::Failed(why) => Other::Not(why),
    }
}

/// After how many epochs there are stored maps, ascending.
pub fn epochs(view: &RunView) -> Vec<usize> {
    view.snapshots.keys().filter(|(_, part)| *part == EpochPart::HeatMaps).map(|(epoch, _)| *epoch).collect()
}
