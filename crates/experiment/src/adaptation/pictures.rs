//! Source and target before and after an adaptation, in two principal components: the rows of the runs themselves.

use std::{
    collections::BTreeMap,
    sync::{Mutex, OnceLock, PoisonError},
};

use ndarray::{Array2, Axis, concatenate};
use procrust_runner::{
    Finding, Finished, Outcome, Run, Summary,
    report::{COLORS, Figure, Picture},
};

use super::{
    split::Split,
    task::{Adapted, Task},
};
use crate::shared::{
    scatter::{Frame, drawing, most_changed, two_components},
    spread,
};

/// Rows of each side in a picture; more would only cover each other.
const POINTS: usize = 250;

/// Some rows of one run, before and after the method, with their classes.
#[derive(Debug, Clone)]
struct Sketch {
    method: usize,
    value: f64,
    before: [Array2<f32>; 2],
    after: [Array2<f32>; 2],
    labels: [Vec<usize>; 2],
}

/// What the runs left for pictures: of every task, rows of the runs with the first seed whose first value was the
/// highest and the lowest.
#[derive(Debug, Default)]
pub(crate) struct Sketches {
    seed: OnceLock<u64>,
    of_task: Mutex<BTreeMap<usize, Vec<Sketch>>>,
}

impl Sketches {
    /// Runs with the seed of the first of these are kept.
    pub(crate) fn begin(&self, runs: &[Run]) {
        if let Some(first) = runs.first() {
            self.seed.get_or_init(|| first.seed);
        }
    }

    /// Keeps rows of a run if its first value is the highest or the lowest of its task so far.
    pub(crate) fn keep(
        &self,
        run: Run,
        task: &Task<'_>,
        split: &Split,
        adapted: &Adapted,
        findings: &[Finding],
    ) {
        let value = match findings.first().map(|finding| &finding.outcome) {
            Some(Outcome::Measured { value, .. }) => *value,
            _ => return,
        };
        if self.seed.get() != Some(&run.seed) {
            return;
        }
        let mut all = self.of_task.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = all.entry(run.task).or_default();
        let is_extreme = kept.len() < 2
            || kept.iter().all(|other| (value, other.method) > (other.value, run.method))
            || kept.iter().all(|other| (value, run.method) < (other.value, other.method));
        if !is_extreme {
            return;
        }
        kept.push(Sketch::of(run.method, value, task, split, adapted));
        kept.sort_by(|a, b| a.value.total_cmp(&b.value).then(b.method.cmp(&a.method)));
        if kept.len() > 2 {
            kept.remove(1);
        }
    }

    /// Pictures of the tasks on which a method that moves rows changed most, up or down.
    pub(crate) fn pictures(
        &self,
        finished: &Finished,
        summary: &Summary,
        tasks: &[Task<'_>],
        classes: &[String],
        id: &str,
    ) -> Vec<Picture> {
        let kept = self.of_task.lock().unwrap_or_else(PoisonError::into_inner);
        let sketch = |task: usize, method: usize| {
            kept.get(&task).and_then(|all| all.iter().find(|sketch| sketch.method == method))
        };
        let shown = |task: usize, method: usize| sketch(task, method).is_some();
        let mut pictures = Vec::new();
        for (task, method) in most_changed(finished, summary, shown) {
            let label = &finished.methods[method].label;
            let drawn = sketch(task, method).and_then(|after| after.panels(&tasks[task], label));
            let Some(panels) = drawn else { continue };
            let legend = classes.iter().enumerate().take(30);
            let color = |(at, class): (usize, &String)| {
                (class.clone(), COLORS[at % COLORS.len()].to_owned())
            };
            let figure = |((title, svg), when): ((String, String), &str)| Figure {
                title,
                file: format!("{id}-task-{}-{when}.svg", task + 1),
                svg,
            };
            pictures.push(Picture {
                title: format!("{}, before and after", tasks[task].name()),
                caption: format!(
                    "Two principal components of source and target together. Dots are the source ({}), crosses the \
                     target ({}). Colours are the classes, which the method does not see in the target.",
                    tasks[task].source.name, tasks[task].target.name
                ),
                legend: legend.map(color).collect(),
                panels: panels.into_iter().zip(["before", "after"]).map(figure).collect(),
            });
        }
        pictures
    }
}

impl Sketch {
    fn of(method: usize, value: f64, task: &Task<'_>, split: &Split, adapted: &Adapted) -> Self {
        let target = split.target.as_ref();
        let trained = split.source.as_ref().map_or(task.source.rows.nrows(), Vec::len);
        // Rows to train on are the source's; labelled target rows stand behind them.
        let source: Vec<usize> = spread(trained.min(adapted.source.nrows()), POINTS);
        let tested: Vec<usize> = spread(adapted.target.nrows(), POINTS);
        let of_source: Vec<usize> =
            source.iter().map(|&at| split.source.as_ref().map_or(at, |rows| rows[at])).collect();
        let of_target: Vec<usize> =
            tested.iter().map(|&at| target.map_or(at, |split| split.tested[at])).collect();
        let labels = |all: &[usize], rows: &[usize]| rows.iter().map(|&row| all[row]).collect();
        Self {
            method,
            value,
            before: [
                task.source.rows.select(Axis(0), &of_source),
                task.target.rows.select(Axis(0), &of_target),
            ],
            after: [
                adapted.source.select(Axis(0), &source),
                adapted.target.select(Axis(0), &tested),
            ],
            labels: [
                labels(&task.source.labels, &of_source),
                labels(&task.target.labels, &of_target),
            ],
        }
    }

    /// Titles and drawings, before and after.
    fn panels(&self, task: &Task<'_>, label: &str) -> Option<[(String, String); 2]> {
        let panel = |title: String, rows: &[Array2<f32>; 2]| {
            let svg = self.draw(rows, &format!("{}: {title}", task.name()))?;
            Some((title, svg))
        };
        Some([
            panel("before".to_owned(), &self.before)?,
            panel(format!("after {label}"), &self.after)?,
        ])
    }

    fn draw(&self, [source, target]: &[Array2<f32>; 2], title: &str) -> Option<String> {
        let both = concatenate(Axis(0), &[source.view(), target.view()]).ok()?;
        let points = two_components(both.view())?;
        let frame = Frame::around(&points);
        let mut drawing = drawing(title);
        frame.draw(&mut drawing);
        let color = |class: usize| COLORS[class % COLORS.len()];
        for (at, &class) in self.labels[0].iter().enumerate() {
            let style = format!("fill=\"{}\" fill-opacity=\"0.6\"", color(class));
            drawing.circle(frame.place(&points, at), 2.6, &style);
        }
        for (at, &class) in self.labels[1].iter().enumerate() {
            drawing.cross(frame.place(&points, source.nrows() + at), 2.6, color(class));
        }
        Some(drawing.finish())
    }
}
