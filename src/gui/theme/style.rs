//! The theme as egui's own style, for both appearances at once.

use eframe::egui::{self, Color32, CornerRadius, Margin, Stroke, style, vec2};

use super::{Density, Theme, Type, size};

/// Installs both appearances and the type steps for `density`. Fonts are installed by `fonts::install`.
pub fn apply(ctx: &egui::Context, density: Density) {
    for (which, theme) in [(egui::Theme::Dark, Theme::dark()), (egui::Theme::Light, Theme::light())] {
        ctx.set_style_of(which, style_of(theme, density));
    }
}

fn style_of(theme: &Theme, density: Density) -> egui::Style {
    let mut style = egui::Style { visuals: visuals(theme), animation_time: 0.08, ..Default::default() };
    for step in Type::ALL {
        let mut font = step.base();
        font.size *= density.type_scale();
        style.text_styles.insert(step.style(), font);
    }
    style.drag_value_text_style = egui::TextStyle::Body;
    let spacing = &mut style.spacing;
    spacing.item_spacing = vec2(8.0, 4.0);
    spacing.button_padding = vec2(10.0, 4.0);
    spacing.interact_size = vec2(24.0, size::PARAM_ROW + density.extra_row());
    spacing.indent = 12.0;
    spacing.slider_rail_height = 2.0;
    spacing.slider_width = 68.0;
    spacing.window_margin = Margin::same(12);
    spacing.menu_margin = Margin::same(6);
    spacing.tooltip_width = size::TOOLTIP;
    spacing.icon_width = 14.0;
    spacing.icon_width_inner = 8.0;
    spacing.combo_width = 60.0;
    spacing.combo_height = 320.0;
    spacing.scroll = style::ScrollStyle { bar_width: 8.0, ..style::ScrollStyle::thin() };
    style.interaction.tooltip_delay = 0.4;
    style.interaction.selectable_labels = false;
    style.scroll_animation = style::ScrollAnimation::none();
    style
}

fn widget(fill: Color32, ink: Color32) -> style::WidgetVisuals {
    style::WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: fill,
        bg_stroke: Stroke::NONE,
        corner_radius: CornerRadius::same(size::RADIUS_BUTTON),
        fg_stroke: Stroke::new(size::STROKE, ink),
        expansion: 0.0,
    }
}

fn visuals(t: &Theme) -> egui::Visuals {
    let base = if t.dark { egui::Visuals::dark() } else { egui::Visuals::light() };
    let mut still = widget(t.bg1, t.t2);
    still.bg_stroke = Stroke::new(size::STROKE, t.line);
    let mut text_cursor = base.text_cursor.clone();
    text_cursor.stroke = Stroke::new(1.5, t.accent);
    text_cursor.blink = false; // an idle window draws nothing
    egui::Visuals {
        panel_fill: t.bg1,
        window_fill: t.bg2,
        extreme_bg_color: t.bg0,
        text_edit_bg_color: Some(t.bg2),
        faint_bg_color: t.bg2,
        code_bg_color: t.bg2,
        override_text_color: None,
        weak_text_color: Some(t.t3),
        widgets: style::Widgets {
            noninteractive: still,
            inactive: widget(t.bg2, t.t2),
            hovered: widget(t.bg3, t.t1),
            active: widget(t.bg4, t.t1),
            open: widget(t.bg3, t.t1),
        },
        selection: style::Selection { bg_fill: t.accent_bg, stroke: Stroke::new(size::STROKE, t.accent) },
        hyperlink_color: t.accent,
        warn_fg_color: t.warn,
        error_fg_color: t.error,
        window_stroke: Stroke::new(size::STROKE, t.line2),
        window_corner_radius: CornerRadius::same(size::RADIUS_FLOAT),
        menu_corner_radius: CornerRadius::same(size::RADIUS_TILE),
        window_shadow: t.shadow(),
        popup_shadow: t.shadow(),
        slider_trailing_fill: true,
        handle_shape: style::HandleShape::Circle,
        striped: false,
        indent_has_left_vline: false,
        collapsing_header_frame: false,
        interact_cursor: None,
        disabled_alpha: 0.45,
        text_cursor,
        window_highlight_topmost: false,
        image_loading_spinners: false,
        ..base
    }
}
