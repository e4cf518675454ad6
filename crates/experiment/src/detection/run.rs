//! Runs plans of kind `detection`.

use std::{
    collections::BTreeMap,
    error::Error,
    fmt,
    path::PathBuf,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use ndarray::{Array2, Array3, Axis};
use procrust_classify::statistics::Interval;
use procrust_datasets::{
    AnnotatedBox, AnnotatedPicture, AnnotatedPictures, BoxOptions, mnist, photographs, read_coco,
    read_voc,
};
use procrust_images::{Decoding, DescribeDense, Picture};
use procrust_transfer::{
    BiasedLogistic, LinearScores, TransferError,
    detection::{
        BoundingBox, CocoEvaluation, DetectorTraining, FoundBox, Measure, PictureSource,
        TrainedDetector, TrueBox, WindowShape,
    },
};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use procrust_runner::{Finding, Outcome, in_full};

use crate::{
    detection::{
        placed,
        plan::{DetectionMethod, DetectionPlan, PictureSourcePlan, PlacedPlan},
    },
    shared::data_error::{TransferDataError, failed, finding},
};

/// What each run measures.
const METRICS: [&str; 2] = ["ap50", "ap"];
/// Resamples of the pictures behind an interval.
const RESAMPLES: usize = 1000;
/// `--quick` tests on so many pictures.
const QUICK: usize = 15;
/// Pictures whose boxes are found at once.
const AT_ONCE: usize = 16;

type Cause = Box<dyn Error + Send + Sync>;

/// A picture: made already, or in a file.
#[derive(Clone)]
enum Stored {
    Made(Picture),
    File(AnnotatedPicture),
}

/// Pictures with true boxes.
#[derive(Clone, Default)]
pub struct Annotated {
    pictures: Vec<Stored>,
    /// The boxes of each picture.
    pub truths: Vec<Vec<TrueBox>>,
}

impl fmt::Debug for Annotated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} annotated pictures", self.pictures.len())
    }
}

impl Annotated {
    /// Those of files.
    #[must_use]
    pub fn of_files(files: &AnnotatedPictures) -> Self {
        let truths = files.pictures.iter().map(|p| p.boxes.iter().filter_map(truth).collect());
        let stored = files.pictures.iter().cloned().map(Stored::File);
        Self { truths: truths.collect(), pictures: stored.collect() }
    }

    fn chosen(&self, which: &[usize]) -> Self {
        Self {
            pictures: which.iter().map(|&at| self.pictures[at].clone()).collect(),
            truths: which.iter().map(|&at| self.truths[at].clone()).collect(),
        }
    }

    /// What a picture is called.
    #[must_use]
    pub fn name(&self, at: usize) -> String {
        match &self.pictures[at] {
            Stored::Made(_) => format!("picture {}", at + 1),
            Stored::File(file) => {
                file.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
            }
        }
    }
}

fn truth(b: &AnnotatedBox) -> Option<TrueBox> {
    let bounds = BoundingBox::new(b.left, b.top, b.right, b.bottom).ok()?;
    let mut truth = TrueBox::new(bounds, b.class);
    (truth.crowd, truth.difficult, truth.area) = (b.crowd, b.difficult, b.area);
    Some(truth)
}

impl PictureSource for Annotated {
    fn len(&self) -> usize {
        self.pictures.len()
    }

    fn picture(&self, at: usize) -> Result<Picture, Cause> {
        match &self.pictures[at] {
            Stored::Made(picture) => Ok(picture.clone()),
            Stored::File(file) => {
                let picture = Decoding::default()
                    .open(&file.path)
                    .map_err(|error| format!("{}: {}", file.path.display(), in_full(&error)))?;
                let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
                file.check_size(side(picture.width()), side(picture.height()))?;
                Ok(picture)
            }
        }
    }
}

/// What a run found in the test pictures, by task, method and seed.
type Found = BTreeMap<(usize, usize, u64), Vec<Vec<FoundBox>>>;

/// Pictures to train on and to test on.
#[derive(Debug)]
pub struct DetectionTasks {
    /// What a reader of the results should know.
    pub notes: Vec<String>,
    /// The names of the classes.
    pub classes: Vec<String>,
    /// Pictures that training ones are drawn from.
    pub train: Annotated,
    /// Pictures that are tested.
    pub test: Annotated,
    /// Digits for classifiers, that are in none of the pictures.
    digits: Option<Digits>,
    found: Mutex<Found>,
}

struct Digits {
    pixels: Array3<u8>,
    labels: Vec<usize>,
}

impl fmt::Debug for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} digits", self.labels.len())
    }
}

impl DetectionTasks {
    /// Reads or makes the pictures; `quick` keeps the first tested ones.
    ///
    /// # Errors
    ///
    /// A [`TransferDataError`] that names the file and the line, or the place in the plan.
    pub fn load(plan: &DetectionPlan, quick: bool) -> Result<Self, TransferDataError> {
        let mut tasks = match &plan.source {
            PictureSourcePlan::Placed(placed) => Self::placed(plan, placed)?,
            PictureSourcePlan::Folder { path, images, train, test, classes } => {
                let options = BoxOptions { classes: classes.clone(), ..BoxOptions::default() };
                let all = match images {
                    Some(images) => read_coco(path, images, &options)?,
                    None => read_voc(path, &options)?,
                };
                let [train, test] = [all.listed(train)?, all.listed(test)?];
                let both = train.pictures.iter().find(|p| test.pictures.contains(p));
                if let Some(both) = both {
                    let name = both.path.display();
                    let message = format!("{name} is in both lists: to train on and to test on");
                    return Err(plan.place.error(message).into());
                }
                Self {
                    notes: listed("annotated pictures that are not there", &all.missing_pictures)
                        .into_iter()
                        .chain(listed("pictures without annotation, left out", &all.not_annotated))
                        .collect(),
                    classes: all.classes.clone(),
                    train: Annotated::of_files(&train),
                    test: Annotated::of_files(&test),
                    digits: None,
                    found: Mutex::default(),
                }
            }
        };
        if quick {
            let first: Vec<usize> = (0..tasks.test.len().min(QUICK)).collect();
            tasks.test = tasks.test.chosen(&first);
        }
        let most = plan.sizes.iter().flatten().max();
        if let Some(most) = most.filter(|&&most| most > tasks.train.len()) {
            let there = tasks.train.len();
            let message = format!("[task] pictures: {most}, but there are {there} to train on");
            return Err(plan.place.error(message).into());
        }
        let boxes = |part: &Annotated| part.truths.iter().map(Vec::len).sum::<usize>();
        tasks.notes.insert(
            0,
            format!(
                "{} pictures to train on with {} boxes, {} to test on with {}; intervals and differences are over \
                 test pictures",
                tasks.train.len(),
                boxes(&tasks.train),
                tasks.test.len(),
                boxes(&tasks.test)
            ),
        );
        Ok(tasks)
    }

    fn placed(plan: &DetectionPlan, placed: &PlacedPlan) -> Result<Self, TransferDataError> {
        let (digits, photographs) = (mnist()?, photographs()?);
        // Of ten digits in a row three are for training pictures, three for tests, four for classifiers.
        let part = |from: usize, to: usize| -> Vec<usize> {
            (0..digits.labels.len()).filter(|at| (from..to).contains(&(at % 10))).collect()
        };
        let (for_train, for_test, rest) = (part(0, 3), part(3, 6), part(6, 10));
        // Photographs in even places are trained on, the others tested on.
        let photographs_of = |odd: usize| {
            let which: Vec<usize> = (0..photographs.dim().0).filter(|at| at % 2 == odd).collect();
            photographs.select(Axis(0), &which)
        };
        let make = |count: usize, pool: &[usize], odd: usize| {
            let photographs = photographs_of(odd);
            let one = |at: usize| {
                let stream = 2 * at as u64 + odd as u64;
                placed::picture(placed, &photographs, &digits.pixels, &digits.labels, pool, stream)
            };
            let made: Vec<(Picture, Vec<TrueBox>)> = (0..count).into_par_iter().map(one).collect();
            let (pictures, truths): (Vec<Picture>, Vec<Vec<TrueBox>>) = made.into_iter().unzip();
            Annotated { pictures: pictures.into_iter().map(Stored::Made).collect(), truths }
        };
        let rows = plan.methods.iter().map(|method| match method {
            DetectionMethod::Classifier { rows, .. } => *rows,
            DetectionMethod::None => 0,
        });
        let most = rows.max().unwrap_or(0);
        if most > rest.len() {
            let there = rest.len();
            let message = format!("rows: {most}, but {there} digits are in no picture");
            return Err(plan.place.error(message).into());
        }
        let chosen = &rest[..most];
        let labels = chosen.iter().map(|&at| usize::from(digits.labels[at])).collect();
        let pixels = digits.pixels.select(Axis(0), chosen);
        let note = "digits, and photographs below them, that are tested on are in no training picture, and those of \
                    the classifier in none";
        Ok(Self {
            notes: vec![note.to_owned()],
            classes: (0..10).map(|digit| digit.to_string()).collect(),
            train: make(placed.train, &for_train, 0),
            test: make(placed.test, &for_test, 1),
            digits: Some(Digits { pixels, labels }),
            found: Mutex::default(),
        })
    }

    /// What a run found in each test picture, if it ran.
    #[must_use]
    pub fn found(&self, task: usize, method: usize, seed: u64) -> Option<Vec<Vec<FoundBox>>> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.get(&(task, method, seed)).cloned()
    }

    /// A classifier of single digits, light on dark and dark on light, as windows of a shape see them.
    fn classifier(
        &self,
        describe: &dyn DescribeDense,
        shape: WindowShape,
        rows: usize,
    ) -> Result<LinearScores, TransferError> {
        let digits = self.digits.as_ref().expect("checked with the plan");
        let (start, side) = placed::INK;
        let [left, width] = [start, side].map(|pixels| pixels as f64);
        let bounds = BoundingBox::sized(left, left, width, width)?;
        let row = |at: usize| {
            let digit = digits.pixels.index_axis(Axis(0), at);
            let grey = if at.is_multiple_of(2) {
                digit.to_owned()
            } else {
                digit.mapv(|level| 255 - level)
            };
            shape.row(describe, &Picture::from_grey(grey.view())?, &bounds)
        };
        let found: Vec<Result<Vec<f32>, TransferError>> =
            (0..rows).into_par_iter().map(row).collect();
        let found = found.into_iter().collect::<Result<Vec<_>, _>>()?;
        let x = Array2::from_shape_vec((rows, found[0].len()), found.concat())
            .expect("rows have the window's length");
        let logistic = BiasedLogistic { tolerance: 1e-3, ..BiasedLogistic::default() };
        logistic.fit(x.view(), &digits.labels[..rows], self.classes.len(), None)
    }
}

/// A sentence about files, if there are any.
fn listed(what: &str, files: &[PathBuf]) -> Option<String> {
    const TOLD: usize = 5;
    let names: Vec<String> = files
        .iter()
        .take(TOLD)
        .map(|file| file.file_name().unwrap_or_default().to_string_lossy().into_owned())
        .collect();
    let more = match files.len().saturating_sub(TOLD) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (!files.is_empty()).then(|| format!("{what}: {}{more}", names.join(", ")))
}

/// Boxes in each picture, a few pictures at once.
///
/// # Errors
///
/// The first picture that cannot be read or described.
pub fn detect_all(
    trained: &procrust_transfer::detection::Detector,
    describe: &dyn DescribeDense,
    pictures: &Annotated,
) -> Result<Vec<Vec<FoundBox>>, TransferError> {
    let all: Vec<usize> = (0..pictures.len()).collect();
    let mut found = Vec::with_capacity(all.len());
    for few in all.chunks(AT_ONCE) {
        let one = |&at: &usize| {
            let picture =
                pictures.picture(at).map_err(|cause| TransferError::Picture { at, cause })?;
            trained.detect(describe, &picture)
        };
        let some: Vec<Result<Vec<FoundBox>, TransferError>> =
            few.par_iter().with_max_len(1).map(one).collect();
        for result in some {
            found.push(result?);
        }
    }
    Ok(found)
}

/// One run: a detector of so many pictures, which the seed draws.
#[must_use]
pub fn run(
    plan: &DetectionPlan,
    data: &DetectionTasks,
    task: usize,
    method: usize,
    seed: u64,
) -> Vec<Finding> {
    match measure(plan, data, task, method, seed) {
        Ok(findings) => findings,
        Err(error) => failed(&METRICS, &error),
    }
}

fn measure(
    plan: &DetectionPlan,
    data: &DetectionTasks,
    task: usize,
    method: usize,
    seed: u64,
) -> Result<Vec<Finding>, TransferError> {
    let describe = plan.descriptor.descriptor();
    let mut drawn: Vec<usize> = (0..data.train.len()).collect();
    drawn.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    drawn.truncate(plan.sizes[task].unwrap_or(usize::MAX));
    let pictures = data.train.chosen(&drawn);

    let mut training = plan.training;
    training.seed = seed;
    let started = Instant::now();
    let fit = |training: &DetectorTraining,
               rows: Option<usize>|
     -> Result<TrainedDetector, TransferError> {
        let classifier = |shape: WindowShape| {
            data.classifier(describe.as_ref(), shape, rows.expect("only asked with a classifier"))
        };
        training.fit(
            describe.as_ref(),
            &data.classes,
            &pictures,
            &pictures.truths,
            rows.is_some().then_some(&classifier),
            &|_| {},
        )
    };
    let trained = match plan.methods[method] {
        DetectionMethod::None => fit(&training, None)?,
        DetectionMethod::Classifier { l2, rows } => {
            training.l2 = l2.unwrap_or(training.l2);
            fit(&training, Some(rows))?
        }
    };
    let seconds = started.elapsed().as_secs_f64();
    let found = detect_all(&trained.detector, describe.as_ref(), &data.test)?;
    let evaluation = CocoEvaluation::new(&data.test.truths, &found, data.classes.len())?;
    data.found.lock().unwrap_or_else(PoisonError::into_inner).insert((task, method, seed), found);
    let mut findings = findings(&evaluation, data.test.len());
    for finding in &mut findings {
        finding.fit_seconds = Some(seconds);
    }
    if trained.not_covered > 0 {
        findings[0].warnings.push(format!(
            "{} true boxes are covered by no window: too small, too large or of an odd shape",
            trained.not_covered
        ));
    }
    Ok(findings)
}

/// `ap50` and `ap` with intervals over pictures, and what each picture adds.
#[allow(clippy::cast_possible_truncation, reason = "pseudo-values keep enough digits")]
pub(crate) fn findings(evaluation: &CocoEvaluation, pictures: usize) -> Vec<Finding> {
    let measures = [Measure::at(0.5), Measure::default()];
    let of = |(metric, measure): (&&str, &Measure)| {
        let interval = evaluation.average_precision_interval(measure, RESAMPLES, 0);
        let Some(found) = interval else {
            let error = "no test picture has a true box".to_owned();
            return finding(metric, Outcome::Failed { error });
        };
        let interval = Interval { value: found.value, low: found.low, high: found.high };
        let items = evaluation.pseudo_values(measure).unwrap_or_default();
        Finding {
            items: items.into_iter().map(|item| item as f32).collect(),
            ..finding(metric, Outcome::measured(interval, pictures))
        }
    };
    METRICS.iter().zip(&measures).map(of).collect()
}
