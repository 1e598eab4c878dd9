//! `Tenant`: what a caller gets, in a namespace and with an identity.

use super::address::Base;
use super::lists::Lists;
use crate::aws::Aws;
use crate::describe_image::image_config::is_image_stack;
use crate::describe_image::image_id::InvalidRegion;
use crate::describe_image::observe::observe_one;
use crate::describe_image::response::ListImagesResponse;
use crate::describe_image::source::{ImageSource, Party, Turn};
use crate::describe_image::{
    self, ApiError, DescribeImageResponse, ImageId, ImageRef, Observation, Priority, Scope, SourceError,
};
use crate::http_api::{Aged, Failure, ImageApi};
use crate::kubernetes::callers::{Caller, Callers, Right};
use crate::kubernetes::mirror::{Closed, Mirror};
use crate::process::describe::{official_plan, presigned_url};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// When a caller may ask again whose namespace's labels are not known.
const PAUSE: Duration = Duration::from_secs(5);

pub struct Tenant {
    pub shared: Arc<Shared>,
    pub caller: Arc<Caller>,
    pub base: Base,
}

/// What all tenants share.
pub struct Shared {
    pub mirror: Mirror<Aws>,
    pub callers: Callers,
    pub lists: Lists,
    /// Whether callers with the right get presigned URLs.
    pub presigned_urls: bool,
}

impl ImageApi for Tenant {
    type Source = Aws;

    fn scope(&self, region: Option<&str>) -> Result<Scope, Failure> {
        let Base { namespace, identity } = &self.base;
        self.shared.mirror.scope(namespace, identity.as_deref(), region).map_err(|closed| match closed {
            Closed::NoRegion => ApiError::bad_request("region needs to be set").into(),
            Closed::UnknownRegion(name) => ApiError::from(InvalidRegion(name)).into(),
            Closed::NotAllowed => {
                let message = "Forbidden: this identity does not exist, or not for this namespace and region";
                ApiError { status: 403, message: message.to_owned() }.into()
            }
            Closed::Undecided(why) => Failure::unavailable(why.as_ref(), PAUSE),
        })
    }

    /// From the store if the answer there is young enough. For the API, a disabled AMI does not exist, and the store has it.
    async fn describe(&self, scope: &Scope, id: &ImageId) -> Result<Aged<DescribeImageResponse>, Failure> {
        let image = ImageRef { scope: scope.clone(), id: id.clone() };
        let reading = self.shared.mirror.reflector.young(&self.base.namespace, &image).await;
        let observation = reading.answer?;
        let (observation, age) = match observation.as_ref() {
            Observation::Ami { ami, .. } if ami.is_disabled() => {
                let turn = self.turn(scope);
                (Arc::new(observe_one(self.source(), scope, id, official_plan(), &turn).await?), None)
            }
            _ => (observation, Some(Timestamp::now().duration_since(reading.at).try_into().unwrap_or_default())),
        };
        let mut response = describe_image::describe(id, &scope.region, &observation).map_err(ApiError::from)?;
        if self.opens_configuration(id).await {
            response.image_configuration.url = presigned_url(self.source(), scope, &observation).await;
        }
        Ok(Aged { answer: response, age })
    }

    async fn available_images(&self, scope: &Scope) -> Result<Aged<Arc<ListImagesResponse>>, SourceError> {
        self.shared.lists.of(self.source(), scope, &self.turn(scope)).await
    }

    fn source(&self) -> &Aws {
        self.shared.mirror.reflector.source()
    }

    fn turn(&self, _: &Scope) -> Turn {
        let parties = [Party::Tenant(self.base.namespace.as_str().into())].into();
        Turn { priority: Priority::Urgent, parties }
    }

    /// Only a stack that builds an image: the operator's own credentials may read all stacks of the account.
    async fn stack(&self, scope: &Scope, id: &ImageId) -> Result<Option<String>, SourceError> {
        let stack = self.source().stack(scope, id, &self.turn(scope)).await?;
        Ok(stack.filter(is_image_stack).and_then(|stack| stack.arn))
    }
}

impl Tenant {
    /// Whether the caller gets a presigned URL: it opens the file with the operator's own rights.
    async fn opens_configuration(&self, id: &ImageId) -> bool {
        let right = Right::Images {
            verb: "get",
            subresource: Some("configuration"),
            namespace: self.base.namespace.clone(),
            name: Some(id.to_string()),
        };
        self.shared.presigned_urls && self.shared.callers.authorize(&self.caller, &right).await.is_ok()
    }
}
