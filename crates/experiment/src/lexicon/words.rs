//! What a lexicon plan's results say, in words.

use procrust_classify::statistics::Estimate;
use procrust_runner::{Column, Row, View, difference, sentence_of_gains, sentences_of_rows};

/// What alignment and the second criterion gain or lose; of a learning curve, with the most pairs.
pub(crate) fn sentences(view: &View<'_>, sizes: &[Option<usize>]) -> Vec<String> {
    let Some(reference) = view.reference_label() else { return Vec::new() };
    let first = view.columns.first().map(|column| column.metric.clone()).unwrap_or_default();
    let told = largest_sizes(view, sizes);
    let columns: Vec<Column> = told.iter().map(|&at| view.columns[at].clone()).collect();
    let of_row = |row: Row| {
        let cells = told.iter().map(|&at| row.cells[at]).collect();
        Row { cells, ..row }
    };
    let rows: Vec<Row> = view.rows().into_iter().map(of_row).collect();
    let mut sentences = sentences_of_rows(&rows, &columns, reference, view.variants.len());
    sentences.extend(of_criteria(view, &first, &columns));
    sentences
}

/// The columns that words are about: of a learning curve, those with the most pairs.
fn largest_sizes(view: &View<'_>, sizes: &[Option<usize>]) -> Vec<usize> {
    let number = |size: &Option<usize>| size.unwrap_or(usize::MAX);
    let largest = sizes.iter().enumerate().max_by_key(|(_, size)| number(size));
    let largest = largest.map_or(0, |(at, _)| at);
    // Tasks go by direction, then by size.
    let told = |at: &usize| view.columns[*at].at % sizes.len() == largest;
    (0..view.columns.len()).filter(told).collect()
}

/// What the second criterion changes against the first, for every method.
fn of_criteria(view: &View<'_>, metric: &str, columns: &[Column]) -> Vec<String> {
    let [first, second, ..] = view.variants.as_slice() else { return Vec::new() };
    let mut sentences = Vec::new();
    for (at, method) in view.finished.methods.iter().enumerate() {
        let gains = columns.iter().filter(|column| column.metric == metric);
        let gains: Vec<(String, Estimate)> = gains
            .filter_map(|column| {
                let ours = view.cell(at, second, column);
                let gain = difference(&ours, &view.cell(at, first, column))?;
                Some((format!("{} {metric}", column.task), gain))
            })
            .collect();
        let subject = format!("{second} instead of {first} with {}", method.label);
        sentences.extend(sentence_of_gains(&subject, &gains));
    }
    sentences
}
