//! The tiles: which there are, and what each is given. To add one: a file, and a line in each list here.

pub mod clusters;
mod epochs;
pub mod heat_maps;
pub mod library;
pub mod log;
pub mod loss;
pub mod parameters;
mod photo;
pub mod rank_lists;
pub mod reliability;
pub mod retrieval;
pub mod scrubber;
pub mod strip;
pub mod tiles;
pub mod topbar;

use eframe::egui::{Rect, Ui};
use serde::{Deserialize, Serialize};

use super::command::UiCommand;
use super::theme::Theme;
use super::view_model::{Snapshots, ViewModel};
use super::widgets::icon;
use super::widgets::images::Images;
use crate::engine::event::ImageRef;

/// What a tile may read and where it puts what the user asked for.
pub struct PanelCtx<'a> {
    /// What the run has told so far.
    pub view: &'a ViewModel,
    /// Colours of the appearance shown.
    pub theme: &'a Theme,
    /// Commands of this frame; carried out after all tiles are drawn.
    pub actions: &'a mut Vec<UiCommand>,
    /// Pictures of files.
    pub images: &'a mut Images,
    /// What the epochs computed, read from the run folder.
    pub snapshots: &'a mut Snapshots,
    /// What is selected, the same in all tiles.
    pub selection: &'a mut Selection,
    /// The room beside the tile's tabs, for scope and tools: `widgets::tile::head(ui, cx.head, scope, …)`.
    pub head: Rect,
}

/// What is selected, the same in all tiles.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Selection {
    /// The epoch looked at; `None` follows the run.
    pub epoch: Option<usize>,
    /// A cluster of that epoch.
    pub cluster: Option<u32>,
    /// A row of the query split.
    pub query: Option<u32>,
    /// An image.
    pub image: Option<ImageRef>,
}

/// A kind of tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pane {
    /// Losses and learning rate.
    Loss,
    /// mAP and CMC.
    Retrieval,
    /// Cluster and outlier counts.
    Clusters,
    /// Scores and threshold.
    Reliability,
    /// Attention over images.
    HeatMaps,
    /// What queries find.
    RankLists,
}

impl Pane {
    /// All kinds, in the order of the menu.
    pub const ALL: [Self; 6] =
        [Self::Loss, Self::Retrieval, Self::Clusters, Self::Reliability, Self::HeatMaps, Self::RankLists];

    /// The tile's title.
    pub fn title(self) -> &'static str {
        match self {
            Self::Loss => loss::LossPanel::TITLE,
            Self::Retrieval => retrieval::RetrievalPanel::TITLE,
            Self::Clusters => clusters::ClustersPanel::TITLE,
            Self::Reliability => reliability::ReliabilityPanel::TITLE,
            Self::HeatMaps => heat_maps::HeatMapsPanel::TITLE,
            Self::RankLists => rank_lists::RankListsPanel::TITLE,
        }
    }

    /// What it shows, for tooltips and the palette.
    pub fn help(self) -> &'static str {
        match self {
            Self::Loss => "The loss of every iteration, its parts, and the learning rate.",
            Self::Retrieval => "mAP and rank-1, -5, -10 on the target's test set, after each evaluation.",
            Self::Clusters => "Clusters, reliable clusters and outliers of each epoch.",
            Self::Reliability => "How the clusters score by Eq. 8, and the threshold that keeps or drops them.",
            Self::HeatMaps => "Where the attention blocks look, drawn over the watched images.",
            Self::RankLists => "What the watched queries find, right and wrong, with distances and AP.",
        }
    }

    /// The glyph beside its name.
    pub fn icon(self) -> &'static str {
        match self {
            Self::Loss => icon::CHART,
            Self::Retrieval => icon::RANKING,
            Self::Clusters => icon::STACK,
            Self::Reliability => icon::BARS,
            Self::HeatMaps => icon::HEAT,
            Self::RankLists => icon::IMAGE,
        }
    }
}

/// The state of all tiles; kept between sessions.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Panels {
    loss: loss::LossPanel,
    retrieval: retrieval::RetrievalPanel,
    clusters: clusters::ClustersPanel,
    reliability: reliability::ReliabilityPanel,
    heat_maps: heat_maps::HeatMapsPanel,
    rank_lists: rank_lists::RankListsPanel,
}

impl Panels {
    /// Shows the contents of a tile.
    pub fn show(&mut self, pane: Pane, ui: &mut Ui, cx: &mut PanelCtx<'_>) {
        match pane {
            Pane::Loss => self.loss.ui(ui, cx),
            Pane::Retrieval => self.retrieval.ui(ui, cx),
            Pane::Clusters => self.clusters.ui(ui, cx),
            Pane::Reliability => self.reliability.ui(ui, cx),
            Pane::HeatMaps => self.heat_maps.ui(ui, cx),
            Pane::RankLists => self.rank_lists.ui(ui, cx),
        }
    }
}
