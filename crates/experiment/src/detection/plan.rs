//! Plans of kind `detection`: where things are in pictures.

use std::path::{Path, PathBuf};

use procrust_images::{DescribeDense, EfficientNetMap, HogCells};
use procrust_transfer::detection::DetectorTraining;
use serde_json::json;

use procrust_runner::{Place, PlanError, Table, at_least_one, existing, unknown};

use crate::shared::parts::{Labelled, Settings, all_different};

/// An experiment with boxes in pictures.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DetectionPlan {
    /// The pictures.
    pub source: PictureSourcePlan,
    /// Where the plan speaks of them.
    pub place: Place,
    /// What makes maps of them.
    pub descriptor: DensePlan,
    /// How detectors are trained.
    pub training: DetectorTraining,
    /// Annotated pictures to train on, one task each; all of them where `None`.
    pub sizes: Vec<Option<usize>>,
    /// The methods.
    pub methods: Vec<DetectionMethod>,
}

/// Where pictures with boxes come from.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum PictureSourcePlan {
    /// Digits of MNIST, placed on the photographs that ship.
    Placed(PlacedPlan),
    /// A folder in VOC's or COCO's format.
    Folder {
        /// VOC's folder, or COCO's JSON file.
        path: PathBuf,
        /// Of COCO, the folder of the pictures.
        images: Option<PathBuf>,
        /// The list of pictures to train on.
        train: PathBuf,
        /// The list of pictures to test on.
        test: PathBuf,
        /// The classes; those of the files when `None`.
        classes: Option<Vec<String>>,
    },
}

/// How digits are placed.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PlacedPlan {
    /// The seed of all pictures.
    pub seed: u64,
    /// Pictures that may be trained on.
    pub train: usize,
    /// Pictures that are tested.
    pub test: usize,
    /// Digits a picture, from the least to the most.
    pub objects: (usize, usize),
    /// Sides of digits in pixels.
    pub sizes: (usize, usize),
    /// The largest IoU of two digits of a picture.
    pub overlap: f64,
    /// Pieces of digits that belong to no class, a picture.
    pub clutter: usize,
}

impl Default for PlacedPlan {
    fn default() -> Self {
        Self {
            seed: 0,
            train: 50,
            test: 60,
            objects: (2, 5),
            sizes: (24, 64),
            overlap: 0.1,
            clutter: 6,
        }
    }
}

/// What makes maps of pictures.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum DensePlan {
    /// Histograms of oriented gradients.
    HogCells(HogCells),
    /// A map of EfficientNet-Lite0.
    EfficientNet(EfficientNetMap),
}

impl DensePlan {
    /// The descriptor.
    #[must_use]
    pub fn descriptor(&self) -> Box<dyn DescribeDense> {
        match self {
            Self::HogCells(hog) => Box::new(*hog),
            Self::EfficientNet(map) => Box::new(*map),
        }
    }

    fn parse(table: Option<Table>) -> Result<Self, PlanError> {
        let Some(mut table) = table else { return Ok(Self::HogCells(HogCells::default())) };
        let (name, place) = table.text("name")?;
        let found = match name.as_str() {
            "hog-cells" => {
                let mut hog = HogCells::default();
                hog.cell = table.count("cell", 2)?.unwrap_or(hog.cell);
                #[allow(clippy::cast_possible_truncation, reason = "a grey level")]
                if let Some(floor) = table.number("floor", 0.0)? {
                    hog.floor = floor as f32;
                }
                Self::HogCells(hog)
            }
            "efficientnet-lite0-map" => {
                let levels = ["stride8", "stride16", "stride32", "head"];
                let words = levels.map(|name| (name, EfficientNetMap::named(name)));
                let level = table.word("level", &words)?.flatten();
                let mut map = level.unwrap_or_default();
                map.unit = table.flag("unit")?.unwrap_or(map.unit);
                Self::EfficientNet(map)
            }
            other => {
                let names = ["hog-cells", "efficientnet-lite0-map"];
                return Err(place.error(unknown("descriptor", other, &names)));
            }
        };
        if let Err(error) = found.descriptor().channels() {
            return Err(place.error(error.to_string()));
        }
        table.finish()?;
        Ok(found)
    }
}

/// What a detector starts from.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum DetectionMethod {
    /// Nothing: weights are drawn towards zero.
    None,
    /// The weights of a classifier of digits that are in none of the pictures.
    Classifier {
        /// The pull towards them, in place of the plan's.
        l2: Option<f64>,
        /// Digits that it is trained on.
        rows: usize,
    },
}

impl Labelled for DetectionMethod {
    fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Classifier { .. } => "classifier",
        }
    }

    fn settings(&self) -> Settings {
        let mut settings = Settings::new();
        if let Self::Classifier { l2, rows } = self {
            if let Some(l2) = l2 {
                settings.insert("l2".into(), json!(l2));
            }
            settings.insert("rows".into(), json!(rows));
        }
        settings
    }
}

impl DetectionMethod {
    fn parse(mut table: Table) -> Result<Self, PlanError> {
        let (name, place) = table.text("name")?;
        let method = match name.as_str() {
            "none" => Self::None,
            "classifier" => Self::Classifier {
                l2: above_zero(&mut table, "l2")?,
                rows: table.count("rows", 20)?.unwrap_or(1000),
            },
            other => {
                let names = ["none", "classifier"];
                let message = unknown("for kind = \"detection\" the method", other, &names);
                return Err(place.error(message));
            }
        };
        table.finish()?;
        Ok(method)
    }
}

fn above_zero(table: &mut Table, key: &'static str) -> Result<Option<f64>, PlanError> {
    let value = table.number(key, 0.0)?;
    match value {
        Some(0.0) => Err(table.error(format!("{key}: expected a number above 0, found 0"))),
        value => Ok(value),
    }
}

impl DetectionPlan {
    pub(crate) fn parse(folder: &Path, table: &mut Table) -> Result<Self, PlanError> {
        let mut pictures =
            table.table("pictures")?.ok_or_else(|| table.error("the plan needs [pictures]"))?;
        let place = pictures.place();
        let source = PictureSourcePlan::parse(folder, &mut pictures)?;
        pictures.finish()?;
        let descriptor = DensePlan::parse(table.table("descriptor")?)?;
        let mut training = DetectorTraining::default();
        if let Some(mut keys) = table.table("detector")? {
            read_training(&mut training, &mut keys)?;
            keys.finish()?;
        }
        let mut sizes = vec![None];
        if let Some(mut keys) = table.table("task")? {
            if let Some(found) = keys.counts_or_word("pictures", "all", 1)? {
                if found.is_empty() {
                    return Err(keys.error("pictures: the list is empty"));
                }
                #[allow(clippy::cast_possible_truncation, reason = "no list is that long")]
                let size = |size: Option<u64>| size.map(|size| size as usize);
                sizes = found.into_iter().map(size).collect();
            }
            keys.finish()?;
        }
        let tables = table.tables("method")?;
        at_least_one(table, &tables, "method")?;
        let places: Vec<Place> = tables.iter().map(Table::place).collect();
        let methods =
            tables.into_iter().map(DetectionMethod::parse).collect::<Result<Vec<_>, _>>()?;
        all_different(&methods, &places, "method")?;
        let placed = matches!(source, PictureSourcePlan::Placed(_));
        for (method, place) in methods.iter().zip(&places) {
            if !placed && matches!(method, DetectionMethod::Classifier { .. }) {
                let message =
                    "the method `classifier` needs the digits of [pictures] dataset = \"mnist\"";
                return Err(place.error(message));
            }
        }
        Ok(Self { source, place, descriptor, training, sizes, methods })
    }

    /// The names of the tasks: so many annotated pictures.
    #[must_use]
    pub fn tasks(&self) -> Vec<String> {
        let name = |size: &Option<usize>| match size {
            Some(1) => "1 picture".to_owned(),
            Some(size) => format!("{size} pictures"),
            None => "all pictures".to_owned(),
        };
        self.sizes.iter().map(name).collect()
    }
}

fn read_training(training: &mut DetectorTraining, keys: &mut Table) -> Result<(), PlanError> {
    let counts: [(&'static str, usize, &mut usize); 7] = [
        ("window", 2, &mut training.window),
        ("aspects", 1, &mut training.aspects),
        ("per_octave", 1, &mut training.per_octave),
        ("side", 16, &mut training.side),
        ("per_box", 1, &mut training.per_box),
        ("per_picture", 1, &mut training.per_picture),
        ("rounds", 0, &mut training.rounds),
    ];
    for (key, least, value) in counts {
        *value = keys.count(key, least)?.unwrap_or(*value);
    }
    training.l2 = above_zero(keys, "l2")?.unwrap_or(training.l2);
    training.box_l2 = above_zero(keys, "box_l2")?.unwrap_or(training.box_l2);
    training.enlarge = above_zero(keys, "enlarge")?.unwrap_or(training.enlarge);
    training.move_boxes = keys.flag("move_boxes")?.unwrap_or(training.move_boxes);
    training.calibrate = keys.flag("calibrate")?.unwrap_or(training.calibrate);
    Ok(())
}

impl PictureSourcePlan {
    fn parse(folder: &Path, keys: &mut Table) -> Result<Self, PlanError> {
        let dataset = keys.optional_text("dataset")?;
        let [voc, coco] = [keys.optional_text("voc")?, keys.optional_text("coco")?];
        match (dataset, voc, coco) {
            (Some((name, place)), None, None) => {
                if name != "mnist" {
                    return Err(place.error(unknown("dataset", &name, &["mnist"])));
                }
                Ok(Self::Placed(PlacedPlan::parse(keys)?))
            }
            (None, voc, coco) if voc.is_some() != coco.is_some() => {
                let (path, images) = match (voc, coco) {
                    (Some(voc), _) => (existing_folder(folder, &voc)?, None),
                    (_, Some(coco)) => {
                        let images = keys.text("images")?;
                        (existing(folder, &coco)?, Some(existing_folder(folder, &images)?))
                    }
                    _ => unreachable!("one of them is there"),
                };
                let [train, test] = [keys.text("train")?, keys.text("test")?];
                let (train, test) = (existing(folder, &train)?, existing(folder, &test)?);
                let classes = keys.texts("classes")?;
                let classes =
                    classes.map(|classes| classes.into_iter().map(|(name, _)| name).collect());
                Ok(Self::Folder { path, images, train, test, classes })
            }
            _ => Err(keys.error("expected one of `dataset`, `voc` and `coco`")),
        }
    }
}

impl PlacedPlan {
    fn parse(keys: &mut Table) -> Result<Self, PlanError> {
        let mut plan = Self::default();
        plan.seed = keys.count("seed", 0)?.map_or(plan.seed, |seed| seed as u64);
        plan.train = keys.count("train", 1)?.unwrap_or(plan.train);
        plan.test = keys.count("test", 1)?.unwrap_or(plan.test);
        plan.clutter = keys.count("clutter", 0)?.unwrap_or(plan.clutter);
        plan.overlap = keys.share("overlap")?.unwrap_or(plan.overlap);
        for (key, least, range) in
            [("objects", 0, &mut plan.objects), ("sizes", 8, &mut plan.sizes)]
        {
            let Some(found) = keys.counts(key, least)? else { continue };
            #[allow(clippy::cast_possible_truncation, reason = "checked below")]
            match found[..] {
                [low, high] if low <= high && high <= 200 => *range = (low as usize, high as usize),
                _ => {
                    let message =
                        format!("{key}: expected two numbers, the least and the most, up to 200");
                    return Err(keys.error(message));
                }
            }
        }
        Ok(plan)
    }
}

/// As [`existing`], of a folder.
fn existing_folder(folder: &Path, (path, place): &(String, Place)) -> Result<PathBuf, PlanError> {
    let path = folder.join(path);
    match std::fs::metadata(&path) {
        Ok(found) if found.is_dir() => Ok(path),
        Ok(_) => Err(place.error(format!("expected a folder, {} is a file", path.display()))),
        Err(cause) => Err(place.error(format!("cannot open {}: {cause}", path.display()))),
    }
}
