//! The parser `types` of `tests/laws/parsers/each.rs`.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[expect(dead_code, reason = "a target runs one of its functions")]
#[path = "../../../tests/laws/parsers/each.rs"]
mod each;

fuzz_target!(|bytes: &[u8]| each::types(bytes));
