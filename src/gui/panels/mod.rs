//! The panels: which there are, and what each is given. To add one: a file, and a line in `panes!` here.

mod absence;
pub mod alike;
pub mod around;
pub mod banner;
pub mod batch;
pub mod browser;
pub mod cameras;
pub mod clusters;
pub mod clustree;
pub mod compare;
pub mod compass;
pub mod condensed;
pub mod eq8;
pub mod exhibit;
pub mod heat_maps;
pub mod inspector;
pub mod k_distance;
pub mod library;
pub mod lineage;
pub mod log;
pub mod loss;
pub mod map;
pub mod memory;
pub mod parameters;
pub mod preparing;
pub mod rank_lists;
pub mod reachability;
pub mod reliability;
pub mod retrieval;
pub mod run_table;
pub mod scrubber;
pub mod strip;
pub mod sweep;
pub mod tiles;
pub mod topbar;
pub mod trials;
pub mod waited;
pub mod what_if;
pub mod why;
pub mod worth;

use eframe::egui::Ui;
use serde::{Deserialize, Serialize};

use super::book::{Book, Overlay};
use super::command::{Commands, UiCommand};
use super::plot::SharedCursor;
use super::queue::RunQueue;
use super::sweeps::Sweeps;
use super::theme::Theme;
use super::view_model::{RunView, Snapshots};
use super::what_if::{Try, WhatIf};
use super::widgets::icon;
use super::widgets::images::Thumbnails;
use super::widgets::tile::{TitlePlace, TitleRow};

pub use super::selection::{Pick, Selection};
pub use absence::{Absence, PanelDrawn};

/// A part of the window with a title. The frame draws what stands in it while it has nothing to show.
pub trait Panel: Sized {
    /// Its title.
    const TITLE: &'static str;

    /// Shows it, title row and all.
    ///
    /// # Errors
    /// With what stands in its place.
    fn ui(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>) -> PanelDrawn;

    /// Exchanges with `kept` what belongs to the run on screen and not to the panel: zoom, filters, what is opened.
    fn exchange(&mut self, _kept: &mut Self) {}
}

/// What a panel may read, and where it puts what the user asked for. A panel changes nothing but its own state: what
/// it says to others goes through [`PanelCtx::send`].
#[derive(Clone, Copy)]
pub struct PanelCtx<'a> {
    /// What the run has told so far.
    pub view: &'a RunView,
    /// Colours of the appearance shown.
    pub theme: &'a Theme,
    /// Commands of this frame; carried out after all panels are drawn.
    pub commands: &'a Commands,
    /// Pictures of files.
    pub images: &'a Thumbnails,
    /// What the epochs computed, read from the run folder.
    pub snapshots: &'a Snapshots,
    /// What other parameters would make of the epoch's clusters.
    pub what_if: &'a WhatIf,
    /// Whether the engine can be asked about the run on screen.
    pub answers: bool,
    /// Where a parameter that is changed here counts.
    pub applies: Applies,
    /// What is selected, the same in all panels.
    pub selection: &'a Selection,
    /// All runs, not the one on screen alone.
    pub many: Many<'a>,
    /// The runs that are drawn together; empty when there is nothing beside the one on screen.
    pub overlays: &'a [Overlay<'a>],
    /// Whether what target labels say may be shown.
    pub truth: bool,
    /// What plots over one axis have in common: the x under the pointer.
    pub cursor: &'a SharedCursor,
    /// The room beside the panel's tabs: see [`PanelCtx::title`].
    pub head: &'a TitlePlace,
}

impl<'a> PanelCtx<'a> {
    /// What stands beside the panel's name: its scope, and chips and tools that are added to it.
    pub fn title<'s>(&self, scope: &'s str) -> TitleRow<'s>
    where
        'a: 's,
    {
        TitleRow::of(self.head, scope)
    }

    /// Asks for something.
    pub fn send(&self, command: UiCommand) {
        self.commands.send(command);
    }

    /// Asks for a change of the selection.
    pub fn select(&self, pick: Pick) {
        self.send(UiCommand::Select(pick));
    }

    /// Asks for a change of what is tried.
    pub fn attempt(&self, asked: Try) {
        self.send(UiCommand::Try(asked));
    }
}

impl Panels {
    /// Asks the rank lists who on the gallery is the one on a photo.
    pub fn ask_about(&mut self, photo: std::path::PathBuf) {
        self.rank_lists.given.push(photo);
    }

    /// Lays clusters of other radii over the map, as its menu does.
    pub fn lay_over_map(&mut self, radii: map::MapRadii) {
        self.map.radii = radii;
    }
}

/// What is known of all runs.
#[derive(Clone, Copy)]
pub struct Many<'a> {
    /// The list of runs, their names, what was ticked and read.
    pub book: &'a Book,
    /// The run that the engine of this window works on.
    pub live: &'a RunView,
    /// Sweeps, and the one that is looked at.
    pub sweeps: &'a Sweeps,
    /// The runs that wait for their turn.
    pub queue: &'a RunQueue,
    /// Whether what target labels say may be shown.
    pub truth: bool,
}

impl<'a> Many<'a> {
    /// The runs that are drawn together with the one on screen.
    pub fn overlays(&self, shown: &'a RunView) -> Vec<Overlay<'a>> {
        self.book.overlays([shown, self.live])
    }
}

/// Where a parameter that is changed counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applies {
    /// In the run on screen, which is going on.
    ToRun,
    /// In the next run: none is going on.
    ToNextRun,
    /// Nowhere: another run than the one on screen is going on.
    Not,
}

macro_rules! panes {
    ($($pane:ident: $field:ident as $panel:ty, $icon:ident, $help:literal;)+) => {
        /// A kind of panel.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Pane {
            $(#[doc = $help] $pane,)+
        }

        impl Pane {
            /// All kinds, in the order of the menu.
            pub const ALL: &[Self] = &[$(Self::$pane),+];

            /// The panel's title.
            pub fn title(self) -> &'static str {
                match self { $(Self::$pane => <$panel>::TITLE,)+ }
            }

            /// What it shows, for tooltips and the palette.
            pub fn help(self) -> &'static str {
                match self { $(Self::$pane => $help,)+ }
            }

            /// The glyph beside its name.
            pub fn icon(self) -> &'static str {
                match self { $(Self::$pane => icon::$icon,)+ }
            }
        }

        /// The state of all panels; kept between sessions.
        #[derive(Default, Serialize, Deserialize)]
        #[serde(default)]
        pub struct Panels {
            $($field: $panel,)+
        }

        impl Panels {
            /// The cluster map, which keeps layouts.
            pub fn map(&self) -> &map::MapPanel {
                &self.map
            }

            /// Exchanges with `kept` what belongs to the run on screen: zoom, filters, what is opened.
            pub fn exchange(&mut self, kept: &mut Self) {
                $(self.$field.exchange(&mut kept.$field);)+
            }

            /// Shows the contents of a panel.
            pub fn show(&mut self, pane: Pane, ui: &mut Ui, cx: &PanelCtx<'_>) {
                let drawn = match pane { $(Pane::$pane => self.$field.ui(ui, cx),)+ };
                if let Err(absence) = drawn {
                    absence.show(ui, cx);
                }
            }
        }
    };
}

panes! {
    Loss: loss as loss::LossPanel, CHART, "The loss of every iteration, its parts, and the learning rate.";
    Retrieval: retrieval as retrieval::RetrievalPanel, RANKING, "mAP and rank-1, -5, -10 on the target's test set, after each evaluation.";
    Clusters: clusters as clusters::ClustersPanel, STACK, "Clusters, reliable clusters and outliers of each epoch.";
    Reliability: reliability as reliability::ReliabilityPanel, BARS, "How the clusters score by Eq. 8, and the threshold that keeps or drops them.";
    Map: map as map::MapPanel, SCATTER, "The images as points, near where their features are near.";
    Browser: browser as browser::BrowserPanel, GRID, "The clusters as cards: size, score, cameras, members; worst first in one click.";
    Eq8: eq8 as eq8::Eq8Panel, CIRCLE, "Eq. 8 of one cluster as a picture: its tight, normal and loose members.";
    WhatIf: what_if as what_if::WhatIfPanel, CROSSHAIR, "What other parameters would make of this epoch's clusters, without training.";
    KDistance: k_distance as k_distance::KDistancePanel, CHART, "How far each image's neighbours are: the usual hint for eps.";
    Reachability: reachability as reachability::ReachabilityPanel, BARS, "Every eps at once: the images in a row, clusters as valleys, eps as a line to drag.";
    Why: why as why::WhyPanel, BRANCH, "Why two images are in one cluster: the chain between them and its weakest step.";
    Condensed: condensed as condensed::CondensedPanel, STACK, "The condensed tree: every cluster that lasts, how long and how stable, with its photo.";
    Clustree: clustree as clustree::ClustreePanel, BRANCH, "Clusters at many values of eps: which split, which merge, how stable each is.";
    Sweep: sweep as sweep::SweepPanel, GRID, "Clusters at twenty values of eps, and over a table of eps and Δd.";
    Lineage: lineage as lineage::LineagePanel, BRANCH, "What became of the clusters between two epochs: kept, split, merged, born, died.";
    Cameras: cameras as cameras::CamerasPanel, GRID, "The camera gap: distances within and across cameras, and how cameras mix in clusters.";
    Compass: compass as compass::CompassPanel, CROSSHAIR, "What scores without labels say of the epochs, and which one they would choose.";
    Worth: worth as worth::WorthPanel, EYE, "What is worth a look: bridges, impure clusters, copies, restless images, failing queries.";
    Exhibit: exhibit as exhibit::ExhibitPanel, CHECK, "Reliable against unreliable clusters, as in Figs. 7 and 8 of the paper.";
    Loop: around as around::LoopPanel, RESET, "The method as one round: what each stage holds in the epoch looked at, the one at work lit.";
    Memory: memory as memory::MemoryPanel, STACK, "The memory in an epoch: how far its centroids moved, how old its rows are, Eq. 9 and 10 in numbers.";
    Batch: batch as batch::BatchPanel, GRID, "One batch as the network saw it, with each photo's hardest positive and negative.";
    HeatMaps: heat_maps as heat_maps::HeatMapsPanel, HEAT, "Where the attention blocks look, drawn over the watched images.";
    RankLists: rank_lists as rank_lists::RankListsPanel, IMAGE, "What the queries find, right and wrong, with distances and AP.";
    Alike: alike as alike::AlikePanel, HEAT, "Why a query finds a hit: what each part of both photos gives to their similarity.";
    Inspector: inspector as inspector::InspectorPanel, SEARCH, "The selected image: its cluster, its score, its neighbours by Euclid and by Jaccard.";
    RunTable: run_table as run_table::RunTablePanel, GRID, "All runs as a table, with columns of your choice.";
    Compare: compare as compare::ComparePanel, RANKING, "The ticked runs side by side: results with intervals, people, clusters, published results.";
    Sweeps: trials as trials::TrialsPanel, STACK, "A sweep: its trials, what they found over seeds, any parameter against any result.";
}

impl Panels {
    /// The β that is tried in the memory.
    pub fn beta(&self) -> Option<f64> {
        self.memory.beta()
    }

    /// Tries that β in the memory.
    pub fn try_beta(&mut self, beta: Option<f64>) {
        self.memory.try_beta(beta);
    }
}
