//! Where CloudWatch has the log of an image build. Image Builder chooses the names; the official program reads the same.

use super::image_id::Region;

/// The log of one image build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageBuildLog {
    /// The name of the log group.
    pub group: String,
    /// The name of the stream in it, such as 3.16.1/1: the version of ParallelCluster, and the number of the build.
    pub stream: String,
}

/// The name of the log group of all builds of an image.
#[must_use]
pub fn group(image_id: &str) -> String {
    format!("/aws/imagebuilder/ParallelClusterImage-{image_id}")
}

/// The ARN of a log group.
#[must_use]
pub fn group_arn(partition: &str, region: &Region, account_id: &str, group: &str) -> String {
    format!("arn:{partition}:logs:{region}:{account_id}:log-group:{group}")
}

/// The log of the image build version `arn`. `None` if it is not a build of `image_id`, such as of an own pipeline that
/// took over the tags.
#[must_use]
pub fn of(arn: &str, image_id: &str) -> Option<ImageBuildLog> {
    let (name, stream) = arn.split_once(":image/")?.1.split_once('/')?;
    let is_of_image = name.eq_ignore_ascii_case(&format!("ParallelClusterImage-{image_id}"));
    (is_of_image && !stream.is_empty()).then(|| ImageBuildLog { group: group(image_id), stream: stream.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_that_of_the_image_build_and_of_no_other_image() {
        let arn = "arn:aws:imagebuilder:eu-west-1:111122223333:image/parallelclusterimage-hpc-base/3.16.1/2";
        let log = of(arn, "HPC-base").unwrap();
        assert_eq!(log.group, "/aws/imagebuilder/ParallelClusterImage-HPC-base");
        assert_eq!(log.stream, "3.16.1/2");
        for (arn, id) in
            [(arn, "hpc"), ("arn:aws:imagebuilder:eu-west-1:111122223333:image/own/1.0.0/1", "own"), ("", "")]
        {
            assert_eq!(of(arn, id), None, "{arn} {id}");
        }
    }
}
