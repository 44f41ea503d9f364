#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../trials.rs"]
mod trials;

fuzz_target!(|data: &[u8]| trials::peek(data));
