//! Learning curves: a value by the number of training pairs, or of labelled rows.

use super::{COLORS, Drawing, Figure, Picture};
use crate::{Cell, Finished, Row, Summary};

const WIDTH: f64 = 340.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 42.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 36.0;

/// How a picture of learning curves is labelled.
#[derive(Debug, Clone, Copy)]
pub struct Axis<'a> {
    /// The picture's title.
    pub title: &'a str,
    /// What the bars are.
    pub caption: &'a str,
    /// What the horizontal axis counts.
    pub axis: &'a str,
}

/// One picture of a plan whose tasks are sizes, one panel per metric; none with fewer than two sizes.
#[must_use]
pub fn panels_by_size(
    finished: &Finished,
    summary: &Summary,
    sizes: &[Option<usize>],
    metrics: &[&str],
    labels: Axis<'_>,
    id: &str,
) -> Vec<Picture> {
    let panel = |(at, metric): (usize, &&str)| {
        // The column of each task, the fewest first.
        let mut columns: Vec<(usize, usize)> = Vec::new();
        for (task, size) in finished.tasks.iter().zip(sizes) {
            let shows = |column: &crate::Column| column.task == *task && column.metric == **metric;
            if let Some(column) = summary.columns.iter().position(shows) {
                columns.push((size.unwrap_or(usize::MAX), column));
            }
        }
        columns.sort_unstable();
        columns.dedup_by_key(|(size, _)| *size);
        let file = match at {
            0 => format!("{id}-curve.svg"),
            _ => format!("{id}-curve-{metric}.svg"),
        };
        let rows: Vec<&Row> = summary.rows.iter().collect();
        (columns.len() >= 2).then(|| curve_picture(metric, &rows, &columns, labels.axis, file))
    };
    let panels: Vec<Figure> = metrics.iter().enumerate().filter_map(panel).collect();
    if panels.is_empty() {
        return Vec::new();
    }
    vec![Picture {
        title: labels.title.to_owned(),
        caption: labels.caption.to_owned(),
        legend: Picture::legend_of(finished),
        panels,
    }]
}

/// The curves of some rows of the table; `columns` are sizes with the column that shows them, the fewest first.
#[must_use]
pub fn curve_picture(
    title: &str,
    rows: &[&Row],
    columns: &[(usize, usize)],
    axis: &str,
    file: String,
) -> Figure {
    let curve = |row: &&Row| Curve {
        color: COLORS[row.method_index % COLORS.len()],
        points: columns.iter().filter_map(|&(n, at)| point(n, &row.cells[at])).collect(),
    };
    let curves: Vec<Curve> = rows.iter().map(curve).collect();
    let counts: Vec<usize> = columns.iter().map(|&(size, _)| size).collect();
    Figure { title: title.to_owned(), file, svg: draw(title, &counts, &curves, axis) }
}

/// What one method reaches.
struct Curve {
    color: &'static str,
    /// Number of pairs, value, half of its interval.
    points: Vec<(usize, f64, f64)>,
}

fn point(pairs: usize, cell: &Cell) -> Option<(usize, f64, f64)> {
    cell.estimate.map(|estimate| (pairs, estimate.value, estimate.half_width))
}

#[allow(clippy::cast_precision_loss, reason = "places in a drawing")]
fn draw(title: &str, counts: &[usize], curves: &[Curve], axis: &str) -> String {
    let ends = curves.iter().flat_map(|curve| &curve.points).map(|(_, value, half)| value + half);
    // The scale ends on a tenth.
    let most = ((ends.fold(0.0_f64, f64::max).min(1.0) * 10.0).ceil() / 10.0).max(0.1);
    let log = |pairs: usize| (pairs as f64).ln_1p(); // curves may begin at 0
    let (first, last) = (log(counts[0]), log(counts[counts.len() - 1]));
    let x = |pairs: usize| {
        // Room for the marks of curves that lie beside each other.
        let span = WIDTH - LEFT - RIGHT - 24.0;
        LEFT + 12.0 + span * (log(pairs) - first) / (last - first).max(f64::MIN_POSITIVE)
    };
    let y = |value: f64| TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - value.clamp(0.0, most) / most);
    let mut drawing = Drawing::new(WIDTH, HEIGHT, title);
    for tick in [0.0, most / 2.0, most] {
        drawing.line((LEFT, y(tick)), (WIDTH - RIGHT, y(tick)), "stroke=\"#ddd\"");
        let style = "text-anchor=\"end\" fill=\"#555\"";
        drawing.text((LEFT - 5.0, y(tick) + 3.5), 10.0, style, &format!("{:.0} %", 100.0 * tick));
    }
    let mut free = 0.0;
    for &pairs in counts {
        drawing.line((x(pairs), y(0.0)), (x(pairs), y(0.0) + 4.0), "stroke=\"#555\"");
        // No label over another.
        if x(pairs) >= free {
            let style = "text-anchor=\"middle\" fill=\"#555\"";
            drawing.text((x(pairs), y(0.0) + 15.0), 10.0, style, &pairs.to_string());
            free = x(pairs) + 32.0;
        }
    }
    let style = "text-anchor=\"middle\" fill=\"#555\"";
    drawing.text((f64::midpoint(LEFT, WIDTH - RIGHT), HEIGHT - 5.0), 10.0, style, axis);
    for (at, curve) in curves.iter().enumerate() {
        let aside = 3.0 * (at as f64 - (curves.len() as f64 - 1.0) / 2.0);
        let place = |&(pairs, value, _): &(usize, f64, f64)| (x(pairs) + aside, y(value));
        let color = curve.color;
        for two in curve.points.windows(2) {
            let style = format!("stroke=\"{color}\" stroke-width=\"1.6\"");
            drawing.line(place(&two[0]), place(&two[1]), &style);
        }
        for point in &curve.points {
            let (left, middle) = place(point);
            let (low, high) = (y(point.1 - point.2), y(point.1 + point.2));
            let style = format!("stroke=\"{color}\" stroke-opacity=\"0.5\"");
            drawing.line((left, low), (left, high), &style);
            drawing.circle((left, middle), 2.6, &format!("fill=\"{color}\""));
        }
    }
    drawing.finish()
}
