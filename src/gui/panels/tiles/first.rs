//! The arrangements that layouts begin with.

use eframe::egui;
use egui_tiles::{Container, TileId, Tiles, Tree};

use crate::gui::command::WorkLayout;
use crate::gui::panels::Pane;

/// The arrangement that a layout begins with.
pub fn default_tree(layout: WorkLayout) -> Tree<Pane> {
    let mut tiles = Tiles::default();
    let root = match layout {
        WorkLayout::Research => {
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
                &[
                    Pane::RankLists,
                    Pane::Alike,
                    Pane::Eq8,
                    Pane::Exhibit,
                    Pane::WhatIf,
                    Pane::Reachability,
                    Pane::Why,
                    Pane::Loop,
                    Pane::Memory,
                    Pane::Batch,
                    Pane::Condensed,
                    Pane::Clustree,
                    Pane::Sweep,
                    Pane::Cameras,
                    Pane::Compass,
                    Pane::Worth,
                    Pane::RunTable,
                    Pane::Compare,
                    Pane::Sweeps,
                ],
            );
            let right = linear(&mut tiles, false, &[(top, 1.15), (bottom, 1.0)]);
            linear(&mut tiles, true, &[(left, 0.5), (right, 1.0)])
        }
        WorkLayout::Tune => {
            let left = tabs(&mut tiles, &[Pane::WhatIf]);
            let top = [
                (&[Pane::Reliability, Pane::Clusters][..], 1.0),
                (
                    &[
                        Pane::KDistance,
                        Pane::Reachability,
                        Pane::Condensed,
                        Pane::Clustree,
                        Pane::Loss,
                        Pane::Retrieval,
                    ],
                    0.95,
                ),
                (&[Pane::Sweep, Pane::Lineage, Pane::Compass, Pane::Cameras, Pane::Worth], 1.05),
            ];
            let top = row(&mut tiles, &top);
            let bottom = [
                (&[Pane::Browser, Pane::Map, Pane::Exhibit, Pane::RunTable, Pane::Compare, Pane::Sweeps][..], 1.0),
                (&[Pane::Eq8, Pane::Why, Pane::Inspector, Pane::RankLists, Pane::HeatMaps], 1.3),
            ];
            let bottom = row(&mut tiles, &bottom);
            let right = linear(&mut tiles, false, &[(top, 1.0), (bottom, 1.2)]);
            linear(&mut tiles, true, &[(left, 0.26), (right, 1.0)])
        }
        // There the tour or the hand chooses the one panel that is shown.
        WorkLayout::Teach => tabs(&mut tiles, &[Pane::Loop]),
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
