//! Plans of kind `similarity`: what word vectors know of words.

use std::path::{Path, PathBuf};

use procrust_align::RowStep;
use procrust_neighbors::AnalogyRule;

use procrust_runner::{Place, PlanError, Table, at_least_one, existing, unknown};

use crate::{lexicon::plan::SpacePlan, shared::parts::row_steps};

/// An experiment that asks word vectors how alike words are, and for analogies.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SimilarityPlan {
    /// The vectors that are compared.
    pub spaces: Vec<SpacePlan>,
    /// What is done to each space's rows, in order.
    pub rows: Vec<RowStep>,
    /// The tests.
    pub tests: Vec<TestPlan>,
    /// How candidates of analogies are scored.
    pub rules: Vec<AnalogyRule>,
    /// Whether a word without a vector is looked for in lower case.
    pub lowercase: bool,
}

/// One test.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TestPlan {
    /// Its name, the task in results.
    pub name: String,
    /// Its questions.
    pub source: TestSource,
}

/// Where a test's questions come from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TestSource {
    /// A file of pairs with ratings.
    Ratings {
        /// Where it is.
        path: PathBuf,
        /// The column of the ratings; the first number after the words when `None`.
        column: Option<String>,
    },
    /// A file of analogies.
    Analogies {
        /// Where it is.
        path: PathBuf,
    },
    /// Pairs of English words with ratings, shipped.
    EnglishRatings,
    /// English analogies, shipped.
    EnglishAnalogies,
}

/// The word for a rule in plans and results.
#[must_use]
pub fn rule_name(rule: AnalogyRule) -> &'static str {
    match rule {
        AnalogyRule::Multiply => "3cosmul",
        _ => "3cosadd",
    }
}

impl SimilarityPlan {
    pub(crate) fn parse(folder: &Path, table: &mut Table) -> Result<Self, PlanError> {
        let tables = table.tables("space")?;
        at_least_one(table, &tables, "space")?;
        let mut spaces: Vec<SpacePlan> = Vec::with_capacity(tables.len());
        for table in tables {
            let place = table.place();
            let space = SpacePlan::parse(folder, table)?;
            if spaces.iter().any(|other| other.name == space.name) {
                return Err(place.error(format!("two spaces are called `{}`", space.name)));
            }
            spaces.push(space);
        }

        let mut rows = Vec::new();
        if let Some(mut prepare) = table.table("prepare")? {
            rows = row_steps(&mut prepare)?;
            prepare.finish()?;
        }
        let mut rules = vec![AnalogyRule::Add, AnalogyRule::Multiply];
        let mut lowercase = true;
        if let Some(mut retrieval) = table.table("retrieval")? {
            if let Some(named) = retrieval.texts("criteria")? {
                rules = named.iter().map(rule).collect::<Result<_, _>>()?;
                if rules.is_empty() {
                    return Err(retrieval.error("criteria: the list is empty"));
                }
            }
            lowercase = retrieval.flag("lowercase")?.unwrap_or(true);
            retrieval.finish()?;
        }

        let tables = table.tables("test")?;
        at_least_one(table, &tables, "test")?;
        let mut tests: Vec<TestPlan> = Vec::with_capacity(tables.len());
        for table in tables {
            let place = table.place();
            let test = TestPlan::parse(folder, table)?;
            if tests.iter().any(|other| other.name == test.name) {
                return Err(place.error(format!("two tests are called `{}`", test.name)));
            }
            tests.push(test);
        }
        Ok(Self { spaces, rows, tests, rules, lowercase })
    }
}

fn rule((name, place): &(String, Place)) -> Result<AnalogyRule, PlanError> {
    match name.as_str() {
        "3cosadd" => Ok(AnalogyRule::Add),
        "3cosmul" => Ok(AnalogyRule::Multiply),
        other => Err(place.error(unknown("criteria: criterion", other, &["3cosadd", "3cosmul"]))),
    }
}

impl TestPlan {
    fn parse(folder: &Path, mut table: Table) -> Result<Self, PlanError> {
        const DATASETS: [(&str, TestSource); 2] = [
            ("english-ratings", TestSource::EnglishRatings),
            ("english-analogies", TestSource::EnglishAnalogies),
        ];
        let name = table.optional_text("name")?.map(|(name, _)| name);
        let keys = [
            table.optional_text("ratings")?,
            table.optional_text("analogies")?,
            table.optional_text("dataset")?,
        ];
        let (source, default_name) = match keys {
            [Some(ratings), None, None] => {
                let path = existing(folder, &ratings)?;
                let column = table.optional_text("column")?.map(|(column, _)| column);
                (TestSource::Ratings { path, column }, ratings.0)
            }
            [None, Some(analogies), None] => {
                (TestSource::Analogies { path: existing(folder, &analogies)? }, analogies.0)
            }
            [None, None, Some((dataset, place))] => {
                let known = DATASETS.map(|(name, _)| name);
                let found = DATASETS.into_iter().find(|(name, _)| *name == dataset);
                let (_, source) =
                    found.ok_or_else(|| place.error(unknown("dataset", &dataset, &known)))?;
                (source, dataset)
            }
            _ => {
                let message = "[[test]]: expected one of `ratings`, `analogies` and `dataset`";
                return Err(table.error(message));
            }
        };
        table.finish()?;
        Ok(Self { name: name.unwrap_or(default_name), source })
    }
}
