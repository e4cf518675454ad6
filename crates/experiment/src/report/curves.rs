//! Learning curves: a value by the number of training pairs, or of labelled rows.

use super::{
    Figure, Picture,
    svg::{COLORS, Drawing},
};
use crate::{
    plan::{Kind, TextPlan, TransferPlan},
    run::{Data, Finished},
    summary::{Cell, Summary},
    transfer::TransferData,
};

const WIDTH: f64 = 340.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 42.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 36.0;

/// One picture a direction of a lexicon plan with several sizes, one panel a criterion.
pub(super) fn learning_curves(finished: &Finished, summary: &Summary, id: &str) -> Vec<Picture> {
    let shots = match &finished.plan.kind {
        Kind::Transfer(TransferPlan::FewShot(plan)) => Some((&plan.shots, "test rows")),
        Kind::Transfer(TransferPlan::PairTasks(plan)) => Some((&plan.shots, "new tasks")),
        _ => None,
    };
    if let Some((shots, items)) = shots {
        let shots: Vec<Option<usize>> = shots.iter().copied().map(Some).collect();
        let title = "Accuracy by the number of labelled rows a class";
        let caption = format!("Bars are 95 % intervals over {items} and draws.");
        let axis = "labelled rows a class";
        return by_size(finished, summary, &shots, &["accuracy"], (title, &caption, axis), id);
    }
    if let Kind::Text(TextPlan::Tuning(plan)) = &finished.plan.kind {
        let sizes: Vec<Option<usize>> = plan.sizes.iter().copied().map(Some).collect();
        let title = "Accuracy by the number of labels";
        let caption = "Bars are 95 % intervals over test sentences and draws of labels.";
        return by_size(finished, summary, &sizes, &["accuracy"], (title, caption, "labels"), id);
    }
    if let Kind::Transfer(TransferPlan::Detection(plan)) = &finished.plan.kind {
        let Data::Transfer(data) = &finished.data else { return Vec::new() };
        let TransferData::Detection(data) = data.as_ref() else { return Vec::new() };
        let all = |size: &Option<usize>| Some(size.unwrap_or(data.train.truths.len()));
        let sizes: Vec<Option<usize>> = plan.sizes.iter().map(all).collect();
        let title = "Average precision by the number of annotated pictures";
        let caption = "Bars are 95 % intervals over test pictures and draws of training pictures.";
        let axis = "annotated pictures";
        return by_size(finished, summary, &sizes, &["ap50", "ap"], (title, caption, axis), id);
    }
    let Data::Spaces(spaces) = &finished.data else { return Vec::new() };
    let tasks = spaces.tasks();
    let mut directions: Vec<String> = Vec::new();
    for task in &tasks {
        let name = task.direction_name();
        if !directions.contains(&name) {
            directions.push(name);
        }
    }
    let Some(metric) = summary.columns.first().map(|column| column.metric.as_str()) else {
        return Vec::new();
    };
    let mut variants: Vec<&str> = Vec::new();
    for row in &summary.rows {
        if !variants.contains(&row.variant.as_str()) {
            variants.push(&row.variant);
        }
    }
    let mut pictures = Vec::new();
    for (at, direction) in directions.iter().enumerate() {
        // Number of pairs and the column that shows it, the fewest first.
        let mut sizes: Vec<(usize, usize)> = Vec::new();
        for task in tasks.iter().filter(|task| task.direction_name() == *direction) {
            let shows = |c: &crate::summary::Column| c.task == task.name() && c.metric == metric;
            if let Some(column) = summary.columns.iter().position(shows) {
                sizes.push((task.pairs.len(), column));
            }
        }
        sizes.sort_unstable();
        sizes.dedup_by_key(|(pairs, _)| *pairs);
        if sizes.len() < 2 {
            continue;
        }
        let panel = |(of, variant): (usize, &&str)| {
            let rows = summary.rows.iter().filter(|row| row.variant == **variant);
            let curves: Vec<Curve> = rows
                .map(|row| Curve {
                    color: COLORS[row.method_index % COLORS.len()],
                    points: sizes.iter().filter_map(|&(n, at)| point(n, &row.cells[at])).collect(),
                })
                .collect();
            let title = format!("{direction} {metric}, {variant}");
            let counts: Vec<usize> = sizes.iter().map(|&(pairs, _)| pairs).collect();
            let svg = draw(&title, &counts, &curves, "training pairs");
            Figure { title, file: format!("{id}-curve-{}-{}.svg", at + 1, of + 1), svg }
        };
        let methods = finished.methods.iter().enumerate();
        pictures.push(Picture {
            title: format!("{direction} by the number of training pairs"),
            caption: "Bars are 95 % intervals over the test words.".to_owned(),
            legend: methods
                .map(|(at, label)| (label.clone(), COLORS[at % COLORS.len()].to_owned()))
                .collect(),
            panels: variants.iter().enumerate().map(panel).collect(),
        });
    }
    pictures
}

/// One picture of a plan whose tasks are sizes, a panel a metric.
fn by_size(
    finished: &Finished,
    summary: &Summary,
    sizes: &[Option<usize>],
    metrics: &[&str],
    (title, caption, axis): (&str, &str, &str),
    id: &str,
) -> Vec<Picture> {
    let panel = |(at, metric): (usize, &&str)| {
        // The column of each task, the fewest first.
        let mut columns: Vec<(usize, usize)> = Vec::new();
        for (task, size) in finished.tasks.iter().zip(sizes) {
            let shows =
                |column: &crate::summary::Column| column.task == *task && column.metric == **metric;
            if let Some(column) = summary.columns.iter().position(shows) {
                columns.push((size.unwrap_or(usize::MAX), column));
            }
        }
        columns.sort_unstable();
        columns.dedup_by_key(|(size, _)| *size);
        if columns.len() < 2 {
            return None;
        }
        let curve = |row: &crate::summary::Row| Curve {
            color: COLORS[row.method_index % COLORS.len()],
            points: columns.iter().filter_map(|&(n, at)| point(n, &row.cells[at])).collect(),
        };
        let curves: Vec<Curve> = summary.rows.iter().map(curve).collect();
        let counts: Vec<usize> = columns.iter().map(|&(size, _)| size).collect();
        let file = match at {
            0 => format!("{id}-curve.svg"),
            _ => format!("{id}-curve-{metric}.svg"),
        };
        let svg = draw(metric, &counts, &curves, axis);
        Some(Figure { title: (*metric).to_owned(), file, svg })
    };
    let panels: Vec<Figure> = metrics.iter().enumerate().filter_map(panel).collect();
    if panels.is_empty() {
        return Vec::new();
    }
    let methods = finished.methods.iter().enumerate();
    vec![Picture {
        title: title.to_owned(),
        caption: caption.to_owned(),
        legend: methods
            .map(|(at, label)| (label.clone(), COLORS[at % COLORS.len()].to_owned()))
            .collect(),
        panels,
    }]
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
