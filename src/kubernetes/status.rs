//! The next status: a pure function of the previous status, the outcome of the AWS read, and the time. Nothing here
//! does input or output. `compose` puts together what the other files decide. They do not import it.

pub mod build_story;
pub mod build_times;
pub mod compose;
pub mod conditions;
pub mod moment;
pub mod ready_reason;
pub mod transition;
pub mod unanswered;
pub mod verdict;

#[cfg(test)]
mod tests;
