//! Networks in files of the format ONNX.
//!
//! `rten` runs them, in pure Rust. [`Network::run`] takes one thread, whatever pool it is called from, so a network is
//! shared among threads that each have their own rows to go through, and what comes out does not depend on how many there are.
//!
//! ```no_run
//! use procrust_onnx::{Network, Tensor};
//!
//! let network = Network::open("model.onnx")?;
//! let (input, output) = (&network.inputs()[0], &network.outputs()[0]);
//! let found = network.run(vec![(input, Tensor::floats(&[1, 2], vec![0.5, 1.0]))], output)?;
//! println!("{}: {:?}", output.name(), found.shape);
//! # Ok::<(), procrust_onnx::OnnxError>(())
//! ```

use std::any::Any;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rten::{Dimension, Model, ModelOptions, NodeId, NodeInfo, RunOptions, ThreadPool, Value};
use rten_tensor::Layout as _;

/// Why a network could not be loaded or run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OnnxError {
    /// The file cannot be read, is no network, or has an operator that is not supported.
    #[error("{reason}")]
    Load {
        /// What the library that runs networks says, in one line.
        reason: String,
    },
    /// The network does not run on what it was given.
    #[error("{reason}")]
    Run {
        /// What the library that runs networks says, in one line.
        reason: String,
    },
    /// What came out is not made of 32-bit floating-point numbers.
    #[error("expected 32-bit floating-point numbers in `{name}`")]
    NotFloats {
        /// The value's name.
        name: String,
    },
}

/// An input, an output or a value inside a network.
#[derive(Debug, Clone, PartialEq)]
pub struct Port {
    id: NodeId,
    name: String,
    shape: Option<Vec<Option<usize>>>,
}

impl Port {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its axes, if the file tells of them; `None` for those of any length.
    #[must_use]
    pub fn shape(&self) -> Option<&[Option<usize>]> {
        self.shape.as_deref()
    }
}

/// What a network is given: numbers and their shape, the last axis the fastest.
#[derive(Debug, Clone)]
pub struct Tensor(Value);

impl Tensor {
    /// Of 32-bit floating-point numbers.
    ///
    /// # Panics
    ///
    /// When there are not as many as the shape says.
    #[must_use]
    pub fn floats(shape: &[usize], values: Vec<f32>) -> Self {
        Self(rten_tensor::Tensor::from_data(shape, values).into())
    }

    /// Of whole numbers; `rten` keeps those of 64 bits in 32, too.
    ///
    /// # Panics
    ///
    /// When there are not as many as the shape says.
    #[must_use]
    pub fn integers(shape: &[usize], values: Vec<i32>) -> Self {
        Self(rten_tensor::Tensor::from_data(shape, values).into())
    }
}

/// What came out of a network.
#[derive(Debug, Clone, PartialEq)]
pub struct Floats {
    /// The lengths of the axes.
    pub shape: Vec<usize>,
    /// The numbers, the last axis the fastest.
    pub values: Vec<f32>,
}

/// A network.
pub struct Network {
    model: Model,
    /// Pools of one thread, as many as there are runs side by side.
    pools: Mutex<Vec<Arc<ThreadPool>>>,
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.model.fmt(f)
    }
}

const PANICKED: &str = "the library that runs networks panicked";

impl Network {
    /// Loads a file, its operators fused where that is faster: values inside may be gone.
    ///
    /// # Errors
    ///
    /// [`OnnxError::Load`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OnnxError> {
        Self::load(path.as_ref(), true)
    }

    /// Loads a file with all values inside, which is slower to run.
    ///
    /// # Errors
    ///
    /// [`OnnxError::Load`].
    pub fn open_unfused(path: impl AsRef<Path>) -> Result<Self, OnnxError> {
        Self::load(path.as_ref(), false)
    }

    fn load(path: &Path, fuse: bool) -> Result<Self, OnnxError> {
        let load = || ModelOptions::with_all_ops().enable_optimization(fuse).load_file(path);
        let failed = |reason| OnnxError::Load { reason };
        let model = catch_unwind(AssertUnwindSafe(load))
            .map_err(|_| failed(PANICKED.to_owned()))?
            .map_err(|error| failed(in_full(&error)))?;
        Ok(Self { model, pools: Mutex::default() })
    }

    fn port(&self, id: NodeId) -> Port {
        let info = self.model.node_info(id);
        let name = info.as_ref().and_then(NodeInfo::name).unwrap_or_default().to_owned();
        let length = |axis: Dimension| match axis {
            Dimension::Fixed(length) => Some(length),
            Dimension::Symbolic(_) => None,
        };
        let shape = info.and_then(|info| info.shape());
        Port { id, name, shape: shape.map(|axes| axes.into_iter().map(length).collect()) }
    }

    /// The inputs, in the order of the file.
    #[must_use]
    pub fn inputs(&self) -> Vec<Port> {
        self.model.input_ids().iter().map(|&id| self.port(id)).collect()
    }

    /// The outputs, in the order of the file.
    #[must_use]
    pub fn outputs(&self) -> Vec<Port> {
        self.model.output_ids().iter().map(|&id| self.port(id)).collect()
    }

    /// The value of this name, inside or not.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Port> {
        self.model.find_node(name).map(|id| self.port(id))
    }

    /// What `wanted` is for these inputs, found by one thread.
    ///
    /// # Errors
    ///
    /// [`OnnxError::Run`] when the network cannot be run on them, [`OnnxError::NotFloats`].
    pub fn run(&self, given: Vec<(&Port, Tensor)>, wanted: &Port) -> Result<Floats, OnnxError> {
        let failed = |reason| OnnxError::Run { reason };
        let pool = self.pools.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let pool = pool.unwrap_or_else(|| Arc::new(ThreadPool::with_num_threads(1)));
        let options = RunOptions::default().with_thread_pool(Some(pool.clone()));
        let given =
            given.into_iter().map(|(port, Tensor(value))| (port.id, value.into())).collect();
        let run = || self.model.run(given, &[wanted.id], Some(options));
        // A thread of rayon's that waits for another pool would begin another row meanwhile, and another
        // in that: one that is not rayon's just waits.
        let run = || catch_unwind(AssertUnwindSafe(run));
        let ran: Result<_, Box<dyn Any + Send>> =
            std::thread::scope(|scope| scope.spawn(run).join()).and_then(|ran| ran);
        self.pools.lock().unwrap_or_else(PoisonError::into_inner).push(pool);
        let mut values = ran
            .map_err(|_| failed(PANICKED.to_owned()))?
            .map_err(|error| failed(in_full(&error)))?;
        let value =
            values.pop().ok_or_else(|| failed("expected a value, found none".to_owned()))?;
        let tensor: rten_tensor::Tensor<f32> = value
            .into_tensor::<f32>()
            .ok_or_else(|| OnnxError::NotFloats { name: wanted.name.clone() })?;
        Ok(Floats { shape: tensor.shape().to_vec(), values: tensor.into_data() })
    }
}

/// An error and its causes in one line.
fn in_full(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = error.source();
    }
    text
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
