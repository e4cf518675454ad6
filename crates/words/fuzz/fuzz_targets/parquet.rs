//! Parquet files, read by the library of that name.
#![no_main]

use libfuzzer_sys::fuzz_target;
use procrust_words::Format;

fuzz_target!(init: procrust_words_fuzz::quiet(), |bytes: &[u8]| {
    procrust_words_fuzz::check(bytes, Some(Format::Parquet));
});
