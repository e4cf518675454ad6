//! Tasks of `procrust-transfer`: their data, and what is done with it.

use anyhow::{Result, bail};
use ndarray::{Array2, Axis};
use procrust_transfer::{CoupledDictionaries, Eszsl, SparseCoding};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::tasks::{normal, unit};

const CLASSES: usize = 50;
const ATTRIBUTES: usize = 85;
const COLUMNS: usize = 512;
const ATOMS: usize = 64;

/// Rows with labels, and the classes' attributes.
pub(crate) struct Described {
    pub(crate) x: Array2<f32>,
    pub(crate) labels: Vec<u32>,
    pub(crate) s: Array2<f32>,
}

/// Unit rows around what their class's attributes give.
pub(crate) fn described(rows: usize, seed: u64) -> Described {
    let mut s = normal(CLASSES, ATTRIBUTES, seed);
    unit(&mut s);
    let mut rng = ChaCha8Rng::seed_from_u64(seed + 1);
    let labels: Vec<u32> = (0..rows).map(|_| rng.random_range(0..CLASSES as u32)).collect();
    let places = s.dot(&normal(ATTRIBUTES, COLUMNS, seed + 2));
    let which: Vec<usize> = labels.iter().map(|&label| label as usize).collect();
    let mut x = places.select(Axis(0), &which) + normal(rows, COLUMNS, seed + 3) * 0.5;
    unit(&mut x);
    Described { x, labels, s }
}

/// V of ESZSL, or the rows' atoms of coupled dictionaries.
pub(crate) fn fitted(
    task: &str,
    x: &Array2<f32>,
    labels: &[usize],
    s: &Array2<f32>,
) -> Result<Array2<f64>> {
    match task {
        "eszsl" => Ok(Eszsl::default()
            .train(x.view(), labels, s.view())?
            .form()
            .as_standard_layout()
            .into_owned()),
        "coupled-dictionaries" => {
            let coding = SparseCoding { penalty: 0.05, steps: 200, tolerance: 1e-4 };
            let method = CoupledDictionaries { coding, rounds: 5, ..Default::default() };
            let first: Vec<usize> = (0..ATOMS).collect();
            let model = method.train_from(x.view(), labels, s.view(), &first)?;
            Ok(model.row_atoms().as_standard_layout().into_owned())
        }
        _ => bail!("no task `{task}`"),
    }
}

/// A grey picture of 640 × 480: noise at six scales.
pub(crate) fn picture(seed: u64) -> Array2<u8> {
    const WIDTH: usize = 640;
    const HEIGHT: usize = 480;
    let mut grey = Array2::<f32>::zeros((HEIGHT, WIDTH));
    for octave in 1..7 {
        let small = normal((HEIGHT >> octave) + 1, (WIDTH >> octave) + 1, seed + octave as u64);
        let size = (1 << octave) as f32;
        grey.indexed_iter_mut()
            .for_each(|((i, j), grey)| *grey += size * small[[i >> octave, j >> octave]]);
    }
    let low = grey.iter().copied().fold(f32::INFINITY, f32::min);
    let high = grey.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    grey.mapv(|grey| (255.0 * (grey - low) / (high - low)) as u8)
}
