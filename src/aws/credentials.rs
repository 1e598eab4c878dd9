//! Credentials that are taken up when they change: their source is asked anew when they are nearly over, when AWS has refused
//! them, and once a minute when nothing says how long they last. The SDK's own providers read a file once.

mod refusal;

use super::profile;
use super::whole_reply::Refusals;
use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

pub use refusal::Refused;

/// Credentials are renewed this long before their end, as the AWS tools do it.
const BUFFER: Duration = Duration::from_secs(600);

/// Those of a file or of the environment say no end: the file may have been written anew.
const ENDLESS: Duration = Duration::from_secs(60);

/// A source that was just asked is not asked again, however many calls wait for it.
const PAUSE: Duration = Duration::from_secs(2);

/// How long a source may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// Where credentials come from.
pub enum Source {
    /// The process's own, as every AWS tool finds them; read from the start each time.
    Own { load: Box<dyn Fn() -> Loading + Send + Sync>, refusals: Refusals },
    /// Those of a role, which the process's own assume.
    Role(SharedCredentialsProvider),
}

/// A configuration that is being read.
pub type Loading = std::pin::Pin<Box<dyn Future<Output = SdkConfig> + Send>>;

/// A provider for the SDK that keeps what its source gave, and asks again in time.
pub struct Renewed {
    source: Source,
    held: tokio::sync::Mutex<Held>,
    /// The access key that AWS has refused.
    refused: Mutex<Option<String>>,
}

#[derive(Default)]
struct Held {
    credentials: Option<Credentials>,
    failure: Option<Refused>,
    asked_at: Option<Instant>,
}

impl std::fmt::Debug for Renewed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Renewed")
    }
}

impl Renewed {
    pub fn new(source: Source) -> Self {
        Self { source, held: tokio::sync::Mutex::default(), refused: Mutex::default() }
    }

    /// AWS does not take this access key any more, or does not know it.
    pub fn refused(&self, access_key: &str) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(access_key.to_owned());
    }

    async fn current(&self) -> Result<Credentials, CredentialsError> {
        let mut held = self.held.lock().await;
        let was_just_asked = held.asked_at.is_some_and(|at| at.elapsed() < PAUSE);
        match (&held.credentials, &held.failure) {
            (Some(credentials), _) if was_just_asked || self.is_good(credentials, held.asked_at) => {
                return Ok(credentials.clone());
            }
            (None, Some(failure)) if was_just_asked => return Err(CredentialsError::provider_error(failure.clone())),
            _ => {}
        }
        let asked = self.ask().await;
        held.asked_at = Some(Instant::now());
        match asked {
            Ok(credentials) => *held = Held { credentials: Some(credentials), failure: None, ..*held },
            Err(failure) => {
                held.credentials = held.credentials.take().filter(|known| self.may_still_be_used(known));
                held.failure = Some(failure);
            }
        }
        match (&held.credentials, &held.failure) {
            (Some(credentials), _) => Ok(credentials.clone()),
            (None, Some(failure)) => Err(CredentialsError::provider_error(failure.clone())),
            (None, None) => Err(CredentialsError::not_loaded("no credentials")),
        }
    }

    fn is_good(&self, credentials: &Credentials, asked_at: Option<Instant>) -> bool {
        let is_lasting = match credentials.expiry() {
            Some(end) => end > SystemTime::now() + BUFFER,
            None => asked_at.is_some_and(|at| at.elapsed() < ENDLESS),
        };
        is_lasting && !self.is_refused(credentials)
    }

    /// Until their very end, when their source has none for the moment.
    fn may_still_be_used(&self, credentials: &Credentials) -> bool {
        let is_over = credentials.expiry().is_some_and(|end| end <= SystemTime::now());
        // A file that says nothing any more has been taken away.
        credentials.expiry().is_some() && !is_over && !self.is_refused(credentials)
    }

    fn is_refused(&self, credentials: &Credentials) -> bool {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.as_deref() == Some(credentials.access_key_id())
    }

    async fn ask(&self) -> Result<Credentials, Refused> {
        match &self.source {
            Source::Role(provider) => {
                timely(provider.provide_credentials()).await.map_err(|error| refusal::of_role(&error))
            }
            Source::Own { load, refusals } => {
                let in_force = profile::in_force().await;
                if let Some(problem) = in_force.problem {
                    return Err(problem);
                }
                refusals.take();
                let asked = timely(async {
                    match load().await.credentials_provider() {
                        Some(provider) => provider.provide_credentials().await,
                        None => Err(CredentialsError::not_loaded("no provider")),
                    }
                });
                asked.await.map_err(|error| refusal::of_own(&error, refusals.take(), &in_force))
            }
        }
    }
}

async fn timely(
    asked: impl Future<Output = Result<Credentials, CredentialsError>>,
) -> Result<Credentials, CredentialsError> {
    let late = |_| Err(CredentialsError::provider_timed_out(PATIENCE));
    tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(late)
}

impl ProvideCredentials for Renewed {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.current())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Gives another key each time, which lasts so long.
    #[derive(Debug)]
    struct Counting {
        asked: Arc<AtomicUsize>,
        lifetime: Option<Duration>,
        fails_from: usize,
    }

    impl ProvideCredentials for Counting {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let count = self.asked.fetch_add(1, Ordering::Relaxed);
            let expiry = self.lifetime.map(|lifetime| SystemTime::now() + lifetime);
            let credentials = Credentials::new(format!("AKIA{count}"), "secret", None, expiry, "test");
            let is_failing = count >= self.fails_from;
            let failed = || Err(CredentialsError::provider_error("connection refused"));
            future::ProvideCredentials::ready(if is_failing { failed() } else { Ok(credentials) })
        }
    }

    fn renewed(lifetime: Option<Duration>, fails_from: usize) -> (Renewed, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let source = Counting { asked: asked.clone(), lifetime, fails_from };
        (Renewed::new(Source::Role(SharedCredentialsProvider::new(source))), asked)
    }

    async fn key(renewed: &Renewed) -> String {
        renewed.current().await.unwrap().access_key_id().to_owned()
    }

    const HOUR: Option<Duration> = Some(Duration::from_secs(3600));

    #[tokio::test(start_paused = true)]
    async fn credentials_are_asked_for_once_until_aws_refuses_them() {
        let (renewed, asked) = renewed(HOUR, 9);
        for _ in 0..3 {
            assert_eq!(key(&renewed).await, "AKIA0");
            tokio::time::advance(Duration::from_secs(100)).await;
        }
        renewed.refused("AKIA-of-another");
        assert_eq!(key(&renewed).await, "AKIA0");
        renewed.refused("AKIA0");
        assert_eq!(key(&renewed).await, "AKIA1");
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_was_just_asked_is_not_asked_again() {
        let (renewed, asked) = renewed(HOUR, 9);
        key(&renewed).await;
        renewed.refused("AKIA0");
        for _ in 0..100 {
            assert_eq!(key(&renewed).await, "AKIA0");
        }
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        tokio::time::advance(PAUSE).await;
        assert_eq!(key(&renewed).await, "AKIA1");
    }

    #[tokio::test(start_paused = true)]
    async fn credentials_without_an_end_are_read_again_after_a_minute() {
        let (renewed, _) = renewed(None, 9);
        assert_eq!(key(&renewed).await, "AKIA0");
        tokio::time::advance(ENDLESS).await;
        assert_eq!(key(&renewed).await, "AKIA1");
    }

    #[tokio::test(start_paused = true)]
    async fn credentials_that_are_nearly_over_are_used_while_their_source_is_down() {
        let (nearly_over, _) = renewed(Some(BUFFER - Duration::from_secs(1)), 1);
        assert_eq!(key(&nearly_over).await, "AKIA0");
        tokio::time::advance(PAUSE).await;
        assert_eq!(key(&nearly_over).await, "AKIA0");
        nearly_over.refused("AKIA0");
        tokio::time::advance(PAUSE).await;
        assert!(nearly_over.current().await.is_err(), "AWS does not take them");
    }
}
