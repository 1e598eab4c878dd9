//! The flags of `list`: what is listed, and how it is printed.

use crate::describe_image::list_images::StatusFilter;
use crate::process::args::aws::AwsArgs;
use crate::process::args::value::identity;
use clap::{Args as ClapArgs, ValueEnum};

#[derive(Debug, ClapArgs)]
pub struct ListArgs {
    /// Region of the images. Default: AWS_REGION, AWS_DEFAULT_REGION, then the profile's region.
    #[arg(short, long)]
    pub region: Option<String>,
    /// List only images with these statuses, separated by commas. Default: all images, also those without a status (the
    /// stack is complete, or is being deleted).
    #[arg(long, value_enum, value_name = "STATUS", value_delimiter = ',', ignore_case = true)]
    pub image_status: Vec<ImageStatus>,
    /// Format of the list.
    #[arg(short, long, value_enum, default_value_t = ListOutput::Table)]
    pub output: ListOutput,
    /// Leave out the line with the names of the columns.
    #[arg(long)]
    pub no_headers: bool,
    /// spec.identity of the manifests: the identity in the operator's configuration for this account. It does not
    /// change the credentials that this command uses.
    #[arg(long, value_name = "NAME", value_parser = identity)]
    pub identity: Option<String>,
    #[command(flatten)]
    pub aws: AwsArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ListOutput {
    Table,
    /// The table with more columns.
    Wide,
    /// The API's response.
    Json,
    /// The same, as YAML.
    Yaml,
    /// The image ids, each once.
    Name,
    /// A CustomImage for each image id, in YAML.
    Manifests,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ImageStatus {
    Available,
    Pending,
    Failed,
}

impl ListArgs {
    /// The requested filters, as the domain's type.
    #[must_use]
    pub fn filters(&self) -> Vec<StatusFilter> {
        let status = |status: &ImageStatus| match status {
            ImageStatus::Available => StatusFilter::Available,
            ImageStatus::Pending => StatusFilter::Pending,
            ImageStatus::Failed => StatusFilter::Failed,
        };
        self.image_status.iter().map(status).collect()
    }
}
