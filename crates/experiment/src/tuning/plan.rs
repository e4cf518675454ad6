//! Encoders trained on: what plans of learning curves and of spans share, and the former.

use std::path::{Path, PathBuf};

use procrust_text::FineTune;
use serde_json::json;

use procrust_runner::{MethodRow, Place, PlanError, Role, Table, unknown};

use crate::{
    adaptation::data::DataPlan,
    shared::{
        encoder::EncoderPlan,
        encoders::{beside, encoders},
        parts::{Columns, Labelled, Settings, method_rows, methods},
    },
};

/// What becomes of an encoder and the head upon it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum TuneMethod {
    /// The encoder stays as it is, and a logistic regression learns on its rows.
    Frozen {
        /// The penalty of the latter.
        l2: f64,
    },
    /// The encoder stays as it is, and the head is trained as in the methods that train both.
    Head(TuneSettings),
    /// The encoder is trained on.
    FineTune(TuneSettings),
    /// An encoder of the same form that knows nothing is trained.
    FromScratch(TuneSettings),
}

/// How an encoder is trained.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TuneSettings {
    /// All that does not depend on how many labels there are.
    pub training: FineTune,
    /// With few labels there are more epochs than `training` says, until there are so many steps.
    pub least_steps: usize,
    /// Epochs without a better loss on what is held out, after which training ends; a third of all when `None`.
    pub patience: Option<usize>,
}

impl TuneSettings {
    fn parse(table: &mut Table, rate: f64) -> Result<Self, PlanError> {
        let mut training = FineTune::default();
        training.layers = table.count_or_word("layers", "all", 1)?.flatten();
        training.epochs = table.count("epochs", 1)?.unwrap_or(4);
        training.batch = table.count("batch", 1)?.unwrap_or(training.batch);
        training.rate = table.number("rate", 1e-12)?.unwrap_or(rate);
        training.head_rate = table.number("head_rate", 1e-12)?.unwrap_or(training.head_rate);
        training.warm_up = table.share("warm_up")?.unwrap_or(training.warm_up);
        training.decay = table.number("decay", 0.0)?.unwrap_or(training.decay);
        training.clip = table.number("clip", 1e-12)?.unwrap_or(training.clip);
        training.held_out = table.share("held_out")?.unwrap_or(training.held_out);
        let least_steps = table.count("least_steps", 1)?.unwrap_or(60);
        Ok(Self { training, least_steps, patience: table.count("patience", 1)? })
    }

    /// The settings for so many labels, and how many of these a pass learns from.
    #[must_use]
    pub fn of(&self, labels: usize, seed: u64) -> (FineTune, usize) {
        let mut training = self.training.clone();
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share of a count"
        )]
        let held = (labels as f64 * training.held_out).round() as usize;
        let learned = labels.saturating_sub(held).max(1);
        let steps = learned.div_ceil(training.batch);
        training.epochs = training.epochs.max(self.least_steps.div_ceil(steps));
        training.patience = self.patience.unwrap_or((training.epochs / 3).max(2));
        training.seed = seed;
        (training, learned)
    }
}

impl TuneMethod {
    /// A method of a plan of learning curves; for spans (`spans`) a head is always trained.
    pub(crate) fn parse(mut table: Table, spans: bool) -> Result<Self, PlanError> {
        let (name, place) = table.text("name")?;
        let method = match name.as_str() {
            "frozen" if spans => {
                let mut settings = TuneSettings::parse(&mut table, 5e-5)?;
                settings.training.layers = Some(0);
                Self::Head(settings)
            }
            "frozen" => match table.number("l2", 0.0)?.unwrap_or(0.1) {
                l2 if l2 > 0.0 => Self::Frozen { l2 },
                _ => return Err(place.error("l2: expected a number above 0, found 0")),
            },
            "fine-tune" => Self::FineTune(TuneSettings::parse(&mut table, 5e-5)?),
            // Weights that know nothing have farther to go.
            "from-scratch" => Self::FromScratch(TuneSettings::parse(&mut table, 3e-4)?),
            other => {
                let known = ["frozen", "fine-tune", "from-scratch"];
                return Err(place.error(unknown("the method", other, &known)));
            }
        };
        table.finish()?;
        Ok(method)
    }

    /// What trains the encoder or its head, and whether the encoder is one that knows nothing.
    #[must_use]
    pub fn training(&self) -> Option<(&TuneSettings, bool)> {
        match self {
            Self::Frozen { .. } => None,
            Self::Head(settings) | Self::FineTune(settings) => Some((settings, false)),
            Self::FromScratch(settings) => Some((settings, true)),
        }
    }

    /// Sentences that a run goes through at most.
    #[must_use]
    pub fn work(&self, labels: usize) -> usize {
        self.training().map_or(labels, |(settings, _)| {
            let (training, learned) = settings.of(labels, 0);
            training.epochs * learned
        })
    }
}

impl Labelled for TuneMethod {
    /// A frozen encoder is what others are compared with.
    fn role(&self) -> Role {
        match self {
            Self::Frozen { .. } | Self::Head(_) => Role::Baseline,
            Self::FineTune(_) | Self::FromScratch(_) => Role::Competitor,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Frozen { .. } | Self::Head(_) => "frozen",
            Self::FineTune(_) => "fine-tune",
            Self::FromScratch(_) => "from-scratch",
        }
    }

    fn settings(&self) -> Settings {
        let mut settings = Settings::new();
        if let Self::Frozen { l2 } = self {
            settings.insert("l2".into(), json!(l2));
        }
        let Some((tuned, _)) = self.training() else { return settings };
        let FineTune { layers, epochs, batch, rate, head_rate, .. } = tuned.training;
        let FineTune { warm_up, decay, clip, held_out, .. } = tuned.training;
        if !matches!(self, Self::Head(_)) {
            settings.insert("layers".into(), layers.map_or(json!("all layers"), |k| json!(k)));
            settings.insert("rate".into(), json!(rate));
        }
        settings.insert("epochs".into(), json!(epochs));
        settings.insert("least_steps".into(), json!(tuned.least_steps));
        settings.insert("batch".into(), json!(batch));
        settings.insert("head_rate".into(), json!(head_rate));
        settings.insert("warm_up".into(), json!(warm_up));
        settings.insert("decay".into(), json!(decay));
        settings.insert("clip".into(), json!(clip));
        settings.insert("held_out".into(), json!(held_out));
        settings.insert("patience".into(), json!(tuned.patience));
        settings
    }
}

/// Learning curves of encoders that are trained on: accuracy by the number of labels.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TuningPlan {
    /// One domain, which is parted, or two: the source, then the target.
    pub data: DataPlan,
    /// The encoders.
    pub encoders: Vec<EncoderPlan>,
    /// The methods.
    pub methods: Vec<TuneMethod>,
    /// Which method runs with which encoder, the one to compare with first.
    pub cells: Vec<(usize, usize)>,
    /// Labels, one task each.
    pub sizes: Vec<usize>,
    /// Where the plan speaks of them.
    pub place: Place,
    /// Sentences that are tested at most, the same for all draws.
    pub test_rows: usize,
    /// Where models that learned from the most labels are written.
    pub save: Option<PathBuf>,
}

impl TuningPlan {
    pub(crate) fn parse(
        folder: &Path,
        table: &mut Table,
        sizes: Vec<u64>,
    ) -> Result<Self, PlanError> {
        let place = table.place();
        let encoders = encoders(folder, table)?;
        let data = DataPlan::parse_encoded(folder, table, encoders.first().cloned())?;
        if let Some(third) = data.domains.get(2) {
            let message = "with `sizes`, kind = \"sentences\" takes one [[domain]], which is parted, or two: \
                           the source, then the target";
            return Err(third.place.error(message));
        }
        if let Some(other) = data.domains.iter().find(|domain| !domain.source.has_sentences()) {
            let message = format!("with `sizes`, `{}` needs sentences", other.name);
            return Err(other.place.error(message));
        }
        if !data.rows.is_empty() || data.columns != Columns::None {
            return Err(table.error("with `sizes`, a plan takes no [prepare]"));
        }
        let test_rows = table.count("test_rows", 1)?.unwrap_or(1000);
        let save = table.optional_text("save")?.map(|(path, _)| folder.join(path));
        let (methods, _) = methods(table, |table| TuneMethod::parse(table, false))?;
        let cells = cells(&encoders, &methods);
        if cells.is_empty() {
            return Err(place.error("expected an encoder that can be trained on: minilm or bert"));
        }
        let sizes = sizes.into_iter().filter_map(|size| usize::try_from(size).ok()).collect();
        Ok(Self { data, encoders, methods, cells, sizes, place, test_rows, save })
    }

    /// The labels of the methods.
    #[must_use]
    pub fn labels(&self) -> Vec<String> {
        labels(&self.encoders, &self.methods, &self.cells)
    }

    /// The names of the tasks.
    #[must_use]
    pub fn tasks(&self) -> Vec<String> {
        self.sizes.iter().map(|size| format!("{size} labels")).collect()
    }
}

/// Every encoder with every method that it can take: means of word vectors are not trained on.
pub(crate) fn cells(encoders: &[EncoderPlan], methods: &[TuneMethod]) -> Vec<(usize, usize)> {
    let mut cells = Vec::new();
    for (at, encoder) in encoders.iter().enumerate() {
        let takes = |method: &TuneMethod| {
            encoder.can_be_tuned() || matches!(method, TuneMethod::Frozen { .. })
        };
        let taken = (0..methods.len()).filter(|&method| takes(&methods[method]));
        cells.extend(taken.map(|method| (at, method)));
    }
    cells
}

/// The labels of cells, and their methods' names and settings.
pub(crate) fn named(
    encoders: &[EncoderPlan],
    methods: &[TuneMethod],
    cells: &[(usize, usize)],
) -> Vec<MethodRow> {
    let all = beside(encoders, &method_rows(methods));
    cells.iter().map(|&(encoder, method)| all[encoder * methods.len() + method].clone()).collect()
}

/// The labels of cells.
pub(crate) fn labels(
    encoders: &[EncoderPlan],
    methods: &[TuneMethod],
    cells: &[(usize, usize)],
) -> Vec<String> {
    named(encoders, methods, cells).into_iter().map(|row| row.label).collect()
}
