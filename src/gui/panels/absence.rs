//! What stands in a panel that has nothing to show: drawn by the frame, once for all panels.

use std::borrow::Cow;

use eframe::egui::Ui;

use super::PanelCtx;
use crate::gui::command::UiCommand;
use crate::gui::widgets::{icon, tile};

/// Whether a panel has shown its contents, or what stands in their place.
pub type PanelDrawn = Result<(), Absence>;

/// Why a panel shows nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum Absence {
    /// There is nothing yet, or nothing is chosen.
    Nothing(Box<Blank>),
    /// It is being read or computed; what, in a few words: `reading…`.
    Loading(&'static str),
}

/// An empty panel in words.
#[derive(Clone, Debug, PartialEq)]
pub struct Blank {
    glyph: &'static str,
    title: Cow<'static, str>,
    text: Cow<'static, str>,
    /// The one button that fills it.
    button: Option<(&'static str, UiCommand)>,
}

impl Absence {
    /// Nothing is there: what, and when it comes.
    pub fn nothing(
        glyph: &'static str,
        title: impl Into<Cow<'static, str>>,
        text: impl Into<Cow<'static, str>>,
    ) -> Self {
        let blank = Blank { glyph, title: title.into(), text: text.into(), button: None };
        Self::Nothing(Box::new(blank))
    }

    /// It cannot be read, and why.
    pub fn failed(title: impl Into<Cow<'static, str>>, why: impl Into<Cow<'static, str>>) -> Self {
        Self::nothing(icon::WARNING, title, why)
    }

    /// What only the target's labels tell, while they are switched off.
    pub fn hidden(text: &'static str) -> Self {
        Self::nothing(icon::EYE, "Ground truth is hidden", text).with("Show ground truth", UiCommand::ToggleTruth)
    }

    /// With the one button that fills it.
    pub fn with(mut self, label: &'static str, command: UiCommand) -> Self {
        if let Self::Nothing(blank) = &mut self {
            blank.button = Some((label, command));
        }
        self
    }

    /// Draws it, with a title row where the panel has drawn none.
    pub fn show(&self, ui: &mut Ui, cx: &PanelCtx<'_>) {
        let scope = if let Self::Loading(words) = self { words } else { "" };
        if cx.head.asked().is_none() {
            cx.title(scope).plain(ui);
        }
        if let Self::Nothing(blank) = self {
            let Blank { glyph, title, text, button } = &**blank;
            let label = button.as_ref().map(|(label, _)| *label);
            let clicked = tile::empty_state(ui, glyph, title, text, label).is_some_and(|r| r.clicked());
            if let (true, Some((_, command))) = (clicked, button) {
                cx.send(command.clone());
            }
        }
    }
}
