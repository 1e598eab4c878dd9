//! Whose build it is: of a CustomImage, whose status names it, or of an image id.

use crate::aws::{Aws, Caller};
use crate::describe_image::image_build_log::{self, ImageBuildLog};
use crate::describe_image::observe::observe_one;
use crate::describe_image::observe::plan::Plan;
use crate::describe_image::source::Turn;
use crate::describe_image::{ApiError, ImageId, Observation, Priority, Region, Scope, SourceError};
use crate::kubernetes::client;
use crate::kubernetes::custom_image::CustomImageStatus;
use crate::process::args::build::BuildArgs;
use crate::process::args::region::asked_region;
use crate::process::build::ended::Ended;
use crate::process::stderr::{CountCalls, remark, with_progress};
use std::sync::Arc;

/// A build, and where AWS has its story.
pub struct Target {
    /// Where the story is: in the region of its ARN.
    pub scope: Scope,
    pub image_id: ImageId,
    /// The ARN of the log or the stack, else what is known of it.
    told_by: ToldBy,
    caller: Caller,
}

/// What tells the story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Story {
    /// The log of the image build.
    Log,
    /// The events of the stack.
    Events,
}

#[derive(Debug, PartialEq, Eq)]
enum ToldBy {
    /// The image build or the stack with this ARN.
    Arn(String),
    /// The image has no such thing yet, or had none.
    Nothing,
    /// AWS has neither an AMI nor a stack of this id now.
    Unknown,
}

impl Target {
    /// Finds the build, and connects to AWS.
    ///
    /// # Errors
    /// If there is no such CustomImage, AWS does not answer, or the credentials are of another account.
    pub async fn find(args: &BuildArgs, story: Story) -> Result<(Self, Aws), Ended> {
        let status = match &args.name {
            Some(name) => Some(status_of(name, args).await?),
            None => None,
        };
        let id = status.as_ref().map_or(&args.image_id, |status| &status.image_id);
        let image_id = ImageId::parse(id.as_deref().unwrap_or_default()).map_err(ApiError::from)?;
        let arn = status.as_ref().and_then(|status| arn_of(status, story));
        let region = match arn.as_deref().and_then(region_of).or_else(|| status.as_ref()?.region.as_deref()) {
            Some(region) => Region::parse(region).map_err(ApiError::from)?,
            None => asked_region(args.region.clone()).await?,
        };
        let scope = Scope::default_identity(region);
        let calls = Arc::new(CountCalls::default());
        let aws = Aws::connect(&args.aws.settings(), Some(&scope.region), calls.clone()).await;
        let what = format!("{image_id} in {}", scope.region);
        let caller = with_progress(&what, &calls, aws.caller(&scope)).await?;
        let told_by = match (arn, &status) {
            (Some(arn), _) => ToldBy::Arn(arn),
            (None, Some(_)) => ToldBy::Nothing,
            (None, None) => with_progress(&what, &calls, seen(&aws, &scope, &image_id, story)).await?,
        };
        let (what, account) = match &told_by {
            ToldBy::Arn(arn) => ("the build is in", account_of(arn)),
            _ => ("the CustomImage is read from", status.as_ref().and_then(|status| status.account_id.as_deref())),
        };
        refuse_another_account(&caller, what, account)?;
        Ok((Self { scope, image_id, told_by, caller }, aws))
    }

    /// The turn of each read.
    pub fn turn(&self) -> Turn {
        Turn::shared(Priority::Urgent, &self.scope)
    }

    /// The image is there, and AWS names no log or stack of it.
    #[must_use]
    pub fn has_no_story(&self) -> bool {
        self.told_by == ToldBy::Nothing
    }

    /// The stack: its ARN, else its name.
    #[must_use]
    pub fn stack(&self) -> &str {
        if let ToldBy::Arn(arn) = &self.told_by { arn } else { self.image_id.as_str() }
    }

    /// The log of the build. `None` if it has none. Of an image that AWS no longer has, it is the one that was written last.
    ///
    /// # Errors
    /// If CloudWatch does not answer.
    pub async fn log(&self, aws: &Aws) -> Result<Option<ImageBuildLog>, SourceError> {
        let id = self.image_id.as_str();
        match &self.told_by {
            ToldBy::Arn(arn) => Ok(image_build_log::of(arn, id).map(|log| {
                let group = self.group_arn(arn.split(':').nth(1), account_of(arn), &log.group);
                ImageBuildLog { group, ..log }
            })),
            ToldBy::Nothing => Ok(None),
            ToldBy::Unknown => {
                let group = self.group_arn(None, None, &image_build_log::group(id));
                let stream = aws.newest_log_stream(&self.scope, &group).await?;
                if let Some(stream) = &stream {
                    remark(&format!("AWS has no image {id} now; this is the log that was written last: {stream}"));
                }
                Ok(stream.map(|stream| ImageBuildLog { group, stream }))
            }
        }
    }

    fn group_arn(&self, partition: Option<&str>, account: Option<&str>, group: &str) -> String {
        let partition = partition.unwrap_or_else(|| self.caller.partition());
        let account = account.unwrap_or(&self.caller.account_id);
        image_build_log::group_arn(partition, &self.scope.region, account, group)
    }
}

/// The ARN in the status that names the story.
fn arn_of(status: &CustomImageStatus, story: Story) -> Option<String> {
    let build = status.build.clone()?;
    if story == Story::Log { build.image_arn } else { build.stack_arn }
}

/// What AWS says now of an image id.
async fn seen(aws: &Aws, scope: &Scope, id: &ImageId, story: Story) -> Result<ToldBy, Ended> {
    let observation = observe_one(aws, scope, id, Plan::once(), &()).await.map_err(|error| error.source_error)?;
    let arn = match (&observation, story) {
        (Observation::Absent { .. }, _) => return Ok(ToldBy::Unknown),
        (Observation::Ami { ami, .. }, Story::Log) => ami.image_build_arn().map(str::to_owned),
        (Observation::Ami { stack, .. }, Story::Events) => stack.as_ref().and_then(|stack| stack.arn.clone()),
        (Observation::Stack { image_build, .. }, Story::Log) => {
            image_build.as_ref().and_then(|build| build.arn.clone())
        }
        (Observation::Stack { stack, .. }, Story::Events) => stack.arn.clone(),
    };
    Ok(arn.map_or(ToldBy::Nothing, ToldBy::Arn))
}

/// The status of a CustomImage.
async fn status_of(name: &str, args: &BuildArgs) -> Result<CustomImageStatus, Ended> {
    let failed = |message: String| Ended::Failed(ApiError { status: 500, message });
    let missing = |message: String| Ended::Failed(ApiError { status: 404, message });
    let client = client::connect(&args.cluster.settings()).await;
    let client = client.map_err(|error| failed(format!("no API server: {error}")))?;
    let namespace = args.namespace.as_ref().and_then(|namespace| namespace.0.clone());
    let namespace = namespace.unwrap_or_else(|| client.default_namespace().to_owned());
    let read = client::custom_image(client, &namespace, name).await;
    let read = read.map_err(|error| {
        let fix = "what to do: allow `get` on customimages, or ask by --image-id and --region";
        failed(format!("the API server does not show the CustomImage {name}: {error}; {fix}"))
    })?;
    let object = read.ok_or_else(|| missing(format!("there is no CustomImage {name} in the namespace {namespace}")))?;
    let status = object.status.filter(|status| status.image_id.is_some());
    status.ok_or_else(|| failed(format!("the operator has not read the CustomImage {name} yet: its status is empty")))
}

fn region_of(arn: &str) -> Option<&str> {
    arn.split(':').nth(3).filter(|region| !region.is_empty())
}

fn account_of(arn: &str) -> Option<&str> {
    arn.split(':').nth(4).filter(|account| !account.is_empty())
}

/// Names of log groups and stacks are the same in every account, so a look in the wrong one would show another build.
fn refuse_another_account(caller: &Caller, what: &str, account: Option<&str>) -> Result<(), Ended> {
    match account {
        Some(account) if account != caller.account_id => {
            let message = format!(
                "{what} the account {account}, and these credentials are of {} ({}); what to do: use credentials of the account {account}, such as by AWS_PROFILE",
                caller.account_id, caller.arn
            );
            Err(Ended::Failed(ApiError { status: 401, message }))
        }
        _ => Ok(()),
    }
}
