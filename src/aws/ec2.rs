//! EC2: reads the AMIs that ParallelCluster tagged, many image ids in one call.

use super::budget::RateLimit;
use super::error::{self, malformed, source_error};
use super::pagination::{Page, all_pages};
use crate::describe_image::image_id::ImageId;
use crate::describe_image::observation::{Ami, tag, tag_key};
use crate::describe_image::source::{AMIS_PER_PAGE, Turn};
use crate::describe_image::source_error::{BadReply, SourceError, shortened};
use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Filter, Image};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The IAM name of the call.
pub const DESCRIBE_IMAGES: &str = "ec2:DescribeImages";

/// The AMIs of the images `ids` that ParallelCluster has tagged as available.
pub async fn amis(
    client: &Client,
    rate_limit: &RateLimit,
    turn: &Turn,
    ids: &[ImageId],
) -> Result<Vec<(ImageId, Ami)>, SourceError> {
    let of_ids = tag_filter(tag_key::IMAGE_ID, ids.iter().map(ImageId::to_string).collect());
    let mut found = Vec::new();
    let filters = vec![of_ids, tagged_available()];
    let take = |image| with_id(ids, image).map(|with_id| found.push(with_id));
    images(client, rate_limit, turn, filters, take).await?;
    Ok(found)
}

/// Gives `take` the AMIs of all images that ParallelCluster has tagged as available.
pub async fn all_amis(
    client: &Client,
    rate_limit: &RateLimit,
    turn: &Turn,
    mut take: impl FnMut(Ami) + Send,
) -> Result<(), SourceError> {
    let of_any_id = Filter::builder().name("tag-key").values(tag_key::IMAGE_ID).build();
    let take = |image| {
        let ami = ami(image)?;
        let is_tagged = tag(&ami.tags, tag_key::IMAGE_ID).is_some();
        is_tagged
            .then(|| take(ami))
            .ok_or_else(|| malformed(DESCRIBE_IMAGES, "an AMI without the tag that was asked for"))
    };
    images(client, rate_limit, turn, vec![of_any_id, tagged_available()], take).await
}

/// The id of the AMI that the image build version `image_build_arn` created; of several, the greatest.
pub async fn of_image_build(
    client: &Client,
    rate_limit: &RateLimit,
    turn: &Turn,
    image_build_arn: &str,
) -> Result<Option<String>, SourceError> {
    let mut found = None;
    let of_build = tag_filter(tag_key::IMAGE_BUILD, vec![image_build_arn.to_owned()]);
    let take = |image: Image| {
        let id = image.image_id.ok_or_else(|| malformed(DESCRIBE_IMAGES, "an AMI without an id"))?;
        found = found.take().max(Some(id));
        Ok(())
    };
    images(client, rate_limit, turn, vec![of_build], take).await?;
    Ok(found)
}

fn tagged_available() -> Filter {
    tag_filter(tag_key::BUILD_STATUS, vec!["available".to_owned()])
}

/// The sizes of a page. If a page is too large to be read, the read begins again with smaller pages. EC2 accepts no less
/// than five.
const PER_PAGE: [u16; 4] = [AMIS_PER_PAGE, 125, 16, 5];

/// Gives `take` the AMIs of the account that match `filters`, disabled ones included. It may give some of them twice.
async fn images(
    client: &Client,
    rate_limit: &RateLimit,
    turn: &Turn,
    filters: Vec<Filter>,
    mut take: impl FnMut(Image) -> Result<(), SourceError> + Send,
) -> Result<(), SourceError> {
    let mut read = Ok(());
    for per_page in PER_PAGE {
        let fetch = |token| {
            let call =
                client.describe_images().owners("self").include_disabled(true).set_filters(Some(filters.clone()));
            let call = call.max_results(per_page.into()).set_next_token(token);
            async {
                let page = Box::pin(call.send()).await.map_err(|error| source_error(DESCRIBE_IMAGES, &error))?;
                Ok(Page { items: page.images, next_token: page.next_token })
            }
        };
        read = all_pages(DESCRIBE_IMAGES, rate_limit, turn, fetch, &mut take).await;
        if !read.as_ref().is_err_and(|error| error.bad_reply == Some(BadReply::TooLarge)) {
            break;
        }
    }
    read
}

fn tag_filter(key: &str, values: Vec<String>) -> Filter {
    Filter::builder().name(format!("tag:{key}")).set_values(Some(values)).build()
}

/// The id in `ids` that the AMI's tag names. With a single id, EC2's filter has already compared it, so the tag is not
/// read.
///
/// # Errors
/// If the tag names none. EC2 has found the AMI by one of the ids, so that image would seem absent.
fn with_id(ids: &[ImageId], image: Image) -> Result<(ImageId, Ami), SourceError> {
    let ami = ami(image)?;
    let is_tagged = |id: &&ImageId| tag(&ami.tags, tag_key::IMAGE_ID) == Some(id.as_str());
    let id = match ids {
        [id] => Some(id),
        _ => ids.iter().find(is_tagged),
    };
    match id.cloned() {
        Some(id) => Ok((id, ami)),
        None => Err(malformed(DESCRIBE_IMAGES, "an AMI with none of the ids that were asked for")),
    }
}

fn ami(image: Image) -> Result<Ami, SourceError> {
    let tags = image.tags.unwrap_or_default().into_iter();
    Ok(Ami {
        id: image.image_id,
        name: image.name,
        description: image.description,
        state: image.state.map(|state| state.as_str().to_owned()),
        state_reason: image
            .state_reason
            .and_then(|reason| reason.message.filter(|message| !message.is_empty()).or(reason.code))
            .map(|reason| shortened(&reason).into_owned()),
        deprecated_at: image.deprecation_time.as_deref().and_then(date),
        architecture: image.architecture.map(|architecture| architecture.as_str().to_owned()),
        owner_id: image.owner_id,
        creation_date: image.creation_date.as_deref().and_then(date),
        tags: tags.map(|it| error::tag(it.key, it.value, DESCRIBE_IMAGES)).collect::<Result<_, _>>()?,
    })
}

/// Parses a date. EC2 sends dates as text; one without an offset is in UTC.
fn date(text: &str) -> Option<Timestamp> {
    let without_offset = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|time| time.timestamp());
    text.parse().ok().or_else(without_offset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dates_with_and_without_an_offset_are_parsed() {
        for text in
            ["2021-04-12T10:00:00.000Z", "2021-04-12T12:00:00+02:00", "2021-04-12T10:00:00", "2021-04-12 10:00:00"]
        {
            assert_eq!(date(text), Some("2021-04-12T10:00:00Z".parse().unwrap()), "{text}");
        }
        assert_eq!(date("yesterday"), None);
    }

    #[test]
    fn in_a_batch_an_ami_belongs_to_the_id_in_its_tag() {
        let ids = [ImageId::parse("one").unwrap(), ImageId::parse("two").unwrap()];
        let tag = aws_sdk_ec2::types::Tag::builder().key(tag_key::IMAGE_ID).value("two").build();
        let image = Image::builder().image_id("ami-2").tags(tag).build();
        assert_eq!(with_id(&ids, image).map(|(id, _)| id.to_string()).as_deref(), Ok("two"));
        let error = with_id(&ids, Image::builder().image_id("ami-3").build()).unwrap_err();
        assert_eq!(error.bad_reply, Some(BadReply::Malformed), "it is one of both, and no other read would find it");
    }

    proptest! {
        #[test]
        fn no_date_panics(text in ".{0,40}") {
            let _ = date(&text);
        }
    }
}
