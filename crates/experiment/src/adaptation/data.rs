//! What plans say of domains: where rows and labels come from, and how they are prepared.

use std::path::{Path, PathBuf};

use procrust_align::RowStep;
use procrust_datasets::{ImageSet, SentenceDomain};
use procrust_images::{DESCRIPTORS, Describe, ImagesError};
use procrust_runner::{Place, PlanError, Table, at_least_one, existing, unknown};

use crate::shared::{
    descriptors,
    encoder::EncoderPlan,
    parts::{Columns, row_steps},
};

/// The domains of a plan, how their pictures and sentences become rows, and how rows are prepared.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DataPlan {
    /// The domains.
    pub domains: Vec<DomainPlan>,
    /// Ordered pairs (source, target) as positions in `domains`; empty for kinds without tasks of pairs.
    pub pairs: Vec<(usize, usize)>,
    /// How pictures become rows. With several descriptors, `domains` and `pairs` are there once for each.
    pub images: ImagesPlan,
    /// How sentences become rows, if a domain has sentences.
    pub sentences: Option<EncoderPlan>,
    /// Labelled sentences kept per domain, spread evenly over it; all when `None`.
    pub most_sentences: Option<usize>,
    /// What is done to each domain's rows, in order.
    pub rows: Vec<RowStep>,
    /// What is done to each domain's columns after that.
    pub columns: Columns,
}

/// Which rows runs train on, see and test.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub struct SplitPlan {
    /// How many source rows a run trains on, drawn by its seed; all when `None`.
    pub train_rows: Option<usize>,
    /// How many target rows of each class are trained on beside the source, drawn by the run's seed.
    pub target_labels: Option<usize>,
    /// The share of target rows that are tested and that methods do not see, drawn by the run's seed;
    /// methods see and tests ask all target rows when `None`.
    pub test_share: Option<f64>,
    /// Whether mapping rows is timed even where mapped rows come with the fit.
    pub time_apply: bool,
}

impl SplitPlan {
    /// Whether a run trains on every one of a source's `rows` rows.
    #[must_use]
    pub fn trains_on_all(&self, rows: usize) -> bool {
        self.train_rows.is_none_or(|wanted| wanted >= rows)
    }
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

impl DataPlan {
    /// The domains, how their pictures and sentences become rows, and what is done to these: the part
    /// that plans of other kinds share. No pairs, classifiers or methods.
    pub(crate) fn parse(folder: &Path, table: &mut Table) -> Result<Self, PlanError> {
        let plan = Self::parse_encoded(folder, table, None)?;
        match plan.images.descriptors.len() {
            1 => Ok(plan),
            found => Err(table
                .error(format!("[images]: plans of this kind have one descriptor, found {found}"))),
        }
    }

    /// The domains and pairs once more for each further descriptor of pictures.
    pub(crate) fn repeat_by_descriptor(&mut self) {
        let (domains, pairs) = (self.domains.clone(), self.pairs.clone());
        for descriptor in 1..self.images.descriptors.len() {
            let first = self.domains.len();
            self.domains
                .extend(domains.iter().map(|domain| DomainPlan { descriptor, ..domain.clone() }));
            self.pairs.extend(pairs.iter().map(|(s, t)| (first + s, first + t)));
        }
    }

    pub(crate) fn parse_encoded(
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
        Ok(Self { domains, pairs: Vec::new(), images, sentences, most_sentences, rows, columns })
    }
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

pub(crate) fn pairs(
    table: &mut Table,
    domains: &[DomainPlan],
) -> Result<Vec<(usize, usize)>, PlanError> {
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
