//! The memory made visible: how the centroids moved in the epoch looked at, iteration by iteration, with Eq. 9 and 10 in
//! numbers; and what another β would have done.

use eframe::egui::{Align, Align2, Layout, Rect, Role, Sense, Ui, UiBuilder, WidgetInfo, pos2, vec2};
use serde::{Deserialize, Serialize};

use super::{Absence, Panel, PanelCtx, PanelDrawn, Pick};
use crate::gui::clustered::ClusteringWatch;
use crate::gui::command::UiCommand;
use crate::gui::plot::{ticks, type_scale};
use crate::gui::recorded::{record, trails};
use crate::gui::theme::{Theme, Type};
use crate::gui::widgets::formula::Formula;
use crate::gui::widgets::slider::Slider;
use crate::gui::widgets::{button, icon, thumb};
use crate::gui::words::epoch_words;
use crate::run::training::{MemoryRecord, TrainingSnapshot};
use crate::study::remembered::row_turns;

/// State of the Memory panel that outlives the window.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MemoryPanel {
    #[serde(skip)]
    watch: ClusteringWatch,
    /// The place in the record that is looked at; the last where none was chosen.
    #[serde(skip)]
    at: Option<usize>,
    /// The β that is tried.
    #[serde(skip)]
    beta: Option<f64>,
}

impl MemoryPanel {
    /// The β that is tried.
    pub fn beta(&self) -> Option<f64> {
        self.beta
    }

    /// Tries that β.
    pub fn try_beta(&mut self, beta: Option<f64>) {
        self.beta = beta;
    }
}

impl Panel for MemoryPanel {
    const TITLE: &'static str = "Memory";

    fn ui(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>) -> PanelDrawn {
        let (epoch, record) = record(cx)?;
        let memory = &record.memory;
        if memory.iters.is_empty() || memory.clusters() == 0 {
            let text = "No cluster of two images or more was trained against in this epoch, or the run has no memory.";
            return Err(Absence::nothing(icon::STACK, "No centroid to follow", text));
        }
        let tried = self.beta.is_some_and(|beta| (beta - record.beta).abs() > 1e-9);
        let shown = self.watch.get(ui, cx).ok().filter(|shown| shown.epoch == epoch);
        let scope = format!(
            "{}, {} of {} in the batches, {}",
            ticks::counted(memory.clusters(), "largest cluster", "largest clusters"),
            ticks::counted(memory.iters.len(), "iteration", "iterations"),
            ticks::count(memory.iters.last().map_or(0, |i| *i as usize + 1)),
            epoch_words(epoch)
        );
        let title = cx.title(&scope);
        let title =
            if tried { title.chip("not applied", cx.theme.what_if, "Tried here, not in the run.") } else { title };
        title.show(ui, |ui| {
            if tried && button::icon_button(ui, icon::RESET, "Back to the run's β").clicked() {
                cx.send(UiCommand::TryBeta(None));
            }
        });
        let label = |k: usize| shown.as_ref().and_then(|s| s.facts.cluster_of(memory.image[k]));
        let chosen = cx.selection.cluster.and_then(|c| (0..memory.clusters()).find(|k| label(*k) == Some(c)));
        let t = self.at.unwrap_or(usize::MAX).min(memory.iters.len() - 1);
        // Without a choice the one that moves most.
        let moves = |k: &usize| memory.turned[memory.at(t, *k)];
        let most = (0..memory.clusters()).max_by(|a, b| moves(a).total_cmp(&moves(b)));
        let k = chosen.or(most).unwrap_or(0);
        let scale = type_scale(ui);
        let room = ui.available_rect_before_wrap();
        let wide = room.width() > scale * 430.0;
        let bar = scale * 26.0;
        let body = room.with_max_y(room.bottom() - bar);
        let words = scale * 230.0;
        let (picture, beside) = match wide {
            true => (body.with_max_x(body.right() - words - 12.0), Some(body.with_min_x(body.right() - words))),
            false => (body, None),
        };
        self.picture(ui, cx, picture, (memory, t, k), &label);
        if let Some(place) = beside {
            let mut child = ui.new_child(UiBuilder::new().id_salt("numbers").max_rect(place));
            child.set_clip_rect(place.intersect(ui.clip_rect()));
            self.numbers(&mut child, cx, &record, t, (k, label(k)));
        }
        let line = room.with_min_y(room.bottom() - bar);
        let mut child = ui.new_child(UiBuilder::new().max_rect(line).layout(Layout::left_to_right(Align::Center)));
        child.label(Type::Small.text(format!("iteration {}", memory.iters[t] + 1), cx.theme.t2));
        let mut at = t as f64;
        let slider = Slider {
            name: "Iteration of the memory",
            min: 0.0,
            max: (memory.iters.len() - 1).max(1) as f64,
            step: 1.0,
            logarithmic: false,
            tick: None,
            ghost: None,
            color: cx.theme.accent,
            width: child.available_width() - 8.0,
        };
        if slider.show(&mut child, &mut at).changed() {
            self.at = Some(at.round() as usize);
        }
        Ok(())
    }
}

impl MemoryPanel {
    /// The centroids in their plane; a click chooses a cluster.
    fn picture(
        &self,
        ui: &Ui,
        cx: &PanelCtx<'_>,
        room: Rect,
        (memory, t, chosen): (&MemoryRecord, usize, usize),
        label: &dyn Fn(usize) -> Option<u32>,
    ) {
        let theme = cx.theme;
        let response = ui.interact(room, ui.scope_id().with("centroids"), Sense::click());
        let said = format!("{} centroids after iteration {}", memory.clusters(), memory.iters[t] + 1);
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, said.as_str()));
        let painter = ui.painter_at(room);
        let inner = room.shrink(26.0);
        let ends = trails(&painter, inner, memory, t, Some(chosen), theme);
        // The chosen one's photo, where it does not hide the dot.
        let end = ends[chosen];
        let height = (0.22 * room.height()).clamp(34.0, 96.0);
        let cell = vec2(height / 2.0, height);
        let x = if end.x + 12.0 + cell.x < room.right() { end.x + 12.0 } else { end.x - 12.0 - cell.x };
        let y = (end.y - height / 2.0).clamp(room.top(), (room.bottom() - height).max(room.top()));
        let images = cx.snapshots.images(cx.view);
        let images = images.ready().map(|i| &**i);
        let photo = Rect::from_min_size(pos2(x, y), cell);
        thumb::paint(ui, cx.images, images, memory.image[chosen], photo, 1.0);
        let key = "ring: as the epoch began · dot: now · two directions in which centroids differ most";
        painter.text(room.left_bottom(), Align2::LEFT_BOTTOM, key, Type::Small.font(ui), theme.t3);
        let near = response.hover_pos().and_then(|pointer| {
            let all = ends.iter().enumerate().map(|(k, at)| (k, at.distance(pointer)));
            all.filter(|(_, d)| *d < 18.0).min_by(|a, b| a.1.total_cmp(&b.1)).map(|(k, _)| k)
        });
        if let (true, Some(cluster)) = (response.clicked(), near.and_then(label)) {
            cx.select(Pick::Cluster(Some(cluster)));
        }
        if let Some(k) = near {
            let at = memory.at(t, k);
            let name = label(k).map_or("a cluster".to_owned(), |c| format!("Cluster {c}"));
            response.on_hover_text(format!(
                "{name}, {} images. In iteration {} {} of its rows were renewed and its centroid turned {}°.",
                memory.members[k],
                memory.iters[t] + 1,
                memory.refreshed[at],
                ticks::number(f64::from(memory.turned[at]), 1)
            ));
        }
    }

    fn numbers(
        &self,
        ui: &mut Ui,
        cx: &PanelCtx<'_>,
        record: &TrainingSnapshot,
        t: usize,
        (k, label): (usize, Option<u32>),
    ) {
        let theme = cx.theme;
        let memory = &record.memory;
        let at = memory.at(t, k);
        let scale = type_scale(ui);
        ui.spacing_mut().item_spacing.y = 3.0;
        let degrees = |x: f64| format!("{}°", ticks::number(x, 1));
        let name = label.map_or("Cluster".to_owned(), |c| format!("Cluster {c}"));
        ui.label(Type::Title.text(format!("{name}, Eq. 9"), theme.t1));
        formula(ui, &format!(r"K = \frac{{1}}{{{}}} \sum_{{v}} v", memory.members[k]), scale, theme);
        line(ui, "rows renewed now", format!("{} of {}", memory.refreshed[at], memory.members[k]));
        line(ui, "centroid turned", degrees(f64::from(memory.turned[at])));
        line(ui, "its length", ticks::number(f64::from(memory.length[at]), 3));
        line(ui, "age of its rows", format!("{} iterations", ticks::number(f64::from(memory.age[at]), 1)));
        spark(ui, memory, k, t, theme);
        let (apart, turned) = (f64::from(memory.apart[t]), f64::from(memory.row_turned[t]));
        let beta = self.beta.unwrap_or(record.beta);
        let tried = (beta - record.beta).abs() > 1e-9;
        ui.label(Type::Title.text("A row of the batch, Eq. 10", theme.t1));
        let source = format!(r"K ← {} K + {} v", ticks::number(beta, 2), ticks::number(1.0 - beta, 2));
        formula(ui, &source, scale, theme);
        line(ui, "feature from row", degrees(apart));
        if tried {
            line(ui, "the row would turn", degrees(row_turns(apart, beta)));
            line(ui, "it turned", degrees(turned));
        } else {
            line(ui, "the row turned", degrees(turned));
        }
        let mut value = beta;
        let slider = Slider {
            name: "β of the memory",
            min: 0.0,
            max: 1.0,
            step: 0.01,
            logarithmic: false,
            tick: Some(0.2),
            ghost: tried.then_some(record.beta),
            color: if tried { theme.what_if } else { theme.t3 },
            width: ui.available_width(),
        };
        let response = slider.show(ui, &mut value);
        if response.changed() {
            cx.send(UiCommand::TryBeta(Some(value)));
        }
        response.on_hover_text(
            "β: the share of the old row that stays. The tick is the paper's value. Nothing is trained.",
        );
    }
}

fn formula(ui: &mut Ui, source: &str, scale: f32, theme: &Theme) {
    if let Ok(formula) = Formula::read(source) {
        formula.show(ui, scale * 14.0, theme.t1);
    }
}

fn line(ui: &mut Ui, name: &str, value: String) {
    let theme = Theme::of(ui.ctx());
    let height = Type::Small.font(ui).size + 6.0;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{name} {value}")));
    let painter = ui.painter_at(rect);
    painter.text(rect.left_center(), Align2::LEFT_CENTER, name, Type::Small.font(ui), theme.t2);
    painter.text(rect.right_center(), Align2::RIGHT_CENTER, value, Type::Small.font(ui), theme.t1);
}

/// How far the centroid turned in each iteration.
fn spark(ui: &mut Ui, memory: &MemoryRecord, k: usize, t: usize, theme: &Theme) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 34.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, "How far the centroid turned in each iteration"));
    let values: Vec<f32> = (0..memory.iters.len()).map(|t| memory.turned[memory.at(t, k)]).collect();
    let most = values.iter().copied().fold(1e-6, f32::max);
    let unit = rect.width() / values.len() as f32;
    for (i, value) in values.into_iter().enumerate() {
        let x = rect.left() + i as f32 * unit;
        let top = rect.bottom() - (value / most * (rect.height() - 4.0)).max(1.0);
        let bar = Rect::from_min_max(pos2(x, top), pos2(x + (unit - 1.0).max(1.0), rect.bottom()));
        ui.painter().rect_filled(bar, 0.0, if i == t { theme.accent } else { theme.bg4 });
    }
    response.on_hover_text("Degrees that the centroid turned, iteration by iteration.");
}
