//! How failures of the API server are told: in its own words, and once. A failure that lasts is retried for hours, and a
//! line for each attempt would hide everything else in the log.

use kube::runtime::watcher;
use std::error::Error;

/// What went wrong, in one line.
#[must_use]
pub fn words(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(answer) if answer.code == 429 => overloaded(answer),
        kube::Error::Api(answer) => format!("{} ({})", answer.message, answer.code),
        other => chain(other),
    }
}

/// What went wrong with a watch, in the API server's words.
#[must_use]
pub fn words_of_watch(error: &watcher::Error) -> String {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => words(error),
        watcher::Error::WatchError(status) => words(&kube::Error::Api(status.clone())),
        watcher::Error::NoResourceVersion => chain(error),
    }
}

fn overloaded(answer: &kube::core::Status) -> String {
    match answer.details.as_ref().map_or(0, |details| details.retry_after_seconds) {
        0 => "the API server is overloaded (429)".to_owned(),
        seconds => format!("the API server is overloaded (429) and asks to retry after {seconds} s"),
    }
}

/// An error with its sources. A source that the text before already contains is left out.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = error.source();
    }
    text
}

/// The failure that was told last, so that the same one is not told again.
#[derive(Clone, Debug, Default)]
pub struct Told(Option<String>);

impl Told {
    /// Whether this failure must be told: it is the first one, or differs from the last.
    #[must_use]
    pub fn is_news(&mut self, failure: &str) -> bool {
        if self.0.as_deref() == Some(failure) {
            return false;
        }
        self.0 = Some(failure.to_owned());
        true
    }

    /// It works again. Returns whether a failure was told before.
    #[must_use]
    pub fn is_over(&mut self) -> bool {
        self.0.take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::Status;

    #[test]
    fn a_failure_is_told_once_and_again_only_when_it_changes_or_comes_back() {
        let mut told = Told::default();
        assert!(!told.is_over(), "nothing has failed yet");
        assert!(told.is_news("forbidden") && !told.is_news("forbidden") && told.is_news("refused"));
        assert!(told.is_over() && !told.is_over() && told.is_news("refused"));
    }

    #[test]
    fn an_overloaded_api_server_is_told_with_the_pause_that_it_asks_for() {
        let answer = |details: &str| -> String {
            let text = format!(r#"{{"kind": "Status", "code": 429, "message": "too many requests"{details}}}"#);
            words(&kube::Error::Api(serde_json::from_str::<Status>(&text).unwrap().boxed()))
        };
        assert_eq!(answer(""), "the API server is overloaded (429)");
        let told = answer(r#", "details": {"retryAfterSeconds": 7}"#);
        assert_eq!(told, "the API server is overloaded (429) and asks to retry after 7 s");
    }
}
