//! An arrangement in a room that is too small for it: tiles give each other room, and where even that is not enough
//! neighbours become tabs of one tile. The arrangement itself stays as it is; a larger room shows it again.

use eframe::egui::{Vec2, vec2};
use egui_tiles::{Container, Linear, LinearDir, Tabs, Tile, TileId, Tiles, Tree};

use crate::gui::panels::Pane;
use crate::gui::theme::size;

/// The least size of a tile with its title row in points, at the usual size of type.
fn least_of(pane: Pane) -> Vec2 {
    let [width, height] = size::TILE_MIN;
    match pane {
        Pane::Loss | Pane::Retrieval | Pane::Clusters | Pane::KDistance => vec2(width, height),
        Pane::Reliability | Pane::Sweep | Pane::Inspector => vec2(width, 200.0),
        Pane::RunTable | Pane::Compare | Pane::Sweeps => vec2(330.0, 200.0),
        Pane::Map | Pane::Browser | Pane::Lineage | Pane::WhatIf | Pane::Reachability | Pane::Why | Pane::Condensed => {
            vec2(width, 220.0)
        }
        Pane::Clustree | Pane::Cameras | Pane::Compass | Pane::Worth => vec2(300.0, 230.0),
        Pane::HeatMaps | Pane::Exhibit | Pane::Alike => vec2(300.0, 230.0),
        Pane::Loop | Pane::Memory | Pane::Batch => vec2(300.0, 230.0),
        Pane::Eq8 | Pane::RankLists => vec2(330.0, 240.0),
    }
}

/// An arrangement made to fit a room.
#[derive(Clone, PartialEq)]
pub struct Fitted {
    /// What to draw.
    pub tree: Tree<Pane>,
    /// Whether tiles became tabs.
    pub merged: bool,
}

/// The arrangement for a room of that size with type `scale` times the usual; `None` where it fits as it is.
pub fn fit(tree: &Tree<Pane>, room: Vec2, scale: f32) -> Option<Fitted> {
    let root = tree.root()?;
    let mut fit = Fit { tree: tree.clone(), scale, merged: false, moved: false };
    fit.tile(root, room);
    fit.moved.then_some(Fitted { tree: fit.tree, merged: fit.merged })
}

struct Fit {
    tree: Tree<Pane>,
    scale: f32,
    merged: bool,
    moved: bool,
}

/// Width or height.
fn along(dir: LinearDir, v: Vec2) -> f32 {
    match dir {
        LinearDir::Horizontal => v.x,
        LinearDir::Vertical => v.y,
    }
}

impl Fit {
    fn tiles(&self) -> &Tiles<Pane> {
        &self.tree.tiles
    }

    fn visible(&self, children: &[TileId]) -> Vec<TileId> {
        children.iter().copied().filter(|id| self.tiles().is_visible_in_layout(*id)).collect()
    }

    fn linear(&self, id: TileId) -> Option<&Linear> {
        match self.tiles().get_container(id) {
            Some(Container::Linear(linear)) => Some(linear),
            _ => None,
        }
    }

    fn gaps(children: &[TileId]) -> f32 {
        size::GAP * children.len().saturating_sub(1) as f32
    }

    /// The least room for a tile as it stands.
    fn least(&self, id: TileId) -> Vec2 {
        match self.tiles().get(id) {
            Some(Tile::Pane(pane)) => self.scale * least_of(*pane),
            Some(Tile::Container(Container::Linear(linear))) => {
                let children = self.visible(&linear.children);
                let each: Vec<Vec2> = children.iter().map(|id| self.least(*id)).collect();
                let sum = |of: fn(&Vec2) -> f32| each.iter().map(of).sum::<f32>() + Self::gaps(&children);
                let most = |of: fn(&Vec2) -> f32| each.iter().map(of).fold(0.0, f32::max);
                match linear.dir {
                    LinearDir::Horizontal => vec2(sum(|v| v.x), most(|v| v.y)),
                    LinearDir::Vertical => vec2(most(|v| v.x), sum(|v| v.y)),
                }
            }
            Some(Tile::Container(container)) => {
                let each = container.children().map(|id| self.least(*id));
                each.fold(Vec2::ZERO, Vec2::max)
            }
            None => Vec2::ZERO,
        }
    }

    fn tile(&mut self, id: TileId, room: Vec2) {
        match self.tiles().get_container(id) {
            Some(Container::Linear(linear)) => {
                let dir = linear.dir;
                self.make_room(id, dir, along(dir, room));
                self.share(id, dir, room);
            }
            Some(container) => {
                let inside = vec2(room.x, room.y - size::TILE_TITLE);
                for child in container.children().copied().collect::<Vec<_>>() {
                    self.tile(child, inside);
                }
            }
            None => {}
        }
    }

    /// Makes tabs of neighbours until the children can stand side by side.
    fn make_room(&mut self, id: TileId, dir: LinearDir, room: f32) {
        while along(dir, self.least(id)) > room {
            let Some(widest) = self.innermost(id, dir) else { return };
            if !self.merge_last(widest) {
                return;
            }
        }
    }

    /// The innermost row (or column) whose tiles side by side need the most.
    fn innermost(&self, id: TileId, dir: LinearDir) -> Option<TileId> {
        let linear = self.linear(id)?;
        let children = self.visible(&linear.children);
        let need = |id: &TileId| along(dir, self.least(*id));
        let widest = children.iter().max_by(|a, b| need(a).total_cmp(&need(b)));
        let inner = widest.and_then(|id| self.innermost(*id, dir));
        inner.or((linear.dir == dir && children.len() > 1).then_some(id))
    }

    /// Puts the panels of a container's last two children into one tile.
    fn merge_last(&mut self, id: TileId) -> bool {
        let Some(linear) = self.linear(id) else { return false };
        let [.., first, second] = self.visible(&linear.children)[..] else { return false };
        let share = linear.shares[first] + linear.shares[second];
        let merged = self.side_by_side(first, second).unwrap_or_else(|| self.tabs_of(first, second));
        if let Some(Tile::Container(Container::Linear(linear))) = self.tree.tiles.get_mut(id) {
            let at = linear.children.iter().position(|child| *child == first).unwrap_or(0);
            linear.children.retain(|child| *child != first && *child != second);
            linear.children.insert(at.min(linear.children.len()), merged);
            linear.shares.set_share(merged, share);
        }
        (self.merged, self.moved) = (true, true);
        true
    }

    /// One tile with the panels of both as tabs.
    fn tabs_of(&mut self, first: TileId, second: TileId) -> TileId {
        let mut panes = Vec::new();
        self.panes(first, &mut panes);
        let active = self.front(first).filter(|id| panes.contains(id)).or(panes.first().copied());
        self.panes(second, &mut panes);
        let mut tabs = Tabs::new(panes);
        tabs.active = active;
        self.tree.tiles.insert_container(Container::Tabs(tabs))
    }

    /// Two rows of as many tiles become one row, each tile with the panels of the one below it: what stood side by side
    /// still does.
    fn side_by_side(&mut self, first: TileId, second: TileId) -> Option<TileId> {
        let (upper, lower) = (self.linear(first)?, self.linear(second)?);
        let pairs: Vec<(TileId, TileId)> =
            self.visible(&upper.children).into_iter().zip(self.visible(&lower.children)).collect();
        let alike = upper.dir == lower.dir && upper.children.len() == lower.children.len();
        if !alike || pairs.len() != upper.children.len() || pairs.len() < 2 {
            return None;
        }
        let (dir, shares) = (upper.dir, pairs.iter().map(|(id, _)| upper.shares[*id]).collect::<Vec<f32>>());
        let children: Vec<TileId> = pairs.into_iter().map(|(above, below)| self.tabs_of(above, below)).collect();
        let mut row = Linear::new(dir, children.clone());
        for (child, share) in children.into_iter().zip(shares) {
            row.shares.set_share(child, share);
        }
        Some(self.tree.tiles.insert_container(Container::Linear(row)))
    }

    /// The panels below a tile, in reading order.
    fn panes(&self, id: TileId, into: &mut Vec<TileId>) {
        match self.tiles().get(id) {
            Some(Tile::Pane(_)) => into.push(id),
            Some(Tile::Container(container)) => {
                for child in container.children() {
                    self.panes(*child, into);
                }
            }
            None => {}
        }
    }

    /// The panel that is seen first in a tile.
    fn front(&self, id: TileId) -> Option<TileId> {
        match self.tiles().get(id)? {
            Tile::Pane(_) => Some(id),
            Tile::Container(Container::Tabs(tabs)) => self.front(tabs.active.or(tabs.children.first().copied())?),
            Tile::Container(container) => self.front(*container.children().next()?),
        }
    }

    /// Gives every child its least, the others what is left by their shares; then the children themselves.
    fn share(&mut self, id: TileId, dir: LinearDir, room: Vec2) {
        let Some(linear) = self.linear(id) else { return };
        let children = self.visible(&linear.children);
        let whole = along(dir, room) - Self::gaps(&children);
        let shares: Vec<f32> = children.iter().map(|id| linear.shares[*id].max(1e-3)).collect();
        let least: Vec<f32> = children.iter().map(|id| along(dir, self.least(*id))).collect();
        let sizes = apportion(whole, &shares, &least);
        let wanted = apportion(whole, &shares, &vec![0.0; shares.len()]);
        if sizes.iter().zip(&wanted).any(|(a, b)| (a - b).abs() > 0.5) {
            self.moved = true;
            if let Some(Tile::Container(Container::Linear(linear))) = self.tree.tiles.get_mut(id) {
                for (child, size) in children.iter().zip(&sizes) {
                    linear.shares.set_share(*child, *size);
                }
            }
        }
        for (child, size) in children.into_iter().zip(sizes) {
            let room = match dir {
                LinearDir::Horizontal => vec2(size, room.y),
                LinearDir::Vertical => vec2(room.x, size),
            };
            self.tile(child, room);
        }
    }
}

/// Divides `whole` by `shares`, none less than its `least` while the sum of those fits.
fn apportion(whole: f32, shares: &[f32], least: &[f32]) -> Vec<f32> {
    let mut fixed = vec![false; shares.len()];
    loop {
        let rest: f32 = whole - fixed.iter().zip(least).filter(|(f, _)| **f).map(|(_, l)| l).sum::<f32>();
        let sum: f32 = fixed.iter().zip(shares).filter(|(f, _)| !**f).map(|(_, s)| s).sum();
        let size = |i: usize| if fixed[i] { least[i] } else { (rest * shares[i] / sum).max(0.0) };
        let sizes: Vec<f32> = (0..shares.len()).map(size).collect();
        let below = (0..shares.len()).find(|&i| !fixed[i] && sizes[i] < least[i] - 0.01);
        match below {
            Some(i) if fixed.iter().filter(|f| !**f).count() > 1 => fixed[i] = true,
            _ => return sizes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gui::command::WorkLayout;
    use crate::gui::panels::tiles::{default_tree, is_sound};

    #[test]
    fn room_is_divided_by_shares_but_none_gets_less_than_its_least() {
        assert_eq!(apportion(100.0, &[1.0, 3.0], &[10.0, 10.0]), [25.0, 75.0]);
        assert_eq!(apportion(100.0, &[1.0, 9.0], &[40.0, 10.0]), [40.0, 60.0]);
        assert_eq!(apportion(90.0, &[1.0, 1.0, 7.0], &[20.0, 20.0, 30.0]), [20.0, 20.0, 50.0]);
    }

    #[test]
    fn every_layout_fits_every_room_and_keeps_all_panels() {
        for layout in [WorkLayout::Research, WorkLayout::Tune, WorkLayout::Teach] {
            let tree = default_tree(layout);
            for (width, height) in [(1592.0, 829.0), (1272.0, 629.0), (845.0, 358.0), (632.0, 225.0)] {
                let Some(fitted) = fit(&tree, vec2(width, height), 1.0) else { continue };
                assert!(is_sound(&fitted.tree), "{layout:?} at {width} × {height}");
                let root = fitted.tree.root().unwrap();
                let tree = Fit { tree: fitted.tree, scale: 1.0, merged: false, moved: false };
                let least = tree.least(root);
                assert!(least.x <= width + 0.5, "{layout:?} at {width} × {height} needs {least:?}");
            }
            assert!(fit(&tree, vec2(2500.0, 1600.0), 1.0).is_none(), "{layout:?} is shown as it was arranged");
        }
    }
}
