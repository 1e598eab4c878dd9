//! Harmless reads that check whether an action is allowed. They read things that do not exist, so "not found" means
//! allowed.

use super::budget::RateLimit;
use super::clients::Clients;
use super::error::source_error;
use super::source::Aws;
use super::{cloudformation, ec2, image_logs, imagebuilder, s3, stack_events};
use crate::describe_image::image_build_log;
use crate::describe_image::image_config::{config_key, default_bucket};
use crate::describe_image::image_id::{ImageId, InvalidImageId};
use crate::describe_image::image_logs::LogQuery;
use crate::describe_image::source::{AccountSource, Priority, Turn};
use crate::describe_image::source_error::{SourceError, SourceErrorKind};
use crate::describe_image::{Region, Scope};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// An image id that no image has.
const NOBODYS: &str = "customimage-operator-check";

/// The IAM name of the action that only identities with a role need.
pub const ASSUME_ROLE: &str = "sts:AssumeRole";
const GET_CALLER_IDENTITY: &str = "sts:GetCallerIdentity";
/// The IAM name of the action that only presigned URLs need.
const GET_OBJECT: &str = "s3:GetObject";

/// The identity of the credentials, from STS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub account_id: String,
    pub arn: String,
}

/// An action, and whether it is allowed.
#[derive(Clone, Debug)]
pub struct Probe {
    pub action: &'static str,
    pub permission: Permission,
}

/// The outcome of a harmless read.
#[derive(Clone, Debug)]
pub enum Permission {
    Allowed,
    /// The action could not be checked, with the reason.
    Unknown(String),
    Failed(SourceError),
}

/// What the operator's policy has for some features only.
#[derive(Clone, Copy, Debug)]
pub struct Extras {
    /// The actions for presigned URLs.
    pub presigned: bool,
    /// The actions for the events of stacks and the logs of builds.
    pub build_logs: bool,
}

impl Caller {
    /// The partition of AWS in which the credentials are, such as aws or aws-cn.
    #[must_use]
    pub fn partition(&self) -> &str {
        self.arn.split(':').nth(1).unwrap_or("aws")
    }
}

impl AccountSource for Aws {
    async fn account(&self, scope: &Scope) -> Result<String, SourceError> {
        let Caller { account_id, .. } = self.caller(scope).await?;
        let unnamed = || SourceError::asked(SourceErrorKind::ServiceError, GET_CALLER_IDENTITY, "STS named no account");
        if account_id.is_empty() { Err(unnamed()) } else { Ok(account_id) }
    }
}

impl Aws {
    /// The identity of the scope's credentials. It needs no permission.
    ///
    /// # Errors
    /// If there are no credentials, the role may not be assumed, or STS does not answer.
    pub async fn caller(&self, scope: &Scope) -> Result<Caller, SourceError> {
        let clients = self.clients(scope).await?;
        let reply = clients.sts.get_caller_identity().send().await.map_err(|error| {
            // If the call itself got no answer, the role could not be assumed.
            let is_of_role = error.as_service_error().is_none() && scope.identity.role.is_some();
            source_error(if is_of_role { ASSUME_ROLE } else { GET_CALLER_IDENTITY }, &error)
        })?;
        Ok(Caller { account_id: reply.account.unwrap_or_default(), arn: reply.arn.unwrap_or_default() })
    }

    /// Tries each action of the operator's IAM policy, and of those `extras`.
    pub async fn probe(&self, scope: &Scope, caller: Option<&Caller>, extras: Extras) -> Vec<Probe> {
        let clients = match self.clients(scope).await {
            Ok(clients) => clients,
            Err(error) => return vec![Probe { action: ec2::DESCRIBE_IMAGES, permission: Permission::Failed(error) }],
        };
        let id = match ImageId::parse(NOBODYS) {
            Ok(id) => id,
            Err(error) => return vec![impossible(&error)],
        };
        // No rate limit, because a check makes only a few calls.
        let (free, turn) = (RateLimit::unlimited(), Turn::shared(Priority::Urgent, scope));
        let mut probes = vec![
            of(ec2::DESCRIBE_IMAGES, ec2::amis(&clients.ec2, &free, &turn, std::slice::from_ref(&id)).await),
            of(
                cloudformation::DESCRIBE_STACKS,
                cloudformation::stack(&clients.cloudformation, &free, &turn, &id).await,
            ),
            of(cloudformation::LIST_STACKS, first_page(&clients).await),
            of(cloudformation::DESCRIBE_STACK_RESOURCE, resource(&clients, &turn, &id).await),
        ];
        let Some(caller) = caller else {
            let permission = Permission::Unknown("cannot be checked without the account".to_owned());
            probes.push(Probe { action: imagebuilder::GET_IMAGE, permission });
            return probes;
        };
        let build = imagebuilder::image_build(&clients.imagebuilder, &free, &turn, &build_arn(scope, caller)).await;
        probes.push(of(imagebuilder::GET_IMAGE, build.refused.map_or(Ok(()), Err)));
        if extras.build_logs {
            probes.extend(build_logs(&clients, scope, caller).await);
        }
        if extras.presigned {
            probes.extend(bucket(&clients, caller, &scope.region).await);
        }
        probes
    }
}

fn of<T>(action: &'static str, answer: Result<T, SourceError>) -> Probe {
    Probe { action, permission: answer.map_or_else(Permission::Failed, |_| Permission::Allowed) }
}

/// For an error that cannot occur. Nothing panics here.
fn impossible(error: &InvalidImageId) -> Probe {
    let error = SourceError::unasked(SourceErrorKind::InvalidRequest, error.to_string());
    Probe { action: ec2::DESCRIBE_IMAGES, permission: Permission::Failed(error) }
}

async fn first_page(clients: &Clients) -> Result<(), SourceError> {
    let page = clients.cloudformation.describe_stacks().send().await;
    page.map(|_| ()).map_err(|error| source_error(cloudformation::LIST_STACKS, &error))
}

async fn resource(clients: &Clients, turn: &Turn, id: &ImageId) -> Result<(), SourceError> {
    let stack = crate::describe_image::observation::Stack::default();
    let arns = cloudformation::ImageBuildArns::default();
    let free = RateLimit::unlimited();
    let arn = cloudformation::image_build_arn(&clients.cloudformation, &free, turn, &arns, id, &stack);
    arn.await.map(|_| ())
}

fn build_arn(scope: &Scope, caller: &Caller) -> String {
    format!(
        "arn:{}:imagebuilder:{}:{}:image/parallelclusterimage-{NOBODYS}/0.0.1/1",
        caller.partition(),
        scope.region,
        caller.account_id
    )
}

/// The probes of what tells the story of a build.
async fn build_logs(clients: &Clients, scope: &Scope, caller: &Caller) -> [Probe; 3] {
    let group = image_build_log::group(NOBODYS);
    let group = image_build_log::group_arn(caller.partition(), &scope.region, &caller.account_id, &group);
    let logs = &clients.logs;
    [
        of(stack_events::DESCRIBE_STACK_EVENTS, stack_events::page(&clients.cloudformation, NOBODYS, None).await),
        of(image_logs::DESCRIBE_LOG_STREAMS, image_logs::newest_stream(logs, &group).await),
        of(image_logs::GET_LOG_EVENTS, image_logs::events(logs, &group, "0.0.1/1", &LogQuery::default()).await),
    ]
}

/// The probes of S3. Without the bucket, S3 does not say whether the permission or the bucket is missing.
async fn bucket(clients: &Clients, caller: &Caller, region: &Region) -> [Probe; 2] {
    let bucket = default_bucket(&caller.account_id, region);
    let head = clients.s3.head_bucket().bucket(&bucket).expected_bucket_owner(&caller.account_id).send().await;
    match head {
        Ok(_) => {}
        Err(error) if error.raw_response().is_some_and(|reply| reply.status().as_u16() == 404) => {
            let message =
                format!("the bucket {bucket} does not exist yet: ParallelCluster creates it with the first image");
            let unknown = || Permission::Unknown(message.clone());
            return [
                Probe { action: s3::HEAD_BUCKET, permission: unknown() },
                Probe { action: GET_OBJECT, permission: unknown() },
            ];
        }
        Err(error) => {
            let failed = Permission::Failed(without_words(source_error(s3::HEAD_BUCKET, &error)));
            let unknown = Permission::Unknown(format!("cannot be checked without {}", s3::HEAD_BUCKET));
            return [
                Probe { action: s3::HEAD_BUCKET, permission: failed },
                Probe { action: GET_OBJECT, permission: unknown },
            ];
        }
    }
    // Another key would be refused, although everything that is needed is granted.
    let head = clients.s3.head_object().bucket(&bucket).key(config_key(&format!("parallelcluster/{NOBODYS}")));
    let get = match head.expected_bucket_owner(&caller.account_id).send().await {
        Ok(_) => Permission::Allowed,
        Err(error) if error.as_service_error().and_then(ProvideErrorMetadata::code) == Some("NotFound") => {
            Permission::Allowed
        }
        Err(error) => Permission::Failed(without_words(source_error(GET_OBJECT, &error))),
    };
    [Probe { action: s3::HEAD_BUCKET, permission: Permission::Allowed }, Probe { action: GET_OBJECT, permission: get }]
}

/// Replaces the message of an AccessDenied. The answer to a HEAD has no body, so S3 sends only a status.
fn without_words(mut error: SourceError) -> SourceError {
    if error.kind == SourceErrorKind::AccessDenied {
        error.message = format!("{} was answered with HTTP 403", error.action()).into();
    }
    error
}
