//! The command `list`: prints every image and image stack of an account in a region on stdout. Remarks go to stderr.

use crate::aws::{Aws, IgnoreCalls};
use crate::describe_image::list_images::list_images;
use crate::describe_image::response::{ImageInfoSummary, ListImagesResponse};
use crate::describe_image::{ApiError, ImageId, Scope, SourceError, SourceErrorKind};
use crate::kubernetes::custom_image::manifest;
use crate::plain_text::escaped;
use crate::process::args::describe::Output;
use crate::process::args::list::{ListArgs, ListOutput};
use crate::process::args::region::asked_region;
use crate::process::stdout;
use std::collections::BTreeSet;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

/// Exit code 0 with the list, 1 with the API's error, 2 when --identity is used without manifests.
pub async fn run(args: ListArgs) -> ExitCode {
    if args.identity.is_some() && args.output != ListOutput::Manifests {
        remark("customimage-operator: --identity is only for manifests: use it with --output manifests");
        return ExitCode::from(2);
    }
    let scope = match asked_region(args.region.clone()).await {
        Ok(region) => Scope::default_identity(region),
        Err(error) => return failed(&error, &error.to_string(), args.output),
    };
    let aws = Aws::connect(&args.aws.settings(), Some(&scope.region), Arc::new(IgnoreCalls)).await;
    match list_images(&aws, &scope, &args.filters()).await {
        Ok(list) => succeeded(&list, &scope, &args),
        Err(error) => failed(&ApiError::from(error.clone()), &with_next_step(&error), args.output),
    }
}

fn succeeded(list: &ListImagesResponse, scope: &Scope, args: &ListArgs) -> ExitCode {
    match args.output {
        ListOutput::Json => stdout::print(list, Output::Json, ExitCode::SUCCESS),
        ListOutput::Table | ListOutput::Manifests if list.images.is_empty() => {
            remark(format_args!("No images in {}.", scope.region));
            ExitCode::SUCCESS
        }
        ListOutput::Table => stdout::put(Ok(table(&list.images)), ExitCode::SUCCESS),
        ListOutput::Manifests => {
            stdout::put(manifests(&list.images, scope, args.identity.as_deref()), ExitCode::SUCCESS)
        }
    }
}

/// JSON output gets the API's error on stdout. Other formats get text on stderr, because stdout may be piped into
/// kubectl.
fn failed(answer: &ApiError, words: &str, output: ListOutput) -> ExitCode {
    if output == ListOutput::Json {
        return stdout::print(answer, Output::Json, ExitCode::FAILURE);
    }
    remark(format_args!("customimage-operator: {words}"));
    ExitCode::FAILURE
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

fn remark(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{}", escaped(&text.to_string()));
}

/// One line for each image, in kubectl's table layout.
fn table(images: &[ImageInfoSummary]) -> String {
    let header = ["IMAGE-ID", "STATUS", "AMI", "AMI-STATE", "VERSION", "STACK-STATUS"].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(header).chain(images.iter().map(row)).collect();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths = [0, 1, 2, 3, 4, 5].map(|column| width(column).unwrap_or_default());
    let line = |row: &[String; 6]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}   "));
        cells.collect::<String>().trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn row(image: &ImageInfoSummary) -> [String; 6] {
    let status = image.image_build_status.and_then(|status| serde_json::to_value(status).ok());
    let status = status.as_ref().and_then(|status| status.as_str());
    let ami = image.ec2_ami_info.as_ref().and_then(|ami| ami.ami_id.as_deref());
    let state = image.ec2_ami_info.as_ref().map(|ami| ami.state.as_str());
    let stack_status = image.cloudformation_stack_status.as_deref();
    [Some(image.image_id.as_str()), status, ami, state, image.version.as_deref(), stack_status].map(cell)
}

/// Other people write tags: a control character must not end the line or control the terminal.
fn cell(text: Option<&str>) -> String {
    text.filter(|text| !text.is_empty()).map_or_else(|| "-".to_owned(), |text| escaped(text).into_owned())
}

/// One CustomImage for each image id, however many AMIs and stacks the id has.
fn manifests(images: &[ImageInfoSummary], scope: &Scope, identity: Option<&str>) -> Result<String, String> {
    let ids: BTreeSet<&str> = images.iter().map(|image| image.image_id.as_str()).collect();
    let mut documents = Vec::new();
    for id in ids {
        let Ok(id) = ImageId::parse(id) else {
            remark(format_args!("left out, because it is not an image id: {id}"));
            continue;
        };
        documents.push(yaml(&manifest::of_image(&id, &scope.region, identity))?);
    }
    Ok(documents.join("---\n"))
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
        let text = table(&[image]);
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.contains(r"a\nforged\u{202e} ") && text.contains(r"\u{1b}[2J"), "{text}");
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
    }
}
