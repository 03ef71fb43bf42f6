//! The run strip: transport, state, stages with their times, what is left, device and memory.

use eframe::egui::{Align, Align2, Layout, Rect, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use crate::base::text::duration;
use crate::base::time as clock;
use crate::engine::event::{Phase, Stage, State};
use crate::gui::command::{COMMANDS, Commands, UiCommand};
use crate::gui::theme::{Theme, Type, size};
use crate::gui::view_model::{DeviceView, RunView, StageProgress, StageView};
use crate::gui::widgets::button::{ButtonLook, Push};
use crate::gui::widgets::chip::{PillMark, pill};
use crate::gui::widgets::icon::{self, Weight};
use crate::gui::widgets::stage::{Progress, stage};
use crate::gui::words::{self, is_active};

/// Shows the strip. `live` is the run the engine works on, `shown` the one on screen, `told` the one whose state is told:
/// while another run is prepared, that is what goes on.
pub fn ui(ui: &mut Ui, (live, shown, told): (&RunView, &RunView, &RunView), truth: bool, actions: &Commands) {
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        ui.add_space(size::TILE_MARGIN);
        device(ui, live);
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.add_space(8.0);
            ui.spacing_mut().item_spacing.x = 4.0;
            transport(ui, live, shown, actions);
            ui.add_space(8.0);
            state_pill(ui, told, truth);
            ui.add_space(12.0);
            ui.spacing_mut().item_spacing.x = 16.0;
            stages(ui, told);
        });
    });
}

fn transport(ui: &mut Ui, live: &RunView, shown: &RunView, actions: &Commands) {
    let mut keys = Keys { live, shown, actions };
    if UiCommand::Resume.refusal(live, shown).is_none() {
        keys.key(ui, "Resume", icon::PLAY, UiCommand::Resume);
        if UiCommand::Cure.refusal(live, shown).is_none() {
            keys.key(ui, "Way out", icon::BRANCH, UiCommand::Cure);
        }
        if !is_active(live) {
            keys.key(ui, "Start", icon::PLUS, UiCommand::NewRun);
        }
    } else {
        keys.start(ui);
    }
    keys.key(ui, "Pause", icon::PAUSE, UiCommand::Pause);
    let step = keys.key(ui, "Step", icon::SKIP, UiCommand::StepBatch);
    step.context_menu(|ui| keys.step_menu(ui));
    keys.key(ui, "Stop", icon::STOP, UiCommand::Stop);
}

struct Keys<'a> {
    live: &'a RunView,
    shown: &'a RunView,
    actions: &'a Commands,
}

impl Keys<'_> {
    fn key(&mut self, ui: &mut Ui, label: &str, glyph: &str, command: UiCommand) -> Response {
        let refused = command.refusal(self.live, self.shown);
        let look = match &command {
            UiCommand::Resume => ButtonLook::Primary,
            UiCommand::Pause if refused.is_none() => ButtonLook::Framed,
            _ => ButtonLook::Flat,
        };
        let button = Push::new(label).icon(glyph, Weight::Fill).look(look).enabled(refused.is_none());
        let response = ui.add(button).on_hover_text(refused.unwrap_or_else(|| help(&command)));
        if response.clicked() {
            self.actions.send(command);
        }
        response
    }

    /// Start is the next sensible act until a run goes on or is done.
    fn start(&mut self, ui: &mut Ui) {
        let refused = is_active(self.live).then_some("A run goes on; stop it first.");
        let look = match (refused, self.shown.state == State::Done) {
            (None, false) => ButtonLook::Primary,
            (None, true) => ButtonLook::Framed,
            _ => ButtonLook::Flat,
        };
        let button = Push::new("Start").icon(icon::PLAY, Weight::Fill).look(look).enabled(refused.is_none());
        let response = ui.add(button).on_hover_text(refused.unwrap_or_else(|| help(&UiCommand::NewRun)));
        if response.clicked() {
            self.actions.send(UiCommand::NewRun);
        }
    }

    fn step_menu(&mut self, ui: &mut Ui) {
        for (words, command) in [("One batch", UiCommand::StepBatch), ("To the end of the epoch", UiCommand::StepEpoch)]
        {
            if ui.button(words).on_hover_text(help(&command)).clicked() {
                self.actions.send(command);
            }
        }
    }
}

fn help(command: &UiCommand) -> &'static str {
    COMMANDS.iter().find(|e| e.command == *command).map_or("", |e| e.help)
}

fn state_pill(ui: &mut Ui, view: &RunView, truth: bool) {
    let theme = Theme::of(ui.ctx());
    let text = words::sentence(view, truth);
    let (mark, fill) = match &view.state {
        State::Idle => (PillMark::Dot(theme.t4), theme.bg2),
        State::Paused => (PillMark::Icon(icon::PAUSE, theme.t1), theme.bg3),
        State::Stopped => (PillMark::Icon(icon::STOP, theme.t2), theme.bg2),
        State::Done => (PillMark::Icon(icon::CHECK, theme.match_), theme.bg2),
        State::Failed(_) => (PillMark::Icon(icon::ERROR, theme.error), theme.failed_bg),
        _ => (PillMark::Dot(theme.accent), theme.accent_bg),
    };
    let response = pill(ui, mark, &text, theme.t1, fill);
    if let State::Failed(reason) = &view.state {
        response.on_hover_text(reason);
    } else if !view.weights.is_empty() {
        response.on_hover_text(format!("Initial weights: {}.", view.weights));
    }
}

const NAMES: [&str; 6] = ["Prepare", "Pre-train", "Extract", "Cluster", "Adapt", "Evaluate"];

fn stages(ui: &mut Ui, view: &RunView) {
    let Some(now) = view.stage else { return };
    // The source-only model is judged before the first epoch: nothing was extracted for it.
    let source_only = now == Stage::Evaluate && view.phase == Phase::Pretrain;
    let in_row = |s: &&StageView| match s.stage {
        Stage::Prepare | Stage::Pretrain => source_only || now <= Stage::Pretrain,
        Stage::Extract => !source_only,
        Stage::Cluster | Stage::Adapt => !source_only && now > Stage::Pretrain,
        Stage::Evaluate => now > Stage::Pretrain,
    };
    let list: Vec<&StageView> = view.stages.iter().filter(in_row).collect();
    let gap = ui.spacing().item_spacing.x;
    let room = ui.available_width() - 132.0;
    let unit = (room - gap * list.len() as f32) / (list.len() as f32 + 0.6);
    if unit >= 64.0 {
        for stage_view in list {
            let here = stage_view.stage == now;
            let width = if here { (unit * 1.6).min(166.0) } else { unit.min(116.0) };
            let (progress, time) = standing(view, stage_view);
            stage(ui, NAMES[stage_view.stage as usize], &time, progress, width);
        }
    }
    time_left(ui, view);
}

/// How far a stage is, and what to say of its time: what it took, has left, or will take.
fn standing(view: &RunView, stage: &StageView) -> (Progress, String) {
    let took = stage.seconds.map(duration).unwrap_or_default();
    match stage.progress {
        StageProgress::Done => (Progress::Done, took),
        // Behind the stage at work, and not timed.
        StageProgress::ToCome if Some(stage.stage) < view.stage => (Progress::Done, took),
        StageProgress::ToCome if took.is_empty() => (Progress::ToCome, took),
        StageProgress::ToCome => (Progress::ToCome, format!("about {took}")),
        StageProgress::Running => {
            let share = if stage.total > 0 { stage.done as f32 / stage.total as f32 } else { 0.0 };
            let time = match &view.state {
                State::Paused => "paused".to_owned(),
                State::Done | State::Stopped | State::Failed(_) => String::new(),
                _ => stage.left.map(|s| format!("{} left", duration(s))).unwrap_or_default(),
            };
            (Progress::Running(share), time)
        }
    }
}

fn time_left(ui: &mut Ui, view: &RunView) {
    let Some((left, whole)) = words::time_left(view).filter(|_| is_active(view)) else { return };
    let theme = Theme::of(ui.ctx());
    let what = if whole { "Run" } else { "Pre-training" };
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width().clamp(0.0, 190.0), 32.0), Sense::hover());
    let first = format!("{what} {} left", duration(left));
    let second = if view.state == State::Paused {
        "once resumed".to_owned()
    } else {
        format!("ends {}", clock::hm(clock::now() + left))
    };
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{first}, {second}")));
    let painter = ui.painter_at(rect);
    painter.text(rect.left_top() + vec2(0.0, 9.0), Align2::LEFT_CENTER, first, Type::Small.font(ui), theme.t2);
    painter.text(rect.left_top() + vec2(0.0, 23.0), Align2::LEFT_CENTER, second, Type::Small.font(ui), theme.t3);
}

fn device(ui: &mut Ui, view: &RunView) {
    let Some(DeviceView { name, used, total, load }) = &view.device else { return };
    let theme = Theme::of(ui.ctx());
    let load = [load.utilisation.map(|p| format!("{p} %")), load.temperature.map(|t| format!("{t} °C"))];
    let load: Vec<String> = load.into_iter().flatten().collect();
    let name_and_load: Vec<&str> = std::iter::once(name).chain(&load).map(String::as_str).collect();
    let name_and_load = name_and_load.join(" · ");
    let width = if load.is_empty() { 188.0 } else { 264.0 };
    let (rect, response) = ui.allocate_exact_size(vec2(width, 32.0), Sense::hover());
    let gb = |bytes: u64| bytes as f64 / f64::from(1u32 << 30);
    let memory = if *total > 0 { format!("{:.1} / {:.1} GB", gb(*used), gb(*total)) } else { String::new() };
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("Device {name_and_load}, {memory}")));
    let painter = ui.painter_at(rect);
    let glyph = if name.starts_with("cuda") { icon::GPU } else { icon::CPU };
    icon::paint(&painter, pos2(rect.left() + 8.0, rect.top() + 16.0), glyph, Weight::Regular, 16.0, theme.t3);
    let bar =
        Rect::from_min_max(pos2(rect.left() + 24.0, rect.bottom() - 8.0), pos2(rect.right(), rect.bottom() - 5.0));
    let y = rect.top() + 9.0;
    painter.text(pos2(bar.left(), y), Align2::LEFT_CENTER, name_and_load, Type::Small.font(ui), theme.t2);
    painter.text(pos2(bar.right(), y), Align2::RIGHT_CENTER, memory, Type::Small.font(ui), theme.t3);
    painter.rect_filled(bar, 1.5, theme.bg3);
    if *total > 0 {
        let share = (*used as f64 / *total as f64).min(1.0) as f32;
        let color = if share > 0.95 { theme.warn } else { theme.t3 };
        painter.rect_filled(Rect::from_min_size(bar.min, vec2(bar.width() * share, 3.0)), 1.5, color);
    }
    let what = if name.starts_with("cuda") { "Memory in use on the device" } else { "Memory in use by this program" };
    let more = if load.is_empty() { "" } else { "; how busy and how warm it is" };
    response.on_hover_text(format!("{name}. {what}{more}."));
}
