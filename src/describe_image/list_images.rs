//! listImages: all images and image stacks, in an order that does not depend on AWS. Generic over the port.

use super::build_status::ImageBuildStatus;
use super::image_id::Region;
use super::observation::{Ami, Stack, tag, tag_key};
use super::response::{Ec2AmiInfoSummary, ImageInfoSummary, ListImagesResponse};
use super::scope::Scope;
use super::source::{ImageSource, Priority, Turn};
use super::source_error::SourceError;

/// A filter of a list. A stack that is complete, being updated or being deleted passes no filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusFilter {
    Available,
    Pending,
    Failed,
}

impl StatusFilter {
    fn passes(self, summary: &ImageInfoSummary) -> bool {
        let stack_status = summary.cloudformation_stack_status.as_deref();
        match self {
            Self::Available => summary.ec2_ami_info.as_ref().is_some_and(Ec2AmiInfoSummary::is_available),
            Self::Pending => stack_status == Some("CREATE_IN_PROGRESS"),
            Self::Failed => matches!(
                stack_status,
                Some(
                    "CREATE_FAILED"
                        | "DELETE_FAILED"
                        | "ROLLBACK_FAILED"
                        | "ROLLBACK_COMPLETE"
                        | "ROLLBACK_IN_PROGRESS"
                )
            ),
        }
    }
}

/// Lists what passes at least one of `filters`, or everything if there are none.
/// The list is sorted by image id, AMIs before stacks.
///
/// # Errors
/// If AWS does not answer for every page. A partial list would look like a complete one.
pub async fn list_images<S: ImageSource>(
    source: &S,
    scope: &Scope,
    filters: &[StatusFilter],
) -> Result<ListImagesResponse, SourceError> {
    let is_wanted = |filter| filters.is_empty() || filters.contains(&filter);
    let (region, turn) = (scope.region.as_str(), Turn::shared(Priority::Urgent, scope));
    let mut images = Vec::new();
    // Stacks first, because a build tags its AMI before its stack is deleted. So a build that ends meanwhile is in at
    // least one of the two lists.
    if is_wanted(StatusFilter::Pending) || is_wanted(StatusFilter::Failed) {
        let take = |stack: Stack| images.extend(is_listed(&stack).then(|| of_stack(&stack, region)));
        source.all_stacks(scope, &turn, take).await?;
    }
    if is_wanted(StatusFilter::Available) {
        source.all_amis(scope, &turn, |ami| images.push(of_ami(&ami, region))).await?;
    }
    images.sort_by(|a, b| place(a).cmp(&place(b)));
    // A new image may move another image to the next page between two calls. Then both pages contain it. Keep the later
    // one.
    images.dedup_by(|later, earlier| {
        let is_same = place(later) == place(earlier);
        if is_same {
            std::mem::swap(later, earlier);
        }
        is_same
    });
    images.retain(|summary| filters.is_empty() || filters.iter().any(|filter| filter.passes(summary)));
    Ok(ListImagesResponse { next_token: None, images })
}

/// The AMIs that the API lists as available, in EC2's order. It lists AMIs in any state. A disabled one does not exist for it.
///
/// # Errors
/// If AWS does not answer for every page.
pub async fn available_images<S: ImageSource>(
    source: &S,
    scope: &Scope,
    turn: &Turn,
) -> Result<ListImagesResponse, SourceError> {
    let mut images = Vec::new();
    let take = |ami: Ami| images.extend((!ami.is_disabled()).then(|| for_clients(of_ami(&ami, scope.region.as_str()))));
    source.all_amis(scope, turn, take).await?;
    Ok(ListImagesResponse { next_token: None, images })
}

/// What passes `filter` in a page of stacks, in CloudFormation's order. It may be nothing, and more may follow.
#[must_use]
pub fn page_of_stacks(stacks: &[Stack], filter: StatusFilter, region: &Region) -> Vec<ImageInfoSummary> {
    let listed = stacks.iter().filter(|stack| is_listed(stack)).map(|stack| of_stack(stack, region.as_str()));
    listed.filter(|summary| filter.passes(summary)).map(for_clients).collect()
}

/// The entry with the fields of the API's specification. Clients that are made from it refuse a whole list for one field more
/// or for one that it requires.
fn for_clients(mut summary: ImageInfoSummary) -> ImageInfoSummary {
    summary.version.get_or_insert_default();
    if let Some(ami) = &mut summary.ec2_ami_info {
        ami.state = None;
    }
    summary
}

/// Whether it is an image's own stack: it is tagged with the image id and is not nested in another stack.
fn is_listed(stack: &Stack) -> bool {
    !stack.is_nested && tag(&stack.tags, tag_key::IMAGE_ID).is_some_and(|id| !id.is_empty())
}

/// The sort key and identity of a summary. The order is stable, because a list kept in Git must not change without a
/// reason.
fn place(summary: &ImageInfoSummary) -> (&str, bool, Option<&str>, Option<&str>) {
    let ami = summary.ec2_ami_info.as_ref();
    let ami_id = ami.and_then(|ami| ami.ami_id.as_deref());
    (&summary.image_id, ami.is_none(), ami_id, summary.cloudformation_stack_arn.as_deref())
}

fn of_ami(ami: &Ami, region: &str) -> ImageInfoSummary {
    ImageInfoSummary {
        image_id: tag(&ami.tags, tag_key::IMAGE_ID).unwrap_or_default().to_owned(),
        image_build_status: Some(ImageBuildStatus::BuildComplete),
        ec2_ami_info: Some(Ec2AmiInfoSummary::new(ami.id.clone(), ami.state.as_deref())),
        cloudformation_stack_status: None,
        cloudformation_stack_arn: None,
        region: region.to_owned(),
        version: tag(&ami.tags, tag_key::VERSION).map(str::to_owned),
    }
}

fn of_stack(stack: &Stack, region: &str) -> ImageInfoSummary {
    ImageInfoSummary {
        image_id: tag(&stack.tags, tag_key::IMAGE_ID).unwrap_or_default().to_owned(),
        image_build_status: stack.status.as_deref().and_then(ImageBuildStatus::of_stack),
        ec2_ami_info: None,
        cloudformation_stack_status: stack.status.clone(),
        cloudformation_stack_arn: stack.arn.clone(),
        region: region.to_owned(),
        version: tag(&stack.tags, tag_key::VERSION).map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::describe_image::image_id::ImageId;
    use crate::describe_image::observation::ImageBuild;
    use crate::describe_image::response::Tag;
    use futures::executor::block_on;
    use std::sync::atomic::{AtomicBool, Ordering};

    fn tags(id: &str) -> Vec<Tag> {
        vec![Tag { key: tag_key::IMAGE_ID.into(), value: id.into() }]
    }

    fn ami(id: &str, ami_id: &str) -> Ami {
        Ami { id: Some(ami_id.into()), state: Some("available".into()), tags: tags(id), ..Ami::default() }
    }

    fn stack(id: &str, status: &str) -> Stack {
        Stack { arn: Some(format!("arn:{id}")), status: Some(status.into()), tags: tags(id), ..Stack::default() }
    }

    /// Returns these lists. With `ends`, a build ends after the first list is read: before, only its stack exists;
    /// after, only its AMI.
    #[derive(Default)]
    struct Source {
        amis: Vec<Ami>,
        stacks: Vec<Stack>,
        ends: bool,
        is_read: AtomicBool,
    }

    impl ImageSource for Source {
        async fn all_amis(&self, _: &Scope, _: &Turn, take: impl FnMut(Ami) + Send) -> Result<(), SourceError> {
            if !self.ends || self.is_read.swap(true, Ordering::Relaxed) {
                self.amis.iter().cloned().for_each(take);
            }
            Ok(())
        }
        async fn all_stacks(&self, _: &Scope, _: &Turn, take: impl FnMut(Stack) + Send) -> Result<(), SourceError> {
            if !(self.is_read.swap(true, Ordering::Relaxed) && self.ends) {
                self.stacks.iter().cloned().for_each(take);
            }
            Ok(())
        }

        async fn amis(&self, _: &Scope, _: &[ImageId], _: &Turn) -> Result<Vec<(ImageId, Ami)>, SourceError> {
            unreachable!("a list reads no single image")
        }

        async fn stack(&self, _: &Scope, _: &ImageId, _: &Turn) -> Result<Option<Stack>, SourceError> {
            unreachable!("a list reads no single image")
        }

        async fn image_build(
            &self,
            _: &Scope,
            _: &ImageId,
            _: &Stack,
            _: &Turn,
        ) -> Result<Option<ImageBuild>, SourceError> {
            unreachable!("a list reads no build")
        }
    }

    fn listed(amis: Vec<Ami>, stacks: Vec<Stack>) -> Source {
        Source { amis, stacks, ..Source::default() }
    }

    fn list(source: &Source, filters: &[StatusFilter]) -> Vec<String> {
        let scope = Scope::default_identity(Region::parse("eu-west-1").unwrap());
        let listed = block_on(list_images(source, &scope, filters)).unwrap();
        let text = |image: ImageInfoSummary| {
            let ami = image.ec2_ami_info.and_then(|ami| ami.ami_id);
            format!("{} {}", image.image_id, ami.or(image.cloudformation_stack_status).unwrap_or_default())
        };
        listed.images.into_iter().map(text).collect()
    }

    #[test]
    fn a_build_that_ends_during_the_listing_is_in_at_least_one_list() {
        let source = listed(vec![ami("hpc", "ami-1")], vec![stack("hpc", "CREATE_IN_PROGRESS")]);
        assert_eq!(list(&Source { ends: true, ..source }, &[]), ["hpc ami-1", "hpc CREATE_IN_PROGRESS"]);
    }

    #[test]
    fn the_order_is_by_id_and_amis_come_before_stacks() {
        let stacks = vec![stack("b", "DELETE_FAILED"), stack("a", "CREATE_COMPLETE")];
        let source = listed(vec![ami("b", "ami-2"), ami("b", "ami-1")], stacks);
        assert_eq!(list(&source, &[]), ["a CREATE_COMPLETE", "b ami-1", "b ami-2", "b DELETE_FAILED"]);
    }

    #[test]
    fn an_image_on_two_pages_is_listed_once_as_on_the_later_page() {
        let stacks = vec![stack("a", "CREATE_IN_PROGRESS"), stack("a", "CREATE_FAILED")];
        let source = listed(vec![ami("b", "ami-1"), ami("b", "ami-1")], stacks);
        assert_eq!(list(&source, &[]), ["a CREATE_FAILED", "b ami-1"]);
        assert_eq!(list(&source, &[StatusFilter::Pending]), [""; 0], "it is no longer pending");
    }

    #[test]
    fn only_an_ami_in_state_available_passes_as_available_and_any_other_state_is_listed() {
        let failed = Ami { state: Some("failed".into()), ..ami("hpc", "ami-2") };
        let source = listed(vec![ami("hpc", "ami-1"), failed.clone()], vec![]);
        assert_eq!(list(&source, &[StatusFilter::Available]), ["hpc ami-1"]);
        assert_eq!(list(&source, &[]), ["hpc ami-1", "hpc ami-2"]);
        let ami_info = |ami: &Ami| serde_json::to_value(of_ami(ami, "eu-west-1").ec2_ami_info).unwrap();
        assert_eq!(ami_info(&failed), serde_json::json!({"amiId": "ami-2", "state": "FAILED"}));
        assert_eq!(ami_info(&ami("hpc", "ami-1")), serde_json::json!({"amiId": "ami-1"}), "as in the API");
    }

    #[test]
    fn each_filter_selects_its_statuses_and_a_stack_being_deleted_passes_no_filter() {
        let statuses = ["CREATE_IN_PROGRESS", "CREATE_FAILED", "ROLLBACK_COMPLETE", "DELETE_IN_PROGRESS"];
        let source = listed(vec![ami("z", "ami-1")], statuses.map(|status| stack(status, status)).to_vec());
        let count = |filters: &[StatusFilter]| list(&source, filters).len();
        assert_eq!(count(&[StatusFilter::Available]), 1);
        assert_eq!(count(&[StatusFilter::Pending]), 1);
        assert_eq!(count(&[StatusFilter::Failed]), 2);
        assert_eq!(count(&[StatusFilter::Available, StatusFilter::Pending, StatusFilter::Failed]), 4);
        assert_eq!(count(&[]), 5);
    }
}
