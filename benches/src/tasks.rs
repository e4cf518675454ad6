//! What is measured against other programs: the data, our side, and what counts as the same answer.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use bytemuck::Pod;
use ndarray::{Array2, ArrayView2, Axis};
use procrust_align::{
    AffineMap, AlignPaired, AlignUnpaired, Coral, Procrustes, Regularization, SinkhornSettings,
    exact_transport, sinkhorn,
};
use procrust_benches::people_detector;
use procrust_classify::{Classifier, Logistic, NearestNeighbors};
use procrust_images::{HogCells, Picture};
use procrust_neighbors::{Metric, csls_top_k, top_k};
use procrust_words::{Embeddings, OpenOptions};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::pictures::{self, Pictures};
use crate::{machine, text, transfer};

/// A task and the programs that do it too.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) name: &'static str,
    /// What is done, and how much of it.
    pub(crate) what: &'static str,
    /// The peers, and how many times faster than each we mean to be.
    pub(crate) peers: &'static [(&'static str, f64)],
    /// What the answers are held to.
    pub(crate) agreement: &'static str,
}

pub(crate) const TASKS: &[Task] = &[
    Task {
        name: "procrustes",
        what: "orthogonal Procrustes, 100,000 × 300 pairs",
        peers: &[("scipy", 2.0)],
        agreement: "entries of W within 1e-4",
    },
    Task {
        name: "coral",
        what: "CORAL, λ = 1, fit and transform, 20,000 + 20,000 × 1,024",
        peers: &[("numpy", 1.5)],
        agreement: "mapped rows within 1e-3 of the largest entry",
    },
    Task {
        name: "coral-unregularized",
        what: "CORAL, λ = 0, centred rows, fit and transform, 20,000 + 20,000 × 1,024",
        peers: &[("skada", 4.0)],
        agreement: "mapped rows within 1e-3 of the largest entry",
    },
    Task {
        name: "apply",
        what: "rows times a map, 100,000 × 300 by 300 × 300",
        peers: &[("numpy", 1.0)],
        agreement: "mapped rows within 1e-5 of the largest entry",
    },
    Task {
        name: "csls",
        what: "CSLS, 10 nearest, 20,000 in 100,000 × 300",
        peers: &[("faiss", 2.0)],
        agreement: "999 of 1,000 nearest equal (faiss ranks 100 candidates)",
    },
    Task {
        name: "nearest",
        what: "cosine, 10 nearest, 20,000 in 100,000 × 300",
        peers: &[("faiss", 1.0)],
        agreement: "999 of 1,000 nearest equal",
    },
    Task {
        name: "load-text",
        what: "word2vec text of 100,000 × 300",
        peers: &[("gensim", 30.0), ("finalfusion", 3.5)],
        agreement: "gensim: bit for bit; finalfusion: within 4 ulp",
    },
    Task {
        name: "load-text-million",
        what: "word2vec text of 1,000,000 × 300",
        peers: &[("finalfusion", 3.5), ("gensim", 30.0)],
        agreement: "gensim: bit for bit; finalfusion: within 4 ulp",
    },
    Task {
        name: "load-binary",
        what: "word2vec binary of 1,000,000 × 300",
        peers: &[("gensim", 1.0)],
        agreement: "bit for bit",
    },
    Task {
        name: "sinkhorn",
        what: "Sinkhorn to 1e-6, ε = 0.02 of the largest cost, 5,000 × 5,000",
        peers: &[("pot", 1.5)],
        agreement: "costs within 1e-4",
    },
    Task {
        name: "exact-transport",
        what: "exact transport, 3,000 × 3,000",
        peers: &[("pot", 1.0)],
        agreement: "costs within 1e-9",
    },
    Task {
        name: "logistic",
        what: "multinomial logistic regression, C = 1, 20,000 × 1,024, 10 classes",
        peers: &[("scikit-learn", 1.0)],
        agreement: "our loss no higher than 1 + 1e-5 of theirs",
    },
    Task {
        name: "knn",
        what: "5-nearest-neighbour classification, 10,000 by 50,000 × 256",
        peers: &[("faiss", 1.0)],
        agreement: "999 of 1,000 labels equal",
    },
    Task {
        name: "eszsl",
        what: "ESZSL, 10,000 × 512, 50 classes with 85 attributes",
        peers: &[("numpy", 1.0)],
        agreement: "entries of V within 1e-6 of the largest",
    },
    Task {
        name: "coupled-dictionaries",
        what: "coupled dictionaries, 64 atoms, 5 rounds, 10,000 × 512 with 85 attributes",
        peers: &[("numpy", 1.0)],
        agreement: "atoms within 1e-2 of the largest entry (codes are found to 1e-4)",
    },
    Task {
        name: "detection",
        what: "windows of 64 × 128 on gradients, a picture of 640 × 480, ten times",
        peers: &[("opencv", 1.0)],
        agreement: "as many windows, within a tenth",
    },
    Task {
        name: "hog",
        what: "HOG as scikit-image has it, 400 pictures of 200 × 200",
        peers: &[("scikit-image", 15.0)],
        agreement: "values within 1e-4",
    },
    Task {
        name: "hog-opencv",
        what: "HOG as OpenCV has it, 400 pictures of 200 × 200",
        peers: &[("opencv", 1.0)],
        agreement: "values within 1e-4",
    },
    Task {
        name: "jpeg",
        what: "120 jpegs of 800 × 600 decoded and resized to 224 × 224",
        peers: &[("opencv", 1.0)],
        agreement: "levels within 2 on average (decoders round differently)",
    },
    Task {
        name: "efficientnet",
        what: "EfficientNet-Lite0, 1,280 features of 40 pictures of 224 × 224",
        peers: &[("onnxruntime", 0.8)],
        agreement: "values within 1e-4",
    },
    Task {
        name: "minilm",
        what: "MiniLM-L6 in f32, 1,000 sentences to rows of 384; ours with the tokenizer and pooling, theirs without",
        peers: &[("onnxruntime", 0.7)],
        agreement: "entries of unit rows within 1e-5",
    },
];

impl Task {
    pub(crate) fn find(name: &str) -> Result<&'static Self> {
        TASKS.iter().find(|task| task.name == name).with_context(|| {
            let known: Vec<_> = TASKS.iter().map(|task| task.name).collect();
            format!("no task `{name}`: expected one of {}", known.join(", "))
        })
    }
}

const SEED: u64 = 20_265;
const CLASSES: usize = 10;
const K: usize = 10;
/// The file of word vectors.
const WORDS: &str = "words.vec";
const SINKHORN: f64 = 0.02;

/// Writes the files of a task; a tenth of the rows where it has to be `quick`.
pub(crate) fn make(task: &str, folder: &Path, quick: bool) -> Result<()> {
    fs::create_dir_all(folder)?;
    let few = |rows: usize| if quick { rows / 10 } else { rows };
    let mut shapes = json!({});
    let mut write = |name: &str, matrix: &Array2<f32>| -> Result<()> {
        shapes[name] = json!([matrix.nrows(), matrix.ncols()]);
        save(&folder.join(name), matrix.as_slice().expect("made in standard layout"))
    };
    match task {
        "procrustes" | "apply" => {
            let x = normal(few(100_000), 300, SEED);
            let turned = x.slice(ndarray::s![.., ..;-1]);
            write("y", &(&turned + &(normal(x.nrows(), 300, SEED + 1) * 0.3)))?;
            write("x", &x)?;
            write("w", &(normal(300, 300, SEED + 2) / 17.0))?;
        }
        "coral" | "coral-unregularized" => {
            for (name, seed, tilt) in [("x", SEED, 0.5), ("y", SEED + 1, 0.3)] {
                let mut rows = normal(few(20_000), 1024, seed);
                // A spectrum that falls, and neighbouring columns that go together.
                for mut row in rows.rows_mut() {
                    let mut last = 0.0;
                    for (column, value) in row.iter_mut().enumerate() {
                        let size = (1.0 + column as f32 / 32.0).powf(-tilt);
                        last = 0.5 * last + size * *value;
                        *value = last;
                    }
                }
                // skada moves the mean as well, we do not: there is none.
                let mean = rows.mapv(f64::from).mean_axis(Axis(0)).context("there are rows")?;
                rows -= &mean.mapv(|mean| mean as f32);
                write(name, &rows)?;
            }
        }
        "csls" | "nearest" => {
            let (mut x, mut y) = (clusters(few(20_000), SEED), clusters(few(100_000), SEED + 1));
            let pairs = x.nrows() / 2;
            let noise = normal(pairs, 300, SEED + 2);
            for row in 0..pairs {
                let near = &x.row(row) + &(&noise.row(row) * 0.8);
                y.row_mut(row).assign(&near);
            }
            unit(&mut x);
            unit(&mut y);
            write("x", &x)?;
            write("y", &y)?;
        }
        "load-text" | "load-text-million" => {
            let words = few(if task == "load-text" { 100_000 } else { 1_000_000 });
            write_words(&folder.join(WORDS), words)?;
            // A bare word count, for the reader.
            shapes["words"] = json!([words, 300]);
        }
        "load-binary" => {
            let words = few(1_000_000);
            binary(&folder.join(WORDS), words)?;
            shapes["words"] = json!([words, 300]);
        }
        "sinkhorn" | "exact-transport" => {
            let rows = if task == "sinkhorn" { few(5_000) } else { few(3_000) };
            let (x, y) = (normal(rows, 32, SEED), normal(rows, 32, SEED + 1) + 0.3);
            let mut cost = Array2::from_shape_fn((rows, rows), |(i, j)| {
                let (x, y) = (x.row(i), y.row(j));
                x.iter().zip(y).map(|(x, y)| f64::from(x - y).powi(2)).sum::<f64>()
            });
            let largest = cost.iter().copied().fold(0.0, f64::max);
            cost /= largest;
            shapes["cost"] = json!([rows, rows]);
            shapes["regularization"] = json!(SINKHORN);
            save(&folder.join("cost"), cost.as_slice().expect("made in standard layout"))?;
        }
        "logistic" | "knn" => {
            let (train, test, dim) = match task {
                "logistic" => (few(20_000), 0, 1024),
                _ => (few(50_000), few(10_000), 256),
            };
            let centres = normal(CLASSES, dim, SEED) * 0.15;
            let mut rng = ChaCha8Rng::seed_from_u64(SEED + 1);
            let labels: Vec<u32> =
                (0..train + test).map(|_| rng.random_range(0..CLASSES as u32)).collect();
            let mut rows = normal(train + test, dim, SEED + 2);
            for (mut row, &label) in rows.rows_mut().into_iter().zip(&labels) {
                row += &centres.row(label as usize);
            }
            let (first, second) = rows.view().split_at(Axis(0), train);
            if task == "logistic" {
                write("x", &first.to_owned())?;
            } else {
                write("y", &first.to_owned())?;
                write("x", &second.to_owned())?;
            }
            shapes["labels"] = json!([train]);
            save(&folder.join("labels"), &labels[..train])?;
        }
        "eszsl" | "coupled-dictionaries" => {
            let described = transfer::described(few(10_000), SEED);
            write("x", &described.x)?;
            write("s", &described.s)?;
            shapes["labels"] = json!([described.labels.len()]);
            save(&folder.join("labels"), &described.labels)?;
        }
        "detection" => {
            let picture = transfer::picture(SEED);
            shapes["picture"] = json!([picture.nrows(), picture.ncols()]);
            save(&folder.join("picture"), picture.as_slice().expect("made in standard layout"))?;
        }
        "minilm" => {
            let [ids, starts] = text::make(folder, few(1_000))?;
            shapes["ids"] = json!([ids.len()]);
            shapes["starts"] = json!([starts.len()]);
            save(&folder.join("ids"), &ids)?;
            save(&folder.join("starts"), &starts)?;
        }
        _ => shapes = pictures::make(task, folder, few, SEED)?,
    }
    fs::write(folder.join("shapes.json"), shapes.to_string())?;
    Ok(())
}

/// Does the task, three times or for ten seconds, writes the answer to `ours.out` and prints what it
/// took as a line of JSON.
pub(crate) fn ours(task: &str, folder: &Path) -> Result<()> {
    let out = folder.join("ours.out");
    // The work of the limit: a plain product of as many multiplications, or a plain read.
    let mut limit = None;
    let seconds = match task {
        "procrustes" => {
            let (x, y) = (rows(folder, "x")?, rows(folder, "y")?);
            let (seconds, fit) = fastest(|| Procrustes::default().fit(x.view(), y.view()))?;
            save(&out, fit.source().matrix().to_owned().as_slice().expect("standard layout"))?;
            let flops = 2.0 * (x.nrows() * x.ncols() * y.ncols()) as f64;
            limit = Some(("f32 product", flops / machine::product_peak::<f32>()));
            seconds
        }
        "coral" | "coral-unregularized" => {
            let (x, y) = (rows(folder, "x")?, rows(folder, "y")?);
            let regularization = match task {
                "coral" => Regularization::Fixed(1.0),
                _ => Regularization::Fixed(0.0),
            };
            let (seconds, mapped) = fastest(|| {
                let fit = Coral { regularization }.fit(x.view(), y.view())?;
                fit.source().apply(x.view())
            })?;
            save(&out, mapped.as_slice().expect("standard layout"))?;
            // Half of two symmetric sums and one product.
            let flops = (x.len() as f64 * 3.0 + y.len() as f64) * x.ncols() as f64;
            limit = Some(("f32 products", flops / machine::product_peak::<f32>()));
            seconds
        }
        "apply" => {
            let (x, w) = (rows(folder, "x")?, rows(folder, "w")?);
            let none = ndarray::Array1::zeros(w.nrows());
            let map = AffineMap::new(none.clone(), w.mapv(f64::from), none)?;
            let (seconds, mapped) = fastest(|| map.apply(x.view()))?;
            save(&out, mapped.as_slice().expect("standard layout"))?;
            let flops = 2.0 * (x.len() * w.ncols()) as f64;
            limit = Some(("f32 product", flops / machine::product_peak::<f32>()));
            seconds
        }
        "csls" | "nearest" => {
            let (x, y) = (rows(folder, "x")?, rows(folder, "y")?);
            let (seconds, found) = fastest(|| match task {
                "csls" => csls_top_k(x.view(), y.view(), None, K, K),
                _ => top_k(x.view(), y.view(), K, Metric::Cosine),
            })?;
            save(&out, found.indices.as_slice().expect("standard layout"))?;
            let flops = 2.0 * (x.len() * y.nrows()) as f64;
            limit = Some(("f32 product", flops / machine::product_peak::<f32>()));
            seconds
        }
        "load-text" | "load-text-million" | "load-binary" => {
            let path = folder.join(WORDS);
            let (seconds, found) = fastest(|| Embeddings::open(&path, &OpenOptions::default()))?;
            save(&out, found.vectors().as_slice().expect("standard layout"))?;
            let bytes = path.metadata()?.len() as f64;
            limit = Some(("reading the file", bytes / machine::read_peak(&path)?));
            seconds
        }
        "sinkhorn" => {
            let cost = matrix::<f64>(folder, "cost")?;
            let (a, b) = (vec![1.0; cost.nrows()], vec![1.0; cost.ncols()]);
            let settings =
                SinkhornSettings { regularization: SINKHORN, tolerance: 1e-6, iterations: 100_000 };
            let (seconds, plan) = fastest(|| sinkhorn(cost.view(), &a, &b, settings))?;
            ensure!(plan.warning.is_none(), "not converged");
            save(&out, &[plan.cost])?;
            seconds
        }
        "exact-transport" => {
            let cost = matrix::<f64>(folder, "cost")?;
            let (a, b) = (vec![1.0; cost.nrows()], vec![1.0; cost.ncols()]);
            let (seconds, plan) = fastest(|| exact_transport(cost.view(), &a, &b))?;
            save(&out, &[plan.cost])?;
            seconds
        }
        "logistic" => {
            let (x, labels) = (rows(folder, "x")?, labels(folder)?);
            // scikit-learn's default tolerance stops early: ours stops as soon as its loss is no higher.
            let method = Logistic { tolerance: 2e-5, ..Logistic::default() };
            let (seconds, model) = fastest(|| method.train(x.view(), &labels, CLASSES))?;
            let mut parameters = model.weights().to_owned();
            parameters.push_row(model.intercepts())?;
            save(&out, parameters.as_standard_layout().as_slice().expect("standard layout"))?;
            seconds
        }
        "knn" => {
            let (x, y, labels) = (rows(folder, "x")?, rows(folder, "y")?, labels(folder)?);
            let (seconds, found) = fastest(|| {
                let model = NearestNeighbors { k: 5 }.fit(y.view(), &labels, CLASSES)?;
                model.predict(x.view())
            })?;
            let found: Vec<u32> = found.into_iter().map(|label| label as u32).collect();
            save(&out, &found)?;
            let flops = 2.0 * (x.len() * y.nrows()) as f64;
            limit = Some(("f32 product", flops / machine::product_peak::<f32>()));
            seconds
        }
        "eszsl" | "coupled-dictionaries" => {
            let (x, s, labels) = (rows(folder, "x")?, rows(folder, "s")?, labels(folder)?);
            let (seconds, found) = fastest(|| transfer::fitted(task, &x, &labels, &s))?;
            save(&out, found.as_slice().expect("standard layout"))?;
            seconds
        }
        "detection" => {
            let picture = Picture::from_grey(matrix::<u8>(folder, "picture")?.view())?;
            let (detector, hog) = (people_detector(), HogCells::default());
            let (seconds, _) =
                fastest(|| (0..10).try_for_each(|_| detector.detect(&hog, &picture).map(|_| ())))?;
            let windows = detector.windows(&hog, picture.width(), picture.height());
            save(&out, &[windows as f64])?;
            seconds
        }
        "minilm" => {
            let (model, sentences) = text::open(folder)?;
            let (seconds, found) = fastest(|| text::rows(&model, &sentences))?;
            save(&out, found.as_slice().expect("standard layout"))?;
            let products = 6 * (4 * 384 * 384 + 2 * 384 * 1536);
            let flops = 2.0 * (counts(folder, "ids")?.len() * products) as f64;
            limit = Some(("f32 products", flops / machine::product_peak::<f32>()));
            seconds
        }
        _ => {
            let pictures = Pictures::open(task, folder)?;
            let (seconds, done) = fastest(|| pictures.done())?;
            save(&out, &done.values())?;
            seconds
        }
    };
    let (what, least) = limit.unzip();
    println!(
        "{}",
        json!({ "seconds": seconds.0, "peak_mb": seconds.1, "limit": what, "least": least })
    );
    Ok(())
}

/// finalfusion's reader of text.
pub(crate) fn finalfusion(folder: &Path) -> Result<()> {
    use finalfusion::prelude::{Embeddings, ReadTextDims};
    use finalfusion::storage::NdArray;
    use finalfusion::vocab::SimpleVocab;

    let path = folder.join(WORDS);
    let (seconds, found) = fastest(|| {
        let mut file = std::io::BufReader::new(File::open(&path)?);
        let found = Embeddings::<SimpleVocab, NdArray>::read_text_dims(&mut file);
        found.map_err(anyhow::Error::from)
    })?;
    let mut values = Vec::with_capacity(found.len() * found.dims());
    for (_, row) in found.iter_with_norms() {
        values.extend(row.into_unnormalized());
    }
    save(&folder.join("finalfusion.out"), &values)?;
    println!("{}", json!({ "seconds": seconds.0, "peak_mb": seconds.1, "version": "0.18" }));
    Ok(())
}

/// Compares the answers, in words; an error where they differ by more than the task allows.
pub(crate) fn compare(task: &str, peer: &str, folder: &Path) -> Result<String> {
    let ours = fs::read(folder.join("ours.out"))?;
    let theirs = fs::read(folder.join(format!("{peer}.out")))?;
    if task != "logistic" {
        ensure!(ours.len() == theirs.len(), "answers of {} and {} bytes", ours.len(), theirs.len());
    }
    match task {
        "procrustes" => {
            let apart = largest(&values::<f64>(&ours), &values::<f64>(&theirs)).0;
            within("W", apart, 1e-4)
        }
        "coral" | "coral-unregularized" => {
            let (apart, size) = largest_f32(&ours, &theirs);
            within("rows", apart / size, 1e-3)
        }
        "apply" => {
            let (apart, size) = largest_f32(&ours, &theirs);
            within("rows", apart / size, 1e-5)
        }
        "csls" | "nearest" => {
            let (ours, theirs) = (values::<u32>(&ours), values::<u32>(&theirs));
            let same = ours.iter().step_by(K).zip(theirs.iter().step_by(K));
            share("nearest", same.filter(|(a, b)| a == b).count(), ours.len() / K)
        }
        "knn" => {
            let (ours, theirs) = (values::<u32>(&ours), values::<u32>(&theirs));
            let same = ours.iter().zip(&theirs).filter(|(a, b)| a == b).count();
            share("labels", same, ours.len())
        }
        "load-text" | "load-text-million" | "load-binary" if peer == "gensim" => {
            ensure!(ours == theirs, "other bits");
            Ok("the same bits".to_owned())
        }
        "load-text" | "load-text-million" => {
            let (ours, theirs) = (values::<f32>(&ours), values::<f32>(&theirs));
            let worst = ours.iter().zip(&theirs).fold(0.0_f32, |worst, (a, b)| {
                worst.max((a - b).abs() / a.abs().max(f32::MIN_POSITIVE))
            });
            within("values", f64::from(worst), 4.0 * f64::from(f32::EPSILON))
        }
        "sinkhorn" | "exact-transport" => {
            let (ours, theirs) = (values::<f64>(&ours)[0], values::<f64>(&theirs)[0]);
            let limit = if task == "sinkhorn" { 1e-4 } else { 1e-9 };
            within("cost", ((ours - theirs) / theirs).abs(), limit)
        }
        "logistic" => {
            let x = rows(folder, "x")?;
            let labels = labels(folder)?;
            let loss = |bytes: &[u8]| -> Result<f64> {
                let shape = (x.ncols() + 1, CLASSES);
                let parameters = Array2::from_shape_vec(shape, values::<f64>(bytes))?;
                Ok(logistic_loss(x.view(), &labels, parameters.view()))
            };
            let (ours, theirs) = (loss(&ours)?, loss(&theirs)?);
            let above = ours / theirs - 1.0;
            ensure!(above <= 1e-5, "our loss is {above:.1e} above theirs");
            Ok(format!("loss {above:+.1e}"))
        }
        "eszsl" | "coupled-dictionaries" => {
            let (apart, size) = largest(&values::<f64>(&ours), &values::<f64>(&theirs));
            match task {
                "eszsl" => within("V", apart / size, 1e-6),
                _ => within("atoms", apart / size, 1e-2),
            }
        }
        "detection" => {
            let (ours, theirs) = (values::<f64>(&ours)[0], values::<f64>(&theirs)[0]);
            within("windows", (ours / theirs - 1.0).abs(), 0.1)?;
            Ok(format!("{theirs} and {ours} windows"))
        }
        "minilm" => within("rows", largest_f32(&ours, &theirs).0, 1e-5),
        _ if pictures::has(task) => {
            pictures::compare(task, &values::<f32>(&ours), &values::<f32>(&theirs))
        }
        _ => bail!("no task `{task}`"),
    }
}

fn within(what: &str, apart: f64, limit: f64) -> Result<String> {
    ensure!(apart <= limit, "{what} {apart:.1e} apart, at most {limit:.0e} allowed");
    Ok(format!("{what} within {apart:.0e}"))
}

fn share(what: &str, same: usize, of: usize) -> Result<String> {
    let share = same as f64 / of as f64;
    ensure!(share >= 0.999, "only {share:.4} of the {what} are equal");
    Ok(format!("{:.2} % of {what} equal", 100.0 * share))
}

fn largest_f32(ours: &[u8], theirs: &[u8]) -> (f64, f64) {
    let wide = |bytes| values::<f32>(bytes).into_iter().map(f64::from).collect::<Vec<_>>();
    largest(&wide(ours), &wide(theirs))
}

/// The largest difference, and the largest entry.
fn largest(ours: &[f64], theirs: &[f64]) -> (f64, f64) {
    ours.iter().zip(theirs).fold((0.0, 0.0), |(apart, size), (a, b)| {
        // A NaN must not get lost in a maximum.
        let difference = (a - b).abs();
        let apart = if difference <= apart { apart } else { difference };
        (apart, b.abs().max(size))
    })
}

/// The sum of the losses and ½‖W‖².
fn logistic_loss(x: ArrayView2<'_, f32>, labels: &[usize], parameters: ArrayView2<'_, f64>) -> f64 {
    let (weights, intercepts) = parameters.split_at(Axis(0), x.ncols());
    let mut loss = 0.5 * weights.iter().map(|w| w * w).sum::<f64>();
    for (rows, labels) in x.axis_chunks_iter(Axis(0), 512).zip(labels.chunks(512)) {
        let scores = rows.mapv(f64::from).dot(&weights) + intercepts;
        for (row, &label) in scores.rows().into_iter().zip(labels) {
            let top = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = row.iter().map(|score| (score - top).exp()).sum();
            loss += top + sum.ln() - row[label];
        }
    }
    loss
}

/// Runs the call three times or for ten seconds: the fastest run's seconds, the peak of memory in MB
/// and the last answer.
fn fastest<T, E: Into<anyhow::Error>>(
    mut call: impl FnMut() -> Result<T, E>,
) -> Result<((f64, Option<f64>), T)> {
    let (begin, mut best) = (Instant::now(), f64::INFINITY);
    let mut rounds = 0;
    loop {
        let start = Instant::now();
        let answer = call().map_err(Into::into)?;
        best = best.min(start.elapsed().as_secs_f64());
        rounds += 1;
        if rounds == 3 || begin.elapsed().as_secs_f64() > 10.0 {
            return Ok(((best, machine::peak_megabytes()), answer));
        }
    }
}

/// Independent normal values, by Box and Muller.
pub(crate) fn normal(rows: usize, columns: usize, seed: u64) -> Array2<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    Array2::from_shape_simple_fn((rows, columns), || {
        let (u, v): (f64, f64) = (1.0 - rng.random::<f64>(), rng.random());
        ((-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()) as f32
    })
}

/// Rows around centres of uneven sizes, in larger clusters.
fn clusters(count: usize, seed: u64) -> Array2<f32> {
    let (large, small) = (normal(40, 300, SEED + 7) * 0.7, normal(2_000, 300, SEED + 8) * 0.7);
    let mut rows = normal(count, 300, seed);
    let mut rng = ChaCha8Rng::seed_from_u64(seed + 100);
    for mut row in rows.rows_mut() {
        // By Zipf's law, roughly: the logarithm of the rank is uniform.
        let which = (2_000.0_f64.powf(rng.random::<f64>()) as usize).min(1_999);
        row += &small.row(which);
        row += &large.row(which % 40);
    }
    rows
}

pub(crate) fn unit(rows: &mut Array2<f32>) {
    for mut row in rows.rows_mut() {
        let length = row.dot(&row).sqrt();
        row /= length;
    }
}

/// Words of six decimals, as most files have them.
pub(crate) fn write_words(path: &Path, words: usize) -> Result<()> {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut file = BufWriter::new(File::create(path)?);
    writeln!(file, "{words} 300")?;
    for word in 0..words {
        write!(file, "word{word}")?;
        for _ in 0..300 {
            let value = rng.random_range(-999_999..1_000_000_i32);
            let (sign, decimals) = (if value < 0 { "-" } else { "" }, value.unsigned_abs());
            write!(file, " {sign}0.{decimals:06}")?;
        }
        writeln!(file)?;
    }
    file.flush()?;
    Ok(())
}

/// Words and values as word2vec writes them.
fn binary(path: &Path, words: usize) -> Result<()> {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut file = BufWriter::new(File::create(path)?);
    writeln!(file, "{words} 300")?;
    for word in 0..words {
        write!(file, "word{word} ")?;
        let row: [f32; 300] = std::array::from_fn(|_| rng.random::<f32>() - 0.5);
        file.write_all(bytemuck::cast_slice(&row))?;
        writeln!(file)?;
    }
    file.flush()?;
    Ok(())
}

fn save<T: Pod>(path: &Path, values: &[T]) -> Result<()> {
    fs::write(path, bytemuck::cast_slice(values)).with_context(|| path.display().to_string())
}

fn values<T: Pod>(bytes: &[u8]) -> Vec<T> {
    bytes.chunks_exact(size_of::<T>()).map(bytemuck::pod_read_unaligned).collect()
}

fn matrix<T: Pod>(folder: &Path, name: &str) -> Result<Array2<T>> {
    let shapes: Value = serde_json::from_str(&fs::read_to_string(folder.join("shapes.json"))?)?;
    let side = |at: usize| shapes[name][at].as_u64().map(|side| side as usize);
    let shape = side(0).zip(side(1)).with_context(|| format!("no shape of {name}"))?;
    let path = folder.join(name);
    let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
    Ok(Array2::from_shape_vec(shape, values(&bytes))?)
}

fn rows(folder: &Path, name: &str) -> Result<Array2<f32>> {
    matrix(folder, name)
}

fn labels(folder: &Path) -> Result<Vec<usize>> {
    counts(folder, "labels")
}

fn counts(folder: &Path, name: &str) -> Result<Vec<usize>> {
    let numbers = values::<u32>(&fs::read(folder.join(name))?);
    Ok(numbers.into_iter().map(|number| number as usize).collect())
}
