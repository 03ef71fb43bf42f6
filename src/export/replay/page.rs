//! The page itself.

use maud::{Markup, PreEscaped, html};

use super::Content;
use crate::export::html::document;
use crate::export::report::picture;
use crate::export::ticks;

const CSS: &str = concat!(include_str!("../report/report.css"), include_str!("replay.css"));
/// The clusters of a radius, without a page.
const CUT: &str = include_str!("cut.js");
const SCRIPT: &str = include_str!("replay.js");
const CURVES: &str = include_str!("../report/report.js");

pub(super) fn page(c: &Content) -> Markup {
    let title = format!("{} → {}", c.reader.manifest.source, c.reader.manifest.target);
    let body = html! {
        main.replay {
            (head(c, &title))
            (player())
            div.stage { (map()) (side()) }
            @for figure in &c.figures { (picture(figure)) }
            footer { p {
                "Written by reid-workbench " (env!("CARGO_PKG_VERSION")) ". Everything on this page is in this file: it \
                 asks the network for nothing."
            } }
        }
        @if let Some(photos) = &c.photos { img #photos hidden src=(photos) alt=""; }
        script #data type="application/octet-stream" { (PreEscaped(&c.data)) }
        script { (PreEscaped(CUT)) (PreEscaped(SCRIPT)) (PreEscaped(CURVES)) }
    };
    document(&format!("{title} – replay"), CSS, &body)
}

fn head(c: &Content, title: &str) -> Markup {
    html! {
        header {
            h1 { (title) }
            @if c.view.by_hand || c.reader.manifest.by_hand {
                p.scope { "Labels touched by hand: this run is not unsupervised." }
            }
            p.scope {
                "A recorded run, seed " (c.reader.manifest.seed) ". Move through its epochs, and try other radii: the clusters are formed anew as you drag."
                @if c.left_out > 0 { " " (ticks::counted(c.left_out, "epoch is", "epochs are")) " left out." }
                @if c.photos.is_none() { " Photos are left out; " code { "--photos" } " puts them in." }
            }
        }
    }
}

fn player() -> Markup {
    html! {
        div.player {
            button #play type="button" aria-label="Play the epochs" { "▶" }
            label for="epoch" { "epoch " output #epoch-shown {} }
            input #epoch type="range" min="0" max="0" step="1" value="0";
        }
    }
}

fn map() -> Markup {
    html! {
        div.map {
            canvas #map tabindex="0" role="img" aria-label="Map of the target's images" {}
            div #card hidden {}
            p.scope { output #layout {} }
            p.colours {
                label { input type="radio" name="colour" value="cluster" checked; " by cluster" }
                label { input type="radio" name="colour" value="kept"; " by reliability" }
            }
        }
    }
}

fn side() -> Markup {
    html! {
        div.side {
            p #counts aria-live="polite" {}
            p #instead.tried aria-live="polite" {}
            (slider("eps", "eps"))
            (slider("delta", "Δd"))
            (slider("alpha", "threshold"))
            button #reset type="button" { "Back to the run" }
            p.scope #why {}
            canvas #scores role="img" aria-label="Clusters by their score" {}
            p.scope { "clusters by independence score (Eq. 8): how much of a cluster stays the same at eps − Δd and eps + Δd" }
        }
    }
}

fn slider(id: &str, name: &str) -> Markup {
    html! {
        div.slider {
            label for=(id) { (name) }
            input id=(id) type="range" min="0" max="1" step="0.001" value="0";
            output id=(format!("{id}-shown")) {}
        }
    }
}
