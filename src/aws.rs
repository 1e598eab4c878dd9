//! The AWS adapter: the port [`ImageSource`] over the official SDK. One file a service; the only code that names
//! `aws_*`. Nothing here creates, tags, puts or deletes.

mod call;
mod cloudformation;
mod config;
mod ec2;
mod error;
mod imagebuilder;
mod partition;
mod s3;
mod whole_reply;

pub use call::{Call, CallOutcome, CallSink, IgnoreCalls};
pub use config::{InvalidCaBundle, Settings, TrustedCa, default_region, load};

use crate::describe_image::image_config::ConfigObject;
use crate::describe_image::image_id::{ImageId, InvalidRegion, Region, Scope};
use crate::describe_image::observation::{Ami, ImageBuild, Stack};
use crate::describe_image::source::{ImageConfigSource, ImageSource};
use crate::describe_image::source_error::{SourceError, SourceErrorKind};
use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What the SDK may log at the most: at trace it writes whole replies, those that carry credentials too.
pub const LOG_CEILING: &str = "aws_smithy_runtime=info,aws_smithy_http_client=info,aws_sigv4=info,aws_config=info";

/// More regions than AWS has: whoever may create objects may invent names, and must not fill the memory. Past it the
/// clients are made anew.
const MOST_SCOPES: usize = 100;

/// AWS, with one set of clients for each scope that was asked for.
pub struct Aws {
    base: SdkConfig,
    sink: Arc<dyn CallSink>,
    clients: Mutex<HashMap<Scope, Arc<Clients>>>,
}

/// The clients of one scope. They share the connection pool and the credentials of the base configuration.
struct Clients {
    ec2: aws_sdk_ec2::Client,
    cloudformation: aws_sdk_cloudformation::Client,
    imagebuilder: aws_sdk_imagebuilder::Client,
    s3: aws_sdk_s3::Client,
    /// Image build version ARN by stack ARN: it never changes once it is set.
    image_build_arns: cloudformation::ImageBuildArns,
}

impl Aws {
    /// Reads credentials and endpoints as every AWS tool does: environment, profile, web identity, Pod Identity, IMDS.
    /// `region` is where temporary credentials come from; images are looked for in each scope's own region.
    pub async fn connect(settings: &Settings, region: Option<&Region>, sink: Arc<dyn CallSink>) -> Self {
        Self::new(config::load(settings, region).await, sink)
    }

    /// On a configuration that is already there.
    pub fn new(base: SdkConfig, sink: Arc<dyn CallSink>) -> Self {
        Self { base, sink, clients: Mutex::default() }
    }

    async fn sign(&self, clients: &Clients, object: &ConfigObject) -> Option<String> {
        let credentials = self.base.credentials_provider()?.provide_credentials().await.ok()?;
        s3::sign(&clients.s3, credentials, object).await
    }

    fn clients(&self, scope: &Scope, action: &'static str) -> Result<Arc<Clients>, SourceError> {
        if !partition::has_region(&scope.region) {
            let message = InvalidRegion(scope.region.to_string()).to_string();
            return Err(SourceError { kind: SourceErrorKind::UnknownRegion, action, message });
        }
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if clients.len() >= MOST_SCOPES && !clients.contains_key(scope) {
            clients.clear();
        }
        let of_scope =
            clients.entry(scope.clone()).or_insert_with(|| Arc::new(config::clients(&self.base, scope, &self.sink)));
        Ok(of_scope.clone())
    }
}

impl ImageSource for Aws {
    async fn amis(&self, scope: &Scope, ids: &[ImageId]) -> Result<Vec<(ImageId, Ami)>, SourceError> {
        let clients = self.clients(scope, ec2::DESCRIBE_IMAGES)?;
        ec2::amis(&clients.ec2, ids).await
    }

    async fn stack(&self, scope: &Scope, id: &ImageId) -> Result<Option<Stack>, SourceError> {
        let clients = self.clients(scope, cloudformation::DESCRIBE_STACKS)?;
        cloudformation::stack(&clients.cloudformation, id).await
    }

    async fn image_build(&self, scope: &Scope, id: &ImageId, stack: &Stack) -> Result<Option<ImageBuild>, SourceError> {
        let clients = self.clients(scope, cloudformation::DESCRIBE_STACK_RESOURCE)?;
        let arns = &clients.image_build_arns;
        match cloudformation::image_build_arn(&clients.cloudformation, arns, id, stack).await? {
            Some(arn) => imagebuilder::image_build(&clients.imagebuilder, &arn).await,
            None => Ok(None),
        }
    }
}

impl ImageConfigSource for Aws {
    async fn presigned_url(&self, scope: &Scope, object: &ConfigObject) -> Option<String> {
        let clients = self.clients(scope, s3::HEAD_BUCKET).ok()?;
        match s3::find_bucket(&clients.s3, object, &scope.region).await {
            s3::Bucket::Here => self.sign(&clients, object).await,
            s3::Bucket::Elsewhere(region) => {
                let there = Scope { identity: scope.identity.clone(), region };
                let clients = self.clients(&there, s3::HEAD_BUCKET).ok()?;
                match s3::find_bucket(&clients.s3, object, &there.region).await {
                    s3::Bucket::Here => self.sign(&clients, object).await,
                    s3::Bucket::Elsewhere(_) | s3::Bucket::Unusable => None,
                }
            }
            s3::Bucket::Unusable => None,
        }
    }
}
