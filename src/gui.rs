//! The window: one frame around tiles, each a panel that reads the view model and sends commands.

pub mod command;
pub mod fonts;
pub mod panels;
pub mod plot;
pub mod theme;
pub mod view_model;
pub mod widgets;
