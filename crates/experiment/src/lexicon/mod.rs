//! Runs plans of kind `lexicon`.

mod pairs;

use std::time::Instant;

use ndarray::{Array1, Array2, ArrayView2, Axis};
use procrust_align::{
    AffineMap, AlignError, AlignPaired, Alignment, LeastSquares, Procrustes, Ridge, prepare_rows,
};
use procrust_classify::statistics;
use procrust_neighbors::{Csls, Metric, Neighbors, NeighborsError, top_k};

pub use pairs::{PairsError, Queries, WordPair, read_pairs};

use crate::{
    plan::{Criterion, LexiconMethod, LexiconPlan, WordPairs},
    results::Outcome,
    run::Finding,
    space::{Space, SpaceError},
};

/// Why a lexicon plan's data could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LexiconError {
    /// Word vectors could not be had.
    #[error(transparent)]
    Space(#[from] SpaceError),
    /// A lexicon could not be used.
    #[error(transparent)]
    Pairs(#[from] PairsError),
    /// More answers asked for than there are candidates.
    #[error("at = {at}: the vocabulary of `{name}` has only {words} words")]
    At {
        /// The largest k of the plan.
        at: usize,
        /// The space.
        name: String,
        /// Its words.
        words: usize,
    },
    /// More neighbours asked for than there are words.
    #[error("csls_k = {k}: the vocabulary of `{name}` has only {words} words")]
    CslsK {
        /// The plan's `csls_k`.
        k: usize,
        /// The space.
        name: String,
        /// Its words.
        words: usize,
    },
}

/// Both spaces, prepared, and the pairs of every direction.
#[derive(Debug)]
pub struct Spaces {
    names: [String; 2],
    words: [Vec<String>; 2],
    rows: [Array2<f32>; 2],
    directions: Vec<Direction>,
}

/// Everything that one direction needs, as rows.
#[derive(Debug)]
pub struct Direction {
    /// 0 where the plan's source is the source, 1 where its target is.
    side: usize,
    train: Vec<(usize, usize)>,
    /// The test words.
    pub queries: Queries,
}

/// One task: a direction of translation.
#[derive(Debug, Clone, Copy)]
pub struct Task<'a> {
    /// Source rows.
    pub source: ArrayView2<'a, f32>,
    /// Target rows.
    pub target: ArrayView2<'a, f32>,
    /// Source words.
    pub source_words: &'a [String],
    /// Target words.
    pub target_words: &'a [String],
    /// The pairs.
    pub direction: &'a Direction,
    names: [&'a str; 2],
}

impl Spaces {
    /// Reads and prepares both spaces and finds the lexicon's words in them; `most_queries`
    /// keeps the first test words.
    ///
    /// # Errors
    ///
    /// A [`LexiconError`] that names the file and the place in it.
    pub fn load(plan: &LexiconPlan, most_queries: Option<usize>) -> Result<Self, LexiconError> {
        let spaces = [
            Space::load(&plan.source.words, plan.source.limit)?,
            Space::load(&plan.target.words, plan.target.limit)?,
        ];
        let sides = [Some(&plan.forward), plan.reverse.as_ref()];
        let mut directions = Vec::new();
        for (side, pairs) in sides.into_iter().enumerate() {
            let Some(WordPairs { train, test }) = pairs else { continue };
            let (source, target) = (&spaces[side], &spaces[1 - side]);
            let train = pairs::in_vocabulary(&read_pairs(train, true)?, train, source, target)?;
            let mut asked = read_pairs(test, false)?;
            if let Some(most) = most_queries {
                pairs::keep_first_words(&mut asked, most);
            }
            let queries = Queries::find(&asked, test, source, target)?;
            directions.push(Direction { side, train, queries });
        }
        let names = [plan.source.name.clone(), plan.target.name.clone()];
        let most = plan.at.iter().copied().max().unwrap_or(1);
        for (name, space) in names.iter().zip(&spaces) {
            let words = space.words().len();
            let (name, words) = (name.clone(), words);
            if most > words {
                return Err(LexiconError::At { at: most, name, words });
            }
            if plan.csls_k > words && plan.criteria.contains(&Criterion::Csls) {
                return Err(LexiconError::CslsK { k: plan.csls_k, name, words });
            }
        }
        let words = [spaces[0].words().to_vec(), spaces[1].words().to_vec()];
        let rows = spaces.map(|space| {
            let mut rows = space.to_matrix();
            prepare_rows(&mut rows, &plan.rows);
            rows
        });
        Ok(Self { names, words, rows, directions })
    }

    /// The tasks, one a direction.
    #[must_use]
    pub fn tasks(&self) -> Vec<Task<'_>> {
        self.directions.iter().map(|direction| self.task(direction)).collect()
    }

    fn task<'a>(&'a self, direction: &'a Direction) -> Task<'a> {
        let (s, t) = (direction.side, 1 - direction.side);
        Task {
            source: self.rows[s].view(),
            target: self.rows[t].view(),
            source_words: &self.words[s],
            target_words: &self.words[t],
            direction,
            names: [&self.names[s], &self.names[t]],
        }
    }

    /// What a reader of the results should know about the data.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let note = |task: &Task<'_>| {
            format!(
                "{}: {} × {} to {} × {}; {} training pairs and {} of {} test words in both \
                 vocabularies",
                task.name(),
                task.source.nrows(),
                task.source.ncols(),
                task.target.nrows(),
                task.target.ncols(),
                task.direction.train.len(),
                task.direction.queries.rows.len(),
                task.direction.queries.listed
            )
        };
        self.tasks().iter().map(note).collect()
    }
}

impl Task<'_> {
    /// `source>target`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}>{}", self.names[0], self.names[1])
    }

    /// Fits a method on the training pairs; gives the alignment and the seconds it took.
    ///
    /// # Errors
    ///
    /// Whatever stands in the way of the fit.
    pub fn fit(&self, method: &LexiconMethod) -> Result<(Alignment, Option<f64>), AlignError> {
        let rows = |side: usize| -> Vec<usize> {
            let row = |&(source, target): &(usize, usize)| [source, target][side];
            self.direction.train.iter().map(row).collect()
        };
        let x = self.source.select(Axis(0), &rows(0));
        let y = self.target.select(Axis(0), &rows(1));
        let started = Instant::now();
        let alignment = match *method {
            LexiconMethod::None => {
                let identity = pad(self.source.ncols(), self.target.ncols())?;
                return Ok((identity, None));
            }
            LexiconMethod::Procrustes => Procrustes::default().fit(x.view(), y.view())?,
            LexiconMethod::LeastSquares => LeastSquares::default().fit(x.view(), y.view())?,
            LexiconMethod::Ridge { regularization } => {
                Ridge { lambda: regularization, ..Ridge::default() }.fit(x.view(), y.view())?
            }
        };
        Ok((alignment, Some(started.elapsed().as_secs_f64())))
    }
}

/// No alignment: coordinates as they are, the shorter rows padded with zeros.
fn pad(source: usize, target: usize) -> Result<Alignment, AlignError> {
    let shared = source.max(target);
    let side = |dim: usize| {
        let eye = Array2::from_shape_fn((dim, shared), |(i, j)| f64::from(u8::from(i == j)));
        AffineMap::new(Array1::zeros(dim), eye, Array1::zeros(shared))
    };
    Alignment::new(side(source)?, side(target)?)
}

/// The best candidates of every query under one criterion.
fn answers(
    plan: &LexiconPlan,
    criterion: Criterion,
    source: ArrayView2<'_, f32>,
    target: ArrayView2<'_, f32>,
    queries: ArrayView2<'_, f32>,
) -> Result<Neighbors, NeighborsError> {
    let most = plan.at.iter().copied().max().unwrap_or(1);
    match criterion {
        Criterion::Cosine => top_k(queries, target, most, Metric::Cosine),
        Criterion::Csls => Csls::new(source, target, plan.csls_k)?.top_k(queries, most),
    }
}

/// One run: a method on a task, measured under every criterion of the plan.
#[must_use]
pub fn run(plan: &LexiconPlan, task: &Task<'_>, method: usize) -> Vec<Finding> {
    let queries = &task.direction.queries;
    let finding = |criterion: Option<Criterion>, metric: String| Finding {
        classifier: None,
        criterion: criterion.map(|criterion| criterion.name().to_owned()),
        metric,
        outcome: Outcome::Failed { error: String::new() },
        items: Vec::new(),
        fit_seconds: None,
        warnings: Vec::new(),
    };
    let metrics: Vec<String> = plan.at.iter().map(|k| format!("p@{k}")).collect();
    let every = |error: String| -> Vec<Finding> {
        let criteria = plan.criteria.iter();
        let all = criteria.flat_map(|&c| metrics.iter().map(move |m| (c, m.clone())));
        all.map(|(criterion, metric)| Finding {
            outcome: Outcome::Failed { error: error.clone() },
            ..finding(Some(criterion), metric)
        })
        .collect()
    };
    let mapped = || -> Result<_, AlignError> {
        let (alignment, seconds) = task.fit(&plan.methods[method])?;
        let source = alignment.source().apply(task.source)?;
        let target = alignment.target().apply(task.target)?;
        let warnings = alignment.warnings().iter().map(ToString::to_string).collect();
        Ok((source, target, seconds, warnings))
    };
    let (source, target, fit_seconds, warnings): (_, _, _, Vec<String>) = match mapped() {
        Ok(mapped) => mapped,
        Err(error) => return every(error.to_string()),
    };
    let rows: Vec<usize> = queries.rows.iter().map(|(row, _)| *row).collect();
    let asked = source.select(Axis(0), &rows);

    let mut findings = vec![Finding {
        outcome: Outcome::measured(
            statistics::wilson(queries.rows.len(), queries.listed),
            queries.listed,
        ),
        ..finding(None, "coverage".to_owned())
    }];
    for &criterion in &plan.criteria {
        let found = answers(plan, criterion, source.view(), target.view(), asked.view());
        for (&k, metric) in plan.at.iter().zip(&metrics) {
            let mut finding = finding(Some(criterion), metric.clone());
            match &found {
                Err(error) => finding.outcome = Outcome::Failed { error: error.to_string() },
                Ok(found) => {
                    finding.items = hits(queries, found, k);
                    let right = finding.items.iter().filter(|&&hit| hit > 0.0).count();
                    let n = finding.items.len();
                    finding.outcome = Outcome::measured(statistics::wilson(right, n), n);
                }
            }
            finding.fit_seconds = fit_seconds;
            finding.warnings.clone_from(&warnings);
            findings.push(finding);
        }
    }
    findings
}

/// For each query, 1 where one of its translations is among the first `k` answers.
fn hits(queries: &Queries, found: &Neighbors, k: usize) -> Vec<f32> {
    let answers = found.indices.outer_iter();
    let hit = |((_, right), answers): (&(usize, Vec<usize>), ndarray::ArrayView1<'_, u32>)| {
        let hit = answers.iter().take(k).any(|&answer| right.contains(&(answer as usize)));
        f32::from(u8::from(hit))
    };
    queries.rows.iter().zip(answers).map(hit).collect()
}
