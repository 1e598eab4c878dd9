//! Many looks, few calls: looks of one scope that come within a short window share a batch. It keeps no answers: one
//! is never older than its question.

use crate::describe_image::image_config::ConfigObject;
use crate::describe_image::image_id::ImageId;
use crate::describe_image::observe::{Observe, ObserveError, Observed, Step, observe_each};
use crate::describe_image::scope::Scope;
use crate::describe_image::source::{ImageConfigSource, ImageSource, MAX_IDS};
use crate::describe_image::{Observation, SourceError, SourceErrorKind};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

/// Batches of one scope under way at once.
const BATCHES_AT_ONCE: usize = 4;

/// More than identities and regions there are: invented names must not fill the memory.
const MOST_LANES: usize = 2000;

type Answer = Result<Observation, ObserveError>;
type Question = (ImageId, oneshot::Sender<Answer>);

/// A source whose single looks are batched by scope.
pub struct Batched<S> {
    source: Arc<S>,
    window: Duration,
    lanes: Mutex<HashMap<Scope, mpsc::UnboundedSender<Question>>>,
}

impl<S: ImageSource + 'static> Batched<S> {
    /// `window` opens with the first look of a batch; it is not an idle time, so it cannot be kept open.
    pub fn new(source: S, window: Duration) -> Self {
        Self { source: Arc::new(source), window, lanes: Mutex::default() }
    }

    /// The way to the scope's task.
    fn lane(&self, scope: &Scope) -> mpsc::UnboundedSender<Question> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if lanes.len() >= MOST_LANES && !lanes.contains_key(scope) {
            // A lane whose sender is gone answers what it was asked, then ends.
            lanes.clear();
        }
        let start = || {
            let (sender, questions) = mpsc::unbounded_channel();
            tokio::spawn(serve(self.source.clone(), scope.clone(), self.window, questions));
            sender
        };
        lanes.entry(scope.clone()).or_insert_with(start).clone()
    }
}

impl<S: ImageSource + 'static> Observe for Batched<S> {
    async fn observe_one(&self, scope: &Scope, id: &ImageId) -> Answer {
        let (sender, answer) = oneshot::channel();
        let asked = self.lane(scope).send((id.clone(), sender)).is_ok();
        match answer.await {
            Ok(answer) if asked => answer,
            Ok(_) | Err(_) => Err(unanswered(id)),
        }
    }
}

impl<S: ImageConfigSource> ImageConfigSource for Batched<S> {
    async fn presigned_url(&self, scope: &Scope, object: &ConfigObject) -> Option<String> {
        self.source.presigned_url(scope, object).await
    }
}

/// Only when the process is ending.
fn unanswered(id: &ImageId) -> ObserveError {
    let source_error = SourceError::unasked(SourceErrorKind::ServiceError, "the operator is stopping");
    ObserveError { image_id: id.clone(), step: Step::Image, source_error }
}

async fn serve<S: ImageSource + 'static>(
    source: Arc<S>,
    scope: Scope,
    window: Duration,
    mut questions: mpsc::UnboundedReceiver<Question>,
) {
    let slots = Arc::new(Semaphore::new(BATCHES_AT_ONCE));
    while let Some(batch) = next_batch(&mut questions, window).await {
        let Ok(slot) = slots.clone().acquire_owned().await else { return };
        let (source, scope) = (source.clone(), scope.clone());
        tokio::spawn(async move {
            answer(source.as_ref(), &scope, batch).await;
            drop(slot);
        });
    }
}

type Batch = HashMap<ImageId, Vec<oneshot::Sender<Answer>>>;

async fn next_batch(questions: &mut mpsc::UnboundedReceiver<Question>, window: Duration) -> Option<Batch> {
    let (id, sender) = questions.recv().await?;
    let mut batch: Batch = HashMap::from([(id, vec![sender])]);
    let end = Instant::now() + window;
    while batch.len() < MAX_IDS {
        match timeout_at(end, questions.recv()).await {
            Ok(Some((id, sender))) => batch.entry(id).or_default().push(sender),
            Ok(None) | Err(_) => break,
        }
    }
    Some(batch)
}

async fn answer<S: ImageSource>(source: &S, scope: &Scope, mut batch: Batch) {
    let ids: Vec<ImageId> = batch.keys().cloned().collect();
    let tell = |(id, answer): Observed| {
        for sender in batch.remove(&id).unwrap_or_default() {
            // Whoever asked may have gone meanwhile.
            let _ = sender.send(answer.clone());
        }
    };
    observe_each(source, scope, &ids, tell).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::describe_image::observation::{Ami, ImageBuild, Stack};
    use crate::describe_image::{Region, SourceError};
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Knows no image and counts its calls.
    #[derive(Default)]
    struct Source {
        calls: AtomicUsize,
    }

    impl ImageSource for Arc<Source> {
        async fn amis(&self, _: &Scope, ids: &[ImageId]) -> Result<Vec<(ImageId, Ami)>, SourceError> {
            assert!(ids.len() <= MAX_IDS);
            self.calls.fetch_add(1, Ordering::Relaxed);
            Ok(Vec::new())
        }
        async fn stack(&self, _: &Scope, _: &ImageId) -> Result<Option<Stack>, SourceError> {
            Ok(None)
        }
        async fn image_build(&self, _: &Scope, _: &ImageId, _: &Stack) -> Result<Option<ImageBuild>, SourceError> {
            Ok(None)
        }
    }

    #[tokio::test]
    async fn looks_that_come_together_share_calls_and_each_gets_its_answer() {
        let source = Arc::new(Source::default());
        let batched = Batched::new(source.clone(), Duration::from_millis(300));
        let scope = Scope::default_identity(Region::parse("eu-west-1").unwrap());
        let ids: Vec<_> = (0..500).map(|n| ImageId::parse(&format!("id-{}", n % 450)).unwrap()).collect();
        let answers = futures::future::join_all(ids.iter().map(|id| batched.observe_one(&scope, id))).await;
        assert!(answers.iter().all(|answer| *answer == Ok(Observation::Absent)));
        assert_eq!(source.calls.load(Ordering::Relaxed), 3, "450 different ids, 200 a call");
    }
}
