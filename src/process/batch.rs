//! Many looks, few calls: looks of one scope that come within a short window share a batch. It keeps no answers: one
//! is never older than its question.

use crate::describe_image::image_config::ConfigObject;
use crate::describe_image::image_id::{ImageId, Scope};
use crate::describe_image::observe::{Observe, ObserveError, Step, observe};
use crate::describe_image::source::{ImageConfigSource, ImageSource, MAX_IDS};
use crate::describe_image::{Observation, SourceError, SourceErrorKind};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

/// Batches of one scope under way at once.
const BATCHES_AT_ONCE: usize = 4;

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

    /// The way to the scope's task, which lives as long as this.
    fn lane(&self, scope: &Scope) -> mpsc::UnboundedSender<Question> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
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
    let message = "the operator is stopping".to_owned();
    let source_error = SourceError { kind: SourceErrorKind::ServiceError, action: "none", message };
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
    for (id, answer) in observe(source, scope, &ids).await {
        for sender in batch.remove(&id).unwrap_or_default() {
            // Whoever asked may have gone meanwhile.
            let _ = sender.send(answer.clone());
        }
    }
}
