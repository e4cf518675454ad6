//! The machine, the moment and the state of the code that a figure belongs to, and what the machine
//! can do at most.

use std::fs;
use std::hint::black_box;
use std::process::Command;
use std::time::Instant;

use ndarray::Array2;
use procrust_product::{Number, multiply};
use rayon::prelude::*;

/// The most memory that this process held, in MB, where the system says (Linux).
pub(crate) fn peak_megabytes() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes / 1024.0)
}

/// The name of the processor and the number of its cores that we have.
pub(crate) fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let value = |key: &str| {
        let line = text.lines().find(|line| line.starts_with(key))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let name = value("model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let wide = value("flags").is_some_and(|flags| flags.split(' ').any(|flag| flag == "avx512f"));
    let wide = if wide { ", AVX-512" } else { "" };
    format!("{name}, {} cores{wide}", threads())
}

/// Threads that both sides get.
pub(crate) fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// How many programs wanted a core in the last minute, where the system says (Linux): ours are among
/// them.
pub(crate) fn load() -> Option<f64> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    text.split(' ').next()?.parse().ok()
}

/// The day, by the system's own program.
pub(crate) fn date() -> String {
    said(Command::new("date").args(["-u", "+%Y-%m-%d"]))
}

/// The commit, with a `+` where files differ from it.
pub(crate) fn commit() -> String {
    let root = root();
    let git = |arguments: &[&str]| said(Command::new("git").arg("-C").arg(&root).args(arguments));
    let changed = !git(&["status", "--porcelain", "--untracked-files=no", "crates"]).is_empty();
    format!("{}{}", git(&["rev-parse", "--short", "HEAD"]), if changed { "+" } else { "" })
}

fn said(command: &mut Command) -> String {
    let output = command.output().map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output).trim().to_owned()
}

/// The folder of the workspace.
pub(crate) fn root() -> std::path::PathBuf {
    let here =
        std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    std::path::Path::new(&here).parent().map_or_else(Default::default, Into::into)
}

/// Multiplications and additions a second of a plain product of square matrices, in memory that is
/// warm, on all threads: the best of a few.
pub(crate) fn product_peak<T: Number>() -> f64 {
    const DIM: usize = 1024;
    let flops = 2.0 * (DIM as f64).powi(3) * threads() as f64;
    let round = || {
        let start = Instant::now();
        (0..threads()).into_par_iter().for_each(|_| {
            let square = || Array2::from_elem((DIM, DIM), T::ONE);
            let (a, b, mut c) = (square(), square(), square());
            multiply(a.view(), b.view(), c.view_mut(), T::ONE, false);
            black_box(&c);
        });
        flops / start.elapsed().as_secs_f64()
    };
    (0..6).map(|_| round()).fold(0.0, f64::max)
}

/// Bytes a second of reading a file from the page cache into memory, on all threads, the best of a
/// few.
pub(crate) fn read_peak(path: &std::path::Path) -> anyhow::Result<f64> {
    use std::io::{Read, Seek, SeekFrom};
    let length = path.metadata()?.len();
    let share = length.div_ceil(threads() as u64);
    let mut best = 0.0_f64;
    for _ in 0..3 {
        let start = Instant::now();
        (0..threads() as u64).into_par_iter().try_for_each(|thread| {
            let mut file = fs::File::open(path)?;
            file.seek(SeekFrom::Start(thread * share))?;
            let mut file = file.take(share);
            let mut buffer = vec![0; 1 << 18];
            while file.read(&mut buffer)? > 0 {
                black_box(&buffer);
            }
            anyhow::Ok(())
        })?;
        best = best.max(length as f64 / start.elapsed().as_secs_f64());
    }
    Ok(best)
}
