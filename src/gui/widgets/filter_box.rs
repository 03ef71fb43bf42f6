//! The box of a filter, the same wherever something is filtered: what is not understood is underlined in red, what could
//! be written is offered below, and filters can be kept.

use std::sync::Arc;

use eframe::egui::text::{CCursor, CCursorRange, LayoutJob, TextFormat};
use eframe::egui::text_edit::TextEditState;
use eframe::egui::{
    self, Area, Galley, Id, Key, Modifiers, Order, Rect, Response, Stroke, TextBuffer, TextEdit, Ui, vec2,
};
use serde::{Deserialize, Serialize};

use super::button::icon_button;
use super::icon;
use super::tile;
use crate::gui::theme::{Theme, Type, size};
use crate::study::filter::{Completion, Mistake, Terms, Vocabulary, complete};

/// Words that are offered at once, at most.
const OFFERED: usize = 8;
/// Filters that are kept, at most.
const KEPT: usize = 20;

/// What was typed, what was made of it, and the filters that are kept; text and kept ones outlive the window.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FilterBox {
    /// As it was typed.
    pub text: String,
    kept: Vec<String>,
    /// The last that was understood, and its text.
    #[serde(skip)]
    terms: Terms,
    #[serde(skip)]
    good: String,
    #[serde(skip)]
    mistake: Option<Mistake>,
    #[serde(skip)]
    read: Option<(String, bool)>,
    /// The place of what is offered while it is shown: a click there must not end it.
    #[serde(skip)]
    offer: Option<Rect>,
    #[serde(skip)]
    chosen: usize,
}

/// How the box is named and what it says while it is empty.
#[derive(Clone, Copy)]
pub struct FilterDress<'a> {
    /// Its name for screen readers.
    pub name: &'a str,
    /// What could be typed.
    pub hint: &'a str,
    /// Of the box with its button, in points.
    pub width: f32,
}

impl FilterBox {
    /// What is in force: while the text is not understood, the last that was. Without labels nothing that was read
    /// with them stays in force.
    pub fn terms(&mut self, known: &Vocabulary<'_>) -> &Terms {
        if self.read.as_ref().is_none_or(|(text, truth)| *text != self.text || *truth != known.truth) {
            match Terms::parse(&self.text, known) {
                Ok(terms) => {
                    (self.terms, self.mistake) = (terms, None);
                    self.good.clone_from(&self.text);
                }
                Err(mistake) => {
                    if !known.truth {
                        self.terms = Terms::default();
                        self.good.clear();
                    }
                    self.mistake = Some(mistake);
                }
            }
            self.read = Some((self.text.clone(), known.truth));
        }
        &self.terms
    }

    /// What is in force, as it was last read.
    pub fn in_force(&self) -> &Terms {
        &self.terms
    }

    /// The text of what is in force.
    pub fn good(&self) -> &str {
        &self.good
    }

    /// Why the text is not understood, if so.
    pub fn problem(&self) -> Option<&str> {
        self.mistake.as_ref().map(|mistake| mistake.why.as_str())
    }

    /// Whether it lets everything through.
    pub fn is_empty(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// Shows the box and the button of the kept filters.
    pub fn show(&mut self, ui: &mut Ui, known: &Vocabulary<'_>, dress: FilterDress<'_>) -> Response {
        self.terms(known);
        let inner = ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 2.0;
            let typed = !self.is_empty();
            let width = dress.width - if typed { 48.0 } else { 24.0 };
            let response = self.edit(ui, known, FilterDress { width, ..dress });
            if typed && icon_button(ui, icon::CROSS, "Clear the filter").clicked() {
                self.text.clear();
            }
            self.menu(ui, dress.name);
            response
        });
        self.terms(known);
        inner.inner
    }

    /// One line that says what is wrong, where something is.
    pub fn say_problem(&self, ui: &mut Ui) {
        let Some(problem) = self.problem() else { return };
        let theme = Theme::of(ui.ctx());
        ui.horizontal(|ui| {
            ui.label(icon::text(icon::ERROR, icon::Weight::Regular, size::ICON_BUTTON, theme.error));
            let words = Type::Small.text(problem, theme.error);
            ui.add(egui::Label::new(words).truncate()).on_hover_text(problem);
        });
    }

    fn edit(&mut self, ui: &mut Ui, known: &Vocabulary<'_>, dress: FilterDress<'_>) -> Response {
        let theme = Theme::of(ui.ctx());
        let id = ui.make_persistent_id(("filter", dress.name));
        let offered = self.offered(ui, id, known);
        let taken = self.keys(ui, id, &offered);
        let wrong = self.mistake.as_ref().filter(|_| self.read.as_ref().is_some_and(|(text, _)| *text == self.text));
        let wrong = wrong.map(|mistake| (self.text.clone(), mistake.at.clone()));
        let (font, ink, line) = (Type::Small.font(ui), theme.t1, Stroke::new(1.5, theme.error));
        let mut layouter = |ui: &Ui, text: &dyn TextBuffer, _: f32| -> Arc<Galley> {
            let text = text.as_str();
            let plain = TextFormat::simple(font.clone(), ink);
            let mut job = LayoutJob::default();
            match &wrong {
                Some((of, at)) if of == text && text.get(at.clone()).is_some() => {
                    job.append(&text[..at.start], 0.0, plain.clone());
                    job.append(&text[at.clone()], 0.0, TextFormat { underline: line, ..plain.clone() });
                    job.append(&text[at.end..], 0.0, plain);
                }
                _ => job.append(text, 0.0, plain),
            }
            job.wrap.max_width = f32::INFINITY;
            ui.painter().layout_job(job)
        };
        let edit = TextEdit::singleline(&mut self.text)
            .id(id)
            .hint_text(Type::Small.text(dress.hint, theme.t3))
            .font(Type::Small.font(ui))
            .margin(egui::Margin::symmetric(6, 3))
            .align(egui::Align2::LEFT_CENTER)
            .layouter(&mut layouter)
            .lock_focus(offered.first().is_some_and(|c| !c.at.is_empty())) // Tab takes what is offered
            .desired_width((dress.width - 12.0).max(40.0));
        let response = ui.add(edit).accessible_name(dress.name);
        if self.mistake.is_some() {
            let stroke = Stroke::new(size::STROKE_CURVE, theme.error);
            ui.painter().rect_stroke(response.rect, size::RADIUS_INPUT, stroke, egui::StrokeKind::Inside);
        }
        let pointed = self.offer.is_some_and(|at| ui.input(|i| i.pointer.hover_pos()).is_some_and(|p| at.contains(p)));
        let open = !offered.is_empty() && (response.has_focus() || (pointed && self.offer.is_some()));
        let clicked = if open { self.offer(ui, &response, &offered) } else { None };
        self.offer = self.offer.filter(|_| open);
        if let Some(word) = taken.or(clicked) {
            self.put(ui, id, &offered[word]);
        }
        let help = self.problem().map_or_else(|| help(known), str::to_owned);
        if !open {
            return response.on_hover_text(help);
        }
        response
    }

    /// What could be written where the cursor stands.
    fn offered(&self, ui: &Ui, id: Id, known: &Vocabulary<'_>) -> Vec<Completion> {
        if !ui.memory(|m| m.has_focus(id)) && self.offer.is_none() {
            return Vec::new();
        }
        let range = TextEditState::load(ui.ctx(), id).and_then(|state| state.cursor.char_range());
        let chars = range.map_or(usize::MAX, |range| range.primary.index.0);
        let cursor = self.text.char_indices().nth(chars).map_or(self.text.len(), |(at, _)| at);
        complete(&self.text, cursor, known).into_iter().take(OFFERED).collect()
    }

    /// Arrows choose among what is offered, Tab takes it.
    fn keys(&mut self, ui: &Ui, id: Id, offered: &[Completion]) -> Option<usize> {
        self.chosen = self.chosen.min(offered.len().saturating_sub(1));
        let begun = offered.first().is_some_and(|c| !c.at.is_empty());
        if offered.is_empty() || !ui.memory(|m| m.has_focus(id)) {
            return None;
        }
        let pressed = |key| ui.input_mut(|i| i.consume_key(Modifiers::NONE, key));
        if pressed(Key::ArrowDown) {
            self.chosen = (self.chosen + 1) % offered.len();
        }
        if pressed(Key::ArrowUp) {
            self.chosen = (self.chosen + offered.len() - 1) % offered.len();
        }
        // With nothing begun, Tab goes on to the next control as everywhere.
        (begun && pressed(Key::Tab)).then_some(self.chosen)
    }

    fn offer(&mut self, ui: &Ui, below: &Response, offered: &[Completion]) -> Option<usize> {
        let theme = Theme::of(ui.ctx());
        let mut clicked = None;
        let area = Area::new(below.id.with("offered"))
            .order(Order::Foreground)
            .fixed_pos(below.rect.left_bottom() + vec2(0.0, 2.0))
            .show(ui.ctx(), |ui| {
                tile::floating(theme).inner_margin(egui::Margin::same(4)).show(ui, |ui| {
                    ui.spacing_mut().item_spacing.y = 0.0;
                    for (at, completion) in offered.iter().enumerate() {
                        let words = format!("{}  {}", completion.word, completion.help);
                        let mut job = LayoutJob::default();
                        job.append(&completion.word, 0.0, TextFormat::simple(Type::Body.font(ui), theme.t1));
                        job.append(completion.help, 10.0, TextFormat::simple(Type::Small.font(ui), theme.t3));
                        let entry = ui.selectable_label(at == self.chosen, job).accessible_name(words);
                        if entry.clicked() {
                            clicked = Some(at);
                        }
                    }
                });
            });
        self.offer = Some(area.response.rect);
        clicked
    }

    /// Writes a word that was offered, and leaves the cursor behind it.
    fn put(&mut self, ui: &Ui, id: Id, completion: &Completion) {
        if self.text.get(completion.at.clone()).is_none() {
            return;
        }
        self.text.replace_range(completion.at.clone(), &completion.word);
        let end = completion.at.start + completion.word.len();
        let chars = self.text[..end].chars().count();
        let mut state = TextEditState::load(ui.ctx(), id).unwrap_or_default();
        state.cursor.set_char_range(Some(CCursorRange::one(CCursor::new(chars))));
        state.store(ui.ctx(), id);
        ui.memory_mut(|m| m.request_focus(id));
        (self.chosen, self.offer) = (0, None);
        ui.ctx().request_repaint();
    }

    /// Filters that are kept: take one up, keep this one, forget one.
    fn menu(&mut self, ui: &mut Ui, name: &str) {
        let stars = icon_button(ui, icon::STAR, &format!("{name}: kept ones"));
        egui::Popup::menu(&stars).show(|ui| {
            ui.set_min_width(180.0);
            let theme = Theme::of(ui.ctx());
            let new = !self.is_empty() && self.mistake.is_none() && !self.kept.contains(&self.text);
            let keep = ui.add_enabled(new, egui::Button::new("Keep this filter"));
            if keep.on_disabled_hover_text("Type a filter first; one that is kept is listed below.").clicked() {
                self.kept.insert(0, self.text.clone());
                self.kept.truncate(KEPT);
            }
            if self.kept.is_empty() {
                ui.label(Type::Small.text("No filter is kept yet.", theme.t3));
            }
            let mut forgotten = None;
            for (at, kept) in self.kept.iter().enumerate() {
                ui.horizontal(|ui| {
                    if icon_button(ui, icon::CROSS, &format!("Forget {kept}")).clicked() {
                        forgotten = Some(at);
                    }
                    if ui.button(kept).clicked() {
                        self.text.clone_from(kept);
                    }
                });
            }
            if let Some(at) = forgotten {
                self.kept.remove(at);
            }
        });
    }
}

/// What can be asked, in words.
fn help(known: &Vocabulary<'_>) -> String {
    let fields = known.fields.iter().filter(|field| known.truth || !field.truth).take(14);
    let fields: Vec<String> = fields.map(|field| format!("{} ({})", field.name, field.help)).collect();
    let words = if known.words { "; any other word is looked for in names" } else { "" };
    format!(
        "Terms with blanks between them, all of which must hold: a field, one of < <= = != >= >, a value{words}. Tab \
         completes. Fields: {}.",
        fields.join(", ")
    )
}
