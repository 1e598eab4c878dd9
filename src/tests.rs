//! What the unit tests of several rooms share: the runner of the fuzz tests, and inputs of chance.

pub mod fuzz;
pub mod json;
pub mod text;
