//! The centre: tiles that can be moved, one arrangement a layout.

mod borders;
mod first;
mod fit;

use std::collections::{BTreeMap, BTreeSet};

use eframe::egui::{
    self, Color32, Rect, Response, Role, Sense, Stroke, Ui, Vec2, Visuals, WidgetInfo, WidgetText, pos2, vec2,
};
use egui_tiles::{
    Behavior, Container, EditAction, ResizeState, SimplificationOptions, TabState, Tabs, Tile, TileId, Tiles, Tree,
    UiResponse,
};

pub use self::first::{default_tree, single};
use self::fit::{Fitted, fit};
use super::{Pane, PanelCtx, Panels};
use crate::gui::command::{UiCommand, WorkLayout};
use crate::gui::info;
use crate::gui::plot::type_scale;
use crate::gui::theme::{Theme, Type, size};
use crate::gui::widgets::button::{ButtonLook, Push, focus_ring, icon_button};
use crate::gui::widgets::icon;
use crate::gui::widgets::tile::TitlePlace;

/// Whether an arrangement can be shown: it has a root, every tile in it is there, and no panel twice.
pub fn is_sound(tree: &Tree<Pane>) -> bool {
    let mut seen = BTreeSet::new();
    let mut panes = BTreeSet::new();
    let mut stack: Vec<TileId> = tree.root().into_iter().collect();
    while let Some(id) = stack.pop() {
        if !seen.insert(id.0) {
            return false;
        }
        match tree.tiles.get(id) {
            Some(Tile::Pane(pane)) if !panes.insert(*pane) => return false,
            Some(Tile::Pane(_)) => {}
            Some(Tile::Container(container)) => stack.extend(container.children().copied()),
            None => return false,
        }
    }
    !panes.is_empty()
}

/// Brings a tile to the front; one that the arrangement lacks is put beside those it stands with at first.
pub fn show_pane(tree: &mut Tree<Pane>, pane: Pane, layout: WorkLayout) {
    if tree.tiles.find_pane(&pane).is_none() {
        insert(tree, pane, layout);
    }
    if let Some(id) = tree.tiles.find_pane(&pane) {
        tree.tiles.set_visible(id, true);
        tree.make_active(|at, _| at == id);
    }
}

/// Takes a tile out of the arrangement; the menu brings it back. The last one stays.
pub fn hide_pane(tree: &mut Tree<Pane>, pane: Pane) {
    let all = tree.tiles.tiles().filter(|tile| tile.is_pane()).count();
    if let Some(id) = tree.tiles.find_pane(&pane).filter(|_| all > 1) {
        tree.remove_recursively(id);
    }
}

fn insert(tree: &mut Tree<Pane>, pane: Pane, layout: WorkLayout) {
    let first = default_tree(layout);
    let beside = first.tiles.find_pane(&pane).and_then(|id| first.tiles.parent_of(id));
    let beside: Vec<Pane> = beside.and_then(|id| first.tiles.get_container(id)).map_or(Vec::new(), |container| {
        container.children().filter_map(|id| first.tiles.get_pane(id).copied()).collect()
    });
    let there = beside.iter().find_map(|pane| tree.tiles.find_pane(pane)).and_then(|id| tree.tiles.parent_of(id));
    let any = || {
        let is_tabs = |tile: &Tile<Pane>| matches!(tile, Tile::Container(Container::Tabs(_)));
        let tabs = tree.tiles.iter().filter(|(_, tile)| is_tabs(tile)).map(|(id, _)| *id);
        tabs.min_by_key(|id| id.0)
    };
    let place = there.or_else(any);
    let id = tree.tiles.insert_pane(pane);
    match place.and_then(|place| tree.tiles.get_mut(place)) {
        Some(Tile::Container(container)) => container.add_child(id),
        _ => {
            // One panel alone, without tabs yet.
            let children = tree.root().into_iter().chain([id]).collect();
            tree.root = Some(tree.tiles.insert_tab_tile(children));
        }
    }
}

/// What is drawn while the room is too small for the arrangement.
#[derive(Default)]
pub struct Small {
    of: Option<(Tree<Pane>, Vec2, f32)>,
    fitted: Option<Fitted>,
    /// A tile that is to come to the front and is not in what is drawn yet.
    awaited: Option<Pane>,
}

impl Small {
    /// Brings a tile to the front there, too.
    pub fn show_pane(&mut self, pane: Pane) {
        if let Some(fitted) = &mut self.fitted
            && let Some(id) = fitted.tree.tiles.find_pane(&pane)
        {
            fitted.tree.make_active(|at, _| at == id);
        } else {
            self.awaited = Some(pane);
        }
    }

    /// What is drawn instead of the arrangement, where it does not fit.
    pub fn drawn(&self) -> Option<&Tree<Pane>> {
        self.fitted.as_ref().map(|fitted| &fitted.tree)
    }

    /// Makes the arrangement fit the room anew where either has changed.
    fn refresh(&mut self, tree: &Tree<Pane>, room: Vec2, scale: f32) {
        let key = |(of, at, k): &(Tree<Pane>, Vec2, f32)| of == tree && (*at - room).length() < 0.5 && *k == scale;
        if self.of.as_ref().is_some_and(key) {
            return;
        }
        // What was in front in another layout means nothing in this one.
        let same = self.of.as_ref().is_some_and(|(of, ..)| of.id() == tree.id());
        let before = self.fitted.take().filter(|_| same);
        self.fitted = fit(tree, room, scale);
        self.of = Some((tree.clone(), room, scale));
        if let (Some(before), Some(now)) = (before, &mut self.fitted) {
            for pane in fronts(&before.tree) {
                bring_front(&mut now.tree, pane);
            }
        }
        if let (Some(pane), Some(now)) = (self.awaited.take(), &mut self.fitted) {
            bring_front(&mut now.tree, pane);
        }
    }

    /// Takes over into the arrangement what was done by hand while it was drawn smaller.
    fn take_over(&mut self, tree: &mut Tree<Pane>, edits: &[EditAction]) {
        let Some(fitted) = &self.fitted else { return };
        let dropped = edits.contains(&EditAction::TileDropped);
        if dropped || (!fitted.merged && edits.contains(&EditAction::TileResized)) {
            *tree = fitted.tree.clone();
        } else if edits.contains(&EditAction::TabSelected) {
            for pane in fronts(&fitted.tree) {
                bring_front(tree, pane);
            }
        } else {
            return;
        }
        if let Some((of, ..)) = &mut self.of {
            of.clone_from(tree);
        }
    }
}

/// The panels in front.
fn fronts(tree: &Tree<Pane>) -> Vec<Pane> {
    tree.active_tiles().iter().filter_map(|id| tree.tiles.get_pane(id).copied()).collect()
}

/// Makes a panel the one in front of its own tabs.
fn bring_front(tree: &mut Tree<Pane>, pane: Pane) {
    let Some(id) = tree.tiles.find_pane(&pane) else { return };
    if let Some(Tile::Container(Container::Tabs(tabs))) = tree.tiles.parent_of(id).and_then(|p| tree.tiles.get_mut(p)) {
        tabs.set_active(id);
    }
}

/// What the tools of each panel's title row asked for when it was drawn last, in points.
#[derive(Default)]
pub struct TitleRooms(BTreeMap<Pane, f32>);

/// How the tiles are shown.
pub struct Centre<'a> {
    /// The state of the panels.
    pub panels: &'a mut Panels,
    /// The panel that has the centre for itself, if one has.
    pub alone: Option<Pane>,
    /// Whether there is a layout to go back to from there.
    pub back: bool,
    /// The panel under the pointer, for the next command.
    pub under: &'a mut Option<Pane>,
    /// The room that title rows ask for.
    pub rooms: &'a mut TitleRooms,
}

/// Draws the tiles of `tree`, made to fit the room there is; whether one of them or a splitter was moved.
pub fn ui(ui: &mut Ui, tree: &mut Tree<Pane>, small: &mut Small, centre: Centre<'_>, cx: &PanelCtx<'_>) -> bool {
    let Centre { panels, alone, back, under, rooms } = centre;
    let mut behavior = Bars {
        panels,
        cx,
        alone: alone.is_some() && back,
        under,
        rooms,
        heads: BTreeMap::new(),
        hidden: BTreeMap::new(),
        chosen: None,
        edits: Vec::new(),
    };
    if let Some(pane) = alone {
        single(pane).ui(&mut behavior, ui);
        return false;
    }
    small.refresh(tree, ui.available_size(), type_scale(ui));
    let drawn = small.fitted.as_mut().map_or(&mut *tree, |fitted| &mut fitted.tree);
    drawn.ui(&mut behavior, ui);
    borders::name(ui);
    let mut edits = std::mem::take(&mut behavior.edits);
    if let Some(id) = behavior.chosen {
        drawn.make_active(|at, _| at == id);
        edits.push(EditAction::TabSelected);
    }
    small.take_over(tree, &edits);
    edits.iter().any(|edit| matches!(edit, EditAction::TileDropped | EditAction::TileResized))
}

struct Bars<'a, 'b> {
    panels: &'a mut Panels,
    cx: &'a PanelCtx<'b>,
    /// One panel has the centre for itself.
    alone: bool,
    under: &'a mut Option<Pane>,
    rooms: &'a mut TitleRooms,
    /// Where the tabs over a tile end, by the tile's number.
    heads: BTreeMap<u64, f32>,
    /// Tabs for whose names there is no room, by the number of their container: in the menu after the last name.
    hidden: BTreeMap<u64, Vec<TileId>>,
    /// A tab chosen in that menu.
    chosen: Option<TileId>,
    edits: Vec<EditAction>,
}

/// After the title of a tab.
const TAB_GAP: f32 = 12.0;
/// The menu of tabs for whose names there is no room.
const MORE: f32 = 24.0;

impl Bars<'_, '_> {
    /// Chooses the tabs that go into the menu: from the last on, never the one in front, until the rest and the tools
    /// of the title row fit. A name is never cut.
    fn choose_hidden(&mut self, tiles: &Tiles<Pane>, ui: &Ui, id: TileId, tabs: &Tabs) {
        let title = |id: &TileId| {
            let words = tiles.get_pane(id).map_or(GROUP, |pane| pane.title()).to_owned();
            ui.painter().layout_no_wrap(words, Type::Title.font(ui), Color32::PLACEHOLDER).size().x + TAB_GAP
        };
        let shown: Vec<(TileId, f32)> =
            tabs.children.iter().filter(|id| tiles.is_visible_in_layout(**id)).map(|id| (*id, title(id))).collect();
        let active = tabs.active.and_then(|id| tiles.get_pane(&id));
        let tools = active.and_then(|pane| self.rooms.0.get(pane)).copied().unwrap_or_default() + 14.0 + info::ROOM;
        let back = if self.alone { BACK } else { 0.0 };
        let mut over = shown.iter().map(|(_, width)| width).sum::<f32>() + tools + back - ui.available_width();
        let mut hidden = Vec::new();
        for (tab, width) in shown.iter().rev().filter(|(tab, _)| Some(*tab) != tabs.active) {
            if over <= 0.0 {
                break;
            }
            over -= width - if hidden.is_empty() { MORE } else { 0.0 };
            hidden.insert(0, *tab);
        }
        self.hidden.insert(id.0, hidden);
    }

    fn is_hidden(&self, tab: TileId) -> bool {
        self.hidden.values().any(|tabs| tabs.contains(&tab))
    }
}

/// Name of a tab that holds several tiles.
const GROUP: &str = "Panels";
/// The button that ends the large view.
const BACK: f32 = 130.0;

impl Behavior<Pane> for Bars<'_, '_> {
    fn pane_ui(&mut self, ui: &mut Ui, tile_id: TileId, pane: &mut Pane) -> UiResponse {
        let theme = Theme::of(ui.ctx());
        let rect = ui.max_rect();
        let corner = egui::CornerRadius { nw: 0, ne: 0, sw: size::RADIUS_TILE, se: size::RADIUS_TILE };
        ui.painter().rect_filled(rect, corner, theme.bg1);
        let start = self.heads.get(&tile_id.0).copied().unwrap_or(rect.left() + size::TILE_MARGIN);
        let title = rect.top() - size::TILE_TITLE..=rect.top();
        let end = rect.right() - 6.0 - info::ROOM - if self.alone { BACK } else { 0.0 };
        let beside = Rect::from_x_y_ranges(start.min(end)..=end, title.clone());
        let place = TitlePlace::new(beside, self.rooms.0.get(pane).copied());
        let cx = PanelCtx { head: &place, ..*self.cx };
        let whole = Rect::from_x_y_ranges(rect.x_range(), *title.start()..=rect.bottom());
        if ui.input(|i| i.pointer.hover_pos()).is_some_and(|at| whole.contains(at)) {
            *self.under = Some(*pane);
        }
        let inner = rect.shrink2(vec2(size::TILE_MARGIN, 0.0)).with_max_y(rect.bottom() - 8.0);
        let mut child = ui.new_child(egui::UiBuilder::new().id_salt(*pane).max_rect(inner));
        child.set_clip_rect(ui.clip_rect().intersect(rect));
        // Who measures the window learns which tile its time goes to; without a listener this costs nothing.
        let _timed = tracing::trace_span!("tile", pane = pane.title()).entered();
        self.panels.show(*pane, &mut child, &cx);
        let asked = place.asked().unwrap_or_default();
        if self.rooms.0.insert(*pane, asked).is_none_or(|before| (before - asked).abs() > 1.0) {
            child.ctx().request_discard("the tabs beside it may have to give way");
        }
        UiResponse::None
    }

    fn tab_title_for_pane(&mut self, pane: &Pane) -> WidgetText {
        pane.title().into()
    }

    fn tab_ui(
        &mut self,
        tiles: &mut Tiles<Pane>,
        ui: &mut Ui,
        id: egui::Id,
        tile_id: TileId,
        state: &TabState,
    ) -> Response {
        if self.is_hidden(tile_id) {
            return ui.allocate_response(Vec2::ZERO, Sense::hover());
        }
        let theme = Theme::of(ui.ctx());
        let pane = tiles.get_pane(&tile_id).copied();
        let (title, help) = pane.map_or((GROUP, "A group of panels."), |pane| (pane.title(), pane.help()));
        let galley = ui.painter().layout_no_wrap(title.to_owned(), Type::Title.font(ui), Color32::PLACEHOLDER);
        let (_, rect) = ui.allocate_space(vec2(galley.size().x + TAB_GAP, ui.available_height()));
        let response = ui.interact(rect, id, Sense::click_and_drag()).on_hover_cursor(egui::CursorIcon::Grab);
        response.widget_info(|| WidgetInfo::selected(Role::Tab, ui.is_enabled(), state.active, title));
        if ui.is_rect_visible(rect) && !state.is_being_dragged {
            let ink = if state.active || response.hovered() { theme.t1 } else { theme.t3 };
            ui.painter().galley(pos2(rect.left(), rect.center().y - galley.size().y / 2.0), galley, ink);
            focus_ring(ui, &response, rect.shrink2(vec2(0.0, 5.0)), size::RADIUS_INPUT);
        }
        let response = response.on_hover_text(format!("{help} A double click, or F, gives it the whole centre."));
        let Some(pane) = pane else { return response };
        if response.double_clicked() {
            self.cx.send(UiCommand::Enlarge(pane));
        }
        response.context_menu(|ui| {
            let entries = [
                ("Enlarge or restore", "Gives the panel the whole centre, or ends that.", UiCommand::Enlarge(pane)),
                ("Hide this panel", "The menu brings it back.", UiCommand::HidePane(pane)),
                ("Reset the layout", "Puts all panels where they were at first.", UiCommand::ResetLayout),
            ];
            for (words, help, command) in entries {
                if ui.button(words).on_hover_text(help).clicked() {
                    self.cx.send(command);
                }
            }
        });
        response
    }

    fn tab_bar_left_ui(&mut self, tiles: &Tiles<Pane>, ui: &mut Ui, id: TileId, tabs: &Tabs) {
        ui.add_space(size::TILE_MARGIN);
        self.choose_hidden(tiles, ui, id, tabs);
    }

    fn tab_bar_trailing_ui(&mut self, tiles: &Tiles<Pane>, ui: &mut Ui, id: TileId, tabs: &Tabs) {
        let hidden = self.hidden.get(&id.0).cloned().unwrap_or_default();
        if !hidden.is_empty() {
            let more = icon_button(ui, icon::MORE, "More panels of this group");
            egui::Popup::menu(&more).show(|ui| {
                for tab in hidden {
                    let (title, help) =
                        tiles.get_pane(&tab).map_or((GROUP, "A group of panels."), |pane| (pane.title(), pane.help()));
                    if ui.button(title).on_hover_text(help).clicked() {
                        self.chosen = Some(tab);
                    }
                }
            });
        }
        if let Some(active) = tabs.active {
            self.heads.insert(active.0, ui.cursor().left() + 2.0);
        }
    }

    fn top_bar_right_ui(&mut self, tiles: &Tiles<Pane>, ui: &mut Ui, _: TileId, tabs: &Tabs, _: &mut f32) {
        // The first to be drawn in a bar: its ground, round above as the tile is below.
        let corner = egui::CornerRadius { nw: size::RADIUS_TILE, ne: size::RADIUS_TILE, sw: 0, se: 0 };
        ui.painter().rect_filled(ui.max_rect(), corner, self.cx.theme.bg1);
        if let Some(pane) = tabs.active.and_then(|id| tiles.get_pane(&id)) {
            ui.add_space(6.0);
            info::button(ui, self.cx, *pane);
        }
        if self.alone {
            let back = ui.add(Push::new("Back to the layout").look(ButtonLook::Flat).small());
            let pane = tabs.active.and_then(|id| tiles.get_pane(&id));
            if back.on_hover_text("F or Escape does the same.").clicked()
                && let Some(pane) = pane
            {
                self.cx.send(UiCommand::Enlarge(*pane));
            }
        }
    }

    fn tab_bar_height(&self, _: &egui::Style) -> f32 {
        size::TILE_TITLE
    }

    fn gap_width(&self, _: &egui::Style) -> f32 {
        size::GAP
    }

    fn min_size(&self) -> f32 {
        size::TILE_MIN[1]
    }

    fn tab_bar_color(&self, _: &Visuals) -> Color32 {
        Color32::TRANSPARENT
    }

    fn tab_outline_stroke(&self, _: &Visuals, _: &Tiles<Pane>, _: TileId, _: &TabState) -> Stroke {
        Stroke::NONE
    }

    fn tab_bar_hline_stroke(&self, _: &Visuals) -> Stroke {
        Stroke::NONE
    }

    fn resize_stroke(&self, _: &egui::Style, state: ResizeState) -> Stroke {
        match state {
            ResizeState::Idle => Stroke::NONE,
            ResizeState::Hovering => Stroke::new(size::STROKE_HERO, self.cx.theme.line2),
            ResizeState::Dragging => Stroke::new(size::STROKE_HERO, self.cx.theme.accent),
        }
    }

    fn dragged_overlay_color(&self, _: &Visuals) -> Color32 {
        self.cx.theme.bg0.gamma_multiply(0.5)
    }

    fn simplification_options(&self) -> SimplificationOptions {
        SimplificationOptions { all_panes_must_have_tabs: true, ..Default::default() }
    }

    fn on_edit(&mut self, edit: EditAction) {
        self.edits.push(edit);
    }
}
