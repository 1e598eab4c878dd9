//! EC2's query protocol, version 2016-11-15: DescribeImages.

mod filter;
mod image_xml;
mod page;
mod wildcard;

use std::borrow::Cow;

use crate::dispatch::Ask;
use crate::reply::Reply;
use crate::request::Parameters;
use crate::service::ServiceError;
use crate::shuffle::shuffle;
use crate::state::State;
use crate::world::Image;
use filter::Filter;
pub(crate) use page::Lists;
use page::{Page, picked};

pub(crate) fn operate(ask: &Ask, state: &mut State) -> Result<Reply, ServiceError> {
    match ask.operation {
        "DescribeImages" => describe_images(ask, state),
        other => Err(ServiceError::new(
            400,
            "InvalidAction",
            format!("The action {other} is not valid for this web service."),
        )),
    }
}

pub(crate) fn most_filter_values(parameters: &Parameters) -> usize {
    let values = |number: usize| parameters.list(&format!("Filter.{number}.Value")).len();
    parameters.numbers("Filter").into_iter().map(values).max().unwrap_or(0)
}

fn describe_images(ask: &Ask, state: &mut State) -> Result<Reply, ServiceError> {
    if ask.parameters.is_true("DryRun") || ask.parameters.is_true("dryRun") {
        return Err(ServiceError::new(412, "DryRunOperation", "Request would have succeeded, but DryRun flag is set."));
    }
    let number = state.next_number();
    let is_shuffled = state.world.answers.shuffle;
    let page = Page::of(&ask.parameters, &state.world.answers, &state.image_lists, number)?;
    let mut matching = matching(ask, state)?;
    if is_shuffled {
        shuffle(&mut matching, page.list());
    }
    let order = page.order(&matching);
    let (range, token) = page.range(order.len());
    let shown = picked(matching, &order[range]).into_iter().map(|image| match is_shuffled {
        true => {
            let mut image = image.clone();
            shuffle(&mut image.tags, page.list());
            Cow::Owned(image)
        }
        false => Cow::Borrowed(image),
    });
    let reply = Reply::xml(200, image_xml::response(shown, token.as_deref(), &ask.request_id));
    if token.is_some() {
        state.image_lists.keep(page.list(), order);
    }
    Ok(reply)
}

fn matching<'a>(ask: &Ask, state: &'a State) -> Result<Vec<&'a Image>, ServiceError> {
    let filters = Filter::all(&ask.parameters)?;
    let ids = ask.parameters.list("ImageId");
    let owners = ask.parameters.list("Owner");
    let account = ask.caller.account.as_str();
    let now = crate::clock::written(state.clock.now());
    let visible = |image: &&Image| {
        image.region == ask.caller.region
            && (image.account == account
                || image.is_public == Some(true)
                || image.shared_with.iter().any(|other| other == account))
    };
    let images: Vec<&Image> = state.world.images.iter().filter(visible).collect();
    check_ids(&ids, &images)?;
    let shows_disabled = ask.parameters.is_true("IncludeDisabled");
    let shows_deprecated = ask.parameters.is_true("IncludeDeprecated");
    let wanted = |image: &&Image| {
        let owner_id = image.owner_id.as_deref().unwrap_or_default();
        let is_mine = owner_id == account;
        let is_owned_by = |owner: &&str| {
            (*owner == "self" && is_mine) || *owner == owner_id || image.owner_alias.as_deref() == Some(*owner)
        };
        let is_deprecated = image.deprecation_time.as_deref().is_some_and(|time| time <= now.as_str());
        (ids.is_empty() || ids.contains(&image.ami_id.as_str()))
            && (owners.is_empty() || owners.iter().any(is_owned_by))
            && (shows_disabled || image.state.as_deref() != Some("disabled"))
            && (shows_deprecated || is_mine || !is_deprecated)
            && filters.iter().all(|filter| filter.matches(image))
    };
    Ok(images.into_iter().filter(wanted).collect())
}

fn check_ids(ids: &[&str], images: &[&Image]) -> Result<(), ServiceError> {
    let is_well_formed = |id: &str| {
        id.strip_prefix("ami-")
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    if let Some(malformed) = ids.iter().find(|id| !is_well_formed(id)) {
        let message = format!("Invalid id: \"{malformed}\" (expecting \"ami-...\")");
        return Err(ServiceError::new(400, "InvalidAMIID.Malformed", message));
    }
    let unknown: Vec<&str> = ids.iter().copied().filter(|id| !images.iter().any(|image| image.ami_id == *id)).collect();
    let message = match unknown.len() {
        0 => return Ok(()),
        1 => format!("The image id '[{}]' does not exist", unknown[0]),
        _ => format!("The image ids '[{}]' do not exist", unknown.join(", ")),
    };
    Err(ServiceError::new(400, "InvalidAMIID.NotFound", message))
}
