//! The command `list`: prints every image and image stack of an account in a region on stdout. Remarks go to stderr.

use crate::aws::Aws;
use crate::describe_image::list_images::list_images;
use crate::describe_image::response::{ImageInfoSummary, ListImagesResponse};
use crate::describe_image::{ApiError, ImageId, Scope, SourceError, SourceErrorKind};
use crate::kubernetes::custom_image::manifest;
use crate::plain_text::escaped;
use crate::process::args::describe::Output;
use crate::process::args::list::{ListArgs, ListOutput};
use crate::process::args::region::asked_region;
use crate::process::exit_code;
use crate::process::stderr::{CountCalls, remark, with_progress};
use crate::process::stdout;
use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::Arc;

pub async fn run(args: ListArgs) -> ExitCode {
    if args.identity.is_some() && args.output != ListOutput::Manifests {
        remark("--identity is only for manifests: use it with --output manifests");
        return ExitCode::from(exit_code::USAGE);
    }
    let scope = match asked_region(args.region.clone()).await {
        Ok(region) => Scope::default_identity(region),
        Err(error) => return failed(&error, &error.to_string(), args.output),
    };
    let calls = Arc::new(CountCalls::default());
    let aws = Aws::connect(&args.aws.settings(), Some(&scope.region), calls.clone()).await;
    let what = format!("images and stacks in {}", scope.region);
    match with_progress(&what, &calls, list_images(&aws, &scope, &args.filters())).await {
        Ok(list) => succeeded(&list, &scope, &args),
        Err(error) => failed(&ApiError::from(error.clone()), &with_next_step(&error), args.output),
    }
}

fn succeeded(list: &ListImagesResponse, scope: &Scope, args: &ListArgs) -> ExitCode {
    match args.output {
        ListOutput::Json => stdout::print(list, Output::Json, ExitCode::SUCCESS),
        ListOutput::Yaml => stdout::print(list, Output::Yaml, ExitCode::SUCCESS),
        _ if list.images.is_empty() => {
            remark(&format!("no images in {}", scope.region));
            ExitCode::SUCCESS
        }
        ListOutput::Table => stdout::put(Ok(table::<6>(&list.images, args.no_headers)), ExitCode::SUCCESS),
        ListOutput::Wide => stdout::put(Ok(table::<8>(&list.images, args.no_headers)), ExitCode::SUCCESS),
        ListOutput::Name => {
            let ids: Vec<_> = ids(&list.images).iter().map(ToString::to_string).collect();
            stdout::put(Ok(ids.join("\n")), ExitCode::SUCCESS)
        }
        ListOutput::Manifests => {
            stdout::put(manifests(&list.images, scope, args.identity.as_deref()), ExitCode::SUCCESS)
        }
    }
}

/// JSON and YAML get the API's error on stdout. Other formats get text on stderr, because stdout may be piped into
/// kubectl.
fn failed(answer: &ApiError, words: &str, output: ListOutput) -> ExitCode {
    let code = exit_code::of(answer);
    match output {
        ListOutput::Json => stdout::print(answer, Output::Json, code),
        ListOutput::Yaml => stdout::print(answer, Output::Yaml, code),
        ListOutput::Table | ListOutput::Wide | ListOutput::Name | ListOutput::Manifests => {
            remark(words);
            code
        }
    }
}

fn with_next_step(error: &SourceError) -> String {
    let step = match (error.kind, error.action) {
        (SourceErrorKind::UnknownRegion, _) => return error.to_string(),
        _ if error.fix.is_some() => &format!("; what to do: {}", error.fix.as_deref().unwrap_or_default()),
        (SourceErrorKind::AccessDenied, Some("cloudformation:DescribeStacks")) => {
            "; listing stacks also needs cloudformation:ListStacks; --image-status AVAILABLE needs neither"
        }
        _ => "",
    };
    format!("{}: {error}{step}", error.action())
}

/// One line for each image, in kubectl's table layout, with the first `COLUMNS` columns.
fn table<const COLUMNS: usize>(images: &[ImageInfoSummary], no_headers: bool) -> String {
    let header = HEADER.map(str::to_owned);
    let rows: Vec<_> = (!no_headers).then_some(header).into_iter().chain(images.iter().map(row)).collect();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: [usize; COLUMNS] = std::array::from_fn(|column| width(column).unwrap_or_default());
    let line = |row: &[String; HEADER.len()]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}   "));
        cells.collect::<String>().trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

const HEADER: [&str; 8] = ["IMAGE-ID", "STATUS", "AMI", "AMI-STATE", "VERSION", "STACK-STATUS", "REGION", "STACK-ARN"];

fn row(image: &ImageInfoSummary) -> [String; HEADER.len()] {
    let status = image.image_build_status.and_then(|status| serde_json::to_value(status).ok());
    let status = status.as_ref().and_then(|status| status.as_str());
    let ami = image.ec2_ami_info.as_ref().and_then(|ami| ami.ami_id.as_deref());
    let state = image.ec2_ami_info.as_ref().and_then(|ami| ami.state.as_deref());
    let stack_status = image.cloudformation_stack_status.as_deref();
    let (version, stack_arn) = (image.version.as_deref(), image.cloudformation_stack_arn.as_deref());
    let id = image.image_id.as_str();
    [Some(id), status, ami, state, version, stack_status, Some(image.region.as_str()), stack_arn].map(cell)
}

/// Other people write tags: a control character must not end the line or control the terminal.
fn cell(text: Option<&str>) -> String {
    text.filter(|text| !text.is_empty()).map_or_else(|| "-".to_owned(), |text| escaped(text).into_owned())
}

/// Each image id once. Anybody may write a tag: what is no image id is left out, with a remark.
fn ids(images: &[ImageInfoSummary]) -> Vec<ImageId> {
    let ids: BTreeSet<&str> = images.iter().map(|image| image.image_id.as_str()).collect();
    let parsed = ids.into_iter().filter_map(|id| {
        let parsed = ImageId::parse(id).ok();
        if parsed.is_none() {
            remark(&format!("left out, because it is not an image id: {id}"));
        }
        parsed
    });
    parsed.collect()
}

/// One CustomImage for each image id, however many AMIs and stacks the id has.
fn manifests(images: &[ImageInfoSummary], scope: &Scope, identity: Option<&str>) -> Result<String, String> {
    let document = |id: ImageId| yaml(&manifest::of_image(&id, &scope.region, identity));
    let documents: Result<Vec<_>, _> = ids(images).into_iter().map(document).collect();
    Ok(documents?.join("---\n"))
}

/// Without block scalars, a long id stays on its line.
fn yaml(document: &impl serde::Serialize) -> Result<String, String> {
    let plain = serde_saphyr::ser_options! { prefer_block_scalars: false };
    serde_saphyr::to_string_with_options(document, plain).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_can_neither_forge_a_line_nor_control_the_terminal() {
        let image = ImageInfoSummary {
            image_id: "a\nforged\u{202e}".into(),
            image_build_status: None,
            ec2_ami_info: None,
            cloudformation_stack_status: None,
            cloudformation_stack_arn: None,
            region: "eu-west-1".into(),
            version: Some("\u{1b}[2J".into()),
        };
        let text = table::<8>(&[image], false);
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.contains(r"a\nforged\u{202e} ") && text.contains(r"\u{1b}[2J"), "{text}");
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
    }
}
