//! Pictures of lexicon plans: learning curves, and words before and after.

use ndarray::{Array2, Axis, concatenate};
use procrust_runner::{
    Column, Finished, Row, Summary,
    report::{COLORS, Figure, Picture, curve_picture},
};

use super::{
    methods::is_baseline,
    plan::LexiconPlan,
    spaces::{Spaces, Task},
};
use crate::shared::{
    scatter::{Frame, WIDTH, drawing, most_changed, two_components, unit_scale},
    spread,
};

/// Word pairs in a picture.
const WORDS: usize = 16;

/// One picture per direction of a plan with several sizes, one panel per criterion.
pub(crate) fn learning_curves(
    finished: &Finished,
    spaces: &Spaces,
    summary: &Summary,
    id: &str,
) -> Vec<Picture> {
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
            let shows = |c: &Column| c.task == task.name() && c.metric == metric;
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
            let rows: Vec<&Row> = rows.collect();
            let title = format!("{direction} {metric}, {variant}");
            let file = format!("{id}-curve-{}-{}.svg", at + 1, of + 1);
            curve_picture(&title, &rows, &sizes, "training pairs", file)
        };
        pictures.push(Picture {
            title: format!("{direction} by the number of training pairs"),
            caption: "Bars are 95 % intervals over the test words.".to_owned(),
            legend: Picture::legend_of(finished),
            panels: variants.iter().enumerate().map(panel).collect(),
        });
    }
    pictures
}

/// Words of the tasks on which the alignment changed most, before and after.
pub(crate) fn before_and_after(
    finished: &Finished,
    plan: &LexiconPlan,
    spaces: &Spaces,
    summary: &Summary,
    id: &str,
) -> Vec<Picture> {
    let seed = finished.seeds.first().copied().unwrap_or(0);
    let tasks = spaces.tasks();
    let mut pictures = Vec::new();
    for (task, method) in most_changed(finished, summary, |_, at| !is_baseline(&plan.methods[at])) {
        let label = &finished.methods[method].label;
        let Some((mut picture, panels)) = of_words(&tasks[task], method, seed, label) else {
            continue;
        };
        for ((title, svg), when) in panels.into_iter().zip(["before", "after"]) {
            let file = format!("{id}-task-{}-{when}.svg", task + 1);
            picture.panels.push(Figure { title, file, svg });
        }
        pictures.push(picture);
    }
    pictures
}

type Panels = Vec<(String, String)>;

fn of_words(task: &Task<'_>, method: usize, seed: u64, label: &str) -> Option<(Picture, Panels)> {
    let maps = task.fitted(method, seed)?;
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
    let mapped =
        [unit_rows(maps.map_source(x.view()).ok()?), unit_rows(maps.map_target(y.view()).ok()?)];
    let together = concatenate(Axis(0), &[mapped[0].view(), mapped[1].view()]).ok()?;
    let after = two_components(together.view())?;
    let titles = ["before, each space in its own components".to_owned(), format!("after {label}")];
    let draw = |(title, points): (String, Array2<f64>)| {
        let frame = Frame::around(&points);
        let mut drawing = drawing(&format!("{}: {title}", task.name()));
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

fn unit_rows(mut rows: Array2<f32>) -> Array2<f32> {
    procrust_align::prepare_rows(&mut rows, &[procrust_align::RowStep::Unit]);
    rows
}
