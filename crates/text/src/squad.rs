//! How an answer compares with those that are right, as SQuAD's scripts have it.

use std::collections::HashMap;

/// An answer as it is compared: in small letters, without ASCII punctuation and the words a, an and the, its words
/// one space apart.
///
/// Rajpurkar, Zhang, Lopyrev and Liang (2016), "SQuAD: 100,000+ questions for machine comprehension of text", EMNLP,
/// arXiv:1606.05250, section 6.1, and the script that belongs to it.
#[must_use]
pub fn normalized_answer(answer: &str) -> String {
    let plain: String =
        answer.to_lowercase().chars().filter(|c| !c.is_ascii_punctuation()).collect();
    let mut out = String::with_capacity(plain.len());
    // Articles end where letters and digits end: a space is not all that can stand beside one.
    let mut rest = plain.as_str();
    while let Some(first) = rest.chars().next() {
        let inside = first.is_alphanumeric();
        let end = rest.find(|c: char| c.is_alphanumeric() != inside).unwrap_or(rest.len());
        let (run, behind) = rest.split_at(end);
        out.push_str(if matches!(run, "a" | "an" | "the") { " " } else { run });
        rest = behind;
    }
    let space = |c: char| c.is_whitespace() || ('\x1c'..='\x1f').contains(&c);
    let words: Vec<&str> = out.split(space).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

/// Whether two answers are the same when normalised.
#[must_use]
pub fn exact_match(found: &str, right: &str) -> bool {
    normalized_answer(found) == normalized_answer(right)
}

/// The harmonic mean of precision and recall of the words of `found` among those of `right`, both normalised, each
/// word as often as it stands there. Where one of them has no words, 1 if the other has none either.
#[must_use]
pub fn answer_f1(found: &str, right: &str) -> f64 {
    let (found, right) = (normalized_answer(found), normalized_answer(right));
    let words = |text: &str| text.split(' ').filter(|word| !word.is_empty()).count();
    let (of_found, of_right) = (words(&found), words(&right));
    if of_found == 0 || of_right == 0 {
        return f64::from(u8::from(of_found == of_right));
    }
    let mut left: HashMap<&str, usize> = HashMap::new();
    right.split(' ').for_each(|word| *left.entry(word).or_default() += 1);
    let mut same = 0;
    for word in found.split(' ') {
        if let Some(left) = left.get_mut(word).filter(|left| **left > 0) {
            *left -= 1;
            same += 1;
        }
    }
    if same == 0 {
        return 0.0;
    }
    #[allow(clippy::cast_precision_loss, reason = "answers are short")]
    let share = |of: usize| f64::from(same) / of as f64;
    let (precision, recall) = (share(of_found), share(of_right));
    2.0 * precision * recall / (precision + recall)
}

/// The best match with any of several right answers, and the best F1. Where there are none that have words, nothing
/// is the right answer.
#[must_use]
pub fn best_answer(found: &str, right: &[&str]) -> (bool, f64) {
    let mut answers: Vec<&str> =
        right.iter().copied().filter(|answer| !normalized_answer(answer).is_empty()).collect();
    if answers.is_empty() {
        answers.push("");
    }
    let exact = answers.iter().any(|answer| exact_match(found, answer));
    let f1 = answers.iter().map(|answer| answer_f1(found, answer)).fold(0.0, f64::max);
    (exact, f1)
}
