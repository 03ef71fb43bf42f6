//! The page itself.

use maud::{Markup, PreEscaped, html};

use super::{Content, DrawnFigure};
use crate::export::html::document;
use crate::export::repeat::{change_words, command, differences};
use crate::export::{paper, ticks};
use crate::method::params::table;
use crate::run::event::{Severity, State};

const CSS: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

pub(super) fn page(c: &Content) -> Markup {
    let title = format!("{} → {}", c.reader.manifest.source, c.reader.manifest.target);
    let body = html! {
        main {
            (head(c, &title))
            @for figure in &c.figures { (picture(figure)) }
            (epochs(c))
            (ranks(c))
            (differs(c))
            (changes(c))
            (again(c))
            (environment(c))
            (all_parameters(c))
            footer {
                p {
                    "Method: Hui et al., Unsupervised cross-domain person re-identification by attention blocks and \
                     refined clustering, IEEE Access 10, 2022, doi 10.1109/ACCESS.2022.3209239. Written by \
                     reid-workbench " (env!("CARGO_PKG_VERSION")) "."
                }
            }
        }
        script { (PreEscaped(SCRIPT)) }
    };
    document(&format!("{title} – reid-workbench"), CSS, &body)
}

fn head(c: &Content, title: &str) -> Markup {
    let target = &c.view.target_retrieval;
    let first = target.get(&0);
    let last = target.last_key_value();
    let percent = |x: f64| ticks::number(100.0 * x, 1);
    html! {
        header {
            h1 { (title) }
            @if c.view.by_hand || c.reader.manifest.by_hand {
                p.scope { "Labels touched by hand: this run is not unsupervised." }
            }
            p.scope { "seed " (c.reader.manifest.seed) ", " (c.reader.manifest.device) ", begun " (c.reader.manifest.started) ", " (state(&c.view.state)) }
            div.numbers {
                @if let Some((epoch, r)) = last {
                    (number("mAP", &percent(r.mAP), &first.filter(|_| *epoch > 0).map_or_else(String::new, |f| format!("source only {}", percent(f.mAP)))))
                    (number("rank-1", &percent(r.cmc[0]), &first.filter(|_| *epoch > 0).map_or_else(String::new, |f| format!("source only {}", percent(f.cmc[0])))))
                    (number("epochs", &epoch.to_string(), ""))
                }
                @if let Some((_, clusters)) = c.view.newest_clusters() {
                    (number("clusters", &ticks::count(clusters.summary.clusters[0]), &format!("{} reliable", ticks::count(clusters.summary.reliable))))
                    (number("outliers", &ticks::count(clusters.summary.noise[0]), &format!("of {} images", ticks::count(clusters.summary.images))))
                }
            }
        }
    }
}

fn number(name: &str, value: &str, more: &str) -> Markup {
    html! { div { span.name { (name) } span.value { (value) } span.more { (more) } } }
}

fn state(state: &State) -> String {
    match state {
        State::Done => "done".to_owned(),
        State::Stopped => "stopped".to_owned(),
        State::Failed(reason) => format!("failed: {reason}"),
        _ => "not ended".to_owned(),
    }
}

pub(in crate::export) fn picture(figure: &DrawnFigure) -> Markup {
    html! {
        figure id=(figure.name) {
            (PreEscaped(&figure.svg))
            @if !figure.readable.is_empty() {
                // Within a script element only its own end could end it.
                script type="application/json" { (PreEscaped(figure.readable.replace('<', "\\u003c"))) }
                output { "Point at a curve to read its values." }
            }
        }
    }
}

fn epochs(c: &Content) -> Markup {
    let table = paper::epochs(&c.view);
    html! {
        section {
            h2 { "Epochs" }
            p { "Retrieval in percent on the target's test set; it and purity use the target's labels, which training never sees." }
            div.wide { table {
                thead { tr { @for name in &table.head { th { (name) } } } }
                tbody { @for row in &table.rows { tr { @for cell in row { td { (cell) } } } } }
            } }
        }
    }
}

fn ranks(c: &Content) -> Markup {
    let Some(epoch) = c.ranked else { return html! {} };
    html! {
        section {
            h2 { "Rank lists after " (ticks::counted(epoch, "epoch", "epochs")) }
            p { (ticks::counted(c.ranks.len(), "query", "queries")) ", evenly from the worst to the best by average precision; ground truth." }
            @if let Some(sheet) = &c.sheet {
                img alt="Rank lists with photos" src=(sheet);
            } @else {
                p { "Photos are left out; " code { "--photos" } " shows them. The numbers are rows of the gallery." }
                div.wide { table.ranks {
                    thead { tr { th { "query" } th { "AP" } th { "first match at" } th colspan="10" { "nearest gallery images" } } }
                    tbody { @for row in &c.ranks { tr {
                        td { (row.query) }
                        td { (ticks::number(100.0 * row.ap, 1)) }
                        td { (row.first.map_or_else(|| "–".to_owned(), |r| r.to_string())) }
                        @for (gallery, verdict) in &row.hits {
                            @let [r, g, b] = verdict.color();
                            td style=(format!("border-bottom:3px solid rgb({r},{g},{b})")) { (gallery) br; small { (verdict.word()) } }
                        }
                    } } }
                } }
            }
        }
    }
}

fn differs(c: &Content) -> Markup {
    let differs = differences(&c.reader.params);
    html! {
        section {
            h2 { "What differs from the paper" }
            @if differs.is_empty() { p { "Nothing." } } @else {
                div.wide { table {
                    thead { tr { th { "parameter" } th { "here" } th { "paper" } th { "source" } } }
                    tbody { @for d in &differs { tr {
                        td { code { (d.key) } } td { (d.value) } td { (d.paper) } td { (d.source) }
                    } } }
                } }
            }
        }
    }
}

fn changes(c: &Content) -> Markup {
    let serious: Vec<_> = c.view.notices.iter().filter(|n| n.severity != Severity::Info).collect();
    html! {
        @if !c.view.changes.is_empty() {
            section {
                h2 { "Changed while it ran" }
                ul { @for change in &c.view.changes { li { (change_words(change)) } } }
            }
        }
        @if !serious.is_empty() {
            section {
                h2 { "Warnings" }
                ul { @for n in serious { li { b { (n.title) } " " (n.text) } } }
            }
        }
    }
}

fn again(c: &Content) -> Markup {
    html! {
        section {
            h2 { "How to repeat it" }
            pre { (command(&c.reader.manifest, &c.reader.params)) }
            p {
                "The same seed on a processor with the same number of threads gives the same run to the last bit; a GPU adds \
                 numbers in no fixed order."
                @if !c.view.changes.is_empty() { " The changes above were made by hand on the way." }
                @if let Some(parent) = &c.reader.manifest.parent {
                    " The run was forked from " code { (parent.run.display()) } " after " (parent.epoch) " epochs."
                }
            }
        }
    }
}

fn environment(c: &Content) -> Markup {
    let m = &c.reader.manifest;
    let rows = [
        ("program", format!("reid-workbench {}", m.crate_version)),
        ("source", m.source_given.clone().unwrap_or_else(|| m.source.clone())),
        ("target", m.target_given.clone().unwrap_or_else(|| m.target.clone())),
        ("device", m.device.clone()),
        ("initial weights", c.view.weights.clone()),
        ("seed", m.seed.to_string()),
        ("begun", m.started.clone()),
        ("worked for", ticks::duration(c.view.t)),
    ];
    html! {
        section {
            h2 { "Environment" }
            table { tbody { @for (name, value) in rows { tr { td { (name) } td { (value) } } } } }
        }
    }
}

fn all_parameters(c: &Content) -> Markup {
    html! {
        details {
            summary { "All parameters at the start" }
            div.wide { table {
                thead { tr { th { "parameter" } th { "value" } th { "what it does" } } }
                tbody { @for row in table::ROWS { tr {
                    td { code { (row.key) } } td { ((row.get)(&c.reader.params)) } td { (row.help) }
                } } }
            } }
        }
    }
}
