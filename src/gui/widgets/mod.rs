//! Small painter widgets of the design; each asks the theme for its colours.

pub mod button;
pub mod chip;
pub mod combo;
pub mod filter_box;
pub mod formula;
pub mod hover_card;
pub mod icon;
pub mod images;
pub mod line;
pub mod photo;
pub mod run_menu;
pub mod slider;
pub mod source_batch;
pub mod stage;
pub mod table;
pub mod thumb;
pub mod tick;
pub mod tile;
