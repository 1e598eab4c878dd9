//! Publishes Events from a bounded queue. They come after the status writes, never delay them and never fail a
//! reconcile.

use crate::kubernetes::custom_image::CustomImage;
use crate::kubernetes::status::conditions;
use crate::kubernetes::status::transition::Note;
use kube::runtime::events::{Event, Recorder, Reporter};
use kube::{Client, Resource};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// The maximum length of an Event's note in Kubernetes, in bytes.
const NOTE_LIMIT: usize = 1024;

/// The maximum number of waiting Events. Further Events are dropped and logged.
const QUEUE: usize = 1024;

/// The queue into which reconciles put their Events.
#[derive(Clone, Debug)]
pub struct EventQueue(mpsc::Sender<(Event, k8s_openapi::api::core::v1::ObjectReference)>);

impl EventQueue {
    /// Starts publishing. The task ends when the last handle of the queue is dropped and the queue is empty.
    #[must_use]
    pub fn start(client: Client, instance: Option<String>, write_timeout: Duration) -> (Self, JoinHandle<()>) {
        let (sender, mut receiver) = mpsc::channel(QUEUE);
        let recorder = Recorder::new(client, Reporter { controller: "customimage-operator".into(), instance });
        let task = tokio::spawn(async move {
            while let Some((event, object)) = receiver.recv().await {
                match tokio::time::timeout(write_timeout, recorder.publish(&event, &object)).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => tracing::warn!(reason = event.reason, %error, "event not published"),
                    Err(_) => tracing::warn!(reason = event.reason, "event not published in time"),
                }
            }
        });
        (Self(sender), task)
    }

    pub fn put(&self, object: &CustomImage, note: Note) {
        let event = Event {
            type_: note.event_type(),
            reason: note.reason,
            note: Some(conditions::cut_bytes(&note.text, NOTE_LIMIT)),
            action: "Reconcile".into(),
            secondary: None,
        };
        if let Err(error) = self.0.try_send((event, object.object_ref(&()))) {
            tracing::warn!(%error, "event dropped");
        }
    }
}
