//! EC2: the AMIs that ParallelCluster tagged, many ids a call.

use super::budget::Bucket;
use super::error::source_error;
use crate::describe_image::image_id::ImageId;
use crate::describe_image::observation::{Ami, tag, tag_key};
use crate::describe_image::response::Tag;
use crate::describe_image::source_error::{SourceError, SourceErrorKind};
use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Filter, Image};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The IAM name of the call.
pub const DESCRIBE_IMAGES: &str = "ec2:DescribeImages";

/// The most elements EC2 puts into a page.
const PAGE_SIZE: i32 = 1000;

/// Far more pages than an account can fill, empty ones included.
const MOST_PAGES: usize = 1000;

/// The AMIs of `ids` that ParallelCluster has tagged as available.
pub async fn amis(client: &Client, bucket: &Bucket, ids: &[ImageId]) -> Result<Vec<(ImageId, Ami)>, SourceError> {
    let of_ids = tag_filter(tag_key::IMAGE_ID, ids.iter().map(ImageId::to_string).collect());
    let mut found = Vec::new();
    pages(client, bucket, [of_ids, tagged_available()], |image| found.extend(with_id(ids, image))).await?;
    Ok(found)
}

/// The AMIs of whatever id that ParallelCluster has tagged as available.
pub async fn all_amis(client: &Client, bucket: &Bucket, mut take: impl FnMut(Ami) + Send) -> Result<(), SourceError> {
    let of_any_id = Filter::builder().name("tag-key").values(tag_key::IMAGE_ID).build();
    pages(client, bucket, [of_any_id, tagged_available()], |image| take(ami(image))).await
}

/// The id of an AMI that Image Builder made as `image_build_arn`.
pub async fn of_image_build(
    client: &Client,
    bucket: &Bucket,
    image_build_arn: &str,
) -> Result<Option<String>, SourceError> {
    let mut found = None;
    let of_build = tag_filter(tag_key::IMAGE_BUILD, vec![image_build_arn.to_owned()]);
    pages(client, bucket, [of_build], |image| found = found.take().max(image.image_id)).await?;
    Ok(found)
}

fn tagged_available() -> Filter {
    tag_filter(tag_key::BUILD_STATUS, vec!["available".to_owned()])
}

/// Gives `take` the AMIs of the account that pass `filters`, disabled ones too, all pages. An empty page may still carry a token.
async fn pages<const N: usize>(
    client: &Client,
    bucket: &Bucket,
    filters: [Filter; N],
    mut take: impl FnMut(Image) + Send,
) -> Result<(), SourceError> {
    let mut token: Option<String> = None;
    for _ in 0..MOST_PAGES {
        bucket.take().await;
        let page = client
            .describe_images()
            .owners("self")
            .include_disabled(true)
            .set_filters(Some(filters.to_vec()))
            .max_results(PAGE_SIZE)
            .set_next_token(token)
            .send()
            .await
            .map_err(|error| source_error(DESCRIBE_IMAGES, &error))?;
        // An empty list is there all the same; one that is missing is no answer.
        let Some(images) = page.images else { return Err(broken("EC2 answered without a list of images")) };
        images.into_iter().for_each(&mut take);
        token = page.next_token.filter(|next| !next.is_empty());
        if token.is_none() {
            return Ok(());
        }
    }
    Err(broken("EC2 answered page after page without an end"))
}

fn tag_filter(key: &str, values: Vec<String>) -> Filter {
    Filter::builder().name(format!("tag:{key}")).set_values(Some(values)).build()
}

fn broken(message: &str) -> SourceError {
    SourceError { kind: SourceErrorKind::ServiceError, action: DESCRIBE_IMAGES, message: message.to_owned(), fix: None }
}

/// Which of `ids` the image is of: by its tag. EC2's filter has the last word, so that for one id it is that id.
fn with_id(ids: &[ImageId], image: Image) -> Option<(ImageId, Ami)> {
    let ami = ami(image);
    let id = match ids {
        [id] => id,
        _ => {
            let tagged = tag(&ami.tags, tag_key::IMAGE_ID)?;
            ids.iter().find(|id| id.as_str() == tagged)?
        }
    };
    Some((id.clone(), ami))
}

fn ami(image: Image) -> Ami {
    let tags = image
        .tags
        .unwrap_or_default()
        .into_iter()
        .map(|tag| Tag { key: tag.key.unwrap_or_default(), value: tag.value.unwrap_or_default() });
    Ami {
        id: image.image_id,
        name: image.name,
        description: image.description,
        state: image.state.map(|state| state.as_str().to_owned()),
        state_reason: image
            .state_reason
            .and_then(|reason| reason.message.filter(|message| !message.is_empty()).or(reason.code)),
        deprecated_at: image.deprecation_time.as_deref().and_then(date),
        architecture: image.architecture.map(|architecture| architecture.as_str().to_owned()),
        owner_id: image.owner_id,
        creation_date: image.creation_date.as_deref().and_then(date),
        tags: tags.collect(),
    }
}

/// EC2 sends its date as text; one without an offset is UTC.
fn date(text: &str) -> Option<Timestamp> {
    let without_offset = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|time| time.timestamp());
    text.parse().ok().or_else(without_offset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dates_with_and_without_an_offset_are_read() {
        for text in
            ["2021-04-12T10:00:00.000Z", "2021-04-12T12:00:00+02:00", "2021-04-12T10:00:00", "2021-04-12 10:00:00"]
        {
            assert_eq!(date(text), Some("2021-04-12T10:00:00Z".parse().unwrap()), "{text}");
        }
        assert_eq!(date("yesterday"), None);
    }

    #[test]
    fn in_a_batch_an_image_belongs_to_the_id_of_its_tag() {
        let ids = [ImageId::parse("one").unwrap(), ImageId::parse("two").unwrap()];
        let tag = aws_sdk_ec2::types::Tag::builder().key(tag_key::IMAGE_ID).value("two").build();
        let image = Image::builder().image_id("ami-2").tags(tag).build();
        assert_eq!(with_id(&ids, image).map(|(id, _)| id.to_string()).as_deref(), Some("two"));
        assert_eq!(with_id(&ids, Image::builder().image_id("ami-3").build()), None);
    }

    proptest! {
        #[test]
        fn no_date_panics(text in ".{0,40}") {
            let _ = date(&text);
        }
    }
}
