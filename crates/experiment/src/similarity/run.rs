//! Runs plans of kind `similarity`.

use ndarray::{Array2, ArrayView1};
use procrust_align::prepare_rows;
use procrust_classify::statistics;
use procrust_datasets::DatasetError;
use procrust_neighbors::analogies;

use procrust_runner::{Finding, Metric, Outcome};

use crate::{
    shared::space::{Space, SpaceError},
    similarity::plan::{SimilarityPlan, TestPlan, TestSource, rule_name},
};

/// Why vectors or tests could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimilarityError {
    /// Word vectors could not be had.
    #[error("space `{space}`")]
    Space {
        /// The space.
        space: String,
        /// Why.
        #[source]
        cause: Box<SpaceError>,
    },
    /// A test could not be read.
    #[error("test `{test}`")]
    Test {
        /// The test.
        test: String,
        /// Why.
        #[source]
        cause: Box<DatasetError>,
    },
}

/// The spaces of a plan, prepared, and its tests.
#[derive(Debug)]
pub struct Tests {
    spaces: Vec<(String, Space, Array2<f32>)>,
    tests: Vec<(String, Questions)>,
    lowercase: bool,
}

#[derive(Debug)]
enum Questions {
    Ratings(Vec<([String; 2], f64)>),
    Analogies(Vec<[String; 4]>),
}

impl Questions {
    fn read(plan: &TestPlan, most: Option<usize>) -> Result<Self, DatasetError> {
        let most = most.unwrap_or(usize::MAX);
        Ok(match &plan.source {
            TestSource::Ratings { .. } | TestSource::EnglishRatings => {
                let pairs = match &plan.source {
                    TestSource::Ratings { path, column } => {
                        procrust_datasets::read_ratings(path, column.as_deref())?
                    }
                    _ => procrust_datasets::english_ratings()?,
                };
                let pairs = pairs.into_iter().take(most);
                Self::Ratings(pairs.map(|pair| ([pair.first, pair.second], pair.rating)).collect())
            }
            TestSource::Analogies { .. } | TestSource::EnglishAnalogies => {
                let analogies = match &plan.source {
                    TestSource::Analogies { path } => procrust_datasets::read_analogies(path)?,
                    _ => procrust_datasets::english_analogies()?,
                };
                Self::Analogies(analogies.into_iter().take(most).map(|a| a.words).collect())
            }
        })
    }

    fn len(&self) -> usize {
        match self {
            Self::Ratings(pairs) => pairs.len(),
            Self::Analogies(questions) => questions.len(),
        }
    }
}

/// The questions whose words all have vectors, as rows.
struct Known<const N: usize> {
    rows: Vec<[usize; N]>,
    /// Which questions these are.
    at: Vec<usize>,
    /// How many of them only by the lower case of a word.
    lowered: usize,
}

impl Tests {
    /// Reads and prepares the spaces and reads the tests; `most` keeps the first questions of each.
    ///
    /// # Errors
    ///
    /// A [`SimilarityError`] that names the space or test, and with it the file and the place.
    pub fn load(plan: &SimilarityPlan, most: Option<usize>) -> Result<Self, SimilarityError> {
        let mut spaces = Vec::with_capacity(plan.spaces.len());
        for space in &plan.spaces {
            let name = space.name.clone();
            let loaded = Space::load(&space.words, space.limit).map_err(|cause| {
                SimilarityError::Space { space: name.clone(), cause: Box::new(cause) }
            })?;
            let mut rows = loaded.to_matrix();
            prepare_rows(&mut rows, &plan.rows);
            spaces.push((name, loaded, rows));
        }
        let mut tests = Vec::with_capacity(plan.tests.len());
        for test in &plan.tests {
            let questions = Questions::read(test, most).map_err(|cause| SimilarityError::Test {
                test: test.name.clone(),
                cause: Box::new(cause),
            })?;
            tests.push((test.name.clone(), questions));
        }
        Ok(Self { spaces, tests, lowercase: plan.lowercase })
    }

    /// The names of the tests.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.tests.iter().map(|(name, _)| name.clone()).collect()
    }

    /// The names of the spaces.
    #[must_use]
    pub fn spaces(&self) -> Vec<String> {
        self.spaces.iter().map(|(name, ..)| name.clone()).collect()
    }

    /// What a reader of the results should know about the data.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        for (name, space, rows) in &self.spaces {
            let mut parts = Vec::new();
            for (test, questions) in &self.tests {
                let (known, lowered) = match questions {
                    Questions::Ratings(pairs) => {
                        let known = self.known(space, pairs.iter().map(|(words, _)| words));
                        (known.at.len(), known.lowered)
                    }
                    Questions::Analogies(questions) => {
                        let known = self.known(space, questions.iter());
                        (known.at.len(), known.lowered)
                    }
                };
                let mut part = format!("{known} of {} {test}", questions.len());
                if lowered > 0 {
                    part += &format!(" ({lowered} of them in lower case)");
                }
                parts.push(part);
            }
            let (count, dim) = rows.dim();
            notes.push(format!("{name}: {count} × {dim}; has vectors for {}", parts.join(", ")));
        }
        notes
    }

    fn known<'a, const N: usize>(
        &self,
        space: &Space,
        questions: impl Iterator<Item = &'a [String; N]>,
    ) -> Known<N> {
        let mut known = Known { rows: Vec::new(), at: Vec::new(), lowered: 0 };
        for (at, words) in questions.enumerate() {
            let (mut rows, mut lowered) = ([0; N], false);
            let found = words.iter().zip(&mut rows).all(|(word, row)| {
                let position = space.position(word).or_else(|| {
                    lowered |= self.lowercase;
                    self.lowercase.then(|| space.position(&word.to_lowercase())).flatten()
                });
                position.map(|position| *row = position).is_some()
            });
            if found {
                known.rows.push(rows);
                known.at.push(at);
                known.lowered += usize::from(lowered);
            }
        }
        known
    }
}

/// One run: a space on a test.
#[must_use]
pub fn run(plan: &SimilarityPlan, tests: &Tests, test: usize, space: usize) -> Vec<Finding> {
    let (_, space, rows) = &tests.spaces[space];
    let questions = &tests.tests[test].1;
    let finding = |criterion: &str, metric: &'static str, outcome: Outcome| Finding {
        criterion: Some(criterion.to_owned()),
        ..Finding::new(Metric::quality(metric), outcome)
    };
    let coverage = |known: usize| {
        let outcome =
            Outcome::measured(statistics::wilson(known, questions.len()), questions.len());
        Finding::new(Metric::coverage(), outcome)
    };
    let too_few = |needed: usize, found: usize| Outcome::Failed {
        error: format!(
            "{found} of {} questions have vectors for all their words; expected at least {needed}",
            questions.len()
        ),
    };
    match questions {
        Questions::Ratings(pairs) => {
            let known = tests.known(space, pairs.iter().map(|(words, _)| words));
            let ratings: Vec<f64> = known.at.iter().map(|&at| pairs[at].1).collect();
            let alike: Vec<f64> =
                known.rows.iter().map(|&[a, b]| cosine(rows.row(a), rows.row(b))).collect();
            let found = statistics::spearman(&alike, &ratings);
            let outcome = match known.at.len() {
                few @ 0..4 => too_few(4, few),
                n if found.value.is_nan() => Outcome::Failed {
                    error: format!("all ratings or all cosines of the {n} pairs are equal"),
                },
                n => Outcome::measured(found, n),
            };
            vec![coverage(known.at.len()), finding("cosine", "spearman", outcome)]
        }
        Questions::Analogies(questions) => {
            let known = tests.known(space, questions.iter());
            let asked: Vec<[usize; 3]> = known.rows.iter().map(|&[a, b, c, _]| [a, b, c]).collect();
            let mut findings = vec![coverage(asked.len())];
            for &rule in &plan.rules {
                let name = rule_name(rule);
                let answers = match asked.len() {
                    0 => Err(too_few(1, 0)),
                    _ => analogies(rows.view(), &asked, rule)
                        .map_err(|error| Outcome::Failed { error: error.to_string() }),
                };
                findings.push(match answers {
                    Err(outcome) => finding(name, "accuracy", outcome),
                    Ok(answers) => {
                        let right = known.rows.iter().zip(answers);
                        let items: Vec<f32> = right
                            .map(|(rows, answer)| f32::from(u8::from(rows[3] == answer as usize)))
                            .collect();
                        let right = items.iter().filter(|&&hit| hit > 0.0).count();
                        let rate = statistics::wilson(right, items.len());
                        let outcome = Outcome::measured(rate, items.len());
                        Finding { items, ..finding(name, "accuracy", outcome) }
                    }
                });
            }
            findings
        }
    }
}

/// The cosine of two rows; 0 where one is zero.
fn cosine(a: ArrayView1<'_, f32>, b: ArrayView1<'_, f32>) -> f64 {
    let (mut product, mut of_a, mut of_b) = (0.0, 0.0, 0.0);
    for (&a, &b) in a.iter().zip(b) {
        let (a, b) = (f64::from(a), f64::from(b));
        product += a * b;
        of_a += a * a;
        of_b += b * b;
    }
    let length = (of_a * of_b).sqrt();
    if length > 0.0 { product / length } else { 0.0 }
}
