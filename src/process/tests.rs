//! Tests of what a person writes: the command line, the environment, and the configuration file.

mod fuzz_command_line;
mod fuzz_configuration;
mod fuzz_environment;
mod fuzz_values;
mod words;
