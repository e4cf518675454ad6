//! Detectors as bytes: safetensors with a head of JSON.

use std::collections::HashMap;

use ndarray::Array2;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use super::calibration::Sigmoid;
use super::detector::{Detector, Head};
use super::regression::BoxRegression;
use super::scoring::Filters;
use super::suppression::Suppression;
use super::windows::{Scales, WindowShape};
use crate::TransferError;

/// The key of the head.
const KEY: &str = "procrust.detector";
const VERSION: u32 = 1;

/// Everything but the weights.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Facts {
    version: u32,
    classes: Vec<String>,
    descriptor: String,
    channels: usize,
    cell: usize,
    window: f64,
    side: usize,
    smallest: f64,
    largest: f64,
    per_octave: usize,
    overhang: f64,
    /// Across and down.
    shapes: Vec<[usize; 2]>,
    /// Slope and offset.
    sigmoid: [f64; 2],
    /// Kind, then its numbers.
    suppression: (String, f64, f64),
    least: f64,
    most: usize,
}

fn bad(problem: impl Into<String>) -> TransferError {
    TransferError::Detector { problem: problem.into() }
}

impl Detector {
    /// The detector as a safetensors file: what [`Detector::from_bytes`] reads.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let facts = Facts {
            version: VERSION,
            classes: self.classes.clone(),
            descriptor: self.descriptor.clone(),
            channels: self.channels,
            cell: self.scales.cell,
            window: self.scales.window,
            side: self.scales.side,
            smallest: self.scales.smallest,
            largest: self.scales.largest,
            per_octave: self.scales.per_octave,
            overhang: self.overhang,
            shapes: self.shapes().iter().map(|shape| [shape.across, shape.down]).collect(),
            sigmoid: [self.sigmoid.slope, self.sigmoid.offset],
            suppression: match self.suppression {
                Suppression::Greedy { iou } => ("greedy".to_owned(), iou, 0.0),
                Suppression::Linear { iou, least } => ("linear".to_owned(), iou, least),
                Suppression::Gaussian { sigma, least } => ("gaussian".to_owned(), sigma, least),
            },
            least: self.least,
            most: self.most,
        };
        let facts = serde_json::to_string(&facts).expect("facts are text and finite numbers");
        let mut tensors: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
        let mut add = |name: String, shape: Vec<usize>, values: &mut dyn Iterator<Item = f32>| {
            tensors.push((name, shape, values.flat_map(f32::to_le_bytes).collect()));
        };
        for (at, head) in self.heads.iter().enumerate() {
            let (taps, intercepts) = (head.filters.taps(), &head.filters.intercepts);
            add(format!("taps.{at}"), taps.shape().to_vec(), &mut taps.iter().copied());
            let length = vec![intercepts.len()];
            add(format!("intercepts.{at}"), length, &mut intercepts.iter().copied());
            if let Some(regression) = &head.regression {
                let weights = &regression.weights;
                add(format!("boxes.{at}"), weights.shape().to_vec(), &mut weights.iter().copied());
                let offsets = &mut regression.offsets.iter().copied();
                add(format!("box_offsets.{at}"), vec![4], offsets);
            }
        }
        let views = tensors.iter().map(|(name, shape, bytes)| {
            let view = TensorView::new(Dtype::F32, shape.clone(), bytes);
            (name, view.expect("shapes are those of the values"))
        });
        let metadata = HashMap::from([(KEY.to_owned(), facts)]);
        safetensors::serialize(views, Some(metadata)).expect("names and lengths fit the format")
    }

    /// A detector from the bytes of a file.
    ///
    /// # Errors
    ///
    /// [`TransferError::Detector`] with what was expected and found; nothing in the file is believed unchecked.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TransferError> {
        let not =
            |error: safetensors::SafeTensorError| bad(format!("not a safetensors file: {error}"));
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(not)?;
        let facts = metadata.metadata().as_ref().and_then(|metadata| metadata.get(KEY));
        let facts =
            facts.ok_or_else(|| bad(format!("the file has no `{KEY}`: it is no detector")))?;
        let facts: Facts =
            serde_json::from_str(facts).map_err(|error| bad(format!("`{KEY}`: {error}")))?;
        facts.check()?;
        let tensors = SafeTensors::deserialize(bytes).map_err(not)?;
        let classes = facts.classes.len();
        let mut heads = Vec::new();
        for (at, &[across, down]) in facts.shapes.iter().enumerate() {
            let shape = WindowShape { across, down };
            let cells = across.checked_mul(down).filter(|&cells| cells <= 1 << 20);
            let cells =
                cells.ok_or_else(|| bad(format!("shape {at} has {across} × {down} cells")))?;
            let taps = matrix(&tensors, &format!("taps.{at}"), (cells * classes, facts.channels))?;
            let intercepts = vector(&tensors, &format!("intercepts.{at}"), classes)?;
            let filters = Filters::from_taps(shape, taps, intercepts);
            let regression = match tensors.tensor(&format!("boxes.{at}")) {
                Err(_) => None,
                Ok(_) => {
                    let shape = (cells * facts.channels, 4);
                    let offsets = vector(&tensors, &format!("box_offsets.{at}"), 4)?;
                    Some(BoxRegression {
                        weights: matrix(&tensors, &format!("boxes.{at}"), shape)?,
                        offsets: [offsets[0], offsets[1], offsets[2], offsets[3]],
                    })
                }
            };
            heads.push(Head { filters, regression });
        }
        let suppression = facts.suppression()?;
        Ok(Self {
            classes: facts.classes,
            descriptor: facts.descriptor,
            channels: facts.channels,
            scales: Scales {
                side: facts.side,
                smallest: facts.smallest,
                largest: facts.largest,
                per_octave: facts.per_octave,
                window: facts.window,
                cell: facts.cell,
            },
            overhang: facts.overhang,
            heads,
            sigmoid: Sigmoid { slope: facts.sigmoid[0], offset: facts.sigmoid[1] },
            suppression,
            least: facts.least,
            most: facts.most,
        })
    }
}

impl Facts {
    fn check(&self) -> Result<(), TransferError> {
        if self.version != VERSION {
            return Err(bad(format!("version {}, expected {VERSION}", self.version)));
        }
        let within =
            |what: &str, value: f64, low: f64, high: f64| match value >= low && value <= high {
                true => Ok(()),
                false => Err(bad(format!("{what} is {value}, expected {low} to {high}"))),
            };
        within("the number of classes", self.classes.len() as f64, 1.0, 65536.0)?;
        within("the number of shapes", self.shapes.len() as f64, 1.0, 1024.0)?;
        within("channels", self.channels as f64, 1.0, 65536.0)?;
        within("cell", self.cell as f64, 1.0, 4096.0)?;
        within("window", self.window, 1.0, 1024.0)?;
        within("side", self.side as f64, 16.0, 65536.0)?;
        within("smallest", self.smallest, 1.0, 65536.0)?;
        within("largest", self.largest, self.smallest, 65536.0)?;
        within("per_octave", self.per_octave as f64, 1.0, 64.0)?;
        within("overhang", self.overhang, 0.0, 0.5)?;
        within("slope", self.sigmoid[0], 0.0, 1e6)?;
        within("offset", self.sigmoid[1], -1e6, 1e6)?;
        within("least", self.least, 1e-9, 0.999)?;
        within("most", self.most as f64, 1.0, 1e6)?;
        for [across, down] in &self.shapes {
            within("cells across", *across as f64, 1.0, 1024.0)?;
            within("cells down", *down as f64, 1.0, 1024.0)?;
        }
        Ok(())
    }

    fn suppression(&self) -> Result<Suppression, TransferError> {
        let (kind, first, least) = &self.suppression;
        let (first, least) = (*first, *least);
        let suppression = match kind.as_str() {
            "greedy" => Suppression::Greedy { iou: first },
            "linear" => Suppression::Linear { iou: first, least },
            "gaussian" => Suppression::Gaussian { sigma: first, least },
            other => {
                let expected = "greedy, linear or gaussian";
                return Err(bad(format!("suppression is `{other}`, expected {expected}")));
            }
        };
        suppression.check()?;
        Ok(suppression)
    }
}

fn values(
    tensors: &SafeTensors<'_>,
    name: &str,
    shape: &[usize],
) -> Result<Vec<f32>, TransferError> {
    let tensor =
        tensors.tensor(name).map_err(|_| bad(format!("the tensor `{name}` is missing")))?;
    if tensor.dtype() != Dtype::F32 || tensor.shape() != shape {
        return Err(bad(format!(
            "the tensor `{name}` is {:?} {:?}, expected F32 {shape:?}",
            tensor.dtype(),
            tensor.shape()
        )));
    }
    let (words, _) = tensor.data().as_chunks::<4>();
    let values: Vec<f32> = words.iter().map(|&word| f32::from_le_bytes(word)).collect();
    match values.iter().position(|value| !value.is_finite()) {
        Some(at) => Err(bad(format!("the tensor `{name}` holds {} at {at}", values[at]))),
        None => Ok(values),
    }
}

fn vector(tensors: &SafeTensors<'_>, name: &str, length: usize) -> Result<Vec<f32>, TransferError> {
    values(tensors, name, &[length])
}

fn matrix(
    tensors: &SafeTensors<'_>,
    name: &str,
    shape: (usize, usize),
) -> Result<Array2<f32>, TransferError> {
    let values = values(tensors, name, &[shape.0, shape.1])?;
    Ok(Array2::from_shape_vec(shape, values).expect("the shape was checked"))
}
