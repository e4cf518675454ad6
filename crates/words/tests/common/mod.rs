//! Files for the tests.

#![allow(dead_code, reason = "each test file is a program of its own and uses a part")]

use std::io::{BufReader, Cursor};
use std::path::PathBuf;

use finalfusion::io::WriteEmbeddings;
use finalfusion::prelude::{Embeddings as Reference, ReadText};
use procrust_words::{Embeddings, OpenOptions, WordsError};
use tempfile::TempDir;

/// Options that differ from the default ones.
pub(crate) fn options(change: impl FnOnce(&mut OpenOptions)) -> OpenOptions {
    let mut options = OpenOptions::default();
    change(&mut options);
    options
}

/// A directory for one test.
pub(crate) struct Files(TempDir);

impl Files {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, contents).unwrap();
        path
    }

    /// Writes a file and opens it by default options.
    pub(crate) fn open(&self, contents: impl AsRef<[u8]>) -> Result<Embeddings, WordsError> {
        Embeddings::open(self.write("file", contents), &OpenOptions::default())
    }

    /// The message of the error without the directory, with its causes.
    pub(crate) fn message(&self, error: &WordsError) -> String {
        let mut message = error.to_string();
        let mut error: &dyn std::error::Error = error;
        while let Some(cause) = error.source() {
            message = format!("{message}: {cause}");
            error = cause;
        }
        message.replace(&format!("{}/", self.0.path().display()), "")
    }

    pub(crate) fn error(&self, contents: impl AsRef<[u8]>) -> String {
        self.message(&self.open(contents).unwrap_err())
    }
}

/// Five words in four dimensions, as GloVe writes them.
pub(crate) const TEXT: &str = "the 0.418 0.24968 -0.41242 0.1217
, 0.013441 0.23682 -0.16899 0.40951
été -1.5 2.5e-1 0 3
of 0.70853 0.57088 -0.4716 0.18048
to 0.68047 -0.039263 0.30186 -0.17792
";

/// The words and values of [`TEXT`].
pub(crate) fn expected() -> (Vec<String>, Vec<f32>) {
    let mut words = Vec::new();
    let mut values = Vec::new();
    for line in TEXT.lines() {
        let mut fields = line.split(' ');
        words.push(fields.next().unwrap().to_owned());
        values.extend(fields.map(|field| field.parse::<f32>().unwrap()));
    }
    (words, values)
}

/// [`TEXT`] in word2vec's binary format.
pub(crate) fn word2vec_binary() -> Vec<u8> {
    let (words, values) = expected();
    let mut bytes = b"5 4\n".to_vec();
    for (word, vector) in words.iter().zip(values.chunks_exact(4)) {
        bytes.extend(word.as_bytes());
        bytes.push(b' ');
        bytes.extend(vector.iter().flat_map(|value| value.to_le_bytes()));
        bytes.push(b'\n');
    }
    bytes
}

/// [`TEXT`] in finalfusion's format, written by finalfusion: unit vectors and norms.
pub(crate) fn finalfusion() -> Vec<u8> {
    let embeddings = Reference::read_text(&mut BufReader::new(TEXT.as_bytes())).unwrap();
    let mut file = Cursor::new(Vec::new());
    embeddings.write_embeddings(&mut file).unwrap();
    file.into_inner()
}

/// Writes finalfusion files by the letter of the specification.
pub(crate) struct Fifu(pub(crate) Vec<u8>);

impl Fifu {
    pub(crate) fn new(chunks: &[u32]) -> Self {
        let file = Self(b"FiFu".to_vec()).u32(0).u32(chunks.len() as u32);
        chunks.iter().fold(file, |file, &chunk| file.u32(chunk))
    }

    pub(crate) fn u32(mut self, number: u32) -> Self {
        self.0.extend(number.to_le_bytes());
        self
    }

    pub(crate) fn u64(mut self, number: u64) -> Self {
        self.0.extend(number.to_le_bytes());
        self
    }

    pub(crate) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    pub(crate) fn floats(mut self, values: &[f32]) -> Self {
        self.0.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        self
    }

    /// One to four bytes, up to a multiple of four.
    pub(crate) fn padding(mut self) -> Self {
        let padding = 4 - self.0.len() % 4;
        self.0.extend(vec![0; padding]);
        self
    }

    /// A chunk, its length in front.
    pub(crate) fn chunk(self, kind: u32, contents: impl FnOnce(Self) -> Self) -> Self {
        let mut file = self.u32(kind).u64(0);
        let start = file.0.len();
        file = contents(file);
        let length = (file.0.len() - start) as u64;
        file.0[start - 8..start].copy_from_slice(&length.to_le_bytes());
        file
    }

    pub(crate) fn strings(self, strings: &[&str]) -> Self {
        strings
            .iter()
            .fold(self, |file, string| file.u32(string.len() as u32).bytes(string.as_bytes()))
    }

    pub(crate) fn simple_vocab(self, words: &[&str]) -> Self {
        self.chunk(1, |file| file.u64(words.len() as u64).strings(words))
    }

    pub(crate) fn matrix(self, columns: u32, values: &[f32]) -> Self {
        let rows = values.len() as u64 / u64::from(columns);
        self.chunk(2, |file| file.u64(rows).u32(columns).u32(10).padding().floats(values))
    }

    pub(crate) fn norms(self, norms: &[f32]) -> Self {
        self.chunk(6, |file| file.u64(norms.len() as u64).u32(10).padding().floats(norms))
    }
}

/// Three words of four dimensions by two codes, with a projection and norms.
pub(crate) fn quantized() -> Vec<u8> {
    Fifu::new(&[1, 4, 6])
        .simple_vocab(&["a", "b", "c"])
        .chunk(4, |file| {
            file.u32(1)
                .u32(1)
                .u32(2)
                .u32(4)
                .u32(3)
                .u64(3)
                .u32(1)
                .u32(10)
                .padding()
                .floats(&[0., 1., 0., 0., 1., 0., 0., 0., 0., 0., 1., 0., 0., 0., 0., 2.])
                .floats(&[1., 2., 3., 4., 5., 6.]) // the centroids of the first half
                .floats(&[-1., -2., -3., -4., -5., -6.])
                .floats(&[1., 10., 100.])
                .bytes(&[0, 0, 1, 2, 2, 1])
        })
        .norms(&[1., 2., 4.])
        .0
}

/// A file of the golden tests.
pub(crate) fn golden(name: &str) -> Vec<u8> {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    std::fs::read(directory.join(name)).unwrap()
}

/// A fastText model of two dimensions, field by field. The rows count from 0 in steps of 1/4.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    pub(crate) version: i32,
    pub(crate) dim: i32,
    pub(crate) kind: i32,
    pub(crate) bucket: i32,
    pub(crate) lengths: (i32, i32),
    /// Entries, words, labels; by default those of `words`.
    pub(crate) sizes: Option<(i32, i32, i32)>,
    /// Bytes and kinds: 0 is a word, 1 a label.
    pub(crate) words: Vec<(Vec<u8>, u8)>,
    pub(crate) prune: i64,
    pub(crate) pruned: Vec<(i32, i32)>,
    pub(crate) quantized: u8,
    /// Of the input matrix; by default two columns and the rows that the other fields say.
    pub(crate) shape: Option<(i64, i64)>,
    pub(crate) values: Option<Vec<f32>>,
    /// In place of the input matrix's values.
    pub(crate) codes: Vec<u8>,
}

impl Model {
    pub(crate) fn new(words: &[&str]) -> Self {
        Self {
            version: 12,
            dim: 2,
            kind: 1,
            bucket: 3,
            lengths: (3, 6),
            sizes: None,
            words: words.iter().map(|word| (word.as_bytes().to_vec(), 0)).collect(),
            prune: -1,
            pruned: Vec::new(),
            quantized: 0,
            shape: None,
            values: None,
            codes: Vec::new(),
        }
    }

    pub(crate) fn file(&self) -> Vec<u8> {
        let mut file = 793_712_314_u32.to_le_bytes().to_vec();
        let i32 = |file: &mut Vec<u8>, number: i32| file.extend(number.to_le_bytes());
        let (minn, maxn) = self.lengths;
        let (bucket, kind) = (self.bucket, self.kind);
        for number in
            [self.version, self.dim, 5, 5, 1, 5, 1, 2, kind, bucket, minn, maxn, 100, 0, 0]
        {
            i32(&mut file, number);
        }
        let all = self.words.len() as i32;
        let labels = self.words.iter().filter(|(_, kind)| *kind == 1).count() as i32;
        let (entries, words, labels) = self.sizes.unwrap_or((all, all - labels, labels));
        [entries, words, labels].into_iter().for_each(|number| i32(&mut file, number));
        file.extend(100_i64.to_le_bytes());
        file.extend(self.prune.to_le_bytes());
        for (word, kind) in &self.words {
            file.extend(word);
            file.push(0);
            file.extend(1_i64.to_le_bytes());
            file.push(*kind);
        }
        for &(bucket, row) in &self.pruned {
            i32(&mut file, bucket);
            i32(&mut file, row);
        }
        file.push(self.quantized);
        if self.quantized > 0 {
            file.extend(&self.codes);
        } else {
            let (rows, columns) =
                self.shape.unwrap_or((i64::from(words) + i64::from(self.bucket), 2));
            file.extend(rows.to_le_bytes());
            file.extend(columns.to_le_bytes());
            let count = (rows * columns).clamp(0, 100) as usize;
            let values = || (0..count).map(|at| at as f32 / 4.0).collect();
            let values = self.values.clone().unwrap_or_else(values);
            file.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        }
        file.push(0);
        file.extend(1_i64.to_le_bytes());
        file.extend(i64::from(self.dim).to_le_bytes());
        file.extend(vec![0; 4 * self.dim.clamp(0, 100) as usize]);
        file
    }
}

/// finalfusion's vocabularies with n-grams: hashed, fastText's, listed, floret's.
pub(crate) fn finalfusion_subwords() -> Vec<Vec<u8>> {
    let rows = |count: usize| -> Vec<f32> {
        (0..2 * count).map(|at| ((at * 7 + 3) % 11) as f32 - 5.0).collect()
    };
    let words = ["guest", "été"];
    let bucket = Fifu::new(&[3, 2])
        .chunk(3, |file| file.u64(2).u32(2).u32(4).u32(3).strings(&words))
        .matrix(2, &rows(2 + 8));
    let fasttext = Fifu::new(&[7, 2])
        .chunk(7, |file| file.u64(2).u32(1).u32(3).u32(5).strings(&words))
        .matrix(2, &rows(2 + 5));
    let explicit = Fifu::new(&[8, 2])
        .chunk(8, |file| {
            let file = file.u64(2).u64(3).u32(2).u32(3).strings(&words);
            let file = file.strings(&["<gu"]).u64(7).strings(&["t>"]).u64(9);
            file.strings(&["es"]).u64(7)
        })
        .matrix(2, &rows(2 + 2));
    let floret = Fifu::new(&[9, 2])
        .chunk(9, |file| file.u32(2).u32(3).u64(6).u32(2).u32(2_166_136_261).strings(&["<", ">"]))
        .matrix(2, &rows(6));
    [bucket, fasttext, explicit, floret].map(|file| file.0).to_vec()
}
