//! What stands in a panel that has nothing to show: drawn by the frame, once for all panels.

use std::borrow::Cow;

use eframe::egui::{Rect, Ui};

use crate::gui::command::{Commands, UiCommand};
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
    /// Whether the panel has drawn its title row: it has tools that lead out of it.
    headed: bool,
}

impl Absence {
    /// Nothing is there: what, and when it comes.
    pub fn nothing(
        glyph: &'static str,
        title: impl Into<Cow<'static, str>>,
        text: impl Into<Cow<'static, str>>,
    ) -> Self {
        let blank = Blank { glyph, title: title.into(), text: text.into(), button: None, headed: false };
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

    /// Below a title row that is there already.
    pub fn headed(mut self) -> Self {
        if let Self::Nothing(blank) = &mut self {
            blank.headed = true;
        }
        self
    }

    /// Draws it; `head` is the room beside the tabs.
    pub fn show(&self, ui: &mut Ui, head: Rect, actions: &Commands) {
        match self {
            Self::Loading(words) => tile::head(ui, head, words, |_| {}),
            Self::Nothing(blank) => {
                let Blank { glyph, title, text, button, headed } = &**blank;
                if !headed {
                    tile::head(ui, head, "", |_| {});
                }
                let label = button.as_ref().map(|(label, _)| *label);
                let clicked = tile::empty_state(ui, glyph, title, text, label).is_some_and(|r| r.clicked());
                if let (true, Some((_, command))) = (clicked, button) {
                    actions.send(command.clone());
                }
            }
        }
    }
}
