//! Retrieval: mAP and rank-1, -5, -10 after each evaluation, with the source-only model as the start.

use eframe::egui::{Color32, Label, Stroke, Ui};
use serde::{Deserialize, Serialize};

use super::{Absence, Panel, PanelCtx, PanelDrawn};
use crate::engine::event::Retrieval;
use crate::gui::plot::epochs;
use crate::gui::plot::overlay;
use crate::gui::plot::{self, Canvas, EndLabel, ticks};
use crate::gui::theme::{Theme, Type, size};
use crate::gui::view_model::RunView;
use crate::gui::widgets::{button, icon};
use crate::gui::words::{after_words, is_active, is_over, measured_words};
use crate::method::evaluate::Figures;
use crate::method::params::Params;

/// State of the Retrieval panel that outlives the window.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RetrievalPanel {
    paper: bool,
    /// What is compared when several runs are ticked.
    measure: Measure,
}

/// A figure of an evaluation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Measure {
    #[default]
    Map,
    Rank1,
    Rank5,
    Rank10,
}

impl Measure {
    const ALL: [Self; 4] = [Self::Map, Self::Rank1, Self::Rank5, Self::Rank10];

    fn words(self) -> &'static str {
        match self {
            Self::Map => "mAP",
            Self::Rank1 => "rank-1",
            Self::Rank5 => "rank-5",
            Self::Rank10 => "rank-10",
        }
    }

    fn of(self, r: &Retrieval) -> f64 {
        match self {
            Self::Map => r.mAP,
            Self::Rank1 => r.cmc[0],
            Self::Rank5 => r.cmc[1],
            Self::Rank10 => r.cmc[2],
        }
    }
}

/// What the paper reports for a setting.
struct Published {
    table: &'static str,
    row: &'static str,
    /// mAP, percent.
    map: f64,
}

impl Panel for RetrievalPanel {
    const TITLE: &'static str = "Retrieval";

    fn ui(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>) -> PanelDrawn {
        let view = cx.view;
        let newest = view.target_retrieval.last_key_value();
        let several = !cx.overlays.is_empty();
        if (newest.is_some() || several) && !cx.truth {
            return Err(Absence::hidden("mAP and rank-k are judged by the target's labels, which are switched off."));
        }
        let scope = match newest {
            _ if several => format!("{}, percent{}", self.measure.words(), overlay::scope(cx.overlays)),
            Some((epoch, _)) => format!("percent, {} test, {}", view.target, measured_words(view, *epoch)),
            None => String::new(),
        };
        let published = published(view);
        let judged = newest.is_some() || several;
        cx.title(&scope).truth(cx.theme, judged).show(ui, |ui| self.tools(ui, published.as_ref()));
        if several {
            self.overlaid(ui, cx);
            return Ok(());
        }
        let Some((_, last)) = newest else {
            let (title, text) = if is_active(view) {
                let text = "The source-only model is evaluated after pre-training, then each epoch adds a point.";
                ("Not evaluated yet", text)
            } else if is_over(view) {
                ("Not evaluated", "This run ended before its model was evaluated on the target's test set.")
            } else {
                let text = "Start a run: mAP and rank-1, -5, -10 on the target's test set are drawn here after each \
                            evaluation.";
                ("Not evaluated yet", text)
            };
            return Err(Absence::nothing(icon::CHART, title, text));
        };
        beside(ui, last);
        let name = format!("Retrieval plot, mAP {} percent", ticks::number(100.0 * last.mAP, 1));
        let axes = epochs::axes(cx, "retrieval plot", &name, "epochs done");
        let paper = published.filter(|_| self.paper);
        let range = y_range(view, paper.as_ref());
        plot::show(ui, ui.available_size(), &axes, |_| range, |canvas| curves(canvas, view, paper.as_ref()));
        Ok(())
    }
}

impl RetrievalPanel {
    /// One figure of the ticked runs.
    fn overlaid(&self, ui: &mut Ui, cx: &PanelCtx<'_>) {
        let of = |view: &RunView| -> Vec<(usize, f64)> {
            view.target_retrieval.iter().map(|(epoch, r)| (*epoch, 100.0 * self.measure.of(r))).collect()
        };
        let curves: Vec<_> = cx.overlays.iter().map(|overlay| overlay::by_epoch(overlay, of)).collect();
        let (measure, runs) = (self.measure.words(), overlay::count(cx.overlays));
        let name = format!("{measure} of {runs}: {}", overlay::said(cx.overlays, &curves, 1));
        let axes = epochs::axes(cx, "retrieval plot", &name, "epochs done");
        let [low, high] = overlay::extent(&curves).unwrap_or([0.0, 100.0]);
        let [low, high] = plot::ticks::round_out(low, high, 4);
        let range = [low.max(0.0), high.min(100.0)];
        plot::show(
            ui,
            ui.available_size(),
            &axes,
            |_| range,
            |canvas| {
                epochs::marks(canvas, cx.view, crate::engine::event::Phase::Adapt);
                overlay::draw(canvas, cx.overlays, &curves, 1, |x| after_words(x as usize));
            },
        );
    }

    fn tools(&mut self, ui: &mut Ui, published: Option<&Published>) {
        let menu = button::icon_button(ui, icon::DOTS, "Options of the retrieval plot");
        eframe::egui::Popup::menu(&menu).close_behavior(eframe::egui::PopupCloseBehavior::CloseOnClickOutside).show(
            |ui| {
                let why = match published {
                    Some(p) => format!("{}: {}, mAP {} %.", p.table, p.row, p.map),
                    None => "The paper reports only DukeMTMC-reID → Market-1501 and the other way round.".to_owned(),
                };
                let line = eframe::egui::Checkbox::new(&mut self.paper, "The paper's mAP");
                ui.add_enabled(published.is_some(), line).on_hover_text(&why).on_disabled_hover_text(&why);
                ui.separator();
                ui.label("Of several runs");
                for measure in Measure::ALL {
                    ui.radio_value(&mut self.measure, measure, measure.words());
                }
            },
        );
    }
}

/// What else the newest evaluation measured, in a line above the plot.
fn beside(ui: &mut Ui, last: &Retrieval) {
    let percent = |x: f64| ticks::number(100.0 * x, 1);
    let part = |name: &str, figures: &Option<Figures>| {
        figures.as_ref().map(|f| format!("{name} mAP {}, rank-1 {}", percent(f.mAP), percent(f.cmc[0])))
    };
    let mut words: Vec<String> = last.mINP.map(|m| format!("mINP {}", percent(m))).into_iter().collect();
    words
        .extend(last.true_accepts.map(|[strict, loose]| {
            format!("true accepts {} at FAR 0.1 %, {} at 1 %", percent(strict), percent(loose))
        }));
    words.extend(part("same clothes", &last.same_clothes));
    words.extend(part("changed clothes", &last.changed_clothes));
    words.extend(part("re-ranked", &last.reranked));
    words.extend(last.drawn.as_ref().map(|d| {
        let (n, map, rank) = (d.draws, percent(d.mAP), percent(d.cmc[0]));
        format!("mean of {n} draws mAP {map} ± {}, rank-1 {rank}", percent(d.mAP_deviation))
    }));
    if words.is_empty() {
        return;
    }
    let theme = Theme::of(ui.ctx());
    let text = words.join(" · ");
    let line = Label::new(Type::Small.text(&text, theme.t2)).truncate();
    ui.add(line).on_hover_text("mINP: how high the last match of a query stands (AGW). True accepts: of pairs of one \
                                person, those nearer than all but one in a thousand, or in a hundred, of the pairs of different people.");
}

/// A curve: its name, its value, its colour, its width.
type Curve = (&'static str, fn(&Retrieval) -> f64, Color32, f32);

/// The curves with their names, the hero first.
fn series(theme: &Theme) -> [Curve; 4] {
    [
        ("mAP", |r| r.mAP, theme.series(0), size::STROKE_HERO),
        ("rank-1", |r| r.cmc[0], theme.t2, size::STROKE_CURVE),
        ("rank-5", |r| r.cmc[1], theme.t3, size::STROKE_CURVE),
        ("rank-10", |r| r.cmc[2], theme.t3, size::STROKE_CURVE),
    ]
}

fn curves(canvas: &mut Canvas<'_>, view: &RunView, paper: Option<&Published>) {
    let theme = canvas.theme;
    epochs::marks(canvas, view, crate::engine::event::Phase::Adapt);
    let mut labels = Vec::new();
    let [from, to] = canvas.seen();
    let across = |y: f64| [(from, y), (to, y)];
    if let Some(p) = paper {
        canvas.dashed(&across(p.map), Stroke::new(size::STROKE, theme.t2.gamma_multiply(0.7)), 4.0, 3.0);
        let value = ticks::number(p.map, 1);
        labels.push(EndLabel { y: p.map, name: "paper".into(), value, color: theme.t2, hero: false });
    }
    if let (Some(first), true) = (view.target_retrieval.get(&0), view.trains() && view.target_retrieval.len() > 1) {
        let y = 100.0 * first.mAP;
        canvas.dashed(&across(y), Stroke::new(size::STROKE, theme.t3.gamma_multiply(0.7)), 1.0, 3.0);
        let value = ticks::number(y, 1);
        labels.push(EndLabel { y, name: "source".into(), value, color: theme.t3, hero: false });
    }
    for (name, of, color, width) in series(theme).into_iter().rev() {
        let points: Vec<(f64, f64)> = view.target_retrieval.iter().map(|(e, r)| (*e as f64, 100.0 * of(r))).collect();
        canvas.line(points.iter().copied(), Stroke::new(width, color));
        if let Some((x, y)) = &canvas.spoken(points.iter().copied()) {
            canvas.inside.circle_filled(canvas.at(*x, *y), width + 0.6, color);
            let hero = name == "mAP";
            let ink = if hero { theme.series_text(0) } else { color };
            labels.push(EndLabel { y: *y, name: name.into(), value: ticks::number(*y, 1), color: ink, hero });
        }
    }
    canvas.end_labels(labels);
    let nearest = canvas.cursor.and_then(|x| {
        view.target_retrieval.iter().min_by(|a, b| (*a.0 as f64 - x).abs().total_cmp(&(*b.0 as f64 - x).abs()))
    });
    if let Some((epoch, retrieval)) = nearest {
        let label = measured_words(view, *epoch);
        canvas.heading(label);
        for (name, of, color, _) in series(theme) {
            let y = 100.0 * of(retrieval);
            canvas.reading(*epoch as f64, y, color, format!("{name} {}", ticks::number(y, 1)));
        }
    }
}

fn y_range(view: &RunView, paper: Option<&Published>) -> [f64; 2] {
    let values = view.target_retrieval.values().flat_map(|r| [r.mAP, r.cmc[0], r.cmc[2]]).map(|y| 100.0 * y);
    let values = values.chain(paper.map(|p| p.map)).filter(|y| y.is_finite());
    let (low, high) = values.fold((100.0, 0.0), |(low, high): (f64, f64), y| (low.min(y), high.max(y)));
    let [low, high] = plot::ticks::round_out(low.min(high), high, 4);
    [low.max(0.0), high.min(100.0)]
}

/// The row of the paper's Tables 2 and 3 that these datasets and switches stand for.
fn published(view: &RunView) -> Option<Published> {
    let plain = |name: &str| name.to_lowercase().replace(['-', '_', ' '], "");
    let (source, target) = (plain(&view.source), plain(&view.target));
    let params: &Params = view.params.as_ref()?;
    let (table, values) = match (source.as_str(), target.as_str()) {
        (s, t) if s.starts_with("duke") && t.starts_with("market") => ("Table 2", [48.0, 50.0, 68.2, 70.7]),
        (s, t) if s.starts_with("market") && t.starts_with("duke") => ("Table 3", [46.4, 47.7, 60.3, 61.5]),
        _ => return None,
    };
    let rows = [
        "Baseline + Cluster",
        "Baseline + AT + Cluster",
        "Baseline + Refined-Cluster",
        "Baseline + AT + Refined-Cluster",
    ];
    let row = usize::from(params.attention.enabled) + 2 * usize::from(params.refined);
    Some(Published { table, row: rows[row], map: values[row] })
}
