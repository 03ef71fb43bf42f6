//! Names for what the tiles draw by themselves: borders between panels, and the ground of a row of tabs.

use eframe::egui::accesskit::Role;
use eframe::egui::{Id, Rect, Ui};

/// Names for a screen reader what was drawn without one in this frame.
pub(super) fn name(ui: &Ui) {
    let ctx = ui.ctx();
    let thin = 2.0 * ui.style().interaction.resize_grab_radius_side + 0.5;
    let layer = ui.layer_id();
    let dragged: Vec<(Id, Rect)> = ctx.viewport(|viewport| {
        let widgets = viewport.this_pass.widgets.get_layer(layer);
        widgets.filter(|w| w.sense.senses_drag() && w.sense.senses_click()).map(|w| (w.id, w.rect)).collect()
    });
    for (id, rect) in dragged {
        // Without an assistive program there are no nodes.
        if !ctx.has_accesskit_node(id) {
            continue;
        }
        ctx.accesskit_node_builder(id, |node| {
            if node.role() != Role::Unknown || node.label().is_some() {
                return;
            }
            let (role, words) = match rect.width().min(rect.height()) <= thin {
                true => (Role::Splitter, "Border between panels: drag it to give them other sizes"),
                false => (Role::Group, "Row of tabs: drag it to move these panels"),
            };
            node.set_role(role);
            node.set_label(words);
        });
    }
}
