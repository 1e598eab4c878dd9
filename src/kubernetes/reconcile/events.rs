//! Publishes Events from a queue. They come after the status writes, never delay them and never fail a reconcile.
//!
//! kube's own recorder is not used. It loses an Event when the one that it would count up was deleted, and makes names
//! that are too long for objects with long names.

mod series;
mod waiting;

use crate::clock::Clock;
use crate::kubernetes::custom_image::CustomImage;
use crate::kubernetes::status::conditions;
use crate::kubernetes::status::transition::Note;
use crate::kubernetes::told::words;
use crate::plain_text::escaped;
use kube::runtime::events::EventType;
use kube::{Client, Resource};
use parking_lot::Mutex;
use series::{NewEvent, Recorder};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use waiting::{ByNamespace, Quiet};

/// The maximum length of an Event's note in Kubernetes, in bytes.
const NOTE_LIMIT: usize = 1024;

/// The queue into which reconciles put their Events.
#[derive(Clone, Debug)]
pub struct EventQueue {
    waiting: Arc<Mutex<ByNamespace<NewEvent>>>,
    /// Wakes the task. One token is enough, because the task takes all that wait.
    wake: mpsc::Sender<()>,
    dropped: Arc<Mutex<Quiet>>,
}

impl EventQueue {
    /// Starts publishing. The task ends when the last handle of the queue is dropped and the queue is empty.
    #[must_use]
    pub fn start(
        client: Client,
        instance: Option<String>,
        write_timeout: Duration,
        clock: Clock,
    ) -> (Self, JoinHandle<()>) {
        let (wake, mut woken) = mpsc::channel(1);
        let waiting = Arc::new(Mutex::new(ByNamespace::default()));
        let queue = Self { waiting: waiting.clone(), wake, dropped: Arc::default() };
        let task = tokio::spawn(async move {
            let (mut publisher, mut failed) = (Recorder::new(client, instance, clock), Quiet::default());
            while woken.recv().await.is_some() {
                while let Some(about) = next(&waiting) {
                    let failure = match tokio::time::timeout(write_timeout, publisher.publish(&about)).await {
                        Ok(Ok(())) => continue,
                        Ok(Err(error)) => words(&error),
                        Err(_) => format!("the API server did not answer within {write_timeout:?}"),
                    };
                    let namespace = about.namespace();
                    if failed.may_tell(namespace) {
                        tracing::warn!(namespace, reason = about.reason, error = failure, "event not published");
                    }
                }
            }
        });
        (queue, task)
    }

    pub fn put(&self, object: &CustomImage, note: Note) {
        let type_ = match note.event_type() {
            EventType::Normal => "Normal",
            EventType::Warning => "Warning",
        };
        let text = conditions::cut_bytes(&escaped(&note.text), NOTE_LIMIT);
        let about = NewEvent { regarding: object.object_ref(&()), type_, reason: note.reason, note: text };
        let namespace = about.namespace().to_owned();
        if self.waiting.lock().put(&namespace, about) {
            // A full channel means that the task is woken anyway.
            let _ = self.wake.try_send(());
        } else if self.dropped.lock().may_tell(&namespace) {
            tracing::warn!(namespace, "too many events wait: further ones of this namespace are dropped");
        }
    }
}

/// The lock must not be held while an Event is published.
fn next(waiting: &Mutex<ByNamespace<NewEvent>>) -> Option<NewEvent> {
    waiting.lock().take()
}
