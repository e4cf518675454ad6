//! Loads and prepares the domains of an adaptation plan.

use std::{
    borrow::Cow,
    collections::BTreeSet,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Instant,
};

use ndarray::{Array2, Array3, ArrayView2, ArrayView3, Axis, concatenate};
use procrust_align::{AlignError, Spectrum, prepare_rows, standardize_columns};
use procrust_datasets::{
    DatasetError, ImageSet, Images, Sentiment, Table, TableOptions, rated_sentences,
    read_labelled_sentences,
};
use procrust_images::{BagOfWords, Describe, Items, Vocabulary, WrittenBag};
use rayon::prelude::*;

use super::data::{DataPlan, DomainPlan, DomainSource, SplitPlan};
use crate::shared::{
    descriptors,
    parts::Columns,
    sentences::{Encoder, EncoderError},
    space, spread,
};

/// Rows and labels of one domain, prepared.
#[derive(Debug, Clone)]
pub struct Domain {
    /// Its name in tasks.
    pub name: String,
    /// The descriptor that made its rows, where the plan has several.
    pub descriptor: Option<String>,
    /// One row an item.
    pub rows: Array2<f32>,
    /// Each row's class, a position in [`Domains::classes`].
    pub labels: Vec<usize>,
    /// The last rows, of the file for the test: never trained on, never fitted on.
    test_rows: usize,
    /// Measured once for all the tasks that the domain is part of.
    measured: OnceLock<Measured<'static>>,
}

/// The spectrum of some rows, and the seconds that measuring it took.
#[derive(Debug, Clone)]
pub(crate) struct Measured<'a> {
    pub(super) spectrum: Cow<'a, Spectrum>,
    pub(super) seconds: f64,
}

impl Measured<'_> {
    pub(crate) fn of(rows: ArrayView2<'_, f32>) -> Result<Self, AlignError> {
        let started = Instant::now();
        let spectrum = Cow::Owned(Spectrum::of(rows)?);
        Ok(Self { spectrum, seconds: started.elapsed().as_secs_f64() })
    }
}

impl Domain {
    /// A domain of prepared rows.
    #[must_use]
    pub fn new(name: String, rows: Array2<f32>, labels: Vec<usize>) -> Self {
        Self { name, descriptor: None, rows, labels, test_rows: 0, measured: OnceLock::new() }
    }

    /// How many of the first rows are no test rows of a file of their own.
    #[must_use]
    pub fn training_rows(&self) -> usize {
        self.labels.len() - self.test_rows
    }

    /// The spectrum of all rows: what [`Domains::measure`] found, or measured now.
    pub(crate) fn measured(&self) -> Result<Measured<'_>, AlignError> {
        match self.measured.get() {
            Some(Measured { spectrum, seconds }) => {
                Ok(Measured { spectrum: Cow::Borrowed(spectrum), seconds: *seconds })
            }
            None => Measured::of(self.rows.view()),
        }
    }
}

/// All domains of a plan, with one list of classes.
#[derive(Debug, Clone)]
pub struct Domains {
    /// In the plan's order.
    pub domains: Vec<Domain>,
    /// The classes of all domains: by number where all are numbers, by name otherwise.
    pub classes: Vec<String>,
    /// What a reader of the results should know about the data.
    pub notes: Vec<String>,
}

/// Why a plan's data could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DomainError {
    /// A data file could not be read.
    #[error("domain `{domain}`")]
    Read {
        /// The domain.
        domain: String,
        /// Why.
        #[source]
        cause: Box<DatasetError>,
    },
    /// A data file has no labels.
    #[error(
        "domain `{domain}`: {} has no labels; name them with `labels = …` in the plan",
        file.display()
    )]
    Unlabelled {
        /// The domain.
        domain: String,
        /// Its file.
        file: PathBuf,
    },
    /// Sparse files could not get equal columns.
    #[error("cannot give the sparse files of the plan equal columns")]
    Widen(#[from] DatasetError),
    /// Pictures could not be described.
    #[error("domain `{domain}`")]
    Describe {
        /// The domain.
        domain: String,
        /// Why.
        #[source]
        cause: procrust_images::ImagesError,
    },
    /// A descriptor of pictures could not be made.
    #[error("cannot use the descriptor of [images]")]
    Descriptor(#[from] procrust_images::ImagesError),
    /// The word vectors of `[sentences]` could not be read.
    #[error(transparent)]
    Words(#[from] space::SpaceError),
    /// The encoder of sentences could not be had.
    #[error("cannot use the encoder of sentences")]
    Encoder(#[source] procrust_text::TextError),
    /// Sentences could not be encoded.
    #[error("domain `{domain}`")]
    Encode {
        /// The domain.
        domain: String,
        /// Why.
        #[source]
        cause: procrust_text::TextError,
    },
    /// Domains with different numbers of columns.
    #[error(
        "domain `{domain}` has {columns} columns, but `{first}` has {expected}: the domains of one \
         plan need equal columns"
    )]
    Columns {
        /// The domain.
        domain: String,
        /// Its columns.
        columns: usize,
        /// The first domain.
        first: String,
        /// The first domain's columns.
        expected: usize,
    },
    /// A file for the test with other columns than its domain's.
    #[error("domain `{domain}`: the file for the test has {columns} columns, expected {expected}")]
    TestColumns {
        /// The domain.
        domain: String,
        /// Columns of the file for the test.
        columns: usize,
        /// Columns of its other rows.
        expected: usize,
    },
    /// A source with a single class.
    #[error(
        "domain `{domain}` is a source and all its {rows} labels are `{class}`: a classifier needs \
         at least two classes"
    )]
    OneClass {
        /// The domain.
        domain: String,
        /// Its only class.
        class: String,
        /// Its rows.
        rows: usize,
    },
    /// A domain without rows.
    #[error("domain `{domain}` has no rows")]
    Empty {
        /// The domain.
        domain: String,
    },
}

impl From<EncoderError> for DomainError {
    fn from(error: EncoderError) -> Self {
        match error {
            EncoderError::Space(error) => Self::Words(error),
            EncoderError::Text(error) => Self::Encoder(error),
        }
    }
}

/// A domain before its labels are numbered.
struct Raw {
    rows: Rows,
    labels: Vec<String>,
}

enum Rows {
    Ready(Array2<f32>),
    Sparse(Box<Table>),
}

impl Domains {
    /// Reads and prepares every domain; `most_rows` keeps the first rows of each.
    ///
    /// # Errors
    ///
    /// A [`DomainError`] that names the domain, and with it the file and the place.
    pub fn load(plan: &DataPlan, most_rows: Option<usize>) -> Result<Self, DomainError> {
        let mut notes = Vec::new();
        let words = plan.sentences.as_ref().map(Encoder::load).transpose()?;
        let descriptors = descriptors_of(plan)?;
        let mut raw = Vec::with_capacity(plan.domains.len());
        for domain in &plan.domains {
            raw.push(read(domain, plan, words.as_ref(), &descriptors, &mut notes)?);
        }
        // Behind them, those of the files for the test.
        let with_test = |domain: &DomainPlan| match &domain.source {
            DomainSource::File { test: Some(path), .. } => Some((domain.clone(), path.clone())),
            _ => None,
        };
        let mut test_of: Vec<Option<usize>> = Vec::with_capacity(plan.domains.len());
        for domain in &plan.domains {
            let found =
                with_test(domain).map(|(domain, path)| read_file(&domain, &path, &descriptors));
            test_of.push(found.transpose()?.map(|found| {
                raw.push(found);
                raw.len() - 1
            }));
        }
        let (rows, labels): (Vec<Rows>, Vec<Vec<String>>) =
            raw.into_iter().map(|raw| (raw.rows, raw.labels)).unzip();
        let mut matrices = widen(rows)?;

        let classes = classes(labels.iter().flatten().map(String::as_str));

        let names = plan.images.labels();
        let mut domains = Vec::with_capacity(plan.domains.len());
        let take = |at: usize, matrices: &mut [Array2<f32>]| {
            let rows = std::mem::take(&mut matrices[at]);
            let most = most_rows.map_or(rows.nrows(), |most| most.min(rows.nrows()));
            (rows.slice_move(ndarray::s![..most, ..]), labels[at][..most].to_vec())
        };
        // Of a file so many as the plan takes; of what ships there are no more already.
        let thin = |domain: &DomainPlan, (rows, labels): (Array2<f32>, Vec<String>)| match domain
            .rows
            .filter(|&most| most < labels.len())
        {
            Some(most) if matches!(domain.source, DomainSource::File { .. }) => {
                let kept = spread(labels.len(), most);
                let labels = kept.iter().map(|&at| labels[at].clone()).collect();
                (rows.select(Axis(0), &kept), labels)
            }
            _ => (rows, labels),
        };
        for (at, (domain, test)) in plan.domains.iter().zip(test_of).enumerate() {
            let (mut rows, mut labels) = thin(domain, take(at, &mut matrices));
            let mut test_rows = 0;
            if let Some(test) = test {
                let (more, of_more) = thin(domain, take(test, &mut matrices));
                if more.ncols() != rows.ncols() {
                    return Err(DomainError::TestColumns {
                        domain: domain.name.clone(),
                        columns: more.ncols(),
                        expected: rows.ncols(),
                    });
                }
                if more.nrows() == 0 {
                    return Err(DomainError::Empty { domain: domain.name.clone() });
                }
                test_rows = more.nrows();
                rows = concatenate(Axis(0), &[rows.view(), more.view()])
                    .expect("both have the same columns");
                labels.extend(of_more);
            }
            prepare_rows(&mut rows, &plan.rows);
            if plan.columns == Columns::ZScore {
                standardize_columns(&mut rows);
            }
            let labels = labels
                .iter()
                .map(|label| {
                    let known = classes.iter().position(|class| class == label);
                    known.expect("classes were collected from these labels")
                })
                .collect();
            domains.push(Domain {
                test_rows,
                descriptor: (plan.images.descriptors.len() > 1)
                    .then(|| names[domain.descriptor].clone()),
                ..Domain::new(domain.name.clone(), rows, labels)
            });
        }
        let mut domains = Self { domains, classes, notes };
        domains.check(plan)?;
        domains.note_unknown_classes(plan);
        Ok(domains)
    }

    /// Measures every domain that several fits of the plan need whole.
    ///
    /// Before the runs and not by the first that needs it: a run that waits for another's
    /// measurement inside a pool of threads may wait for itself. What cannot be measured is left
    /// to the runs, which say why.
    pub(crate) fn measure(&self, pairs: &[(usize, usize)], plan: &SplitPlan) {
        self.domains.par_iter().enumerate().for_each(|(at, domain)| {
            let all = domain.test_rows == 0;
            let whole = |&(source, target): &(usize, usize)| {
                target == at && all && plan.test_share.is_none() && plan.target_labels.is_none()
                    || source == at && all && plan.trains_on_all(domain.labels.len())
            };
            if pairs.iter().any(whole)
                && let Ok(measured) = Measured::of(domain.rows.view())
            {
                domain.measured.get_or_init(|| measured);
            }
        });
    }

    fn check(&self, plan: &DataPlan) -> Result<(), DomainError> {
        for (domain, of_plan) in self.domains.iter().zip(&plan.domains) {
            let alike = plan.domains.iter().position(|d| d.descriptor == of_plan.descriptor);
            let first = &self.domains[alike.expect("the domain is one")];
            let name = || domain.name.clone();
            if domain.rows.nrows() == 0 {
                return Err(DomainError::Empty { domain: name() });
            }
            if domain.rows.ncols() != first.rows.ncols() {
                return Err(DomainError::Columns {
                    domain: name(),
                    columns: domain.rows.ncols(),
                    first: first.name.clone(),
                    expected: first.rows.ncols(),
                });
            }
        }
        for &(source, _) in &plan.pairs {
            let domain = &self.domains[source];
            let labels = &domain.labels[..domain.training_rows()];
            let Some(&class) = labels.first() else {
                return Err(DomainError::Empty { domain: domain.name.clone() });
            };
            if labels.iter().all(|&label| label == class) {
                return Err(DomainError::OneClass {
                    domain: domain.name.clone(),
                    class: self.classes[class].clone(),
                    rows: labels.len(),
                });
            }
        }
        Ok(())
    }

    /// Tells of target rows that nothing trained on the source can get right.
    fn note_unknown_classes(&mut self, plan: &DataPlan) {
        for &(source, target) in &plan.pairs {
            // Other descriptors of the same pictures would say the same again.
            if plan.domains[source].descriptor > 0 {
                continue;
            }
            let (source, target) = (&self.domains[source], &self.domains[target]);
            let known: BTreeSet<usize> =
                source.labels[..source.training_rows()].iter().copied().collect();
            let unknown = || target.labels.iter().filter(|label| !known.contains(label));
            let classes: BTreeSet<usize> = unknown().copied().collect();
            if !classes.is_empty() {
                let names: Vec<String> =
                    classes.iter().map(|&class| format!("`{}`", self.classes[class])).collect();
                self.notes.push(format!(
                    "{}>{}: {} of {} target rows are of classes that the source does not have: {}",
                    source.name,
                    target.name,
                    unknown().count(),
                    target.labels.len(),
                    names.join(", ")
                ));
            }
        }
    }
}

fn read(
    domain: &DomainPlan,
    plan: &DataPlan,
    encoder: Option<&Encoder>,
    descriptors: &[Box<dyn Describe>],
    notes: &mut Vec<String>,
) -> Result<Raw, DomainError> {
    let name = || domain.name.clone();
    match &domain.source {
        DomainSource::Images(set) => {
            let images = shipped(domain, *set)?;
            let rows = describe(domain, images.pixels.view(), descriptors)?;
            let class = |&label: &u8| set.classes()[usize::from(label)].to_owned();
            let labels = images.labels.iter().map(class).collect();
            Ok(Raw { rows: Rows::Ready(rows), labels })
        }
        DomainSource::Sentences(_) | DomainSource::SentenceFile { .. } => {
            let Texts { texts, labels, note } = texts(domain, plan)?;
            let encoder = encoder.expect("the plan's parser asks for [sentences]");
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let encoded = encoder
                .encode(&texts)
                .map_err(|cause| DomainError::Encode { domain: name(), cause })?;
            notes.push(format!(
                "{note}; {:.1} % of their {} have a vector, in {} sentences none",
                100.0 * encoded.coverage(),
                match encoder {
                    Encoder::Words { .. } => "words",
                    Encoder::Bert(_) | Encoder::Onnx(_) => "word pieces",
                },
                encoded.blank
            ));
            notes.extend(encoded.warning().map(|cut| format!("{}: {cut}", domain.name)));
            Ok(Raw { rows: Rows::Ready(encoded.rows), labels })
        }
        DomainSource::File { path, .. } => read_file(domain, path, descriptors),
    }
}

/// Labelled sentences of a domain.
pub(crate) struct Texts {
    pub(crate) texts: Vec<String>,
    pub(crate) labels: Vec<String>,
    /// How many there are.
    pub(crate) note: String,
}

/// The labelled sentences of a domain that has sentences, so many as the plan takes.
pub(crate) fn texts(domain: &DomainPlan, plan: &DataPlan) -> Result<Texts, DomainError> {
    let failed = |cause| DomainError::Read { domain: domain.name.clone(), cause: Box::new(cause) };
    let (mut all, found): (Vec<(String, String)>, usize) = match &domain.source {
        DomainSource::SentenceFile { path, sentences, labels } => {
            let all =
                read_labelled_sentences(path, sentences, labels.as_deref()).map_err(failed)?;
            let found = all.len();
            (all, found)
        }
        DomainSource::Sentences(set) => {
            let rated = rated_sentences(*set).map_err(failed)?;
            let found = rated.len();
            let label = |sentiment| match sentiment {
                Sentiment::Positive => "positive".to_owned(),
                _ => "negative".to_owned(),
            };
            let labelled = rated.into_iter().filter_map(|rated| {
                let label = label(rated.label()?);
                Some((rated.text, label))
            });
            (labelled.collect(), found)
        }
        _ => unreachable!("the caller asks domains of sentences"),
    };
    let labelled = all.len();
    let mut note = format!("{}: {labelled} of {found} sentences have a label", domain.name);
    if let Some(most) = plan.most_sentences.filter(|&most| most < labelled) {
        // Spread over the domain: its sentences stand by the text that they come from.
        all = spread(labelled, most).into_iter().map(|at| all[at].clone()).collect();
        note.push_str(&format!(", {most} are taken"));
    }
    let (texts, labels) = all.into_iter().unzip();
    Ok(Texts { texts, labels, note })
}

/// The classes of some labels: by number where all are numbers, by name otherwise.
pub(crate) fn classes<'a>(labels: impl Iterator<Item = &'a str>) -> Vec<String> {
    let all: BTreeSet<&str> = labels.collect();
    let mut classes: Vec<String> = all.into_iter().map(ToOwned::to_owned).collect();
    if classes.iter().all(|class| class.parse::<f64>().is_ok()) {
        let number = |class: &String| class.parse::<f64>().unwrap_or(f64::NAN);
        classes.sort_by(|a, b| number(a).total_cmp(&number(b)));
    }
    classes
}

fn open_file(domain: &DomainPlan, path: &Path) -> Result<Table, DomainError> {
    let mut options = TableOptions::default();
    if let DomainSource::File { features, labels, .. } = &domain.source {
        options.features.clone_from(features);
        options.labels.clone_from(labels);
    }
    procrust_datasets::read_table(path, &options)
        .map_err(|cause| DomainError::Read { domain: domain.name.clone(), cause: Box::new(cause) })
}

/// A shipped set with pixels from 0 to 255.
fn shipped(domain: &DomainPlan, set: ImageSet) -> Result<Images, DomainError> {
    let failed = |cause| DomainError::Read { domain: domain.name.clone(), cause: Box::new(cause) };
    let mut images = set.load().map_err(failed)?;
    to_full_range(&mut images.pixels, images.white);
    let all = images.labels.len();
    if let Some(most) = domain.rows.filter(|&most| most < all) {
        let some = spread(all, most);
        images.pixels = images.pixels.select(Axis(0), &some);
        images.labels = some.iter().map(|&at| images.labels[at]).collect();
    }
    Ok(images)
}

/// The descriptors of a plan. The words of a bag are learned from the pictures of all domains: no label is needed.
fn descriptors_of(plan: &DataPlan) -> Result<Vec<Box<dyn Describe>>, DomainError> {
    let images = &plan.images;
    let learn = |written: &WrittenBag| {
        let mut all = Items::default();
        for domain in plan.domains.iter().filter(|domain| domain.descriptor == 0) {
            let pixels = match &domain.source {
                DomainSource::Images(set) => Some(shipped(domain, *set)?.pixels),
                DomainSource::File { path, .. } => open_file(domain, path)?.pictures(),
                DomainSource::Sentences(_) | DomainSource::SentenceFile { .. } => None,
            };
            if let Some(pixels) = pixels {
                all.items.extend(Items::of_stack(pixels, None)?.items);
            }
        }
        let words = Vocabulary::learn(&all, &written.settings, || ControlFlow::Continue(()))?;
        Ok(BagOfWords::new(Arc::new(words), written.weights))
    };
    images.descriptors.iter().map(|text| descriptors::make(text, &images.folder, learn)).collect()
}

/// Reads one file of a domain whose rows are in files.
fn read_file(
    domain: &DomainPlan,
    path: &Path,
    descriptors: &[Box<dyn Describe>],
) -> Result<Raw, DomainError> {
    let name = || domain.name.clone();
    let mut table = open_file(domain, path)?;
    let labels = table
        .labels
        .take()
        .ok_or_else(|| DomainError::Unlabelled { domain: name(), file: path.to_path_buf() })?;
    if table.sparse {
        return Ok(Raw { rows: Rows::Sparse(Box::new(table)), labels });
    }
    let rows = match table.pictures() {
        Some(pixels) => describe(domain, pixels.view(), descriptors)?,
        None => table.features,
    };
    Ok(Raw { rows: Rows::Ready(rows), labels })
}

fn describe(
    domain: &DomainPlan,
    pixels: ArrayView3<'_, u8>,
    descriptors: &[Box<dyn Describe>],
) -> Result<Array2<f32>, DomainError> {
    procrust_images::describe(&descriptors[domain.descriptor], pixels)
        .map_err(|cause| DomainError::Describe { domain: domain.name.clone(), cause })
}

/// Sparse files of one plan share the widest column count and the first index.
fn widen(rows: Vec<Rows>) -> Result<Vec<Array2<f32>>, DatasetError> {
    let mut sparse: Vec<Table> = Vec::new();
    let mut dense: Vec<Option<Array2<f32>>> = Vec::with_capacity(rows.len());
    for rows in rows {
        match rows {
            Rows::Ready(rows) => dense.push(Some(rows)),
            Rows::Sparse(table) => {
                sparse.push(*table);
                dense.push(None);
            }
        }
    }
    Table::share_columns(&mut sparse)?;
    let mut sparse = sparse.into_iter();
    let filled = dense.into_iter().map(|rows| {
        rows.or_else(|| sparse.next().map(|table| table.features))
            .expect("every domain without rows has left a sparse table")
    });
    Ok(filled.collect())
}

/// Levels from 0 to `white` spread over 0 to 255.
fn to_full_range(pixels: &mut Array3<u8>, white: u8) {
    if (1..255).contains(&white) {
        let scale = |level: u8| {
            let scaled = (u32::from(level) * 255 + u32::from(white) / 2) / u32::from(white);
            u8::try_from(scaled).unwrap_or(u8::MAX)
        };
        pixels.mapv_inplace(scale);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn levels_of_sixteen_become_bytes() {
        let mut pixels = array![[[0_u8, 8, 16]]];
        to_full_range(&mut pixels, 16);
        assert_eq!(pixels, array![[[0_u8, 128, 255]]]);
        to_full_range(&mut pixels, 255);
        assert_eq!(pixels, array![[[0_u8, 128, 255]]]);
    }
}
