//! A table: a head that sorts, rows of text that are drawn only where they are seen, columns as wide as what is in them.

use eframe::egui::{self, Align2, Color32, Rect, Response, Role, ScrollArea, Sense, Ui, WidgetInfo, pos2, vec2};

use super::button::focus_ring;
use super::icon::{self, Weight};
use crate::gui::theme::{Theme, Type, size};

/// Widest and narrowest column, in points.
const WIDTH: [f32; 2] = [44.0, 280.0];
/// Rows that the width of a column is measured by.
const MEASURED: usize = 60;
/// A column of which less is in sight is left out.
const LEAST: f32 = 16.0;
/// Between columns.
const GAP: f32 = 14.0;

/// A column.
#[derive(Clone, Debug)]
pub struct TableColumn {
    /// Its head.
    pub title: String,
    /// What it says, for the head's tooltip.
    pub help: String,
    /// Whether its values are numbers, which stand at the right.
    pub number: bool,
}

impl TableColumn {
    /// A column of words.
    pub fn words(title: impl Into<String>, help: impl Into<String>) -> Self {
        Self { title: title.into(), help: help.into(), number: false }
    }

    /// A column of numbers.
    pub fn number(title: impl Into<String>, help: impl Into<String>) -> Self {
        Self { title: title.into(), help: help.into(), number: true }
    }
}

/// What stands in a cell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableCell {
    /// The text.
    pub text: String,
    /// Its colour, where it is not that of all text.
    pub ink: Option<Color32>,
}

impl From<String> for TableCell {
    fn from(text: String) -> Self {
        Self { text, ink: None }
    }
}

impl From<&str> for TableCell {
    fn from(text: &str) -> Self {
        Self { text: text.to_owned(), ink: None }
    }
}

/// A table to be shown.
pub struct TableWidget<'a> {
    /// What tells it from other tables, and what a screen reader calls it.
    pub name: &'a str,
    /// Its columns.
    pub columns: &'a [TableColumn],
    /// How many rows.
    pub rows: usize,
    /// The column it is sorted by, and whether the largest comes first.
    pub sort: Option<(usize, bool)>,
    /// Room before the first column, for [`TableWidget::show`]'s `lead`.
    pub lead: f32,
    /// Whether rows can be clicked.
    pub clickable: bool,
    /// At most so high; the whole room otherwise.
    pub height: Option<f32>,
}

/// What was done with a table.
#[derive(Default)]
pub struct TableDone {
    /// A head that was clicked.
    pub head: Option<usize>,
    /// A row that was clicked.
    pub row: Option<usize>,
}

impl TableWidget<'_> {
    /// Shows it. `cell` gives the text of row and column; `lead` draws what stands before a row, and gets what the row
    /// answers to.
    pub fn show(
        &self,
        ui: &mut Ui,
        is_on: impl Fn(usize) -> bool,
        cell: impl Fn(usize, usize) -> TableCell,
        mut lead: impl FnMut(&mut Ui, usize, Rect, Response),
    ) -> TableDone {
        let mut done = TableDone::default();
        let widths = self.widths(ui, &cell);
        let whole = self.lead + widths.iter().map(|w| w + GAP).sum::<f32>();
        let high = self.height.unwrap_or(f32::INFINITY).min(ui.available_height()).max(size::TABLE_ROW * 3.0);
        let area = ScrollArea::horizontal().id_salt((self.name, "across")).max_height(high).auto_shrink([false, true]);
        area.show(ui, |ui| {
            let whole = whole.max(ui.available_width());
            ui.set_width(whole);
            ui.spacing_mut().item_spacing.y = 0.0;
            done.head = self.head(ui, &widths);
            let rest = (high - size::TABLE_ROW - 8.0).max(size::TABLE_ROW);
            let body = ScrollArea::vertical().id_salt((self.name, "down")).max_height(rest).auto_shrink([false, true]);
            body.show_rows(ui, size::TABLE_ROW, self.rows, |ui, rows| {
                for row in rows {
                    let (place, response) = self.row(ui, row, is_on(row), &widths, &cell);
                    if response.clicked() {
                        done.row = Some(row);
                    }
                    lead(ui, row, place, response);
                }
            });
        });
        done
    }

    fn widths(&self, ui: &Ui, cell: &impl Fn(usize, usize) -> TableCell) -> Vec<f32> {
        let font = Type::Body.font(ui);
        let wide = |text: String, font: egui::FontId| ui.painter().layout_no_wrap(text, font, Color32::WHITE).size().x;
        let column = |(at, column): (usize, &TableColumn)| {
            let head = wide(column.title.clone(), Type::Small.font(ui)) + 14.0;
            let cells = (0..self.rows.min(MEASURED)).map(|row| wide(cell(row, at).text, font.clone()));
            cells.fold(head, f32::max).clamp(WIDTH[0], WIDTH[1])
        };
        self.columns.iter().enumerate().map(column).collect()
    }

    fn head(&self, ui: &mut Ui, widths: &[f32]) -> Option<usize> {
        let theme = Theme::of(ui.ctx());
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), size::TABLE_ROW), Sense::hover());
        let mut x = rect.left() + self.lead;
        let mut clicked = None;
        for (at, (column, width)) in self.columns.iter().zip(widths).enumerate() {
            let place = Rect::from_min_size(pos2(x, rect.top()), vec2(*width, rect.height()));
            x += width + GAP;
            let sense = if self.sort.is_some() { Sense::click() } else { Sense::hover() };
            let response = ui.interact(place, ui.scope_id().with((self.name, "head", at)), sense);
            let name = format!("{} column", column.title);
            response.widget_info(|| WidgetInfo::labeled(Role::ColumnHeader, true, name.as_str()));
            let sorted = self.sort.filter(|(by, _)| *by == at);
            let ink = if response.hovered() || sorted.is_some() { theme.t1 } else { theme.t3 };
            let mark = if sorted.is_some() { 12.0 } else { 0.0 };
            let words = if column.number { place.with_min_x(place.left() + mark) } else { place };
            text(ui, words, (&column.title, Type::Small, ink), column.number);
            if let Some((_, down)) = sorted {
                let glyph = if down { icon::CARET_DOWN } else { icon::CARET_UP };
                let at = if column.number { place.left() + 5.0 } else { place.right() - 5.0 };
                icon::paint(ui.painter(), pos2(at, place.center().y), glyph, Weight::Bold, 9.0, ink);
            }
            focus_ring(ui, &response, place.shrink(2.0), size::RADIUS_INPUT);
            if response.on_hover_text(&column.help).clicked() {
                clicked = Some(at);
            }
        }
        let y = ui.painter().round_to_pixel_center(rect.bottom() - 0.5);
        ui.painter().hline(rect.x_range(), y, egui::Stroke::new(size::STROKE, theme.line));
        clicked
    }

    fn row(
        &self,
        ui: &mut Ui,
        row: usize,
        on: bool,
        widths: &[f32],
        cell: &impl Fn(usize, usize) -> TableCell,
    ) -> (Rect, Response) {
        let theme = Theme::of(ui.ctx());
        let sense = if self.clickable { Sense::click() } else { Sense::hover() };
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), size::TABLE_ROW), sense);
        let cells: Vec<TableCell> = (0..self.columns.len()).map(|at| cell(row, at)).collect();
        let said: Vec<&str> = cells.iter().map(|c| c.text.as_str()).filter(|text| !text.is_empty()).collect();
        let said = said.join(", ");
        response.widget_info(|| WidgetInfo::selected(Role::Row, true, on, said.as_str()));
        if on || (self.clickable && response.hovered()) {
            ui.painter().rect_filled(rect, 0.0, theme.bg2);
        }
        focus_ring(ui, &response, rect.shrink(2.0), size::RADIUS_INPUT);
        let mut x = rect.left() + self.lead;
        for ((cell, column), width) in cells.iter().zip(self.columns).zip(widths) {
            let place = Rect::from_min_size(pos2(x, rect.top()), vec2(*width, rect.height()));
            x += width + GAP;
            text(ui, place, (&cell.text, Type::Body, cell.ink.unwrap_or(theme.t1)), column.number);
        }
        (Rect::from_min_size(rect.min, vec2(self.lead, rect.height())), response)
    }
}

/// A table that is read, not clicked, as high as it is.
pub fn plain(ui: &mut Ui, name: &str, columns: &[TableColumn], rows: &[Vec<TableCell>], is_on: impl Fn(usize) -> bool) {
    let table = TableWidget { name, columns, rows: rows.len(), sort: None, lead: 0.0, clickable: false, height: None };
    table.show(ui, is_on, |row, column| rows[row][column].clone(), |_, _, _, _| {});
}

/// A line of text in its place; what does not fit ends in an ellipsis.
fn text(ui: &Ui, place: Rect, (words, step, ink): (&str, Type, Color32), right: bool) {
    // A column that is scrolled half out of sight ends in an ellipsis, too.
    let whole = place;
    let place = Rect::from_x_y_ranges(place.x_range().intersection(ui.clip_rect().x_range()), place.y_range());
    if place.width() < whole.width().min(LEAST) {
        return;
    }
    let galley = step.cut(ui, words, ink, place.width());
    let align = if right { Align2::RIGHT_CENTER } else { Align2::LEFT_CENTER };
    let at = align.align_size_within_rect(galley.size(), place).min;
    ui.painter().galley(at, galley, ink);
}

/// Where a click on the head of a column leads: the other way round for the same one, largest first for numbers.
pub fn sorted_by(sort: (usize, bool), clicked: usize, number: bool) -> (usize, bool) {
    if sort.0 == clicked { (clicked, !sort.1) } else { (clicked, number) }
}
