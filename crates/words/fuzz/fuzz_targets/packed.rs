//! Whatever the bytes look like: compressed or not, in any format.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(init: procrust_words_fuzz::quiet(), |bytes: &[u8]| {
    procrust_words_fuzz::check(bytes, None);
});
