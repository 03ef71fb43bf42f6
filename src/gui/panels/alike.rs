//! Why a query finds a hit: with global average pooling a cosine falls apart exactly over the positions of either image.

use eframe::egui::{Align2, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};
use serde::{Deserialize, Serialize};

use super::{Absence, Panel, PanelCtx, PanelDrawn};
use crate::engine::event::{AttentionMap, ImageRef, Likeness, Split};
use crate::export::attention::Ramp;
use crate::gui::far;
use crate::gui::plot::heat::{Painted, color_bar};
use crate::gui::plot::{ticks, type_scale};
use crate::gui::theme::Type;
use crate::gui::view_model::Loaded;
use crate::gui::widgets::icon;
use crate::gui::widgets::images::Tone;
use crate::gui::widgets::photo;
use crate::gui::words::after_words;

/// State of the panel that outlives the window.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AlikePanel {
    #[serde(skip)]
    painted: Painted,
}

impl Panel for AlikePanel {
    const TITLE: &'static str = "Why this hit";

    fn ui(&mut self, ui: &mut Ui, cx: &PanelCtx<'_>) -> PanelDrawn {
        if let Some(absence) = waiting(cx) {
            return Err(absence);
        }
        let Some(found) = cx.view.likeness.clone() else {
            if !cx.answers {
                let text = "A network is needed to say why a query finds a hit, and another run goes on here: when none does, \
                            right click on a hit of a rank list and choose Why this hit.";
                return Err(Absence::nothing(icon::HEAT, "No network at hand", text));
            }
            let text = "Right click on a hit of a rank list and choose Why this hit: both photos are then painted with what \
                        each part of them gives to their similarity. The answer takes some seconds where the network must \
                        first be taken up.";
            return Err(Absence::nothing(icon::HEAT, "No hit was asked about", text));
        };
        let names = [found.query, found.hit].map(title);
        let after = after_words(found.epoch);
        cx.title(&format!("{} and {}, {after}", names[0], names[1])).plain(ui);
        let words = format!(
            "Cosine {}: the values of either photo sum to it. Blue parts make the two alike, violet ones tell them apart.",
            ticks::number(found.similarity, 3)
        );
        ui.label(Type::Body.text(words, cx.theme.t1));
        let room = ui.available_rect_before_wrap();
        ui.allocate_rect(room, Sense::hover());
        let k = type_scale(ui);
        let most = found.maps.iter().flat_map(|m| &m.values).fold(0f32, |most, v| most.max(v.abs())).max(1e-9);
        let below = k * 34.0;
        let half = vec2((room.width() - 12.0) / 2.0, (room.height() - below).max(40.0));
        for (at, (image, map)) in [found.query, found.hit].into_iter().zip(&found.maps).enumerate() {
            let cell = Rect::from_min_size(room.min + vec2((half.x + 12.0) * at as f32, 0.0), half);
            self.one(ui, cx, (image, map), cell, most);
            let sum: f64 = map.values.iter().map(|&v| f64::from(v)).sum();
            let words = format!("{}: {}", names[at], ticks::number(sum, 3));
            let place = pos2(cell.center().x, cell.bottom() + 2.0);
            ui.painter().text(place, Align2::CENTER_TOP, &words, Type::Small.font(ui), cx.theme.t2);
            let spoken = ui.interact(cell, ui.scope_id().with(("alike", at)), Sense::hover());
            spoken.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("what {words} is made of")));
        }
        self.scale(ui, cx, &found, room, most);
        Ok(())
    }
}

impl AlikePanel {
    fn one(&mut self, ui: &Ui, cx: &PanelCtx<'_>, (image, map): (ImageRef, &AttentionMap), cell: Rect, most: f32) {
        let images = cx.snapshots.images(cx.view);
        let path = match &images {
            Loaded::Ready(images) => images.get(image).map(|row| row.path.as_path()),
            _ => None,
        };
        let at = photo::paint(ui, cx.images, path, cell, Tone::Muted, 1.0);
        self.painted.paint(ui, map, at, [-most, most], (Ramp::Difference, 0.55));
    }

    fn scale(&self, ui: &Ui, cx: &PanelCtx<'_>, found: &Likeness, room: Rect, most: f32) {
        let k = type_scale(ui);
        let bar = Rect::from_center_size(pos2(room.center().x, room.bottom() - k * 8.0), vec2(120.0, 6.0));
        color_bar(ui, bar, Ramp::Difference);
        let cells = found.maps[0].values.len().max(1);
        let small = Type::Small.font(ui);
        let words = [format!("−{}", ticks::number(f64::from(most), 3)), ticks::number(f64::from(most), 3)];
        let painter = ui.painter();
        painter.text(bar.left_center() - vec2(4.0, 0.0), Align2::RIGHT_CENTER, &words[0], small.clone(), cx.theme.t3);
        let at = bar.right_center() + vec2(4.0, 0.0);
        painter.text(at, Align2::LEFT_CENTER, format!("{} of {cells} parts", words[1]), small, cx.theme.t3);
    }
}

/// What stands here while the newest question has no answer, or where there is none.
fn waiting(cx: &PanelCtx<'_>) -> Option<Absence> {
    let (request, pair) = cx.view.likeness_asked.as_ref()?;
    if let Some(why) = cx.view.refusal(request) {
        return Some(Absence::failed("No answer why this hit", why.to_owned()));
    }
    let [query, hit] = pair.map(title);
    let who = if far::of(cx.view.folder.as_deref()).is_some() {
        "Its machine answers; where nobody trains the run, its last checkpoint is loaded first."
    } else if cx.view.trainer.is_some() {
        "The process that trains it answers after the current batch."
    } else {
        "The network answers after the current batch; where no run goes on, its last checkpoint is loaded first."
    };
    Some(Absence::nothing(icon::HEAT, "Asking…", format!("Why {query} finds {hit}. {who}")))
}

/// `query 1,204`, `gallery 7`.
fn title(image: ImageRef) -> String {
    let split = match image.split {
        Split::Train => "train",
        Split::Query => "query",
        Split::Gallery => "gallery",
    };
    format!("{split} {}", ticks::count(image.index as usize))
}
