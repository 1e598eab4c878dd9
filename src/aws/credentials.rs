//! Credentials that follow every change of their source. The source is read again shortly before they expire, after AWS
//! has refused them, and once a minute if they have no expiry. The SDK's own providers read a file only once.

mod refusal;

use super::profile;
use super::refused::Refused;
use super::whole_reply::Refusals;
use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::credential_feature::AwsCredentialFeature;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// Credentials are renewed this long before they expire, as in the AWS tools; short-lived ones at half of their
/// lifetime.
const BUFFER: Duration = Duration::from_secs(600);

/// Credentials without an expiry are read again after this time, because the file that they come from may have changed.
const ENDLESS: Duration = Duration::from_secs(60);

/// How long a source is not asked again, however many calls wait for it. After it hung, the pause is longer.
const PAUSE: Duration = Duration::from_secs(2);
const PAUSE_OF_SLOW: Duration = Duration::from_secs(60);

/// The timeout for an answer of the source.
const PATIENCE: Duration = Duration::from_secs(15);

/// Where credentials come from.
pub enum CredentialsSource {
    /// The process's own credentials, as every AWS tool finds them. Each time, `load` starts from the beginning.
    Own { load: Box<dyn Fn() -> Loading + Send + Sync>, refusals: Refusals },
    /// The credentials of a role. The credentials of `base` assume it.
    Role { provider: SharedCredentialsProvider, base: Option<Renewed> },
}

/// A configuration that is being loaded.
pub type Loading = std::pin::Pin<Box<dyn Future<Output = SdkConfig> + Send>>;

/// A credentials provider for the SDK that caches its source's credentials and renews them in time.
#[derive(Clone)]
pub struct Renewed(Arc<Inner>);

struct Inner {
    source: CredentialsSource,
    held: Mutex<Held>,
    /// Held by the task that asks the source. The others wait for its answer.
    turn: Semaphore,
}

#[derive(Default)]
struct Held {
    credentials: Option<Credentials>,
    /// When the credentials must be renewed. `None` if they have no expiry.
    good_until: Option<SystemTime>,
    failure: Option<Refused>,
    /// When the source last answered or failed, and how long it is not asked again.
    asked: Option<(Instant, Duration)>,
    /// The access key that AWS refused last.
    refused: Option<String>,
    /// Whether the credentials came from a profile. Then only a profile's credentials may replace them.
    is_of_profile: bool,
}

impl Held {
    fn is_refused(&self, credentials: &Credentials) -> bool {
        self.refused.as_deref() == Some(credentials.access_key_id())
    }

    fn is_good(&self, credentials: &Credentials) -> bool {
        let is_lasting = match (self.good_until, self.asked) {
            (Some(until), _) => SystemTime::now() < until,
            (None, asked) => asked.is_some_and(|(at, _)| at.elapsed() < ENDLESS),
        };
        is_lasting && !self.is_refused(credentials)
    }

    fn was_just_asked(&self) -> bool {
        self.asked.is_some_and(|(at, pause)| at.elapsed() < pause)
    }

    /// Whether the source must be asked.
    fn is_due(&self) -> bool {
        !self.was_just_asked() && !self.credentials.as_ref().is_some_and(|credentials| self.is_good(credentials))
    }

    /// Whether the credentials may be used until better ones are there: not expired, as far as an expiry is known, and
    /// not refused.
    fn is_usable(&self, credentials: &Credentials) -> bool {
        credentials.expiry().is_none_or(|end| SystemTime::now() < end) && !self.is_refused(credentials)
    }

    fn answer(&self) -> Option<Result<Credentials, CredentialsError>> {
        let held = self.credentials.as_ref().filter(|held| self.failure.is_none() || self.is_usable(held));
        let failed = || self.failure.clone().map(|failure| Err(CredentialsError::provider_error(failure)));
        held.cloned().map(Ok).or_else(failed)
    }

    fn take(&mut self, asked: Result<Credentials, Refused>, pause: Duration) {
        self.asked = Some((Instant::now(), pause));
        match asked {
            Ok(credentials) => {
                let now = SystemTime::now();
                let left = credentials.expiry().map(|end| end.duration_since(now).unwrap_or_default());
                self.good_until = left.map(|left| now + left.saturating_sub(BUFFER.min(left / 2)));
                self.is_of_profile = is_of_profile(&credentials);
                (self.credentials, self.failure) = (Some(credentials), None);
            }
            Err(failure) => {
                // Credentials without an expiry come from a file. If it cannot be read, they count as removed.
                let held = self.credentials.take();
                let held = held.filter(|held| held.expiry().is_some() && self.is_usable(held));
                (self.credentials, self.failure) = (held, Some(failure));
            }
        }
    }
}

fn is_of_profile(credentials: &Credentials) -> bool {
    let features = credentials.get_property::<Vec<AwsCredentialFeature>>();
    features.is_some_and(|features| features.contains(&AwsCredentialFeature::CredentialsProfile))
}

impl std::fmt::Debug for Renewed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Renewed")
    }
}

impl Renewed {
    pub fn new(source: CredentialsSource) -> Self {
        Self(Arc::new(Inner { source, held: Mutex::default(), turn: Semaphore::new(1) }))
    }

    /// Records that AWS refused this access key: it is expired or unknown.
    pub fn refused(&self, access_key: &str) {
        self.0.held.lock().refused = Some(access_key.to_owned());
    }

    /// Records that AWS accepted this access key. If it was refused before, the cause was one region or the clock.
    pub fn accepted(&self, access_key: &str) {
        self.0.held.lock().refused.take_if(|refused| refused == access_key);
    }

    /// The access key of the cached credentials.
    fn key(&self) -> Option<String> {
        self.0.held.lock().credentials.as_ref().map(|credentials| credentials.access_key_id().to_owned())
    }

    async fn current(&self) -> Result<Credentials, CredentialsError> {
        if let Some(answer) = self.0.at_hand() {
            return answer;
        }
        // A task of its own, because a caller that stops waiting must not cancel the answer for the others.
        let inner = self.0.clone();
        let renewed = tokio::spawn(async move { inner.renew().await }).await;
        renewed.unwrap_or_else(|error| Err(CredentialsError::unhandled(error)))
    }
}

impl Inner {
    /// The answer without asking the source: good credentials, the answer of a moment ago, or usable credentials while
    /// another task asks the source.
    fn at_hand(&self) -> Option<Result<Credentials, CredentialsError>> {
        let is_asked = self.turn.available_permits() == 0;
        let held = self.held.lock();
        match &held.credentials {
            Some(credentials) if held.is_good(credentials) || (is_asked && held.is_usable(credentials)) => {
                Some(Ok(credentials.clone()))
            }
            _ if held.was_just_asked() => held.answer(),
            _ => None,
        }
    }

    async fn renew(&self) -> Result<Credentials, CredentialsError> {
        let _turn = self.turn.acquire().await;
        if self.held.lock().is_due() {
            let asked_at = Instant::now();
            let asked = self.ask().await;
            let pause = if asked_at.elapsed() >= PATIENCE { PAUSE_OF_SLOW } else { PAUSE };
            self.held.lock().take(asked, pause);
        }
        self.held.lock().answer().unwrap_or_else(|| Err(CredentialsError::not_loaded("no credentials")))
    }

    async fn ask(&self) -> Result<Credentials, Refused> {
        match &self.source {
            CredentialsSource::Role { provider, base } => {
                let key = base.as_ref().and_then(Renewed::key);
                let asked = timely(provider.provide_credentials()).await;
                if let (Some(base), Some(key)) = (base, key) {
                    match &asked {
                        Ok(_) => base.accepted(&key),
                        // STS refused the credentials that were to assume the role.
                        Err(error) if refusal::is_of_base(error) => base.refused(&key),
                        Err(_) => {}
                    }
                }
                asked.map_err(|error| refusal::of_role(&error))
            }
            CredentialsSource::Own { load, refusals } => {
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
                let given = asked.await.map_err(|error| refusal::of_own(&error, refusals.take(), &in_force))?;
                if self.held.lock().is_of_profile && !is_of_profile(&given) {
                    return Err(profile::gone(&in_force.name));
                }
                Ok(given)
            }
        }
    }
}

async fn timely(
    asked: impl Future<Output = Result<Credentials, CredentialsError>>,
) -> Result<Credentials, CredentialsError> {
    let late = |_| Err(CredentialsError::provider_timed_out(PATIENCE));
    let given = tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(late)?;
    refusal::of_unusable(&given).map_or(Ok(given), Err)
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

    /// Returns a new key each time, with this lifetime, and fails from call number `fails_from` on.
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
        (Renewed::new(CredentialsSource::Role { provider: SharedCredentialsProvider::new(source), base: None }), asked)
    }

    async fn key(renewed: &Renewed) -> String {
        renewed.current().await.unwrap().access_key_id().to_owned()
    }

    const HOUR: Option<Duration> = Some(Duration::from_secs(3600));

    #[tokio::test(start_paused = true)]
    async fn credentials_are_loaded_once_until_aws_refuses_them() {
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
    async fn the_source_is_not_asked_again_within_the_pause() {
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
    async fn credentials_that_lack_a_part_or_have_a_space_are_an_error() {
        let of = |key: &str, secret: &str, token: Option<&str>, expiry| {
            let given = Credentials::new(key, secret, token.map(str::to_owned), expiry, "test");
            async { timely(async { Ok(given) }).await.map_err(|error| refusal::of_role(&error).message) }
        };
        let expiry = Some(SystemTime::now());
        for (given, part) in [
            (of("", "secret", Some("token"), expiry), "access key id"),
            (of("AKIA0", "", Some("token"), expiry), "secret access key"),
            (of("AKIA0", "secret", Some(""), expiry), "session token"),
        ] {
            assert_eq!(given.await, Err(format!("the credentials have no {part}")));
        }
        for (given, part) in [
            (of("AKIA0\n", "secret", None, None), "access key id"),
            (of("AKIA0", "secret\n", None, None), "secret access key"),
            (of(" AKIA0", "secret", None, None), "access key id"),
            (of("AKIA0", "secret", Some("tok\u{e9}n"), expiry), "session token"),
        ] {
            let expected = format!("the {part} has a line break, a space, or another character that none has");
            assert_eq!(given.await, Err(expected));
        }
        assert!(of("AKIA0", "secret", None, None).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn credentials_without_an_expiry_are_read_again_after_a_minute() {
        let (renewed, _) = renewed(None, 9);
        assert_eq!(key(&renewed).await, "AKIA0");
        tokio::time::advance(ENDLESS).await;
        assert_eq!(key(&renewed).await, "AKIA1");
    }

    #[tokio::test(start_paused = true)]
    async fn credentials_close_to_their_expiry_are_used_while_their_source_is_down() {
        let (nearly_over, asked) = renewed(Some(BUFFER), 1);
        assert_eq!(key(&nearly_over).await, "AKIA0");
        nearly_over.0.held.lock().good_until = Some(SystemTime::now());
        tokio::time::advance(PAUSE).await;
        assert_eq!((key(&nearly_over).await.as_str(), asked.load(Ordering::Relaxed)), ("AKIA0", 2));
        nearly_over.refused("AKIA0");
        tokio::time::advance(PAUSE).await;
        assert!(nearly_over.current().await.is_err(), "AWS has refused the key");
    }

    #[tokio::test(start_paused = true)]
    async fn short_lived_credentials_are_not_loaded_for_each_call() {
        let (renewed, asked) = renewed(Some(Duration::from_secs(120)), 9);
        for _ in 0..10 {
            key(&renewed).await;
            tokio::time::advance(PAUSE).await;
        }
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_aws_accepts_afterwards_is_kept() {
        let (renewed, asked) = renewed(HOUR, 9);
        key(&renewed).await;
        tokio::time::advance(PAUSE).await;
        renewed.refused("AKIA0");
        renewed.accepted("AKIA0");
        assert_eq!((key(&renewed).await.as_str(), asked.load(Ordering::Relaxed)), ("AKIA0", 1));
    }

    /// Fails after an hour.
    #[derive(Debug)]
    struct Hanging(Arc<AtomicUsize>);

    impl ProvideCredentials for Hanging {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            self.0.fetch_add(1, Ordering::Relaxed);
            future::ProvideCredentials::new(async {
                tokio::time::sleep(Duration::from_secs(3600)).await;
                Err(CredentialsError::not_loaded("never"))
            })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_hangs_is_asked_once_for_all_callers_and_then_paused() {
        let asked = Arc::new(AtomicUsize::new(0));
        let provider = SharedCredentialsProvider::new(Hanging(asked.clone()));
        let renewed = Renewed::new(CredentialsSource::Role { provider, base: None });
        // Callers that stop waiting do not cancel the answer for the others.
        for _ in 0..5 {
            assert!(tokio::time::timeout(Duration::from_secs(1), renewed.current()).await.is_err());
        }
        assert!(renewed.current().await.is_err());
        assert!(renewed.current().await.is_err());
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }
}
