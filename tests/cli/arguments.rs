//! Parsing: shared flags, numbers with a sign, and one list behind help, completions and manuals.

use std::collections::BTreeSet;

use clap::builder::ValueParser;
use clap::{ColorChoice, Parser};
use dynamic_inversion::cli::arguments::{JsonArgs, ModelArgs, OutputArgs, ThreadArgs};
use dynamic_inversion::cli::help::{self, EXAMPLES, GROUPS};

/// A command that takes every shared group, as the computing commands do.
#[derive(Debug, Parser)]
struct Everything {
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    json: JsonArgs,
    #[command(flatten)]
    threads: ThreadArgs,
}

fn parse(line: &[&str]) -> Result<Everything, clap::Error> {
    Everything::try_parse_from([&["dinv"], line].concat())
}

#[test]
fn shared_flags_are_read() {
    let line = ["m.toml", "-o", "x.h5", "--force", "--json", "--threads", "2", "--seed", "7"];
    let everything = parse(&line).unwrap();
    assert_eq!(everything.output.output.unwrap().to_str(), Some("x.h5"));
    assert!(everything.output.force && everything.json.json);
    assert_eq!(everything.threads.threads.unwrap().get(), 2);
    assert_eq!(everything.model.seed, Some(7));
}

#[test]
fn a_model_may_come_from_standard_input_or_have_an_odd_name() {
    assert_eq!(parse(&["-"]).unwrap().model.model.to_str(), Some("-"));
    assert_eq!(parse(&["--", "-x.toml"]).unwrap().model.model.to_str(), Some("-x.toml"));
    assert_eq!(parse(&["a b.toml"]).unwrap().model.model.to_str(), Some("a b.toml"));
}

#[test]
fn values_to_set_may_be_negative_in_both_forms() {
    let expected = ["dynamics.linear.leak=-0.5", "run.t_span=[-1, 1e-3]"];
    let spaced = parse(&["m.toml", "--set", expected[0], "--set", expected[1]]).unwrap();
    assert_eq!(spaced.model.overrides, expected);
    let glued = expected.map(|text| format!("--set={text}"));
    let glued = parse(&["m.toml", &glued[0], &glued[1]]).unwrap();
    assert_eq!(glued.model.overrides, expected);
}

#[test]
fn no_threads_and_negative_counts_are_refused() {
    assert!(parse(&["m.toml", "--threads", "0"]).is_err());
    assert!(parse(&["m.toml", "--threads=-1"]).is_err());
    assert!(parse(&["m.toml", "--seed=-1"]).is_err());
    assert!(parse(&["m.toml", "--threads", "1024"]).is_ok());
    assert!(parse(&["m.toml", "--threads", "1000000"]).is_err());
    assert!(parse(&["m.toml", "--seed", "9223372036854775807"]).is_ok());
    assert!(parse(&["m.toml", "--seed", "9223372036854775808"]).is_err());
    // A negative number is a wrong value, not an unknown flag.
    for flag in ["--seed", "--threads"] {
        let error = parse(&["m.toml", flag, "-1"]).unwrap_err().to_string();
        assert!(error.contains("invalid value '-1'") && error.contains(flag), "{error}");
    }
}

/// Every option that takes a real number must accept one with a sign after a space: otherwise
/// `--at -0.5` is read as a flag.
#[test]
fn real_valued_options_accept_a_sign() {
    let mut command = help::command(ColorChoice::Never);
    command.build();
    let real = ValueParser::from(clap::value_parser!(f64)).type_id();
    for subcommand in command.get_subcommands() {
        for argument in subcommand.get_arguments() {
            let takes_real = argument.get_value_parser().type_id() == real;
            assert!(
                !takes_real || argument.is_allow_hyphen_values_set(),
                "{} of {} needs allow_hyphen_values",
                argument.get_id(),
                subcommand.get_name(),
            );
        }
    }
}

/// The idiom the rule above asks for, with the exponents clap's own test for numbers misses.
#[test]
fn signed_numbers_are_read_with_hyphen_values() {
    #[derive(Debug, Parser)]
    struct Signed {
        #[arg(long, allow_hyphen_values = true)]
        at: f64,
    }
    for (line, value) in [
        (vec!["dinv", "--at", "-0.5"], -0.5),
        (vec!["dinv", "--at=-0.5"], -0.5),
        (vec!["dinv", "--at", "-1e-3"], -1e-3),
        (vec!["dinv", "--at", "-inf"], f64::NEG_INFINITY),
    ] {
        assert_eq!(Signed::try_parse_from(line).unwrap().at, value);
    }
    assert!(Signed::try_parse_from(["dinv", "--at", "--json"]).is_err());
}

#[test]
fn the_definition_is_consistent() {
    help::command(ColorChoice::Never).debug_assert();
}

#[test]
fn every_command_is_in_one_group_of_the_overview() {
    let command = help::command(ColorChoice::Never);
    let defined: BTreeSet<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    let listed: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
    assert_eq!(listed.len(), defined.len(), "a command is listed twice or not at all: {listed:?}");
    assert_eq!(listed.iter().copied().collect::<BTreeSet<_>>(), defined);
}

#[test]
fn examples_of_the_overview_parse() {
    for (line, _) in EXAMPLES {
        let words = line.split(" | ").next().unwrap().split_whitespace();
        if let Err(error) = help::command(ColorChoice::Never).try_get_matches_from(words) {
            panic!("{line}: {error}");
        }
    }
}
