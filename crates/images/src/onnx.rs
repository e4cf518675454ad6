//! Networks in files of the format ONNX.

use std::error::Error;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use procrust_onnx::{Floats, Network, OnnxError, Port, Tensor};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::describe::Describe;
use crate::error::ImagesError;
use crate::framing::Framing;
use crate::picture::Picture;
use crate::resize::MAX_SIZE;

/// A network in a file of the format ONNX, with its settings in a TOML file beside it: features of the picture.
///
/// Beside `model.onnx` there is `model.toml`:
///
/// ```toml
/// width = 224            # of the input, 1 to 4,096
/// height = 224
/// layout = "nchw"        # or "nhwc": the order of the input's axes, n = 1
/// mean = [123.7, 116.3, 103.5]   # of red, green and blue, or one number for all
/// scale = [58.4, 57.1, 57.4]     # the network sees (x − mean) / scale, x from 0 to 255
/// layer = "/pool/output" # a value inside the network; without it, the first output
/// framing = "centre"     # or "whole": what of a picture is seen
/// channels = "rgb"       # or "bgr"
/// ```
///
/// `width`, `height`, `layout`, `mean` and `scale` must be there; the others have the first value shown, `layer` none.
/// If the layer is a map, its features are the means of its channels over the places (the axes are in the order
/// of `layout`); else they are its values, in their order.
///
/// `rten` runs the network, in pure Rust, one picture a thread. It loads most of what ONNX has; an operator that
/// it does not have is an error at [`open`](Self::open). So is a model that does not fit its settings: it is
/// run once. A layer that is no output of the model is only there when nothing is fused: such models run slower.
pub struct OnnxModel {
    path: PathBuf,
    digest: String,
    settings: Settings,
    network: Network,
    input: Port,
    output: Port,
    dimensions: usize,
}

impl fmt::Debug for OnnxModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnnxModel")
            .field("path", &self.path)
            .field("settings", &self.settings)
            .field("dimensions", &self.dimensions)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Layout {
    Nchw,
    Nhwc,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
enum Channels {
    #[default]
    Rgb,
    Bgr,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
enum Frame {
    #[default]
    Centre,
    Whole,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(untagged, expecting = "expected a number or a list of three")]
enum Numbers {
    One(f32),
    Three([f32; 3]),
}

impl Numbers {
    fn three(self) -> [f32; 3] {
        match self {
            Self::One(value) => [value; 3],
            Self::Three(values) => values,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    width: usize,
    height: usize,
    layout: Layout,
    mean: Numbers,
    scale: Numbers,
    layer: Option<String>,
    #[serde(default)]
    framing: Frame,
    #[serde(default)]
    channels: Channels,
}

impl Settings {
    fn read(path: &Path) -> Result<Self, ImagesError> {
        /// Longer than any settings are.
        const MOST: u64 = 1 << 20;
        let failed = |cause| ImagesError::NoModelSettings { path: path.to_owned(), cause };
        let mut text = String::new();
        let file = std::fs::File::open(path).map_err(failed)?;
        file.take(MOST).read_to_string(&mut text).map_err(failed)?;
        Self::parse(&text)
            .map_err(|message| ImagesError::ModelSettings { path: path.to_owned(), message })
    }

    fn parse(text: &str) -> Result<Self, String> {
        // The parser's message has the line and the keys that it knows.
        let settings: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        for (key, side) in [("width", settings.width), ("height", settings.height)] {
            if !(1..=MAX_SIZE).contains(&side) {
                return Err(format!("`{key}` is {side}: expected 1 to {MAX_SIZE}"));
            }
        }
        let finite = |numbers: Numbers| numbers.three().iter().all(|value| value.is_finite());
        if !finite(settings.mean) {
            return Err("`mean`: expected finite numbers".to_owned());
        }
        if !finite(settings.scale) || settings.scale.three().contains(&0.0) {
            return Err("`scale`: expected finite numbers other than 0".to_owned());
        }
        Ok(settings)
    }

    fn framing(&self) -> Framing {
        match self.framing {
            Frame::Centre => Framing::Centre,
            Frame::Whole => Framing::Whole,
        }
    }

    /// What the network is given.
    fn input(&self, picture: &Picture) -> Result<Tensor, ImagesError> {
        let Self { width, height, .. } = *self;
        let shape = match self.layout {
            Layout::Nchw => [1, 3, height, width],
            Layout::Nhwc => [1, height, width, 3],
        };
        Ok(Tensor::floats(&shape, self.values(picture)?))
    }

    /// The numbers of the pixels.
    fn values(&self, picture: &Picture) -> Result<Vec<f32>, ImagesError> {
        let Self { width, height, .. } = *self;
        let framed = self.framing().frame(picture, width, height)?;
        let (mean, scale) = (self.mean.three(), self.scale.three());
        let value =
            |pixel: &[u8], colour: usize| (f32::from(pixel[colour]) - mean[colour]) / scale[colour];
        let colours = match self.channels {
            Channels::Rgb => [0, 1, 2],
            Channels::Bgr => [2, 1, 0],
        };
        let pixels = framed.pixels().chunks_exact(3);
        Ok(match self.layout {
            Layout::Nchw => {
                colours.iter().flat_map(|&c| pixels.clone().map(move |p| value(p, c))).collect()
            }
            Layout::Nhwc => pixels.flat_map(|p| colours.map(|c| value(p, c))).collect(),
        })
    }
}

type Cause = Box<dyn Error + Send + Sync>;

/// The first bytes of the SHA-256 of a file, in hexadecimal.
fn digest(path: &Path) -> std::io::Result<String> {
    let mut hash = Sha256::new();
    let mut file = std::fs::File::open(path)?;
    let mut part = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut part)?;
        if read == 0 {
            break;
        }
        hash.update(&part[..read]);
    }
    Ok(hash.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect())
}

impl OnnxModel {
    /// Loads a model, and its settings from the file beside it that ends in `.toml` instead.
    ///
    /// # Errors
    ///
    /// [`ImagesError::NoModelSettings`] and [`ImagesError::ModelSettings`] for the settings;
    /// [`ImagesError::Read`] and [`ImagesError::Model`] when the model cannot be read, has an operator that is
    /// missing, does not take one picture or does not have the layer; [`ImagesError::ModelRun`] when it does not run
    /// on a picture of the settings.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ImagesError> {
        let path = path.as_ref();
        let settings = Settings::read(&path.with_extension("toml"))?;
        let digest = digest(path).map_err(ImagesError::Read)?;

        let failed = |cause: Cause| ImagesError::Model { path: path.to_owned(), cause };
        let load =
            |opened: Result<Network, OnnxError>| opened.map_err(|error| failed(error.into()));
        let mut network = load(Network::open(path))?;
        let known = network.outputs();
        let output = match &settings.layer {
            None => match known.first() {
                Some(output) => output.clone(),
                None => return Err(failed("expected an output, found none".into())),
            },
            Some(layer) => match known.iter().find(|output| output.name() == layer) {
                Some(output) => output.clone(),
                None => {
                    network = load(Network::open_unfused(path))?;
                    network.find(layer).ok_or_else(|| {
                        let known: Vec<&str> = known.iter().map(Port::name).collect();
                        let known = known.join("`, `");
                        let message = format!(
                            "no value in it is called `{layer}`, the layer of the settings (its outputs: \
                             `{known}`)"
                        );
                        failed(message.into())
                    })?
                }
            },
        };
        let [input] = &network.inputs()[..] else {
            let found = network.inputs().len();
            return Err(failed(format!("expected one input, found {found}").into()));
        };
        let (path, input) = (path.to_owned(), input.clone());
        let mut open = Self { path, digest, settings, network, input, output, dimensions: 0 };
        let grey = vec![127; 3 * open.settings.width * open.settings.height];
        let grey = Picture::from_rgb(open.settings.width, open.settings.height, grey)?;
        open.dimensions = open.features(&grey)?.len();
        Ok(open)
    }

    fn features(&self, picture: &Picture) -> Result<Vec<f32>, ImagesError> {
        let failed = |cause: Cause| ImagesError::ModelRun { path: self.path.clone(), cause };
        let input = self.settings.input(picture)?;
        let found = self.network.run(vec![(&self.input, input)], &self.output);
        let found = found.map_err(|error| failed(error.into()))?;
        self.row(found).map_err(|message| failed(message.into()))
    }

    /// A value of the network as a row.
    fn row(&self, Floats { shape, values }: Floats) -> Result<Vec<f32>, String> {
        if shape.first() != Some(&1) || values.is_empty() {
            return Err(format!("expected values of one picture, found the shape {shape:?}"));
        }
        let [_, a, b, c] = shape[..] else { return Ok(values) };
        let mean = |sum: f64, places: usize| (sum / places as f64) as f32;
        Ok(match self.settings.layout {
            Layout::Nchw => values
                .chunks_exact(b * c)
                .map(|map| mean(map.iter().map(|&value| f64::from(value)).sum(), b * c))
                .collect(),
            Layout::Nhwc => {
                let mut sums = vec![0.0_f64; c];
                for place in values.chunks_exact(c) {
                    sums.iter_mut().zip(place).for_each(|(sum, &value)| *sum += f64::from(value));
                }
                sums.into_iter().map(|sum| mean(sum, a * b)).collect()
            }
        })
    }
}

impl Describe for OnnxModel {
    /// With the first eight bytes of the SHA-256 of its file.
    fn name(&self) -> String {
        format!("onnx(model={},settings={:?})", self.digest, self.settings)
    }

    fn dimensions(&self) -> Result<usize, ImagesError> {
        Ok(self.dimensions)
    }

    /// # Errors
    ///
    /// [`ImagesError::ModelRun`] when the network fails, or gives another number of features than at first.
    fn describe(&self, picture: &Picture, row: &mut [f32]) -> Result<(), ImagesError> {
        assert_eq!(row.len(), self.dimensions, "a row has a value a feature");
        let features = self.features(picture)?;
        if features.len() != row.len() {
            let message = format!("expected {} features, found {}", row.len(), features.len());
            return Err(ImagesError::ModelRun { path: self.path.clone(), cause: message.into() });
        }
        row.copy_from_slice(&features);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        "width = 4\nheight = 3\nlayout = \"nchw\"\nmean = 127\nscale = [128, 64.0, 2]\n";

    #[test]
    fn settings() {
        let settings = Settings::parse(GOOD).unwrap();
        assert_eq!((settings.width, settings.height, settings.layout), (4, 3, Layout::Nchw));
        assert_eq!(settings.mean.three(), [127.0; 3]);
        assert_eq!(settings.scale.three(), [128.0, 64.0, 2.0]);
        assert_eq!((settings.layer, settings.framing), (None, Frame::Centre));
    }

    #[test]
    fn wrong_settings_say_so() {
        let error = |text: &str| Settings::parse(text).unwrap_err();
        let wrong = |from: &str, to: &str| error(&GOOD.replace(from, to));
        let unknown = error(&format!("{GOOD}sclae = 1\n"));
        assert!(
            unknown.contains("line 6") && unknown.contains("unknown field `sclae`"),
            "{unknown}"
        );
        assert!(wrong("height = 3\n", "").contains("missing field `height`"));
        assert!(wrong("nchw", "chw").contains("line 3"));
        assert!(wrong("mean = 127", "mean = [1, 2]").contains("a number or a list of three"));
        assert_eq!(wrong("width = 4", "width = 5000"), "`width` is 5000: expected 1 to 4096");
        assert_eq!(wrong("64.0", "0"), "`scale`: expected finite numbers other than 0");
        assert_eq!(wrong("127", "nan"), "`mean`: expected finite numbers");
    }

    /// Red, green and blue of two pixels, in both orders of axes.
    #[test]
    fn inputs() {
        let picture = Picture::from_rgb(2, 1, vec![10, 20, 30, 40, 50, 60]).unwrap();
        let text =
            "width = 2\nheight = 1\nmean = [10, 10, 10]\nscale = [1, 2, 10]\nframing = \"whole\"\n";
        let values = |more: &str| {
            let settings = Settings::parse(&format!("{text}{more}")).unwrap();
            settings.values(&picture).unwrap()
        };
        assert_eq!(values("layout = \"nchw\""), [0.0, 30.0, 5.0, 20.0, 2.0, 5.0]);
        assert_eq!(values("layout = \"nhwc\""), [0.0, 5.0, 2.0, 30.0, 20.0, 5.0]);
        assert_eq!(
            values("layout = \"nhwc\"\nchannels = \"bgr\""),
            [2.0, 5.0, 0.0, 5.0, 20.0, 30.0]
        );
    }
}
