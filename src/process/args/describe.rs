//! The flags of `describe`: the image, and how the answer is printed.

use super::aws::AwsArgs;
use clap::{Args as ClapArgs, ValueEnum};

#[derive(Debug, ClapArgs)]
pub struct DescribeArgs {
    /// Not taken: an image is named by --image-id.
    #[arg(hide = true, value_parser = refused)]
    pub name: Option<String>,
    /// Id of the image: a letter, then letters, digits and hyphens; at most 128 characters.
    #[arg(short, long, value_name = "ID", allow_hyphen_values = true)]
    pub image_id: String,
    /// Region of the image. Default: AWS_REGION, AWS_DEFAULT_REGION, then the profile's region.
    #[arg(short, long)]
    pub region: Option<String>,
    /// Format of the answer.
    #[arg(short, long, value_enum, default_value_t = Output::Json)]
    pub output: Output,
    #[command(flatten)]
    pub aws: AwsArgs,
}

fn refused(name: &str) -> Result<String, String> {
    Err(format!(
        "an image is named by --image-id {name}; a CustomImage is shown by kubectl get customimage {name} -o yaml"
    ))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    Json,
    Yaml,
}
