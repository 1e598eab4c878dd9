//! The next status: a pure function of the status before, what came of asking AWS, and the time. Nothing here reads or writes
//! anything, and no file knows one that stands above it: `compose` puts together what the others decide.

pub mod build_story;
pub mod compose;
pub mod conditions;
pub mod moment;
pub mod ready_reason;
pub mod transition;
pub mod unanswered;
pub mod verdict;

#[cfg(test)]
mod tests;
