//! Plans of kind `adaptation`: labelled source, unlabelled target.

use std::path::{Path, PathBuf};

use procrust_align::{
    Discriminative, Kliep, Kmm, NearestWeights, Regularization, RowStep, Ulsif, WeighSource,
};
use procrust_datasets::{ImageSet, SentenceDomain};
use procrust_images::{DESCRIPTORS, Describe, ImagesError};
use serde_json::json;

use super::{
    at_least_one,
    classifier::ClassifierPlan,
    encoder::EncoderPlan,
    existing,
    metric::ClassMetric,
    parts::{Columns, Labelled, Settings, all_different, every, methods},
    parts::{regularization, regularization_setting, row_steps},
    toml_table::{Place, PlanError, Table, unknown},
    unpaired::UnpairedMethod,
};
use crate::descriptors;

/// An experiment with labelled source rows and unlabelled target rows.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AdaptationPlan {
    /// The domains, at least two.
    pub domains: Vec<DomainPlan>,
    /// Ordered pairs (source, target) as positions in `domains`.
    pub pairs: Vec<(usize, usize)>,
    /// How many source rows a run trains on, drawn by its seed; all when `None`.
    pub train_rows: Option<usize>,
    /// How many target rows of each class are trained on beside the source, drawn by the run's seed.
    pub target_labels: Option<usize>,
    /// The share of target rows that are tested and that methods do not see, drawn by the run's seed;
    /// methods see and tests ask all target rows when `None`.
    pub test_share: Option<f64>,
    /// Whether mapping rows is timed even where mapped rows come with the fit.
    pub time_apply: bool,
    /// What is measured.
    pub metrics: Vec<ClassMetric>,
    /// How pictures become rows. With several descriptors, `domains` and `pairs` are there once for each.
    pub images: ImagesPlan,
    /// How sentences become rows, if a domain has sentences.
    pub sentences: Option<EncoderPlan>,
    /// So many labelled sentences of every domain, spread evenly over it; all when `None`.
    pub most_sentences: Option<usize>,
    /// What is done to each domain's rows, in order.
    pub rows: Vec<RowStep>,
    /// What is done to each domain's columns after that.
    pub columns: Columns,
    /// The classifiers.
    pub classifiers: Vec<ClassifierPlan>,
    /// The methods.
    pub methods: Vec<AdaptationMethod>,
}

/// One domain of a plan.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DomainPlan {
    /// Its name in tasks.
    pub name: String,
    /// Its data.
    pub source: DomainSource,
    /// So many of its pictures that ship or rows of its file, spread evenly over them; all when `None`.
    pub rows: Option<usize>,
    /// The number of the descriptor that makes rows of its pictures.
    pub descriptor: usize,
    /// Where the plan names it.
    pub place: Place,
}

/// Where a domain's rows and labels come from.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum DomainSource {
    /// A data file.
    File {
        /// Where it is.
        path: PathBuf,
        /// The variables, arrays or columns with the features.
        features: Vec<String>,
        /// The variable, array, column or file with the labels.
        labels: Option<String>,
        /// Another file like it, whose rows are the test where the domain is a target.
        test: Option<PathBuf>,
    },
    /// Pictures that ship.
    Images(ImageSet),
    /// Sentences that ship.
    Sentences(SentenceDomain),
    /// Sentences of a data file.
    SentenceFile {
        /// Where it is.
        path: PathBuf,
        /// The column with the sentences.
        sentences: String,
        /// The column with the labels.
        labels: Option<String>,
    },
}

impl DomainSource {
    /// Whether it gives sentences, which an encoder makes rows of.
    #[must_use]
    pub fn has_sentences(&self) -> bool {
        matches!(self, Self::Sentences(_) | Self::SentenceFile { .. })
    }
}

/// How pictures become rows.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ImagesPlan {
    /// The descriptors, at least one, as [`procrust_images::descriptor`] reads them, `bow` included.
    pub descriptors: Vec<String>,
    /// Where paths of networks start.
    pub folder: PathBuf,
}

impl ImagesPlan {
    /// The names of descriptors in tasks.
    #[must_use]
    pub fn labels(&self) -> Vec<String> {
        descriptors::labels(&self.descriptors)
    }
}

/// A method of a plan of this kind.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum AdaptationMethod {
    /// No adaptation.
    None,
    /// Correlation alignment.
    Coral {
        /// λ, or Ledoit-Wolf.
        regularization: Regularization,
    },
    /// Subspace alignment.
    Subspace {
        /// Dimensions of the shared space; the subspace disagreement measure chooses when `None`.
        components: Option<usize>,
    },
    /// The rows as they are, the source's weighed by how the target's density compares with its own.
    ImportanceWeights {
        /// How the weights are found.
        estimator: WeightEstimator,
    },
    /// The linear Monge map between Gaussians.
    LinearTransport {
        /// λ on both diagonals.
        regularization: f64,
    },
    /// Rows that are brought together otherwise.
    Unpaired(UnpairedMethod),
    /// One of several, chosen without target labels, "none" always among them.
    Auto {
        /// What it chooses from.
        candidates: Candidates,
    },
    /// Not a transfer: trained on the target's own labels, the upper bound.
    TargetTrained {
        /// Parts of the cross-fit; every row is tested by a model that did not see it.
        folds: usize,
    },
}

/// How importance weights are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WeightEstimator {
    /// Odds of a logistic classifier that tells the domains apart.
    Discriminative,
    /// Kullback-Leibler importance estimation.
    Kliep,
    /// Kernel mean matching.
    Kmm,
    /// Unconstrained least-squares importance fitting.
    Ulsif,
    /// How many target rows a source row is nearest to.
    Nearest,
}

impl WeightEstimator {
    const NAMED: [(&'static str, Self); 5] = [
        ("discriminative", Self::Discriminative),
        ("kliep", Self::Kliep),
        ("kmm", Self::Kmm),
        ("ulsif", Self::Ulsif),
        ("nearest", Self::Nearest),
    ];

    fn name(self) -> &'static str {
        let named = Self::NAMED.iter().find(|(_, estimator)| *estimator == self);
        named.map_or("", |(name, _)| name)
    }

    /// The estimator itself, with its default settings.
    #[must_use]
    pub fn build(self) -> Box<dyn WeighSource> {
        match self {
            Self::Discriminative => Box::new(Discriminative::default()),
            Self::Kliep => Box::new(Kliep::default()),
            Self::Kmm => Box::new(Kmm::default()),
            Self::Ulsif => Box::new(Ulsif::default()),
            Self::Nearest => Box::new(NearestWeights),
        }
    }
}

/// What `auto` chooses from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Candidates {
    /// The other methods of the plan, if there are at least two beside none; else the default ones.
    Unset,
    /// The other methods of the plan.
    Plan,
    /// A list that serves where nothing is known.
    Default,
}

impl Labelled for AdaptationMethod {
    fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Coral { .. } => "coral",
            Self::Subspace { .. } => "subspace",
            Self::LinearTransport { .. } => "linear-transport",
            Self::ImportanceWeights { .. } => "importance-weights",
            Self::Unpaired(method) => method.name(),
            Self::Auto { .. } => "auto",
            Self::TargetTrained { .. } => "target-trained",
        }
    }

    fn settings(&self) -> Settings {
        let mut settings = Settings::new();
        match *self {
            Self::None => {}
            Self::Coral { regularization } => {
                settings.insert("regularization".into(), regularization_setting(regularization));
            }
            Self::Subspace { components } => {
                let components = components.map_or(json!("auto"), |count| json!(count));
                settings.insert("components".into(), components);
            }
            Self::ImportanceWeights { estimator } => {
                settings.insert("estimator".into(), json!(estimator.name()));
            }
            Self::LinearTransport { regularization } => {
                settings.insert("regularization".into(), json!(regularization));
            }
            Self::Unpaired(method) => settings = method.settings(),
            Self::Auto { candidates } => {
                let word = match candidates {
                    Candidates::Unset => None,
                    Candidates::Plan => Some("plan"),
                    Candidates::Default => Some("default"),
                };
                settings.extend(word.map(|word| ("candidates".into(), json!(word))));
            }
            Self::TargetTrained { folds } => {
                settings.insert("folds".into(), json!(folds));
            }
        }
        settings
    }
}

impl AdaptationMethod {
    /// Whether the method adapts: maps rows or weighs them.
    #[must_use]
    pub fn aligns(&self) -> bool {
        !matches!(self, Self::None | Self::TargetTrained { .. })
    }

    /// Every method: with its defaults, or each of its forms where it has no default.
    #[must_use]
    pub fn every() -> Vec<Self> {
        let set = |name: &str| match name {
            "auto" => "candidates = \"default\"".to_owned(),
            "subspace" => "components = \"auto\"".to_owned(),
            "importance-weights" => {
                format!("estimator = {:?}", WeightEstimator::NAMED.map(|(name, _)| name))
            }
            _ => String::new(),
        };
        every(&Self::names(), set, Self::parse)
    }

    pub(super) fn names() -> Vec<&'static str> {
        let own = [
            "none",
            "auto",
            "coral",
            "subspace",
            "linear-transport",
            "importance-weights",
            "target-trained",
        ];
        own.into_iter().chain(UnpairedMethod::NAMES).collect()
    }

    fn parse(mut table: Table) -> Result<Self, PlanError> {
        let (name, place) = table.text("name")?;
        if let Some(method) = UnpairedMethod::parse(&name, &mut table)? {
            table.finish()?;
            return Ok(Self::Unpaired(method));
        }
        let method = match name.as_str() {
            "none" => Self::None,
            "coral" => Self::Coral { regularization: regularization(&mut table)? },
            "subspace" => Self::Subspace {
                components: table
                    .count_or_word("components", "auto", 1)?
                    .ok_or_else(|| place.error("subspace needs the key `components`"))?,
            },
            "importance-weights" => Self::ImportanceWeights {
                estimator: table.word("estimator", &WeightEstimator::NAMED)?.ok_or_else(|| {
                    let known = WeightEstimator::NAMED.map(|(name, _)| name).join(", ");
                    place.error(format!("importance-weights needs the key `estimator` ({known})"))
                })?,
            },
            "linear-transport" => Self::LinearTransport {
                regularization: table.number("regularization", 0.0)?.unwrap_or(1.0),
            },
            "auto" => {
                let words = [("plan", Candidates::Plan), ("default", Candidates::Default)];
                let candidates = table.word("candidates", &words)?.unwrap_or(Candidates::Unset);
                Self::Auto { candidates }
            }
            "target-trained" => {
                Self::TargetTrained { folds: table.count("folds", 2)?.unwrap_or(5) }
            }
            other => {
                let message =
                    unknown("for kind = \"adaptation\" the method", other, &Self::names());
                return Err(place.error(message));
            }
        };
        table.finish()?;
        Ok(method)
    }
}

impl AdaptationPlan {
    /// Whether a run trains on every one of a source's `rows` rows.
    #[must_use]
    pub fn trains_on_all(&self, rows: usize) -> bool {
        self.train_rows.is_none_or(|wanted| wanted >= rows)
    }

    /// What `auto` chooses from: none first, then the plan's other methods or the default list.
    #[must_use]
    pub fn candidates(&self, candidates: Candidates) -> Vec<AdaptationMethod> {
        use procrust_align::{Gfk, Jda, JointPca, Tca};
        let of_plan = || {
            let other = |method: &&AdaptationMethod| {
                method.aligns() && !matches!(method, AdaptationMethod::Auto { .. })
            };
            self.methods.iter().filter(other).copied().collect::<Vec<_>>()
        };
        let others = match candidates {
            Candidates::Plan => of_plan(),
            Candidates::Unset if of_plan().len() >= 2 => of_plan(),
            Candidates::Unset | Candidates::Default => vec![
                AdaptationMethod::Coral { regularization: Regularization::Fixed(1.0) },
                AdaptationMethod::LinearTransport { regularization: 1.0 },
                AdaptationMethod::Subspace { components: Some(20) },
                AdaptationMethod::Subspace { components: Some(40) },
                AdaptationMethod::Unpaired(UnpairedMethod::JointPca(JointPca { components: 30 })),
                AdaptationMethod::Unpaired(UnpairedMethod::Tca(Tca {
                    components: 30,
                    ..Tca::default()
                })),
                AdaptationMethod::Unpaired(UnpairedMethod::Gfk(Gfk { components: Some(20) })),
                AdaptationMethod::Unpaired(UnpairedMethod::Jda(Jda {
                    components: 30,
                    ..Jda::default()
                })),
            ],
        };
        [AdaptationMethod::None].into_iter().chain(others).collect()
    }

    pub(super) fn parse(folder: &Path, table: &mut Table) -> Result<Self, PlanError> {
        Self::parse_encoded(folder, table, None)
    }

    /// With an encoder from elsewhere in place of the table `[sentences]`.
    pub(super) fn parse_encoded(
        folder: &Path,
        table: &mut Table,
        encoder: Option<EncoderPlan>,
    ) -> Result<Self, PlanError> {
        let mut plan = Self::parse_data_encoded(folder, table, encoder)?;
        if plan.domains.len() < 2 {
            return Err(table.error("expected at least two [[domain]] tables, found one"));
        }
        plan.pairs = pairs(table, &plan.domains)?;
        plan.repeat_by_descriptor();
        plan.train_rows = table.count("train_rows", 2)?;
        plan.target_labels = table.count("target_labels", 1)?;
        plan.test_share = table.share("test_share")?;
        let split_twice = plan.domains.iter().find(|domain| {
            plan.test_share.is_some()
                && matches!(domain.source, DomainSource::File { test: Some(_), .. })
        });
        if let Some(domain) = split_twice {
            let message =
                format!("`{}` has a file for the test: without `test_share`", domain.name);
            return Err(domain.place.error(message));
        }

        let tables = table.tables("classifier")?;
        at_least_one(table, &tables, "classifier")?;
        let places: Vec<Place> = tables.iter().map(Table::place).collect();
        let mut of_classifier = Vec::new();
        for (table, place) in tables.into_iter().zip(places) {
            let found = ClassifierPlan::parse(table)?;
            of_classifier.extend(found.iter().map(|_| place.clone()));
            plan.classifiers.extend(found);
        }
        all_different(&plan.classifiers, &of_classifier, "classifier")?;
        plan.metrics = metrics(table, &plan.classifiers)?;

        (plan.methods, _) = methods(table, AdaptationMethod::parse)?;
        Ok(plan)
    }

    /// The domains, how their pictures and sentences become rows, and what is done to these: the part
    /// that plans of other kinds share. No pairs, classifiers or methods.
    pub(super) fn parse_data(folder: &Path, table: &mut Table) -> Result<Self, PlanError> {
        let plan = Self::parse_data_encoded(folder, table, None)?;
        match plan.images.descriptors.len() {
            1 => Ok(plan),
            found => Err(table
                .error(format!("[images]: plans of this kind have one descriptor, found {found}"))),
        }
    }

    /// The domains and pairs once more for each further descriptor of pictures.
    fn repeat_by_descriptor(&mut self) {
        let (domains, pairs) = (self.domains.clone(), self.pairs.clone());
        for descriptor in 1..self.images.descriptors.len() {
            let first = self.domains.len();
            self.domains
                .extend(domains.iter().map(|domain| DomainPlan { descriptor, ..domain.clone() }));
            self.pairs.extend(pairs.iter().map(|(s, t)| (first + s, first + t)));
        }
    }

    pub(super) fn parse_data_encoded(
        folder: &Path,
        table: &mut Table,
        encoder: Option<EncoderPlan>,
    ) -> Result<Self, PlanError> {
        let tables = table.tables("domain")?;
        at_least_one(table, &tables, "domain")?;
        let domains = domains(folder, tables)?;

        let images = match table.table("images")? {
            Some(table) => images(folder, table)?,
            None => ImagesPlan {
                descriptors: vec![procrust_images::Descriptor::default().name()],
                folder: folder.to_owned(),
            },
        };
        let sentences = match encoder {
            Some(encoder) => Some(encoder),
            None => {
                let sentences = table.table("sentences")?;
                sentences.map(|table| EncoderPlan::parse_sentences(folder, table)).transpose()?
            }
        };
        let most_sentences = table.count("most_sentences", 2)?;
        let wordless =
            domains.iter().find(|domain| sentences.is_none() && domain.source.has_sentences());
        if let Some(domain) = wordless {
            let message = format!("`{}` has sentences: the plan needs [sentences]", domain.name);
            return Err(domain.place.error(message));
        }

        let (mut rows, mut columns) = (Vec::new(), Columns::None);
        if let Some(mut prepare) = table.table("prepare")? {
            rows = row_steps(&mut prepare)?;
            let words = [("none", Columns::None), ("zscore", Columns::ZScore)];
            columns = prepare.word("columns", &words)?.unwrap_or_default();
            prepare.finish()?;
        }
        Ok(Self {
            domains,
            pairs: Vec::new(),
            train_rows: None,
            target_labels: None,
            test_share: None,
            time_apply: false,
            metrics: vec![ClassMetric::Accuracy],
            images,
            sentences,
            most_sentences,
            rows,
            columns,
            classifiers: Vec::new(),
            methods: Vec::new(),
        })
    }
}

fn metrics(
    table: &mut Table,
    classifiers: &[ClassifierPlan],
) -> Result<Vec<ClassMetric>, PlanError> {
    let Some(named) = table.texts("metrics")? else { return Ok(vec![ClassMetric::Accuracy]) };
    let known = ClassMetric::NAMED.map(|(name, _)| name);
    let mut metrics = Vec::with_capacity(named.len());
    for (name, place) in named {
        let found = ClassMetric::NAMED.iter().find(|(known, _)| *known == name);
        let &(_, metric) = found.ok_or_else(|| place.error(unknown("metric", &name, &known)))?;
        if metrics.contains(&metric) {
            return Err(place.error(format!("the metric `{name}` stands twice")));
        }
        let without = classifiers.iter().find(|classifier| !classifier.has_probabilities());
        if let Some(classifier) = without.filter(|_| metric.needs_probabilities()) {
            let classifier = classifier.name();
            let message = format!("`{name}` needs probabilities, and `{classifier}` has none");
            return Err(place.error(message));
        }
        metrics.push(metric);
    }
    if metrics.is_empty() {
        return Err(table.error("metrics: the list is empty"));
    }
    Ok(metrics)
}

fn domains(folder: &Path, tables: Vec<Table>) -> Result<Vec<DomainPlan>, PlanError> {
    let mut domains: Vec<DomainPlan> = Vec::with_capacity(tables.len());
    for table in tables {
        let domain = domain(folder, table)?;
        if domains.iter().any(|other| other.name == domain.name) {
            let message = format!("two domains are called `{}`", domain.name);
            return Err(domain.place.error(message));
        }
        domains.push(domain);
    }
    Ok(domains)
}

fn domain(folder: &Path, mut table: Table) -> Result<DomainPlan, PlanError> {
    let (name, place) = table.text("name")?;
    let mut rows = None;
    let sentences = table.optional_text("sentences")?;
    let source = match (table.optional_text("file")?, table.optional_text("dataset")?) {
        (Some(file), None) if sentences.is_some() => DomainSource::SentenceFile {
            path: existing(folder, &file)?,
            sentences: sentences.map(|(name, _)| name).unwrap_or_default(),
            labels: table.optional_text("labels")?.map(|(name, _)| name),
        },
        (None, Some(_)) if sentences.is_some() => {
            let message = "`sentences` names a column of a file: it goes with `file`";
            return Err(place.error(message));
        }
        (Some(file), None) => DomainSource::File {
            path: existing(folder, &file)?,
            features: table
                .texts("features")?
                .unwrap_or_default()
                .into_iter()
                .map(|(name, _)| name)
                .collect(),
            labels: table.optional_text("labels")?.map(|(name, _)| name),
            test: table.optional_text("test")?.map(|file| existing(folder, &file)).transpose()?,
        },
        (None, Some((name, place))) => {
            let source = shipped(&name, &place)?;
            if matches!(source, DomainSource::Images(_)) {
                rows = table.count("rows", 2)?;
            }
            source
        }
        _ => return Err(table.error("[[domain]]: expected either `file` or `dataset`")),
    };
    table.finish()?;
    Ok(DomainPlan { name, source, rows, descriptor: 0, place })
}

fn shipped(name: &str, place: &Place) -> Result<DomainSource, PlanError> {
    let images = ImageSet::ALL.iter().map(|&set| (set.name(), DomainSource::Images(set)));
    let sentences =
        SentenceDomain::ALL.iter().map(|&set| (set.name(), DomainSource::Sentences(set)));
    let all: Vec<(&str, DomainSource)> = images.chain(sentences).collect();
    let known: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
    all.iter()
        .find(|(known, _)| *known == name)
        .map(|(_, source)| source.clone())
        .ok_or_else(|| place.error(unknown("dataset", name, &known)))
}

fn pairs(table: &mut Table, domains: &[DomainPlan]) -> Result<Vec<(usize, usize)>, PlanError> {
    let Some(named) = table.pairs("pairs")? else {
        let all = (0..domains.len()).flat_map(|s| (0..domains.len()).map(move |t| (s, t)));
        return Ok(all.filter(|(s, t)| s != t).collect());
    };
    let known: Vec<&str> = domains.iter().map(|domain| domain.name.as_str()).collect();
    let position = |(name, place): &(String, Place)| {
        known
            .iter()
            .position(|known| known == name)
            .ok_or_else(|| place.error(unknown("pairs: domain", name, &known)))
    };
    let mut pairs = Vec::with_capacity(named.len());
    for [source, target] in &named {
        let pair = (position(source)?, position(target)?);
        if pair.0 == pair.1 {
            return Err(source.1.error("pairs: source and target are the same domain"));
        }
        if pairs.contains(&pair) {
            return Err(source.1.error("pairs: this pair stands twice"));
        }
        pairs.push(pair);
    }
    Ok(pairs)
}

fn images(folder: &Path, mut table: Table) -> Result<ImagesPlan, PlanError> {
    let found = table.texts("descriptor")?.unwrap_or_default();
    let mut written = Vec::with_capacity(found.len());
    for (name, place) in &found {
        // Settings in keys of their own, for one that stands alone.
        let keyed = if found.len() == 1 { with_keys(name, &mut table)? } else { None };
        let text = keyed.unwrap_or_else(|| name.clone());
        descriptors::check(&text, folder).map_err(|error| place.error(complaint(name, &error)))?;
        if written.contains(&text) {
            return Err(place.error(format!("the descriptor `{text}` stands twice")));
        }
        written.push(text);
    }
    if written.is_empty() {
        return Err(table.error("expected `descriptor = \"…\"`, or a list of descriptors"));
    }
    table.finish()?;
    Ok(ImagesPlan { descriptors: written, folder: folder.to_owned() })
}

/// A descriptor whose settings stand in keys of their own.
fn with_keys(name: &str, table: &mut Table) -> Result<Option<String>, PlanError> {
    use procrust_images::{EfficientNetLite0, Framing, Hog, Pixels};
    Ok(match name {
        "pixels" => {
            let default = Pixels::default();
            Some(Pixels { size: table.count("size", 1)?.unwrap_or(default.size) }.name())
        }
        "hog" => {
            let default = Hog::default();
            let hog = Hog {
                size: table.count("size", 1)?.unwrap_or(default.size),
                cell: table.count("cell", 1)?.unwrap_or(default.cell),
                block: table.count("block", 1)?.unwrap_or(default.block),
                orientations: table.count("orientations", 1)?.unwrap_or(default.orientations),
                ..default
            };
            Some(hog.name())
        }
        "efficientnet-lite0" => {
            let words = [("centre", Framing::Centre), ("whole", Framing::Whole)];
            let mut network =
                EfficientNetLite0::new(table.word("framing", &words)?.unwrap_or_default());
            network.size = table.count("size", 1)?.unwrap_or(network.size);
            Some(network.name())
        }
        _ => None,
    })
}

/// What is wrong with a descriptor, and which name may have been meant.
fn complaint(name: &str, error: &ImagesError) -> String {
    let known: Vec<&str> = DESCRIPTORS.iter().copied().chain(["bow"]).collect();
    let plain = name.chars().all(|c| c.is_alphanumeric() || c == '-');
    match plain && !known.contains(&name) {
        true => unknown("descriptor", name, &known),
        false => error.to_string(),
    }
}
