//! The ticked runs side by side: results with differences and intervals, people who win and lose, clusters, and the
//! place among published results. The same figures as `reid-workbench compare`, by the same code.

mod queries;
mod tables;

use std::path::PathBuf;

use eframe::egui::{self, ScrollArea, Ui};
use serde::{Deserialize, Serialize};

use super::{Absence, Many, Pane, Panel, PanelCtx, PanelDrawn};
use crate::gui::command::UiCommand;
use crate::gui::job::Job;
use crate::gui::plot::ticks;
use crate::gui::theme::Type;
use crate::gui::view_model::RunView;
use crate::gui::widgets::{button, icon};
use crate::run::summary::Outcome;
use crate::study::compare::{Comparison, compare};
use crate::study::compared::{TableFormat, table};
use crate::study::outline::{Outline, tell_apart};
use crate::study::published::{Placed, place};

/// The targets that results are published on here.
const TARGETS: [&str; 2] = ["market1501", "dukemtmc"];

/// What is shown of a comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Shown {
    #[default]
    Results,
    People,
    Queries,
    Clusters,
    Published,
}

/// State of the panel that outlives the window.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ComparePanel {
    shown: Shown,
    /// Which of [`TARGETS`].
    target: usize,
    #[serde(skip)]
    asked: Option<Asked>,
    #[serde(skip)]
    job: Job<Found>,
    #[serde(skip)]
    found: Option<Found>,
    #[serde(skip)]
    queries: queries::ComparedState,
}

/// What a comparison was made of: it is made anew when a run has grown, the set or the baseline has changed.
#[derive(Clone, Debug, PartialEq)]
struct Asked {
    runs: Vec<(PathBuf, usize, Option<Outcome>)>,
    baseline: usize,
}

/// A comparison.
struct Found {
    all: Comparison,
    placed: [Result<Placed, String>; 2],
    lists: Vec<queries::ComparedLists>,
    /// Runs that could not be read, a sentence each.
    unread: Vec<String>,
}

/// What there is to compare: the run on screen, the ticked ones and the baseline.
fn asked(view: &RunView, many: &Many<'_>) -> Asked {
    let marks = &many.book.marks;
    let mut folders: Vec<PathBuf> = Vec::new();
    for folder in view.folder.iter().chain(&marks.ticked).chain(&marks.baseline) {
        if !folders.contains(folder) {
            folders.push(folder.clone());
        }
    }
    let baseline = folders.iter().position(|folder| marks.baseline.as_ref() == Some(folder)).unwrap_or(0);
    let runs = folders.into_iter().map(|folder| {
        let view = many.book.view(&folder, [view, many.live]);
        let epochs = view.map_or(0, |view| view.target_retrieval.len() + view.clusters.len());
        let outcome = many.book.row(&folder).map(|run| run.outcome);
        (folder, epochs, outcome)
    });
    Asked { runs: runs.collect(), baseline }
}

fn read(asked: &Asked) -> Found {
    let (mut runs, mut unread, mut baseline) = (Vec::new(), Vec::new(), 0);
    for (at, (folder, ..)) in asked.runs.iter().enumerate() {
        match Outline::read(folder) {
            Ok(run) => {
                if at == asked.baseline {
                    baseline = runs.len();
                }
                runs.push(run);
            }
            Err(error) => unread.push(error.to_string()),
        }
    }
    tell_apart(&mut runs);
    let lists = queries::read(&runs, baseline);
    Found { all: compare(&runs, baseline, None), placed: TARGETS.map(|target| place(&runs, target)), lists, unread }
}

impl Panel for ComparePanel {
    const TITLE: &'static str = "Compare";

    fn ui(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>) -> PanelDrawn {
        let asked = asked(cx.view, &cx.many);
        if asked.runs.len() < 2 {
            (self.asked, self.found) = (None, None);
            let text = "Tick two runs or more, here or in the list at the left: their results, the intervals of the \
                        differences, people and clusters stand here side by side.";
            let nothing = Absence::nothing(icon::RANKING, "Nothing to compare", text);
            return Err(match cx.many.book.rows().is_empty() {
                true => nothing,
                false => nothing.with("Show the run table", UiCommand::ShowPane(Pane::RunTable)),
            });
        }
        if !cx.truth {
            return Err(Absence::hidden("Results are judged by the target's labels, which are switched off."));
        }
        self.keep_up(ui.ctx(), asked);
        let names = |folder: &std::path::Path| cx.many.book.name(folder);
        let scope = self.found.as_ref().map_or(String::new(), |found| {
            let base = found.all.runs.iter().find(|run| run.difference.is_none() && run.name == found.all.baseline);
            let base = base.map_or_else(|| found.all.baseline.clone(), |run| names(&run.run));
            format!("{} against \u{e46a} {base}", ticks::counted(found.all.runs.len(), "run", "runs"))
        });
        cx.title(&scope).truth(cx.theme, true).show(ui, |ui| {
            if let Some(found) = &self.found {
                let menu = button::icon_button(ui, icon::DOTS, "Copy the comparison");
                egui::Popup::menu(&menu).show(|ui| {
                    for (kind, words) in
                        [(TableFormat::Markdown, "Copy as Markdown"), (TableFormat::Latex, "Copy as LaTeX")]
                    {
                        if ui.button(words).clicked() {
                            cx.send(UiCommand::CopyText(table(&found.all, kind)));
                        }
                    }
                });
            }
            let shown = [
                (Shown::Results, "results"),
                (Shown::People, "people"),
                (Shown::Queries, "queries"),
                (Shown::Clusters, "clusters"),
                (Shown::Published, "published"),
            ];
            button::segment(ui, &shown, &mut self.shown);
        });
        if let Some(why) = self.job.failure() {
            ui.add(egui::Label::new(Type::Body.text(why, cx.theme.error)).wrap());
        }
        let Some(found) = &self.found else {
            let text = "Drawing ten thousand samples a pair.";
            return Err(Absence::nothing(icon::RANKING, "Comparing…", text));
        };
        let (shown, target) = (self.shown, &mut self.target);
        ScrollArea::vertical().id_salt(("compare", shown as u8)).auto_shrink([false; 2]).show(ui, |ui| {
            match shown {
                Shown::Results => tables::results(ui, &found.all, &names),
                Shown::People => tables::people(ui, &found.all, &names),
                Shown::Queries => queries::ui(ui, cx, &found.lists, &mut self.queries, &names),
                Shown::Clusters => tables::clusters(ui, &found.all, &names),
                Shown::Published => {
                    let options: Vec<(usize, &str)> = TARGETS.into_iter().enumerate().collect();
                    button::segment(ui, &options, target);
                    tables::published(ui, &found.placed[(*target).min(1)], &found.all, &names);
                }
            }
            if shown != Shown::Published {
                tables::warnings(ui, found.unread.iter().chain(&found.all.warnings));
            }
        });
        Ok(())
    }
}

impl ComparePanel {
    /// Has the comparison made anew where something has changed; the one before stays until then.
    fn keep_up(&mut self, ctx: &egui::Context, asked: Asked) {
        if let Some(found) = self.job.poll() {
            self.found = Some(found);
        }
        if self.asked.as_ref() != Some(&asked) {
            self.asked = Some(asked.clone());
            self.job.start("comparison", ctx, move || read(&asked));
        }
    }
}
