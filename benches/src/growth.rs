//! `cargo xtask bench growth`: time and memory over sizes, and the exponents of their growth.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use ndarray::Array2;
use procrust_align::{
    AffineMap, AlignPaired, AlignUnpaired, Coral, PairMoments, Procrustes, SinkhornSettings,
    exact_transport, sinkhorn,
};
use procrust_neighbors::csls_top_k;
use procrust_words::{Embeddings, OpenOptions};
use serde_json::{Value, json};

use crate::{machine, page, statistics, tasks};

/// Something that is done at several sizes.
struct Series {
    name: &'static str,
    /// What grows.
    grows: &'static str,
    sizes: &'static [usize],
    /// The exponents of time and memory that theory has.
    theory: (f64, f64),
}

const SERIES: &[Series] = &[
    Series {
        name: "moments by rows",
        grows: "pairs of 300 dimensions",
        sizes: &[10_000, 20_000, 40_000, 80_000],
        theory: (1.0, 1.0),
    },
    Series {
        name: "moments by dimensions",
        grows: "dimensions of 20,000 pairs",
        sizes: &[128, 256, 512, 1024],
        theory: (2.0, 2.0),
    },
    Series {
        name: "procrustes solve",
        grows: "dimensions",
        sizes: &[128, 256, 512, 1024],
        theory: (3.0, 2.0),
    },
    Series {
        name: "coral fit",
        grows: "dimensions of 2,000 + 2,000 rows",
        sizes: &[128, 256, 512, 1024],
        theory: (3.0, 2.0),
    },
    Series {
        name: "apply",
        grows: "rows of 300 dimensions",
        sizes: &[20_000, 40_000, 80_000, 160_000],
        theory: (1.0, 1.0),
    },
    Series {
        name: "csls",
        grows: "vocabulary of both sides, 300 dimensions",
        sizes: &[5_000, 10_000, 20_000, 40_000],
        theory: (2.0, 1.0),
    },
    Series {
        name: "load text",
        grows: "vocabulary, 300 dimensions",
        sizes: &[25_000, 50_000, 100_000, 200_000],
        theory: (1.0, 1.0),
    },
    Series {
        name: "sinkhorn, 100 iterations",
        grows: "rows of both sides",
        sizes: &[500, 1_000, 2_000, 4_000],
        theory: (2.0, 2.0),
    },
    Series {
        name: "exact transport",
        grows: "rows of both sides",
        sizes: &[250, 500, 1_000, 2_000],
        theory: (3.0, 2.0),
    },
    Series {
        name: "moments by threads",
        grows: "threads, 40,000 pairs of 300 dimensions",
        sizes: &[1, 2, 4, 8, 16, 32],
        theory: (-1.0, 0.0),
    },
    Series {
        name: "csls by threads",
        grows: "threads, 10,000 in 10,000 × 300",
        sizes: &[1, 2, 4, 8, 16, 32],
        theory: (-1.0, 0.0),
    },
    Series {
        name: "load text by threads",
        grows: "threads, 50,000 × 300",
        sizes: &[1, 2, 4, 8, 16, 32],
        theory: (-1.0, 0.0),
    },
];

/// Measures the series that are named, or all, each step in a process of its own, and writes the
/// page.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let names: Vec<_> = arguments.iter().filter(|argument| *argument != "--quick").collect();
    for name in &names {
        find(name)?;
    }
    let wanted =
        |series: &&Series| names.is_empty() || names.iter().any(|&name| name == series.name);
    for series in SERIES.iter().filter(wanted) {
        let by_threads = series.name.ends_with("by threads");
        let most = if by_threads { machine::threads() } else { usize::MAX };
        let sizes: Vec<usize> = series.sizes.iter().copied().filter(|&size| size <= most).collect();
        let sizes = if quick { &sizes[..sizes.len().min(2)] } else { &sizes[..] };
        let load = machine::load();
        let mut points = Vec::new();
        for &size in sizes {
            let found = start(series.name, size, by_threads)?;
            let number = |key: &str| found[key].as_f64().with_context(|| format!("no {key}"));
            points.push((size as f64, number("seconds")?, number("mb")?));
            eprintln!(
                "{}, {size}: {:.4} s, {:.1} MB",
                series.name,
                number("seconds")?,
                number("mb")?
            );
        }
        let of = |value: fn(&(f64, f64, f64)) -> f64| -> Option<f64> {
            let curve: Vec<_> = points.iter().map(|point| (point.0, value(point))).collect();
            let slope = statistics::exponent(&curve);
            slope.is_finite().then_some(slope)
        };
        if !quick {
            let record = json!({
                "series": series.name, "grows": series.grows, "points": points,
                "time": of(|p| p.1), "time_theory": series.theory.0,
                "memory": of(|p| p.2), "memory_theory": series.theory.1,
                "date": machine::date(), "commit": machine::commit(),
                "processor": machine::processor(), "load": load,
            });
            page::record("growth", series.name, record)?;
        }
    }
    if quick { Ok(()) } else { page::write() }
}

fn find(name: &str) -> Result<&'static Series> {
    SERIES.iter().find(|series| series.name == name).with_context(|| {
        let known: Vec<_> = SERIES.iter().map(|series| format!("\"{}\"", series.name)).collect();
        format!("no series `{name}`: expected one of {}", known.join(", "))
    })
}

fn start(series: &str, size: usize, by_threads: bool) -> Result<Value> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["step", series, &size.to_string()]);
    let threads = if by_threads { size } else { machine::threads() };
    command.env("RAYON_NUM_THREADS", threads.to_string());
    let output = command.output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{series}, {size}: {errors}");
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// One series at one size: prints the fastest of three runs and the memory over that of the bare
/// program, inputs included.
pub(crate) fn step(series: &str, size: usize) -> Result<()> {
    let before = machine::peak_megabytes();
    let normal = |rows, columns, seed| tasks::normal(rows, columns, seed);
    let seconds = match series {
        "moments by rows" | "moments by dimensions" | "moments by threads" => {
            let (rows, dim) = match series {
                "moments by rows" => (size, 300),
                "moments by dimensions" => (20_000, size),
                _ => (40_000, 300),
            };
            let (x, y) = (normal(rows, dim, 1), normal(rows, dim, 2));
            fastest(|| PairMoments::of(x.view(), y.view()))?
        }
        "procrustes solve" => {
            let (x, y) = (normal(2 * size, size, 1), normal(2 * size, size, 2));
            let moments = PairMoments::of(x.view(), y.view())?;
            fastest(|| Procrustes::default().solve(&moments))?
        }
        "coral fit" => {
            let (x, y) = (normal(2_000, size, 1), normal(2_000, size, 2));
            fastest(|| Coral::default().fit(x.view(), y.view()))?
        }
        "apply" => {
            let (x, w) = (normal(size, 300, 1), normal(300, 300, 2));
            let none = ndarray::Array1::zeros(300);
            let map = AffineMap::new(none.clone(), w.mapv(f64::from), none)?;
            fastest(|| map.apply(x.view()))?
        }
        "csls" | "csls by threads" => {
            let rows = if series == "csls" { size } else { 10_000 };
            let (x, y) = (normal(rows, 300, 1), normal(rows, 300, 2));
            fastest(|| csls_top_k(x.view(), y.view(), None, 10, 10))?
        }
        "load text" | "load text by threads" => {
            let folder = tempfile::tempdir()?;
            let path = folder.path().join("words.vec");
            tasks::write_words(&path, if series == "load text" { size } else { 50_000 })?;
            fastest(|| Embeddings::open(&path, &OpenOptions::default()))?
        }
        "sinkhorn, 100 iterations" => {
            let (cost, masses) = (cost(size), vec![1.0; size]);
            let settings =
                SinkhornSettings { regularization: 0.05, tolerance: 1e-300, iterations: 100 };
            fastest(|| sinkhorn(cost.view(), &masses, &masses, settings))?
        }
        "exact transport" => {
            let (cost, masses) = (cost(size), vec![1.0; size]);
            fastest(|| exact_transport(cost.view(), &masses, &masses))?
        }
        _ => bail!("no series `{series}`"),
    };
    let peak = machine::peak_megabytes().zip(before).map(|(after, before)| after - before);
    println!("{}", json!({ "seconds": seconds, "mb": peak }));
    Ok(())
}

/// Squared distances between points of a plane, a share of the largest.
fn cost(size: usize) -> Array2<f64> {
    let (x, y) = (tasks::normal(size, 2, 1), tasks::normal(size, 2, 2));
    let mut cost = Array2::from_shape_fn((size, size), |(i, j)| {
        let (x, y) = (x.row(i), y.row(j));
        x.iter().zip(y).map(|(x, y)| f64::from(x - y).powi(2)).sum::<f64>()
    });
    let largest = cost.iter().copied().fold(0.0, f64::max);
    cost /= largest;
    cost
}

fn fastest<T, E: Into<anyhow::Error>>(mut call: impl FnMut() -> Result<T, E>) -> Result<f64> {
    let mut best = f64::INFINITY;
    for _ in 0..3 {
        let start = Instant::now();
        call().map_err(Into::into)?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    Ok(best)
}
