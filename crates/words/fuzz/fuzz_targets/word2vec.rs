//! word2vec's binary format.
#![no_main]

use libfuzzer_sys::fuzz_target;
use procrust_words::Format;

fuzz_target!(|bytes: &[u8]| procrust_words_fuzz::check(bytes, Some(Format::Word2VecBinary)));
