//! What changed since a run that criterion saved, beyond noise.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Changes of the median below this share are noise whatever their interval, as criterion has it.
const NOISE: f64 = 0.02;

/// A benchmark, before and now.
#[derive(Debug, PartialEq)]
struct Change {
    name: String,
    before: f64,
    now: f64,
    low: f64,
    high: f64,
}

impl Change {
    /// Faster, slower or within the noise: the interval of the change says.
    fn verdict(&self) -> &'static str {
        if self.high < -NOISE {
            "faster"
        } else if self.low > NOISE {
            "SLOWER"
        } else {
            "same"
        }
    }
}

/// Prints what the runs in criterion's folder are against the saved ones of a name.
pub(crate) fn run(folder: &Path, baseline: &str) -> Result<()> {
    let mut changes = Vec::new();
    collect(folder, folder, baseline, &mut changes)?;
    ensure!(
        !changes.is_empty(),
        "{}: no benchmark has a saved run `{baseline}`: save one by --save-baseline {baseline}",
        folder.display()
    );
    print!("{}", table(&mut changes, baseline));
    Ok(())
}

fn collect(root: &Path, folder: &Path, baseline: &str, found: &mut Vec<Change>) -> Result<()> {
    let estimates = |of: &str| folder.join(of).join("estimates.json");
    if estimates(baseline).is_file() && estimates("new").is_file() && estimates("change").is_file()
    {
        // `change` is against the baseline that criterion compared with last: this one.
        let read = |of: &str| -> Result<Value> {
            let path = estimates(of);
            let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            serde_json::from_str(&text).with_context(|| path.display().to_string())
        };
        let number = |value: &Value, pointer: &str| {
            let number = value.pointer(pointer).and_then(Value::as_f64);
            number.with_context(|| format!("{}: no number at {pointer}", folder.display()))
        };
        let change = read("change")?;
        let name = folder.strip_prefix(root).unwrap_or(folder).display().to_string();
        found.push(Change {
            name,
            before: number(&read(baseline)?, "/median/point_estimate")?,
            now: number(&read("new")?, "/median/point_estimate")?,
            low: number(&change, "/median/confidence_interval/lower_bound")?,
            high: number(&change, "/median/confidence_interval/upper_bound")?,
        });
        return Ok(());
    }
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    let mut entries: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for entry in entries.into_iter().filter(|entry| entry.is_dir()) {
        collect(root, &entry, baseline, found)?;
    }
    Ok(())
}

/// Losses first.
fn table(changes: &mut [Change], baseline: &str) -> String {
    let rank = |change: &Change| match change.verdict() {
        "SLOWER" => 0,
        "faster" => 1,
        _ => 2,
    };
    changes.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.name.cmp(&b.name)));
    let width = changes.iter().map(|change| change.name.len()).max().unwrap_or(0).max(9);
    let mut text = format!(
        "{:width$}  {:>10}  {:>10}  change of the median, 95 % interval\n",
        "benchmark", baseline, "now"
    );
    for change in changes.iter() {
        let Change { name, before, now, low, high } = change;
        text += &format!(
            "{name:width$}  {:>10}  {:>10}  {:+.1} % to {:+.1} %  {}\n",
            time(*before),
            time(*now),
            100.0 * low,
            100.0 * high,
            change.verdict()
        );
    }
    text
}

/// Nanoseconds for people.
fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        t if t < 1e3 => format!("{t:.1} ns"),
        t if t < 1e6 => format!("{:.2} µs", t / 1e3),
        t if t < 1e9 => format!("{:.2} ms", t / 1e6),
        t => format!("{:.3} s", t / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_must_be_clear_of_zero_and_of_the_noise() {
        let change = |low, high| Change { name: String::new(), before: 1.0, now: 1.0, low, high };
        assert_eq!(change(0.021, 0.4).verdict(), "SLOWER");
        assert_eq!(change(-0.3, -0.05).verdict(), "faster");
        for (low, high) in [(0.01, 0.4), (-0.2, 0.2), (-0.3, -0.01)] {
            assert_eq!(change(low, high).verdict(), "same");
        }
    }

    #[test]
    fn criterions_files_are_read_and_losses_come_first() {
        let folder = tempfile::tempdir().unwrap();
        let estimates = |point: f64, low: f64, high: f64| {
            format!(
                r#"{{"median":{{"confidence_interval":{{"confidence_level":0.95,"lower_bound":{low},
                "upper_bound":{high}}},"point_estimate":{point},"standard_error":0.1}}}}"#
            )
        };
        let write = |name: &str, low, high| {
            for (of, text) in [
                ("before", estimates(1e6, 9e5, 1.1e6)),
                ("new", estimates(2e6, 1.9e6, 2.1e6)),
                ("change", estimates(1.0, low, high)),
            ] {
                let folder = folder.path().join(name).join(of);
                fs::create_dir_all(&folder).unwrap();
                fs::write(folder.join("estimates.json"), text).unwrap();
            }
        };
        write("a/fast/1", -0.5, -0.4);
        write("b/slow", 0.8, 1.2);
        let mut found = Vec::new();
        collect(folder.path(), folder.path(), "before", &mut found).unwrap();
        assert_eq!(
            table(&mut found, "before"),
            "benchmark      before         now  change of the median, 95 % interval\n\
             b/slow        1.00 ms     2.00 ms  +80.0 % to +120.0 %  SLOWER\n\
             a/fast/1      1.00 ms     2.00 ms  -50.0 % to -40.0 %  faster\n"
        );
        assert!(
            run(folder.path(), "other").unwrap_err().to_string().contains("--save-baseline other")
        );
    }
}
