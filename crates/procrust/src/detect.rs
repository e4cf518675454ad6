//! `procrust detect` and `procrust detect-train`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use anyhow::{Context, bail};
use procrust_datasets::{AnnotatedPictures, BoxOptions, read_coco, read_voc};
use procrust_experiment::{
    annotated, dense_by_name, descriptor_named,
    detection::run::{Annotated, detect_all},
};
use procrust_images::{Decoding, Picture};
use procrust_runner::write_whole;
use procrust_transfer::detection::{
    CocoEvaluation, Detector, DetectorTraining, FoundBox, Measure, TrainingStep,
};
use rayon::prelude::*;
use serde_json::json;

/// Endings of pictures, in small letters.
const PICTURES: [&str; 10] =
    ["jpg", "jpeg", "png", "bmp", "gif", "webp", "tif", "tiff", "ppm", "pgm"];
/// Pictures that are in memory at once.
const AT_ONCE: usize = 16;
const QUALITY: u8 = 90;

#[derive(Debug, clap::Args)]
pub(crate) struct DetectArguments {
    /// A detector that `procrust detect-train` saved
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// A folder of pictures, or one picture
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// Where boxes.json and annotated/ go
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Boxes of at least this probability
    #[arg(long, value_name = "P", default_value_t = 0.3)]
    least: f64,
    /// How many threads to use; all cores by default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// The content of boxes.json on stdout
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct TrainArguments {
    /// A folder in Pascal VOC's layout, or a JSON file in COCO's format
    #[arg(value_name = "DATA")]
    data: PathBuf,
    /// Where the detector goes, a safetensors file
    #[arg(long, value_name = "MODEL")]
    out: PathBuf,
    /// Of COCO, the folder of the pictures; the file's own by default
    #[arg(long, value_name = "DIR")]
    images: Option<PathBuf>,
    /// A list of the pictures to train on, a name a line; all by default
    #[arg(long, value_name = "LIST")]
    train: Option<PathBuf>,
    /// A list of pictures to test on afterwards
    #[arg(long, value_name = "LIST")]
    test: Option<PathBuf>,
    /// What makes maps of pictures: hog-cells or efficientnet-lite0-map, also with settings in brackets as the
    /// table says that is printed
    #[arg(long, value_name = "NAME", default_value = "hog-cells")]
    descriptor: String,
    /// Square root of a window's area in cells
    #[arg(long, value_name = "N")]
    window: Option<usize>,
    /// How many shapes of windows at most
    #[arg(long, value_name = "N")]
    aspects: Option<usize>,
    /// Larger pictures are shrunk until their longer side has so many pixels
    #[arg(long, value_name = "N")]
    side: Option<usize>,
    /// Sizes until a thing is twice as large
    #[arg(long, value_name = "N")]
    per_octave: Option<usize>,
    /// Rounds of mining
    #[arg(long, value_name = "N")]
    rounds: Option<usize>,
    /// Strength of the penalty on weights
    #[arg(long, value_name = "X")]
    l2: Option<f64>,
    /// Penalty of box regression
    #[arg(long, value_name = "X")]
    box_l2: Option<f64>,
    /// The seed of the background that is drawn
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// How many threads to use; all cores by default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Pass over boxes that are outside their picture, empty or turned, and say so
    #[arg(long)]
    skip_bad: bool,
}

fn threads(count: Option<u16>) -> anyhow::Result<()> {
    if let Some(count) = count {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(usize::from(count));
        pool.build_global().context("cannot start the threads")?;
    }
    Ok(())
}

pub(crate) fn detect(arguments: &DetectArguments) -> anyhow::Result<ExitCode> {
    threads(arguments.threads)?;
    if !(0.0..=1.0).contains(&arguments.least) {
        bail!("--least: expected a number from 0 to 1, found {}", arguments.least);
    }
    let model = arguments.model.as_path();
    let bytes = std::fs::read(model).with_context(|| format!("cannot read {}", model.display()))?;
    let detector =
        Detector::from_bytes(&bytes).with_context(|| format!("cannot use {}", model.display()))?;
    let describe = dense_by_name(detector.descriptor()).with_context(|| {
        format!("{}: no descriptor is called {}", model.display(), detector.descriptor())
    })?;
    let files = pictures(&arguments.folder)?;
    let into = arguments.out.join("annotated");
    std::fs::create_dir_all(&into)
        .with_context(|| format!("cannot write to {}", into.display()))?;

    let one = |file: &PathBuf| -> anyhow::Result<(Picture, Vec<FoundBox>)> {
        let picture = Decoding::default().open(file)?;
        let mut found = detector.detect(describe.as_ref(), &picture)?;
        found.retain(|found| found.score >= arguments.least);
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let path = into.join(format!("{name}.jpg"));
        let drawn = annotated(&picture, &found, detector.classes())?.to_jpeg(QUALITY)?;
        let part = into.join(format!("{name}.jpg.part"));
        std::fs::write(&part, drawn)
            .and_then(|()| std::fs::rename(&part, &path))
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok((picture, found))
    };
    let started = Instant::now();
    let (mut listed, mut skipped, mut count) = (Vec::new(), Vec::new(), 0);
    let mut said = Instant::now();
    for few in files.chunks(AT_ONCE) {
        let results: Vec<anyhow::Result<(Picture, Vec<FoundBox>)>> =
            few.par_iter().with_max_len(1).map(one).collect();
        for (file, result) in few.iter().zip(results) {
            match result {
                Ok((picture, found)) => {
                    count += found.len();
                    listed.push(entry(file, &picture, &found, &detector));
                }
                Err(error) => {
                    let reason = format!("{error:#}");
                    eprintln!("skipped {}: {reason}", file.display());
                    skipped.push(json!({ "file": file.display().to_string(), "reason": reason }));
                }
            }
        }
        if said.elapsed().as_secs() >= 5 {
            said = Instant::now();
            eprintln!("{} of {} pictures", listed.len() + skipped.len(), files.len());
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    let text = serde_json::to_string_pretty(&json!({
        "model": model.display().to_string(),
        "classes": detector.classes(),
        "pictures": listed,
        "skipped": skipped,
    }))?;
    let path = arguments.out.join("boxes.json");
    write_whole(&path, &text).with_context(|| format!("cannot write {}", path.display()))?;
    if arguments.json {
        println!("{text}");
    } else {
        #[allow(clippy::cast_precision_loss, reason = "a mean for people")]
        let each = 1000.0 * seconds / files.len() as f64;
        println!("{count} boxes in {} pictures, {each:.0} ms a picture", listed.len());
    }
    eprintln!("wrote {} and {}", path.display(), into.display());
    Ok(if skipped.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn entry(
    file: &Path,
    picture: &Picture,
    found: &[FoundBox],
    detector: &Detector,
) -> serde_json::Value {
    let boxes: Vec<serde_json::Value> = found
        .iter()
        .map(|found| {
            let b = found.bounds;
            json!({
                "class": detector.classes()[found.class], "score": found.score,
                "left": b.left(), "top": b.top(), "right": b.right(), "bottom": b.bottom(),
            })
        })
        .collect();
    json!({
        "file": file.display().to_string(),
        "width": picture.width(),
        "height": picture.height(),
        "boxes": boxes,
    })
}

/// The pictures of a folder, by name; or the one picture.
fn pictures(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    let entries =
        std::fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))?;
    for entry in entries {
        let file = entry.with_context(|| format!("cannot read {}", path.display()))?.path();
        let ending = file.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        if PICTURES.contains(&ending.as_str()) && file.is_file() {
            files.push(file);
        }
    }
    if files.is_empty() {
        bail!("{}: expected pictures ({}), found none", path.display(), PICTURES.join(", "));
    }
    files.sort();
    Ok(files)
}

pub(crate) fn train(arguments: &TrainArguments) -> anyhow::Result<ExitCode> {
    threads(arguments.threads)?;
    let describe = descriptor_named(&arguments.descriptor).with_context(|| {
        let found = &arguments.descriptor;
        format!("--descriptor: expected hog-cells or efficientnet-lite0-map, found {found}")
    })?;
    let mut training = DetectorTraining::default();
    training.seed = arguments.seed;
    training.window = arguments.window.unwrap_or(training.window);
    training.aspects = arguments.aspects.unwrap_or(training.aspects);
    training.side = arguments.side.unwrap_or(training.side);
    training.per_octave = arguments.per_octave.unwrap_or(training.per_octave);
    training.rounds = arguments.rounds.unwrap_or(training.rounds);
    training.l2 = arguments.l2.unwrap_or(training.l2);
    training.box_l2 = arguments.box_l2.unwrap_or(training.box_l2);

    let data = arguments.data.as_path();
    let options = BoxOptions { skip_bad: arguments.skip_bad, ..BoxOptions::default() };
    let all = if data.is_dir() {
        read_voc(data, &options)?
    } else {
        let own = data.parent().filter(|folder| !folder.as_os_str().is_empty());
        let images = arguments.images.as_deref().or(own).unwrap_or(Path::new("."));
        read_coco(data, images, &options)?
    };
    warn(&all);
    let of = |list: &Option<PathBuf>| list.as_ref().map(|list| all.listed(list)).transpose();
    let test = of(&arguments.test)?;
    let train = of(&arguments.train)?.unwrap_or_else(|| all.clone());
    if let Some(test) = &test
        && let Some(both) = train.pictures.iter().find(|p| test.pictures.contains(p))
    {
        bail!("{} is to be trained on and tested on", both.path.display());
    }
    let pictures = Annotated::of_files(&train);
    let started = Instant::now();
    let last = std::sync::Mutex::new(Instant::now());
    let progress = |step: TrainingStep| {
        let mut last = last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if last.elapsed().as_secs() >= 2 {
            *last = Instant::now();
            eprintln!(
                "{} {} of {}, {:.0} s",
                step.stage,
                step.done,
                step.total,
                started.elapsed().as_secs_f64()
            );
        }
    };
    let trained = training.fit(
        describe.as_ref(),
        &all.classes,
        &pictures,
        &pictures.truths,
        None,
        &progress,
    )?;
    let detector = trained.detector;
    let path = arguments.out.as_path();
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    std::fs::write(&part, detector.to_bytes())
        .and_then(|()| std::fs::rename(&part, path))
        .with_context(|| format!("cannot write {}", path.display()))?;
    if trained.not_covered > 0 {
        eprintln!("warning: {} true boxes are covered by no window", trained.not_covered);
    }
    let shapes: Vec<String> = detector
        .shapes()
        .iter()
        .map(|shape| format!("{} × {}", shape.across, shape.down))
        .collect();
    let mut rows = vec![
        vec!["classes".to_owned(), all.classes.join(", ")],
        vec!["descriptor".to_owned(), detector.descriptor().to_owned()],
        vec!["pictures".to_owned(), pictures.truths.len().to_string()],
        vec!["windows, cells".to_owned(), shapes.join(", ")],
        vec!["windows, positive".to_owned(), trained.positives.to_string()],
        vec!["windows, background".to_owned(), trained.negatives.to_string()],
        vec!["calibrated".to_owned(), if trained.calibrated { "yes" } else { "no" }.to_owned()],
        vec!["training".to_owned(), format!("{:.1} s", started.elapsed().as_secs_f64())],
    ];
    if let Some(test) = test {
        let test = Annotated::of_files(&test);
        let started = Instant::now();
        let found = detect_all(&detector, describe.as_ref(), &test)?;
        #[allow(clippy::cast_precision_loss, reason = "a mean for people")]
        let each = 1000.0 * started.elapsed().as_secs_f64() / found.len() as f64;
        let evaluation = CocoEvaluation::new(&test.truths, &found, all.classes.len())?;
        for (name, measure) in [
            ("AP50", Measure::at(0.5)),
            ("AP75", Measure::at(0.75)),
            ("AP 0.50:0.95", Measure::default()),
        ] {
            let interval = evaluation.average_precision_interval(&measure, 1000, 0);
            let text = interval.map_or_else(
                || "no true boxes".to_owned(),
                |i| format!("{:.3} ({:.3} to {:.3})", i.value, i.low, i.high),
            );
            rows.push(vec![name.to_owned(), text]);
        }
        let recall = evaluation.recall(&Measure::at(0.5));
        let text =
            recall.map_or_else(|| "no true boxes".to_owned(), |recall| format!("{recall:.3}"));
        rows.push(vec!["recall at 0.5".to_owned(), text]);
        rows.push(vec!["a picture".to_owned(), format!("{each:.0} ms")]);
    }
    for row in rows {
        println!("{:<20} {}", row[0], row[1]);
    }
    eprintln!("wrote {}", path.display());
    Ok(ExitCode::SUCCESS)
}

/// What does not fit together, on stderr.
fn warn(all: &AnnotatedPictures) {
    for path in &all.missing_pictures {
        eprintln!("warning: {} is annotated but not there", path.display());
    }
    for path in &all.not_annotated {
        eprintln!("warning: {} is not annotated, left out", path.display());
    }
    for line in &all.skipped {
        eprintln!("warning: passed over: {line}");
    }
}
