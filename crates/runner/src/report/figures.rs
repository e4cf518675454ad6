//! Bars with intervals, one drawing a column of the table.

use super::{
    Figure,
    svg::{COLORS, Drawing},
};
use crate::{percent, summary::Summary};

const WIDTH: f64 = 360.0;
const LABELS: f64 = 128.0;
const VALUES: f64 = 74.0;
const ROW: f64 = 20.0;
const TOP: f64 = 6.0;

/// Each column's values as bars, all on the same scale from 0.
pub(super) fn bars(summary: &Summary, columns: &[String], id: &str) -> Vec<Figure> {
    let variants = summary.variants();
    let ends = summary.rows.iter().flat_map(|row| &row.cells).filter_map(|cell| cell.estimate);
    let most = ends.map(|e| e.value + e.half_width).fold(0.0_f64, f64::max).min(1.0);
    // The scale ends on a tenth.
    let scale = ((most * 10.0).ceil() / 10.0).max(0.1);
    let draw = |(at, title): (usize, &String)| {
        #[allow(clippy::cast_precision_loss, reason = "there are few rows")]
        let height = TOP + ROW * summary.rows.len() as f64 + 22.0;
        let mut drawing = Drawing::new(WIDTH, height, &format!("{title}: {}", summary.caption));
        let bottom = height - 20.0;
        let span = WIDTH - LABELS - VALUES;
        let x = |value: f64| LABELS + span * value.clamp(0.0, scale) / scale;
        for tick in [0.0, scale / 2.0, scale] {
            drawing.line((x(tick), TOP), (x(tick), bottom), "stroke=\"#ddd\"");
            let text = format!("{:.0} %", 100.0 * tick);
            let style = "text-anchor=\"middle\" fill=\"#555\"";
            drawing.text((x(tick), bottom + 14.0), 10.0, style, &text);
        }
        let mut y = TOP;
        for row in &summary.rows {
            let cell = &row.cells[at];
            let middle = y + ROW / 2.0;
            let label = shorten(&row.label(variants), 22);
            let style = "text-anchor=\"end\" fill=\"#111\"";
            drawing.text((LABELS - 6.0, middle + 4.0), 11.0, style, &label);
            if let Some(estimate) = cell.estimate {
                let color = COLORS[row.method_index % COLORS.len()];
                let opacity = if row.upper_bound { 0.35 } else { 0.85 };
                let style = format!("fill=\"{color}\" fill-opacity=\"{opacity}\"");
                let size = (x(estimate.value) - x(0.0), ROW - 6.0);
                drawing.rect((x(0.0), y + 3.0), size, &style);
                let low = x(estimate.value - estimate.half_width);
                let high = x(estimate.value + estimate.half_width);
                drawing.line((low, middle), (high, middle), "stroke=\"#111\" stroke-width=\"1.4\"");
                for end in [low, high] {
                    let style = "stroke=\"#111\" stroke-width=\"1.4\"";
                    drawing.line((end, middle - 3.0), (end, middle + 3.0), style);
                }
            }
            let weight = if cell.best { "font-weight=\"700\" " } else { "" };
            let style = format!("{weight}text-anchor=\"end\" fill=\"#111\"");
            let text = percent(cell);
            drawing.text((WIDTH - 2.0, middle + 4.0), 11.0, &style, &text);
            y += ROW;
        }
        let file = format!("{id}-bars-{}.svg", at + 1);
        Figure { title: title.clone(), file, svg: drawing.finish() }
    };
    columns.iter().enumerate().map(draw).collect()
}

fn shorten(text: &str, most: usize) -> String {
    match text.chars().count() > most {
        true => text.chars().take(most - 1).chain(['…']).collect(),
        false => text.to_owned(),
    }
}
