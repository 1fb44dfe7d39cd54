//! What each command does, free of argument parsing and terminals.
