//! Runs on another machine: which machine, which folder, and what lies there; or a new run there.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use eframe::egui::{self, Popup, ScrollArea, Ui};

use super::{default_button, field, foot, notice, text_box};
use crate::gui::app::wake_by_line;
use crate::gui::command::{Commands, UiCommand};
use crate::gui::job::Job;
use crate::gui::theme::{Theme, Type};
use crate::gui::widgets::button::{ButtonLook, Push, icon_button};
use crate::gui::widgets::{combo, icon};
use crate::remote::line::Line;
use crate::remote::protocol::{Offer, RemoteRow, StartOrder};
use crate::remote::{Address, hosts, pool};
use crate::run::summary::Outcome;

/// How long a run that was started there may take to begin before the dialog no longer waits for it.
const BEGINS: Duration = Duration::from_secs(60);
/// How often it is asked whether it has begun.
const ASK_EVERY: Duration = Duration::from_millis(300);

/// A machine that was reached, its runs, and what one can be started with.
struct There {
    line: Arc<Line>,
    rows: Vec<RemoteRow>,
    offer: Offer,
}

/// What became of a run that was started there.
enum Begun {
    /// It can be looked at.
    Now(String),
    /// It waits for another.
    Later(String),
}

/// The part of the dialog that is about other machines.
#[derive(Default)]
pub struct Elsewhere {
    host: String,
    dir: String,
    hosts: Job<Vec<String>>,
    known: Option<Vec<String>>,
    reaching: Job<Result<There, String>>,
    there: Option<There>,
    wrong: Option<String>,
    told: Option<String>,
    /// What a new run there is started with, while that is asked for.
    order: Option<StartOrder>,
    starting: Job<Result<Begun, String>>,
    /// What the run that is being started there said last: how far its preparation is.
    said: Arc<Mutex<String>>,
}

impl Elsewhere {
    /// On the machine that was reached last.
    pub fn begin(machines: &[String]) -> Self {
        let mut new = Self { dir: "~/runs".to_owned(), ..Self::default() };
        if let Some(address) = machines.first().and_then(|text| text.parse().ok()) {
            new.take(&address);
        }
        new
    }

    fn take(&mut self, address: &Address) {
        let port = address.port.map(|port| format!(":{port}")).unwrap_or_default();
        self.host = format!("{}{port}", address.host);
        self.dir.clone_from(&address.path);
    }

    /// What is typed, as an address.
    fn address(&self) -> Result<Address, String> {
        format!("ssh://{}/{}", self.host.trim(), self.dir.trim().trim_start_matches('/')).parse()
    }

    /// Shows it; true when the dialog is done. `machines` are those that were reached before.
    pub fn ui(&mut self, ui: &mut Ui, machines: &[String], actions: &Commands) -> bool {
        self.poll(ui.ctx());
        self.place(ui, machines);
        let mut gone = self.begun(ui.ctx(), actions);
        if self.order.is_some() {
            self.new_run(ui);
        } else {
            gone |= self.list(ui, actions);
        }
        let busy = match (self.reaching.busy(), self.starting.busy()) {
            (true, _) => Some("Reaching it: ssh asks for a passphrase, if it needs one, where the window was started."),
            (_, true) => Some("Starting it there; sets that are drawn there for the first time take a while."),
            _ => None,
        };
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let going = format!("Starting it there: {said}.");
        let busy = busy.map(|words| if self.starting.busy() && !said.is_empty() { going.as_str() } else { words });
        let missing = self.host.trim().is_empty().then_some("Name a machine as ssh knows it, and its folder of runs.");
        notice(ui, self.wrong.as_deref(), busy.or(missing).or(self.told.as_deref()));
        foot(ui, |ui| {
            let free = busy.is_none() && missing.is_none();
            if let Some(order) = self.order.clone() {
                let ready = free && !order.source.trim().is_empty() && !order.target.trim().is_empty();
                let tip = "Trains on that machine, whether or not this window stays.";
                if default_button(ui, "Start there", Some(icon::PLAY), ready, tip) {
                    self.start(ui.ctx(), order);
                }
                if ui.add(Push::new("Back").look(ButtonLook::Flat)).on_hover_text("To the runs there.").clicked() {
                    self.order = None;
                }
                return;
            }
            if default_button(ui, "Connect", None, free, "Lists the runs in that folder.") {
                self.connect(ui.ctx());
            }
            if let Some(there) = &self.there
                && ui.add(Push::new("New run there…").enabled(free)).on_hover_text("Trains on that machine.").clicked()
            {
                self.order = Some(first_order(&there.offer));
            }
            gone |= ui.add(Push::new("Cancel").look(ButtonLook::Flat)).on_hover_text("Opens nothing.").clicked();
        });
        gone
    }

    fn poll(&mut self, ctx: &egui::Context) {
        if self.known.is_none() && !self.hosts.busy() {
            self.hosts.start("machines", ctx, hosts::configured);
            self.known = Some(Vec::new());
        }
        if let Some(found) = self.hosts.poll() {
            self.known = Some(found);
        }
        match self.reaching.poll() {
            Some(Ok(there)) => (self.there, self.wrong) = (Some(there), None),
            Some(Err(why)) => (self.there, self.wrong) = (None, Some(why)),
            None => {}
        }
        if let Some(why) = self.reaching.take_failure() {
            self.wrong = Some(why);
        }
    }

    fn place(&mut self, ui: &mut Ui, machines: &[String]) {
        let mut chosen = None;
        field(ui, "machine", |ui| {
            let response = text_box(ui, "Machine", &mut self.host, "user@host", 240.0);
            response.on_hover_text(
                "A name of ~/.ssh/config, or USER@HOST:PORT. Only ssh is used; nothing is installed there.",
            );
            let list = icon_button(ui, icon::CARET_DOWN, "Machines known");
            Popup::menu(&list).show(|ui| {
                for machine in machines {
                    if ui.button(machine.trim_start_matches("ssh://")).clicked() {
                        chosen = Some(machine.clone());
                    }
                }
                for host in self.known.iter().flatten() {
                    if ui.button(host).on_hover_text("From ~/.ssh/config.").clicked() {
                        self.host.clone_from(host);
                    }
                }
                if machines.is_empty() && self.known.as_ref().is_none_or(Vec::is_empty) {
                    ui.label("~/.ssh/config names none.");
                }
            });
        });
        if let Some(address) = chosen.and_then(|text| text.parse().ok()) {
            self.take(&address);
        }
        field(ui, "folder there", |ui| {
            let width = ui.available_width();
            let response = text_box(ui, "Folder of runs there", &mut self.dir, "~/runs", width);
            response.on_hover_text("The folder in which the runs lie on that machine.");
        });
    }

    fn connect(&mut self, ctx: &egui::Context) {
        (self.there, self.wrong, self.told) = (None, None, None);
        match self.address() {
            Err(why) => self.wrong = Some(why),
            Ok(address) => {
                let wake = wake_by_line(ctx);
                self.reaching.start("line", ctx, move || {
                    let line = pool::line(&address, &wake).map_err(|e| e.to_string())?;
                    let rows = pool::list(&line).map_err(|e| e.to_string())?;
                    let offer = pool::offer(&line).map_err(|e| e.to_string())?;
                    Ok(There { line, rows, offer })
                });
            }
        }
    }

    /// The runs there; true when one was chosen.
    fn list(&mut self, ui: &mut Ui, actions: &Commands) -> bool {
        let Some(there) = &self.there else { return false };
        let theme = Theme::of(ui.ctx());
        let mut chosen = None;
        ui.add_space(4.0);
        if there.rows.is_empty() {
            ui.label(Type::Body.text("There is no run in that folder yet.", theme.t2));
        }
        ScrollArea::vertical().id_salt("runs there").max_height(260.0).auto_shrink([false, true]).show(ui, |ui| {
            for row in &there.rows {
                crate::gui::fonts::want(ui.ctx(), &row.title);
                let words = format!("{}  ·  {}", row.title, state(row));
                let response = ui.selectable_label(false, Type::Body.text(words, theme.t1));
                if response.on_hover_text(&row.run).clicked() {
                    chosen = Some(there.line.address().join(&row.run));
                }
            }
        });
        let Some(address) = chosen else { return false };
        actions.send(UiCommand::OpenRun(PathBuf::from(address.to_string())));
        true
    }

    fn new_run(&mut self, ui: &mut Ui) {
        let (Some(order), Some(there)) = (&mut self.order, &self.there) else { return };
        ui.add_space(4.0);
        for (label, name, text) in
            [("source", "Source there", &mut order.source), ("target", "Target there", &mut order.target)]
        {
            field(ui, label, |ui| {
                let response = text_box(ui, name, text, "name or folder there", 240.0);
                response.on_hover_text("A dataset that is registered on that machine, or a folder there.");
                let list = icon_button(ui, icon::CARET_DOWN, &format!("{name}, from the list"));
                Popup::menu(&list).show(|ui| {
                    for dataset in &there.offer.datasets {
                        if ui.button(dataset).clicked() {
                            text.clone_from(dataset);
                        }
                    }
                });
            });
        }
        for (label, name, text, values) in [
            ("preset", "Preset there", &mut order.preset, &there.offer.presets),
            ("device", "Device there", &mut order.device, &there.offer.devices),
        ] {
            field(ui, label, |ui| {
                let list = combo::dressed(name, text, 160.0);
                let response = list.show_ui(ui, |ui| {
                    for value in values {
                        ui.selectable_value(text, value.clone(), value);
                    }
                });
                response.response.accessible_name(name).on_hover_text(format!("On {}.", there.offer.host));
            });
        }
    }

    fn start(&mut self, ctx: &egui::Context, order: StartOrder) {
        let Some(line) = self.there.as_ref().map(|there| Arc::clone(&there.line)) else { return };
        (self.wrong, self.told) = (None, None);
        let (said, wake) = (Arc::clone(&self.said), wake_by_line(ctx));
        said.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.starting.start("start", ctx, move || {
            let words = |e: crate::remote::line::LineError| e.to_string();
            let (run, queued) = pool::start(&line, &order).map_err(words)?;
            if queued {
                return Ok(Begun::Later(run));
            }
            let (begun, look) = (Instant::now(), crossbeam_channel::tick(ASK_EVERY));
            loop {
                let fate = pool::fate(&line, &run).map_err(words)?;
                match (fate.begun, fate.alive) {
                    (true, _) => return Ok(Begun::Now(run)),
                    (false, false) => return Err(format!("{}: {}", line.address().host, fate.said)),
                    (false, true) if begun.elapsed() > BEGINS => return Ok(Begun::Later(run)),
                    (false, true) => {
                        *said.lock().unwrap_or_else(PoisonError::into_inner) = fate.said;
                        wake();
                        let _ = look.recv();
                    }
                }
            }
        });
    }

    /// Takes in what became of a run that was started; true when the dialog is done.
    fn begun(&mut self, _ctx: &egui::Context, actions: &Commands) -> bool {
        let answer = self.starting.poll();
        if let Some(why) = self.starting.take_failure() {
            self.wrong = Some(why);
        }
        match answer {
            None => {}
            Some(Err(why)) => self.wrong = Some(why),
            Some(Ok(Begun::Later(run))) => {
                self.order = None;
                self.told = Some(format!("{run} waits there for its turn and is listed here once it has begun."));
            }
            Some(Ok(Begun::Now(run))) => {
                if let Some(there) = &self.there {
                    let address = there.line.address().join(&run);
                    actions.send(UiCommand::OpenRun(PathBuf::from(address.to_string())));
                    return true;
                }
            }
        }
        false
    }
}

/// The demo pair where it is there, on the best device.
fn first_order(offer: &Offer) -> StartOrder {
    let known = |name: &str| offer.datasets.iter().find(|d| *d == name).cloned().unwrap_or_default();
    StartOrder {
        source: known("synthetic-plaza"),
        target: known("synthetic-station"),
        preset: offer.presets.iter().find(|p| *p == "demo").cloned().unwrap_or_default(),
        device: offer.devices.first().cloned().unwrap_or_default(),
        ..StartOrder::default()
    }
}

/// How a run of the list stands.
fn state(row: &RemoteRow) -> String {
    let epochs = match row.planned {
        0 => format!("{} epochs", row.epochs),
        planned => format!("{} of {planned} epochs", row.epochs),
    };
    match (&row.trainer, row.outcome) {
        (Some(trainer), _) => format!("live on {}, {epochs}", trainer.host),
        (None, Outcome::Done | Outcome::Live) => epochs,
        (None, Outcome::Stopped) => format!("stopped, {epochs}"),
        (None, Outcome::Failed) => format!("failed, {epochs}"),
    }
}
