//! The image that is asked about: its place above the list, files that are dropped or opened.

use std::path::PathBuf;
use std::sync::Arc;

use eframe::egui::{
    self, Align2, FontId, Popup, PopupCloseBehavior, Rect, Role, Sense, TextEdit, Ui, WidgetInfo, pos2, vec2,
};

use super::row::{QueryRow, RankSide, height, title};
use crate::engine::command::RequestId;
use crate::engine::event::{ImageRef, RankQuery, Ranking, Split, Stage};
use crate::gui::far;
use crate::gui::job::Job;
use crate::gui::panels::PanelCtx;
use crate::gui::paths;
use crate::gui::plot::ticks;
use crate::gui::theme::{Theme, Type, size};
use crate::gui::view_model::RunView;
use crate::gui::widgets::button::{self, Push};
use crate::gui::widgets::images::Tone;
use crate::gui::widgets::photo;
use crate::gui::widgets::{icon, tile};
use crate::gui::words::is_active;
use crate::run::images::Images;
use crate::run::snapshot::RankSnapshot;
use crate::study::hits::{HitList, as_snapshot};

/// What is said where only the engine could answer.
pub const NO_MODEL: &str = "A model is needed to search with another image: it is at hand when no run goes on.";
/// Files taken of those that are dropped at once.
const FILES: usize = 8;

/// Opens an image file: by path, or by the system's dialog on a thread of its own.
#[derive(Default)]
pub struct Picker {
    path: String,
    browse: Job<Option<PathBuf>>,
}

impl Picker {
    /// Its button; the answer is the file to ask about.
    pub fn ui(&mut self, ui: &mut Ui, live: bool) -> Option<PathBuf> {
        let theme = Theme::of(ui.ctx());
        let ink = if live { None } else { Some(theme.t4) };
        let name = "Open an image as query…";
        let response = button::icon_button_colored(ui, icon::FOLDER, name, ink);
        let response = if live { response } else { response.on_hover_text(NO_MODEL) };
        let mut chosen = None;
        let popup = Popup::menu(&response).close_behavior(PopupCloseBehavior::CloseOnClickOutside);
        let asked = popup.show(|ui| {
            ui.set_width(280.0);
            // A popup stands on the level of inputs: its own lie one below.
            ui.visuals_mut().text_edit_bg_color = Some(theme.bg0);
            let words = "Any photo of a person, cropped as the dataset's are. You can also drop a file on the panel.";
            ui.label(Type::Small.text(if live { words } else { NO_MODEL }, theme.t2));
            ui.horizontal(|ui| {
                let edit = TextEdit::singleline(&mut self.path).hint_text("/photos/person.jpg").desired_width(150.0);
                let edit = ui.add_enabled(live, edit).accessible_name("Image file");
                let entered = edit.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
                let ready = live && !self.path.trim().is_empty();
                let ask = ui.add(Push::new("Ask").small().enabled(ready));
                let ask = ask.on_hover_text("Ranks the gallery for this image.").clicked();
                if ready && (ask || entered) {
                    chosen = Some(PathBuf::from(self.path.trim()));
                }
                let browse = Push::new("Browse…").small().enabled(live && !self.browse.busy());
                if ui.add(browse).on_hover_text("Opens the system's file dialog.").clicked() {
                    self.browse.start("image dialog", ui.ctx(), || {
                        let images = ["jpg", "jpeg", "png", "bmp"];
                        rfd::FileDialog::new().add_filter("Images", &images).pick_file()
                    });
                }
            });
            if chosen.is_some() {
                ui.close();
            }
        });
        drop(asked);
        chosen.or_else(|| self.browse.poll().flatten())
    }
}

/// Photos that were dropped on the window; each once. What else was dropped is not for this panel.
pub fn dropped(ui: &Ui) -> Vec<PathBuf> {
    ui.ctx().input_mut(|i| {
        let files = std::mem::take(&mut i.raw.dropped_files);
        let (photos, others): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| paths::is_photo(file.path()));
        i.raw.dropped_files = others;
        photos.into_iter().map(|file| file.path().to_path_buf()).take(FILES).collect()
    })
}

/// While a file hovers over the window: where it can go.
pub fn drop_hint(ui: &Ui, tile: Rect, live: bool) {
    if ui.input(|i| i.raw.hovered_files.is_empty()) {
        return;
    }
    let theme = Theme::of(ui.ctx());
    let words = if live { "Drop an image here to find this person in the gallery" } else { NO_MODEL };
    let painter = ui.painter();
    painter.rect_filled(tile, size::RADIUS_BUTTON, theme.bg1.gamma_multiply(0.92));
    photo::frame(painter, tile.shrink(2.0), if live { theme.accent } else { theme.junk }, true);
    let center = tile.center();
    icon::paint(painter, center - vec2(0.0, 22.0), icon::IMAGE, icon::Weight::Regular, 24.0, theme.t2);
    painter.text(center + vec2(0.0, 6.0), Align2::CENTER_CENTER, words, Type::Title.font(ui), theme.t1);
    let hint = ui.interact(tile, ui.scope_id().with("drop hint"), Sense::hover());
    hint.widget_info(|| WidgetInfo::labeled(Role::Label, true, words));
}

/// The answer to that question, if there is one.
pub fn answer<'a>(view: &'a RunView, query: &RankQuery) -> Option<&'a Arc<Ranking>> {
    view.rankings.iter().find(|known| known.query == *query)
}

/// Where an answer comes from.
pub struct RankSource<'a> {
    /// The question.
    pub query: &'a RankQuery,
    /// Under which name the engine answers; `None` when it was not asked.
    pub request: Option<&'a RequestId>,
    /// The rank lists of the epoch looked at.
    pub ranks: &'a RankSnapshot,
    /// That epoch.
    pub epoch: usize,
    /// The target's images, where the run lists them.
    pub images: Option<&'a Images>,
    /// Whether junk is shown.
    pub junk: bool,
}

/// Whether the evaluation has ranked the gallery for it.
pub fn evaluated(query: &RankQuery, ranks: &RankSnapshot) -> Option<usize> {
    match query {
        RankQuery::Image(ImageRef { split: Split::Query, index }) => {
            Some(*index as usize).filter(|&q| q < ranks.queries())
        }
        RankQuery::Image(_) | RankQuery::File(_) => None,
    }
}

impl RankSource<'_> {
    /// Shows its rank list, or why there is none yet; the answer is the image that is to be the query next.
    pub fn show(&self, ui: &mut Ui, cx: &PanelCtx<'_>) -> Option<RankQuery> {
        let view = cx.view;
        let row = |a| QueryRow { query: self.query, a, b: None, images: self.images, junk: self.junk, pinned: true };
        let next = if let Some(q) = evaluated(self.query, self.ranks) {
            let list = HitList::of_query(self.ranks, q, self.images, cx.truth);
            row(RankSide { list, epoch: self.epoch, iters: 0, reranked: false }).show(ui, cx)
        } else if let Some(known) = answer(view, self.query) {
            let ranks = as_snapshot(known);
            let list = HitList::of_answer(&ranks, known, self.images, cx.truth);
            row(RankSide { list, epoch: known.epoch, iters: known.iters, reranked: false }).show(ui, cx)
        } else {
            self.waiting(ui, cx);
            None
        };
        tile::rule(ui);
        next
    }

    fn waiting(&self, ui: &mut Ui, cx: &PanelCtx<'_>) {
        let theme = Theme::of(ui.ctx());
        let (area, response) = ui.allocate_exact_size(vec2(ui.available_width(), height(ui, false)), Sense::hover());
        let path = match self.query {
            RankQuery::File(path) => Some(path.as_path()),
            RankQuery::Image(image) => self.images.and_then(|i| i.get(*image)).map(|row| row.path.as_path()),
        };
        let at = Rect::from_min_size(area.min + vec2(2.0, 4.0), size::QUERY.into());
        let drawn = photo::paint(ui, cx.images, path, at, Tone::Color, 1.0);
        photo::frame(ui.painter(), drawn.expand(2.0), theme.t1, false);
        let (head, words) = self.news(cx.view, cx.answers);
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{head}. {words}")));
        let left = at.right() + 16.0;
        let painter = ui.painter();
        let width = (area.right() - left).max(40.0);
        painter.text(pos2(left, at.top()), Align2::LEFT_TOP, head, Type::Title.font(ui), theme.t1);
        let font: FontId = Type::Body.font(ui);
        let galley = painter.layout(words, font, theme.t2, width.min(420.0));
        painter.galley(pos2(left, at.top() + 20.0), galley, theme.t2);
    }

    /// What is to be said while there is no answer.
    fn news(&self, view: &RunView, answers: bool) -> (String, String) {
        let name = title(self.query);
        let refused = self.request.and_then(|request| view.refusal(request));
        if !answers {
            return (name, NO_MODEL.to_owned());
        }
        if let Some(why) = refused {
            return (format!("No answer for {name}"), why.to_owned());
        }
        let stage = &view.stages[Stage::Evaluate as usize];
        let words = if stage.done < stage.total {
            let (done, total) = (ticks::count(stage.done as usize), ticks::count(stage.total as usize));
            format!("The gallery is described first: {done} of {total} images.")
        } else if far::of(view.folder.as_deref()).is_some() {
            "Its machine answers; where nobody trains the run, its last checkpoint is loaded first.".to_owned()
        } else if view.trainer.is_some() {
            "The process that trains it answers after the current batch.".to_owned()
        } else if is_active(view) {
            "The engine answers after the current batch.".to_owned()
        } else {
            "The network of the last checkpoint is taken up first.".to_owned()
        };
        (format!("Asking for {name}"), words)
    }
}
