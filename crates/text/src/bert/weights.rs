//! The tensors of a model, by name.

use std::{collections::BTreeMap, fs::File, path::Path};

use ndarray::{Array1, Array2, ArrayView2};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use super::mapping::{Mapping, Numbers};
use crate::TextError;

/// Tensors by name, of a safetensors file or made in memory.
#[derive(Debug, Clone, Default)]
pub struct Tensors {
    tensors: BTreeMap<String, (Vec<usize>, Numbers)>,
}

impl Tensors {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one, rows first.
    ///
    /// # Panics
    ///
    /// When there are not as many numbers as the shape says.
    pub fn insert(&mut self, name: impl Into<String>, shape: &[usize], numbers: Vec<f32>) {
        assert_eq!(shape.iter().product::<usize>(), numbers.len(), "numbers fill their shape");
        self.tensors.insert(name.into(), (shape.to_vec(), numbers.into()));
    }

    /// Maps a safetensors file. F32 tensors are read when they are looked at; F16 and BF16 are widened.
    ///
    /// The file may not be changed or shortened while the tensors live.
    pub(super) fn open(path: &Path) -> Result<Self, TextError> {
        let failed = |cause| TextError::Read { path: path.to_owned(), cause };
        let map = Mapping::of(&File::open(path).map_err(failed)?).map_err(failed)?;
        let broken = |cause| TextError::Safetensors { what: path.display().to_string(), cause };
        let file = SafeTensors::deserialize(&map).map_err(broken)?;
        let mut tensors = BTreeMap::new();
        for (name, view) in file.iter() {
            if let Some(numbers) = numbers(&map, &view) {
                tensors.insert(name.to_owned(), (view.shape().to_vec(), numbers));
            } else if !matches!(view.dtype(), Dtype::I64 | Dtype::I32 | Dtype::U8 | Dtype::BOOL) {
                // Some models keep the numbers 0, 1, 2, … of places: nobody asks for them.
                let found = format!("{:?}", view.dtype());
                return Err(TextError::NumberType { name: name.to_owned(), found });
            }
        }
        Ok(Self { tensors })
    }

    /// Whether there is one of this name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    pub(super) fn get(&self, name: &str, shape: &[usize]) -> Result<Numbers, TextError> {
        let Some((found, numbers)) = self.tensors.get(name) else {
            let some: Vec<&str> = self.tensors.keys().take(3).map(String::as_str).collect();
            return Err(TextError::NoTensor {
                name: name.to_owned(),
                shape: shape.to_vec(),
                found: self.tensors.len(),
                like: match some.is_empty() {
                    true => "none".into(),
                    false => some.join(", "),
                },
            });
        };
        if found != shape {
            return Err(TextError::Shape {
                name: name.to_owned(),
                expected: shape.to_vec(),
                found: found.clone(),
            });
        }
        Ok(numbers.clone())
    }

    /// A linear head's weights, columns × outputs, and biases; in the file outputs come first.
    pub(super) fn of_head(weight: &Array2<f32>, bias: &Array1<f32>) -> Self {
        let mut tensors = Self::new();
        let (columns, outputs) = weight.dim();
        tensors.insert("weight", &[outputs, columns], weight.t().iter().copied().collect());
        tensors.insert("bias", &[outputs], bias.to_vec());
        tensors
    }

    /// A linear head of so many columns, and of so many outputs if that is known.
    pub(super) fn head(
        &self,
        columns: usize,
        outputs: Option<usize>,
    ) -> Result<(Array2<f32>, Array1<f32>), TextError> {
        let found = self.tensors.get("bias").map_or(0, |(_, numbers)| numbers.len());
        let outputs = outputs.unwrap_or(found);
        let (weight, bias) =
            (self.get("weight", &[outputs, columns])?, self.get("bias", &[outputs])?);
        let weight = ArrayView2::from_shape((outputs, columns), &weight).expect("it was checked");
        Ok((weight.t().as_standard_layout().into_owned(), bias.to_vec().into()))
    }

    /// Writes a safetensors file under a temporary name and renames it.
    pub(super) fn write(&self, path: &Path) -> Result<(), TextError> {
        let failed = |cause| TextError::Write { path: path.to_owned(), cause };
        let views = self.tensors.iter().map(|(name, (shape, numbers))| {
            let bytes = bytemuck::cast_slice(numbers);
            let view = TensorView::new(Dtype::F32, shape.clone(), bytes);
            (name, view.expect("numbers fill their shape"))
        });
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = std::path::PathBuf::from(part);
        safetensors::serialize_to_file(views, None, &part)
            .map_err(|cause| failed(std::io::Error::other(cause)))?;
        std::fs::rename(&part, path).map_err(failed)
    }
}

fn numbers(map: &Mapping, view: &TensorView<'_>) -> Option<Numbers> {
    let bytes = view.data();
    match view.dtype() {
        Dtype::F32 => {
            let from = bytes.as_ptr().addr() - map.as_ptr().addr();
            let aligned = bytemuck::try_cast_slice::<u8, f32>(bytes).is_ok();
            if cfg!(target_endian = "little") && aligned {
                return Some(Numbers::Mapped(map.clone(), from, bytes.len() / size_of::<f32>()));
            }
            let (words, _) = bytes.as_chunks();
            Some(words.iter().map(|&word| f32::from_le_bytes(word)).collect::<Vec<_>>().into())
        }
        Dtype::F16 => {
            let (words, _) = bytes.as_chunks();
            let wide = words.iter().map(|&word| half::f16::from_le_bytes(word).to_f32());
            Some(wide.collect::<Vec<_>>().into())
        }
        Dtype::BF16 => {
            let (words, _) = bytes.as_chunks();
            let wide = words.iter().map(|&word| half::bf16::from_le_bytes(word).to_f32());
            Some(wide.collect::<Vec<_>>().into())
        }
        _ => None,
    }
}
