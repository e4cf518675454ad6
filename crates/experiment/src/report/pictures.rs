//! Source and target before and after alignment, in two principal components.

use ndarray::{Array1, Array2, ArrayView2, Axis, concatenate, s};
use ndarray_linalg::{Eigh, UPLO};

use super::{
    Figure, Picture,
    svg::{COLORS, Drawing},
};
use crate::{
    adaptation::{self, Task, adapt, spread},
    lexicon,
    plan::{AdaptationMethod, AdaptationPlan, Kind},
    run::{Data, Finished},
    summary::{Cell, Summary},
};

const WIDTH: f64 = 340.0;
const HEIGHT: f64 = 300.0;
const MARGIN: f64 = 14.0;
/// Rows of each side in a picture; more would only cover each other.
const POINTS: usize = 250;
/// Word pairs in a picture.
const WORDS: usize = 16;
/// Pictures a plan.
const TASKS: usize = 2;

/// Pictures of the tasks on which alignment changed most, up or down; with nothing aligned, none.
pub(super) fn before_and_after(finished: &Finished, summary: &Summary, id: &str) -> Vec<Picture> {
    let mut pictures = Vec::new();
    for (task, method) in most_changed(finished, summary) {
        let label = &finished.methods[method];
        let picture = match (&finished.plan.kind, &finished.data) {
            (Kind::Adaptation(plan), Data::Domains(domains)) => {
                let tasks = adaptation::tasks(plan, domains);
                let seed = finished.seeds.first().copied().unwrap_or(0);
                of_domains(plan, &tasks[task], method, seed, label, &domains.classes)
            }
            (Kind::Lexicon(_), Data::Spaces(spaces)) => {
                let seed = finished.seeds.first().copied().unwrap_or(0);
                of_words(&spaces.tasks()[task], method, seed, label)
            }
            _ => None,
        };
        if let Some((mut picture, panels)) = picture {
            for (at, (title, svg)) in panels.into_iter().enumerate() {
                let when = if at == 0 { "before" } else { "after" };
                let file = format!("{id}-task-{}-{when}.svg", task + 1);
                picture.panels.push(Figure { title, file, svg });
            }
            pictures.push(picture);
        }
    }
    pictures
}

/// Up to [`TASKS`] pairs of a task and the aligning method that changed it most.
fn most_changed(finished: &Finished, summary: &Summary) -> Vec<(usize, usize)> {
    let aligns = |method: usize| match &finished.plan.kind {
        Kind::Adaptation(plan) => plan.methods[method].aligns(),
        Kind::Lexicon(plan) => !matches!(plan.methods[method], crate::plan::LexiconMethod::None),
        Kind::Similarity(_) | Kind::Transfer(_) | Kind::Text(_) | Kind::Benchmark(_) => false,
    };
    let change = |cell: &Cell| match (cell.gain, cell.estimate) {
        (Some(gain), Some(_)) => Some(gain.value.abs()),
        (None, Some(_)) => Some(0.0), // the reference itself aligns
        (_, None) => None,
    };
    let mut best: Vec<(f64, usize, usize)> = Vec::new();
    for (task, name) in finished.tasks.iter().enumerate() {
        let mut most: Option<(f64, usize, usize)> = None;
        for row in summary.rows.iter().filter(|row| aligns(row.method_index)) {
            for (cell, column) in row.cells.iter().zip(&summary.columns) {
                if column.task == *name
                    && let Some(change) = change(cell)
                    && most.is_none_or(|(known, ..)| change > known)
                {
                    most = Some((change, task, row.method_index));
                }
            }
        }
        best.extend(most);
    }
    best.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    best.into_iter().take(TASKS).map(|(_, task, method)| (task, method)).collect()
}

type Panels = Vec<(String, String)>;

fn of_domains(
    plan: &AdaptationPlan,
    task: &Task<'_>,
    method: usize,
    seed: u64,
    label: &str,
    classes: &[String],
) -> Option<(Picture, Panels)> {
    let before = adapt(task, &AdaptationMethod::None, plan.train_rows, seed).ok()?;
    let after = adapt(task, &plan.methods[method], plan.train_rows, seed).ok()?;
    let mut panels = Vec::new();
    for (title, adapted) in [("before".to_owned(), &before), (format!("after {label}"), &after)] {
        let source = spread(adapted.source.nrows(), POINTS);
        let target = spread(adapted.target.nrows(), POINTS);
        let both = concatenate(
            Axis(0),
            &[
                adapted.source.select(Axis(0), &source).view(),
                adapted.target.select(Axis(0), &target).view(),
            ],
        )
        .ok()?;
        let points = two_components(both.view())?;
        let frame = Frame::around(&points);
        let mut drawing = Drawing::new(WIDTH, HEIGHT, &format!("{}: {title}", task.name()));
        frame.draw(&mut drawing);
        for (at, &row) in source.iter().enumerate() {
            let color = COLORS[adapted.labels[row] % COLORS.len()];
            let style = format!("fill=\"{color}\" fill-opacity=\"0.6\"");
            drawing.circle(frame.place(&points, at), 2.6, &style);
        }
        for (at, &row) in target.iter().enumerate() {
            let color = COLORS[task.target.labels[row] % COLORS.len()];
            drawing.cross(frame.place(&points, source.len() + at), 2.6, color);
        }
        panels.push((title, drawing.finish()));
    }
    let legend = classes.iter().enumerate().take(30);
    let legend =
        legend.map(|(at, class)| (class.clone(), COLORS[at % COLORS.len()].to_owned())).collect();
    let picture = Picture {
        title: format!("{}, before and after", task.name()),
        caption: format!(
            "Two principal components of source and target together; dots are the source ({}), \
             crosses the target ({}), colours the classes, which alignment does not see in the \
             target.",
            task.source.name, task.target.name
        ),
        legend,
        panels: Vec::new(),
    };
    Some((picture, panels))
}

fn of_words(
    task: &lexicon::Task<'_>,
    method: usize,
    seed: u64,
    label: &str,
) -> Option<(Picture, Panels)> {
    let alignment = task.fitted(method, seed)?;
    let queries = &task.direction.queries.rows;
    let shown: Vec<&(usize, Vec<usize>)> =
        spread(queries.len(), WORDS).into_iter().map(|at| &queries[at]).collect();
    let source: Vec<usize> = shown.iter().map(|(row, _)| *row).collect();
    let target: Vec<usize> = shown.iter().map(|(_, right)| right[0]).collect();
    let x = task.source.select(Axis(0), &source);
    let y = task.target.select(Axis(0), &target);
    let words: Vec<(&str, &str)> = source
        .iter()
        .zip(&target)
        .map(|(&s, &t)| (task.source_words[s].as_str(), task.target_words[t].as_str()))
        .collect();

    // Before, the spaces have nothing in common: each in its own two components.
    let own = [two_components(x.view())?, two_components(y.view())?];
    let before = concatenate(Axis(0), &[unit_scale(&own[0]).view(), unit_scale(&own[1]).view()]);
    let mapped = [
        unit_rows(alignment.source().apply(x.view()).ok()?),
        unit_rows(alignment.target().apply(y.view()).ok()?),
    ];
    let together = concatenate(Axis(0), &[mapped[0].view(), mapped[1].view()]).ok()?;
    let after = two_components(together.view())?;
    let titles = ["before, each space in its own components".to_owned(), format!("after {label}")];
    let draw = |(title, points): (String, Array2<f64>)| {
        let frame = Frame::around(&points);
        let mut drawing = Drawing::new(WIDTH, HEIGHT, &format!("{}: {title}", task.name()));
        frame.draw(&mut drawing);
        for (at, (s, t)) in words.iter().enumerate() {
            let (from, to) = (frame.place(&points, at), frame.place(&points, words.len() + at));
            drawing.line(from, to, "stroke=\"#bbb\"");
            for (place, word, color) in [(from, s, COLORS[0]), (to, t, COLORS[1])] {
                drawing.circle(place, 2.4, &format!("fill=\"{color}\""));
                let (anchor, dx) =
                    if place.0 > 0.75 * WIDTH { ("end", -4.0) } else { ("start", 4.0) };
                let style = format!("fill=\"{color}\" text-anchor=\"{anchor}\"");
                drawing.text((place.0 + dx, place.1 + 3.0), 9.0, &style, word);
            }
        }
        (title, drawing.finish())
    };
    let panels = titles.into_iter().zip([before.ok()?, after]).map(draw).collect();
    let picture = Picture {
        title: format!("{}, before and after", task.name()),
        caption: "Some test words with one of their translations; a line joins each pair.".into(),
        legend: vec![
            ("source words".into(), COLORS[0].into()),
            ("target words".into(), COLORS[1].into()),
        ],
        panels: Vec::new(),
    };
    Some((picture, panels))
}

/// The rows in their two first principal components; `None` where there are none.
///
/// A component's sign is the one that makes its largest coordinate positive.
fn two_components(rows: ArrayView2<'_, f32>) -> Option<Array2<f64>> {
    let mut x = rows.mapv(f64::from);
    let mean: Array1<f64> = x.mean_axis(Axis(0))?;
    x -= &mean;
    // The smaller of the two products has the same eigenvalues but for zeros.
    let wide = x.ncols() > x.nrows();
    let product = if wide { x.dot(&x.t()) } else { x.t().dot(&x) };
    let (values, vectors) = product.eigh(UPLO::Lower).ok()?;
    let n = values.len();
    let mut points = Array2::zeros((x.nrows(), 2));
    for component in 0..n.min(2) {
        let vector = vectors.column(n - 1 - component);
        let mut coordinates = match wide {
            true => &vector * values[n - 1 - component].max(0.0).sqrt(),
            false => x.dot(&vector),
        };
        let largest =
            coordinates.iter().copied().fold(0.0_f64, |a, b| if b.abs() > a.abs() { b } else { a });
        if largest < 0.0 {
            coordinates.mapv_inplace(|value| -value);
        }
        points.column_mut(component).assign(&coordinates);
    }
    Some(points)
}

/// Scaled so that the farthest point is at 1.
fn unit_scale(points: &Array2<f64>) -> Array2<f64> {
    let most = points.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    points / most.max(f64::MIN_POSITIVE)
}

fn unit_rows(mut rows: Array2<f32>) -> Array2<f32> {
    procrust_align::prepare_rows(&mut rows, &[procrust_align::RowStep::Unit]);
    rows
}

/// The part of the plane that a picture shows: nearly all points, so that one outlier does not
/// press the others together.
struct Frame {
    low: [f64; 2],
    high: [f64; 2],
}

impl Frame {
    fn around(points: &Array2<f64>) -> Self {
        let (mut low, mut high) = ([0.0; 2], [1.0; 2]);
        for axis in 0..2 {
            let mut values = points.slice(s![.., axis]).to_vec();
            values.sort_by(f64::total_cmp);
            let cut = values.len() / 200;
            let (first, last) = (values[cut], values[values.len() - 1 - cut]);
            let room = 0.04 * (last - first).max(f64::MIN_POSITIVE);
            (low[axis], high[axis]) = (first - room, last + room);
        }
        Self { low, high }
    }

    fn place(&self, points: &Array2<f64>, row: usize) -> (f64, f64) {
        let part = |axis: usize| {
            let (low, high) = (self.low[axis], self.high[axis]);
            ((points[[row, axis]] - low) / (high - low)).clamp(0.0, 1.0)
        };
        let x = MARGIN + part(0) * (WIDTH - 2.0 * MARGIN);
        let y = HEIGHT - MARGIN - part(1) * (HEIGHT - 2.0 * MARGIN);
        (x, y)
    }

    #[allow(clippy::unused_self, reason = "the frame knows how it looks")]
    fn draw(&self, drawing: &mut Drawing) {
        let style = "fill=\"#fff\" stroke=\"#ccc\"";
        drawing.rect((0.5, 0.5), (WIDTH - 1.0, HEIGHT - 1.0), style);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn components_are_those_of_greatest_spread() {
        let rows = array![[0.0_f32, 5.0, -10.0], [0.0, 5.1, 0.0], [0.0, 4.9, 10.0]];
        let points = two_components(rows.view()).unwrap();
        assert!((points[[2, 0]].abs() - 10.0).abs() < 0.01);
        assert!(points[[1, 1]].abs() < 0.2);
    }

    #[test]
    fn wide_and_tall_agree() {
        let rows = Array2::from_shape_fn((4, 6), |(i, j)| {
            f32::from(u8::try_from((i * 7 + j * j * 3) % 11).unwrap())
        });
        let wide = two_components(rows.view()).unwrap();
        let mut tall_rows = Array2::zeros((8, 6));
        tall_rows.slice_mut(s![..4, ..]).assign(&rows);
        tall_rows.slice_mut(s![4.., ..]).assign(&rows);
        let tall = two_components(tall_rows.view()).unwrap();
        for i in 0..4 {
            for c in 0..2 {
                assert!((wide[[i, c]] - tall[[i, c]]).abs() < 1e-9);
            }
        }
    }
}
