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

#[cfg(test)]
mod tests {
    use std::{
        path::{Path, PathBuf},
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
    };

    use procrust_classify::classifiers;
    use procrust_runner::{
        Context, Experiment, Kind, Kinds, LoadError, Loaded, Options, PlanError, Ready, Role, Sink,
        Table, View,
    };
    use procrust_settings::{Choice, Declared};

    use super::*;
    use crate::{
        adaptation::{
            AdaptationWork,
            data::{DataPlan, ImagesPlan, SplitPlan},
            domains::{Domain, Domains},
            method::Adapt,
            methods::{NoAdaptation, adaptation_methods},
            plan::{AdaptationPlan, accuracy},
            selection::Selection,
            task::RunError,
        },
        shared::parts::Columns,
    };

    /// A method that counts its fits.
    struct Counted {
        method: Arc<dyn Adapt>,
        fits: Arc<AtomicUsize>,
    }

    impl Adapt for Counted {
        fn adapt(&self, task: &Task<'_>, split: &Split, seed: u64) -> Result<Adapted, RunError> {
            self.fits.fetch_add(1, Ordering::Relaxed);
            self.method.adapt(task, split, seed)
        }

        fn role(&self) -> Role {
            self.method.role()
        }

        fn adapts(&self) -> bool {
            self.method.adapts()
        }

        fn moves_rows(&self) -> bool {
            self.method.moves_rows()
        }
    }

    /// Two classes in 40 columns, moved and stretched in the target.
    fn domains() -> Domains {
        let domain = |name: &str, stretch: f32| {
            let value = |(row, column): (usize, usize)| {
                let noise = ((row * 37 + column * 101 + row * column) % 97) as f32 / 97.0 - 0.5;
                let class = if row % 2 == 0 { 0.4 } else { -0.4 };
                (noise + if column < 4 { class } else { 0.0 }) * (1.0 + stretch * column as f32)
            };
            let labels = (0..60).map(|row| row % 2).collect();
            Domain::new(name.to_owned(), Array2::from_shape_fn((60, 40), value), labels)
        };
        Domains {
            domains: vec![domain("a", 0.0), domain("b", 0.02)],
            classes: vec!["even".to_owned(), "odd".to_owned()],
            notes: Vec::new(),
        }
    }

    fn plan(methods: Vec<Choice<dyn Adapt>>) -> AdaptationPlan {
        AdaptationPlan {
            data: DataPlan {
                domains: Vec::new(),
                pairs: vec![(0, 1)],
                images: ImagesPlan { descriptors: vec!["hog".to_owned()], folder: PathBuf::new() },
                sentences: None,
                most_sentences: None,
                rows: Vec::new(),
                columns: Columns::None,
            },
            split: SplitPlan::default(),
            metrics: vec![accuracy()],
            classifiers: vec![classifiers().named("knn").unwrap()],
            methods,
        }
    }

    /// A plan that is made here and not read.
    #[derive(Debug, Clone)]
    struct Made(AdaptationPlan);

    impl Kind for Made {
        fn name(&self) -> &'static str {
            "made"
        }

        fn about(&self) -> &'static str {
            "made by a test"
        }

        fn read(&self, _: &mut Table, _: &Context<'_>) -> Result<Box<dyn Experiment>, PlanError> {
            Ok(Box::new(self.clone()))
        }
    }

    impl Experiment for Made {
        fn load(&self, _: Options) -> Result<Loaded, LoadError> {
            Ok(Loaded::Work(Box::new(AdaptationWork::new(self.0.clone(), domains()))))
        }
    }

    fn finished(methods: Vec<Choice<dyn Adapt>>) -> Finished {
        let kinds = Kinds::new(vec![Box::new(Made(plan(methods)))]);
        let text = "name = \"p\"\nkind = \"made\"\nseeds = [0, 1]\n";
        let plan = kinds.parse(Path::new("p.toml"), text).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let sink = Sink::create(folder.path()).unwrap();
        Ready::load(plan, Options::default()).unwrap().run(&sink, 0).unwrap()
    }

    fn pictures(finished: &Finished) -> Vec<Picture> {
        let summary = Summary::new(finished);
        finished.work.as_ref().unwrap().pictures(finished, &summary, "id")
    }

    #[test]
    fn every_method_that_moves_rows_shows_the_mapped_rows() {
        for method in adaptation_methods().every() {
            let (name, moves) = (method.to_string(), method.moves_rows());
            let finished = finished(vec![method]);
            assert_eq!(
                finished.failures(),
                0,
                "{name}: {:?}",
                View::new(&finished).map(|v| v.say())
            );
            let pictures = pictures(&finished);
            if !moves {
                assert!(pictures.is_empty(), "{name} moves no rows");
                continue;
            }
            let [picture] = pictures.as_slice() else { panic!("{name}: one picture per task") };
            let [before, after] = picture.panels.as_slice() else { panic!("{name}: two panels") };
            let marks = |svg: &str| {
                svg.split("role=\"img\"").nth(1).unwrap().split('>').skip(1).collect::<String>()
            };
            // A method that chooses may leave rows where they are, and the first principal components of principal
            // components are these themselves.
            let (_, findings) = &finished.runs[0];
            let stays = name.starts_with("pca(")
                || findings[0]
                    .evidence::<Selection>()
                    .is_some_and(|selection| selection.chosen().name == NoAdaptation::NAME);
            assert_eq!(marks(&before.svg) == marks(&after.svg), stays, "{name}: after and before");
        }
    }

    #[test]
    fn nothing_is_fitted_for_a_picture() {
        let fits = Arc::new(AtomicUsize::new(0));
        let counted = |method: Choice<dyn Adapt>| {
            let fits = Arc::clone(&fits);
            method.map(|method| Arc::new(Counted { method, fits }) as Arc<dyn Adapt>)
        };
        let family = adaptation_methods();
        let methods: Vec<Choice<dyn Adapt>> =
            ["none", "coral", "subspace(components=5)", "importance-weights(estimator=nearest)"]
                .into_iter()
                .map(|written| counted(family.written(written).unwrap()))
                .collect();
        let runs = methods.len() * 2;
        let finished = finished(methods);
        assert!(!pictures(&finished).is_empty());
        assert_eq!(fits.load(Ordering::Relaxed), runs);
    }
}
