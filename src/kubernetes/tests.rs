//! Tests of what the API server stores, whatever it is.

mod answers;
mod fuzz_status;
mod fuzz_stored;
mod stored;
