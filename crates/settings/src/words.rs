/// `what "found" is not known; did you mean …? (known: …)`
#[must_use]
pub fn unknown(what: &str, found: &str, known: &[&str]) -> String {
    let mut sorted: Vec<&str> = known.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let nearest = sorted
        .iter()
        .map(|word| (strsim::damerau_levenshtein(word, found), *word))
        .min()
        .filter(|(distance, word)| *distance <= 1 + word.len().max(found.len()) / 3);
    let hint = nearest.map_or(String::new(), |(_, word)| format!("; did you mean `{word}`?"));
    format!("{what} `{found}` is not known{hint} (known: {})", sorted.join(", "))
}

#[cfg(test)]
mod tests {
    use super::unknown;

    #[test]
    fn a_far_word_gets_no_hint() {
        assert_eq!(unknown("key", "zzzzzz", &["name"]), "key `zzzzzz` is not known (known: name)");
    }

    #[test]
    fn the_nearest_word_is_named() {
        let said = unknown("key", "seds", &["name", "seeds"]);
        assert_eq!(said, "key `seds` is not known; did you mean `seeds`? (known: name, seeds)");
    }
}
