//! Whose build it is: of a CustomImage, whose status names it, or of an image id.

use crate::aws::{Aws, Caller, IgnoreCalls};
use crate::describe_image::image_build_log::{self, ImageBuildLog};
use crate::describe_image::{ApiError, ImageId, Region, Scope, SourceError};
use crate::kubernetes::client;
use crate::kubernetes::custom_image::CustomImageStatus;
use crate::process::args::build::BuildArgs;
use crate::process::args::region::asked_region;
use crate::process::build::ended::Ended;
use std::sync::Arc;

/// A build, and where AWS has its story.
pub struct Target {
    pub scope: Scope,
    pub image_id: ImageId,
    /// The ARN of the stack, else its name.
    pub stack: String,
    /// The ARN of the log group.
    log_group: String,
    /// The name of the stream, if it is known.
    log_stream: Option<String>,
}

impl Target {
    /// Finds the build, and connects to AWS.
    ///
    /// # Errors
    /// If there is no such CustomImage, its status names no build, or the credentials are of another account.
    pub async fn find(args: &BuildArgs) -> Result<(Self, Aws), Ended> {
        let of_object = match &args.name {
            Some(name) => Some(status_of(name, args.namespace.as_deref()).await?),
            None => None,
        };
        let status = of_object.unwrap_or_default();
        let id = status.image_id.as_ref().or(args.image_id.as_ref()).map(String::as_str).unwrap_or_default();
        let image_id = ImageId::parse(id).map_err(ApiError::from)?;
        let region = match status.region.clone() {
            Some(region) => Region::parse(&region).map_err(ApiError::from)?,
            None => asked_region(args.region.clone()).await?,
        };
        let scope = Scope::default_identity(region);
        let aws = Aws::connect(&args.aws.settings(), Some(&scope.region), Arc::new(IgnoreCalls)).await;
        let caller = aws.caller(&scope).await?;
        refuse_another_account(&caller, &status)?;
        Ok((Self::new(scope, image_id, &status, &caller), aws))
    }

    fn new(scope: Scope, image_id: ImageId, status: &CustomImageStatus, caller: &Caller) -> Self {
        let build = status.build.clone().unwrap_or_default();
        let group = build.log_group.unwrap_or_else(|| image_build_log::group(image_id.as_str()));
        let partition = caller.arn.split(':').nth(1).unwrap_or("aws");
        Self {
            log_group: format!("arn:{partition}:logs:{}:{}:log-group:{group}", scope.region, caller.account_id),
            log_stream: build.log_stream,
            stack: build.stack_arn.unwrap_or_else(|| image_id.to_string()),
            scope,
            image_id,
        }
    }

    /// The log of the build. Without a known stream, it is the one that was written last. `None` while there is none.
    ///
    /// # Errors
    /// If CloudWatch does not answer.
    pub async fn log(&self, aws: &Aws) -> Result<Option<ImageBuildLog>, SourceError> {
        let stream = match &self.log_stream {
            Some(stream) => Some(stream.clone()),
            None => aws.newest_log_stream(&self.scope, &self.log_group).await?,
        };
        Ok(stream.map(|stream| ImageBuildLog { group: self.log_group.clone(), stream }))
    }
}

/// The status of a CustomImage.
async fn status_of(name: &str, namespace: Option<&str>) -> Result<CustomImageStatus, Ended> {
    let failed = |message: String| Ended::Failed(ApiError { status: 404, message });
    let client = client::connect().await.map_err(|error| failed(format!("no API server: {error}")))?;
    let namespace = namespace.unwrap_or(client.default_namespace()).to_owned();
    let read = client::custom_image(client, &namespace, name).await.map_err(failed)?;
    let object = read.ok_or_else(|| failed(format!("there is no CustomImage {name} in the namespace {namespace}")))?;
    let status = object.status.filter(|status| status.image_id.is_some());
    status.ok_or_else(|| failed(format!("the operator has not read the CustomImage {name} yet: its status is empty")))
}

/// Names of log groups and stacks are the same in every account, so a look in the wrong one would show another build.
fn refuse_another_account(caller: &Caller, status: &CustomImageStatus) -> Result<(), Ended> {
    match &status.account_id {
        Some(account) if *account != caller.account_id => Err(Ended::Credentials(format!(
            "the build is in the account {account}, and these credentials are of {} ({}); what to do: use credentials of the account {account}, such as by AWS_PROFILE",
            caller.account_id, caller.arn
        ))),
        _ => Ok(()),
    }
}
