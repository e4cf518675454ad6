//! `docs/performance.md`: what was measured, from the figures in `docs/performance.json`.
//!
//! What stands between the markers is written anew, the rest is left as it is.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::{Map, Value};

use crate::machine;
use crate::svg::{self, Curve};

fn path(extension: &str) -> PathBuf {
    machine::root().join("docs/performance").with_extension(extension)
}

fn records() -> Result<Value> {
    let path = path("json");
    match fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text).with_context(|| path.display().to_string()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Value::Object(Map::new())),
        Err(error) => Err(error).with_context(|| path.display().to_string()),
    }
}

/// Keeps a figure, in the place of an older one of the same name.
pub(crate) fn record(section: &str, name: &str, value: Value) -> Result<()> {
    let mut all = records()?;
    all[section][name] = value;
    let path = path("json");
    fs::write(&path, serde_json::to_string_pretty(&all)? + "\n")
        .with_context(|| path.display().to_string())
}

/// Writes the page and its picture from the figures.
pub(crate) fn write() -> Result<()> {
    let all = records()?;
    let page_path = path("md");
    let mut page =
        fs::read_to_string(&page_path).with_context(|| page_path.display().to_string())?;
    let section = |name: &str| -> Vec<&Value> {
        all[name].as_object().map(|records| records.values().collect()).unwrap_or_default()
    };
    page = replaced(&page, "peers", &peers(section("peers")))?;
    page = replaced(&page, "growth", &growth(&section("growth")))?;
    fs::write(&page_path, page)?;
    let picture = picture(&section("growth"));
    fs::write(machine::root().join("docs/growth.svg"), picture)?;
    eprintln!("docs/performance.md is written");
    Ok(())
}

/// The page with other text between the markers of a name.
fn replaced(page: &str, name: &str, text: &str) -> Result<String> {
    let (start, end) = (format!("<!-- {name}: begin -->"), format!("<!-- {name}: end -->"));
    let (before, rest) = page.split_once(&start).with_context(|| format!("no `{start}`"))?;
    let (_, after) = rest.split_once(&end).with_context(|| format!("no `{end}`"))?;
    Ok(format!("{before}{start}\n\n{text}\n{end}{after}"))
}

fn text<'a>(record: &'a Value, key: &str) -> &'a str {
    record[key].as_str().unwrap_or("–")
}

fn number(record: &Value, key: &str) -> f64 {
    record[key].as_f64().unwrap_or(f64::NAN)
}

/// The ratio over what was asked of it.
fn reached(record: &Value) -> f64 {
    number(record, "ratio") / number(record, "asked")
}

/// One comparison, for the terminal.
pub(crate) fn sentence(record: &Value) -> String {
    format!(
        "{} {}: {} against {}, {} [{}, {}] times as fast, asked {}; {}",
        text(record, "peer"),
        text(record, "version"),
        seconds(number(record, "ours")),
        seconds(number(record, "theirs")),
        digits(number(record, "ratio")),
        digits(number(record, "low")),
        digits(number(record, "high")),
        number(record, "asked"),
        text(record, "agreement"),
    )
}

fn peers(mut records: Vec<&Value>) -> String {
    records.sort_by(|a, b| reached(a).total_cmp(&reached(b)));
    let mut page = String::from(
        "| task | peer | theirs | ours | theirs / ours [95 %] | asked | the limit | MB theirs, ours | answers | measured | load |\n\
         |---|---|---:|---:|---:|---:|---|---:|---|---|---:|\n",
    );
    for record in &records {
        let mark = if reached(record) < 1.0 { "**short** " } else { "" };
        let limit = match record["share"].as_f64() {
            Some(share) => format!("{:.0} % of {}", 100.0 * share, text(record, "limit")),
            None => "–".to_owned(),
        };
        page += &format!(
            "| {} | {} {} | {} | {} | {mark}{} [{}, {}] | {} | {limit} | {:.0}, {:.0} | {} | {}, {} | {} |\n",
            text(record, "what"),
            text(record, "peer"),
            text(record, "version"),
            seconds(number(record, "theirs")),
            seconds(number(record, "ours")),
            digits(number(record, "ratio")),
            digits(number(record, "low")),
            digits(number(record, "high")),
            number(record, "asked"),
            number(record, "their_mb"),
            number(record, "our_mb"),
            text(record, "agreement"),
            text(record, "date"),
            text(record, "commit"),
            load(record),
        );
    }
    let mut processors: Vec<_> = records.iter().map(|record| text(record, "processor")).collect();
    processors.sort_unstable();
    processors.dedup();
    page + &format!("\nProcessor: {}.\n", processors.join("; "))
}

fn growth(records: &[&Value]) -> String {
    let mut page = String::from(
        "| what | grows with | sizes | time grows by the power | theory | memory by the power | theory | at the largest | load |\n\
         |---|---|---|---:|---:|---:|---:|---:|---:|\n",
    );
    for record in records {
        let points = points(record);
        let (Some(first), Some(last)) = (points.first(), points.last()) else { continue };
        let power =
            |key: &str| record[key].as_f64().map_or("–".to_owned(), |p| format!("{p:.2}"));
        page += &format!(
            "| {} | {} | {} to {} | {} | {} | {} | {} | {}, {:.0} MB | {} |\n",
            text(record, "series"),
            text(record, "grows"),
            first.0,
            last.0,
            power("time"),
            number(record, "time_theory"),
            power("memory"),
            number(record, "memory_theory"),
            seconds(last.1),
            last.2,
            load(record),
        );
    }
    page
}

/// What else the machine did.
fn load(record: &Value) -> String {
    record["load"].as_f64().map_or("–".to_owned(), |load| format!("{load:.1}"))
}

fn points(record: &Value) -> Vec<(f64, f64, f64)> {
    let points = record["points"].as_array().map(Vec::as_slice).unwrap_or_default();
    let value = |point: &Value, at: usize| point[at].as_f64().unwrap_or(f64::NAN);
    points.iter().map(|point| (value(point, 0), value(point, 1), value(point, 2))).collect()
}

fn picture(records: &[&Value]) -> String {
    let curves = |value: fn(&(f64, f64, f64)) -> f64| -> Vec<Curve> {
        let curve = |record: &&Value| {
            let points = points(record);
            let first = points.first().map_or(1.0, |point| point.0);
            Curve {
                name: text(record, "series").to_owned(),
                points: points.iter().map(|p| (p.0 / first, value(p).max(1e-3))).collect(),
            }
        };
        records.iter().map(curve).collect()
    };
    svg::panels(
        "size, as a multiple of the smallest",
        &[("Time", "s", curves(|p| p.1)), ("Memory, inputs included", "MB", curves(|p| p.2))],
    )
}

fn seconds(seconds: f64) -> String {
    match seconds {
        s if s < 1e-3 => format!("{:.0} µs", s * 1e6),
        s if s < 0.1 => format!("{:.1} ms", s * 1e3),
        s if s < 10.0 => format!("{s:.2} s"),
        s => format!("{s:.0} s"),
    }
}

fn digits(ratio: f64) -> String {
    if ratio < 10.0 { format!("{ratio:.2}") } else { format!("{ratio:.0}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_stands_between_the_markers_changes() {
        let page = "a\n<!-- x: begin -->\nold\n<!-- x: end -->\nb\n";
        let found = replaced(page, "x", "new\n").unwrap();
        assert_eq!(found, "a\n<!-- x: begin -->\n\nnew\n\n<!-- x: end -->\nb\n");
        assert!(replaced(page, "y", "").is_err());
    }

    #[test]
    fn losses_are_listed_first() {
        let record = |what: &str, ratio: f64, asked: f64| json!({ "what": what, "ratio": ratio, "asked": asked, "low": 1.0, "high": 2.0 });
        let (won, lost) = (record("won", 4.0, 2.0), record("lost", 2.5, 3.0));
        let page = peers(vec![&won, &lost]);
        assert!(page.find("| lost").unwrap() < page.find("| won").unwrap());
        assert_eq!(page.matches("**short**").count(), 1);
    }
}
