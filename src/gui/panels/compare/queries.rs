//! The rank lists of two runs side by side, by query gained and lost.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use eframe::egui::{Align2, Color32, Rect, Sense, Ui, pos2, vec2};

use crate::gui::panels::{PanelCtx, Pick};
use crate::gui::plot::{ticks, type_scale};
use crate::gui::theme::{Theme, Type, size};
use crate::gui::widgets::images::Tone;
use crate::gui::widgets::photo;
use crate::gui::widgets::table::{TableColumn, TableWidget, sorted_by};
use crate::gui::widgets::{button, icon};
use crate::run::event::{ImageRef, Split};
use crate::run::images::Images;
use crate::run::snapshot::RankSnapshot;
use crate::study::hits::{Hit, HitList, HitVerdict};
use crate::study::outline::Outline;

/// A photo of a rank list, in points.
const CELL: [f32; 2] = size::THUMBS[3];

/// The rank lists of a run and of the baseline, over the same queries and gallery.
pub struct ComparedLists {
    dir: PathBuf,
    base: PathBuf,
    ranks: [Arc<RankSnapshot>; 2],
    images: Arc<Images>,
    /// Query, identity, AP in the run and in the baseline.
    rows: Vec<(u32, i32, [f64; 2])>,
}

/// What is shown of them; not kept between sessions.
pub struct ComparedState {
    run: usize,
    sort: (usize, bool),
}

impl Default for ComparedState {
    fn default() -> Self {
        Self { run: 0, sort: (4, true) }
    }
}

/// Reads the rank lists at each run's last evaluation; runs that were not tested on the baseline's images are left out,
/// for the comparison says so.
pub fn read(runs: &[Outline], baseline: usize) -> Vec<ComparedLists> {
    let of = |run: &Outline| {
        let (epoch, _) = run.last()?;
        Some((Arc::new(RankSnapshot::read(&run.dir, epoch).ok()?), Arc::new(Images::read(&run.dir).ok()?)))
    };
    let Some((base, (before, images))) = runs.get(baseline).and_then(|run| Some((run, of(run)?))) else {
        return Vec::new();
    };
    let lists = |run: &Outline| {
        let (now, own) = of(run)?;
        let same = |split: Split| {
            let (a, b) = (own.split(split), images.split(split));
            a.len() == b.len()
                && a.iter().zip(b).all(|(a, b)| a.pid == b.pid && a.path.file_name() == b.path.file_name())
        };
        let queries = images.split(Split::Query);
        if !same(Split::Query)
            || !same(Split::Gallery)
            || now.ap.len() != queries.len()
            || before.ap.len() != now.ap.len()
        {
            return None;
        }
        let pairs = now.ap.iter().zip(&before.ap).map(|(now, before)| [*now, *before]);
        let rows = queries.iter().zip(pairs).enumerate().map(|(at, (row, pair))| (at as u32, row.pid, pair));
        let rows = rows.filter(|(_, _, pair)| pair.iter().all(|ap| ap.is_finite())).collect();
        let ranks = [now, Arc::clone(&before)];
        Some(ComparedLists { dir: run.dir.clone(), base: base.dir.clone(), ranks, images: Arc::clone(&images), rows })
    };
    runs.iter().enumerate().filter(|(at, _)| *at != baseline).filter_map(|(_, run)| lists(run)).collect()
}

/// Shows them.
pub fn ui(
    ui: &mut Ui,
    cx: &PanelCtx<'_>,
    all: &[ComparedLists],
    state: &mut ComparedState,
    names: &dyn Fn(&Path) -> String,
) {
    let theme = Theme::of(ui.ctx());
    if all.is_empty() {
        ui.label(Type::Body.text("No two of these runs were tested on the same images.", theme.t2));
        return;
    }
    if all.len() > 1 {
        let called: Vec<String> = all.iter().map(|lists| names(&lists.dir)).collect();
        let options: Vec<(usize, &str)> = called.iter().map(String::as_str).enumerate().collect();
        ui.horizontal_wrapped(|ui| button::segment(ui, &options, &mut state.run));
        ui.add_space(4.0);
    }
    let lists = &all[state.run.min(all.len() - 1)];
    let columns = [
        TableColumn::number("query", "Row of the query split."),
        TableColumn::number("identity", "Who it is. Ground truth."),
        TableColumn::number("AP", "Average precision in this run, percent."),
        TableColumn::number(format!("AP {}", icon::STAR), "Average precision in the baseline, percent."),
        TableColumn::number("Δ", "Gained or lost against the baseline, in points."),
    ];
    let mut rows = lists.rows.clone();
    let key = |(query, pid, [now, before]): &(u32, i32, [f64; 2])| match state.sort.0 {
        0 => f64::from(*query),
        1 => f64::from(*pid),
        2 => *now,
        3 => *before,
        _ => now - before,
    };
    rows.sort_by(|a, b| key(a).total_cmp(&key(b)));
    if state.sort.1 {
        rows.reverse();
    }
    let percent = |x: f64| ticks::number(100.0 * x, 1);
    let table = TableWidget {
        name: "queries",
        columns: &columns,
        rows: rows.len(),
        sort: Some(state.sort),
        lead: 0.0,
        clickable: true,
        height: Some(size::TABLE_ROW * 9.0),
    };
    let chosen = cx.selection.query;
    let done = table.show(
        ui,
        |at| chosen == Some(rows[at].0),
        |at, column| {
            let (query, pid, [now, before]) = rows[at];
            let text = match column {
                0 => query.to_string(),
                1 => pid.to_string(),
                2 => percent(now),
                3 => percent(before),
                _ => ticks::signed(100.0 * (now - before), 1),
            };
            text.into()
        },
        |_, _, _, _| {},
    );
    if let Some(at) = done.row {
        cx.select(Pick::Query(rows[at].0));
    }
    if let Some(at) = done.head {
        state.sort = sorted_by(state.sort, at, true);
    }
    ui.add_space(8.0);
    let query = cx.selection.query.filter(|query| rows.iter().any(|row| row.0 == *query));
    let Some(query) = query.or(rows.first().map(|row| row.0)) else { return };
    let titles = [names(&lists.dir), format!("{} {}", names(&lists.base), icon::STAR)];
    for (ranks, title) in lists.ranks.iter().zip(titles) {
        strip(ui, cx, lists, ranks, query, &title);
    }
}

/// One run's list of a query: the query, then what it found.
fn strip(ui: &mut Ui, cx: &PanelCtx<'_>, lists: &ComparedLists, ranks: &RankSnapshot, query: u32, title: &str) {
    let theme = Theme::of(ui.ctx());
    let k = type_scale(ui);
    let cell = vec2(CELL[0], CELL[1]);
    let list = HitList::of_query(ranks, query as usize, Some(&lists.images), true);
    let ap = ranks.ap.get(query as usize).map_or("–".to_owned(), |ap| ticks::number(100.0 * ap, 1));
    ui.add(eframe::egui::Label::new(Type::Small.text(format!("{title}: AP {ap}, query {query}"), theme.t2)).truncate());
    let count = ((ui.available_width() - cell.x - 16.0) / (cell.x + 6.0)).max(1.0) as usize;
    let hits = list.shown(Some(&lists.images), false, count);
    let high = cell.y + 16.0 * k;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), high), Sense::hover());
    let right = hits.iter().filter(|hit| hit.verdict == HitVerdict::Match).count();
    let said = format!("Rank list of {title}, query {query}: {right} of {} right", hits.len());
    response.widget_info(|| eframe::egui::WidgetInfo::labeled(eframe::egui::Role::Image, true, said.as_str()));
    let paint = |image: ImageRef, at: Rect, color: Color32, dashed: bool| {
        let path = lists.images.get(image).map(|row| row.path.as_path());
        photo::paint(ui, cx.images, path, at, Tone::Color, 1.0);
        photo::frame(ui.painter(), at, color, dashed);
    };
    let first = Rect::from_min_size(rect.min, cell);
    paint(ImageRef { split: Split::Query, index: query }, first, theme.t1, false);
    let mut x = first.right() + 16.0;
    for hit in &hits {
        let at = Rect::from_min_size(pos2(x, rect.top()), cell);
        x = at.right() + 6.0;
        paint(
            ImageRef { split: Split::Gallery, index: hit.index },
            at,
            color(theme, hit),
            hit.verdict == HitVerdict::Missed,
        );
        let rank = hit.rank.map_or(String::new(), |rank| rank.to_string());
        ui.painter().text(
            at.center_bottom() + vec2(0.0, 2.0),
            Align2::CENTER_TOP,
            rank,
            Type::Small.font(ui),
            theme.t3,
        );
        let (glyph, shows) = match hit.verdict {
            HitVerdict::Match | HitVerdict::Missed => (icon::CHECK, true),
            HitVerdict::Mismatch => (icon::CROSS, true),
            HitVerdict::Junk | HitVerdict::Unknown | HitVerdict::Unjudged => (icon::CROSS, false),
        };
        if shows {
            photo::corner(ui.painter(), at, glyph, color(theme, hit), theme);
        }
    }
    ui.add_space(6.0);
}

fn color(theme: &Theme, hit: &Hit) -> Color32 {
    match hit.verdict {
        HitVerdict::Match | HitVerdict::Missed => theme.match_,
        HitVerdict::Mismatch => theme.mismatch,
        HitVerdict::Junk | HitVerdict::Unknown | HitVerdict::Unjudged => theme.junk,
    }
}
