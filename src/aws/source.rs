//! [`Aws`]: the port [`ImageSource`] over the SDK, with one set of clients for each scope.

use super::budget::{Api, Budget, Budgets};
use super::clients::{Clients, RateLimits};
use super::config::{self, Base, ClientSettings};
use super::sink::CallSink;
use super::{cloudformation, ec2, imagebuilder, partition, s3, stack_events};
use crate::describe_image::image_config::ConfigObject;
use crate::describe_image::image_id::{ImageId, InvalidRegion, Region};
use crate::describe_image::observation::{Ami, FailedResource, ImageBuild, Stack};
use crate::describe_image::scope::{Role, Scope};
use crate::describe_image::source::{ImageConfigSource, ImageSource, Turn};
use crate::describe_image::source_error::{SourceError, SourceErrorKind};
use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

/// Users who may create objects can invent region names, and must not fill the memory. At this many scopes, all clients
/// are dropped and created again.
const MOST_SCOPES: usize = 2000;

/// AWS, with one set of clients for each scope that was read.
pub struct Aws {
    base: Base,
    sink: Arc<dyn CallSink>,
    clients: Mutex<HashMap<Scope, Arc<Clients>>>,
    budgets: Budgets,
    reads_stack_events: bool,
    /// The account of the process's own credentials. Empty until an answer contains it.
    own_account: Mutex<String>,
    /// The configuration of each role that was assumed. A role has one set of credentials for all its regions.
    assumed: tokio::sync::Mutex<HashMap<Role, Base>>,
}

impl Aws {
    /// Loads credentials and endpoints as every AWS tool does: environment, profile, web identity, Pod Identity, IMDS.
    /// `region` is where temporary credentials come from. Images are read in the region of their scope.
    pub async fn connect(settings: &ClientSettings, region: Option<&Region>, sink: Arc<dyn CallSink>) -> Self {
        Self::on(Base::own(settings, region).await, sink)
    }

    /// Uses a configuration that is already loaded.
    pub fn new(config: SdkConfig, sink: Arc<dyn CallSink>) -> Self {
        Self::on(Base { config, renewed: None }, sink)
    }

    fn on(base: Base, sink: Arc<dyn CallSink>) -> Self {
        Self {
            base,
            sink,
            clients: Mutex::default(),
            budgets: Budgets::default(),
            reads_stack_events: false,
            own_account: Mutex::default(),
            assumed: tokio::sync::Mutex::default(),
        }
    }

    /// Limits the calls to this budget. Set it before the first call.
    #[must_use]
    pub fn with_budget(self, budget: Budget) -> Self {
        let budgets = Budgets::new(budget, self.sink.clone());
        Self { budgets, ..self }
    }

    /// Reads why a stack failed, from its events. That needs a permission of its own.
    #[must_use]
    pub fn with_stack_events(self, reads_stack_events: bool) -> Self {
        Self { reads_stack_events, ..self }
    }

    async fn sign(clients: &Clients, object: &ConfigObject) -> Option<String> {
        let credentials = clients.credentials.as_ref()?.provide_credentials().await.ok()?;
        s3::sign(&clients.s3, credentials, object).await
    }

    pub(super) async fn clients(&self, scope: &Scope) -> Result<Arc<Clients>, SourceError> {
        if !partition::has_region(&scope.region) {
            let message = InvalidRegion(scope.region.to_string()).to_string();
            return Err(SourceError::unasked(SourceErrorKind::UnknownRegion, message));
        }
        if let Some(clients) = self.clients.lock().get(scope) {
            return Ok(clients.clone());
        }
        let config = self.config_of(scope.identity.role.as_ref()).await;
        // The rate limits are read under this lock. If the account becomes known meanwhile, `learn` replaces these
        // clients, too.
        let mut clients = self.clients.lock();
        let rate_limits = Arc::new(self.rate_limits(scope));
        if clients.len() >= MOST_SCOPES {
            clients.clear();
        }
        let new = || Arc::new(config::clients(&config, scope, &self.sink, rate_limits, Arc::default()));
        Ok(clients.entry(scope.clone()).or_insert_with(new).clone())
    }

    fn rate_limits(&self, scope: &Scope) -> RateLimits {
        let own = || self.own_account.lock().clone();
        let account = scope.identity.role.as_ref().map_or_else(own, |role| role.account_id().to_owned());
        let rate_limit = |api| self.budgets.rate_limit(&account, &scope.region, api);
        RateLimits {
            images: rate_limit(Api::DescribeImages),
            stacks: rate_limit(Api::DescribeStacks),
            resources: rate_limit(Api::DescribeStackResource),
            builds: rate_limit(Api::GetImage),
            events: rate_limit(Api::DescribeStackEvents),
            log_streams: rate_limit(Api::DescribeLogStreams),
            log_events: rate_limit(Api::GetLogEvents),
        }
    }

    /// Records the account of the process's own credentials. A role may be in the same account. Therefore the clients
    /// are created again, and share the account's rate limits.
    fn learn(&self, scope: &Scope, account: Option<&str>) {
        let (Some(account), None) = (account, &scope.identity.role) else { return };
        let mut own = self.own_account.lock();
        if *own != account {
            account.clone_into(&mut own);
            drop(own);
            self.budgets.named(account);
            let mut clients = self.clients.lock();
            for (scope, clients) in clients.iter_mut().filter(|(scope, _)| scope.identity.role.is_none()) {
                let rate_limits = Arc::new(self.rate_limits(scope));
                let remembered = clients.remembered.clone();
                *clients = Arc::new(config::clients(&self.base, scope, &self.sink, rate_limits, remembered));
            }
        }
    }

    async fn config_of(&self, role: Option<&Role>) -> Base {
        let Some(role) = role else { return self.base.clone() };
        let mut assumed = self.assumed.lock().await;
        if let Some(config) = assumed.get(role) {
            return config.clone();
        }
        let config = self.base.assuming(role).await;
        assumed.insert(role.clone(), config.clone());
        config
    }
}

impl ImageSource for Aws {
    fn lists(&self, region: &Region) -> bool {
        partition::is_listed(region)
    }

    fn release(&self, scope: &Scope) {
        self.clients.lock().remove(scope);
        self.budgets.release();
    }

    async fn amis(&self, scope: &Scope, ids: &[ImageId], turn: &Turn) -> Result<Vec<(ImageId, Ami)>, SourceError> {
        let clients = self.clients(scope).await?;
        let amis = ec2::amis(&clients.ec2, &clients.rate_limits.images, turn, ids).await?;
        self.learn(scope, amis.first().and_then(|(_, ami)| ami.owner_id.as_deref()));
        Ok(amis)
    }

    async fn stack(&self, scope: &Scope, id: &ImageId, turn: &Turn) -> Result<Option<Stack>, SourceError> {
        let clients = self.clients(scope).await?;
        let stack = cloudformation::stack(&clients.cloudformation, &clients.rate_limits.stacks, turn, id).await?;
        self.learn(scope, stack.as_ref().and_then(Stack::account_id));
        Ok(stack)
    }

    async fn all_amis(&self, scope: &Scope, turn: &Turn, mut take: impl FnMut(Ami) + Send) -> Result<(), SourceError> {
        let clients = self.clients(scope).await?;
        let mut owner = None;
        let taken = |ami: Ami| {
            owner.get_or_insert_with(|| ami.owner_id.clone());
            take(ami);
        };
        ec2::all_amis(&clients.ec2, &clients.rate_limits.images, turn, taken).await?;
        self.learn(scope, owner.flatten().as_deref());
        Ok(())
    }

    async fn all_stacks(
        &self,
        scope: &Scope,
        turn: &Turn,
        mut take: impl FnMut(Stack) + Send,
    ) -> Result<(), SourceError> {
        let clients = self.clients(scope).await?;
        let mut owner = None;
        let taken = |stack: Stack| {
            owner.get_or_insert_with(|| stack.account_id().map(str::to_owned));
            take(stack);
        };
        cloudformation::all_stacks(&clients.cloudformation, &clients.rate_limits.stacks, turn, taken).await?;
        self.learn(scope, owner.flatten().as_deref());
        Ok(())
    }

    async fn image_build(
        &self,
        scope: &Scope,
        id: &ImageId,
        stack: &Stack,
        turn: &Turn,
    ) -> Result<Option<ImageBuild>, SourceError> {
        let clients = self.clients(scope).await?;
        let (arns, rate_limits) = (&clients.remembered.image_build_arns, &clients.rate_limits);
        let client = &clients.cloudformation;
        match cloudformation::image_build_arn(client, &rate_limits.resources, turn, arns, id, stack).await? {
            Some(arn) => {
                Ok(Some(imagebuilder::image_build(&clients.imagebuilder, &rate_limits.builds, turn, &arn).await))
            }
            None => Ok(None),
        }
    }

    async fn first_failure(
        &self,
        scope: &Scope,
        stack: &Stack,
        turn: &Turn,
    ) -> Result<Option<FailedResource>, SourceError> {
        if !self.reads_stack_events {
            return Ok(None);
        }
        let clients = self.clients(scope).await?;
        let (client, failures) = (&clients.cloudformation, &clients.remembered.first_failures);
        stack_events::first_failure(client, &clients.rate_limits.events, turn, failures, stack).await
    }
}

impl ImageConfigSource for Aws {
    async fn presigned_url(&self, scope: &Scope, object: &ConfigObject) -> Option<String> {
        let clients = self.clients(scope).await.ok()?;
        match s3::find_bucket(&clients.s3, object, &scope.region).await {
            s3::Bucket::Here => Self::sign(&clients, object).await,
            s3::Bucket::Elsewhere(region) => {
                let there = Scope { identity: scope.identity.clone(), region };
                let clients = self.clients(&there).await.ok()?;
                match s3::find_bucket(&clients.s3, object, &there.region).await {
                    s3::Bucket::Here => Self::sign(&clients, object).await,
                    s3::Bucket::Elsewhere(_) | s3::Bucket::Unusable => None,
                }
            }
            s3::Bucket::Unusable => None,
        }
    }
}
