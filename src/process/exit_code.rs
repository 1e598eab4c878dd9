//! The exit codes of the commands that ask AWS. The official program has 1 for every error.

use crate::describe_image::ApiError;
use std::process::ExitCode;

/// What the help says about them.
pub const HELP: &str = "Exit codes:
  0    done
  1    failed for another reason than those below
  2    the command line, an id or a region is wrong
  3    the credentials are refused, have expired or are of another account
  4    there is no such image, log, stack or CustomImage
  5    AWS throttles
  6    AWS denies access
  130  interrupted by Ctrl-C";

/// A program that was interrupted by Ctrl-C.
pub const INTERRUPTED: u8 = 130;

/// The command line, an id or a region is wrong.
pub const USAGE: u8 = 2;

/// The exit code of an error answer.
#[must_use]
pub fn of(error: &ApiError) -> ExitCode {
    match error.status {
        400 => USAGE,
        401 => 3,
        404 => 4,
        429 => 5,
        403 => 6,
        _ => 1,
    }
    .into()
}
