//! What was said by hand, what each of it changed at once, and the mAP since.

use std::path::PathBuf;

use eframe::egui::Ui;

use crate::base::text::capitalised;
use crate::gui::clustered::by_hand::gain_words;
use crate::gui::job::Job;
use crate::gui::panels::PanelCtx;
use crate::gui::plot::ticks;
use crate::gui::theme::Type;
use crate::gui::what_if::Base;
use crate::gui::widgets::chip;
use crate::method::gain::{HandGain, hand_gains};
use crate::method::hand::{Hand, HandEdit};
use crate::run::graph::read_graph;
use crate::study::answers::{Answered, answered};

/// Gains by the place of what was said; `None` where no clustering came before it.
type Gains = Vec<Option<Result<HandGain, String>>>;

/// What was counted.
#[derive(Default)]
pub(super) struct SaidByHand {
    of: Option<(Option<PathBuf>, Vec<Answered>)>,
    job: Job<Gains>,
    gains: Option<Gains>,
}

impl SaidByHand {
    /// Lists it; nothing where nothing stands.
    pub(super) fn show(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>) {
        let said = answered(cx.view);
        if said.is_empty() {
            return;
        }
        if let Some(gains) = self.job.poll() {
            self.gains = Some(gains);
        }
        if self.job.take_failure().is_some() {
            self.gains = Some(Vec::new());
        }
        let of = Some((cx.view.folder.clone(), said));
        if self.of != of && !self.job.busy() {
            let said = of.iter().flat_map(|(_, said)| said);
            let asks: Vec<(Option<Base>, HandEdit)> =
                said.map(|s| (s.at.and_then(|epoch| Base::of(cx.view, epoch)), s.edit.clone())).collect();
            (self.of, self.gains) = (of, None);
            self.job.start("gains of what was said", ui.ctx(), move || count(&asks));
        }
        let Some((_, said)) = &self.of else { return };
        let judged = cx.truth && said.iter().any(|s| s.map.is_some());
        ui.add_space(6.0);
        ui.horizontal(|ui| {
            ui.label(Type::Title.text("Said by hand", cx.theme.t1));
            if judged {
                chip::ground_truth(ui);
            }
        });
        for (place, s) in said.iter().enumerate() {
            let since = match s.since {
                Some(epoch) => format!("counts since epoch {}", epoch + 1),
                None => "counts from the next clustering on".to_owned(),
            };
            ui.label(Type::Body.text(format!("{}; {since}.", capitalised(&s.edit.words())), cx.theme.t1));
            let gain = match self.gains.as_ref().map(|gains| gains.get(place)) {
                None => "counting…".to_owned(),
                Some(Some(Some(Ok(gain)))) => format!("At once: {}.", gain_words(gain)),
                Some(Some(Some(Err(why)))) => why.clone(),
                Some(_) => "No clustering came before it.".to_owned(),
            };
            ui.label(Type::Small.text(gain, cx.theme.t2));
            if let Some(map) = s.map.filter(|_| cx.truth) {
                let [before, after] = map.map(|map| ticks::number(100.0 * map, 1));
                let words = format!("Later: mAP {before} before its first epoch, {after} after it.");
                let tip = "The epoch trained everything else, too: hold it against a run of the same seed in which it was not \
                           said.";
                ui.label(Type::Small.text(words, cx.theme.truth)).on_hover_text(tip);
            }
        }
    }
}

/// The gain of each: what was said of one epoch counts one after the other.
fn count(asks: &[(Option<Base>, HandEdit)]) -> Gains {
    let mut gains = Vec::with_capacity(asks.len());
    for same in asks.chunk_by(|a, b| a.0 == b.0) {
        let Some(base) = &same[0].0 else {
            gains.extend(same.iter().map(|_| None));
            continue;
        };
        let edits: Vec<HandEdit> = same.iter().map(|(_, edit)| edit.clone()).collect();
        let before = base.hand.as_ref().map_or_else(Hand::default, |hand| (**hand).clone());
        match read_graph(&base.folder, base.epoch) {
            Ok(graph) => {
                let found = hand_gains(&graph, &base.params, base.carried, (&before, &edits, true));
                gains.extend(found.into_iter().map(Some));
            }
            Err(e) => gains.extend(same.iter().map(|_| Some(Err(e.to_string())))),
        }
    }
    gains
}
