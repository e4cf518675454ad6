use std::{any::Any, error::Error, fmt::Debug};

use procrust_settings::{Choice, Settings, labels};
use serde_json::Value;

use crate::{
    Context, Finding, Finished, Options, PlanError, Progress, Ready, Run, Summary, Table,
    report::Picture,
    summary::{SideTable, View, sentences_of_rows},
    variant,
};

/// Why a plan's data could not be used: the file, the place, what was expected and what was found.
pub type LoadError = Box<dyn Error + Send + Sync>;

/// A kind of plan.
pub trait Kind: Send + Sync {
    /// The word for it in plan files and results.
    fn name(&self) -> &'static str;

    /// What an experiment of this kind measures, in a sentence.
    fn about(&self) -> &'static str;

    /// The tables of plan files that name members of families: their key, such as `method`, and the JSON schema of one
    /// table.
    fn tables(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    /// Reads the keys that only this kind has.
    ///
    /// # Errors
    ///
    /// A [`PlanError`] with file, line and column.
    fn read(
        &self,
        table: &mut Table,
        context: &Context<'_>,
    ) -> Result<Box<dyn Experiment>, PlanError>;
}

/// What a plan of some kind asks for, read and checked.
pub trait Experiment: Any + Debug + Send + Sync {
    /// Reads and prepares the data.
    ///
    /// # Errors
    ///
    /// A [`LoadError`] with the file and the place of whatever cannot be used.
    fn load(&self, options: Options) -> Result<Loaded, LoadError>;
}

/// What a plan's runs need, in memory.
#[derive(Debug)]
pub enum Loaded {
    /// Tasks and methods, run in parallel.
    Work(Box<dyn Work>),
    /// Several plans that run one after another and are summed up together.
    Parts(Vec<Ready>, Box<dyn Together>),
}

/// A method as tables and results name it.
#[derive(Debug, Clone, PartialEq)]
pub struct MethodRow {
    /// Its label in tables: the name, and the settings that tell it from others of the same name.
    pub label: String,
    /// Its name in results.
    pub name: String,
    /// Its settings, all of them.
    pub settings: Settings,
    /// What it is compared as.
    pub role: Role,
}

/// What a method is compared as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// No adaptation: what others are compared with.
    Baseline,
    /// A method that competes.
    Competitor,
    /// A bound that has seen target labels and does not compete.
    UpperBound,
}

impl MethodRow {
    /// Rows for the members of a family, each with its role.
    #[must_use]
    pub fn of_choices<T: ?Sized>(
        choices: &[Choice<T>],
        role: impl Fn(&Choice<T>) -> Role,
    ) -> Vec<Self> {
        let row = |(choice, label): (&Choice<T>, String)| Self {
            label,
            name: choice.name().to_owned(),
            settings: choice.settings().clone(),
            role: role(choice),
        };
        choices.iter().zip(labels(choices)).map(row).collect()
    }
}

/// What the results say beside the table.
#[derive(Debug, Clone, Default)]
pub struct Said {
    /// What transfer gained or lost, in words.
    pub sentences: Vec<String>,
    /// What a reader should know about the runs.
    pub notes: Vec<String>,
    /// Tables beside the results.
    pub tables: Vec<SideTable>,
}

/// A plan's tasks and methods with their data, ready to be run.
pub trait Work: Debug + Send + Sync {
    /// The names of the tasks.
    fn tasks(&self) -> Vec<String>;

    /// The methods.
    fn methods(&self) -> Vec<MethodRow>;

    /// What the numbers are: `accuracy in %`.
    fn caption(&self) -> String;

    /// What a reader should know about the data.
    fn notes(&self) -> Vec<String>;

    /// One run. A run that fails is a finding with an error.
    fn run(&self, run: Run, progress: &Progress) -> Vec<Finding>;

    /// Whether a run applies: a method that needs pairs does not run on a task without any.
    fn includes(&self, _run: Run) -> bool {
        true
    }

    /// Called once before the runs, with all of them. Computes what several of them need, unless each runs alone and
    /// is timed.
    fn prepare(&self, _runs: &[Run], _alone: bool) {}

    /// Sentences that these runs train models on at most, where training takes the time.
    fn sentences(&self, _runs: &[Run]) -> Option<usize> {
        None
    }

    /// What the runs with several seeds say about each other, after the last run.
    fn closing_notes(&self, _seeds: &[u64]) -> Vec<String> {
        Vec::new()
    }

    /// The row and the column of the table that a finding belongs to: its variant, and its metric.
    fn position(&self, finding: &Finding) -> (String, String) {
        (variant(finding), finding.metric.name().to_owned())
    }

    /// What the results say beside the table.
    fn say(&self, view: &View<'_>) -> Said {
        let rows = view.rows();
        let sentences = view.reference_label().map_or_else(Vec::new, |reference| {
            sentences_of_rows(&rows, &view.columns, reference, view.variants.len())
        });
        Said { sentences, ..Said::default() }
    }

    /// Pictures for the report, of what the runs left behind; `id` begins the names of their files.
    fn pictures(&self, _finished: &Finished, _summary: &Summary, _id: &str) -> Vec<Picture> {
        Vec::new()
    }
}

/// How the results of several plans are summed up together.
pub trait Together: Debug + Send + Sync {
    /// The summary of all parts.
    fn summary(&self, finished: &Finished) -> Summary;

    /// Pictures for the report; `id` begins the names of their files.
    fn pictures(&self, finished: &Finished, id: &str) -> Vec<Picture>;
}
