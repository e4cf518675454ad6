//! What holds for all sentences.

use std::path::Path;

use procrust_text::{Bert, Encode};
use proptest::prelude::*;

fn model(name: &str) -> Bert {
    Bert::open(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)).unwrap()
}

fn sentence() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,12}( [a-z0-9!?,]{1,9}){0,12}", "\\PC{1,40}x",]
}

fn threads(count: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(count).build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// The same bits for any number of threads, and up to rounding the same alone, in any order and
    /// beside anything.
    #[test]
    fn rows_do_not_depend_on_threads_or_company(sentences in prop::collection::vec(sentence(), 1..40)) {
        let model = model("bert");
        let sentences: Vec<&str> = sentences.iter().map(String::as_str).collect();
        let one = threads(1).install(|| model.encode(&sentences)).unwrap();
        let four = threads(4).install(|| model.encode(&sentences)).unwrap();
        prop_assert_eq!(&one, &four);
        let turned: Vec<&str> = sentences.iter().rev().copied().collect();
        let turned = model.encode(&turned).unwrap();
        for (at, &sentence) in sentences.iter().enumerate() {
            let alone = model.encode(&[sentence]).unwrap();
            let last = turned.rows.nrows() - 1 - at;
            for ((x, y), z) in one.rows.row(at).iter().zip(alone.rows.row(0)).zip(turned.rows.row(last)) {
                // Unit rows; the order of sums differs with the place in a block.
                prop_assert!((x - y).abs() < 1e-5 && (x - z).abs() < 1e-5);
            }
        }
    }

    /// A unit row has length 1, and a row is a pool of its tokens' rows.
    #[test]
    fn rows_are_pooled_tokens(sentence in sentence()) {
        let unit = model("bert").encode(&[&sentence]).unwrap().rows;
        let length: f64 = unit.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
        prop_assert!((length - 1.0).abs() < 1e-5);

        let model = model("distilbert");
        let row = model.encode(&[&sentence]).unwrap().rows;
        let tokens = model.token_rows(&model.tokens(&sentence).ids).unwrap();
        for (column, &value) in tokens.columns().into_iter().zip(&row) {
            let mean = column.iter().map(|&x| f64::from(x)).sum::<f64>() / tokens.nrows() as f64;
            prop_assert!((f64::from(value) - mean).abs() < 1e-5);
        }
    }

    /// Cutting at n tokens gives the tokens of the whole, but for the last mark; places lie in the text.
    #[test]
    fn cut_tokens_start_like_the_whole(sentence in "\\PC{0,60}", most in 3_usize..20) {
        let model = model("distilbert");
        let whole = model.tokens(&sentence);
        let cut = model.with_most_tokens(most).tokens(&sentence);
        prop_assert!(cut.ids.len() <= most);
        prop_assert_eq!(cut.whole, whole.whole);
        let kept = cut.ids.len() - 1;
        prop_assert_eq!(&cut.ids[..kept], &whole.ids[..kept]);
        for &(start, end) in &whole.places {
            prop_assert!(start <= end && sentence.get(start..end).is_some());
        }
    }
}
