//! The centre: tiles that can be moved, one arrangement a layout.

use std::collections::{BTreeMap, BTreeSet};

use eframe::egui::{
    self, Color32, Rect, Response, Role, Sense, Stroke, Ui, Visuals, WidgetInfo, WidgetText, pos2, vec2,
};
use egui_tiles::{
    Behavior, Container, EditAction, ResizeState, SimplificationOptions, TabState, Tabs, TileId, Tiles, Tree,
    UiResponse,
};

use super::{Pane, PanelCtx, Panels};
use crate::gui::command::{Layout, UiCommand};
use crate::gui::theme::{Theme, Type, size};
use crate::gui::widgets::button::focus_ring;
use crate::gui::widgets::icon::{self, Weight};
use crate::gui::widgets::tile;

/// The arrangement that a layout begins with.
pub fn default_tree(layout: Layout) -> Tree<Pane> {
    let mut tiles = Tiles::default();
    let root = match layout {
        Layout::Research => {
            let left = [
                (&[Pane::Loss][..], 0.8),
                (&[Pane::Retrieval, Pane::Clusters], 1.0),
                (&[Pane::Reliability, Pane::KDistance], 1.35),
            ];
            let left = column(&mut tiles, &left);
            let clusters = &[Pane::Map, Pane::Browser, Pane::Lineage];
            let top = row(&mut tiles, &[(clusters, 1.25), (&[Pane::HeatMaps, Pane::Inspector], 1.0)]);
            let bottom = tabs(
                &mut tiles,
                &[Pane::RankLists, Pane::Eq8, Pane::Exhibit, Pane::WhatIf, Pane::Reachability, Pane::Why, Pane::Sweep],
            );
            let right = linear(&mut tiles, false, &[(top, 1.15), (bottom, 1.0)]);
            linear(&mut tiles, true, &[(left, 0.5), (right, 1.0)])
        }
        Layout::Tune => {
            let left = tabs(&mut tiles, &[Pane::WhatIf]);
            let top = [
                (&[Pane::Reliability, Pane::Clusters][..], 1.0),
                (&[Pane::KDistance, Pane::Reachability, Pane::Loss, Pane::Retrieval], 0.95),
                (&[Pane::Sweep, Pane::Lineage], 1.05),
            ];
            let top = row(&mut tiles, &top);
            let bottom = [
                (&[Pane::Browser, Pane::Map, Pane::Exhibit][..], 1.0),
                (&[Pane::Eq8, Pane::Why, Pane::Inspector, Pane::RankLists, Pane::HeatMaps], 1.3),
            ];
            let bottom = row(&mut tiles, &bottom);
            let right = linear(&mut tiles, false, &[(top, 1.0), (bottom, 1.2)]);
            linear(&mut tiles, true, &[(left, 0.26), (right, 1.0)])
        }
        Layout::Teach => {
            let top = [
                (&[Pane::Retrieval, Pane::Loss, Pane::KDistance, Pane::WhatIf][..], 1.0),
                (&[Pane::Map, Pane::Reliability, Pane::Reachability, Pane::Clusters, Pane::Sweep, Pane::Lineage], 1.0),
            ];
            let top = row(&mut tiles, &top);
            let bottom = [
                (&[Pane::HeatMaps, Pane::Eq8, Pane::Why, Pane::Inspector][..], 1.0),
                (&[Pane::RankLists, Pane::Browser, Pane::Exhibit], 1.3),
            ];
            let bottom = row(&mut tiles, &bottom);
            linear(&mut tiles, false, &[(top, 1.0), (bottom, 1.1)])
        }
    };
    Tree::new(egui::Id::unique(("tiles", layout as u8)), root, tiles)
}

/// One tile alone.
pub fn single(pane: Pane) -> Tree<Pane> {
    let mut tiles = Tiles::default();
    let root = tabs(&mut tiles, &[pane]);
    Tree::new(egui::Id::unique("tile alone"), root, tiles)
}

fn tabs(tiles: &mut Tiles<Pane>, panes: &[Pane]) -> TileId {
    let children = panes.iter().map(|&pane| tiles.insert_pane(pane)).collect();
    tiles.insert_tab_tile(children)
}

fn column(tiles: &mut Tiles<Pane>, stacks: &[(&[Pane], f32)]) -> TileId {
    let children: Vec<_> = stacks.iter().map(|(panes, share)| (tabs(tiles, panes), *share)).collect();
    linear(tiles, false, &children)
}

fn row(tiles: &mut Tiles<Pane>, stacks: &[(&[Pane], f32)]) -> TileId {
    let children: Vec<_> = stacks.iter().map(|(panes, share)| (tabs(tiles, panes), *share)).collect();
    linear(tiles, true, &children)
}

fn linear(tiles: &mut Tiles<Pane>, horizontal: bool, children: &[(TileId, f32)]) -> TileId {
    let ids = children.iter().map(|(id, _)| *id).collect();
    let dir = if horizontal { egui_tiles::LinearDir::Horizontal } else { egui_tiles::LinearDir::Vertical };
    let mut linear = egui_tiles::Linear::new(dir, ids);
    for (id, share) in children {
        linear.shares.set_share(*id, *share);
    }
    tiles.insert_container(Container::Linear(linear))
}

/// Whether a saved arrangement can be shown: it has a root and every tile exactly once.
pub fn is_sound(tree: &Tree<Pane>) -> bool {
    let mut seen = BTreeSet::new();
    let mut stack: Vec<TileId> = tree.root().into_iter().collect();
    let mut panes = Vec::new();
    while let Some(id) = stack.pop() {
        if !seen.insert(id.0) {
            return false;
        }
        match tree.tiles.get(id) {
            Some(egui_tiles::Tile::Pane(pane)) => panes.push(*pane),
            Some(egui_tiles::Tile::Container(container)) => stack.extend(container.children().copied()),
            None => return false,
        }
    }
    panes.sort();
    let mut all = Pane::ALL.to_vec();
    all.sort();
    panes == all
}

/// Brings a tile to the front.
pub fn show_pane(tree: &mut Tree<Pane>, pane: Pane) {
    if let Some(id) = tree.tiles.find_pane(&pane) {
        tree.tiles.set_visible(id, true);
        tree.make_active(|at, _| at == id);
    }
}

/// Draws the tiles of `tree`.
pub fn ui(ui: &mut Ui, tree: &mut Tree<Pane>, panels: &mut Panels, cx: &mut PanelCtx<'_>) {
    let mut behavior = Frame { panels, cx, heads: BTreeMap::new(), short: BTreeSet::new() };
    tree.ui(&mut behavior, ui);
}

struct Frame<'a, 'b> {
    panels: &'a mut Panels,
    cx: &'a mut PanelCtx<'b>,
    /// Where the tabs over a tile end, by the tile's number.
    heads: BTreeMap<u64, f32>,
    /// Tabs that are an icon, so that the title row of the tile in front has room; by the tile's number.
    short: BTreeSet<u64>,
}

/// Around the title of a tab.
const TAB_GAP: f32 = 12.0;

impl Frame<'_, '_> {
    /// Makes icons of tabs behind the one in front, the last first, until its title row has the room it asked for.
    fn shorten(&mut self, tiles: &Tiles<Pane>, ui: &Ui, tabs: &Tabs) {
        let title = |pane: &Pane| {
            ui.painter().layout_no_wrap(pane.title().to_owned(), Type::Title.font(ui), Color32::PLACEHOLDER).size().x
        };
        let shown: Vec<(TileId, f32)> =
            tabs.children.iter().filter_map(|&id| Some((id, title(tiles.get_pane(&id)?) + TAB_GAP))).collect();
        let wanted = tabs.active.and_then(|id| tiles.get_pane(&id)).map_or(0.0, |pane| tile::wanted(ui, *pane));
        let mut over = shown.iter().map(|(_, width)| width).sum::<f32>() + wanted + 8.0 - ui.available_width();
        for (id, width) in shown.iter().rev().filter(|(id, _)| Some(*id) != tabs.active) {
            if over <= 0.0 {
                break;
            }
            over -= width - (size::ICON + TAB_GAP);
            self.short.insert(id.0);
        }
    }
}

impl Behavior<Pane> for Frame<'_, '_> {
    fn pane_ui(&mut self, ui: &mut Ui, tile_id: TileId, pane: &mut Pane) -> UiResponse {
        let theme = Theme::of(ui.ctx());
        let rect = ui.max_rect();
        let corner = egui::CornerRadius { nw: 0, ne: 0, sw: size::RADIUS_TILE, se: size::RADIUS_TILE };
        ui.painter().rect_filled(rect, corner, theme.bg1);
        let start = self.heads.get(&tile_id.0).copied().unwrap_or(rect.left() + size::TILE_MARGIN);
        let title = rect.top() - size::TILE_TITLE..=rect.top();
        self.cx.head = Rect::from_x_y_ranges(start..=rect.right() - 6.0, title);
        let inner = rect.shrink2(vec2(size::TILE_MARGIN, 0.0)).with_max_y(rect.bottom() - 8.0);
        let mut child = ui.new_child(egui::UiBuilder::new().id_salt(*pane).max_rect(inner));
        child.set_clip_rect(ui.clip_rect().intersect(rect));
        // Who measures the window learns which tile its time goes to; without a listener this costs nothing.
        let _timed = tracing::trace_span!("tile", pane = pane.title()).entered();
        tile::watch(&mut child, *pane, |ui| self.panels.show(*pane, ui, self.cx));
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
        let theme = Theme::of(ui.ctx());
        let (title, help, glyph) = match tiles.get_pane(&tile_id) {
            Some(pane) => (pane.title(), pane.help(), pane.icon()),
            None => ("Tiles", "A group of tiles.", icon::GRID),
        };
        let short = self.short.contains(&tile_id.0);
        let galley = ui.painter().layout_no_wrap(title.to_owned(), Type::Title.font(ui), Color32::PLACEHOLDER);
        let (_, rect) =
            ui.allocate_space(vec2(if short { size::ICON } else { galley.size().x } + TAB_GAP, ui.available_height()));
        let response = ui.interact(rect, id, Sense::click_and_drag()).on_hover_cursor(egui::CursorIcon::Grab);
        response.widget_info(|| WidgetInfo::selected(Role::Tab, ui.is_enabled(), state.active, title));
        if ui.is_rect_visible(rect) && !state.is_being_dragged {
            let ink = if state.active || response.hovered() { theme.t1 } else { theme.t3 };
            if short {
                let at = pos2(rect.left() + size::ICON / 2.0, rect.center().y);
                icon::paint(ui.painter(), at, glyph, Weight::Regular, size::ICON, ink);
            } else {
                ui.painter().galley(pos2(rect.left(), rect.center().y - galley.size().y / 2.0), galley, ink);
            }
            focus_ring(ui, &response, rect.shrink2(vec2(0.0, 5.0)), size::RADIUS_INPUT);
        }
        let response = response.on_hover_ui(|ui| {
            if short {
                ui.label(Type::Title.text(title, theme.t1));
            }
            ui.label(help);
        });
        response.context_menu(|ui| {
            if ui.button("Reset the layout").on_hover_text("Puts all tiles where they were at first.").clicked() {
                self.cx.actions.push(UiCommand::ResetLayout);
            }
        });
        response
    }

    fn tab_bar_left_ui(&mut self, tiles: &Tiles<Pane>, ui: &mut Ui, _: TileId, tabs: &Tabs) {
        ui.add_space(size::TILE_MARGIN);
        self.shorten(tiles, ui, tabs);
    }

    fn tab_bar_trailing_ui(&mut self, _: &Tiles<Pane>, ui: &mut Ui, _: TileId, tabs: &Tabs) {
        if let Some(active) = tabs.active {
            self.heads.insert(active.0, ui.cursor().left() + 2.0);
        }
    }

    fn top_bar_right_ui(&mut self, _: &Tiles<Pane>, ui: &mut Ui, _: TileId, _: &Tabs, _: &mut f32) {
        // The first to be drawn in a bar: its ground, round above as the tile is below.
        let corner = egui::CornerRadius { nw: size::RADIUS_TILE, ne: size::RADIUS_TILE, sw: 0, se: 0 };
        ui.painter().rect_filled(ui.max_rect(), corner, self.cx.theme.bg1);
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

    fn on_edit(&mut self, _: EditAction) {}
}
