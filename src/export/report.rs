//! A run as one HTML file that needs no network: what it is, what it found, what differs from the paper, how to
//! repeat it. Photos of people stand in it only where the user asks for them.

mod page;

pub(super) use page::picture;

use std::path::Path;

use super::chart::Figure;
use super::html::jpeg_address;
use super::rank_sheet::{self, Photos, RankRow};
use super::{ExportError, draw, figures, style, write};
use crate::run::{RunReader, RunView};

/// Queries in the report.
const QUERIES: usize = 10;
/// Hits of each.
const TOP: usize = 10;

/// What the page shows.
struct Content {
    reader: RunReader,
    view: RunView,
    figures: Vec<DrawnFigure>,
    /// Epochs done when the rank lists were made.
    ranked: Option<usize>,
    ranks: Vec<RankRow>,
    /// The rank lists with photos, a data address.
    sheet: Option<String>,
}

/// A figure as the page holds it.
pub(super) struct DrawnFigure {
    name: &'static str,
    svg: String,
    /// What a pointer over the figure can read, as JSON; empty where there are no curves.
    readable: String,
}

/// Writes the report of a run into the file `out`.
///
/// # Errors
/// When the run cannot be read, has computed nothing yet, or the file cannot be written.
pub fn report(run: &Path, out: &Path, photos: Photos) -> Result<(), ExportError> {
    let reader = RunReader::open(run)?;
    let view = RunView::of_folder(&reader);
    let figures = figures::all(&reader, &view).iter().map(drawn).collect::<Result<Vec<_>, _>>()?;
    if figures.is_empty() {
        return Err(ExportError::Empty { path: run.to_owned() });
    }
    let (mut ranked, mut ranks, mut sheet) = (None, Vec::new(), None);
    for &epoch in view.target_retrieval.keys().rev() {
        ranks = rank_sheet::rows(run, epoch, QUERIES, TOP)?;
        if !ranks.is_empty() {
            ranked = Some(epoch);
            if photos == Photos::Shown {
                let drawn = rank_sheet::of(&reader, epoch, QUERIES, photos)?;
                sheet = drawn.as_ref().map(rank_sheet::jpeg).transpose()?.map(|bytes| jpeg_address(&bytes));
            }
            break;
        }
    }
    let page = page::page(&Content { reader, view, figures, ranked, ranks, sheet });
    write(out, page.into_string().as_bytes())
}

pub(super) fn drawn(figure: &Figure) -> Result<DrawnFigure, ExportError> {
    let failed = |reason: String| ExportError::Draw { figure: figure.name.to_owned(), reason };
    style::install_fonts().map_err(failed)?;
    let failed = |reason: String| ExportError::Draw { figure: figure.name.to_owned(), reason };
    let svg = draw::svg(figure).map_err(failed)?;
    // Within a page an SVG element needs no namespace, which would be the only address in the file.
    let svg = svg.replacen(" xmlns=\"http://www.w3.org/2000/svg\"", "", 1);
    Ok(DrawnFigure { name: figure.name, svg, readable: readable(figure) })
}

/// The curves of each chart with their places, for the script of the page.
fn readable(figure: &Figure) -> String {
    let charts: Vec<serde_json::Value> = figure
        .charts
        .iter()
        .zip(draw::places(figure))
        .map(|(chart, place)| {
            let named = chart.curves.iter().filter(|c| !c.name.is_empty() && !c.dashed);
            let curves: Vec<_> = named
                .map(|c| {
                    let points: Vec<_> = c.points.iter().filter(|p| p.1.is_finite()).map(|p| [p.0, p.1]).collect();
                    serde_json::json!({ "name": c.name, "points": points })
                })
                .collect();
            serde_json::json!({ "place": place, "x": chart.x, "caption": chart.caption, "curves": curves })
        })
        .collect();
    if figure.charts.iter().all(|c| c.curves.is_empty()) {
        return String::new();
    }
    serde_json::Value::from(charts).to_string()
}
