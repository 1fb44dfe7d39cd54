//! The command line: arguments, commands, progress, tables and exit codes.
