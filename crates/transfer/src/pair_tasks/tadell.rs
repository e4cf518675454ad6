//! Parameters of a new task from its description.

use ndarray::ArrayView1;

use super::dictionary::{Tadell, TaskDictionary, TaskEstimate};
use super::method::{DescribedTask, NewTask, PairRows, PairTasksLearner, PairTasksMethod};
use crate::learners::linear::Learner;
use crate::sparse::SparseCoding;
use crate::{LinearScores, TransferError, Warning};

/// The penalty of the model of a learned task.
const L2: f64 = 1.0;

/// [`Tadell`] on tasks of two classes: the description gives a model of a new task, and the first
/// labels improve it.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(tag = "improvement", rename_all = "kebab-case", deny_unknown_fields),
    schemars(extend("default" = {"improvement": "biased"}))
)]
#[non_exhaustive]
pub enum DescribedTasks {
    /// First labels improve the model by ridge regression that is drawn towards it.
    Biased {
        /// Columns of the dictionaries.
        #[cfg_attr(
            feature = "settings",
            schemars(range(min = 1)),
            serde(default = "usual::atoms")
        )]
        atoms: usize,
        /// The penalty on codes.
        #[cfg_attr(
            feature = "settings",
            schemars(extend("minimum" = 0.0)),
            serde(default = "usual::penalty")
        )]
        penalty: f64,
        /// What a description weighs against the parameters.
        #[cfg_attr(
            feature = "settings",
            schemars(extend("exclusiveMinimum" = 0.0)),
            serde(default = "usual::one")
        )]
        description_weight: f64,
        /// Tasks that are learned at most; `"all"` of them by default.
        #[cfg_attr(
            feature = "settings",
            serde(default, with = "procrust_settings::or_all"),
            schemars(with = "procrust_settings::OrAll<usize>", extend("minimum" = 1))
        )]
        tasks: Option<usize>,
        /// Strength of the pull towards the model of the description.
        #[cfg_attr(
            feature = "settings",
            schemars(extend("exclusiveMinimum" = 0.0)),
            serde(default = "usual::one")
        )]
        l2: f64,
    },
    /// First labels improve the model by a code of the description and the rows together.
    Code {
        /// Columns of the dictionaries.
        #[cfg_attr(
            feature = "settings",
            schemars(range(min = 1)),
            serde(default = "usual::atoms")
        )]
        atoms: usize,
        /// The penalty on codes.
        #[cfg_attr(
            feature = "settings",
            schemars(extend("minimum" = 0.0)),
            serde(default = "usual::penalty")
        )]
        penalty: f64,
        /// What a description weighs against the parameters.
        #[cfg_attr(
            feature = "settings",
            schemars(extend("exclusiveMinimum" = 0.0)),
            serde(default = "usual::one")
        )]
        description_weight: f64,
        /// Tasks that are learned at most; `"all"` of them by default.
        #[cfg_attr(
            feature = "settings",
            serde(default, with = "procrust_settings::or_all"),
            schemars(with = "procrust_settings::OrAll<usize>", extend("minimum" = 1))
        )]
        tasks: Option<usize>,
    },
}

/// Settings unless others are given.
mod usual {
    pub(super) fn atoms() -> usize {
        8
    }

    pub(super) fn penalty() -> f64 {
        0.01
    }

    pub(super) fn one() -> f64 {
        1.0
    }
}

impl DescribedTasks {
    /// Eight atoms, a penalty of 0.01, and codes of description and rows together.
    #[must_use]
    pub fn by_code() -> Self {
        let (atoms, penalty) = (usual::atoms(), usual::penalty());
        Self::Code { atoms, penalty, description_weight: usual::one(), tasks: None }
    }
}

impl Default for DescribedTasks {
    /// Eight atoms, a penalty of 0.01, and ridge regression with a pull of 1.
    fn default() -> Self {
        let (atoms, penalty, one) = (usual::atoms(), usual::penalty(), usual::one());
        Self::Biased { atoms, penalty, description_weight: one, tasks: None, l2: one }
    }
}

#[cfg(feature = "settings")]
procrust_settings::declare!(DescribedTasks, "tadell", [Self::default(), Self::by_code()]);

struct Fit {
    dictionary: TaskDictionary,
    /// Rows of a learned task on average.
    usual_rows: f64,
    /// The pull; `None` for codes.
    l2: Option<f64>,
    warnings: Vec<Warning>,
}

impl PairTasksMethod for DescribedTasks {
    fn learn(
        &self,
        tasks: &mut dyn Iterator<Item = DescribedTask>,
        seed: u64,
    ) -> Result<Box<dyn PairTasksLearner>, TransferError> {
        let (atoms, penalty, description_weight, most, l2) = match *self {
            Self::Biased { atoms, penalty, description_weight, tasks, l2 } => {
                (atoms, penalty, description_weight, tasks, Some(l2))
            }
            Self::Code { atoms, penalty, description_weight, tasks } => {
                (atoms, penalty, description_weight, tasks, None)
            }
        };
        let coding = SparseCoding::new(penalty);
        let settings = Tadell { atoms, description_weight, coding, seed, ..Default::default() };
        let mut learned: Option<TaskDictionary> = None;
        let (mut warnings, mut rows, mut count) = (Vec::new(), 0, 0_u32);
        for task in tasks.take(most.unwrap_or(usize::MAX)) {
            let DescribedTask { rows: PairRows { x, labels }, description } = task;
            let dictionary = match &mut learned {
                Some(dictionary) => dictionary,
                None => learned.insert(settings.start(x.ncols() + 1, description.len())?),
            };
            let estimate = TaskEstimate::of_two_classes(x.view(), &labels, L2)?;
            let (_, said) = dictionary.learn(
                estimate.parameters(),
                estimate.curvature(),
                description.view(),
            )?;
            warnings.extend(estimate.warnings().iter().cloned().chain(said));
            rows += labels.len();
            count += 1;
        }
        let missing = TransferError::Empty { what: "tasks to learn", rows: 0, columns: 0 };
        let dictionary = learned.ok_or(missing)?;
        Ok(Box::new(Fit { dictionary, usual_rows: rows as f64 / f64::from(count), l2, warnings }))
    }
}

impl Fit {
    fn improved(
        &self,
        few: &PairRows,
        described: &LinearScores,
        description: ArrayView1<'_, f64>,
    ) -> Result<LinearScores, TransferError> {
        if let Some(l2) = self.l2 {
            return few.fit(Learner::Ridge, l2, Some(described));
        }
        let estimate = TaskEstimate::of_two_classes(few.x.view(), &few.labels, L2)?;
        // A row weighs what a row of a learned task does.
        let curvature = estimate.curvature() * (few.labels.len() as f64 / self.usual_rows);
        let both = self.dictionary.improve(estimate.parameters(), &curvature, description)?;
        LinearScores::of_two_classes(both.view())
    }
}

impl PairTasksLearner for Fit {
    fn fit(&self, task: &NewTask<'_>) -> Result<Option<LinearScores>, TransferError> {
        let parameters = self.dictionary.predict(task.description)?;
        let described = LinearScores::of_two_classes(parameters.view())?;
        if task.few.labels.is_empty() {
            return Ok(Some(described));
        }
        self.improved(task.few, &described, task.description).map(Some)
    }

    fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}
