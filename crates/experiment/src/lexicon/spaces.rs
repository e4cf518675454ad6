//! The spaces and word pairs of a lexicon plan, and its runs.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use ndarray::{Array2, ArrayView2};
use procrust_align::{
    AlignError, Alignment, Diagnosis, LearnMaps, MapRows, PairedSpaces, prepare_rows,
};
use procrust_settings::Choice;

use super::fit::{Diagnosed, Fitted, fit};
use procrust_runner::Finding;

use super::measure::Retrieval;
use super::pairs::{self, PairsError, Queries, read_pairs};
use crate::{
    lexicon::{
        plan::{Criterion, LexiconPlan, WordPairs},
        rank_metric::RankMetric,
    },
    shared::space::{Space, SpaceError},
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
    /// More training pairs asked for than there are.
    #[error("sizes: {size} training pairs of {name}, but only {pairs} are in both vocabularies")]
    Size {
        /// The largest of the plan's sizes.
        size: usize,
        /// Both spaces.
        name: String,
        /// The pairs.
        pairs: usize,
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
    sizes: Vec<Option<usize>>,
    fitted: Mutex<BTreeMap<Fit, Arc<dyn MapRows>>>,
}

/// Side of the source, number of training pairs, method and seed.
type Fit = (usize, Option<usize>, usize, u64);

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
    /// The direction that it belongs to.
    pub direction: &'a Direction,
    /// The training pairs, as rows.
    pub pairs: &'a [(usize, usize)],
    size: Option<usize>,
    names: [&'a str; 2],
    fitted: &'a Mutex<BTreeMap<Fit, Arc<dyn MapRows>>>,
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
            let train = pairs::training(train, source, target)?;
            if let Some(&Some(size)) = plan.sizes.iter().max()
                && size > train.len()
            {
                let name = format!("{} to {}", plan.source.name, plan.target.name);
                return Err(LexiconError::Size { size, name, pairs: train.len() });
            }
            let mut asked = read_pairs(test, false)?;
            if let Some(most) = most_queries {
                pairs::keep_first_words(&mut asked, most);
            }
            let queries = Queries::find(&asked, test, source, target)?;
            directions.push(Direction { side, train, queries });
        }
        let names = [plan.source.name.clone(), plan.target.name.clone()];
        let most = RankMetric::most_asked(&plan.metrics);
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
        let (sizes, fitted) = (plan.sizes.clone(), Mutex::default());
        Ok(Self { names, words, rows, directions, sizes, fitted })
    }

    /// The tasks, one a direction and number of training pairs.
    #[must_use]
    pub fn tasks(&self) -> Vec<Task<'_>> {
        let sized = |direction| self.sizes.iter().map(move |&size| self.task(direction, size));
        self.directions.iter().flat_map(sized).collect()
    }

    fn task<'a>(&'a self, direction: &'a Direction, size: Option<usize>) -> Task<'a> {
        let (s, t) = (direction.side, 1 - direction.side);
        Task {
            source: self.rows[s].view(),
            target: self.rows[t].view(),
            source_words: &self.words[s],
            target_words: &self.words[t],
            direction,
            pairs: &direction.train[..size.unwrap_or(direction.train.len())],
            size,
            names: [&self.names[s], &self.names[t]],
            fitted: &self.fitted,
        }
    }

    /// What a reader of the results should know about the data.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let note = |task: &Task<'_>| {
            format!(
                "{}: {} × {} to {} × {}; {} training pairs and {} of {} test words in both \
                 vocabularies",
                task.direction_name(),
                task.source.nrows(),
                task.source.ncols(),
                task.target.nrows(),
                task.target.ncols(),
                task.direction.train.len(),
                task.direction.queries.rows.len(),
                task.direction.queries.listed
            )
        };
        self.directions.iter().map(|direction| note(&self.task(direction, None))).collect()
    }
}

impl Direction {
    /// 0 where the plan's source is translated from, 1 where its target is.
    #[must_use]
    pub fn side(&self) -> usize {
        self.side
    }
}

impl Task<'_> {
    /// `source>target`, with the number of training pairs where it is not all of them.
    #[must_use]
    pub fn name(&self) -> String {
        match self.size {
            None => self.direction_name(),
            Some(size) => format!("{} {size} pairs", self.direction_name()),
        }
    }

    /// `source>target`.
    #[must_use]
    pub fn direction_name(&self) -> String {
        format!("{}>{}", self.names[0], self.names[1])
    }

    /// Fits a method on the training pairs; gives the alignment and the seconds it took.
    ///
    /// # Errors
    ///
    /// Whatever stands in the way of the fit.
    pub fn fit(&self, method: &Choice<dyn LearnMaps>, seed: u64) -> Result<Fitted, AlignError> {
        let pairs = self.pairs;
        fit(method, &PairedSpaces { source: self.source, target: self.target, pairs, seed })
    }

    /// What [`run`] fitted, if it did.
    #[must_use]
    pub fn fitted(&self, method: usize, seed: u64) -> Option<Arc<dyn MapRows>> {
        let all = self.fitted.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&(self.direction.side, self.size, method, seed)).cloned()
    }

    /// For every method that learns without pairs, how far its runs with several seeds agree.
    pub(crate) fn agreements(&self, plan: &LexiconPlan, seeds: &[u64]) -> Vec<(usize, String)> {
        let mut all = Vec::new();
        for (method, settings) in plan.methods.iter().enumerate() {
            if !settings.is_unsupervised(!self.pairs.is_empty()) {
                continue;
            }
            let runs: Vec<_> = seeds.iter().filter_map(|&s| self.fitted(method, s)).collect();
            let runs: Vec<&Alignment> = runs.iter().filter_map(|maps| maps.alignment()).collect();
            if let Ok(share) = Diagnosis::agreement_of(&runs, self.source, self.target) {
                all.push((
                    method,
                    format!(
                        "on {} the runs of {} seeds give the same translation for {:.0} % of the \
                         frequent words",
                        self.name(),
                        runs.len(),
                        100.0 * share
                    ),
                ));
            }
        }
        all
    }

    fn keep(&self, method: usize, seed: u64, maps: Arc<dyn MapRows>) {
        let mut all = self.fitted.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert((self.direction.side, self.size, method, seed), maps);
    }
}

/// One run: a method on a task, measured under every criterion of the plan.
#[must_use]
pub fn run(plan: &LexiconPlan, task: &Task<'_>, method: usize, seed: u64) -> Vec<Finding> {
    let retrieval =
        Retrieval { criteria: &plan.criteria, csls_k: plan.csls_k, metrics: &plan.metrics };
    let mapped = || -> Result<_, AlignError> {
        let fitted = task.fit(&plan.methods[method], seed)?;
        let started = Instant::now();
        let source = fitted.learned.maps.map_source(task.source)?;
        let target = fitted.learned.maps.map_target(task.target)?;
        Ok((source, target, fitted, started.elapsed().as_secs_f64()))
    };
    match mapped() {
        Err(error) => retrieval.failed(&error.to_string()),
        Ok((source, target, fitted, apply_seconds)) => {
            let queries = &task.direction.queries;
            let mut findings = retrieval.measure(source.view(), target.view(), queries);
            for finding in &mut findings {
                finding.fit_seconds = fitted.seconds;
                finding.apply_seconds = fitted.seconds.and(Some(apply_seconds));
                finding.warnings.clone_from(&fitted.warnings);
                finding.remarks.clone_from(&fitted.remarks);
                if let Some(diagnosis) = &fitted.diagnosis {
                    finding.evidence.push(Arc::new(Diagnosed(diagnosis.clone())));
                }
            }
            task.keep(method, seed, fitted.learned.maps);
            findings
        }
    }
}
