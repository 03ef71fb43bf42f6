//! The run on screen against the baseline ★: the parameters that differ, and the results at the same epoch.

use eframe::egui::{Align, Label, Layout, Ui};

use crate::gui::panels::Many;
use crate::gui::plot::ticks;
use crate::gui::theme::{Theme, Type};
use crate::gui::view_model::RunView;
use crate::gui::widgets::tile;
use crate::method::params::table::ROWS;

/// Shows it, where there is a baseline and another run on screen.
pub fn ui(ui: &mut Ui, shown: &RunView, many: &Many<'_>) {
    let Some(base) = many.book.baseline([shown, many.live]).filter(|base| base.folder != shown.folder) else { return };
    let (Some(own), Some(other)) = (&shown.params, &base.params) else { return };
    let theme = Theme::of(ui.ctx());
    tile::rule(ui);
    let rows: Vec<_> = ROWS.iter().filter(|row| (row.get)(own) != (row.get)(other)).collect();
    tile::title_row(ui, "Differs from \u{e46a}", &format!("{} of {} keys", rows.len(), ROWS.len()), |_| {});
    if rows.is_empty() {
        ui.label(Type::Small.text("All parameters are the same.", theme.t3));
    }
    for row in rows {
        let (before, now) = ((row.get)(other).to_string(), (row.get)(own).to_string());
        line(ui, Type::Mono, row.key, &format!("{before} → {now}"), "");
    }
    let epoch = shown.target_retrieval.keys().rev().find(|e| base.target_retrieval.contains_key(e)).copied();
    let clustered = shown.clusters.keys().rev().find(|e| base.clusters.contains_key(e)).copied();
    let scope = epoch.map_or(String::new(), |epoch| format!("both {}", crate::gui::words::after_words(epoch)));
    tile::title_row(ui, "Against \u{e46a}", &scope, |_| {});
    if let (Some(epoch), true) = (epoch, many.truth) {
        let (now, before) = (&shown.target_retrieval[&epoch], &base.target_retrieval[&epoch]);
        for (name, now, before) in [("mAP", now.mAP, before.mAP), ("rank-1", now.cmc[0], before.cmc[0])] {
            let difference = ticks::signed(100.0 * (now - before), 1);
            line(ui, Type::Body, name, &ticks::number(100.0 * now, 1), &difference);
        }
    }
    if let Some(epoch) = clustered {
        let (now, before) = (&shown.clusters[&epoch].summary, &base.clusters[&epoch].summary);
        let counts = [("clusters", now.clusters[0], before.clusters[0]), ("outliers", now.noise[0], before.noise[0])];
        for (name, now, before) in counts {
            line(ui, Type::Body, name, &ticks::count(now), &ticks::signed(now as f64 - before as f64, 0));
        }
    }
}

/// A name at the left, a value and its difference at the right.
fn line(ui: &mut Ui, step: Type, name: &str, value: &str, difference: &str) {
    let theme = Theme::of(ui.ctx());
    ui.horizontal(|ui| {
        ui.set_min_height(20.0);
        let right = ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if !difference.is_empty() {
                ui.add_sized([52.0, 16.0], Label::new(Type::Small.text(difference, theme.t3)).halign(Align::RIGHT));
            }
            ui.label(Type::Body.text(value, theme.t1));
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add(Label::new(step.text(name, theme.t2)).truncate());
            });
        });
        right.response.on_hover_text(format!("{name}: {value} {difference}"));
    });
}
